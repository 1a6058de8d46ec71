"""A pass cut into blocks of rooms: their calendars, their days and their bookings as plain arrays.

Belongs here: finding by its place what a table finds by a key: the lines of a calendar, the days
of a room, the bookings of a block.
Does not belong here: what is made of them (``masks.py``), clocks and opening hours
(``calendar.py``).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints: TypeAlias = npt.NDArray[np.int64]
Array: TypeAlias = npt.NDArray[Any]


class Calendar:
    """The lines of the calendar; cells and days are counted from the first of the pass.

    ``line_of`` has the lines of a profile in one column, filled up with an empty line. Two lines of
    a profile can share a cell, where a clock change cuts it.
    """

    def __init__(self, calendar: pa.Table) -> None:
        cell, day, profile = (
            column(calendar, "cell"),
            day_numbers(calendar),
            column(calendar, "profile"),
        )
        self.first_cell, self.first_day = int(cell.min()), day.min()
        self.cells, self.days = int(np.ptp(cell)) + 1, int(np.ptp(day)) + 1
        self.cell = np.append((cell - self.first_cell).astype(np.int32), np.int32(0))
        self.day = np.append(day - self.first_day, np.int32(0))
        self.hour = np.append(column(calendar, "local_hour"), np.int32(0))
        self.is_split = np.append(column(calendar, "is_split"), np.False_)
        self.part_mask = np.append(column(calendar, "part_mask"), np.int64(0))
        self.open_mask = np.append(column(calendar, "open_mask"), np.int64(0))
        lines = np.argsort(profile, kind="stable")
        counts = np.bincount(profile)
        row = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.line_of = np.full((counts.max(), len(counts)), len(lines), np.int32)
        self.line_of[row, profile[lines]] = lines


@dataclass(frozen=True, slots=True)
class Block:
    """Some rooms: their calendars, their days, and their bookings, one entry each, in minutes."""

    first_room: int
    profile: Array  # by room
    is_read: Array  # by day and room
    is_in_use: Array  # by day and room
    room: Array  # of a booking, counted from the first of the block
    starts: Ints
    ends: Ints
    is_all_day: Array
    is_booked: Array
    known_from: Ints


class Rooms:
    """The rooms with a day or a booking in the pass, to be taken block by block."""

    def __init__(
        self, bookings: pa.Table, room_dates: pa.Table, calendar: Calendar, per_block: int
    ) -> None:
        names = ("room_no", "starts_minute", "ends_minute", "is_all_day", "is_booked", "known_from")
        self._bookings = [column(bookings, name) for name in names]
        room, day = column(room_dates, "room_no"), day_numbers(room_dates) - calendar.first_day
        self._count = int(max(room.max(), self._bookings[0].max(initial=0))) + 1
        self._per_block = per_block
        self._profile = np.zeros(self._count, np.int32)
        self._profile[room] = column(room_dates, "profile")
        self._is_read, self._is_in_use = np.zeros((2, calendar.days, self._count), np.bool_)
        self._is_read[day, room] = True
        self._is_in_use[day, room] = column(room_dates, "is_in_use")
        # Of 16 bits, since those are sorted by counting.
        block_of = (self._bookings[0] // per_block).astype(np.uint16)
        self._order = np.argsort(block_of, kind="stable")
        self._edges = np.searchsorted(block_of[self._order], np.arange(len(self.blocks) + 1))

    @property
    def blocks(self) -> range:
        """The numbers of the blocks."""
        return range(-(-self._count // self._per_block))

    def block(self, number: int) -> Block:
        """Return one block; the last one can have fewer rooms."""
        first, end = number * self._per_block, (number + 1) * self._per_block
        mine = self._order[self._edges[number] : self._edges[number + 1]]
        room, *others = [values[mine] for values in self._bookings]
        return Block(
            first,
            self._profile[first:end],
            self._is_read[:, first:end],
            self._is_in_use[:, first:end],
            room - first,
            *others,
        )


def cut_at_hours(starts: Ints, ends: Ints, cells: int) -> tuple[Array, Ints, Ints]:
    """Cut spans of minutes at full hours; return of which span each piece is, its cell and mask.

    Cells are counted from 0; what lies outside of them is dropped.
    """
    first = np.maximum(starts // 60, 0)
    counts = np.maximum(np.minimum((ends - 1) // 60, cells - 1) - first + 1, 0)
    of = np.repeat(np.arange(len(counts)), counts)
    cell = np.arange(len(of)) - (np.cumsum(counts) - counts - first)[of]
    from_bit = np.maximum(starts[of] - cell * 60, 0)
    to_bit = np.minimum(ends[of] - cell * 60, 60)
    one = np.int64(1)
    return of, cell, (one << to_bit) - (one << from_bit)


def column(table: pa.Table, name: str) -> Array:
    """Return a column as an array."""
    values: Array = table[name].to_numpy()
    return values


def day_numbers(table: pa.Table) -> Array:
    """Return the dates as days since 1970-01-01."""
    values: Array = table["local_date"].cast(pa.int32()).to_numpy()
    return values
