"""Puts the regions' assets, jobs and schedules together into what Dagster loads.

Belongs here: which regions a process loads, and their schedules.
Does not belong here: what a region's assets do (``assets.py``), loading at import
(``definitions.py``, which nothing else imports).
"""

import os
import warnings
from collections.abc import Iterable
from datetime import date
from typing import Final

import dagster as dg

from pipelines.alerts.sensors import region_sensors
from pipelines.assets import (
    RANGE_END_TAG,
    RANGE_START_TAG,
    Runtime,
    region_assets,
    region_partitions,
    today_in,
)
from pipelines.night import default_range
from pipelines.report_asset import report_asset
from pipelines.settings import Settings
from transforms.contract import REGIONS, Region

_MAX_RETRIES_TAG: Final = "dagster/max_retries"


class RegionsError(Exception):
    """INSIGHTS_REGIONS names a region that does not exist."""


def regions_to_load() -> frozenset[Region] | None:
    """Return the regions that INSIGHTS_REGIONS limits this process to; None for all.

    Raises:
        RegionsError: the variable names something else than EU and NA.
    """
    names = {name.strip() for name in os.environ.get("INSIGHTS_REGIONS", "").split(",")} - {""}
    if unknown := names - set(REGIONS):
        raise RegionsError(
            f"INSIGHTS_REGIONS: {', '.join(sorted(unknown))} is no region: use EU, NA or EU,NA"
        )
    return frozenset(region for region in REGIONS if region in names) or None


def build_definitions(
    settings: Settings,
    runtime: Runtime | None = None,
    regions: Iterable[Region] | None = None,
    last_date: date | None = None,
) -> dg.Definitions:
    """Return the definitions of the loaded regions (or of some of them).

    ``last_date`` stretches the partitions to a day beyond the booking window.
    """
    runtime = runtime or Runtime()
    with warnings.catch_warnings():
        # Pools, freshness and backfill policies are beta in name; the tests hold what we use.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        parts = [
            _region_definitions(settings, region, runtime, last_date)
            for region in regions or settings.regions
        ]
        return dg.Definitions.merge(*parts) if parts else dg.Definitions()


def _region_definitions(
    settings: Settings, region: Region, runtime: Runtime, last_date: date | None
) -> dg.Definitions:
    today = today_in(settings, region, runtime.now())
    partitions = region_partitions(settings, region, today, last_date)
    assets = (
        *region_assets(settings, region, runtime, partitions),
        report_asset(settings, region, runtime),
    )
    job = dg.define_asset_job(
        job_name(region),
        selection=dg.AssetSelection.assets(*assets),
        description="Read the asked days of every room, replace them, publish, draw the page.",
        tags={_MAX_RETRIES_TAG: "0"},  # a refused password must not be tried again by an instance
    )
    return dg.Definitions(
        assets=assets,
        jobs=[job],
        schedules=[_nightly_schedule(settings, region)],
        sensors=region_sensors(settings, region, runtime, job_name(region)),
    )


def job_name(region: Region) -> str:
    """Return the name of a region's nightly job."""
    return f"{region.lower()}_night"


def _nightly_schedule(settings: Settings, region: Region) -> dg.ScheduleDefinition:
    region_settings = settings.regions[region]
    at = region_settings.nightly_at

    @dg.schedule(
        name=f"{region.lower()}_nightly",
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=region_settings.time_zone,
        job_name=job_name(region),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Re-reads the trailing window and what lies ahead, in one run.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = today_in(settings, region, context.scheduled_execution_time)
        day_range = default_range(settings, today)
        return dg.RunRequest(
            run_key=today.isoformat(),
            tags={
                RANGE_START_TAG: day_range.first_date.isoformat(),
                RANGE_END_TAG: day_range.last_date.isoformat(),
            },
        )

    return nightly
