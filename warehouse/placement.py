"""Placing the bookings of a building in its rooms, on plain arrays (R22: served at least).

What is placed could be done: no booking in two rooms, no two in one room at a time, each room large
enough. ``bounds.py`` says what no placement could pass. Pure functions; no reading, no region.

Combined rooms (R25) are a column beside their parts: who has one keeps it where that disturbs
nobody, and takes the parts for that time; nobody else is placed there.
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

Ints: TypeAlias = npt.NDArray[np.integer]
Bools: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint64]

DAY: Final = 1500
"""Minutes that each day has here: 25 hours, as the longest; at the end of others nothing is."""

_SLOT: Final = 5  # minutes that one bit stands for where a room is looked for; rounded outwards
_WORDS: Final = -(-DAY // _SLOT // 64)
_NEVER: Final = 32_000  # a minute that no day has


@dataclass(frozen=True)
class Building:
    """Rooms by seats, smallest first, and bookings; local day d begins at minute d * ``DAY``.

    ``is_available`` is (days, rooms), ``midnights`` the instants (in minutes) at which the days
    begin and the last one ends. Of each booking: ``room`` is the place in ``seats`` of the room
    that it has, -1 where that is gone; ``need`` is the seats that it needs. The bookings of one
    room stand in the order of their starts; a room is available on the days of its own bookings.
    ``combined`` are places in ``seats`` of rooms that are others together, each with its parts.
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
        """Return when minutes of these days really are."""
        day, rest = np.divmod(minutes, DAY)
        lengths = np.append(np.diff(self.midnights), 0)
        real: Ints = self.midnights[day] + np.minimum(rest, lengths[day])
        return real

    def only(self, chosen: Bools) -> "Building":
        """Return the building with some of its bookings."""
        names = ("room", "starts", "ends", "need")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    @cached_property
    def minutes(self) -> Ints:
        """How long each booking really lasts."""
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
    """Return instants (in minutes) as minutes of days that all have ``DAY`` of them."""
    day = np.clip(np.searchsorted(midnights, instants, side="right") - 1, 0, len(midnights) - 2)
    minutes: Ints = (day * DAY + instants - midnights[day]).astype(np.int32)
    return minutes


class Placed(NamedTuple):
    """The room of each booking, -1 where it found none, in three placements.

    ``in_place``: whoever has a room keeps it. ``most_bookings`` and ``most_minutes``: on days on
    which more fit that way, bookings change rooms.
    """

    in_place: Ints
    most_bookings: Ints
    most_minutes: Ints


def place(building: Building) -> Placed:
    """Place the bookings of a building; each room is one that was large enough and free.

    Where bookings of a room overlap, as many as possible keep it. Where that leaves one without a
    room that passes a midnight, those that last longest keep it instead, if that serves more.
    """
    if not len(building.seats) or not len(building.room):
        nowhere = np.full(len(building.room), -1)
        return Placed(nowhere, nowhere, nowhere)
    many = _moved(building, _in_place(building, by_minutes=False))
    group = _days_apart(building)[building.day]
    is_tight = np.isin(group, group[(many.in_place < 0) & ~building.is_within])
    if not is_tight.any():
        return many
    tight = building.only(is_tight)
    long = _moved(tight, _in_place(tight, by_minutes=True))
    group, one = group[is_tight], np.ones(int(is_tight.sum()), np.int32)
    for weight, rooms, others in zip((one, one, tight.minutes), many, long, strict=True):
        rooms[is_tight] = _best(group, weight, [rooms[is_tight], others])
    return many


def _moved(building: Building, in_place: Ints) -> Placed:
    """Place days anew on which a booking has no room, and keep what serves more."""
    day = building.day  # only bookings of one day ever move
    first = _sweep(building, in_place, _days_missing(building, in_place), by_minutes=False)
    bookings = _best(day, np.ones(len(first), np.int32), [in_place, first])
    still = _days_missing(building, bookings)
    if not len(still):
        return Placed(in_place, bookings, bookings.copy())
    second = _sweep(building, bookings, still, by_minutes=True)
    return Placed(in_place, bookings, _best(day, building.minutes, [in_place, first, second]))


