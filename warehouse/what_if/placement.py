"""Placing the bookings of a building in its rooms, on plain arrays (R22: served at least).

Every placement could be carried out: no booking in two rooms, no two in one at a time, each room
large enough. ``bounds.py`` says what no placement can exceed. Pure functions: no I/O, no region.

Combined rooms (R25) are a column beside their parts. A booking keeps its combined room where that
disturbs no other, and takes the parts for that time; no other booking is placed in one.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from warehouse.what_if.sweep import (
    ONE,
    STEPS,
    Sweep,
    Waiting,
    lowest,
    packed,
    ranks,
    sorting,
    too_small,
)

Ints: TypeAlias = npt.NDArray[np.integer]
Bools: TypeAlias = npt.NDArray[np.bool_]

DAY: Final = 1500
"""Minutes of each day here: 25 hours, as many as the longest; other days are empty at the end."""

_SLOT: Final = 5  # minutes; in a search, rooms are free or taken for a whole slot
_SLOTS: Final = DAY // _SLOT


@dataclass(frozen=True)
class Building:
    """Rooms by seats, smallest first, and bookings; local day d begins at minute d * ``DAY``.

    ``is_available`` is (days, rooms); ``midnights`` are the instants (in minutes) at which the days
    begin and the last one ends. For each booking, ``room`` is the index in ``seats`` of the room
    that it has (-1 if that is gone), and ``need`` the seats that it needs. A room's bookings are in
    order of their starts; the room is available on their days. ``combined`` are the indexes in
    ``seats`` of combined rooms, each with its parts.
    """

    seats: Ints
    is_available: Bools
    midnights: Ints
    room: Ints
    starts: Ints
    ends: Ints
    need: Ints
    combined: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def instants(self, minutes: Ints) -> Ints:
        """Return the real instants (in minutes) of minutes of these days."""
        day, rest = np.divmod(minutes, DAY)
        lengths = np.append(np.diff(self.midnights), 0)
        real: Ints = self.midnights[day] + np.minimum(rest, lengths[day])
        return real

    def only(self, chosen: Bools) -> "Building":
        """Return the building with the chosen bookings only."""
        names = ("room", "starts", "ends", "need")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    @cached_property
    def minutes(self) -> Ints:
        """The real length of each booking."""
        return self.instants(self.ends) - self.instants(self.starts)

    @cached_property
    def day(self) -> Ints:
        """The day on which each booking starts."""
        return self.starts // DAY

    @cached_property
    def is_within(self) -> Bools:
        """Whether each booking ends on the day on which it starts."""
        within: Bools = (self.ends - 1) // DAY == self.day
        return within


def minutes_of_days(instants: Ints, midnights: Ints) -> Ints:
    """Return instants (in minutes) as minutes of days that have ``DAY`` minutes each."""
    day = np.clip(np.searchsorted(midnights, instants, side="right") - 1, 0, len(midnights) - 2)
    minutes: Ints = (day * DAY + instants - midnights[day]).astype(np.int32)
    return minutes


class Placed(NamedTuple):
    """The room of each booking, -1 where it found none, in three placements.

    ``in_place``: a booking with a room keeps it. ``most_bookings`` and ``most_minutes``: bookings
    change rooms on days on which more of them fit that way.
    """

    in_place: Ints
    most_bookings: Ints
    most_minutes: Ints


def place(buildings: Sequence[Building]) -> list[Placed]:
    """Place the bookings of buildings, each in a room that is large enough and free.

    Where bookings of a room overlap, as many as possible keep it. If that leaves a booking that
    crosses midnight without a room, the longest ones keep it instead, if that serves more.
    """
    found = _moved(buildings, [_in_place(each, by_minutes=False) for each in buildings])
    for building, many in zip(buildings, found, strict=True):
        # Days that are linked by a booking across midnight form one group.
        linked = np.zeros(len(building.is_available) + 1, np.int64)
        np.add.at(linked, building.day[~building.is_within] + 1, 1)
        np.add.at(linked, (building.ends[~building.is_within] - 1) // DAY + 1, -1)
        group = np.cumsum(np.cumsum(linked) == 0)[building.day]
        is_tight = np.isin(group, group[(many.in_place < 0) & ~building.is_within])
        if not is_tight.any():
            continue
        tight = building.only(is_tight)
        (long,) = _moved([tight], [_in_place(tight, by_minutes=True)])
        group, one = group[is_tight], np.ones(int(is_tight.sum()), np.int32)
        for weight, rooms, others in zip((one, one, tight.minutes), many, long, strict=True):
            rooms[is_tight] = _best(group, weight, [rooms[is_tight], others])
    return found


def _moved(buildings: Sequence[Building], in_place: Sequence[Ints]) -> list[Placed]:
    """Place days anew on which a booking has no room, and keep whichever serves more.

    Only bookings within one day ever move. Placing all buildings together takes less time.
    """
    days = list(map(_days_missing, buildings, in_place))
    sweep = Sweep(list(map(_waiting, buildings, in_place, days)))
    first = sweep.rooms(in_place, days, by_minutes=False)
    bookings = [
        _best(building.day, np.ones(len(rooms[0]), np.int32), rooms)
        for building, *rooms in zip(buildings, in_place, first, strict=True)
    ]
    second = sweep.rooms(bookings, list(map(_days_missing, buildings, bookings)), by_minutes=True)
    return [
        Placed(rooms[0], most, _best(building.day, building.minutes, rooms))
        for building, most, *rooms in zip(buildings, bookings, in_place, first, second, strict=True)
    ]


def _waiting(building: Building, rooms: Ints, days: Ints) -> Waiting:
    """Return the bookings that can be placed anew on some days.

    Bookings that cross midnight, and those of combined rooms, stay where they are; no other booking
    gets their rooms.
    """
    parts = dict(building.combined)
    is_free = building.is_available[days]
    is_free[:, list(parts)] = False
    stays = (rooms >= 0) & (~building.is_within | np.isin(rooms, list(parts)))
    for booking in np.flatnonzero(stays):
        touched = np.arange(building.day[booking], (building.ends[booking] - 1) // DAY + 1)
        room = int(rooms[booking])
        is_free[np.ix_(np.isin(days, touched), np.array(parts.get(room, (room,)), np.int64))] = (
            False
        )
    line_of = np.full(len(building.is_available), -1)
    line_of[days] = np.arange(len(days))
    line = line_of[building.day]
    chosen = np.flatnonzero(building.is_within & ~stays & (line >= 0))
    starts, ends = (
        (each[chosen] - building.day[chosen] * DAY).astype(np.int16)
        for each in (building.starts, building.ends)
    )
    least = np.searchsorted(building.seats, building.need[chosen])
    return Waiting(days, is_free, chosen, line[chosen], starts, ends, least)


def _days_missing(building: Building, rooms: Ints) -> Ints:
    return np.unique(building.day[building.is_within & (rooms < 0)])


def place_anew(building: Building) -> Placed:
    """Place all bookings as if none had a room, first those that cross midnight."""
    rooms = np.full(len(building.room), -1)
    taken = _Taken(building, rooms)
    for booking in np.flatnonzero(~building.is_within):
        taken.place_one(rooms, int(booking))
    return _moved([building], [rooms])[0]


def pack(building: Building) -> Ints:
    """Place bookings in identical rooms, the largest need first, each in the first free room.

    So the first rooms are full and the last ones, if needed at all, nearly empty.
    """
    rooms = np.full(len(building.room), -1)
    taken = _Taken(building, rooms)
    order = np.argsort(building.starts, kind="stable")
    order = order[sorting(building.need.max(initial=0) - building.need[order])]
    for booking in order[~building.is_within[order]]:
        taken.place_one(rooms, int(booking))
    within = order[building.is_within[order]]
    taken.place_day_by_day(rooms, within[sorting(building.day[within])])
    return rooms


def served(building: Building, rooms: Ints) -> tuple[int, int]:
    """Return how many bookings a placement serves, and their minutes."""
    is_served = rooms >= 0
    return int(is_served.sum()), int(building.minutes[is_served].sum())


def _best(group: Ints, weight: Ints, placements: Sequence[Ints]) -> Ints:
    """Return, for each group of bookings, the placement that serves most."""
    totals = [np.bincount(group, weight * (rooms >= 0)) for rooms in placements]
    best: Ints = np.choose(np.argmax(totals, axis=0)[group], placements)
    return best


def _in_place(building: Building, *, by_minutes: bool) -> Ints:
    """Keep each booking in its room, and place the others in the smallest free room that fits."""
    rooms = np.where(_undisturbed(building, by_minutes=by_minutes), building.room, -1)
    missing = rooms < 0
    if not missing.any() and not building.combined:
        return rooms
    taken = _Taken(building, rooms)
    for whole, parts in building.combined:
        for booking in np.flatnonzero(rooms == whole):
            if not taken.take_parts(int(booking), parts):
                rooms[booking] = -1
    missing = rooms < 0
    for booking in np.flatnonzero(missing & ~building.is_within):
        taken.place_one(rooms, int(booking))
    waiting = np.flatnonzero(missing & building.is_within)
    order = np.lexsort((building.ends[waiting], building.day[waiting]))
    with STEPS:
        taken.place_day_by_day(rooms, waiting[order])
    return rooms


def _undisturbed(building: Building, *, by_minutes: bool) -> Bools:
    """Return which bookings can keep their room: where they overlap, those that serve most."""
    keeps = building.room >= 0
    own = np.flatnonzero(keeps)
    own = own[np.argsort(building.room[own], kind="stable")]
    room, starts, ends = (
        each[own].astype(np.int64) for each in (building.room, building.starts, building.ends)
    )
    reach = int(ends.max(initial=0)) + 1
    until = np.maximum.accumulate(room * reach + ends)
    overlaps = np.zeros(len(own) + 1, np.bool_)
    overlaps[1:-1] = (room[1:] * reach + starts[1:]) < until[:-1]
    place = np.flatnonzero(overlaps[:-1] | overlaps[1:])
    keeps[own[place]] = False
    # Mostly two overlap: the one that ends first stays, or (by minutes) the longer one.
    first = np.flatnonzero(~overlaps[:-2] & overlaps[1:-1] & ~overlaps[2:])
    pairs = np.stack((own[first], own[first + 1]))
    length = building.ends[pairs] - building.starts[pairs]
    worth = length if by_minutes else -building.ends[pairs]
    keeps[pairs[worth.argmax(axis=0), np.arange(len(first))]] = True
    is_pair = np.zeros(len(own) + 1, np.bool_)
    is_pair[first] = is_pair[first + 1] = True
    place = place[~is_pair[place]]
    choose = _longest if by_minutes else _most
    cluster: list[tuple[int, int, int]] = []
    columns = (each[place].tolist() for each in (ends, starts, own, overlaps))
    for end, start, booking, is_overlapping in zip(*columns, strict=True):
        if not is_overlapping:
            keeps[choose(cluster)] = True
            cluster = []
        cluster.append((end, start, booking))
    keeps[choose(cluster)] = True
    return keeps


def _most(cluster: list[tuple[int, int, int]]) -> list[int]:
    """Return the most bookings, of (end, start, booking), that do not overlap."""
    kept, until = [], 0
    for end, start, booking in sorted(cluster):
        if start >= until:
            kept.append(booking)
            until = end
    return kept


def _longest(cluster: list[tuple[int, int, int]]) -> list[int]:
    """Return the bookings, of (end, start, booking), with the most minutes without overlap."""
    ordered = sorted(cluster)
    ends = [end for end, _, _ in ordered]
    best: list[tuple[int, list[int]]] = [(0, [])]
    for number, (end, start, booking) in enumerate(ordered):
        minutes, kept = best[bisect_right(ends, start, hi=number)]
        with_it = (minutes + end - start, [*kept, booking])
        best.append(max(best[-1], with_it, key=itemgetter(0)))
    return best[-1][1]


class _Taken:
    """Which rooms are taken in each slot of time: one bit a room, (words, slots).

    Rooms count as taken on days on which they are closed; combined rooms always do.
    """

    def __init__(self, building: Building, rooms: Ints) -> None:
        self._starts = building.starts // _SLOT
        self._ends = -(-building.ends // _SLOT)
        self._day = building.day
        self._too_small = too_small(len(building.seats))
        self._least = np.searchsorted(building.seats, building.need)
        wholes = [whole for whole, _ in building.combined]
        is_closed = ~building.is_available
        is_closed[:, wholes] = True
        self._taken = np.repeat(packed(is_closed), _SLOTS, axis=1)
        placed = np.flatnonzero((rooms >= 0) & ~np.isin(rooms, wholes))
        placed = placed[np.argsort(rooms[placed], kind="stable")]
        room, starts, ends = rooms[placed], self._starts[placed], self._ends[placed]
        # If two bookings share a slot, the later one begins after it: no bit is added twice.
        is_next = np.append(False, room[1:] == room[:-1])[: len(room)]
        starts[is_next] = np.maximum(starts, np.roll(ends, 1))[is_next]
        words, slots = self._taken.shape
        change = np.zeros((words, slots + 1), np.uint64)
        bit = ONE << (room % 64).astype(np.uint64)
        np.add.at(change, (room // 64, starts), bit)
        np.subtract.at(change, (room // 64, ends), bit)
        self._taken |= np.cumsum(change, axis=1)[:, :-1]

    def take_parts(self, booking: int, parts: Sequence[int]) -> bool:
        """Take all parts of a combined room for a booking, if they are free."""
        span = self._taken[:, self._starts[booking] : self._ends[booking]]
        is_part = np.zeros((1, self._too_small.shape[1] - 1), np.bool_)
        is_part[:, parts] = True
        bits = packed(is_part)
        if (span & bits).any():
            return False
        span |= bits
        return True

    def place_one(self, rooms: Ints, booking: int) -> None:
        """Place a booking in the smallest free room that fits, whatever days it touches."""
        span = self._taken[:, self._starts[booking] : self._ends[booking]]
        taken = np.bitwise_or.reduce(span, axis=1) | self._too_small[:, self._least[booking]]
        word, bit, room = lowest(~taken[:, None])
        if room[0] >= 0:
            rooms[booking] = room[0]
            span[word[0]] |= bit[0]

    def place_day_by_day(self, rooms: Ints, waiting: Ints) -> None:
        """Place bookings within a day, sorted by day, in the order given.

        Each step takes one booking of every day, so that none is in another's way.
        """
        day = self._day[waiting]
        rank = ranks(day)
        waiting = waiting[sorting(rank)]
        starts, least = self._starts[waiting], self._least[waiting]
        lengths = self._ends[waiting] - starts
        offsets = np.append(0, np.cumsum(lengths))
        slots = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        flat, found = self._taken.reshape(-1), np.empty_like(waiting)
        for low, high in pairwise(np.append(0, np.cumsum(np.bincount(rank))).tolist()):
            span = slots[offsets[low] : offsets[high]]
            marks = offsets[low:high] - offsets[low]
            taken = np.bitwise_or.reduceat(self._taken.take(span, axis=1), marks, axis=1)
            taken |= self._too_small.take(least[low:high], axis=1)
            word, bit, found[low:high] = lowest(~taken)
            span = span + np.repeat(word * self._taken.shape[1], lengths[low:high])
            flat[span] |= np.repeat(bit, lengths[low:high])
        rooms[waiting] = found
