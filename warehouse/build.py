"""The tables of some rooms, built from their rows: the one function that both engines share.

Belongs here: what all rooms of a region have in common (``Survey``), where rows come from
(``Rows``), and which days each pass over them takes.
Does not belong here: the order of the steps (``publish.py``), what a figure means (``sql``), how
rooms are distributed to machines (``shards``).

A pass takes few enough days that its work fits into memory, however large the lake is.
"""

import ctypes
import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol, Self, TypeAlias

import pyarrow as pa

from transforms.contract.lake import LAKE, ROOMS
from warehouse.directory import as_of_days, restated_from
from warehouse.engine import Engine
from warehouse.in_use import PLACE_HOURS, peaks, place_changes, place_hours
from warehouse.inputs import (
    BEFORE_PASSES,
    Inputs,
    PublishOptions,
    date_rows,
    pass_row,
    room_versions,
)
from warehouse.known import KNOWN, known_minutes
from warehouse.lake import Lake
from warehouse.masks import DAYS as DAY_ROWS
from warehouse.masks import MASKS as MASK_ROWS
from warehouse.masks import Hours, hours_of
from warehouse.what_if.plan import Booked, booked_in_pass

Daily: TypeAlias = Literal["bookings", "coverage", "changes"]
"""The datasets of the lake that have one file a local day."""
DAILY: Final[tuple[Daily, ...]] = ("bookings", "coverage", "changes")

MASKS: Final = "masks"
KNOWN_DAYS: Final = "known_days"
PLACE_CHANGES: Final = "place_changes"
PEAKS: Final = "peaks"
WHAT_IF_BOOKED: Final = "what_if_booked"
HOURS_OF_PLACES: Final = "place_hours"
BOOKED_ROOMS: Final = "before/booked_rooms"
MOVED_HERE: Final = "before/moved_here"
GROWING: Final = frozenset(
    {
        *("hidden_cells", "series_hours", "change_days", "change_minutes", "ahead_days"),
        *("told_bookings", "site_changes", "site_rooms", "what_if_days"),
    }
)
"""Work tables that each pass adds to."""
_READ_BY: Final[dict[str, tuple[str, ...]]] = {
    MASKS: ("live", "room_dates", "calendar"),
    HOURS_OF_PLACES: ("week_places",),
    PLACE_CHANGES: ("room_dates", "calendar", "rooms_of_places"),
    PEAKS: (),
    KNOWN_DAYS: ("gone_here", "known_dates"),
    WHAT_IF_BOOKED: ("what_if_rooms_of", "what_if_days"),
}
"""The steps on arrays, each with the work tables that it reads."""
_PASSES_A_CHECKPOINT: Final = 50
"""Appended rows stay in memory until a checkpoint: without any, 280 passes were too many."""
_DAY: Final = timedelta(days=1)
_AHEAD: Final = timedelta(weeks=4)
_LONGEST_PASS_DAYS: Final = 366
_MOST_THREADS_OF_ARRAYS: Final = 4
"""Each thread holds a block's arrays, some 30 MB: memory must not grow with a machine's cores."""


class Stage(NamedTuple):
    """Files of SQL, and the steps on arrays that are computed while DuckDB runs them.

    Alone, arrays mostly keep one core busy. They may not read what the files of their stage build.
    """

    files: tuple[str, ...]
    arrays: tuple[str, ...] = ()


class Rows(Protocol):
    """Rows of the lake, wherever they are."""

    def view(
        self,
        engine: Engine,
        name: str,
        dataset: Daily,
        first: date = date.min,
        last: date = date.max,
    ) -> None:
        """Make the rows of some days readable by a name, with ``lake_date`` and ``lake_row``."""


