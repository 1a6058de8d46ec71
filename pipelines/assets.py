"""The three assets of a region: ``eu/bookings``, ``eu/warehouse`` and ``eu/report``.

Belongs here: Dagster's view of a night: partitions, pool, freshness, metadata, checks.
Does not belong here: what a night does (``night.py``), jobs and schedules (``definitions.py``).

Reading, redaction and lake are one asset: Dagster's default IO manager pickles whatever passes
between two assets to disk, and raw items must never get there. The warehouse is rebuilt whole
from the lake, so there is no incremental state to go wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from traceback import walk_tb
from typing import Any, Final, TypeAlias, TypedDict

import dagster as dg
from dagster._core.pipes.context import PipesExecutionResult

from pipelines.alerts import send_if_due
from pipelines.history import EVERY_ROOM_CHECK, PARTIAL_TAG, facts_reported
from pipelines.night import (
    Night,
    NightResult,
    NothingReadError,
    Progress,
    publish_region,
    run_night,
    today_in,
    write_page,
)
from pipelines.settings import RegionSettings, Settings, SettingsError
from pipelines.sources import DayRange
from pipelines.sources.session import open_source
from transforms.contract import Region, Table
from transforms.contract.database import TABLES
from transforms.contract.lake import LAKE
from transforms.local_time import first_day_kept
from warehouse.lake import Lake, LakeError
from warehouse.storage import WarehouseError

CHECKS: Final = {
    "columns_equal_the_contract": "Every day's file has the contract's columns and no other.",
    EVERY_ROOM_CHECK: "Every room of the directory could be read; lists those that could not.",
    "volume_is_usual": "Yesterday's bookings against the median of that weekday, eight weeks back.",
}
_STALE_AFTER: Final = timedelta(hours=30)
_WEEKS_BACK: Final = 8
_WEEKS_NEEDED: Final = 3
_USUAL: Final = (0.5, 2.0)
_OWN: Final = ("pipelines.", "transforms.", "warehouse.")

Launch: TypeAlias = Callable[
    [dg.AssetExecutionContext, list[str]], dg.PipesClientCompletedInvocation
]
"""Starts a job that runs ``insights`` with these arguments, and waits for it (Dagster Pipes)."""

# On an asset with checks, Dagster recognizes only the bare class as the return annotation.
_Result: TypeAlias = dg.MaterializeResult


class _Common(TypedDict):
    key: dg.AssetKey
    group_name: str
    pool: str | None
    freshness_policy: dg.FreshnessPolicy


@dataclass(frozen=True)
class RegionAssets:
    """Creates the assets of a region.

    A run in this process takes no slot of the region's pool (``is_pooled`` False): a killed run
    would never give its slot back, and the lake's own lock keeps runs apart anyway.
    ``last_date`` extends the partitions to a day beyond the booking window.
    """

    settings: Settings
    region: Region
    clock: Callable[[], datetime]
    progress: Progress
    is_pooled: bool
    last_date: date | None

    def all(self) -> list[dg.AssetsDefinition]:
        """Return the assets in the order in which a night materializes them."""
        return [self._bookings(), self._warehouse(), self._report()]

    def elsewhere(self, launch: Launch) -> dg.AssetsDefinition:
        """Return the same assets as one step, whose work is done by a job that ``launch`` starts.

        The job's report counts, whatever its exit code; a job that reports nothing has failed.
        """
        here = self.all()

        @dg.multi_asset(
            name=f"{self.region.lower()}_night_elsewhere",
            specs=[spec for asset in here for spec in asset.specs],
            check_specs=[spec for asset in here for spec in asset.check_specs],
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool=self.region.lower() if self.is_pooled else None,
        )
        def night_elsewhere(context: dg.AssetExecutionContext) -> Iterator[PipesExecutionResult]:
            days = context.partition_key_range  # Pipes can pass one partition to a job, no range
            arguments = ["pipes", "--region", self.region, "--from", days.start, "--to", days.end]
            try:
                done = launch(context, arguments)
                facts = facts_reported(done.get_custom_messages())
                why = "it ended too early"
            except Exception as error:  # noqa: BLE001 - its text may quote the job's log
                facts, why = None, type(error).__name__
            if facts is None:
                line = f"{self.region}: the job gave no report ({why}); its own log says more"
                raise failure(line, "NoReport", {}) from None
            yield from done.get_results(implicit_materializations=False)
            if not facts.is_success:
                code = facts.error_code or "RunFailed"
                line = facts.error or f"{self.region}: {code}"
                raise failure(line, code, facts.failed_rooms)
            if facts.failed_rooms:
                rooms = f"{len(facts.failed_rooms)} of {facts.rooms_expected}"
                context.instance.add_run_tags(context.run.run_id, {PARTIAL_TAG: rooms})
            send_if_due(context.instance, self.settings, self.region, self._today())

        return night_elsewhere

    def _bookings(self) -> dg.AssetsDefinition:
        # A partition is a local day of the lake, from the first day kept to the last one ahead.
        today, ahead = self._today(), self.settings.ahead_days
        if self.last_date:
            ahead = max(ahead, (self.last_date - today).days)

        @dg.asset(
            **self._common("bookings"),
            partitions_def=dg.DailyPartitionsDefinition(
                start_date=first_day_kept(today, self.settings.retention_months).isoformat(),
                timezone=self._own.time_zone,
                end_offset=ahead + 1,
            ),
            backfill_policy=dg.BackfillPolicy.single_run(),
            check_specs=[
                dg.AssetCheckSpec(name, asset=self._key("bookings"), description=description)
                for name, description in CHECKS.items()
            ],
            metadata={"dagster/column_schema": table_schema(LAKE["bookings"])},
            kinds={"parquet"},
            description="Bookings of the region's rooms without personal data, a file a local day.",
        )
        def bookings(context: dg.AssetExecutionContext) -> _Result:  # type: ignore[type-arg]
            keys = context.partition_key_range
            day_range = DayRange(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
            today = self._today()
            with failing_in_one_line(self.region):
                night = Night(self.settings, self.region, day_range, today)
                result = run_night(night, open_source, self.progress)
                checked = check_night(Lake(self._own.lake, self.region), result, today)
            if not result.is_whole:
                rooms = f"{len(result.failed)} of {result.rooms_expected}"
                context.instance.add_run_tags(context.run.run_id, {PARTIAL_TAG: rooms})
            metadata = {**result.counts(), "directory_edits": [*result.directory_edits]}
            return dg.MaterializeResult(metadata=metadata, check_results=checked)

        return bookings

    def _warehouse(self) -> dg.AssetsDefinition:
        whole = dg.AllPartitionMapping()

        @dg.asset(
            **self._common("warehouse"),
            deps=[dg.AssetDep(self._key("bookings"), partition_mapping=whole)],
            metadata={
                name: dg.MetadataValue.table_schema(table_schema(table))
                for name, table in TABLES.items()
            },
            kinds={"duckdb"},
            description="The region's database, rebuilt from the lake and swapped in whole.",
        )
        def warehouse() -> _Result:  # type: ignore[type-arg]
            self.progress.step("publishing the database")
            with failing_in_one_line(self.region):
                published = publish_region(self.settings, self.region, self.clock())
            through = published.data_through
            return dg.MaterializeResult(
                metadata={
                    "file": published.path.name,
                    "data_through": through.isoformat() if through else "no day yet",
                }
                | {f"rows/{table}": count for table, count in published.rows.items()}
            )

        return warehouse

    def _report(self) -> dg.AssetsDefinition:
        @dg.asset(
            **self._common("report"),
            deps=[self._key("warehouse")],
            kinds={"html"},
            description="One page that shows the region in a browser, without a network.",
        )
        def report(context: dg.AssetExecutionContext) -> _Result:  # type: ignore[type-arg]
            self.progress.step("writing the page")
            with failing_in_one_line(self.region):
                written = write_page(self.settings, self.region)
            send_if_due(context.instance, self.settings, self.region, self._today())
            return dg.MaterializeResult(
                metadata={
                    "file": written.path.name,
                    "size_bytes": written.size_bytes,
                    "rooms": written.rooms,
                }
            )

        return report

    def _common(self, name: str) -> _Common:
        return {
            "key": self._key(name),
            "group_name": self.region.lower(),
            "pool": self.region.lower() if self.is_pooled else None,
            "freshness_policy": dg.FreshnessPolicy.time_window(fail_window=_STALE_AFTER),
        }

    def _key(self, name: str) -> dg.AssetKey:
        return dg.AssetKey([self.region.lower(), name])

    @property
    def _own(self) -> RegionSettings:
        return self.settings.regions[self.region]

    def _today(self) -> date:
        return today_in(self.settings, self.region, self.clock())


def table_schema(table: Table) -> dg.TableSchema:
    """Return a table of the contract as a column schema for Dagster's UI."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=column.definition,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table
        ]
    )


