"""How much of each past day was booked 0 to 28 days before it, by building (R23).

Distance d shows a past day as it stood when it was as far ahead as the d-th day after data_through
is now. Distance 0 is the day's final state.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from warehouse.blocks import Array, Block, Ints, column, cut_at_hours, day_numbers
from warehouse.masks import Hours

DISTANCES: Final = 28
_LEVELS: Final = DISTANCES + 1
_DAY_MINUTES: Final = 24 * 60
_EVER: Final = np.iinfo(np.int64).max


class Pieces(NamedTuple):
    """Parts of bookings within one hour, there from ``known_from`` until ``gone_at``, if it went.

    ``cell`` is counted from the pass's first; the others are as in ``live``.
    """

    cell: Array
    room: Array
    mask: Ints
    known_from: Ints
    gone_at: Ints

    def take(self, chosen: Array) -> "Pieces":
        """Return some of them."""
        return Pieces(*(each[chosen] for each in self))

    @staticmethod
    def joined(pieces: "list[Pieces]") -> "Pieces":
        """Return all of them together."""
        return Pieces(*map(np.concatenate, zip(*pieces, strict=True)))


def known_minutes(
    hours: Hours | None, gone: pa.Table, dates: pa.Table, read_late: Ints, threads: int
) -> pa.Table:
    """Return the minutes of each building and day, schema ``KNOWN``.

    ``hours`` is the pass's; ``gone`` and ``dates`` have the columns of ``gone_here.sql`` and
    ``known_dates.sql``. ``read_late`` has, by profile, the minutes from the start of the day after
    data_through to the latest reading.
    """
    if not len(dates) or hours is None:
        return KNOWN.empty_table()
    rooms = hours.rooms
    count = max(rooms.count, 1 + int(column(gone, "room_no").max(initial=-1)))
    known = _Known(count, dates, hours, read_late)
    went = known.cut(*(column(gone, name) for name in _GONE))
    known.has_gone[went.cell, went.room] = True
    with ThreadPoolExecutor(threads) as pool:
        blocks = pool.map(known.of_block, map(rooms.block, rooms.blocks), hours.shared)
        levels, shared = zip(*blocks, strict=True)
    return known.table(sum(levels), Pieces.joined([*shared, went]))


class _Known:
    """The calendar lines by cell and profile, and which room-days count for which building."""

    def __init__(self, rooms: int, dates: pa.Table, hours: Hours, read_late: Ints) -> None:
        self.calendar = hours.calendar
        room, day = column(dates, "room_no"), day_numbers(dates)
        self._dates = (day - self.calendar.first_day, room)
        self._profile = np.zeros(rooms, np.int32)
        self._profile[: hours.rooms.count] = hours.rooms.profile
        self._building = np.zeros(rooms, np.int64)
        self._building[room] = column(dates, "building_no")
        self._is_counted = np.zeros((self.calendar.days, rooms), np.bool_)
        self._is_counted[self._dates] = True
        # Room-hours that a booking left: other pieces there must be united with it.
        self.has_gone = np.zeros((self.calendar.cells, rooms), np.bool_)
        self._place_lines(read_late)

    def _place_lines(self, read_late: Ints) -> None:
        """Find the line of each cell and profile, two where a clock change cuts the cell."""
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
        # The instant of distance 1 on the shifted clock; distance d is d - 1 days earlier.
        self._latest = np.zeros(none + 1, np.int64)
        self._latest[line] = midnight[calendar.day[line], profile] + read_late[profile]
        self._latest += calendar.first_cell * 60
        self._open_minutes = np.zeros(midnight.shape, np.int64)
        minutes = np.bitwise_count(calendar.open_mask[line])
        np.add.at(self._open_minutes, (calendar.day[line], profile), minutes)
        # The day of each cell (-1 if it has none or two), and its open minutes.
        line, is_cut = self._lines[0], self._lines[1] < none
        self._day_of = np.where(is_cut | (line == none), -1, calendar.day[line])
        self._open = np.bitwise_or(*calendar.open_mask[self._lines])
        opened = np.cumsum(np.bitwise_count(self._open), axis=0, dtype=np.int64)
        self._opened = opened - np.bitwise_count(self._open)

    def cut(self, room: Array, starts: Ints, ends: Ints, known_from: Ints, gone_at: Ints) -> Pieces:
        """Cut bookings, given in minutes, at full hours."""
        first = self.calendar.first_cell * 60
        of, cell, mask = cut_at_hours(starts - first, ends - first, self.calendar.cells)
        return Pieces(cell, room[of], mask, known_from[of], gone_at[of])

    def of_block(self, block: Block, shared: Array) -> tuple[Array, Pieces]:
        """Return minutes by building and day (row) and farthest distance, and pieces to unite.

        Where no two bookings share an hour of a room, minutes simply add up: a booking within one
        day adds the open minutes from its start to its end.
        """
        chosen = np.flatnonzero(block.is_booked)
        room, starts, ends, known_from = (
            each.take(chosen) for each in (block.room, block.starts, block.ends, block.known_from)
        )
        here = slice(block.first_room, block.first_room + len(block.profile))
        shared = shared | self.has_gone[:, here]
        before = np.zeros((len(shared) + 1, len(block.profile)), np.int32)
        np.cumsum(shared, axis=0, out=before[1:])
        first_minute = self.calendar.first_cell * 60
        first, last = (starts - first_minute) // 60, (ends - 1 - first_minute) // 60
        first_bit, last_bit = (
            starts - first_minute - first * 60,
            ends - 1 - first_minute - last * 60,
        )
        is_alone = (first >= 0) & (last < self.calendar.cells)
        first, last = (np.clip(each, 0, self.calendar.cells - 1) for each in (first, last))
        profile = block.profile.take(room)
        day = self._day_of[first, profile]
        is_alone &= (day >= 0) & (day == self._day_of[last, profile])
        is_alone &= before[last + 1, room] == before[first, room]
        minutes = self._opened[last, profile] - self._opened[first, profile]
        minutes += np.bitwise_count(self._open[last, profile] & ((np.int64(2) << last_bit) - 1))
        minutes -= np.bitwise_count(self._open[first, profile] & ((np.int64(1) << first_bit) - 1))
        room += block.first_room
        minutes *= is_alone & self._is_counted[day, room]
        level = self._farthest(self._lines[0][first, profile], known_from)
        place = (self._building.take(room) * self.calendar.days + day) * _LEVELS + level
        kept = np.flatnonzero(minutes != 0)
        counts = np.bincount(
            place.take(kept), minutes.take(kept), self._days_of_buildings * _LEVELS
        )
        rest = np.flatnonzero(~is_alone)
        ever = np.full(len(rest), _EVER)
        pieces = self.cut(room[rest], starts[rest], ends[rest], known_from[rest], ever)
        return counts.astype(np.int64).reshape(-1, _LEVELS), pieces

    def _add_shared(self, levels: Array, pieces: Pieces) -> None:
        """Add the minutes of hours from which no booking went, by farthest distance.

        Within an hour, pieces known from farthest on go first; later ones add only what is left.
        """
        for row, line, minutes, each in self._minutes(pieces):
            level = self._farthest(line, each.known_from)
            place = each.room.astype(np.int64) * self.calendar.cells + each.cell
            order = np.lexsort((-level, place))
            nth = np.arange(len(order)) - np.searchsorted(place[order], place[order])
            mask, gained, union = minutes[order], *np.zeros((2, len(order)), np.int64)
            for turn in range(int(nth.max(initial=-1)) + 1):
                at = np.flatnonzero(nth == turn)
                first = at - turn  # the first piece of the same hour
                gained[at] = np.bitwise_count(mask[at] & ~union[first])
                union[first] |= mask[at]
            np.add.at(levels, (row[order], level[order]), gained)

    def _add_gone(self, known: Array, pieces: Pieces) -> None:
        """Add, at each distance, the union of the pieces that were booked then."""
        for rows, line, minutes, each in self._minutes(pieces):
            if not len(rows):
                continue
            place = each.room.astype(np.int64) * self.calendar.cells + each.cell
            order = np.argsort(place, kind="stable")
            first = np.flatnonzero(np.append(True, np.diff(place[order]) != 0))
            row, mask = rows[order][first], minutes[order]
            farthest, gone = self._farthest(line, each.known_from)[order], each.gone_at[order]
            went = self._farthest_of(line[order], gone)
            nearest = np.where(gone == _EVER, 0, np.maximum(went + 1, 1))
            for level in range(_LEVELS):
                is_there = (nearest <= level) & ((level <= farthest) | (level == 0))
                union = np.bitwise_or.reduceat(np.where(is_there, mask, 0), first)
                np.add.at(known[:, level], row, np.bitwise_count(union))

    def table(self, levels: Array, pieces: Pieces) -> pa.Table:
        """Return the rows of the buildings' days that were open.

        ``levels`` has minutes by farthest distance; those of the pieces are added to it.
        """
        has_gone = self.has_gone[pieces.cell, pieces.room]
        self._add_shared(levels, pieces.take(np.flatnonzero(~has_gone)))
        known = np.flip(np.cumsum(np.flip(levels, axis=1), axis=1), axis=1)
        self._add_gone(known, pieces.take(np.flatnonzero(has_gone)))
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
        """Return row, line and open minutes (a mask) of the pieces; twice where a cell is cut."""
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
        """Return the farthest distance at which something known from then was there, by line."""
        return np.clip(self._farthest_of(line, known_from), 0, DISTANCES)

    def _farthest_of(self, line: Array, instant: Ints) -> Ints:
        """Return the farthest distance that is not before an instant, by line."""
        farthest: Ints = (self._latest[line] - instant) // _DAY_MINUTES + 1
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
