"""What every mart should say, from plain Python over single minutes.

Belongs here: the rules of the dictionary, written as slowly and as plainly as possible.
Does not belong here: anything shared with the code under test. No masks, no SQL, no calendar
table: a minute is an integer, a union is a set, a wall clock is asked minute by minute.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import holidays

from tests.marts.scenario import Booking, Room, Rows, Scenario

PERSONAL = {"desk", "office", "executive"}
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


class Oracle:
    """Every table of the database, as sets of rows in the contract's order of columns."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.rooms = {room.room_id: room for room in scenario.rooms}
        self.read = {
            (each.room_id, each.day)
            for each in scenario.coverage
            if each.read_at is not None and each.room_id in self.rooms
        }
        self.days = {each.day for each in scenario.coverage if each.room_id in self.rooms}

    # --- what is read, open and booked ------------------------------------------------------

    @cached_property
    def data_through(self) -> date | None:
        todays = [self.scenario.now.astimezone(ZoneInfo(r.time_zone)).date() for r in self._all()]
        over = {day for _, day in self.read if all(day < today for today in todays)}
        return max(over, default=None)

    def _all(self) -> list[Room]:
        return list(self.scenario.rooms)

    def _is_past(self, day: date) -> bool:
        return self.data_through is not None and day <= self.data_through

    def _status(self, booking: Booking) -> str:
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

    def is_open(self, room: Room, day: date, minute_of_day: int) -> bool:
        intervals = room.week[day.weekday()]
        within = any(start <= minute_of_day < end for start, end in intervals)
        return within and self.in_use(room, day)

    def opens_on(self, room: Room, day: date) -> bool:
        """Tell whether any real minute of the date is open, clock changes included."""
        return any(
            self.is_open(room, day, of_day)
            for utc_day in range(day.toordinal() - 2, day.toordinal() + 2)
            for local_day, _, of_day in wall_of_day(room.time_zone, utc_day)
            if local_day == day
        )

    @cached_property
    def room_days(self) -> dict[tuple[str, date], RoomDay]:
        """The minutes of every room-day that was ever read (R13)."""
        found: dict[tuple[str, date], RoomDay] = {}
        for room in self._all():
            days = {day for room_id, day in self.read if room_id == room.room_id}
            if days:
                found |= self._days_of(room, days)
        return found

    def _days_of(self, room: Room, days: set[date]) -> dict[tuple[str, date], RoomDay]:
        utc_days = {d.toordinal() - 1 + near for d in days for near in (-1, 0, 1)}
        timed, whole, held = self._layers(room, min(utc_days) * 1440, (max(utc_days) + 1) * 1440)
        found = {(room.room_id, day): RoomDay() for day in days}
        for utc_day in utc_days:
            for offset, (day, hour, of_day) in enumerate(wall_of_day(room.time_zone, utc_day)):
                if day not in days:
                    continue
                minute, here = utc_day * 1440 + offset, found[room.room_id, day]
                here.hour_of[minute] = hour
                booked = timed[minute] + whole[minute]
                if self.is_open(room, day, of_day):
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
            status = self._status(booking)
            if booking.room_id != room.room_id or status not in ("booked", "held"):
                continue
            layer = held if status == "held" else whole if booking.is_all_day else timed
            starts = max(first, floor_minute(booking.starts_at))
            layer.update(range(starts, min(end, ceil_minute(booking.ends_at))))
        return timed, whole, held

    def started(self, room_id: str, day: date) -> list[Booking]:
        """Return the bookings that count under that room and local start date (R15)."""
        return [
            booking
            for booking in self.scenario.bookings
            if (booking.room_id, booking.day) == (room_id, day)
            and (room_id, day) in self.read
            and self._status(booking) == "booked"
        ]

    # --- the tables -------------------------------------------------------------------------

    def table(self, name: str) -> Rows:
        make: Callable[[], Rows] = getattr(self, name)
        return [("EU", *row) for row in make()]

    def rooms_table(self) -> Rows:
        return [
            (r.room_id, None, r.site, r.building, r.floor, r.country, r.time_zone, r.capacity,
             capacity_band(r.capacity), r.room_type)
            for r in self._all()
        ]  # fmt: skip

    def coverage_table(self) -> Rows:
        return [
            (c.room_id, c.day, c.is_loaded, c.read_at, c.error_code)
            for c in self.scenario.coverage
            if c.room_id in self.rooms
        ]

    def bookings_table(self) -> Rows:
        return [
            (*booking.row().values(), booking.day)
            for booking in self.scenario.bookings
            if (booking.room_id, booking.day) in self.read
            and self._is_past(booking.day)
            and not self._is_personal(booking.room_id)
        ]

    def _is_personal(self, room_id: str) -> bool:
        return self.rooms[room_id].room_type in PERSONAL

    def room_hours(self) -> Rows:
        rows: Rows = []
        for (room_id, day), minutes in self.room_days.items():
            if self._is_personal(room_id) or not self._is_past(day):
                continue
            for hour in range(24):
                here = [minute for minute, h in minutes.hour_of.items() if h == hour]
                five = minutes.five(here)
                if five[0] or five[2]:
                    rows.append((room_id, day, hour, *five))
        return rows

    def _day_row(self, room_id: str, day: date) -> tuple[Any, ...] | None:
        minutes, started = self.room_days[room_id, day], self.started(room_id, day)
        five = minutes.five(minutes.hour_of)
        gross = sum(whole_minutes(booking) for booking in started)
        if not (five[0] or five[2] or started):
            return None
        return (room_id, day, *five, gross, len(started), minutes.fragmented())

    def _day_rows(self, is_past: bool) -> Rows:
        rows = [
            self._day_row(room_id, day)
            for room_id, day in self.room_days
            if not self._is_personal(room_id) and self._is_past(day) == is_past
        ]
        return [row for row in rows if row is not None]

    def room_days_table(self) -> Rows:
        return self._day_rows(is_past=True)

    def room_days_ahead(self) -> Rows:
        return self._day_rows(is_past=False)

    def _utilization_cells(self) -> Rows:
        cells: dict[Hashable, list[Room]] = defaultdict(list)
        for r in self._all():
            band = capacity_band(r.capacity)
            cells[r.site, r.building, r.floor, r.room_type, band].append(r)
        rows: Rows = []
        for key, rooms in cells.items():
            for day in filter(self._is_past, self.days):
                open_rooms = [r for r in rooms if self.opens_on(r, day)]
                read = [r for r in rooms if (r.room_id, day) in self.read]
                started = [b for r in read for b in self.started(r.room_id, day)]
                if not open_rooms and not started:
                    continue
                five = [self.room_days[r.room_id, day] for r in read]
                sums = (
                    sum(len(each.open) for each in five),
                    sum(len(each.booked) for each in five),
                    sum(len(each.held) for each in five),
                    len(started),
                )
                loaded = sum(1 for r in open_rooms if r in read)
                is_known = loaded > 0 or started
                measures = (*sums, ratio(sums[1], sums[0])) if is_known else (None,) * 5
                rows.append((*tuple(key), day, len(open_rooms), loaded, *measures))  # type: ignore[arg-type]  # key is a tuple
        return rows

    def _is_hidden(self, row: tuple[Any, ...]) -> bool:
        return row[3] in PERSONAL and (
            row[7] < self.scenario.options.minimum_group or row[7] < row[6]
        )

    def utilization(self) -> Rows:
        return [row for row in self._utilization_cells() if not self._is_hidden(row)]

    def hour_of_week(self) -> Rows:
        sums: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
        for room_id, day, hour, opened, booked, *_ in self.room_hours():
            room = self.rooms[room_id]
            key = (
                room.building,
                capacity_band(room.capacity),
                iso_week(day),
                day.isoweekday(),
                hour,
            )
            sums[key][0] += opened
            sums[key][1] += booked
        return [(*key, *pair, ratio(pair[1], pair[0])) for key, pair in sums.items()]  # type: ignore[misc]  # key is a tuple

    def rooms_in_use(self) -> Rows:
        groups: dict[tuple[Any, ...], list[Room]] = defaultdict(list)
        for room in self._all():
            if room.room_type not in PERSONAL:
                groups[room.site, room.building, capacity_band(room.capacity)].append(room)
        rows = [
            self._concurrency(key, rooms, day)
            for key, rooms in groups.items()
            for day in filter(self._is_past, self.days)
        ]
        return [row for row in rows if row is not None]

    def _concurrency(
        self, key: tuple[Any, ...], rooms: list[Room], day: date
    ) -> tuple[Any, ...] | None:
        read = [self.room_days[r.room_id, day] for r in rooms if (r.room_id, day) in self.read]
        opened = Counter(minute for each in read for minute in each.open)
        booked = Counter(minute for each in read for minute in each.booked)
        if not opened:
            return None
        in_use = sorted(booked[minute] for minute in opened)
        free = [opened[minute] - booked[minute] for minute in opened]
        p95 = in_use[-(-95 * len(in_use) // 100) - 1]
        sold_out = free.count(0) if len(rooms) >= 2 else None
        rooms_open = sum(1 for each in read if each.open)
        return (*key, day, rooms_open, max(in_use), p95, min(free), sold_out)

    def _counted(self) -> list[tuple[Room, Booking]]:
        return [
            (self.rooms[room_id], booking)
            for room_id, day in self.read
            if self._is_past(day) and not self._is_personal(room_id)
            for booking in self.started(room_id, day)
        ]

    @cached_property
    def mix_cells(self) -> dict[tuple[Any, ...], list[tuple[Room, Booking]]]:
        cells: dict[tuple[Any, ...], list[tuple[Room, Booking]]] = defaultdict(list)
        for room, b in self._counted():
            group = (room.building, capacity_band(room.capacity), iso_week(b.day))
            cells[*group, b.kind, duration_band(b), lead_time_band(b)].append((room, b))
        return cells

    @cached_property
    def fit_cells(self) -> dict[tuple[Any, ...], list[tuple[Room, Booking]]]:
        cells: dict[tuple[Any, ...], list[tuple[Room, Booking]]] = defaultdict(list)
        for room, b in self._counted():
            group = (room.building, capacity_band(room.capacity), iso_week(b.day))
            cells[*group, headcount_band(b.invited_headcount)].append((room, b))
        return cells

    def mix_row(self, key: tuple[Any, ...]) -> tuple[Any, ...]:
        bookings = [b for _, b in self.mix_cells[key]]
        known = [b for b in bookings if b.has_external is not None]
        minutes = sum(whole_minutes(b) for b in bookings)
        external = sum(1 for b in known if b.has_external)
        return ("EU", *key, len(bookings), minutes, external, len(known))

    def fit_row(self, key: tuple[Any, ...]) -> tuple[Any, ...]:
        pairs = self.fit_cells[key]
        minutes = sum(whole_minutes(b) for _, b in pairs)
        both = [
            (b.invited_headcount, room.capacity, whole_minutes(b))
            for room, b in pairs
            if b.invited_headcount and room.capacity and b.invited_headcount > 0 < room.capacity
        ]
        used = sum(min(people, seats) * m for people, seats, m in both) if both else None
        offered = sum(seats * m for _, seats, m in both) if both else None
        return ("EU", *key, len(pairs), minutes, used, offered)

    def hidden_utilization_cells(self) -> int:
        return sum(1 for row in self._utilization_cells() if self._is_hidden(row))


def ratio(numerator: int, denominator: int) -> float | None:
    return float(Fraction(numerator, denominator)) if denominator else None


def whole_minutes(booking: Booking) -> int:
    return ceil_minute(booking.ends_at) - floor_minute(booking.starts_at)


def iso_week(day: date) -> str:
    return day.strftime("%G-W%V")


def _label(value: int, limits: list[tuple[int, str]], beyond: str) -> str:
    return next((label for limit, label in limits if value <= limit), beyond)


def capacity_band(capacity: int | None) -> str | None:
    if capacity is None or capacity < 1:
        return None
    limits = [(1, "1"), (4, "2-4"), (8, "5-8"), (14, "9-14"), (30, "15-30")]
    return _label(capacity, limits, "31+")


def headcount_band(headcount: int | None) -> str | None:
    if headcount is None or headcount < 1:
        return None
    limits = [(1, "1"), (2, "2"), (4, "3-4"), (6, "5-6"), (10, "7-10"), (20, "11-20")]
    return _label(headcount, limits, "21+")


def duration_band(booking: Booking) -> str:
    if booking.is_all_day:
        return "all-day"
    limits = [(15, "0-15"), (30, "16-30"), (60, "31-60"), (120, "61-120"), (240, "121-240")]
    return _label(whole_minutes(booking), limits, "241+")


def lead_time_band(booking: Booking) -> str | None:
    if booking.kind != "single" or booking.created_at is None:
        return None
    lead = max(timedelta(0), booking.starts_at - booking.created_at)
    for limit, label in (
        (timedelta(minutes=15), "0-15m"),
        (timedelta(hours=2), "15m-2h"),
        (timedelta(days=1), "2h-1d"),
        (timedelta(days=7), "1d-7d"),
        (timedelta(days=30), "7d-30d"),
    ):
        if lead <= limit:
            return label
    return "30d+"
