"""The minutes of a pass as bits, by room and hour: what is open, booked, held and shared.

Bookings are cut at full hours and united (R6 to R8); a day's bits are summed, and the free time in
gaps under 30 minutes.

A cell is one UTC hour, counted as in ``calendar.py``; bit i of a mask is its minute i. All other
definitions are SQL. This one in SQL (``bit_or`` by room and cell, joined with the calendar; hours
joined with the next ones) took more than twice the time: a hash table has to search for what an
array finds by index. Blocks of rooms are independent, so they run on threads here and could run on
several machines.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from warehouse.blocks import Array, Block, Calendar, Ints, Lines, Rooms, cut_at_hours
from warehouse.calendar import MINUTES_TO_1970

ROOM_DAYS_PER_BLOCK: Final = 12_000
"""Room-days that are processed and stored together: few enough for a core's cache."""
_NEAR: Final = np.int64((1 << 30) - 1)
"""The 30 minutes in which a gap has to end."""
_SUM_BITS: Final = 16
"""Enough bits for the minutes of a room's day."""


class Moments(NamedTuple):
    """When rooms become booked or free; minutes are counted from the UTC midnight of the day."""

    day: Array
    room: Array
    minute: Array


@dataclass(frozen=True)
class Hours:
    """The minutes of a pass, as masks, sums and moments.

    ``masks`` and ``days`` have the schemas of ``MASKS`` and ``DAYS``. ``shared`` has, for each
    block, the hours (cell, room) with minutes that are booked twice. ``begins`` and ``ends`` are
    those of booked open time, day by day.
    """

    rooms: Rooms
    calendar: Calendar
    masks: pa.Table
    days: pa.Table
    shared: Sequence[Array]
    begins: Moments
    ends: Moments


