"""What watches in Dagster: finished runs that tell nothing of themselves, and silence.

Belongs here: the sensors of a region, made only where ``alerts`` are configured.
Does not belong here: what is told and whether (``telling.py``).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import dagster as dg
import pyarrow.compute as pc

from pipelines.alerts.message import Alert
from pipelines.alerts.telling import TELLS_ITSELF, tell, tell_of_run, was_told_since
from pipelines.assets import Runtime, today_in
from pipelines.settings import Settings
from pipelines.settings.alerts import AlertSettings
from transforms.contract import Region
from warehouse.lake import Lake

_LOOK_SECONDS: Final = 900
_DAYS_LOOKED_AT: Final = 2


def region_sensors(
    settings: Settings, region: Region, runtime: Runtime, job_name: str
) -> Sequence[dg.SensorDefinition]:
    """Return the sensors of a region; none where nobody is to be told."""
    if settings.alerts is None:
        return []
    return [
        _run_sensor(settings, settings.alerts, region, job_name, status)
        for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS)
    ] + [_silence_sensor(settings, settings.alerts, region, runtime)]


def last_read_at(lake: Lake, today: date) -> datetime | None:
    """Return when a room was last read for today or the days just before; None if never."""
    days = [day for day in lake.days("coverage") if day <= today][-_DAYS_LOOKED_AT:]
    tables = [lake.read("coverage", day) for day in days]
    found = [pc.max(table["read_at"]).as_py() for table in tables if table is not None]
    return max((instant for instant in found if instant is not None), default=None)


def _run_sensor(
    settings: Settings,
    alerts: AlertSettings,
    region: Region,
    job_name: str,
    status: dg.DagsterRunStatus,
) -> dg.SensorDefinition:
    word = "failed" if status is dg.DagsterRunStatus.FAILURE else "partial"

    @dg.run_status_sensor(
        run_status=status,
        name=f"{region.lower()}_{word}_night",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells a person of a {word} night.",
    )
    def night_ended(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        if context.dagster_run.job_name != job_name:
            return dg.SkipReason(f"not a run of {job_name}")
        if context.dagster_run.tags.items() >= TELLS_ITSELF.items():
            return dg.SkipReason("this run tells of itself")
        time_zone = settings.regions[region].time_zone
        tell_of_run(context.instance, alerts, region, time_zone, context.dagster_run.run_id)
        return None

    return night_ended


def _silence_sensor(
    settings: Settings, alerts: AlertSettings, region: Region, runtime: Runtime
) -> dg.SensorDefinition:
    limit = timedelta(hours=alerts.stale_after_hours)

    @dg.sensor(
        name=f"{region.lower()}_silence",
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells a person if nothing was read for {alerts.stale_after_hours} hours.",
    )
    def silence(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = runtime.now()
        today = today_in(settings, region, now)
        read_at = last_read_at(Lake(settings.regions[region].lake, region), today)
        if read_at is None:
            return dg.SkipReason("nothing was read yet")
        if now - read_at <= limit:
            return dg.SkipReason(f"last read at {read_at}")
        if was_told_since(context.instance, region, read_at):
            return dg.SkipReason(f"last read at {read_at}; somebody was told since")
        alert = Alert(region=region, state="stale", night_date=today, last_read_at=read_at)
        tell(context.instance, alerts, alert)
        return dg.SkipReason(alert.subject)

    return silence