def _days_apart(building: Building) -> Ints:
    """Return numbers of the days: those that a booking links by passing midnight have the same."""
    linked = np.zeros(len(building.is_available) + 1, np.int64)
    long = ~building.is_within
    np.add.at(linked, building.day[long] + 1, 1)
    np.add.at(linked, (building.ends[long] - 1) // DAY + 1, -1)
    return np.cumsum(np.cumsum(linked) == 0)


def _days_missing(building: Building, rooms: Ints) -> Ints:
    return np.unique(building.day[building.is_within & (rooms < 0)])


def place_anew(building: Building) -> Placed:
    """Place all bookings as if none had a room: first those that pass a midnight."""
    rooms = np.full(len(building.room), -1)
    if not len(building.seats) or not len(rooms):
        return Placed(rooms, rooms, rooms)
    busy = _busy(building, rooms)
    for booking in np.flatnonzero(~building.is_within):
        _place_long(building, busy, rooms, int(booking))
    return _moved(building, rooms)


def pack(building: Building) -> Ints:
    """Place bookings in rooms that are all alike, the neediest first, each in the first free room.

    So the first rooms are full and the last ones, if they are needed at all, nearly empty.
    """
    rooms = np.full(len(building.room), -1)
    busy = _busy(building, rooms)
    order = np.lexsort((building.starts, -building.need))
    for booking in order[~building.is_within[order]]:
        _place_long(building, busy, rooms, int(booking))
    within = order[building.is_within[order]]
    within = within[np.argsort(building.day[within], kind="stable")]
    _place_day_by_day(building, busy, rooms, within)
    return rooms


def served(building: Building, rooms: Ints) -> tuple[int, int]:
    """Return how many bookings a placement serves, and their minutes."""
    is_served = rooms >= 0
    return int(is_served.sum()), int(building.minutes[is_served].sum())


def _best(group: Ints, weight: Ints, placements: Sequence[Ints]) -> Ints:
    """Return of each group of bookings the placement that serves most."""
    totals = [np.bincount(group, weight * (rooms >= 0)) for rooms in placements]
    best: Ints = np.choose(np.argmax(totals, axis=0)[group], placements)
    return best


def _in_place(building: Building, *, by_minutes: bool) -> Ints:
    """Let each booking keep its room, and find the others the smallest free room that fits."""
    rooms = np.where(_undisturbed(building, by_minutes=by_minutes), building.room, -1)
    busy = _busy(building, rooms)
    for whole, parts in building.combined:
        for booking in np.flatnonzero(rooms == whole):
            _keep_combined(building, busy, rooms, int(booking), parts)
    for booking in np.flatnonzero((rooms < 0) & ~building.is_within):
        _place_long(building, busy, rooms, int(booking))
    waiting = np.flatnonzero((rooms < 0) & building.is_within)
    order = np.lexsort((building.ends[waiting], building.day[waiting]))
    _place_day_by_day(building, busy, rooms, waiting[order])
    return rooms


def _place_day_by_day(building: Building, busy: Words, rooms: Ints, waiting: Ints) -> None:
    """Place bookings within a day, sorted by day, one after another as they stand there."""
    day = building.day[waiting]
    rank = np.arange(len(day)) - np.searchsorted(day, day)
    waiting = waiting[np.argsort(rank, kind="stable")]
    limits = np.append(0, np.cumsum(np.bincount(rank)))
    for low, high in pairwise(limits):  # of each day one booking, so that none is in another's way
        _place_one_a_day(building, busy, rooms, waiting[low:high])


def _undisturbed(building: Building, *, by_minutes: bool) -> Bools:
    """Tell which bookings can keep their room: where they overlap, those that serve most."""
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
    # Mostly it is two of them: the one that ends first stays, or the one that lasts longer.
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
    """Return the most bookings of (end, start, booking) that do not overlap."""
    kept, until = [], 0
    for end, start, booking in sorted(cluster):
        if start >= until:
            kept.append(booking)
            until = end
    return kept


def _longest(cluster: list[tuple[int, int, int]]) -> list[int]:
    """Return the bookings of (end, start, booking) that last longest without overlapping."""
    ordered = sorted(cluster)
    ends = [end for end, _, _ in ordered]
    best: list[tuple[int, list[int]]] = [(0, [])]
    for number, (end, start, booking) in enumerate(ordered):
        minutes, kept = best[bisect_right(ends, start, hi=number)]
        with_it = (minutes + end - start, [*kept, booking])
        best.append(max(best[-1], with_it, key=itemgetter(0)))
    return best[-1][1]


_BELOW: Final = np.array([(1 << bit) - 1 for bit in range(65)], np.uint64)
"""Masks of the lowest bits of a word."""


def _slots(starts: Ints, ends: Ints) -> Words:
    """Return the bits of minutes within one day, (words, bookings)."""
    word = np.arange(_WORDS)[:, None] * 64
    first = np.minimum(np.maximum(starts // _SLOT - word, 0), 64)
    last = np.minimum(np.maximum(-(-ends // _SLOT) - word, 0), 64)
    bits: Words = _BELOW[last] ^ _BELOW[first]
    return bits


def _busy(building: Building, rooms: Ints) -> Words:
    """Return the bits of what is placed, (words, days, rooms); all set where a room is closed.

    Those of combined rooms are all set.
    """
    wholes = [whole for whole, _ in building.combined]
    placed = np.flatnonzero((rooms >= 0) & ~np.isin(rooms, wholes))
    starts, ends = building.starts[placed], building.ends[placed]
    days = (ends - 1) // DAY - starts // DAY + 1
    part = np.repeat(np.arange(len(placed)), days)
    day = starts[part] // DAY + np.arange(len(part)) - np.repeat(np.cumsum(days) - days, days)
    bits = _slots(np.maximum(starts[part] - day * DAY, 0), np.minimum(ends[part] - day * DAY, DAY))
    where = day * len(building.seats) + rooms[placed][part]
    order = np.argsort(where, kind="stable")
    where, bits = where[order], bits[:, order]
    closed = np.where(building.is_available, _BELOW[0], _BELOW[64])
    busy = np.tile(closed, (_WORDS, 1, 1))
    busy[:, :, wholes] = _BELOW[64]
    if len(where):
        firsts = np.flatnonzero(np.append(True, where[1:] != where[:-1]))
        busy.reshape(_WORDS, -1)[:, where[firsts]] |= np.bitwise_or.reduceat(bits, firsts, axis=1)
    return busy


def _place_one_a_day(building: Building, busy: Words, rooms: Ints, several: Ints) -> None:
    """Place bookings of as many days, each in the smallest room that fits and is free."""
    day, need = building.day[several], building.need[several]
    bits = _slots(building.starts[several] - day * DAY, building.ends[several] - day * DAY)
    taken = building.seats < need[:, None]
    for word in np.flatnonzero(bits.any(axis=1)):
        taken |= (busy[word, day] & bits[word][:, None]) != 0
    room = taken.argmin(axis=1)
    found = np.flatnonzero(~taken[np.arange(len(day)), room])
    rooms[several[found]] = room[found]
    busy[:, day[found], room[found]] |= bits[:, found]


def _keep_combined(
    building: Building, busy: Words, rooms: Ints, booking: int, parts: tuple[int, ...]
) -> None:
    """Let a booking keep a combined room if all its parts are free."""
    days, bits = _days_and_slots(building, booking)
    taken = busy[:, days][:, :, parts] & bits[:, :, None]
    if taken.any():
        rooms[booking] = -1
        return
    for part in parts:
        busy[:, days, part] |= bits


def _days_and_slots(building: Building, booking: int) -> tuple[Ints, Words]:
    start, end = int(building.starts[booking]), int(building.ends[booking])
    days = np.arange(start // DAY, (end - 1) // DAY + 1)
    return days, _slots(np.maximum(start - days * DAY, 0), np.minimum(end - days * DAY, DAY))


def _place_long(building: Building, busy: Words, rooms: Ints, booking: int) -> None:
    """Place a booking that passes a midnight."""
    days, bits = _days_and_slots(building, booking)
    taken = (busy[:, days] & bits[:, :, None]).any(axis=(0, 1))
    taken |= building.seats < building.need[booking]
    if not taken.all():
        rooms[booking] = taken.argmin()
        busy[:, days, rooms[booking]] |= bits


def _sweep(building: Building, in_place: Ints, days: Ints, *, by_minutes: bool) -> Ints:
    """Place the bookings of some days anew, by start, each in the smallest free room that fits.

    Where none is free, the booking that ends last gives way, or (``by_minutes``) the shortest.
    Bookings that pass a midnight, and those of combined rooms, stay where they are, and keep their
    rooms to themselves.
    """
    rooms = in_place.copy()
    day, is_within = building.day, building.is_within
    until = np.where(building.is_available[days], 0, _NEVER).astype(np.int16)
    parts = dict(building.combined)
    until[:, list(parts)] = _NEVER
    stays = (in_place >= 0) & (~is_within | np.isin(in_place, list(parts)))
    for booking in np.flatnonzero(stays):
        touched = np.arange(day[booking], (building.ends[booking] - 1) // DAY + 1)
        room = int(in_place[booking])
        until[np.ix_(np.isin(days, touched), np.array(parts.get(room, (room,))))] = _NEVER
    chosen = np.flatnonzero(is_within & ~stays & np.isin(day, days))
    rooms[chosen] = -1
    queue = _Queue(building, chosen, until, by_minutes=by_minutes)
    rooms[chosen] = queue.run()
    return rooms


class _Queue:
    """Days beside each other, each with its bookings by start: one of each day at a time."""

    def __init__(
        self, building: Building, chosen: Ints, until: npt.NDArray[np.int16], *, by_minutes: bool
    ) -> None:
        self._by_minutes = by_minutes
        day = building.day[chosen]
        starts, ends = building.starts[chosen] - day * DAY, building.ends[chosen] - day * DAY
        order = np.argsort(building.starts[chosen].astype(np.int64) * 2 * DAY + ends)
        counts = np.bincount(day, minlength=1)
        line = (np.cumsum(counts > 0) - 1)[day[order]]
        counts = counts[counts > 0]
        rank = np.arange(len(order)) - np.searchsorted(line, line)
        by_count = np.argsort(-counts, kind="stable")  # a rank's days stand first
        self._lines_of_rank = np.bincount(rank) if len(rank) else np.zeros(0, np.int64)
        line = np.argsort(by_count)[line]
        self._where = np.empty((2, len(order)), np.int64)
        self._where[:, order] = rank, line
        shape = (len(self._lines_of_rank), len(counts))
        self._starts, self._ends, self._first = np.zeros((3, *shape), np.int16)
        self._starts[rank, line] = starts[order]
        self._ends[rank, line] = ends[order]
        self._first[rank, line] = np.searchsorted(building.seats, building.need[chosen][order])
        self._room = np.full(shape, -1, np.int32)
        self._until = until[by_count]
        self._holder = np.zeros(until.shape, np.int32)
        self._number = np.arange(until.shape[1], dtype=np.int16)

    def run(self) -> Ints:
        """Return the room of each booking, in the order in which they were given."""
        for rank, lines in enumerate(self._lines_of_rank.tolist()):
            is_free = self._until[:lines] <= self._starts[rank, :lines, None]
            is_free &= self._number >= self._first[rank, :lines, None]
            room, line = is_free.argmax(axis=1), np.arange(lines)
            found = is_free[line, room]
            self._give(rank, line[found], room[found])
            if not found.all():
                self._make_way(rank, line[~found])
        rooms: Ints = self._room[self._where[0], self._where[1]]
        return rooms

    def _give(self, rank: int, line: Ints, room: Ints) -> None:
        self._room[rank, line] = room
        self._until[line, room] = self._ends[rank, line]
        self._holder[line, room] = rank

    def _make_way(self, rank: int, line: Ints) -> None:
        """Let a booking that is worth less give its room to the one of this rank."""
        until, holder = self._until[line].astype(np.int32), self._holder[line]
        is_held = (until < _NEVER) & (until > self._starts[rank, line, None])
        is_held &= self._number >= self._first[rank, line, None]
        own = self._ends[rank, line].astype(np.int32)
        if self._by_minutes:
            own = self._starts[rank, line] - own  # shortest gives way: compare negative lengths
            until = self._starts[holder, line[:, None]] - until
        worst = np.where(is_held, until, -_NEVER)
        room = worst.argmax(axis=1)
        yields = worst[np.arange(len(line)), room] > own
        line, room = line[yields], room[yields]
        self._room[self._holder[line, room], line] = -1
        self._give(rank, line, room)
