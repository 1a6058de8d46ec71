"""The two assets of a region, from one factory: ``eu/bookings`` and ``eu/warehouse``.

Belongs here: Dagster's view of a night: partitions, pools, freshness, metadata, checks.
Does not belong here: what a night does (``night.py``), what a check computes (``checks.py``).

Source, redaction and lake are one asset, because whatever passes between two assets is pickled
to disk by the default IO manager, and raw items must never be. The warehouse is rebuilt whole
from the lake: there is no incremental state to go wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import dagster as dg
import pyarrow as pa

from pipelines import checks
from pipelines.night import (
    DayRange,
    Night,
    NightReport,
    NothingReadError,
    OpenSource,
    Progress,
    run_night,
)
from pipelines.settings import Settings, rooms_table
from pipelines.settings.problems import SettingsError
from pipelines.sources.factory import open_source
from transforms import contract
from transforms.contract import Region
from transforms.zones import local_date, zone
from warehouse.erase import drop_versions_before
from warehouse.lake import Lake
from warehouse.landing import first_day_kept
from warehouse.publish import Published, PublishOptions, publish
from warehouse.tree import WarehouseError

STALE_AFTER: Final = timedelta(hours=30)
RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"

# Dagster looks for the class itself in the annotation of an asset with checks.
BareResult: TypeAlias = dg.MaterializeResult


class SilentProgress:
    """Shows nothing: what a run without a terminal needs."""

    def start(self, region: Region, rooms: int) -> None:
        """Say nothing."""

    def advance(self, outcome: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class RegionFailure:
    """Why a region's run replaced or published nothing: one line, and a code for each room."""

    line: str
    failed_rooms: Mapping[str, str]
    error_code: str

    def metadata(self) -> dict[str, int | str | dict[str, str]]:
        """Return what Dagster keeps of it besides the line."""
        if not self.failed_rooms:
            return {"error_code": self.error_code}
        failed = dict(sorted(self.failed_rooms.items()))
        return {
            "error_code": self.error_code,
            "rooms_expected": len(failed),
            "failed_rooms": failed,
        }


@dataclass
class Runtime:
    """What the outside hands to the assets, and what the command line reads back from a run."""

    open_source: OpenSource = open_source
    progress: Progress = field(default_factory=SilentProgress)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    reports: dict[Region, NightReport] = field(default_factory=dict)
    published: dict[Region, Published] = field(default_factory=dict)
    failures: dict[Region, RegionFailure] = field(default_factory=dict)


def today_in(settings: Settings, region: Region, now: datetime) -> date:
    """Return the region's local date at an instant."""
    return local_date(now, zone(settings.regions[region].time_zone))


def region_partitions(
    settings: Settings, region: Region, today: date, last_date: date | None = None
) -> dg.DailyPartitionsDefinition:
    """Return the local days that the lake may hold: from the retention to the booking window.

    ``last_date`` stretches them to a later day that somebody asked for.
    """
    ahead = max(settings.ahead_days, (last_date - today).days if last_date else 0)
    return dg.DailyPartitionsDefinition(
        start_date=first_day_kept(today, settings.retention_months).isoformat(),
        timezone=settings.regions[region].time_zone,
        end_offset=ahead + 1,
    )


