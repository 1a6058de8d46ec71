"""The database of a region, rebuilt whole from its lake.

Belongs here: what a build is given (the directory, the calendar, the files of the lake), and the
order of its steps: once, then pass by pass over the days, then once more.
Does not belong here: what a figure means (``sql``), settings of the engine (``engine.py``),
where the file goes and how readers see it whole (``versions.py``).

The steps are the files of ``sql`` in name order: 10 to 19 once at first, 20 to 29 in every pass in
place of the last one's, 30 to 39 in every pass and appended, 50 and up once at last. A pass is some
days, so few that its work fits into memory however large the lake is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import pyarrow as pa

from transforms.contract import (
    BOOKINGS,
    CONTRACT_VERSION,
    COVERAGE,
    INSTANT,
    PERSONAL_ROOM_TYPES,
    ROOMS,
    TABLES,
)
from transforms.opening import Closure
from transforms.zones import local_date, zone
from warehouse.calendar import (
    Profile,
    calendar_rows,
    never_open,
    phase_minutes,
    profile_of,
    zone_clock,
)
from warehouse.engine import BuildError, Engine, building, sql_steps
from warehouse.lake import Lake
from warehouse.versions import new_version, pointer

_DAY: Final = timedelta(days=1)
_LONGEST_PASS_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the configuration decides about a region's database.

    ``minimum_group`` is k of the suppression rule; ``closures`` are all of the region, each says
    which rooms it covers. ``threads`` None is one for each core. Memory stays near
    ``memory_limit``; ``room_days_per_pass`` bounds what a pass holds.
    """

    minimum_group: int = 5
    count_held_as_booked: bool = False
    keep_versions: int = 7
    closures: tuple[Closure, ...] = ()
    threads: int | None = None
    memory_limit: str = "700MB"
    room_days_per_pass: int = 310_000


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: the path that always leads to it, and the rows of every table."""

    path: Path
    data_through: date | None
    rows: dict[str, int]


def publish(lake: Lake, warehouse: Path, options: PublishOptions, now: datetime) -> Published:
    """Build the region's database from the lake and swap it in.

    ``now`` is an aware instant; it decides which dates are over (R14).

    Raises:
        WarehouseError: the lake cannot be read, or the warehouse not written; readers still see
            what they saw before.
    """
    with new_version(warehouse, lake.region, options.keep_versions) as draft:
        data_through, rows = build(lake, draft, options, now)
    return Published(pointer(warehouse, lake.region), data_through, rows)


def build(
    lake: Lake, path: Path, options: PublishOptions, now: datetime
) -> tuple[date | None, dict[str, int]]:
    """Build the database at the path; return data_through and the rows of every table."""
    with building(path, options.threads, options.memory_limit) as engine:
        steps = sql_steps()
        build = _Build(engine, lake, options)
        with engine.transaction():
            engine.create_tables()
            data_through = build.prepare(now)
            for step in _between(steps, "10", "19"):
                engine.run(step)
        build.run_passes(_between(steps, "20", "29"), _between(steps, "30", "39"))
        with engine.transaction():
            for step in _between(steps, "50", "99"):
                engine.run(step)
        counted = {name: engine.values(f"SELECT count(*) FROM {name}")[0] for name in TABLES}
    return data_through, {name: int(str(count)) for name, count in counted.items()}


def _between(steps: Sequence[str], first: str, last: str) -> list[str]:
    return [step for step in steps if first <= step[:2] <= last]


class _Build:
    """One build: the lake's files by day, and the rooms with their calendars."""

    def __init__(self, engine: Engine, lake: Lake, options: PublishOptions) -> None:
        self._engine = engine
        self._region = lake.region
        self._options = options
        rooms = lake.read_rooms()
        self._rooms: pa.Table = ROOMS.empty_table() if rooms is None else rooms
        self._bookings = {_day_of(path): path for path in lake.files("bookings")}
        self._coverage = lake.files("coverage")
        self._zones: list[str] = sorted(set(self._rooms["time_zone"].to_pylist()))
        self._phases: dict[str, int] = {}
        self._profiles: list[Profile] = []
        self._dates: list[date] = []

    def prepare(self, now: datetime) -> date | None:
        """Load what every step reads; return data_through (R14)."""
        engine = self._engine
        engine.scan("lake_coverage", COVERAGE, self._coverage)
        engine.load("directory", self._rooms.select(["room_id"]))
        self._dates = self._dates_of("SELECT DISTINCT lake_date FROM lake_coverage")
        read = self._dates_of("SELECT DISTINCT lake_date FROM lake_coverage WHERE read_at NOTNULL")
        data_through = self._data_through(read, now)
        first_date = self._dates[0] if self._dates else now.date()
        self._phases = {name: phase_minutes(name, first_date) for name in self._zones}
        engine.load("directory", self._directory())
        engine.load("settings", self._settings(data_through, now))
        engine.load("coverage_dates", pa.table({"local_date": pa.array(self._dates, pa.date32())}))
        engine.load("dates", _dates(sorted({*self._dates, *self._bookings})))
        engine.load("minutes", pa.table({"minute": pa.array(range(61), pa.int32())}))
        engine.load("live", _LIVE.empty_table())
        engine.load("hidden_cells", pa.table({"cells": pa.array([], pa.int64())}))
        return data_through

    def run_passes(self, work: Sequence[str], appended: Sequence[str]) -> None:
        """Run the steps of a pass over all dates, some at a time."""
        read_until = date.min
        for dates in self._passes():
            # A day more than the pass has: where a room's zone was corrected after its days
            # were read, the folder's date and the local date can be a day apart.
            until = min(dates[-1], date.max - _DAY) + _DAY
            with self._engine.transaction():
                self._begin_pass(dates, read_until, until)
                for step in work:
                    self._engine.run(step)
                for step in appended:
                    self._engine.run(step, append=True)
            read_until = until
        self._engine.drop(step[3:] for step in work)

    def _begin_pass(self, dates: Sequence[date], read_until: date, until: date) -> None:
        engine, first_date, last_date = self._engine, dates[0], dates[-1]
        clocks = {
            name: zone_clock(name, self._phases[name], first_date, last_date)
            for name in self._zones
        }
        engine.load("calendar", calendar_rows(self._profiles, clocks, first_date, last_date))
        engine.load("pass", pa.table({"first_date": [first_date], "last_date": [last_date]}))
        zones = [
            {"zone_no": number, "first_cell": clock.first_cell, "last_cell": clock.last_cell}
            for number, clock in enumerate(clocks.values())
        ]
        engine.load("pass_zones", pa.Table.from_pylist(zones, _PASS_ZONES))
        engine.rename("live", "live_before")
        new = [path for day, path in self._bookings.items() if read_until < day <= until]
        own = [path for day, path in self._bookings.items() if first_date <= day <= last_date]
        engine.scan("lake_bookings", BOOKINGS, new)
        engine.scan("lake_day_bookings", BOOKINGS, own)

    def _passes(self) -> list[list[date]]:
        """Cut the dates into passes: at every gap, and where a pass has room-days enough."""
        rooms = max(1, self._rooms.num_rows)
        size = max(1, min(_LONGEST_PASS_DAYS, self._options.room_days_per_pass // rooms))
        passes: list[list[date]] = []
        for day in self._dates:
            if not passes or len(passes[-1]) == size or day - passes[-1][-1] > _DAY:
                passes.append([])
            passes[-1].append(day)
        return passes

    def _dates_of(self, query: str) -> list[date]:
        known = f"{query} INTERSECT SELECT DISTINCT lake_date FROM lake_coverage"
        known += " JOIN directory USING (room_id) ORDER BY 1"
        return [day for day in self._engine.values(known) if isinstance(day, date)]

    def _data_through(self, read: Sequence[date], now: datetime) -> date | None:
        todays = [local_date(now, zone(name)) for name in self._zones]
        return max((day for day in read if all(day < today for today in todays)), default=None)

    def _directory(self) -> pa.Table:
        numbers: dict[Profile, int] = {}
        rows = []
        for number, room in enumerate(self._rooms.sort_by("room_id").to_pylist()):
            profile = self._profile_of(room)
            closed = never_open(profile.time_zone)
            rows.append(
                room
                | {
                    "room_no": number,
                    "zone_no": self._zones.index(profile.time_zone),
                    "phase_minutes": self._phases[profile.time_zone],
                    "profile": numbers.setdefault(profile, len(numbers)),
                    "closed_profile": numbers.setdefault(closed, len(numbers)),
                    "is_personal": room["room_type"] in PERSONAL_ROOM_TYPES,
                }
            )
        self._profiles = list(numbers)
        return pa.Table.from_pylist(rows, _DIRECTORY)

    def _profile_of(self, room: Mapping[str, object]) -> Profile:
        try:
            profile = profile_of(room, self._options.closures)
            profile.days_off(self._dates[0], self._dates[0]) if self._dates else None
        except ValueError as error:
            raise BuildError(
                f"room {room['room_id']}: {error}: correct it in the room directory"
            ) from None
        return profile

    def _settings(self, data_through: date | None, now: datetime) -> pa.Table:
        row = {
            "region": self._region,
            "built_at": now.astimezone(UTC),
            "data_through": data_through,
            "through_date": data_through or date.min,
            "minimum_group": self._options.minimum_group,
            "count_held_as_booked": self._options.count_held_as_booked,
            "code_version": _code_version(),
            "contract_version": CONTRACT_VERSION,
        }
        return pa.Table.from_pylist([row], _SETTINGS)


def _dates(days: Sequence[date]) -> pa.Table:
    iso = [day.isocalendar() for day in days]
    columns = {
        "local_date": pa.array(days, pa.date32()),
        "iso_week": pa.array([f"{each.year:04}-W{each.week:02}" for each in iso], pa.string()),
        "weekday": pa.array([each.weekday for each in iso], pa.int32()),
    }
    return pa.table(columns)


def _day_of(path: Path) -> date:
    return date.fromisoformat(path.parent.name.removeprefix("date="))


def _code_version() -> str:
    try:
        return version("room-insights")
    except PackageNotFoundError:
        return "unknown"


_SETTINGS: Final = pa.schema(
    {
        "region": pa.string(),
        "built_at": INSTANT,
        "data_through": pa.date32(),
        "through_date": pa.date32(),
        "minimum_group": pa.int64(),
        "count_held_as_booked": pa.bool_(),
        "code_version": pa.string(),
        "contract_version": pa.string(),
    }
)
_DIRECTORY: Final = pa.schema(
    [
        *ROOMS,
        pa.field("room_no", pa.int32()),
        pa.field("zone_no", pa.int32()),
        pa.field("phase_minutes", pa.int32()),
        pa.field("profile", pa.int32()),
        pa.field("closed_profile", pa.int32()),
        pa.field("is_personal", pa.bool_()),
    ]
)
_PASS_ZONES: Final = pa.schema(
    {"zone_no": pa.int32(), "first_cell": pa.int64(), "last_cell": pa.int64()}
)
_LIVE: Final = pa.schema(
    {
        "room_no": pa.int32(),
        "local_start_date": pa.date32(),
        "starts_minute": pa.int64(),
        "ends_minute": pa.int64(),
        "is_all_day": pa.bool_(),
        "is_booked": pa.bool_(),
    }
)
