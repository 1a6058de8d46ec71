"""The database of a region, rebuilt whole from its lake.

Belongs here: the order of the steps, and which days each pass over the lake takes.
Does not belong here: what a figure means (``sql``), what the steps are given of rooms and clocks
(``inputs.py``), settings of the engine (``engine.py``), how readers see a file whole
(``versions.py``).

The steps are the files of ``sql``: those before, those of each pass, and those after. Work tables
are replaced in each pass, the contract's tables grow. A pass is some days, so few that its work
fits into memory however large the lake is.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract import BOOKINGS, CHANGES, COVERAGE, STATISTICS, TABLES, Region
from transforms.opening import Closure
from warehouse.directory import as_of_days, restated_from
from warehouse.engine import Engine, EngineError, building
from warehouse.export import export_tables
from warehouse.inputs import (
    Inputs,
    date_rows,
    no_changes,
    no_hidden_cells,
    no_live_bookings,
    no_series,
    pass_row,
    room_versions,
)
from warehouse.lake import Lake, Part
from warehouse.masks import hour_masks
from warehouse.profile import PROFILE, load_profile
from warehouse.profile_memory import MEMORY
from warehouse.versions import (
    VersionError,
    current_version,
    new_version,
    parquet_draft,
    pointer,
    statistics_draft,
)

_DAY: Final = timedelta(days=1)
_LONGEST_PASS_DAYS: Final = 366
MASKS: Final = "masks"
BOOKED_ROOMS: Final = "before/booked_rooms"
BEFORE: Final = (
    "rooms",
    "coverage",
    "changes",
    "numbered_changes",
    "room_places",
    "places",
    "larger_places",
)
EACH_PASS: Final = (
    *(
        "whole_days",
        "room_dates",
        "live",
        MASKS,
        "fragments",
        "days",
        "utilization_cells",
        "room_hours",
    ),
    *("room_days", "room_days_ahead", "utilization", "in_use", "rooms_in_use"),
    *("rooms_in_use_by_place", "bookings", "hidden_cells", "series_hours"),
    *("change_days", "change_minutes"),
)
"""``masks`` is not SQL but arrays (``masks.py``)."""
AFTER: Final = (
    "hour_of_week",
    "series_to_ask",
    "profile_counts",
    "change_counts",
    PROFILE,
    "build_info",
)
"""Both profiles are not SQL but counts that are merged (``profile.py``)."""
GROWING: Final = frozenset({"hidden_cells", "series_hours", "change_days", "change_minutes"})
"""Work tables that each pass adds to."""
_MOST_THREADS_OF_ARRAYS: Final = 4
"""Each holds a block's arrays, some 30 MB: on a large machine memory must not grow with cores."""


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the configuration decides about a region's database.

    ``minimum_group`` is k of R17, and ``trailing_days`` says when a month is closed; of a month
    that ``retention_months`` has begun to delete no profile is shown (None: nothing is deleted).
    ``closures`` are all of the region, each says
    which rooms it covers. With ``export_parquet`` the tables are published as Parquet too; with
    ``is_copied`` readers get plain copies in place of symlinks. ``threads`` None is one for each
    core. DuckDB keeps to ``memory_limit``; ``room_days_per_pass`` bounds the arrays beside it.
    """

    minimum_group: int = 5
    count_held_as_booked: bool = False
    keep_versions: int = 7
    export_parquet: bool = True
    is_copied: bool = False
    closures: tuple[Closure, ...] = ()
    trailing_days: int = 14
    retention_months: int | None = None
    threads: int | None = None
    memory_limit: str = "400MB"
    room_days_per_pass: int = 150_000


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: the path that always leads to it, and the rows of every table.

    ``edits`` are what changed in the room directory, a line each (R18).
    """

    path: Path
    data_through: date | None
    rows: dict[str, int]
    edits: tuple[str, ...] = ()


def publish(lake: Lake, warehouse: Path, options: PublishOptions, now: datetime) -> Published:
    """Build the region's database from the lake and swap it in.

    ``now`` is an aware instant; it decides which dates are over (R14).

    Raises:
        WarehouseError: the lake cannot be read, or the warehouse not written; readers still see
            what they saw before.
    """
    memory = _memory(warehouse, lake.region)
    with new_version(
        warehouse, lake.region, options.keep_versions, is_copied=options.is_copied
    ) as draft:
        try:
            data_through, rows = build(lake, draft, options, now, memory)
        except EngineError:
            lake.refuse_damage()
            raise
    return Published(pointer(warehouse, lake.region), data_through, rows)


def build(
    lake: Lake,
    path: Path,
    options: PublishOptions,
    now: datetime,
    memory: pa.Table | None = None,
) -> tuple[date | None, dict[str, int]]:
    """Build the database at the path; return data_through and the rows of every table.

    The statistics for everybody, and the tables of both as Parquet where asked for, are built
    beside it. ``memory`` is what the last thirty nights showed of ``booking_profile``.
    """
    with building(path, options.threads, options.memory_limit) as engine:
        with engine.transaction():
            engine.create_tables()
            build = Build(engine, lake, options, now)
            for step in BEFORE:
                engine.run(f"before/{step}")
        build.run(build.passes(), EACH_PASS)
        with engine.transaction():
            for step in AFTER:
                if step == PROFILE:
                    load_profile(engine, options.minimum_group, now.astimezone(UTC).date(), memory)
                else:
                    engine.run(f"after/{step}")
        engine.copy_statistics(statistics_draft(path))
        if options.export_parquet:
            export_tables(engine, parquet_draft(path), lake.region, now)
            folder = parquet_draft(statistics_draft(path))
            export_tables(engine, folder, lake.region, now, STATISTICS)
        counted = {name: engine.count(name) for name in TABLES}
    return build.data_through, counted


