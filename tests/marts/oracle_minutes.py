"""What is open, booked and held in a scenario, minute by minute.

Belongs here: clocks, opening hours, unions, and the day that a booking counts under.
Does not belong here: tables (``oracle.py``), labels (``oracle_labels.py``).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

import holidays

from tests.marts.scenario import Booking, Room, Scenario

_MINUTE = timedelta(minutes=1)
_ZERO = datetime(1, 1, 1, tzinfo=UTC)

Minute: TypeAlias = int
"""Minutes since the year 1, UTC."""


def floor_minute(instant: datetime) -> Minute:
    return (instant - _ZERO) // _MINUTE


def ceil_minute(instant: datetime) -> Minute:
    return -((_ZERO - instant) // _MINUTE)


@cache
def wall_of_day(time_zone: str, utc_day: int) -> list[tuple[date, int, int]]:
    """Return local date, hour and minute of the day for each minute of a UTC day."""
    zone = ZoneInfo(time_zone)
    start = _ZERO + timedelta(days=utc_day)
    walls = [(start + offset * _MINUTE).astimezone(zone) for offset in range(1440)]
    return [(wall.date(), wall.hour, wall.hour * 60 + wall.minute) for wall in walls]


def wall(time_zone: str, minute: Minute) -> tuple[date, int, int]:
    return wall_of_day(time_zone, minute // 1440)[minute % 1440]


@cache
def holidays_of(country: str, subdivision: str | None, year: int) -> set[date]:
    return set(holidays.country_holidays(country, subdiv=subdivision, years=year))


class RoomDay:
    """The minutes of one room on one local date."""

    def __init__(self) -> None:
        self.hour_of: dict[Minute, int] = {}
        self.open: set[Minute] = set()
        self.booked: set[Minute] = set()  # in open time
        self.outside: set[Minute] = set()
        self.held: set[Minute] = set()
        self.overlap: set[Minute] = set()

    def five(self, minutes: Iterable[Minute]) -> tuple[int, ...]:
        asked = set(minutes)
        kinds = (self.open, self.booked, self.outside, self.held, self.overlap)
        return tuple(len(asked & kind) for kind in kinds)

    def fragmented(self) -> int:
        total = 0
        for stretch in _stretches(sorted(self.open)):
            taken = [minute for minute in stretch if minute in self.booked]
            for before, after in pairwise(taken):
                if 1 <= after - before - 1 < 30:
                    total += after - before - 1
        return total


def _stretches(minutes: list[Minute]) -> list[list[Minute]]:
    stretches: list[list[Minute]] = []
    for minute in minutes:
        if not stretches or minute != stretches[-1][-1] + 1:
            stretches.append([])
        stretches[-1].append(minute)
    return stretches


class Readings:
    """The room-days that were read in a scenario: their minutes, and the bookings they count."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.rooms = {room.room_id: room for room in scenario.rooms}
        self.read = {
            (each.room_id, each.day)
            for each in scenario.coverage
            if each.read_at is not None and each.room_id in self.rooms
        }
        listed = [*scenario.rooms, *(room for _, rooms in scenario.history for room in rooms)]
        self.wholes = {room.part_of for room in listed}
        self.days = {each.day for each in scenario.coverage if each.room_id in self.rooms}

    @cached_property
    def data_through(self) -> date | None:
        todays = [
            self.scenario.now.astimezone(ZoneInfo(r.time_zone)).date() for r in self.all_rooms()
        ]
        over = {day for _, day in self.read if all(day < today for today in todays)}
        return max(over, default=None)

    def all_rooms(self) -> list[Room]:
        return list(self.scenario.rooms)

    def on(self, room_id: str, day: date) -> Room:
        """Return the room as the directory had it on a day (R18)."""
        room = self.rooms[room_id]
        found = [rooms for since, rooms in self.scenario.history if since <= day]
        for rooms in found[-1:] or [rooms for _, rooms in self.scenario.history[:1]]:
            (as_it_was,) = [each for each in rooms if each.room_id == room_id]
            room = replace(
                as_it_was,
                time_zone=room.time_zone,
                opened_on=room.opened_on,
                closed_on=room.closed_on,
            )
        is_before = room.opened_on is not None and day < room.opened_on
        is_after = room.closed_on is not None and day >= room.closed_on
        return replace(room, part_of=None) if is_before or is_after else room

    def rooms_on(self, day: date) -> list[Room]:
        """Return the rooms that count on a day: not a room with parts, but its parts (R25)."""
        rooms = [self.on(room_id, day) for room_id in self.rooms]
        wholes = {room.part_of for room in rooms}
        return [room for room in rooms if room.room_id not in wholes]

    def is_whole(self, room_id: str, day: date) -> bool:
        return room_id not in {room.room_id for room in self.rooms_on(day)}

    def is_past(self, day: date) -> bool:
        return self.data_through is not None and day <= self.data_through

    def status(self, booking: Booking) -> str:
        if booking.ends_at <= booking.starts_at:
            return "not_booked"
        if booking.status == "held" and self.scenario.options.count_held_as_booked:
            return "booked"
        return booking.status

    def in_use(self, room: Room, day: date) -> bool:
        """Tell whether the room can be open at all on that date (R2)."""
        if room.opened_on is not None and day < room.opened_on:
            return False
        if room.closed_on is not None and day >= room.closed_on:
            return False
        if room.country and day in holidays_of(room.country, room.subdivision, day.year):
            return False
        return not any(
            closure.first_date <= day <= closure.last_date
            and closure.site in (None, room.site)
            and closure.building in (None, room.building)
            and closure.room_id in (None, room.room_id)
            for closure in self.scenario.options.closures
        )

    def open_on(self, room: Room, day: date) -> set[int]:
        """Return the minutes of the local day at which the room is open on a date."""
        if not self.in_use(room, day):
            return set()
        return {minute for times in room.week[day.weekday()] for minute in range(*times)}

    def opens_on(self, room: Room, day: date) -> bool:
        """Tell whether any real minute of the date is open, clock changes included."""
        minutes = self.open_on(room, day)
        return any(
            of_day in minutes
            for utc_day in range(day.toordinal() - 2, day.toordinal() + 2)
            for local_day, _, of_day in wall_of_day(room.time_zone, utc_day)
            if local_day == day
        )

    @cached_property
    def room_days(self) -> dict[tuple[str, date], RoomDay]:
        """The minutes of every room-day that was ever read (R13)."""
        found: dict[tuple[str, date], RoomDay] = {}
        for room in self.all_rooms():
            days = {day for room_id, day in self.read if room_id == room.room_id}
            if days:
                found |= self._days_of(room, days)
        return found

    def _days_of(self, room: Room, days: set[date]) -> dict[tuple[str, date], RoomDay]:
        utc_days = {d.toordinal() - 1 + near for d in days for near in (-1, 0, 1)}
        timed, whole, held = self._layers(room, min(utc_days) * 1440, (max(utc_days) + 1) * 1440)
        found = {(room.room_id, day): RoomDay() for day in days}
        open_on = {day: self.open_on(self.on(room.room_id, day), day) for day in days}
        counted = {day for day in days if not self.is_whole(room.room_id, day)}
        for utc_day in utc_days:
            for offset, (day, hour, of_day) in enumerate(wall_of_day(room.time_zone, utc_day)):
                if day not in counted:
                    continue
                minute, here = utc_day * 1440 + offset, found[room.room_id, day]
                here.hour_of[minute] = hour
                booked = timed[minute] + whole[minute]
                if of_day in open_on[day]:
                    here.open.add(minute)
                    if booked:
                        here.booked.add(minute)
                    elif held[minute]:
                        here.held.add(minute)
                    if booked >= 2:
                        here.overlap.add(minute)
                elif timed[minute]:
                    here.outside.add(minute)
        return found

    def _layers(
        self, room: Room, first: Minute, end: Minute
    ) -> tuple[Counter[Minute], Counter[Minute], Counter[Minute]]:
        timed, whole, held = Counter[Minute](), Counter[Minute](), Counter[Minute]()
        for booking in self.scenario.bookings:
            status = self.status(booking)
            if status not in ("booked", "held"):
                continue
            layer = held if status == "held" else whole if booking.is_all_day else timed
            starts = max(first, floor_minute(booking.starts_at))
            minutes = range(starts, min(end, ceil_minute(booking.ends_at)))
            if booking.room_id == room.room_id:
                layer.update(minutes)
            elif booking.room_id in self.wholes:
                days = {minute: wall(room.time_zone, minute)[0] for minute in minutes}
                parts = {d: self.on(room.room_id, d).part_of for d in set(days.values())}
                layer.update(m for m, day in days.items() if parts[day] == booking.room_id)
        return timed, whole, held

    def started(self, room_id: str, day: date) -> list[Booking]:
        """Return the bookings that count under that room and local start date (R15)."""
        return [
            booking
            for booking in self.scenario.bookings
            if (booking.room_id, booking.day) == (room_id, day)
            and (room_id, day) in self.read
            and self.status(booking) == "booked"
        ]
