"""Small lakes for the tests of the marts: rooms, bookings and coverage, as plain values.

Belongs here: describing a scenario, writing it through the lake, publishing and reading back.
Does not belong here: what the figures should be (``oracle.py``).
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from transforms.contract.lake import BOOKINGS, CHANGES, COVERAGE, ROOMS
from transforms.local_time import Closure
from warehouse import connect
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

Week: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]
"""Open intervals in minutes for each day of the week, Monday first."""

Rows: TypeAlias = list[tuple[Any, ...]]

OFFICE_WEEK: Week = (*(((8 * 60, 18 * 60),),) * 5, (), ())
ALWAYS: Week = (((0, 24 * 60),),) * 7
READ_AT = datetime(2026, 1, 1, 3, tzinfo=UTC)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Room:
    """One room of the directory."""

    room_id: str
    time_zone: str = "Europe/Copenhagen"
    week: Week = OFFICE_WEEK
    site: str | None = "North"
    building: str | None = "HQ"
    floor: str | None = "1"
    country: str | None = None
    subdivision: str | None = None
    capacity: int | None = 6
    room_type: str = "conference"
    opened_on: date | None = None
    closed_on: date | None = None
    part_of: str | None = None

    @property
    def open_hours(self) -> str:
        parts = [
            f"{name} " + ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in intervals)
            for name, intervals in zip(_DAYS, self.week, strict=True)
            if intervals
        ]
        return "; ".join(parts) or "closed"


@dataclass(frozen=True)
class Booking:
    """One row of the lake; ``day`` is the partition, the local start date unless given."""

    room_id: str
    starts_at: datetime
    ends_at: datetime
    day: date
    is_all_day: bool = False
    kind: str = "single"
    status: str = "booked"
    invited_headcount: int | None = 4
    has_external: bool | None = None
    created_at: datetime | None = None
    read_at: datetime = READ_AT
    headcount_is_lower_bound: bool = False

    def row(self) -> dict[str, Any]:
        return {
            "room_id": self.room_id,
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "is_all_day": self.is_all_day,
            "is_cancelled": self.status == "cancelled",
            "is_private": False,
            "kind": self.kind,
            "show_as": "tentative" if self.status == "held" else "busy",
            "response": "accept",
            "status": self.status,
            "invited_headcount": self.invited_headcount,
            "headcount_is_lower_bound": self.headcount_is_lower_bound,
            "has_external": self.has_external,
            "is_online": None,
            "created_at": self.created_at,
            "read_at": self.read_at,
        }


@dataclass(frozen=True)
class Coverage:
    """The coverage of one room-day after one or more runs."""

    room_id: str
    day: date
    is_loaded: bool = True
    read_at: datetime | None = READ_AT
    error_code: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A lake, the options, and the time at which it is published."""

    rooms: tuple[Room, ...]
    bookings: tuple[Booking, ...]
    coverage: tuple[Coverage, ...]
    now: datetime
    options: PublishOptions = field(default_factory=PublishOptions)
    history: tuple[tuple[date, tuple[Room, ...]], ...] = ()
    """The directory from each day on, if it changed; the first also counts before its day (R18)."""
    changes: tuple[dict[str, Any], ...] = ()

    def with_options(self, **changes: Any) -> "Scenario":
        return replace(self, options=replace(self.options, **changes))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def at(room: Room, day: date, clock: str = "00:00", fold: int = 0) -> datetime:
    """Return the instant of a local date and time in the room's zone."""
    wall = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(room.time_zone))
    return wall.replace(fold=fold).astimezone(UTC)


def book(room: Room, day: date, start: str, end: str, **more: Any) -> Booking:
    """Return a booking between two local times of one day; an end of 24:00 is midnight."""
    ends_at = at(room, day + timedelta(days=1)) if end == "24:00" else at(room, day, end)
    return Booking(room.room_id, at(room, day, start), ends_at, day, **more)


def all_day(room: Room, first: date, days: int = 1, **more: Any) -> Booking:
    """Return an all-day booking as the lake has it: local midnight to local midnight (R6)."""
    last = first + timedelta(days=days)
    return Booking(room.room_id, at(room, first), at(room, last), first, is_all_day=True, **more)


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(count)]


def read_all(rooms: tuple[Room, ...], days: list[date]) -> tuple[Coverage, ...]:
    """Return the coverage of days on which every room was read."""
    return tuple(Coverage(room.room_id, day) for day in days for room in rooms)


