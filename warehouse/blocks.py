"""A pass cut into blocks of rooms: their calendars, their days and their bookings as plain arrays.

An array finds by index what a table finds by key: the lines of a calendar, the days of a room, the
bookings of a block.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints: TypeAlias = npt.NDArray[np.int64]
Array: TypeAlias = npt.NDArray[Any]


class Lines:
    """Calendar lines, then one empty line; cells and days are counted from the pass's first.

    ``line_of`` has one column for each profile: the indexes of its lines, then empty ones.
    ``is_next`` says where the row below is the next hour of the same day.
    """

    def __init__(self, profile: Array, cell: Array, day: Array, open_mask: Ints) -> None:
        self.cell = np.append(cell.astype(np.int32), np.int32(0))
        self.day = np.append(day.astype(np.int32), np.int32(0))
        self.open_mask = np.append(open_mask, np.int64(0))
        lines = np.lexsort((cell, profile))
        counts = np.bincount(profile)
        row = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.line_of = np.full((counts.max(), len(counts)), len(lines), np.int32)
        self.line_of[row, profile[lines]] = lines
        above, below = self.line_of[:-1], self.line_of[1:]
        self.is_next = np.zeros(self.line_of.shape, np.bool_)
        self.is_next[:-1] = (self.cell[below] == self.cell[above] + 1) & (below < len(lines))
        self.is_next[:-1] &= self.day[below] == self.day[above]


class Calendar(Lines):
    """The calendar of a pass; a cell that a clock change cuts has two lines in a profile.

    ``hours`` merges lines of one cell and day; without such lines it is the calendar itself.
    """

    def __init__(self, calendar: pa.Table) -> None:
        cell, day, profile = (
            column(calendar, "cell"),
            day_numbers(calendar),
            column(calendar, "profile"),
        )
        self.first_cell, self.first_day = int(cell.min()), int(day.min())
        self.cells, self.days = int(np.ptp(cell)) + 1, int(np.ptp(day)) + 1
        open_mask = column(calendar, "open_mask")
        super().__init__(profile, cell - self.first_cell, day - self.first_day, open_mask)
        self.hour = np.append(column(calendar, "local_hour"), np.int32(0))
        self.is_split = np.append(column(calendar, "is_split"), np.False_)
        self.part_mask = np.append(column(calendar, "part_mask"), np.int64(0))
        key = (profile * np.int64(self.cells) + self.cell[:-1]) * self.days + self.day[:-1]
        own, first, of = np.unique(key, return_index=True, return_inverse=True)
        self.hours: Lines = self
        if len(own) < len(key):
            united = np.zeros(len(own), np.int64)
            np.bitwise_or.at(united, of, open_mask)
            self.hours = Lines(profile[first], self.cell[first], self.day[first], united)


@dataclass(frozen=True, slots=True)
class Block:
    """Some rooms: their calendars and days, and their bookings in minutes, one entry each."""

    first_room: int
    profile: Array  # by room
    is_listed: Array  # by day and room
    is_read: Array  # the same, without rooms whose parts count instead
    is_in_use: Array  # by day and room
    room: Array  # of a booking, counted from the block's first
    starts: Ints
    ends: Ints
    is_all_day: Array
    is_booked: Array
    is_own: Array
    day: Array  # of the local start, counted from the pass's first
    known_from: Ints


_OF_BOOKINGS = ("starts", "ends", "is_all_day", "is_booked", "is_own", "day", "known_from")


class Rooms:
    """The rooms with a day or a booking in the pass, block by block."""

    def __init__(
        self, bookings: pa.Table, room_dates: pa.Table, calendar: Calendar, per_block: int
    ) -> None:
        of_booking, own_day = column(bookings, "room_no"), column(room_dates, "room_no")
        day = day_numbers(room_dates) - calendar.first_day
        self.count = int(max(own_day.max(), of_booking.max(initial=0))) + 1
        self._per_block = per_block
        self.profile = np.zeros(self.count, np.int32)
        self.profile[own_day] = column(room_dates, "profile")
        days = np.zeros((3, calendar.days, self.count), np.bool_)
        is_alone = ~column(room_dates, "is_whole")
        days[0, day, own_day] = True
        days[1, day, own_day] = is_alone
        days[2, day, own_day] = is_alone & column(room_dates, "is_in_use")
        # 16 bits: NumPy sorts those by counting.
        block_of = (of_booking // per_block).astype(np.uint16)
        order = np.argsort(block_of, kind="stable")
        self._edges = np.searchsorted(block_of.take(order), np.arange(len(self.blocks) + 1))
        names = ("starts_minute", "ends_minute", "is_all_day", "is_booked", "is_own")
        others = [column(bookings, name).take(order) for name in names]
        own_day = day_numbers(bookings, "local_start_date")
        others.append(own_day.take(order) - calendar.first_day)
        others.append(column(bookings, "known_from").take(order))
        room = of_booking.take(order)
        self.every = Block(0, self.profile, days[0], days[1], days[2], room, *others)

    @property
    def blocks(self) -> range:
        """The numbers of the blocks."""
        return range(-(-self.count // self._per_block))

    def block(self, number: int) -> Block:
        """Return one block; the last one may have fewer rooms."""
        first, end = number * self._per_block, (number + 1) * self._per_block
        mine = slice(self._edges[number], self._edges[number + 1])
        every = self.every
        return Block(
            first,
            every.profile[first:end],
            every.is_listed[:, first:end],
            every.is_read[:, first:end],
            every.is_in_use[:, first:end],
            every.room[mine] - first,
            *[getattr(every, name)[mine] for name in _OF_BOOKINGS],
        )


def cut_at_hours(starts: Ints, ends: Ints, cells: int) -> tuple[Array, Ints, Ints]:
    """Cut spans of minutes at full hours; return each piece's span, cell and mask.

    Cells are counted from 0; anything outside them is dropped.
    """
    first = np.maximum(starts // 60, 0)
    counts = np.maximum(np.minimum((ends - 1) // 60, cells - 1) - first + 1, 0)
    of = np.repeat(np.arange(len(counts)), counts)
    cell = np.arange(len(of)) - (np.cumsum(counts) - counts - first).take(of)
    from_bit = np.maximum(starts.take(of) - cell * 60, 0)
    to_bit = np.minimum(ends.take(of) - cell * 60, 60)
    one = np.int64(1)
    return of, cell, (one << to_bit) - (one << from_bit)


def column(table: pa.Table, name: str) -> Array:
    """Return a column as an array."""
    values: Array = table[name].to_numpy()
    return values


def day_numbers(table: pa.Table, name: str = "local_date") -> Array:
    """Return the dates as days since 1970-01-01."""
    values: Array = table[name].cast(pa.int32()).to_numpy()
    return values