def region_assets(
    settings: Settings,
    region: Region,
    runtime: Runtime,
    partitions: dg.DailyPartitionsDefinition,
) -> tuple[dg.AssetsDefinition, dg.AssetsDefinition]:
    """Return ``{region}/bookings`` (daily partitions) and ``{region}/warehouse`` (one database)."""
    bookings_key = dg.AssetKey([region.lower(), "bookings"])

    @dg.asset(
        key=bookings_key,
        group_name=region.lower(),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=region.lower(),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
        check_specs=[
            dg.AssetCheckSpec(name, asset=bookings_key, description=description)
            for name, description in checks.DESCRIPTIONS.items()
        ],
        metadata={"dagster/column_schema": table_schema(contract.BOOKINGS)},
        kinds={"parquet"},
        description="Bookings of the region's rooms without personal data, a file a local day.",
    )
    def bookings(context: dg.AssetExecutionContext) -> BareResult:  # type: ignore[type-arg]
        keys = context.partition_key_range
        day_range = DayRange(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
        today = today_in(settings, region, runtime.now())
        with failing_in_one_line(runtime, region):
            night = Night(settings, region, day_range, today)
            report = run_night(night, runtime.open_source, runtime.progress)
            runtime.reports[region] = report
            lake = Lake(settings.regions[region].lake, region)
            results = checks.evaluate(lake, report, today)
        return dg.MaterializeResult(metadata=_counts(report), check_results=results)

    @dg.asset(
        key=[region.lower(), "warehouse"],
        group_name=region.lower(),
        deps=[dg.AssetDep(bookings_key, partition_mapping=dg.AllPartitionMapping())],
        pool=region.lower(),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
        metadata={
            name: dg.MetadataValue.table_schema(table_schema(schema))
            for name, schema in contract.TABLES.items()
        },
        kinds={"duckdb"},
        description="The region's database, rebuilt from the lake and swapped in whole.",
    )
    def warehouse() -> BareResult:  # type: ignore[type-arg]
        with failing_in_one_line(runtime, region):
            published = publish_region(settings, region, runtime.now())
        runtime.published[region] = published
        return dg.MaterializeResult(
            metadata={"file": published.path.name}
            | {f"rows/{table}": count for table, count in published.rows.items()}
        )

    return bookings, warehouse


def publish_region(settings: Settings, region: Region, now: datetime) -> Published:
    """Rebuild the region's database from its lake.

    Raises:
        WarehouseError: the lake cannot be read, or the warehouse not written.
    """
    region_settings = settings.regions[region]
    options = PublishOptions(
        minimum_group=region_settings.minimum_group,
        count_held_as_booked=settings.count_held_as_booked,
        keep_versions=settings.keep_versions,
        export_parquet=settings.export_parquet,
        is_copied=settings.pointer == "copy",
        closures=tuple(region_settings.closures),
    )
    lake = Lake(region_settings.lake, region)
    with lake.exclusive():
        # The directory is the operator's file as it is now, like the closures and the options.
        lake.replace_rooms(rooms_table(region_settings))
        published = publish(lake, region_settings.warehouse, options, now)
    # An older version that still holds a day past its retention goes, however few are left.
    first_day = first_day_kept(today_in(settings, region, now), settings.retention_months)
    drop_versions_before(region_settings.warehouse, region, first_day)
    return published


def table_schema(schema: pa.Schema) -> dg.TableSchema:
    """Return Dagster's picture of a table of the contract."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=contract.describe(column),
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in schema
        ]
    )


def _counts(report: NightReport) -> dict[str, int | str]:
    return {
        "first_date": report.day_range.first_date.isoformat(),
        "last_date": report.day_range.last_date.isoformat(),
        "rooms_expected": report.rooms_expected,
        "rooms_loaded": report.rooms_loaded,
        "bookings": report.bookings,
        "deleted_days": report.deleted_days,
    }


@contextmanager
def failing_in_one_line(runtime: Runtime, region: Region) -> Iterator[None]:
    """Turn what is raised into a failure of one line: the event database keeps every text.

    The project's own errors are written without values; any other error gives its class only,
    since pyarrow, pandas and duckdb quote the values that they choke on.
    """
    try:
        yield
    except NothingReadError as error:
        failure = RegionFailure(str(error), error.failed, "NothingRead")
    except SettingsError as error:
        failure = RegionFailure("; ".join(error.problems), {}, "SettingsError")
    except WarehouseError as error:
        failure = RegionFailure(str(error), {}, type(error).__name__)
    except Exception as error:  # noqa: BLE001 - see above
        name = type(error).__name__
        failure = RegionFailure(f"{region}: {name}", {}, name)
    else:
        return
    runtime.failures[region] = failure
    raise dg.Failure(failure.line, failure.metadata(), allow_retries=False) from None