class LakeRows:
    """The rows of all rooms, in the daily files of the lake; a context that releases them.

    A view's files stay on this machine (downloaded if the lake is in a bucket) until another view
    takes its name; as many following days are prefetched. Days are listed once, and their
    files' columns checked once. On entry, a build with ``options`` starts fetching its first files.
    """

    def __init__(self, lake: Lake, options: PublishOptions | None = None) -> None:
        self._lake, self._options = lake, options
        self._held: dict[str, ExitStack] = defaultdict(ExitStack)
        self._days: dict[Daily, list[date]] = {}
        self._rooms: pa.Table | None = None
        self._checked: dict[Daily, set[date]] = defaultdict(set)

    def __enter__(self) -> Self:
        if self._options is not None:
            pass_days = days_in_a_pass(len(self.rooms()), self._options)
            asked, seen = self.days("coverage"), self.days("changes")
            until = asked[: pass_days + 1][-1:]
            first_pass = [day for day in self.days("bookings") if until and day <= until[0]]
            held = self._held["expected"]
            held.enter_context(self._lake.ahead("coverage", asked))
            held.enter_context(self._lake.ahead("changes", seen))
            held.enter_context(self._lake.ahead("bookings", first_pass))
        return self

    def __exit__(self, *raised: object) -> None:
        for held in self._held.values():
            held.close()

    def rooms(self) -> pa.Table:
        """Return the rooms of the directory as it is now, by room_id."""
        if self._rooms is None:
            listed = self._lake.read("rooms")
            listed = ROOMS.empty_table() if listed is None else listed
            self._rooms = listed.sort_by("room_id")
        return self._rooms

    def days(self, dataset: Daily) -> list[date]:
        """Return the days that have a file of a dataset."""
        if dataset not in self._days:
            self._days[dataset] = self._lake.days(dataset)
        return self._days[dataset]

    def view(
        self,
        engine: Engine,
        name: str,
        dataset: Daily,
        first: date = date.min,
        last: date = date.max,
    ) -> None:
        """Make the files of some days readable by a name."""
        days, checked = self.days(dataset), self._checked[dataset]
        begin, end = bisect_left(days, first), bisect_right(days, last)
        asked, following = days[begin:end], days[end : end + max(0, end - begin)]
        with ExitStack() as holding:
            parts = holding.enter_context(self._lake.scan(dataset, asked, checked))
            checked.update(asked)
            holding.enter_context(self._lake.ahead(dataset, following))
            engine.scan(name, LAKE[dataset].schema, parts)
            former, self._held[name] = self._held[name], holding.pop_all()
            former.close()
            if dataset == "bookings":
                self._held["expected"].close()

    def check_unread(self) -> None:
        """Check the bookings of days that no pass read too: another region's are refused.

        Raises:
            LakeError: a file is another region's, or does not have the contract's columns.
        """
        unread = [day for day in self.days("bookings") if day not in self._checked["bookings"]]
        self._lake.check("bookings", unread)


@dataclass(frozen=True)
class Survey:
    """What is known of a region before any table is built; ``inputs`` are of the rooms to build.

    ``dates`` are those that a night asked for, ``booked_dates`` those with bookings. Both are of
    the whole region, as are ``data_through``, the latest reading (``read_at``), and the first night
    whose readings were compared with earlier ones (``first_night``).
    """

    inputs: Inputs
    dates: Sequence[date]
    booked_dates: Sequence[date]
    data_through: date | None
    restated_from: date | None
    read_at: datetime | None
    first_night: date | None


def survey(
    engine: Engine, lake: Lake, rows: LakeRows, options: PublishOptions, now: datetime
) -> Survey:
    """Return what the whole region has in common, and load its rooms."""
    rooms = rows.rooms()
    rows.view(engine, "lake_coverage", "coverage")
    versions = room_versions(rooms, as_of_days(lake), dict(engine.rows(_FIRST_ASKED)))
    inputs = Inputs(lake.region, rooms, versions, options.closures, now)
    load_rooms(engine, inputs)
    asked = dict(engine.rows(_ASKED_DATES))
    data_through = inputs.data_through(day for day in asked if asked[day])
    read_at = engine.rows("SELECT max(read_at) FROM lake_coverage")[0][0]
    return Survey(
        inputs,
        sorted(asked),
        rows.days("bookings"),
        data_through,
        restated_from(lake),
        read_at,
        min(rows.days("changes"), default=None),
    )


def load_rooms(engine: Engine, inputs: Inputs) -> None:
    """Give the engine the rooms to build."""
    engine.load("current_rooms", inputs.current_rooms())
    engine.load("directory", inputs.directory())
    engine.run(BOOKED_ROOMS)


def load_settings(engine: Engine, found: Survey, options: PublishOptions) -> None:
    """Give the engine the one row that steps join."""
    row = found.inputs.settings(found.data_through, options, found.restated_from)
    engine.load("settings", row)


