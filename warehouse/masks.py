"""The minutes of a pass as bits: what is open, booked, held and shared, by room and hour.

Belongs here: cutting bookings at the full hours that they touch, and their union (R6 to R8), on
plain arrays: pure functions of Arrow tables.
Does not belong here: which bookings and room-days a pass has (``sql`` 20 to 24), what is counted of
the bits (``sql`` 27 and up), what a block of rooms is (``blocks.py``).

A cell is one UTC hour, counted as ``calendar.py`` says; bit i of a mask is its minute i. The
definitions are SQL, all but this: the same in SQL (``bit_or`` by room and cell, joined with the
calendar) took more than twice the time, since a hash table has to find again what an array knows
by its place. A block of rooms is worked on alone, so blocks go to threads here and could go to
machines.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import pyarrow as pa

from warehouse.blocks import Array, Block, Calendar, Ints, Rooms, cut_at_hours

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

    Columns: room_no, local_date, local_hour, cell, is_split (as in the
    calendar), and five masks: open_mask, booked_mask and held_mask (open; held and not booked),
    overlap_mask (open, two or more booked), outside_mask (booked while not open; an all-day
    booking never is).

    Sorted by block of rooms, and in it first the hours with nothing held or shared, at last those
    with minutes outside, all by date, hour and booked minutes: the database is the smaller, the
    more equal values stand beside each other.
    """
    if not len(room_dates) or not len(calendar):
        return _MASKS.empty_table()
    lines = Calendar(calendar)
    rooms = Rooms(bookings, room_dates, lines, max(1, room_days_per_block // lines.days))
    with ThreadPoolExecutor(threads) as pool:
        tables = pool.map(lambda number: _block_masks(rooms.block(number), lines), rooms.blocks)
        return pa.concat_tables(tables).cast(_MASKS)


def _block_masks(block: Block, calendar: Calendar) -> pa.Table:
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


def _order(masks: dict[str, Ints], hour: Array) -> Array:
    """Return the order of the rows that have any minute."""
    is_held = (masks["held_mask"] | masks["overlap_mask"]) != 0
    kind = np.maximum(is_held, (masks["outside_mask"] != 0) * np.int32(2))
    # Of 16 bits, as a pass has no more days than a year.
    key = (hour + kind * (hour.max(initial=0) + 1)).astype(np.uint16)
    order = np.lexsort((np.bitwise_count(masks["booked_mask"]), key))
    kept: Array = order[(masks["open_mask"] | masks["outside_mask"])[order] != 0]
    return kept


def _booked(block: Block, calendar: Calendar) -> tuple[Ints, Ints, Ints]:
    """Return by cell and room: minutes booked but not all day, booked, and booked twice or more."""
    booked, shared = np.zeros((2, calendar.cells * len(block.profile)), np.int64)
    _unite(*_pieces(block, calendar, block.is_booked & ~block.is_all_day), booked, shared)
    all_day = block.is_booked & block.is_all_day
    if not all_day.any():
        return booked, booked, shared
    timed = booked.copy()
    _unite(*_pieces(block, calendar, all_day), booked, shared)
    return timed, booked, shared


def _held(block: Block, calendar: Calendar) -> Ints:
    """Return the minutes held by cell and room."""
    held, shared = np.zeros((2, calendar.cells * len(block.profile)), np.int64)
    _unite(*_pieces(block, calendar, ~block.is_booked), held, shared)
    return held


def _pieces(block: Block, calendar: Calendar, chosen: Array) -> tuple[Ints, Ints]:
    """Cut the chosen bookings at full hours; return place (by cell and room) and mask of each."""
    chosen = np.flatnonzero(chosen)
    first_minute = calendar.first_cell * 60
    starts, ends = block.starts[chosen] - first_minute, block.ends[chosen] - first_minute
    of, cell, masks = cut_at_hours(starts, ends, calendar.cells)
    return cell * len(block.profile) + block.room[chosen][of], masks


def _unite(places: Ints, masks: Ints, union: Ints, shared: Ints) -> None:
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


_MASKS: Final = pa.schema(
    {
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