def _memory(warehouse: Path, region: Region) -> pa.Table | None:
    """Return what the last build remembers of former nights, None if there is none to ask."""
    try:
        with duckdb.connect(str(current_version(warehouse, region)), read_only=True) as connection:
            return connection.sql(f"FROM {MEMORY}").to_arrow_table()
    except (VersionError, duckdb.Error):
        return None


class Build:
    """One build: the lake's files by day, and the dates that were read."""

    def __init__(self, engine: Engine, lake: Lake, options: PublishOptions, now: datetime) -> None:
        self._engine = engine
        self._bookings = lake.scan("bookings")
        self._coverage = lake.scan("coverage")
        engine.scan("lake_coverage", COVERAGE, self._coverage)
        engine.scan("lake_changes", CHANGES, lake.scan("changes"))
        listed = lake.read("rooms")
        rooms = [] if listed is None else listed.sort_by("room_id").to_pylist()
        versions = room_versions(rooms, as_of_days(lake), dict(engine.rows(_FIRST_READ)))
        self._inputs = Inputs(lake.region, rooms, versions, options.closures, now)
        engine.load("current_rooms", self._inputs.current_rooms())
        engine.load("directory", self._inputs.directory())
        engine.run(BOOKED_ROOMS)
        asked = dict(engine.rows(_ASKED_DATES))
        self._dates = sorted(asked)
        self.data_through = self._inputs.data_through(day for day in asked if asked[day])
        engine.load(
            "settings",
            self._inputs.settings(
                self.data_through,
                options.minimum_group,
                options.count_held_as_booked,
                options.trailing_days,
                options.retention_months,
                restated_from(lake),
            ),
        )
        engine.load("dates", date_rows({*self._dates, *_days(self._bookings)}, covered=self._dates))
        engine.load("minutes", self._inputs.minutes())
        engine.load("live", no_live_bookings())
        engine.load("hidden_cells", no_hidden_cells())
        engine.load("series_hours", no_series())
        for name, empty in no_changes().items():
            engine.load(name, empty)
        self._threads = min(options.threads or os.cpu_count() or 1, _MOST_THREADS_OF_ARRAYS)
        self._pass_days = options.room_days_per_pass // max(1, self._inputs.rooms)

    def run(self, passes: Sequence[Sequence[date]], steps: Sequence[str]) -> None:
        """Run those of the steps that a pass has over each pass, in order from the first."""
        read_until: date | None = None
        for dates in passes:
            # A day more than the pass has: where a room's zone was corrected after its days
            # were read, the folder's date and the local date can be a day apart.
            until = min(dates[-1], date.max - _DAY) + _DAY
            with self._engine.transaction():
                self._begin_pass(dates[0], dates[-1], read_until, until)
                for step in steps:
                    if step == MASKS:
                        self._load_masks()
                    else:
                        self._engine.run(f"each_pass/{step}", append=step in GROWING)
            read_until = until

    def _begin_pass(
        self, first_date: date, last_date: date, read_until: date | None, until: date
    ) -> None:
        engine = self._engine
        calendar, zones = self._inputs.calendar(first_date, last_date)
        engine.load("calendar", calendar)
        engine.load("pass_zones", zones)
        engine.load("pass", pass_row(first_date, last_date))
        engine.rename("live", "live_before")
        new = _of_days(self._bookings, read_until + _DAY if read_until else date.min, until)
        engine.scan("lake_bookings", BOOKINGS, new)
        own = _of_days(self._bookings, first_date, last_date)
        engine.scan("lake_day_bookings", BOOKINGS, own)
        covered = _of_days(self._coverage, first_date, last_date)
        engine.scan("lake_day_coverage", COVERAGE, covered)

    def _load_masks(self) -> None:
        self._engine.unregister("masks")  # the last pass's, or memory would hold both
        bookings, room_dates, calendar = (
            self._engine.table(name) for name in ("live", "room_dates", "calendar")
        )
        room_dates = room_dates.filter(pc.invert(room_dates["is_whole"]))
        self._engine.register("masks", hour_masks(bookings, room_dates, calendar, self._threads))

    def passes(self) -> list[list[date]]:
        """Cut the dates into passes: at every gap, and where a pass has room-days enough."""
        size = max(1, min(_LONGEST_PASS_DAYS, self._pass_days))
        passes: list[list[date]] = []
        for day in self._dates:
            if not passes or len(passes[-1]) == size or day - passes[-1][-1] > _DAY:
                passes.append([])
            passes[-1].append(day)
        return passes


_FIRST_READ: Final = """
SELECT room_id, min(lake_date)
FROM lake_coverage
WHERE read_at IS NOT NULL
GROUP BY room_id
"""
_ASKED_DATES: Final = """
SELECT lake_date, bool_or(read_at IS NOT NULL) AS is_read
FROM lake_coverage
JOIN current_rooms USING (room_id)
GROUP BY lake_date
"""


def _of_days(parts: Sequence[Part], first: date, last: date) -> list[Part]:
    return [part for part in parts if part.day and first <= part.day <= last]


def _days(parts: Sequence[Part]) -> list[date]:
    return [part.day for part in parts if part.day]