def check_night(lake: Lake, result: NightResult, today: date) -> list[dg.AssetCheckResult]:
    """Return the results of ``CHECKS``; ``today`` is the region's local date.

    A failed check does not fail the run: what could be read has landed.
    """
    columns: dict[str, str | int] = {}
    try:  # the lake refuses a file whose columns are not the contract's
        days = result.day_range
        read = [d for d in lake.days("bookings") if days.first_date <= d <= days.last_date]
        columns["files"] = lake.check("bookings", read)
    except LakeError as error:
        columns["difference"] = str(error)
    return [
        dg.AssetCheckResult(
            check_name="columns_equal_the_contract",
            passed="difference" not in columns,
            metadata=columns,
        ),
        dg.AssetCheckResult(
            check_name=EVERY_ROOM_CHECK,
            passed=result.is_whole,
            metadata={
                "rooms_expected": result.rooms_expected,
                "rooms_loaded": result.rooms_loaded,
                "failed_rooms": dict(sorted(result.failed.items())),
            },
        ),
        _check_volume(lake, today - timedelta(days=1)),
    ]


def _check_volume(lake: Lake, day: date) -> dg.AssetCheckResult:
    weeks_ago = [day - timedelta(weeks=week) for week in range(1, _WEEKS_BACK + 1)]
    tables = [lake.read("bookings", each) for each in weeks_ago]
    before = [table.num_rows for table in tables if table is not None]
    table = lake.read("bookings", day)
    rows = 0 if table is None else table.num_rows
    usual = median(before) if len(before) >= _WEEKS_NEEDED else None
    low, high = _USUAL
    return dg.AssetCheckResult(
        check_name="volume_is_usual",
        passed=not usual or low * usual <= rows <= high * usual,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"date": day.isoformat(), "bookings": rows, "weeks_compared": len(before)}
        | ({"usual_bookings": usual} if usual is not None else {}),
    )


