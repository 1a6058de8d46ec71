"""Bookings of many days placed anew in order of start, all days in step (R22: served at least).

Rooms are bits of words, the first 64 in the first word.
"""

from collections.abc import Sequence
from itertools import pairwise
from threading import Lock
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.integer]
Bools: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint64]

ONE: Final = np.uint64(1)
STEPS: Final = Lock()
"""Held while running many small steps. Two threads that do so at once mostly wait for the
interpreter; one does not slow down another's work on large arrays."""
_NEVER: Final = np.int16(32_000)  # after all minutes


class Waiting(NamedTuple):
    """Bookings of some days of a building to place anew, and the rooms free for them (days, rooms).

    For each booking: its index in the building's arrays, its day's index in ``days``, the minutes
    of that day at which it starts and ends, and the index of the first room that is large enough.
    """

    days: Ints
    is_free: Bools
    chosen: Ints
    line: Ints
    starts: Ints
    ends: Ints
    least: Ints


class Sweep:
    """Places bookings one after another, each in the smallest free room that fits.

    A line is a day of a building; the busiest come first. A step is one booking of each line.
    """

    def __init__(self, waiting: Sequence[Waiting]) -> None:
        self._waiting = waiting
        words = max((-(-each.is_free.shape[1] // 64) for each in waiting), default=0)
        first_line = np.cumsum([0, *(len(each.days) for each in waiting)])
        is_free = np.zeros((first_line[-1], max(words, 1) * 64), np.bool_)
        for each, line in zip(waiting, first_line, strict=False):
            is_free[line : line + len(each.days), : each.is_free.shape[1]] = each.is_free
        places = np.arange(is_free.shape[1])
        self._large_enough = places >= np.append(places, len(places))[:, None]
        line, starts, ends, least = (
            np.concatenate([np.zeros(0, np.int16), *columns])
            for columns in zip(
                *(
                    (each.line + before, each.starts, each.ends, each.least)
                    for each, before in zip(waiting, first_line, strict=False)
                ),
                strict=True,
            )
        )
        counts = np.bincount(line, minlength=len(is_free))
        self._lines = np.argsort(-counts, kind="stable")
        self._is_free = is_free[self._lines]
        place = np.empty_like(self._lines)
        place[self._lines] = np.arange(len(place))
        line = place[line]
        by_step = sorting(ends)
        for column in (starts, line):
            by_step = by_step[sorting(column[by_step])]
        rank = ranks(line[by_step])
        by_rank = sorting(rank)
        self._order = by_step[by_rank]
        self._rank = rank[by_rank]
        self._line, self._starts, self._ends, self._least = (
            each[self._order] for each in (line, starts, ends, least)
        )

    def rooms(
        self, placed: Sequence[Ints], days: Sequence[Ints], *, by_minutes: bool
    ) -> list[Ints]:
        """Return ``placed``, the rooms by building, with the bookings of some days placed anew.

        If no room is free, the booking that ends last gives way, or (``by_minutes``) the shortest.
        """
        is_asked = np.concatenate(
            [
                np.zeros(0, np.bool_),
                *map(np.isin, (each.days for each in self._waiting), days),
            ]
        )[self._lines]
        kept = is_asked[self._line]
        found = np.full(len(kept), -2)  # these stay
        with STEPS:
            found[self._order[kept]] = self._run(is_asked, kept, by_minutes=by_minutes)
        rooms, first = [], 0
        for each, before in zip(self._waiting, placed, strict=True):
            own = found[first : first + len(each.chosen)]
            after = before.copy()
            after[each.chosen[own > -2]] = own[own > -2]
            rooms.append(after)
            first += len(own)
        return rooms

    def _run(self, is_asked: Bools, kept: Bools, *, by_minutes: bool) -> Ints:
        """Return the rooms of the bookings of some lines."""
        starts, ends, least = (each[kept] for each in (self._starts, self._ends, self._least))
        worth = starts - ends if by_minutes else ends  # the shortest, or the last to end, gives way
        placed = np.full(len(starts), -1, np.int32)
        # For each line and room: until when it is taken, by which booking, and what that is worth.
        until = np.where(self._is_free[is_asked], np.int16(0), _NEVER)
        holder, taken = np.zeros(until.size, np.int32), np.full(until.shape, -_NEVER)
        flat_until, flat_taken = until.reshape(-1), taken.reshape(-1)
        row = np.arange(len(until)) * until.shape[1]
        steps = pairwise(np.append(0, np.cumsum(np.bincount(self._rank[kept]))).tolist())
        for low, high in steps:
            is_large = self._large_enough[least[low:high]]
            is_free = until[: high - low] <= starts[low:high, None]
            is_free &= is_large
            room = is_free.argmax(axis=1)
            is_placed = is_free.reshape(-1)[row[: high - low] + room]
            missing = np.flatnonzero(~is_placed)
            if len(missing):  # no large room is free: look at its last booking
                others = np.where(is_large[missing], taken[missing], -_NEVER)
                last = others.argmax(axis=1)
                cell = row[missing] + last
                gives_way = others[np.arange(len(last)), last] > worth[missing + low]
                placed[holder[cell[gives_way]]] = -1
                room[missing], is_placed[missing] = last, gives_way
            booking = np.flatnonzero(is_placed)
            room = room[booking]
            cell = row[booking] + room
            booking += low
            placed[booking] = room
            flat_until[cell] = ends[booking]
            holder[cell] = booking
            flat_taken[cell] = worth[booking]
        return placed


def packed(flags: Bools) -> Words:
    """Return the flags (rows, rooms) as one bit a room, (words, rows)."""
    words = max(-(-flags.shape[1] // 64), 1)
    octets = np.zeros((flags.shape[0], words * 8), np.uint8)
    bits = np.packbits(flags, axis=1, bitorder="little")
    octets[:, : bits.shape[1]] = bits
    found: Words = np.ascontiguousarray(octets.view("<u8").astype(np.uint64).T)
    return found


def too_small(rooms: int) -> Words:
    """Return, for each index from 0 to all, the bits of the rooms before it: (words, indexes).

    Bits beyond the last room are always set.
    """
    place = np.arange(max(-(-rooms // 64), 1) * 64)
    return packed((place < np.arange(rooms + 1)[:, None]) | (place >= rooms))


def lowest(free: Words) -> tuple[Ints, Words, Ints]:
    """Return word, bit and number of each column's first room; the number is -1 if it has none."""
    word = (free != 0).argmax(axis=0)
    bits = free[word, np.arange(free.shape[1])] if len(free) > 1 else free[0]
    bit = bits & (~bits + ONE)
    return word, bit, np.where(bit > 0, word * 64 + np.bitwise_count(bit - ONE), -1)


def sorting(values: Ints) -> Ints:
    """Return the stable sort order of whole numbers from 0 on; small ones by counting."""
    small = np.min_scalar_type(int(values.max(initial=0)))
    return np.argsort(values.astype(small), kind="stable")


def ranks(groups: Ints) -> Ints:
    """Return how many of its group come before each; ``groups`` are sorted numbers."""
    counts = np.bincount(groups)
    return np.arange(len(groups)) - np.repeat(np.cumsum(counts) - counts, counts)
