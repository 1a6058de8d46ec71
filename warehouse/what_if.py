"""Which bookings would find a room if rooms were added or removed; which rooms are needed (R22).

A booking stays in its building. It needs a seat for each person invited, but never more than its
room has; where nobody is known to be invited, as many as its room has. A room without a capacity
counts as large as the largest party that it had. A room takes other rooms' bookings on days on
which it was read and is open or booked. Personal rooms (desk, office, executive) are left out.

This alone reads single bookings beside an analyst: it opens ``insights-<region>.duckdb``.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import duckdb
import numpy as np

from transforms.contract import Region
from transforms.zones import day_start, zone
from warehouse.bounds import at_most, smallest_mix
from warehouse.connect import Warehouse, connect
from warehouse.placement import DAY, Building, Ints, Placed, minutes_of_days, place, served
from warehouse.storage import WarehouseError

__all__ = ["Seats", "WhatIf", "WhatIfError", "what_if"]

_SERVED_BY_A_MIX: Final = 0.99
_THREADS: Final = 2
_ROOMS: Final = """
SELECT room_id, coalesce(site, ''), coalesce(building, ''), time_zone, capacity,
       room_type IN ('desk', 'office', 'executive')
FROM rooms
ORDER BY ALL
"""
_DAYS: Final = """
SELECT room, local_date - CAST($first AS DATE) AS day
FROM room_days JOIN numbered USING (room_id)
WHERE local_date BETWEEN $first AND $last
"""
_BOOKINGS: Final = """
SELECT room, (epoch_us(starts_at) // 60000000)::INTEGER AS starts,
       (-(-epoch_us(ends_at) // 60000000))::INTEGER AS ends,
       coalesce(invited_headcount, 0)::INTEGER AS invited
FROM bookings JOIN numbered USING (room_id)
WHERE status = 'booked' AND local_start_date BETWEEN $first AND $last
ORDER BY room, starts, ends
"""
_NUMBERED: Final = """
CREATE TEMP VIEW numbered AS
SELECT room_id, (row_number() OVER (ORDER BY room_id) - 1)::INTEGER AS room FROM rooms
"""


class WhatIfError(WarehouseError, ValueError):
    """A question that cannot be answered: one line that says why, and what to ask instead."""


@dataclass(frozen=True, slots=True)
class Seats:
    """So many rooms of a size (or, of bookings: so many that need it)."""

    seats: int
    count: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer: truth lies between at least and at most. ``rooms`` are those of the question.

    ``served_in_place`` counts those served if nobody who has a room leaves it. ``not_placed`` are
    the bookings, by the seats that they need, that found no room in the placement that was made.
    ``fewest_rooms``: no mix of fewer rooms can serve 99 %; 0 where no mix was asked for.
    """

    region: Region
    building: str | None
    first_date: date
    last_date: date
    bookings: int
    minutes: int
    served_at_least: int
    served_at_most: int
    minutes_served_at_least: int
    minutes_served_at_most: int
    served_in_place: int
    rooms: tuple[Seats, ...]
    not_placed: tuple[Seats, ...]
    fewest_rooms: int


@dataclass(frozen=True, slots=True)
class _Room:
    room_id: str
    site: str
    building: str
    time_zone: str
    capacity: int | None
    is_personal: bool


@dataclass(frozen=True, slots=True)
class _Bookings:
    """Arrays of the days asked: bookings by room and start, and the room-days that are open."""

    first_date: date
    last_date: date
    room: Ints
    starts: Ints
    ends: Ints
    invited: Ints
    open_room: Ints
    open_day: Ints


def what_if(  # noqa: PLR0913 - a question has so many parts
    region: Region,
    *,
    building: str | None = None,
    add: Mapping[int, int] | None = None,
    remove: Sequence[str] = (),
    suggest: bool = False,
    first_date: date | None = None,
    last_date: date | None = None,
    warehouse: Warehouse | None = None,
) -> WhatIf:
    """Answer for a region or one building of it; ``add`` maps seats to the number of new rooms.

    ``suggest`` looks for the smallest mix of rooms that serves 99 %, instead of the rooms there
    are. Dates are local and inclusive; without them, all days that were read and are over.

    Raises:
        WhatIfError: an unknown building or room, days never read, rooms added nowhere.
        VersionError: nothing was published yet.
    """
    added = dict(add or {})
    if suggest and (added or remove):
        raise WhatIfError("a mix is suggested for the bookings alone: leave out add and remove")
    if any(seats < 1 or count < 1 for seats, count in added.items()):
        raise WhatIfError("rooms that are added have 1 seat or more, and are 1 or more")
    with connect(region, bookings=True, warehouse=warehouse) as connection:
        rooms = [_Room(*row) for row in connection.execute(_ROOMS).fetchall()]
        groups = _groups(region, rooms, building)
        _check_removed(region, groups, rooms, remove)
        if added and len(groups) > 1:
            names = ", ".join(sorted({rooms[group[0]].building for group in groups} - {""}))
            raise WhatIfError(f"{region}: name the building that gets the rooms: {names}")
        bookings = _read(connection, region, first_date, last_date)

    def answer(group: Sequence[int]) -> _Answer:
        question = _Question(group, rooms, bookings)
        return question.suggestion() if suggest else question.answer(added, frozenset(remove))

    with ThreadPoolExecutor(_THREADS) as pool:
        answers = list(pool.map(answer, groups))
    return _sum(region, building, bookings, answers)


def _groups(region: Region, rooms: Sequence[_Room], building: str | None) -> list[list[int]]:
    """Return the numbers of the rooms asked about, by building: no booking leaves its own."""
    known = sorted({room.building for room in rooms if room.building})
    if building is not None and building not in known:
        raise WhatIfError(f"{region}: no building {building!r}; there are: {', '.join(known)}")
    groups: dict[tuple[str, str], list[int]] = {}
    for number, room in enumerate(rooms):
        if building in (None, room.building) and not room.is_personal:
            groups.setdefault((room.site, room.building), []).append(number)
    if not groups:
        raise WhatIfError(f"{region}: there are no rooms but personal ones")
    return list(groups.values())


def _check_removed(
    region: Region, groups: Sequence[Sequence[int]], rooms: Sequence[_Room], remove: Sequence[str]
) -> None:
    """Refuse to remove a room that the question is not about."""
    usable = {rooms[number].room_id for group in groups for number in group}
    known = {room.room_id: room for room in rooms}
    for room_id in remove:
        if room_id not in known:
            raise WhatIfError(f"{region}: no room {room_id!r} in the directory")
        if room_id not in usable:
            room = known[room_id]
            where = "a personal room" if room.is_personal else f"in building {room.building!r}"
            raise WhatIfError(f"{region}: room {room_id!r} is {where}; leave it out")


def _read(
    connection: duckdb.DuckDBPyConnection,
    region: Region,
    first_date: date | None,
    last_date: date | None,
) -> _Bookings:
    first, last = connection.execute(
        "SELECT min(local_date), max(local_date) FROM room_days"
    ).fetchall()[0]
    if first is None:
        raise WhatIfError(f"{region}: no day has been read and is over yet")
    asked = (first_date or first, last_date or last)
    if asked[0] > asked[1]:
        raise WhatIfError(f"{region}: {asked[0]} is after {asked[1]}")
    if asked[0] < first or asked[1] > last:
        raise WhatIfError(
            f"{region}: {asked[0]} to {asked[1]} was not read whole; there is {first} to {last}"
        )
    days = {"first": asked[0], "last": asked[1]}
    connection.execute(_NUMBERED)
    found = connection.execute(_BOOKINGS, days).fetchnumpy()
    opened = connection.execute(_DAYS, days).fetchnumpy()
    columns = [np.asarray(found[name]) for name in ("room", "starts", "ends", "invited")]
    return _Bookings(*asked, *columns, *(np.asarray(opened[name]) for name in ("room", "day")))


class _Answer(NamedTuple):
    """What was found for one building; pairs are bookings and minutes."""

    asked: tuple[int, int]
    at_least: tuple[int, int]
    at_most: tuple[int, int]
    in_place: int
    rooms: Counter[int]
    not_placed: Counter[int]
    fewest_rooms: int = 0


class _Question:
    """One building's part of a question, as arrays."""

    def __init__(self, group: Sequence[int], rooms: Sequence[_Room], bookings: _Bookings) -> None:
        self._ids = [rooms[number].room_id for number in group]
        place_of = np.full(len(rooms), -1, np.int32)
        place_of[list(group)] = np.arange(len(group))
        own = place_of[bookings.room]
        kept = np.flatnonzero(own >= 0)
        self._own = own[kept]
        self._midnights = _midnights(rooms[group[0]].time_zone, bookings)
        self._starts, self._ends = (
            minutes_of_days(np.minimum(each[kept], self._midnights[-1]), self._midnights)
            for each in (bookings.starts, bookings.ends)
        )
        invited = bookings.invited[kept]
        capacity = np.array([rooms[number].capacity or 0 for number in group], np.int32)
        largest = np.ones(len(group), np.int32)
        np.maximum.at(largest, self._own, invited)
        self._seats = np.where(capacity > 0, capacity, largest)
        own_seats = self._seats[self._own]
        self._need = np.where(invited > 0, np.minimum(invited, own_seats), own_seats)
        opened = place_of[bookings.open_room]
        self._is_available = np.zeros((len(self._midnights) - 1, len(group)), np.bool_)
        self._is_available[bookings.open_day[opened >= 0] + 1, opened[opened >= 0]] = True
        first, last = self._starts // DAY, (self._ends - 1) // DAY
        self._is_available[first, self._own] = True
        for booking in np.flatnonzero(last > first):
            self._is_available[first[booking] : last[booking] + 1, self._own[booking]] = True

    def answer(self, add: Mapping[int, int], remove: Collection[str]) -> _Answer:
        """Answer for the rooms that there would be."""
        building = self._building(add, remove)
        return self._answer(building, place(building))

    def suggestion(self) -> _Answer:
        """Answer for the smallest mix that serves nearly all."""
        mix = smallest_mix(self._building({}, ()), _SERVED_BY_A_MIX)
        return self._answer(mix.building, mix.placed)._replace(fewest_rooms=mix.fewest_rooms)

    def _building(self, add: Mapping[int, int], remove: Collection[str]) -> Building:
        stays = [number for number, room_id in enumerate(self._ids) if room_id not in remove]
        new = np.repeat(list(add), list(add.values())).astype(np.int64)
        seats = np.append(self._seats[stays], new)
        order = np.argsort(seats, kind="stable")
        source = np.append(stays, np.full(len(new), -1)).astype(np.int64)[order]
        now = np.full(len(self._ids), -1, np.int32)
        now[source[source >= 0]] = np.flatnonzero(source >= 0)
        return Building(
            seats=seats[order],
            is_available=self._is_available[:, source] | (source < 0),
            midnights=self._midnights,
            room=now[self._own],
            starts=self._starts,
            ends=self._ends,
            need=self._need,
        )

    @staticmethod
    def _answer(building: Building, placed: Placed) -> _Answer:
        bookings, _ = served(building, placed.most_bookings)
        missing = (placed.most_bookings < 0) | (placed.most_minutes < 0)
        _, minutes = served(building, placed.most_minutes)
        return _Answer(
            asked=(len(building.room), int(building.minutes.sum())),
            at_least=(bookings, minutes),
            at_most=at_most(building, np.unique(building.day[missing])),
            in_place=served(building, placed.in_place)[0],
            rooms=Counter(building.seats.tolist()),
            not_placed=Counter(building.need[placed.most_bookings < 0].tolist()),
        )


def _sum(
    region: Region, building: str | None, bookings: _Bookings, answers: Sequence[_Answer]
) -> WhatIf:
    """Add up the buildings of a question."""
    counts = [
        tuple(map(sum, zip(*pairs, strict=True)))
        for pairs in zip(
            *((each.asked, each.at_least, each.at_most) for each in answers), strict=True
        )
    ]
    (total, minutes), (least, minutes_least), (most, minutes_most) = counts
    return WhatIf(
        region=region,
        building=building,
        first_date=bookings.first_date,
        last_date=bookings.last_date,
        bookings=total,
        minutes=minutes,
        served_at_least=least,
        served_at_most=most,
        minutes_served_at_least=minutes_least,
        minutes_served_at_most=minutes_most,
        served_in_place=sum(each.in_place for each in answers),
        rooms=_by_seats(each.rooms for each in answers),
        not_placed=_by_seats(each.not_placed for each in answers),
        fewest_rooms=sum(each.fewest_rooms for each in answers),
    )


def _by_seats(counters: Iterable[Counter[int]]) -> tuple[Seats, ...]:
    return tuple(Seats(*pair) for pair in sorted(sum(counters, Counter[int]()).items()))


def _midnights(time_zone: str, bookings: _Bookings) -> Ints:
    """Return when the days begin, in minutes, with a day more on either side."""
    count = (bookings.last_date - bookings.first_date).days + 4
    first = bookings.first_date - timedelta(days=1)
    own = zone(time_zone)
    days = [day_start(first + timedelta(days=day), own) for day in range(count)]
    return np.array([int(day.timestamp()) // 60 for day in days], np.int32)