def hours_of(
    bookings: pa.Table,
    room_dates: pa.Table,
    calendar: pa.Table,
    threads: int,
    room_days_per_block: int = ROOM_DAYS_PER_BLOCK,
) -> Hours | None:
    """Return the minutes of every open or booked hour of the room-days, None without days.

    ``bookings`` has the columns of ``live.sql`` and may reach beyond the pass, ``room_dates`` those
    of ``room_dates.sql``, ``calendar`` those of ``calendar_rows``, for at most a year.

    The masks are open_mask, booked_mask and held_mask (open; held and not booked), overlap_mask
    (open, two or more booked), outside_mask (booked while not open; an all-day booking never is).
    Sorted by block of rooms; in a block, hours with nothing held or shared come first and those
    with minutes outside last, each by date, hour and booked minutes: the database is smaller if
    equal values are side by side.
    """
    if not len(room_dates) or not len(calendar):
        return None
    lines = Calendar(calendar)
    rooms = Rooms(bookings, room_dates, lines, max(1, room_days_per_block // lines.days))
    del bookings  # or memory would hold them twice
    with ThreadPoolExecutor(threads) as pool:
        blocks = list(
            pool.map(lambda number: _BlockOfHours(rooms.block(number), lines), rooms.blocks)
        )
    begins, ends = (
        Moments(*map(np.concatenate, zip(*(block.moments[at] for block in blocks), strict=True)))
        for at in (0, 1)
    )
    return Hours(
        rooms,
        lines,
        pa.concat_tables(block.masks for block in blocks).cast(MASKS),
        pa.concat_tables(block.days for block in blocks).cast(DAYS),
        [block.shared for block in blocks],
        begins,
        ends,
    )


class _BlockOfHours:
    """The minutes of one block; a cell and a room are one index into flat arrays."""

    def __init__(self, block: Block, calendar: Calendar) -> None:
        self._block, self._calendar = block, calendar
        self._rooms = np.arange(len(block.profile), dtype=np.int32)
        # Minutes booked, booked by timed bookings, booked twice or more, and held.
        size = calendar.cells * len(self._rooms)
        self._booked, self._shared, self._held = np.zeros((3, size), np.int64)
        timed = block.is_booked & ~block.is_all_day
        _unite(*self._pieces(timed), self._booked, self._shared)
        self._timed = self._booked
        if (all_day := block.is_booked & block.is_all_day).any():
            self._timed = self._booked.copy()
            _unite(*self._pieces(all_day), self._booked, self._shared)
        _unite(*self._pieces(~block.is_booked), self._held, np.zeros(size, np.int64))
        self._sums = np.zeros((2, calendar.days * len(self._rooms)))
        line, open_masks, places = self._laid_out(calendar)
        self.masks = self._masks_of(line, open_masks, places)
        if calendar.hours is not calendar:
            line, open_masks, places = self._laid_out(calendar.hours)
        self.moments = self._runs_of(line, open_masks, self._booked.take(places) & open_masks)
        self.days = self._days_of()
        self.shared = (self._shared != 0).reshape(calendar.cells, len(self._rooms))
        del self._timed, self._booked, self._shared, self._held, self._sums

    def _pieces(self, chosen: Array) -> tuple[Ints, Ints]:
        """Cut the chosen bookings at full hours; return index and mask of each piece."""
        chosen, first = np.flatnonzero(chosen), self._calendar.first_cell * 60
        starts, ends = (
            each.take(chosen) - first for each in (self._block.starts, self._block.ends)
        )
        of, cell, masks = cut_at_hours(starts, ends, self._calendar.cells)
        return cell * len(self._rooms) + self._block.room.take(chosen).take(of), masks

    def _laid_out(self, lines: Lines) -> tuple[Array, Ints, Array]:
        """Return line, open minutes and index of each room's calendar lines, one column a room."""
        line = lines.line_of.take(self._block.profile, axis=1)
        open_masks = lines.open_mask.take(line)
        if not self._block.is_in_use.all():
            open_masks *= self._block.is_in_use[lines.day[line], self._rooms]
        return line, open_masks, lines.cell.take(line) * np.int32(len(self._rooms)) + self._rooms

    def _room_of(self, places: Array) -> Array:
        """Return the rooms of indexes; dividing by a constant is faster than a remainder."""
        rooms: Array = places - places // len(self._rooms) * len(self._rooms)
        return rooms.astype(np.int32)

    def _masks_of(self, line: Array, open_masks: Ints, places: Array) -> pa.Table:
        calendar = self._calendar
        kept = np.flatnonzero((open_masks | self._timed.take(places)) != 0)
        room = self._room_of(kept)
        line, place, open_mask = (each.take(kept) for each in (line, places, open_masks))
        union, day = self._booked.take(place), calendar.day.take(line)
        outside_mask = self._timed.take(place) & ~open_mask
        some = np.flatnonzero(outside_mask != 0)  # few: most booked time is open
        of_line = calendar.part_mask[line[some]] * self._block.is_read[day[some], room[some]]
        outside_mask[some] &= of_line
        masks = {
            "open_mask": open_mask,
            "booked_mask": union & open_mask,
            "outside_mask": outside_mask,
            "held_mask": self._held.take(place) & open_mask & ~union,
            "overlap_mask": self._shared.take(place) & open_mask,
        }
        minutes = [np.bitwise_count(mask) for mask in masks.values()]
        of_day = day * np.int32(len(self._rooms)) + room
        self._add(0, of_day, *minutes[:3])
        self._add(1, of_day, *minutes[3:])
        is_held = (minutes[3] | minutes[4]) != 0
        kind = np.maximum(is_held, (minutes[2] != 0) * np.int32(2))
        hour = day * 24 + calendar.hour.take(line)
        # 16 bits are enough: a pass is no longer than a year.
        key = (hour + kind * (hour.max(initial=0) + 1)).astype(np.uint16)
        order = np.lexsort((minutes[1], key))
        order = order[(minutes[0] | minutes[2]).take(order) != 0]
        line = line.take(order)
        columns = {
            "room_no": room.take(order) + np.int32(self._block.first_room),
            "local_date": day.take(order) + np.int32(calendar.first_day),
            "local_hour": calendar.hour.take(line),
            "cell": calendar.cell.take(line) + np.int32(calendar.first_cell),
            "is_split": calendar.is_split.take(line),
        }
        return pa.table(columns | {name: mask.take(order) for name, mask in masks.items()})

    def _add(self, at: int, place: Array, *minutes: Array, first: int = 0) -> None:
        """Add minutes to the sums of room-days, up to three packed into one number."""
        together = np.zeros(len(place))
        for nth, each in enumerate(minutes, first):
            together += each * float(1 << _SUM_BITS * nth)
        self._sums[at] += np.bincount(place, together, len(self._sums[at]))

    def _runs_of(self, line: Array, open_masks: Ints, booked: Ints) -> tuple[Moments, Moments]:
        """Return when rooms become booked and free; a run may go on into the next hour."""
        is_next = self._calendar.hours.is_next.take(self._block.profile, axis=1).ravel()
        at = np.flatnonzero(booked != 0)
        above, below = at - len(self._rooms), np.minimum(at + len(self._rooms), booked.size - 1)
        open_masks, booked, line = (each.ravel() for each in (open_masks, booked, line))
        mine, runs_on = booked.take(at), is_next.take(at).astype(np.int64)
        follows = booked.take(below) * runs_on
        before = (booked[above] >> 59) * is_next[above]  # below 0 is the last: is_next is false
        free, next_free = open_masks.take(at) & ~mine, open_masks.take(below) * runs_on & ~follows
        place = self._calendar.hours.day.take(line.take(at)) * np.int32(len(self._rooms))
        place += self._room_of(at)
        self._add_gaps(place, mine, free, follows & _NEAR, next_free & _NEAR)
        begins = self._moments_of(line, at, mine & ~(mine << 1 | before))
        return begins, self._moments_of(line, at, (mine << 1) & ~(mine | (follows & 1) << 60))

    def _add_gaps(
        self, place: Array, booked: Ints, free: Ints, next_booked: Ints, next_free: Ints
    ) -> None:
        """Add the free time in gaps under 30 minutes between two bookings of one open interval.

        A gap begins at an open, free minute right after a booked one: a bit of 61, the last one
        for a gap that begins at the next full hour. The 30 minutes from there, in this hour and the
        next of the same day, tell whether a booking ends the gap in time: the run of free bits is
        the gap, and the bit after it must be booked.
        """
        left = (booked << 1) & (free | (next_free & 1) << 60)
        # Few hours can have such a gap: a booking must follow in this hour, or so early in the next
        # that less than 30 minutes lie between.
        is_here = booked > (left & -left)
        is_here |= (left & -((next_booked & -next_booked) << 31)) != 0
        kept = np.flatnonzero(is_here & (left != 0))
        while len(kept):
            place, booked, free, next_booked, next_free, left = (
                each.take(kept) for each in (place, booked, free, next_booked, next_free, left)
            )
            minute = np.bitwise_count((left & -left) - 1).astype(np.int64)
            later, is_late = 60 - minute, minute > 30
            run = (free >> minute | (next_free << later) * is_late) & _NEAR
            run &= ~(run + 1)
            is_gap = (booked >> minute | (next_booked << later) * is_late) & (run + 1) & _NEAR
            self._add(1, place, np.bitwise_count(run) * (is_gap != 0), first=2)
            left &= left - 1
            kept = np.flatnonzero(left != 0)

    def _moments_of(self, line: Array, at: Array, bits: Ints) -> Moments:
        """Return day, room and minute of each bit; ``at`` has each mask's index in ``line``."""
        calendar, hours = self._calendar, self._calendar.hours
        of, minute = minutes_of(bits)
        at = at.take(of)
        of, room = line.take(at), self._room_of(at)
        day = hours.day.take(of)
        midnight = MINUTES_TO_1970 - calendar.first_cell * 60 + calendar.first_day * 24 * 60
        minute += hours.cell.take(of) * 60 - day * (24 * 60) - np.int32(midnight)
        return Moments(day, room + np.int32(self._block.first_room), minute)

    def _days_of(self) -> pa.Table:
        """Return the room-days that are open or have a booking, which counts on its first day."""
        block, calendar, size = self._block, self._calendar, len(self._sums[0])
        is_here = (block.day >= 0) & (block.day < calendar.days)
        chosen = np.flatnonzero(block.is_booked & block.is_own & is_here)
        place = block.day.take(chosen).astype(np.int64) * len(self._rooms)
        place += block.room.take(chosen)
        bookings = np.bincount(place, minlength=size)
        gross = np.bincount(place, (block.ends - block.starts).take(chosen), size)
        low = (1 << _SUM_BITS) - 1
        sums = self._sums.astype(np.int64)
        minutes = [each >> _SUM_BITS * place & low for each in sums for place in range(3)]
        kept = np.flatnonzero(
            block.is_listed.ravel() & ((minutes[0] != 0) | (minutes[2] != 0) | (bookings != 0))
        )
        day, room = np.divmod(kept, len(self._rooms))
        dates = (day + calendar.first_day).astype(np.int32)
        of_days = [each[kept].astype(np.int64) for each in (*minutes, gross, bookings)]
        return pa.table([room + block.first_room, dates, *of_days], DAYS.names)


def minutes_of(masks: Ints) -> tuple[Ints, Array]:
    """Return the index of each bit's mask, and the bit's minute."""
    at = np.flatnonzero(masks != 0)
    left, found = masks.take(at), []
    while len(at):
        found.append((at, np.bitwise_count((left & -left) - 1).astype(np.int32)))
        left &= left - 1
        kept = np.flatnonzero(left != 0)
        at, left = at.take(kept), left.take(kept)
    found.append((at, np.zeros(0, np.int32)))
    places, minutes = zip(*found, strict=True)
    return np.concatenate(places), np.concatenate(minutes)


def _unite(places: Ints, masks: Ints, union: Ints, shared: Ints) -> None:
    """OR the masks into ``union`` at their places; ``shared`` gets minutes that were set already.

    Each round takes one piece of every place, in any order: the result does not depend on it.
    """
    turn = np.empty(len(union), np.int32)
    while len(places):
        numbers = np.arange(len(places), dtype=np.int32)
        turn[places] = numbers
        is_first = turn.take(places) == numbers
        first, left = np.flatnonzero(is_first), np.flatnonzero(~is_first)
        at, mask = places.take(first), masks.take(first)
        before = union.take(at)
        union[at] = before | mask
        both = before & mask
        hit = np.flatnonzero(both != 0)
        shared[at[hit]] |= both[hit]
        places, masks = places.take(left), masks.take(left)


MASKS: Final = pa.schema(
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
"""Every hour of a room-day that is open or booked outside; ``is_split`` is as in the calendar."""
DAYS: Final = pa.schema(
    {
        "room_no": pa.int32(),
        "local_date": pa.date32(),
        "open_minutes": pa.int32(),
        "booked_minutes": pa.int32(),
        "booked_minutes_outside_hours": pa.int32(),
        "held_minutes": pa.int32(),
        "overlap_minutes": pa.int32(),
        "fragmented_minutes": pa.int32(),
        "gross_booked_minutes": pa.int64(),
        "bookings": pa.int32(),
    }
)
"""Every room-day that is open or has a booking. Bookings count whole, where they start (R15)."""
