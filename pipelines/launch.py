"""Runs a region's night through Dagster, in this process.

Belongs here: executing the job on the operator's instance, so that the UI shows its history.
Does not belong here: printing (``cli/console.py``), options and exit codes (``pipelines/cli``).
"""

import fcntl
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg

from pipelines.alerts.message import Alert
from pipelines.alerts.telling import TELLS_ITSELF, tell, tell_of_run
from pipelines.assets import RANGE_END_TAG, RANGE_START_TAG, Runtime
from pipelines.code_location import build_definitions, job_name
from pipelines.instance import open_instance
from pipelines.night import DayRange
from pipelines.settings import Settings
from transforms.contract import Region
from warehouse.lake import LakeBusy

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def launch_night(
    settings: Settings, region: Region, day_range: DayRange, home: Path, runtime: Runtime
) -> bool:
    """Run ``{region}_night`` for the days asked; True if every step succeeded.

    What happened is in ``runtime``: ``reports``, ``published`` or ``failures``.

    Raises:
        LakeBusy: another run of the region was begun here and is going on.
        OSError: ``home`` cannot be written.
    """
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    definitions = build_definitions(settings, runtime, [region], day_range.last_date)
    with warnings.catch_warnings(), open_instance(home) as instance, only_run(home, region):
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        _free_slots_of_dead_runs(instance, region)
        result = definitions.resolve_job_def(job_name(region)).execute_in_process(
            run_config=_QUIET,
            instance=instance,
            raise_on_error=False,
            tags={
                RANGE_START_TAG: day_range.first_date.isoformat(),
                RANGE_END_TAG: day_range.last_date.isoformat(),
            }
            | TELLS_ITSELF,
        )
        if settings.alerts:
            time_zone = settings.regions[region].time_zone
            tell_of_run(instance, settings.alerts, region, time_zone, result.run_id)
    return result.success


@contextmanager
def only_run(home: Path, region: Region) -> Iterator[None]:
    """Refuse a second run of the region at once, where the pool would let it queue for hours.

    The kernel lets go of the lock when the process ends, however it ends.

    Raises:
        LakeBusy: another process, or thread, is inside.
    """
    with (home / f".run-{region.lower()}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line = f"{home}: another run of region {region} is going on: wait for its end"
            raise LakeBusy(line) from None
        yield


def _free_slots_of_dead_runs(instance: dg.DagsterInstance, region: Region) -> None:
    """Let no run wait for one that was killed: its slot in the region's pool is never given back.

    A run that Dagster launched and that is alive loses its slot too; the lake's own lock keeps
    the two apart, and dies with its process.
    """
    storage = instance.event_log_storage
    held = storage.get_concurrency_info(region.lower())
    for run_id in held.active_run_ids | held.pending_run_ids:
        storage.free_concurrency_slots_for_run(run_id)


def tell_of_no_run(
    settings: Settings, region: Region, day_range: DayRange, home: Path, today: date
) -> None:
    """Tell, where anybody is to be told, of a night that could not begin: a secret is missing.

    Raises:
        OSError: ``home`` cannot be written.
    """
    if settings.alerts is None:
        return
    days = (day_range.first_date, day_range.last_date)
    alert = Alert(
        region=region, state="failed", night_date=today, days=days, error_code="SecretNotSet"
    )
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with open_instance(home) as instance:
        tell(instance, settings.alerts, alert)
