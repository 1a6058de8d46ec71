"""Upper bounds on what any placement of a building's bookings can serve, on plain arrays (R22).

At each minute, the bookings that need at least a size are compared with the rooms that have it.
That a booking keeps one room throughout is ignored, so even the best placement serves no more.
Finding that placement is hard; bounding it takes a second for a thousand rooms and a year.
"""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from warehouse.what_if.placement import DAY, Building, Ints, Placed, place_anew
from warehouse.what_if.sweep import STEPS, ranks

_PEAK: Final = 1  # a peak is as high as this many neighbours on either side
_LOOKBACK: Final = 16  # earlier moments each one is compared with; fewer still give a bound
_CHUNK: Final = 4096  # moments processed together


class _Moments(NamedTuple):
    """Moments when more is booked than fits; ``minute`` has one axis, ``rooms`` (level, moment).

    A level holds the bookings and rooms of at least one number of seats.
    """

    minute: Ints
    rooms: Ints


class _Chosen(NamedTuple):
    """Chosen moments in order, their levels, and the moments after which bookings count at them."""

    before: Ints
    moment: Ints
    level: Ints


class _Bookings(NamedTuple):
    """Bookings by start, with the first and the last moment within each."""

    starts: Ints
    ends: Ints
    level: Ints
    first: Ints
    last: Ints


def at_most(building: Building, days: Ints | None = None) -> tuple[int, int]:
    """Return an upper bound on what any placement can serve: bookings, and minutes.

    Where more bookings need a size than there are rooms, at least the difference is lost. Moments
    are chosen so that each booking counts at no more than one of them, so their losses add up. The
    chain of moments with the largest loss bounds the bookings. Minutes lost are, for each day, the
    larger of the shortest bookings of that chain and the excess summed over all minutes. With
    ``days``, all bookings of other days are taken as served, which is still a bound.
    """
    sizes = np.unique(building.seats)
    level: Ints = np.searchsorted(sizes, building.need)
    fits = level < len(sizes)
    served, minutes = int(fits.sum()), int(building.minutes[fits].sum())
    looked_at = fits if days is None else fits & np.isin(building.day, days)
    if not looked_at.any():
        return served, minutes
    starts, ends = building.starts[looked_at], building.ends[looked_at]
    level = level[looked_at]
    moments, lost_minutes = _excess(building, sizes, starts, ends, level)
    order = np.argsort(starts, kind="stable")
    starts, ends, level = starts[order], ends[order], level[order]
    lost, counted = 0, 0
    for first in range(0, len(moments.minute), _CHUNK):
        part = _Moments(*(each[..., first : first + _CHUNK] for each in moments))
        until = int(np.searchsorted(starts, part.minute[-1], side="right"))
        some = slice(counted, until)
        bookings = _at_moments(part, starts[some], ends[some], level[some])
        with STEPS:
            chosen, cost = _costliest_chain(part, bookings)
        _cost_in_minutes(building, part, chosen, bookings, lost_minutes[1])
        lost, counted = lost + cost, until
    return served - lost, minutes - int(lost_minutes.max(axis=0).sum())


class _Load(NamedTuple):
    """Bookings under way after each event that need at least each size: (sizes, events)."""

    minute: Ints
    under_way: Ints
    ended: Ints


def _load(building: Building, levels: int, starts: Ints, ends: Ints, level: Ints) -> _Load:
    """Count the bookings under way; midnights count as events."""
    is_event = np.zeros(len(building.is_available) * DAY + 1, np.bool_)
    is_event[starts] = is_event[ends] = is_event[::DAY] = True
    minute = np.flatnonzero(is_event)
    place = np.cumsum(is_event) - 1
    shape = (levels, len(minute))
    began = np.bincount(level * shape[1] + place[starts], minlength=shape[0] * shape[1])
    ended = np.bincount(level * shape[1] + place[ends], minlength=shape[0] * shape[1])
    under_way = np.cumsum((began - ended).reshape(shape), axis=1)[::-1].cumsum(axis=0)[::-1]
    return _Load(minute, under_way, ended.reshape(shape).sum(axis=0))


