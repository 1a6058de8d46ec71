"""What Dagster loads: each region's assets, job, schedule and sensors; runs in this process.

Belongs here: assembling these, finding the configuration when Dagster starts, and running the job
in this process on the operator's own instance, so that Dagster's UI shows its history.
Does not belong here: what an asset does (``assets.py``), the instance (``history.py``).

Importing this module does nothing. Dagster calls ``defs``, which loads the configuration.
"""

import logging
import os
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import dagster as dg

from pipelines.alerts import NOTIFIES_ITSELF, notify_of_run, region_sensors
from pipelines.assets import Launch, RegionAssets
from pipelines.history import RunFacts, facts_of, job_name, open_instance, range_tags
from pipelines.night import SILENT, Progress, default_range, today_in
from pipelines.settings import Settings, load_settings, regions_to_load
from pipelines.sources import DayRange
from transforms.contract import Region

_DEMO_CONFIG: Final = Path("demo/insights.yaml")
_NO_LOG: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_NO_RETRY: Final = {"dagster/max_retries": "0"}  # a refused password must not be tried again


@dg.definitions
def defs() -> dg.Definitions:
    """Load $INSIGHTS_CONFIG, else insights.yaml, else the demo's configuration.

    Raises:
        SettingsError: the configuration is wrong.
    """
    os.umask(0o027)  # the files of a run must not be world-readable
    configured = os.environ.get("INSIGHTS_CONFIG")
    path = Path(configured or "insights.yaml")
    if not configured and not path.exists():
        path = _DEMO_CONFIG
        if not path.exists():
            text = "insights.yaml is not here: write one, or run `insights demo`"
            warnings.warn(text, stacklevel=2)
            return dg.Definitions()
    return build_defs(load_settings(path, regions_to_load()))


def utc_now() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


def build_defs(  # noqa: PLR0913 - what differs by where a night runs
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    progress: Progress = SILENT,
    last_date: date | None = None,
    is_pooled: bool = True,
    launch: Launch | None = None,
) -> dg.Definitions:
    """Return the definitions of all regions of the settings.

    ``progress``, ``last_date`` and ``is_pooled`` are for runs in this process: see
    ``RegionAssets``. With ``launch``, the work of a night is done by a job that ``launch`` starts
    elsewhere (``docs/deployment.md``).
    """
    parts = []
    with warnings.catch_warnings():
        # Pools, freshness and backfill policies are marked beta; tests cover what is used here.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        for region in settings.regions:
            makes = RegionAssets(settings, region, clock, progress, is_pooled, last_date)
            assets = makes.all() if launch is None else [makes.elsewhere(launch)]
            job = dg.define_asset_job(
                job_name(region),
                selection=dg.AssetSelection.assets(*assets),
                description="Read the days of every room, replace them, publish, write the page.",
                tags=_NO_RETRY,
            )
            parts.append(
                dg.Definitions(
                    assets=assets,
                    jobs=[job],
                    schedules=[_nightly_schedule(settings, region)],
                    sensors=region_sensors(settings, region, clock),
                )
            )
        return dg.Definitions.merge(*parts) if parts else dg.Definitions()


def _nightly_schedule(settings: Settings, region: Region) -> dg.ScheduleDefinition:
    at = settings.regions[region].nightly_at

    @dg.schedule(
        name=f"{region.lower()}_nightly",
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=settings.regions[region].time_zone,
        job_name=job_name(region),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Re-reads the trailing window and what lies ahead, in one run.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = today_in(settings, region, context.scheduled_execution_time)
        return dg.RunRequest(
            run_key=today.isoformat(), tags=range_tags(default_range(settings, today))
        )

    return nightly


def launch_night(
    settings: Settings, region: Region, day_range: DayRange, home: Path, progress: Progress
) -> RunFacts:
    """Run ``{region}_night`` for these days, and return what the history recorded about it.

    Raises:
        HistoryError: the server of the history cannot be reached.
        OSError: ``home`` cannot be written.
        SettingsError: Dagster refuses the ``dagster.yaml`` of ``home``.
    """
    with open_instance(home) as instance:
        result = execute_night(settings, region, day_range, instance, progress)
        if settings.alerts:
            notify_of_run(instance, settings.alerts, settings.regions[region], result.run_id)
        return facts_of(instance, result.dagster_run)


def execute_night(
    settings: Settings,
    region: Region,
    day_range: DayRange,
    instance: dg.DagsterInstance,
    progress: Progress,
) -> dg.ExecuteInProcessResult:
    """Run ``{region}_night`` for these days in this process, on an open instance."""
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    alone = settings.model_copy(update={"regions": {region: settings.regions[region]}})
    definitions = build_defs(
        alone, progress=progress, last_date=day_range.last_date, is_pooled=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return definitions.resolve_job_def(job_name(region)).execute_in_process(
            run_config=_NO_LOG,
            instance=instance,
            raise_on_error=False,
            tags=range_tags(day_range) | NOTIFIES_ITSELF,
        )