@contextmanager
def failing_in_one_line(region: Region) -> Iterator[None]:
    """Turn any exception into a one-line failure: Dagster's event database keeps every text.

    The project's own errors contain no values. Of any other error only its class and the line of
    this project that it came from are kept, since pyarrow, pandas and duckdb quote the values that
    they fail on.
    """
    try:
        yield
    except NothingReadError as error:
        failed = failure(str(error), "NothingRead", error.failed)
    except SettingsError as error:
        failed = failure("; ".join(error.problems), "SettingsError", {})
    except WarehouseError as error:
        failed = failure(str(error), type(error).__name__, {})
    except Exception as error:  # noqa: BLE001 - see above
        name = type(error).__name__
        lines = [
            f"{module}, line {number}"
            for frame, number in walk_tb(error.__traceback__)
            if (module := str(frame.f_globals.get("__name__"))).startswith(_OWN)
        ]
        failed = failure(f"{region}: {name} at {lines[-1]}", name, {})
    else:
        return
    raise failed from None


def failure(line: str, code: str, failed_rooms: Mapping[str, str]) -> dg.Failure:
    """Return a one-line failure, with a code for each failed room if rooms are the reason."""
    metadata: dict[str, Any] = {"error_code": code}
    if failed_rooms:
        metadata["rooms_expected"] = len(failed_rooms)
        metadata["failed_rooms"] = dict(sorted(failed_rooms.items()))
    return dg.Failure(line, metadata, allow_retries=False)
