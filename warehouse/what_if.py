"""Which bookings would find a room if rooms were added or removed; which rooms are needed (R22).

A booking stays in its building. It needs a seat for each person invited, but never more than its
room has; where nobody is known to be invited, as many as its room has. A room without a capacity
counts as large as the largest party that it had. A room takes other rooms' bookings on days on
which it was read and is open or booked. Personal rooms (desk, office, executive) are left out.

A room counts on each day as the directory had it then (R18): one that moved or changed its seats
is another room from that day on. A room that has parts is not counted beside them (R25): who has
the whole keeps it while all of its parts stay; else that booking looks for one room.

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
import pyarrow as pa

from transforms.contract import Region
from transforms.zones import day_start, zone
from warehouse.bounds import at_most, smallest_mix
from warehouse.connect import Warehouse, connect
from warehouse.placement import DAY, Bools, Building, Ints, Placed, minutes_of_days, place, served
from warehouse.storage import WarehouseError

__all__ = ["Seats", "WhatIf", "WhatIfError", "what_if"]

_SERVED_BY_A_MIX: Final = 0.99
_THREADS: Final = 2
_ROOMS: Final = """
SELECT v.room_id, coalesce(v.site, ''), coalesce(v.building, ''), r.time_zone, v.capacity,
       v.room_type IN ('desk', 'office', 'executive'), v.part_of, v.valid_from, v.valid_to