class Build:
    """The passes over the rows of some rooms; ``load_rooms`` comes before."""

    def __init__(self, engine: Engine, rows: Rows, found: Survey, options: PublishOptions) -> None:
        self._engine, self._rows = engine, rows
        self._inputs, self._dates = found.inputs, found.dates
        rows.view(engine, "lake_coverage", "coverage")
        rows.view(engine, "lake_changes", "changes")
        engine.run(MOVED_HERE)
        load_settings(engine, found, options)
        days = {*found.dates, *found.booked_dates}
        engine.load("dates", date_rows(days, covered=found.dates))
        for name, columns in BEFORE_PASSES.items():
            engine.load(name, pa.schema(columns).empty_table())
        engine.load(KNOWN_DAYS, KNOWN.empty_table())
        engine.load(HOURS_OF_PLACES, PLACE_HOURS.empty_table())
        nights = pa.array([found.first_night], pa.date32())
        engine.load("ledger", pa.table({"first_night": nights}))
        self.booked = Booked(engine.folder)
        self._hours: Hours | None = None
        self._data_through = found.data_through or date.min
        self._read_late = self._inputs.read_late(found.data_through, found.read_at)
        self._threads = min(options.threads or os.cpu_count() or 1, _MOST_THREADS_OF_ARRAYS)
        self._pass_days = days_in_a_pass(self._inputs.rooms, options)

    def run(self, passes: Sequence[Sequence[date]], stages: Sequence[Stage]) -> None:
        """Run the stages of a pass, over each pass in order."""
        read_until: date | None = None
        for number, dates in enumerate(passes, start=1):
            # One day more than the pass: if a room's zone was corrected after its days were read,
            # the folder's date and the local date can be a day apart.
            until = min(dates[-1], date.max - _DAY) + _DAY
            new = read_until + _DAY if read_until else date.min
            ahead_from, ahead_to = self._data_through + _DAY, self._data_through + _AHEAD
            days_ahead = max(dates[0], ahead_from), min(dates[-1], ahead_to)
            engine, rows = self._engine, self._rows
            with engine.transaction():
                calendar, zones = self._inputs.calendar(dates[0], dates[-1])
                engine.load("calendar", calendar)
                engine.load("pass_zones", zones)
                engine.load("pass", pass_row(dates[0], dates[-1]))
                engine.rename("live", "live_before")
                rows.view(engine, "lake_bookings", "bookings", new, until)
                rows.view(engine, "lake_day_bookings", "bookings", dates[0], dates[-1])
                rows.view(engine, "lake_day_coverage", "coverage", dates[0], dates[-1])
                rows.view(engine, "lake_ahead_bookings", "bookings", *days_ahead)
                for stage in stages:
                    self._run_stage(stage)
            for name in (MASKS, PLACE_CHANGES):
                engine.unregister(name)
            self._hours = None  # or memory would hold it beside the next pass's
            read_until = until
            if number % _PASSES_A_CHECKPOINT == 0:
                engine.checkpoint()

    def _run_stage(self, stage: Stage) -> None:
        """Run files of SQL and compute arrays at the same time; then keep what these made."""
        names = {name for step in stage.arrays for name in _READ_BY[step]}
        read = {name: self._engine.table(name) for name in names}
        made: dict[str, pa.Table] = {}

        def run_files() -> None:
            for step in stage.files:
                self._engine.run(f"each_pass/{step}", append=step in GROWING)

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(run_files)
            for step in stage.arrays:
                made[step] = self._array(step, read, made)
            running.result()
        for step, rows in made.items():
            if step in {MASKS, PLACE_CHANGES}:
                self._engine.register(step, rows)
            elif step == PEAKS:
                self._engine.load(step, rows)
            elif step == WHAT_IF_BOOKED:
                self.booked.keep(rows)
            else:
                self._engine.insert(step, rows)
        if MASKS in made:
            empty = DAY_ROWS.empty_table()
            self._engine.load("days", empty if self._hours is None else self._hours.days)

    def _array(
        self, step: str, read: dict[str, pa.Table], made: Mapping[str, pa.Table]
    ) -> pa.Table:
        """Return the rows of a step that is not SQL."""
        if step == MASKS:
            dates, calendar = read["room_dates"], read["calendar"]
            # Nothing here keeps the bookings, or memory would hold them twice.
            self._hours = hours_of(read.pop("live"), dates, calendar, self._threads)
            return MASK_ROWS.empty_table() if self._hours is None else self._hours.masks
        if step == PEAKS:
            return peaks(made[PLACE_CHANGES])
        tables = [read[name] for name in _READ_BY[step]]
        if step == HOURS_OF_PLACES:
            return place_hours(self._hours, tables[0], self._data_through)
        if step == PLACE_CHANGES:
            dates, calendar, places = tables
            through, threads = self._data_through, self._threads
            return place_changes(self._hours, dates, calendar, places, through, threads)
        if step == KNOWN_DAYS:
            gone, dates = tables
            return known_minutes(self._hours, gone, dates, self._read_late, self._threads)
        rooms, days = tables
        return booked_in_pass(self._hours, rooms, days)

    def passes(self) -> list[list[date]]:
        """Split the dates into passes: at every gap, and once a pass has enough room-days."""
        passes: list[list[date]] = []
        for day in self._dates:
            if not passes or len(passes[-1]) == self._pass_days or day - passes[-1][-1] > _DAY:
                passes.append([])
            passes[-1].append(day)
        return passes


def days_in_a_pass(rooms: int, options: PublishOptions) -> int:
    """Return how many days of that many rooms one pass can take."""
    return max(1, min(_LONGEST_PASS_DAYS, options.room_days_per_pass // max(1, rooms)))


def give_back() -> None:
    """Give back what Arrow and the C library hold without need, where these can.

    Of 80,000 rooms, the threads of the passes leave some 300 MB behind.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, other libraries do not
    if trim is not None:
        trim(0)


_FIRST_ASKED: Final = """
SELECT room_id, min(lake_date)
FROM lake_coverage
GROUP BY room_id
"""
_ASKED_DATES: Final = """
SELECT lake_date, bool_or(read_at IS NOT NULL) AS is_read
FROM lake_coverage
JOIN current_rooms USING (room_id)
GROUP BY lake_date
"""
