"""Rooms and bookings of buildings on the days of a what-if question, as arrays (R22).

Each day uses the directory as it was then (R18): a room that moved or changed its seats is another
room from that day on. A combined room is not counted beside its parts (R25): its bookings keep it
while all of its parts stay; otherwise each looks for one room.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from transforms.contract import Region
from warehouse.calendar import midnights
from warehouse.engine import read_sql
from warehouse.storage import WarehouseError
from warehouse.versions import NotPublished, VersionError
from warehouse.what_if.placement import DAY, Building, Ints, minutes_of_days


class WhatIfError(WarehouseError, ValueError):
    """A question that cannot be answered: one line that says why, and what to ask instead."""


class Room(NamedTuple):
    """A room over a span of days without a change that matters here; ``valid_to`` is exclusive."""

    room_id: str
    site: str
    building: str
    time_zone: str
    capacity: int | None
    is_personal: bool
    part_of: str | None
    closed_on: date | None
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Bookings:
    """Arrays for the days asked: bookings in any order, and the room-days that are open."""

    first_date: date
    last_date: date
    room: Ints
    starts: Ints
    ends: Ints
    invited: Ints
    day: Ints
    open_room: Ints
    open_day: Ints


def read_rooms(connection: duckdb.DuckDBPyConnection, region: Region) -> list[Room]:
    """Return the rooms as of each day; adjoining spans that do not differ here are merged.

    Raises:
        VersionError: the database has no rooms of earlier days yet.
    """
    try:
        rows = connection.execute(read_sql("what_if/rooms")).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        raise VersionError(
            f"{region}: an earlier version published this: run 'insights publish --region {region}'"
        ) from None
    rooms: list[Room] = []
    for room in map(Room._make, rows):
        if rooms and rooms[-1] == room._replace(
            valid_from=rooms[-1].valid_from, valid_to=room.valid_from
        ):
            rooms[-1] = room._replace(valid_from=rooms[-1].valid_from)
        else:
            rooms.append(room)
    return rooms


def parts_of(rooms: Sequence[Room]) -> dict[str, list[int]]:
    """Return the numbers of the parts of each combined room, wherever they are (R25)."""
    parts: dict[str, list[int]] = {}
    for number, room in enumerate(rooms):
        if room.part_of is not None:
            parts.setdefault(room.part_of, []).append(number)
    return parts


def read_bookings(
    connection: duckdb.DuckDBPyConnection,
    region: Region,
    rooms: Sequence[Room],
    first_date: date | None,
    last_date: date | None,
) -> Bookings:
    """Read the bookings of some days; without dates, of every past day that was read.

    Raises:
        WhatIfError: a day was not read.
        NotPublished: no day has been read and is over yet.
    """
    first, last = connection.execute(read_sql("what_if/read")).fetchall()[0]
    if first is None:
        raise NotPublished(
            f"{region}: no day has been read and is over yet: run 'insights run --region {region}'"
        )
    asked = (first_date or first, last_date or last)
    if asked[0] > asked[1]:
        read = f"the days read are {first} to {last}"
        raise WhatIfError(f"{region}: {asked[0]} is after {asked[1]}; {read}")
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
    ((is_held_counted,),) = connection.execute(read_sql("what_if/is_held_counted")).fetchall()
    counted = days | {"is_held_counted": is_held_counted}
    found = connection.execute(read_sql("what_if/bookings"), counted).fetchnumpy()
    opened = connection.execute(read_sql("what_if/days"), days).fetchnumpy()
    columns = [found[name] for name in ("room", "starts", "ends", "invited", "day")]
    return Bookings(*asked, *map(np.asarray, [*columns, opened["room"], opened["day"]]))


class BuildingDays:
    """One building on the days asked, as arrays; day 0 is the day before the first.

    The columns are the building's rooms, then its combined rooms (R25). ``over_seats`` counts the
    bookings that invite more people than their room has seats.
    """

    def __init__(
        self,
        group: Sequence[int],
        rooms: Sequence[Room],
        parts: Mapping[str, Sequence[int]],
        bookings: Bookings,
    ) -> None:
        self._rooms = [rooms[number] for number in group]
        self._bookings = bookings
        place_of = np.full(len(rooms), -1, np.int32)
        place_of[list(group)] = np.arange(len(group))
        own = place_of[bookings.room]
        kept = np.flatnonzero(own >= 0)
        # By start, then by room. The table is nearly sorted by start, which this sort uses and the
        # database would not; sorting by few distinct rooms is fast.
        kept = kept[np.argsort(bookings.starts[kept], kind="stable")]
        kept = kept[np.argsort(own[kept].astype(np.min_scalar_type(len(group))), kind="stable")]
        self._own = own[kept]
        before = bookings.first_date - timedelta(days=1)
        days_asked = (bookings.last_date - before).days
        # One more day on either side.
        begins = midnights(rooms[group[0]].time_zone, before, days_asked + 3)
        self._midnights = begins.astype(np.int32)
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
        self.over_seats = int((invited > own_seats).sum())
        # What each column combines: no tuple if it is a room, an empty one if all parts are in
        # other buildings.
        self._parts: list[tuple[int, ...] | None] = [None] * len(group)
        self._needs: list[frozenset[str]] = [frozenset({room.room_id}) for room in self._rooms]
        days = np.arange(len(self._midnights) - 1)[:, None]
        valid_from = np.array([(room.valid_from - before).days for room in self._rooms])
        valid_to = np.array([(room.valid_to - before).days for room in self._rooms])
        self._is_room = (days >= valid_from) & (days < valid_to)
        day = bookings.day[kept] + 1
        self._combine(rooms, parts, place_of, day)
        # A booking that runs into days on which its room is another one looks for a room.
        last = (self._ends - 1) // DAY
        for booking in np.flatnonzero(last > self._starts // DAY):
            if not self._is_room[day[booking] : last[booking] + 1, self._own[booking]].all():
                self._own[booking] = -1
        opened = place_of[bookings.open_room]
        self._is_available = np.zeros_like(self._is_room)
        self._is_available[bookings.open_day[opened >= 0] + 1, opened[opened >= 0]] = True
        self._is_available &= self._is_room
        self._open_where_booked()

    def _combine(
        self,
        rooms: Sequence[Room],
        parts: Mapping[str, Sequence[int]],
        place_of: Ints,
        day: Ints,
    ) -> None:
        """Add a column for each set of parts of a combined room, on the days that have it (R25).

        A part may be in another building: the whole is no room there or here, but its bookings keep
        it.
        """
        first = self._bookings.first_date - timedelta(days=1)
        days = [first + timedelta(days=number) for number in range(len(self._is_room))]
        for whole, room in enumerate(tuple(self._rooms)):
            of = np.array(parts.get(room.room_id, ()), np.int64)
            spans = [(rooms[part].valid_from, rooms[part].valid_to) for part in of]
            is_part = [[since <= each < until for since, until in spans] for each in days if spans]
            if not is_part:
                continue
            sets = np.array(is_part) & self._is_room[:, [whole]]
            for chosen in np.unique(sets[sets.any(axis=1)], axis=0):
                is_such = (sets == chosen).all(axis=1)
                self._is_room[is_such, whole] = False
                self._is_room = np.column_stack((self._is_room, is_such))
                self._own[(self._own == whole) & is_such[day]] = len(self._parts)
                self._seats = np.append(self._seats, self._seats[whole])
                here = place_of[of[chosen]]
                self._parts.append(tuple(here[here >= 0].tolist()))
                needed = [room, *(rooms[part] for part in of[chosen])]
                self._needs.append(frozenset(each.room_id for each in needed))
                self._rooms.append(room)

    def _open_where_booked(self) -> None:
        """Open rooms on days with a booking, and combined rooms where all of their parts are."""
        is_open = self._is_available
        stays = np.flatnonzero(self._own >= 0)
        own = self._own[stays]
        first, last = self._starts[stays] // DAY, (self._ends[stays] - 1) // DAY
        is_open[first, own] = True
        for booking in np.flatnonzero(last > first):
            is_open[first[booking] : last[booking] + 1, own[booking]] = True
        combined = [(each, list(parts)) for each, parts in enumerate(self._parts) if parts]
        for whole, parts in combined:
            is_open[:, parts] |= is_open[:, [whole]]
        for whole, parts in combined:
            is_open[:, whole] = is_open[:, parts].all(axis=1) & self._is_room[:, whole]

    def stay_now(self, remove: Collection[str]) -> tuple[Counter[int], Counter[int]]:
        """Return the rooms that stay, as of the last day asked, by seats.

        First those with a capacity, then those without, by the seats that they count as. Rooms that
        were never open or booked in those days, or closed for good until the last one, do not
        count.
        """
        last_date = self._bookings.last_date
        is_last = self._is_room[(last_date - self._bookings.first_date).days + 1]
        rooms = (Counter[int](), Counter[int]())
        is_there = is_last & self._is_available.any(axis=0)
        for room, seats, parts, is_now in zip(
            self._rooms, self._seats.tolist(), self._parts, is_there.tolist(), strict=True
        ):
            stays = is_now and parts is None and room.room_id not in remove
            stays &= room.closed_on is None or room.closed_on > last_date
            rooms[not room.capacity][seats] += stays
        return rooms

    def building(self, add: Mapping[int, int], remove: Collection[str]) -> Building:
        """Return the building with rooms added (seats: count) and others removed (by room_id)."""
        gone = frozenset(remove)
        stays = [number for number, needed in enumerate(self._needs) if not needed & gone]
        new = np.repeat(list(add), list(add.values())).astype(np.int64)
        seats = np.append(self._seats[stays], new)
        order = np.argsort(seats, kind="stable")
        source = np.append(stays, np.full(len(new), -1)).astype(np.int64)[order]
        now = np.full(len(self._rooms) + 1, -1, np.int32)  # the last: bookings without a room
        now[source[source >= 0]] = np.flatnonzero(source >= 0)
        combined = tuple(
            (int(now[number]), tuple(int(now[part]) for part in parts))
            for number in stays
            if (parts := self._parts[number]) is not None
        )
        return Building(
            seats=seats[order],
            is_available=self._is_available[:, source] | (source < 0),
            midnights=self._midnights,
            room=now[self._own],
            starts=self._starts,
            ends=self._ends,
            need=self._need,
            combined=combined,
        )
