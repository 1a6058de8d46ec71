"""The database of a region, rebuilt whole from its lake.

Belongs here: the order of the steps, and which days each pass over the lake takes.
Does not belong here: what a figure means (``sql``), what the steps are given of rooms and clocks
(``inputs.py``), settings of the engine (``engine.py``), how readers see a file whole
(``versions.py``).

The steps are the files of ``sql`` in name order: 10 to 19 once at first, 20 to 29 in every pass in
place of the last one's, 30 to 39 in every pass and appended, 50 and up once at last. Between 24 and
25 a pass gets its masks (``masks.py``). A pass is some days, so few that its work fits into memory
however large the lake is.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from transforms.contract import BOOKINGS, COVERAGE, TABLES
from transforms.opening import Closure
from warehouse.engine import Engine, EngineError, building, sql_steps
from warehouse.export import export_tables
from warehouse.inputs import Inputs, date_rows, no_hidden_cells, no_live_bookings, pass_row
from warehouse.lake import Lake
from warehouse.masks import hour_masks
from warehouse.versions import new_version, parquet_draft, pointer

_DAY: Final = timedelta(days=1)
_LONGEST_PASS_DAYS: Final = 366
_MOST_THREADS_OF_ARRAYS: Final = 4
"""Each holds a block's arrays, some 30 MB: on a large machine memory must not grow with cores."""


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the configuration decides about a region's database.

    ``minimum_group`` is k of the suppression rule; ``closures`` are all of the region, each says
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
    threads: int | None = None
    memory_limit: str = "400MB"
    room_days_per_pass: int = 150_000


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
    with new_version(
        warehouse, lake.region, options.keep_versions, is_copied=options.is_copied
    ) as draft:
        try:
            data_through, rows = build(lake, draft, options, now)
        except EngineError:
            lake.refuse_damage()
            raise
    return Published(pointer(warehouse, lake.region), data_through, rows)


def build(
    lake: Lake, path: Path, options: PublishOptions, now: datetime
) -> tuple[date | None, dict[str, int]]:
    """Build the database at the path; return data_through and the rows of every table.

    Its tables as Parquet, where asked for, are built beside it.
    """
    with building(path, options.threads, options.memory_limit) as engine:
        steps = sql_steps()
        with engine.transaction():
            engine.create_tables()
            build = Build(engine, lake, options, now)
            for step in _between(steps, "10", "19"):
                engine.run(step)
        build.run(build.passes(), steps)
        with engine.transaction():
            for step in _between(steps, "50", "99"):
                engine.run(step)
        if options.export_parquet:
            export_tables(engine, parquet_draft(path), lake.region, now)
        counted = {name: engine.count(name) for name in TABLES}
    return build.data_through, counted


def _between(steps: Sequence[str], first: str, last: str) -> list[str]:
    return [step for step in steps if first <= step[:2] <= last]


class Build:
    """One build: the lake's files by day, and the dates that were read."""

    def __init__(self, engine: Engine, lake: Lake, options: PublishOptions, now: datetime) -> None:
        self._engine = engine
        self._bookings = {_day_of(path): path for path in lake.files("bookings")}
        self._coverage = {_day_of(path): path for path in lake.files("coverage")}
        self._inputs = Inputs(lake.region, lake.read_rooms(), options.closures, now)
        engine.scan("lake_coverage", COVERAGE, list(self._coverage.values()))
        engine.load("directory", self._inputs.directory())
        asked = dict(engine.rows(_ASKED_DATES))
        self._dates = sorted(asked)
        self.data_through = self._inputs.data_through(day for day in asked if asked[day])
        engine.load(
            "settings",
            self._inputs.settings(
                self.data_through, options.minimum_group, options.count_held_as_booked
            ),
        )
        engine.load("dates", date_rows({*self._dates, *self._bookings}, covered=self._dates))
        engine.load("minutes", self._inputs.minutes())
        engine.load("live", no_live_bookings())
        engine.load("hidden_cells", no_hidden_cells())
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
                for step in _between(steps, "20", "24"):
                    self._engine.run(step)
                self._load_masks()
                for step in _between(steps, "25", "29"):
                    self._engine.run(step)
                for step in _between(steps, "30", "39"):
                    self._engine.run(step, append=True)
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
        new = [
            path
            for day, path in self._bookings.items()
            if (read_until is None or read_until < day) and day <= until
        ]
        engine.scan("lake_bookings", BOOKINGS, new)
        own = _between_days(self._bookings, first_date, last_date)
        engine.scan("lake_day_bookings", BOOKINGS, own)
        covered = _between_days(self._coverage, first_date, last_date)
        engine.scan("lake_day_coverage", COVERAGE, covered)

    def _load_masks(self) -> None:
        self._engine.withdraw("masks")  # the last pass's, or memory would hold both
        bookings, room_dates, calendar = (
            self._engine.table(name) for name in ("live", "room_dates", "calendar")
        )
        self._engine.offer("masks", hour_masks(bookings, room_dates, calendar, self._threads))

    def passes(self) -> list[list[date]]:
        """Cut the dates into passes: at every gap, and where a pass has room-days enough."""
        size = max(1, min(_LONGEST_PASS_DAYS, self._pass_days))
        passes: list[list[date]] = []
        for day in self._dates:
            if not passes or len(passes[-1]) == size or day - passes[-1][-1] > _DAY:
                passes.append([])
            passes[-1].append(day)
        return passes


_ASKED_DATES: Final = """
SELECT lake_date, bool_or(read_at IS NOT NULL) AS is_read
FROM lake_coverage
JOIN directory USING (room_id)
GROUP BY lake_date
"""


def _between_days(files: Mapping[date, Path], first: date, last: date) -> list[Path]:
    return [path for day, path in files.items() if first <= day <= last]


def _day_of(path: Path) -> date:
    return date.fromisoformat(path.parent.name.removeprefix("date="))