FROM rooms_as_of AS v JOIN rooms AS r USING (room_id)
ORDER BY v.room_id, v.valid_from
"""
_DAYS: Final = """
SELECT room, local_date - CAST($first AS DATE) AS day
FROM room_days JOIN numbered USING (room_id)
WHERE local_date BETWEEN $first AND $last AND local_date >= valid_from AND local_date < valid_to
"""
_BOOKINGS: Final = """
SELECT room, (epoch_us(starts_at) // 60000000)::INTEGER AS starts,
       (-(-epoch_us(ends_at) // 60000000))::INTEGER AS ends,
       coalesce(invited_headcount, 0)::INTEGER AS invited,
       (local_start_date - CAST($first AS DATE))::INTEGER AS day
FROM bookings JOIN numbered USING (room_id)
WHERE status = 'booked' AND local_start_date BETWEEN $first AND $last
  AND local_start_date >= valid_from AND local_start_date < valid_to
ORDER BY room, starts, ends
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


class _Room(NamedTuple):
    """A room in a span of days without a change that matters here, ``valid_to`` not included."""

    room_id: str
    site: str
    building: str
    time_zone: str
    capacity: int | None
    is_personal: bool
    part_of: str | None
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class _Bookings:
    """Arrays of the days asked: bookings by room and start, and the room-days that are open."""

    first_date: date
    last_date: date
    room: Ints
    starts: Ints
    ends: Ints
    invited: Ints
    day: Ints
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
        rooms = _rooms(connection, region)
        groups = _groups(region, rooms, building)
        _check_removed(region, groups, rooms, remove)
        if added and len(groups) > 1:
            names = ", ".join(sorted({rooms[group[0]].building for group in groups} - {""}))
            raise WhatIfError(f"{region}: name the building that gets the rooms: {names}")
        bookings = _read(connection, region, rooms, first_date, last_date)

    def answer(group: Sequence[int]) -> _Answer:
        question = _Question(group, rooms, bookings)
        return question.suggestion() if suggest else question.answer(added, frozenset(remove))

    with ThreadPoolExecutor(_THREADS) as pool:
        answers = list(pool.map(answer, groups))
    return _sum(region, building, bookings, answers)


def _rooms(connection: duckdb.DuckDBPyConnection, region: Region) -> list[_Room]:
    """Return the rooms as of the days, spans that differ in nothing that matters as one."""
    try:
        rows = connection.execute(_ROOMS).fetchall()
    except duckdb.CatalogException:
        raise WhatIfError(
            f"{region}: an earlier version published this: run 'insights publish --region {region}'"
        ) from None
    rooms: list[_Room] = []
    for room in map(_Room._make, rows):
        if rooms and rooms[-1] == room._replace(
            valid_from=rooms[-1].valid_from, valid_to=room.valid_from
        ):
            rooms[-1] = room._replace(valid_from=rooms[-1].valid_from)
        else:
            rooms.append(room)
    return rooms


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
    known = {room.room_id: room for room in rooms}  # as it was last
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
    rooms: Sequence[_Room],
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
    numbered = {
        "room": pa.array(range(len(rooms)), pa.int32()),
        "room_id": pa.array([room.room_id for room in rooms], pa.string()),
        "valid_from": pa.array([room.valid_from for room in rooms], pa.date32()),
        "valid_to": pa.array([room.valid_to for room in rooms], pa.date32()),
    }
    connection.register("numbered", pa.table(numbered))
    found = connection.execute(_BOOKINGS, days).fetchnumpy()
    opened = connection.execute(_DAYS, days).fetchnumpy()
    columns = [np.asarray(found[name]) for name in ("room", "starts", "ends", "invited", "day")]
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
    """One building's part of a question, as arrays; day 0 is the one before the first asked.

    The columns are the rooms of the building, then those that are others together (R25).
    """

    def __init__(self, group: Sequence[int], rooms: Sequence[_Room], bookings: _Bookings) -> None:
        self._rooms = [rooms[number] for number in group]
        self._bookings = bookings
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
        capacity = np.array([room.capacity or 0 for room in self._rooms], np.int32)
        largest = np.ones(len(group), np.int32)
        np.maximum.at(largest, self._own, invited)
        self._seats = np.where(capacity > 0, capacity, largest)
        own_seats = self._seats[self._own]
        self._need = np.where(invited > 0, np.minimum(invited, own_seats), own_seats)
        self._parts: list[tuple[int, ...]] = [()] * len(group)
        self._is_room = np.array([self._days_of(room) for room in self._rooms]).T.copy()
        self._combine(bookings.day[kept] + 1)
        self._leave_where_the_room_changes(bookings.day[kept] + 1)
        opened = place_of[bookings.open_room]
        self._is_available = np.zeros_like(self._is_room)
        self._is_available[bookings.open_day[opened >= 0] + 1, opened[opened >= 0]] = True
        self._is_available &= self._is_room
        self._open_where_booked()

    def _days_of(self, room: _Room) -> Bools:
        """Return the days on which a room is as it is here."""
        days = len(self._midnights) - 1
        first = self._bookings.first_date - timedelta(days=1)
        is_own = np.zeros(days, np.bool_)
        is_own[max((room.valid_from - first).days, 0) : max((room.valid_to - first).days, 0)] = True
        return is_own

    def _combine(self, day: Ints) -> None:
        """Give rooms with parts a column for each set of parts, on the days that have it (R25)."""
        parts_of: dict[str, list[int]] = {}
        for number, room in enumerate(self._rooms):
            if room.part_of is not None:
                parts_of.setdefault(room.part_of, []).append(number)
        for whole, room in enumerate(tuple(self._rooms)):
            of = np.array(parts_of.get(room.room_id, []), np.int64)
            sets = self._is_room[:, of] & self._is_room[:, [whole]]
            for chosen in np.unique(sets[sets.any(axis=1)], axis=0):
                is_such = (sets == chosen).all(axis=1)
                self._is_room[is_such, whole] = False
                self._is_room = np.column_stack((self._is_room, is_such))
                self._own[(self._own == whole) & is_such[day]] = len(self._parts)
                self._seats = np.append(self._seats, self._seats[whole])
                self._parts.append(tuple(of[chosen].tolist()))
                self._rooms.append(room)

    def _leave_where_the_room_changes(self, day: Ints) -> None:
        """Let bookings that last into days on which their room is another one look for a room."""
        last = (self._ends - 1) // DAY
        for booking in np.flatnonzero(last > self._starts // DAY):
            if not self._is_room[day[booking] : last[booking] + 1, self._own[booking]].all():
                self._own[booking] = -1

    def _open_where_booked(self) -> None:
        """Take rooms as open on the days of their bookings, wholes where all their parts are."""
        is_open = self._is_available
        stays = np.flatnonzero(self._own >= 0)
        own = self._own[stays]
        first, last = self._starts[stays] // DAY, (self._ends[stays] - 1) // DAY
        is_open[first, own] = True
        for booking in np.flatnonzero(last > first):
            is_open[first[booking] : last[booking] + 1, own[booking]] = True
        for whole, parts in enumerate(self._parts):
            if parts:
                is_open[:, parts] |= is_open[:, [whole]]
        for whole, parts in enumerate(self._parts):
            if parts:
                is_open[:, whole] = is_open[:, parts].all(axis=1) & self._is_room[:, whole]

    def answer(self, add: Mapping[int, int], remove: Collection[str]) -> _Answer:
        """Answer for the rooms that there would be."""
        building = self._building(add, remove)
        answer = self._answer(building, place(building))
        is_last = self._is_room[(self._bookings.last_date - self._bookings.first_date).days + 1]
        rooms = Counter(add)
        for room, seats, parts, is_now in zip(
            self._rooms, self._seats.tolist(), self._parts, is_last.tolist(), strict=True
        ):
            rooms[seats] += is_now and not parts and room.room_id not in remove
        return answer._replace(rooms=+rooms)

    def suggestion(self) -> _Answer:
        """Answer for the smallest mix that serves nearly all."""
        mix = smallest_mix(self._building({}, ()), _SERVED_BY_A_MIX)
        return self._answer(mix.building, mix.placed)._replace(fewest_rooms=mix.fewest_rooms)

    def _building(self, add: Mapping[int, int], remove: Collection[str]) -> Building:
        is_gone = [room.room_id in remove for room in self._rooms]
        stays = [
            number
            for number, parts in enumerate(self._parts)
            if not is_gone[number] and not any(is_gone[part] for part in parts)
        ]
        new = np.repeat(list(add), list(add.values())).astype(np.int64)
        seats = np.append(self._seats[stays], new)
        order = np.argsort(seats, kind="stable")
        source = np.append(stays, np.full(len(new), -1)).astype(np.int64)[order]
        now = np.full(len(self._rooms) + 1, -1, np.int32)  # the last is of bookings without a room
        now[source[source >= 0]] = np.flatnonzero(source >= 0)
        combined = [(now[number], now[list(self._parts[number])]) for number in stays]
        return Building(
            seats=seats[order],
            is_available=self._is_available[:, source] | (source < 0),
            midnights=self._midnights,
            room=now[self._own],
            starts=self._starts,
            ends=self._ends,
            need=self._need,
            combined=tuple((int(each), tuple(of.tolist())) for each, of in combined if len(of)),
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