def _excess(
    building: Building, sizes: Ints, starts: Ints, ends: Ints, level: Ints
) -> tuple[_Moments, Ints]:
    """Return the moments with an excess, and minutes lost (2, days); the second row is still 0."""
    days = len(building.is_available)
    minute, load, ended = _load(building, len(sizes), starts, ends, level)
    is_large = building.seats >= sizes[:, None]
    for whole, parts in building.combined:  # no larger than its largest part: counted as that part
        if parts:
            is_large[:, whole] &= sizes > building.seats[list(parts)].max()
    rooms = is_large.astype(np.int32) @ building.is_available.T.astype(
        np.int32
    )  # of each level and day
    rooms = rooms[:, np.minimum(minute // DAY, days - 1)]
    excess = np.maximum((load - rooms).max(axis=0), 0)[:-1]
    lost = np.zeros((2, days), np.int64)
    np.add.at(lost[0], minute[:-1] // DAY, excess * np.diff(building.instants(minute)))
    # Until a booking ends, each moment includes the bookings of the one before: keep the last. Of
    # very many moments keep only the peaks: fewer still give a bound.
    kept = np.flatnonzero((excess > 0) & ((ended[1:] > 0) | (minute[1:] % DAY == 0)))
    if len(kept) > _CHUNK:
        beside = np.pad(excess[kept], _PEAK)
        highest = sliding_window_view(beside, 2 * _PEAK + 1).max(axis=1)
        kept = kept[excess[kept] == highest]
    return _Moments(minute[kept], rooms[:, kept]), lost


def _costliest_chain(moments: _Moments, bookings: _Bookings) -> tuple[_Chosen, int]:
    """Return the chosen moments, and their total loss.

    A booking counts at the first chosen moment at or after its start, if it is still running.
    """
    count = len(moments.minute)
    excess = _excess_since(moments, bookings)
    gain = np.maximum(excess.max(axis=1), 0).T.astype(np.int64, "C")
    best = np.zeros(count + _LOOKBACK, np.int64)  # last moment first; then zeros, before the first
    back = np.zeros(count, np.int64)
    value = np.zeros(_LOOKBACK, np.int64)
    for moment in range(count):
        place = count - moment
        np.add(gain[moment], best[place : place + _LOOKBACK], out=value)
        back[moment] = nearest = value.argmax()
        best[place - 1] = max(best[place], value[nearest])
    is_better = (best[:count] > best[1 : count + 1])[::-1].tolist()
    chosen, moment = [], count - 1
    while moment >= 0:
        if is_better[moment]:
            chosen.append(moment)
            moment -= int(back[moment])
        moment -= 1
    places = np.array(chosen[::-1], np.int64)
    back = back[places]
    return _Chosen(places - back - 1, places, excess[back, :, places].argmax(axis=1)), int(best[0])


def _excess_since(moments: _Moments, bookings: _Bookings) -> Ints:
    """Return each moment's excess of the bookings that began after the moment 1, 2, … back.

    Shape (lookback, levels, moments). Bookings that began earlier do not count: still a bound.
    """
    levels, count = moments.rooms.shape
    lasts = np.minimum(bookings.last - bookings.first, _LOOKBACK - 1)
    place = (lasts * levels + bookings.level) * count + bookings.first
    began = np.bincount(place, minlength=_LOOKBACK * levels * count).astype(np.int32)
    began = began.reshape(_LOOKBACK, levels, count)
    for longer in range(_LOOKBACK - 1, 0, -1):  # of bookings that last at least this many moments
        began[longer - 1] += began[longer]
    for larger in range(levels - 1, 0, -1):  # and need at least this many seats
        began[:, larger - 1] += began[:, larger]
    excess = np.empty_like(began)
    counted = -moments.rooms.astype(np.int32)
    for back in range(_LOOKBACK):
        counted[:, back:] += began[back, :, : max(count - back, 0)]
        excess[back] = counted
    return excess


def _at_moments(moments: _Moments, starts: Ints, ends: Ints, level: Ints) -> _Bookings:
    """Return the bookings with a moment in them, sorted by start."""
    minutes = max(int(ends.max(initial=0)), int(moments.minute[-1])) + 1
    before = np.cumsum(np.bincount(moments.minute + 1, minlength=minutes + 1))
    first, last = before[starts], before[ends] - 1
    kept = first <= last
    return _Bookings(*(each[kept] for each in (starts, ends, level, first, last)))


def _cost_in_minutes(
    building: Building, moments: _Moments, chosen: _Chosen, bookings: _Bookings, lost: Ints
) -> None:
    """Add to each day the minutes lost at its moments if the shortest bookings are lost."""
    begin = np.searchsorted(bookings.first, chosen.before, side="right")
    counts = np.searchsorted(bookings.first, chosen.moment, side="right") - begin
    number = np.repeat(np.arange(len(counts)), counts)
    counted = np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts - begin, counts)
    is_there = bookings.last[counted] >= chosen.moment[number]
    is_there &= bookings.level[counted] >= chosen.level[number]
    counted, number = counted[is_there], number[is_there]
    day = moments.minute[chosen.moment] // DAY
    began, ended = (building.instants(each[counted]) for each in bookings[:2])
    minutes = np.minimum(ended, building.midnights[day + 1][number])
    minutes -= np.maximum(began, building.midnights[day][number])
    number, minutes = np.divmod(np.sort(number * (DAY + 1) + minutes), DAY + 1)
    excess = np.bincount(number, minlength=len(counts)) - moments.rooms[chosen.level, chosen.moment]
    is_lost = ranks(number) < excess[number]
    np.add.at(lost, day[number[is_lost]], minutes[is_lost])


class Mix(NamedTuple):
    """A small mix of rooms, what it serves, and a lower bound on the number of rooms."""

    building: Building
    placed: Placed
    fewest_rooms: int


def small_mix(building: Building, share: float) -> Mix:
    """Return a small mix of rooms, in the building's sizes, that serves a share of the bookings.

    A placement proves that it does. A smaller mix may do: none was found with one room less, or
    with one of the next smaller size. Each day's most bookings under way at once prove that fewer
    than ``fewest_rooms`` cannot.
    """
    sizes = np.unique(building.seats)
    level = np.minimum(np.searchsorted(sizes, building.need), len(sizes) - 1)
    wanted = -(-len(level) * round(share * 1000) // 1000)
    peaks = _peaks(building, len(sizes), building.ends, level)
    spare = len(level) - wanted
    clipped = np.minimum(building.ends, (building.day + 1) * DAY)
    day_peaks = _peaks(building, 1, clipped, np.zeros_like(level))
    fewest = _fewest(day_peaks, np.zeros(1, np.int64), 0, spare)
    counts: Ints = peaks.max(axis=1)
    best, low, high = None, 0, spare
    while low <= high:  # how many bookings the peaks may leave out
        cost = (low + high + 1) // 2
        fewer = _counts(peaks, cost)
        if (tried := _tried(building, sizes, fewer, wanted)) is not None:
            best, counts, low = tried, fewer, cost + 1
        else:
            high = cost - 1
    while best is None:  # rooms for every peak can be too few: bookings do not change rooms
        counts = counts + 1
        best = _tried(building, sizes, counts, wanted)
    found, size = best, 0
    while size < len(sizes):  # one room less, or one of the next smaller size
        fewer = counts - (np.arange(len(sizes)) == size)
        is_mix = (fewer[:-1] >= fewer[1:]).all() and fewer[-1] >= 0
        if is_mix and (tried := _tried(building, sizes, fewer, wanted)) is not None:
            found, counts, size = tried, fewer, 0
        else:
            size += 1
    return Mix(*found, fewest)


def _tried(
    building: Building, sizes: Ints, counts: Ints, wanted: int
) -> tuple[Building, Placed] | None:
    """Place the bookings in ``counts`` rooms of at least each size; None if too few find one."""
    seats = np.repeat(sizes, counts - np.append(counts[1:], 0))
    is_open = np.ones((len(building.is_available), len(seats)), np.bool_)
    nowhere = np.full(len(building.room), -1)
    tried = replace(building, seats=seats, is_available=is_open, room=nowhere, combined=())
    placed = place_anew(tried)
    return (tried, placed) if (placed.most_bookings >= 0).sum() >= wanted else None


def _peaks(building: Building, levels: int, ends: Ints, level: Ints) -> Ints:
    """Return the most bookings under way at once, (levels, days)."""
    load = _load(building, levels, building.starts, ends, level)
    days = np.flatnonzero(load.minute % DAY == 0)[: len(building.is_available)]
    return np.maximum.reduceat(load.under_way, days, axis=1)


def _counts(peaks: Ints, spare: int) -> Ints:
    """Return, for each size, how many rooms are that large, if ``spare`` bookings find none."""
    counts = peaks.max(axis=1)
    for level in (0, *range(len(counts) - 1, 0, -1)):  # first few rooms, then few large ones
        counts[level] = _fewest(peaks, counts, level, spare)
    return np.maximum.accumulate(counts[::-1])[::-1]


def _fewest(peaks: Ints, counts: Ints, level: int, spare: int) -> int:
    """Return the fewest rooms at which the days' worst excesses sum to at most ``spare``."""
    others = np.delete(peaks - counts[:, None], level, axis=0).max(axis=0, initial=0)
    low, high = 0, int(peaks[level].max(initial=0))
    while low < high:
        middle = (low + high) // 2
        if np.maximum(peaks[level] - middle, others).sum() <= spare:
            high = middle
        else:
            low = middle + 1
    return low
