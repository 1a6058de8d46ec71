"""What was booked of each past day so many days before it, by building (R23).

Belongs here: at which distances each minute of a room was booked, from when a booking came and
when it went; pure functions of Arrow tables, block by block as in ``masks.py``.
Does not belong here: which bookings and changes a pass has (``sql``), forecasts (``ahead.py``).

At a distance of d days a past day is as it stood when it was as far ahead as the d-th day after
data_through is now. Distance 0 is the day as it came in the end.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from warehouse.blocks import (
    Array,
    Block,
    Calendar,
    Ints,
    Rooms,
    column,
    cut_at_hours,
    day_numbers,
)
from warehouse.masks import ROOM_DAYS_PER_BLOCK

DISTANCES: Final = 28
_LEVELS: Final = DISTANCES + 1
_DAY_MINUTES: Final = 24 * 60


class Pieces(NamedTuple):
    """Parts of bookings within one hour: there from ``known_from``, until ``gone_at`` if it went.

    ``cell`` is counted from the first of the pass, the others are as in ``live``.
    """

    cell: Array
    room: Array
    mask: Ints
    known_from: Ints
    gone_at: Ints

    def take(self, chosen: Array) -> "Pieces":
        """Return some of them."""
        return Pieces(*(each[chosen] for each in self))


def known_minutes(  # noqa: PLR0913, PLR0917 - the tables of a pass
    bookings: pa.Table,
    gone: pa.Table,
    dates: pa.Table,
    room_dates: pa.Table,
    masks: pa.Table,
    calendar: pa.Table,
    read_late: Ints,
    threads: int,
) -> pa.Table:
    """Return the minutes of each building and day, schema ``KNOWN``.

    ``bookings`` and ``room_dates`` are those of ``hour_masks``, ``masks`` is what it made of them;
    ``gone`` and ``dates`` are as in ``gone_here.sql`` and ``known_dates.sql``. ``read_late`` has,
    by profile, the minutes from the start of the day after data_through to the latest reading.
    """
    if not len(dates):
        return KNOWN.empty_table()
    count = 1 + max(
        int(column(each, "room_no").max(initial=0)) for each in (room_dates, bookings, gone)
    )
    known = _Known(count, dates, room_dates, masks, Calendar(calendar), read_late)
    rooms = Rooms(bookings, room_dates, known.calendar, known.rooms_per_block)
    went = known.cut(*(column(gone, name) for name in _GONE))
    known.mark_shared(went)
    with ThreadPoolExecutor(threads) as pool:
        blocks = pool.map(lambda number: known.of_block(rooms.block(number)), rooms.blocks)
        levels, shared = zip(*blocks, strict=True)
    alone = np.flip(np.cumsum(np.flip(sum(levels), axis=1), axis=1), axis=1)
    return known.table(alone + known.of_shared([*shared, went]))


class _Known:
    """The lines of a calendar by cell and profile, and which room-days count for which building."""

    def __init__(  # noqa: PLR0913, PLR0917 - the tables of a pass
        self,
        rooms: int,
        dates: pa.Table,
        room_dates: pa.Table,
        masks: pa.Table,
        calendar: Calendar,
        read_late: Ints,
    ) -> None:
        self.calendar = calendar
        self.rooms_per_block = max(1, ROOM_DAYS_PER_BLOCK // calendar.days)
        room, day = column(dates, "room_no"), day_numbers(dates)
        self._dates = (day - calendar.first_day, room)
        self._profile = np.zeros(rooms, np.int32)
        self._profile[column(room_dates, "room_no")] = column(room_dates, "profile")
        self._building = np.zeros(rooms, np.int64)
        self._building[room] = column(dates, "building_no")
        self._is_counted = np.zeros((calendar.days, rooms), np.bool_)
        self._is_counted[self._dates] = True
        self._place_lines(read_late)
        self._is_shared = np.zeros((calendar.cells, rooms), np.bool_)
        at_once = np.flatnonzero(column(masks, "overlap_mask"))
        cell = column(masks, "cell")[at_once] - calendar.first_cell
        self._is_shared[cell, column(masks, "room_no")[at_once]] = True

    def _place_lines(self, read_late: Ints) -> None:
        """Find the lines of each cell and profile, two where a clock change cuts the cell."""
        calendar, none = self.calendar, len(self.calendar.cell) - 1
        is_line = calendar.line_of < none
        line, profile = calendar.line_of[is_line], np.nonzero(is_line)[1]
        self._lines = np.full((2, calendar.cells, calendar.line_of.shape[1]), none, np.int32)
        place = (calendar.cell[line], profile)
        self._lines[0][place] = line
        is_second = self._lines[0][place] != line
        self._lines[1][place[0][is_second], profile[is_second]] = line[is_second]
        part = calendar.part_mask[line]
        begins = calendar.cell[line] * 60 + np.bitwise_count((part & -part) - 1)
        midnight = np.full((calendar.days, calendar.line_of.shape[1]), np.iinfo(np.int64).max)
        np.minimum.at(midnight, (calendar.day[line], profile), begins)
        # The instant of distance 1, on the shifted clock: that of d lies d - 1 days earlier.
        self._latest = np.zeros(none + 1, np.int64)
        self._latest[line] = midnight[calendar.day[line], profile] + read_late[profile]
        self._latest += calendar.first_cell * 60
        self._open_minutes = np.zeros(midnight.shape, np.int64)
        minutes = np.bitwise_count(calendar.open_mask[line])
        np.add.at(self._open_minutes, (calendar.day[line], profile), minutes)

    def cut(self, room: Array, starts: Ints, ends: Ints, known_from: Ints, gone_at: Ints) -> Pieces:
        """Cut bookings, in minutes, at full hours."""
        first = self.calendar.first_cell * 60
        of, cell, mask = cut_at_hours(starts - first, ends - first, self.calendar.cells)
        return Pieces(cell, room[of], mask, known_from[of], gone_at[of])

    def mark_shared(self, pieces: Pieces) -> None:
        """Mark the hours of rooms that these are in: others there need a union with them."""
        self._is_shared[pieces.cell, pieces.room] = True

    def of_block(self, block: Block) -> tuple[Array, Pieces]:
        """Return minutes by building and day (a row) and the farthest distance; and what is shared.

        Where no two bookings of a room share an hour's minutes, minutes can be added.
        """
        chosen = np.flatnonzero(block.is_booked)
        room, starts, ends, known_from = (
            each[chosen] for each in (block.room, block.starts, block.ends, block.known_from)
        )
        ever = np.full(len(chosen), np.iinfo(np.int64).max)
        pieces = self.cut(room + block.first_room, starts, ends, known_from, ever)
        is_shared = self._is_shared[pieces.cell, pieces.room]
        alone = pieces.take(np.flatnonzero(~is_shared))
        counts = np.zeros(self._days_of_buildings * _LEVELS, np.int64)
        for row, line, minutes, each in self._minutes(alone):
            level = np.clip(self._farthest(line, each.known_from), 0, DISTANCES)
            found = np.bincount(row * _LEVELS + level, np.bitwise_count(minutes), len(counts))
            counts += found.astype(np.int64)
        return counts.reshape(-1, _LEVELS), pieces.take(np.flatnonzero(is_shared))

    def of_shared(self, pieces: list[Pieces]) -> Array:
        """Return minutes by building and day, and distance: the union of what was there then."""
        every = Pieces(*(np.concatenate(each) for each in zip(*pieces, strict=True)))
        every = every.take(np.lexsort((every.cell, every.room)))
        known = np.zeros((self._days_of_buildings, _LEVELS), np.int64)
        for row, line, minutes, each in self._minutes(every):
            if not len(row):
                continue
            place = each.room.astype(np.int64) * self.calendar.cells + each.cell
            first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
            farthest, gone = self._farthest(line, each.known_from), each.gone_at
            is_final = gone == np.iinfo(np.int64).max
            nearest = np.where(is_final, 0, np.maximum(self._farthest(line, gone) + 1, 1))
            for level in range(_LEVELS):
                is_there = (nearest <= level) & ((level <= farthest) | (level == 0))
                union = np.bitwise_or.reduceat(np.where(is_there, minutes, 0), first)
                np.add.at(known[:, level], row[first], np.bitwise_count(union))
        return known

    def table(self, known: Array) -> pa.Table:
        """Return the rows of the buildings' days that were open."""
        day, room = self._dates
        minutes = self._open_minutes[day, self._profile[room]]
        row = self._building[room] * self.calendar.days + day
        open_minutes = np.bincount(row, minutes, self._days_of_buildings).astype(np.int64)
        kept = np.flatnonzero(open_minutes)
        days = (kept % self.calendar.days + self.calendar.first_day).astype("datetime64[D]")
        columns = [
            pa.array((kept // self.calendar.days).astype(np.int32)),
            pa.array(days),
            pa.array(open_minutes[kept]),
            pa.FixedSizeListArray.from_arrays(pa.array(known[kept].ravel()), _LEVELS),
        ]
        return pa.Table.from_arrays(columns, schema=KNOWN)

    @property
    def _days_of_buildings(self) -> int:
        return (int(self._building.max()) + 1) * self.calendar.days

    def _minutes(self, pieces: Pieces) -> list[tuple[Array, Array, Ints, Pieces]]:
        """Return row, line and open minutes of the pieces, as a mask; twice where a cell is cut."""
        found = []
        for lines in self._lines:
            line = lines[pieces.cell, self._profile[pieces.room]]
            minutes = pieces.mask & self.calendar.open_mask[line]
            minutes *= self._is_counted[self.calendar.day[line], pieces.room]
            kept = np.flatnonzero(minutes)
            line, some = line[kept], pieces.take(kept)
            row = self._building[some.room] * self.calendar.days + self.calendar.day[line]
            found.append((row, line, minutes[kept], some))
        return found

    def _farthest(self, line: Array, known_from: Ints) -> Ints:
        """Return the farthest distance at which something that came then was there, by line."""
        farthest: Ints = (self._latest[line] - known_from) // _DAY_MINUTES + 1
        return farthest


_GONE: Final = ("room_no", "starts_minute", "ends_minute", "known_from", "gone_at")
KNOWN: Final = pa.schema(
    {
        "building_no": pa.int32(),
        "local_date": pa.date32(),
        "open_minutes": pa.int64(),
        "known": pa.list_(pa.int64(), _LEVELS),
    }
)
"""``known`` has the booked minutes at each distance, 0 to 28."""
AHEAD: Final = pa.schema(
    {
        "building_no": pa.int32(),
        "local_date": pa.date32(),
        "open_minutes": pa.int64(),
        "known": pa.list_(pa.int64(), 1),
    }
)
"""The days ahead, before the first pass: none. ``known`` has what is booked now."""
