"""The minutes of a pass as bits: what is open, booked, held and shared, by room and hour.

Belongs here: cutting bookings at the full hours that they touch, and their union (R6 to R8), on
plain arrays: pure functions of Arrow tables.
Does not belong here: which bookings and room-days a pass has (``sql`` 20 to 24), what is counted of
the bits (``sql`` 27 and up), clocks and opening hours (``calendar.py``).

A cell is one UTC hour, counted as ``calendar.py`` says; bit i of a mask is its minute i. The
definitions are SQL, all but this: the same in SQL (``bit_or`` by room and cell, joined with the
calendar) took nearly twice the time, since a hash table has to find again what an array knows by
its place. A block of rooms is worked on alone, so blocks go to threads here and could go to
machines.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_Ints: TypeAlias = npt.NDArray[np.int64]
_Array: TypeAlias = npt.NDArray[Any]

ROOM_DAYS_PER_BLOCK: Final = 12_000
"""Room-days that are worked on, and stored, together: few enough for a core's cache."""


def hour_masks(
    bookings: pa.Table,
    room_dates: pa.Table,
    calendar: pa.Table,
    threads: int,
    room_days_per_block: int = ROOM_DAYS_PER_BLOCK,
) -> pa.Table:
    """Return the masks of every hour of the room-days that is open or booked.

    ``bookings`` has the columns of ``21_live.sql`` and may reach out of the pass, ``room_dates``
    those of ``20_room_dates.sql``, ``calendar`` those of ``calendar_rows``, of at most a year.

    Columns: place (the row's number), room_no, local_date, local_hour, cell, is_split (as in the
    calendar), and five masks: open_mask, booked_mask and held_mask (open; held and not booked),
    overlap_mask (open, two or more booked), outside_mask (booked while not open; an all-day
    booking never is).

    Sorted by block of rooms, and in it first the hours with nothing held or shared, at last those
    with minutes outside, all by date, hour and booked minutes: the database is the smaller, the
    more equal values stand beside each other.
    """
    if not len(room_dates) or not len(calendar):
        return _MASKS.empty_table()
    lines = _Calendar(calendar)
    rooms = _Rooms(bookings, room_dates, lines, max(1, room_days_per_block // lines.days))
    with ThreadPoolExecutor(threads) as pool:
        tables = pool.map(lambda number: _block_masks(rooms.block(number), lines), rooms.blocks)
        masks = pa.concat_tables(tables)
    places = np.arange(len(masks), dtype=np.int32)
    return masks.add_column(0, "place", [places]).cast(_MASKS)


class _Calendar:
    """The lines of the calendar; cells and days are counted from the first of the pass.

    ``line_of`` has the lines of a profile in one column, filled up with an empty line. Two lines of
    a profile can share a cell, where a clock change cuts it.
    """

    def __init__(self, calendar: pa.Table) -> None:
        cell, day, profile = (
            _column(calendar, "cell"),
            _days(calendar),
            _column(calendar, "profile"),
        )
        self.first_cell, self.first_day = int(cell.min()), day.min()
        self.cells, self.days = int(np.ptp(cell)) + 1, int(np.ptp(day)) + 1
        self.cell = np.append((cell - self.first_cell).astype(np.int32), np.int32(0))
        self.day = np.append(day - self.first_day, np.int32(0))
        self.hour = np.append(_column(calendar, "local_hour"), np.int32(0))
        self.is_split = np.append(_column(calendar, "is_split"), np.False_)
        self.part_mask = np.append(_column(calendar, "part_mask"), np.int64(0))
        self.open_mask = np.append(_column(calendar, "open_mask"), np.int64(0))
        lines = np.argsort(profile, kind="stable")
        counts = np.bincount(profile)
        row = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.line_of = np.full((counts.max(), len(counts)), len(lines), np.int32)
        self.line_of[row, profile[lines]] = lines


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rooms: their calendars, their days, and their bookings, one entry each."""

    first_room: int
    profile: _Array  # by room
    is_read: _Array  # by day and room
    is_in_use: _Array  # by day and room
    room: _Array  # of a booking, counted from the first of the block
    starts: _Ints
    ends: _Ints
    is_all_day: _Array
    is_booked: _Array


class _Rooms:
    """The rooms that have a day in the pass, and their bookings, to be taken block by block."""

    def __init__(
        self, bookings: pa.Table, room_dates: pa.Table, calendar: _Calendar, per_block: int
    ) -> None:
        room, day = _column(room_dates, "room_no"), _days(room_dates) - calendar.first_day
        self._count, self._per_block = int(room.max()) + 1, per_block
        self._profile = np.zeros(self._count, np.int32)
        self._profile[room] = _column(room_dates, "profile")
        self._is_read, self._is_in_use = np.zeros((2, calendar.days, self._count), np.bool_)
        self._is_read[day, room] = True
        self._is_in_use[day, room] = _column(room_dates, "is_in_use")
        names = ("room_no", "starts_minute", "ends_minute", "is_all_day", "is_booked")
        self._bookings = [_column(bookings, name) for name in names]
        # Of 16 bits, since those are sorted by counting.
        block_of = (self._bookings[0] // per_block).astype(np.uint16)
        self._order = np.argsort(block_of, kind="stable")
        self._edges = np.searchsorted(block_of[self._order], np.arange(len(self.blocks) + 1))

    @property
    def blocks(self) -> range:
        return range(-(-self._count // self._per_block))

    def block(self, number: int) -> _Block:
        first, end = number * self._per_block, (number + 1) * self._per_block
        mine = self._order[self._edges[number] : self._edges[number + 1]]
        room, *others = [values[mine] for values in self._bookings]
        if end > self._count:
            # A booking of a room that has no day in this pass has no place in the arrays.
            room, *others = [values[room < self._count] for values in (room, *others)]
        return _Block(
            first,
            self._profile[first:end],
            self._is_read[:, first:end],
            self._is_in_use[:, first:end],
            room - first,
            *others,
        )


def _block_masks(block: _Block, calendar: _Calendar) -> pa.Table:
    rooms = np.arange(len(block.profile), dtype=np.int32)
    timed, booked, shared = _booked(block, calendar)
    held = _held(block, calendar)
    open_masks = calendar.open_mask[calendar.line_of][:, block.profile]
    if not block.is_in_use.all():
        open_masks *= block.is_in_use[calendar.day[calendar.line_of][:, block.profile], rooms]
    places = calendar.cell[calendar.line_of][:, block.profile] * np.int32(len(rooms)) + rooms
    kept = np.flatnonzero((open_masks | timed[places]) != 0)
    row = kept // len(rooms)
    room = kept - row * len(rooms)
    place, line = places.ravel()[kept], calendar.line_of[row, block.profile[room]]
    open_mask, union = open_masks.ravel()[kept], booked[place]
    outside_mask = timed[place] & ~open_mask & calendar.part_mask[line]
    outside_mask *= block.is_read[calendar.day[line], room]
    masks = {
        "open_mask": open_mask,
        "booked_mask": union & open_mask,
        "outside_mask": outside_mask,
        "held_mask": held[place] & open_mask & ~union,
        "overlap_mask": shared[place] & open_mask,
    }
    order = _order(masks, calendar.day[line] * 24 + calendar.hour[line])
    line = line[order]
    columns = {
        "room_no": (room[order] + block.first_room).astype(np.int32),
        "local_date": (calendar.day + calendar.first_day)[line].astype("datetime64[D]"),
        "local_hour": calendar.hour[line],
        "cell": calendar.cell[line] + np.int32(calendar.first_cell),
        "is_split": calendar.is_split[line],
    }
    return pa.table(columns | {name: mask[order] for name, mask in masks.items()})


def _order(masks: dict[str, _Ints], hour: _Array) -> _Array:
    """Return the order of the rows that have any minute."""
    is_held = (masks["held_mask"] | masks["overlap_mask"]) != 0
    kind = np.maximum(is_held, (masks["outside_mask"] != 0) * np.int32(2))
    # Of 16 bits, as a pass has no more days than a year.
    key = (hour + kind * (hour.max(initial=0) + 1)).astype(np.uint16)
    order = np.lexsort((np.bitwise_count(masks["booked_mask"]), key))
    kept: _Array = order[(masks["open_mask"] | masks["outside_mask"])[order] != 0]
    return kept


def _booked(block: _Block, calendar: _Calendar) -> tuple[_Ints, _Ints, _Ints]:
    """Return by cell and room: minutes booked but not all day, booked, and booked twice or more."""
    booked, shared = np.zeros((2, calendar.cells * len(block.profile)), np.int64)
    _unite(*_pieces(block, calendar, block.is_booked & ~block.is_all_day), booked, shared)
    all_day = block.is_booked & block.is_all_day
    if not all_day.any():
        return booked, booked, shared
    timed = booked.copy()
    _unite(*_pieces(block, calendar, all_day), booked, shared)
    return timed, booked, shared


def _held(block: _Block, calendar: _Calendar) -> _Ints:
    """Return the minutes held by cell and room."""
    held, shared = np.zeros((2, calendar.cells * len(block.profile)), np.int64)
    _unite(*_pieces(block, calendar, ~block.is_booked), held, shared)
    return held


def _pieces(block: _Block, calendar: _Calendar, chosen: _Array) -> tuple[_Ints, _Ints]:
    """Cut the chosen bookings at full hours; return place (by cell and room) and mask of each."""
    chosen = np.flatnonzero(chosen)
    room = block.room[chosen]
    starts = block.starts[chosen] - calendar.first_cell * 60
    ends = block.ends[chosen] - calendar.first_cell * 60
    first = np.maximum(starts // 60, 0)
    counts = np.maximum(np.minimum((ends - 1) // 60, calendar.cells - 1) - first + 1, 0)
    of = np.repeat(np.arange(len(counts)), counts)
    cell = np.arange(len(of)) - (np.cumsum(counts) - counts - first)[of]
    from_bit = np.maximum(starts[of] - cell * 60, 0)
    to_bit = np.minimum(ends[of] - cell * 60, 60)
    one = np.int64(1)
    return cell * len(block.profile) + room[of], (one << to_bit) - (one << from_bit)


def _unite(places: _Ints, masks: _Ints, union: _Ints, shared: _Ints) -> None:
    """OR the masks into their places, and into ``shared`` the minutes that were there before.

    In each round one piece of every place has its turn, whichever it is: neither OR depends on it.
    """
    turn = np.empty(len(union), np.int32)
    while len(places):
        numbers = np.arange(len(places), dtype=np.int32)
        turn[places] = numbers
        is_first = turn[places] == numbers
        first, left = np.flatnonzero(is_first), np.flatnonzero(~is_first)
        at, mask = places[first], masks[first]
        before = union[at]
        union[at] = before | mask
        both = before & mask
        hit = np.flatnonzero(both)
        shared[at[hit]] |= both[hit]
        places, masks = places[left], masks[left]


def _column(table: pa.Table, name: str) -> _Array:
    values: _Array = table[name].to_numpy()
    return values


def _days(table: pa.Table) -> _Array:
    """Return the dates as days since 1970-01-01."""
    values: _Array = table["local_date"].cast(pa.int32()).to_numpy()
    return values


_MASKS: Final = pa.schema(
    {
        "place": pa.int32(),
        "room_no": pa.int32(),
        "local_date": pa.date32(),
        "local_hour": pa.int32(),
        "cell": pa.int32(),
        "is_split": pa.bool_(),
        "open_mask": pa.int64(),
        "booked_mask": pa.int64(),
        "outside_mask": pa.int64(),
        "held_mask": pa.int64(),
        "overlap_mask": pa.int64(),
    }
)