def scenario(
    rooms: tuple[Room, ...],
    bookings: list[Booking],
    days: list[date],
    **options: Any,
) -> Scenario:
    """Return a scenario in which everything was read and all days are over."""
    now = datetime.combine(days[-1] + timedelta(days=3), time(), UTC)
    return Scenario(rooms, tuple(bookings), read_all(rooms, days), now, PublishOptions(**options))


def closed_month(
    rooms: tuple[Room, ...], bookings: list[Booking], days: list[date], **options: Any
) -> Scenario:
    """Return a scenario whose month was read to its end and is closed."""
    last = (days[-1].replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return scenario(rooms, bookings, [*days, last], trailing_days=1, **options)


class Cases:
    """Many worked cases in one lake: publishing it takes longer than all that is asked of it.

    Each case has rooms of its own, read on its own days, and a building of its own if it asks for
    more than rooms.
    """

    def __init__(self) -> None:
        self._rooms: list[Room] = []
        self._bookings: list[Booking] = []
        self._coverage: list[Coverage] = []

    def add(self, rooms: list[Room], bookings: list[Booking], days: list[date]) -> None:
        """Add rooms that were read on these days."""
        assert not {each.room_id for each in self._rooms} & {each.room_id for each in rooms}
        self._rooms += rooms
        self._bookings += bookings
        self._coverage += read_all(tuple(rooms), days)

    def scenario(self, **options: Any) -> Scenario:
        """Return the scenario of all cases, three days after the last of their days."""
        now = datetime.combine(max(each.day for each in self._coverage), time(), UTC)
        return Scenario(
            tuple(self._rooms),
            tuple(self._bookings),
            tuple(self._coverage),
            now + timedelta(days=3),
            PublishOptions(**options),
        )


def write_lake(lake: Lake, scenario: Scenario) -> None:
    """Write a scenario through the lake, as a night does."""
    lake.replace("rooms", None, _directory(scenario.rooms))
    for day, rooms in scenario.history:
        lake.replace("directory", day, _directory(rooms))
    if scenario.changes:
        found = pa.Table.from_pylist(list(scenario.changes), CHANGES)
        lake.replace("changes", scenario.now.date(), found)
    with lake.exclusive():
        days = {each.day for each in scenario.bookings}
        for day in days | {each.day for each in scenario.coverage}:
            rows = [each.row() for each in scenario.bookings if each.day == day]
            lake.replace("bookings", day, pa.Table.from_pylist(rows, BOOKINGS))
        for day in {each.day for each in scenario.coverage}:
            covered = [
                {name: getattr(each, name) for name in COVERAGE.names}
                for each in scenario.coverage
                if each.day == day
            ]
            lake.replace("coverage", day, pa.Table.from_pylist(covered, COVERAGE))


def _directory(rooms: tuple[Room, ...]) -> pa.Table:
    rows = [
        {name: getattr(room, name, None) for name in ROOMS.names} | {"name": None} for room in rooms
    ]
    return pa.Table.from_pylist(rows, ROOMS)


def publish_scenario(
    folder: Path, scenario: Scenario, *, export_parquet: bool = False
) -> "Database":
    """Write the scenario's lake below the folder, publish it, and open the database.

    It writes no Parquet, which few tests read and which would take a sixth more time.
    """
    lake = Lake(folder / "lake", "EU")
    write_lake(lake, scenario)
    options = replace(scenario.options, export_parquet=export_parquet)
    publish(lake, folder / "warehouse", options, scenario.now)
    return Database(connect("EU", warehouse=folder / "warehouse", bookings=True))


class Database:
    """A published database whose rows are read as plain tuples."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def rows(self, query: str) -> Rows:
        return self.connection.execute(query).fetchall()

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the only row of a query."""
        (row,) = self.rows(query)
        return row

    def profile(self, measure: str, what: str = "bookings", building: str | None = None) -> Rows:
        """Return a column by band, for the region or a building and all closed months together."""
        level = "region" if building is None else "building"
        return self.rows(
            f"SELECT band, {what} FROM booking_profile WHERE level = '{level}' AND month IS NULL "
            f"AND measure = '{measure}' AND coalesce(building, '') = '{building or ''}' "
            "ORDER BY ALL"
        )

    def close(self) -> None:
        self.connection.close()


__all__ = [
    "ALWAYS",
    "OFFICE_WEEK",
    "READ_AT",
    "Booking",
    "Cases",
    "Closure",
    "Coverage",
    "Database",
    "Room",
    "Rows",
    "Scenario",
    "Week",
    "all_day",
    "at",
    "book",
    "closed_month",
    "days_from",
    "publish_scenario",
    "read_all",
    "scenario",
    "write_lake",
]
