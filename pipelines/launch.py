"""Runs a region's night through Dagster in this process, on the operator's own instance.

Belongs here: DAGSTER_HOME and its settings, and executing the job, so that the UI shows its
history. Does not belong here: printing and exit codes (``pipelines/cli``).
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Literal

import dagster as dg
import yaml
from dagster._check import CheckError
from sqlalchemy.exc import OperationalError

from pipelines.alerts.channels import Alert
from pipelines.alerts.notify import NOTIFIES_ITSELF, notify, notify_of_run
from pipelines.definitions import build_defs, job_name
from pipelines.night import DayRange, Progress
from pipelines.run_facts import RunFacts, facts_of, range_tags
from pipelines.settings import Settings, SettingsError
from transforms.contract import Region

DAGSTER_YAML: Final = """\
# Written once by `insights`; yours to change, but keep compute_logs as it is: anything that a
# library prints while raw items are in memory must not reach a disk.
telemetry:
  enabled: false
nux:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
concurrency:
  pools:
    default_limit: 1
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
"""
_UNSET: Final = re.compile(r'environment variable "(\w+)" which is not set')
_OF_DATABASES: Final = {"dagster_postgres", "psycopg2", "sqlalchemy"}
_NO_LOG: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class HistoryError(Exception):
    """The history of runs cannot be reached, or was lost in the middle of a run; one line."""


def launch_night(
    settings: Settings, region: Region, day_range: DayRange, home: Path, progress: Progress
) -> RunFacts:
    """Run ``{region}_night`` for these days, and return what the history says of it.

    Raises:
        HistoryError: the server of the history cannot be reached.
        OSError: ``home`` cannot be written.
        SettingsError: Dagster refuses the ``dagster.yaml`` of ``home``.
    """
    with open_instance(home) as instance:
        result = execute_night(settings, region, day_range, instance, progress)
        if settings.alerts:
            notify_of_run(
                instance, settings.alerts, region, settings.regions[region], result.run_id
            )
        return facts_of(instance, result.dagster_run)


def execute_night(
    settings: Settings,
    region: Region,
    day_range: DayRange,
    instance: dg.DagsterInstance,
    progress: Progress,
) -> dg.ExecuteInProcessResult:
    """Run ``{region}_night`` for these days in this process, on an instance that is open."""
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


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest run of a region in the history; ``error`` is one line, ``started_at`` in UTC."""

    state: Literal["running", "whole", "partial", "failed"]
    started_at: datetime
    error_code: str | None = None
    error: str | None = None


def last_run(home: Path, region: Region) -> LastRun | None:
    """Return the latest run of a region; None if the history has none, or is not there yet.

    Raises:
        HistoryError: the server of the history cannot be reached.
        SettingsError: Dagster refuses the ``dagster.yaml`` of ``home``.
    """
    if not (home / "dagster.yaml").exists():
        return None
    with open_instance(home) as instance:
        filters = dg.RunsFilter(job_name=job_name(region))
        for record in instance.get_run_records(filters, limit=1):
            run, facts = record.dagster_run, facts_of(instance, record.dagster_run)
            started_at = record.create_timestamp.astimezone(UTC)
            if not run.is_finished:
                return LastRun("running", started_at)
            if not facts.is_success:
                return LastRun("failed", started_at, facts.error_code or "RunFailed", facts.error)
            return LastRun("partial" if facts.failed_rooms else "whole", started_at)
    return None


def notify_of_no_run(  # noqa: PLR0913, PLR0917 - what the alert says, and where it is remembered
    settings: Settings,
    region: Region,
    day_range: DayRange,
    home: Path,
    today: date,
    error_code: str,
) -> None:
    """Notify, if alerts are configured, of a night that could not begin.

    Without a history nobody remembers that: each try notifies again.

    Raises:
        OSError: ``home`` cannot be written.
    """
    if settings.alerts is None:
        return
    days = (day_range.first_date, day_range.last_date)
    alert = Alert(region=region, state="failed", night_date=today, days=days, error_code=error_code)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    try:
        with open_instance(home) as instance:
            notify(instance, settings.alerts, alert)
    except (HistoryError, SettingsError):
        notify(None, settings.alerts, alert)


def dagster_home(config: Path) -> Path:
    """Return $DAGSTER_HOME, or ``.dagster`` beside the configuration."""
    configured = os.environ.get("DAGSTER_HOME")
    return Path(configured) if configured else config.resolve().parent / ".dagster"


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a DAGSTER_HOME; makes the folder and its settings if missing.

    Raises:
        HistoryError: the server of the history cannot be reached, then or later.
        OSError: the folder cannot be made or written.
        SettingsError: Dagster refuses the ``dagster.yaml``.
    """
    os.umask(0o027)  # Dagster's files are not for everybody's eyes
    home.mkdir(parents=True, exist_ok=True, mode=0o750)
    settings = home / "dagster.yaml"
    try:
        with settings.open("x", encoding="utf-8") as file:
            file.write(DAGSTER_YAML)
    except FileExistsError:
        if settings.is_symlink() and not settings.exists():
            raise  # a planted link: never write through it
    with _database_errors_in_one_line(settings):
        try:
            instance = dg.DagsterInstance.from_config(str(home))
        except (dg.DagsterError, CheckError, yaml.YAMLError) as error:
            raise SettingsError([f"{settings}: {_refusal(error)}"]) from None
        with instance:
            yield instance


@contextmanager
def _database_errors_in_one_line(settings: Path) -> Iterator[None]:
    """Turn what a database's driver raises into one line.

    A driver's texts are kept only where it could not connect: others quote statements and values.
    """
    logging.getLogger().addFilter(_is_no_retry)
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _OF_DATABASES:
            raise
        cause = error.__cause__ or error
        why = type(cause).__name__
        if isinstance(cause, OperationalError):
            why = str(cause.orig).partition("\n")[0]
        where, remedy = str(settings), ""
        if history_server(settings.parent) is None:
            where = str(settings.parent)
            remedy = "; see to its permissions and disk, or set DAGSTER_HOME to another folder"
        raise HistoryError(
            f"{where}: the history of runs cannot be reached: {why}{remedy}"
        ) from None


def _is_no_retry(record: logging.LogRecord) -> bool:
    return "dagster_postgres" not in record.pathname


def _refusal(error: Exception) -> str:
    """Say why Dagster cannot open an instance, and what to do."""
    if unset := sorted(set(_UNSET.findall(str(error)))):
        return f"set {' and '.join(unset)} in the environment"
    if "dagster_postgres" in str(error):
        return "names what is not installed: pip install 'room-insights[postgres]'"
    return "Dagster refuses it; compare it with deploy/dagster.yaml"


def history_server(home: Path) -> str | None:
    """Return the kind of server that the history of runs lies on; None if it lies in ``home``."""
    storage = _chosen(home).get("storage")
    return next(iter(storage), None) if isinstance(storage, dict) else None


def is_silent(home: Path) -> tuple[bool, bool]:
    """Return whether Dagster keeps no output of runs there, and whether it sends no telemetry.

    A home that is not there yet will be made as it has to be.
    """
    if not (home / "dagster.yaml").exists():
        return True, True
    chosen = _chosen(home)
    return (
        _of(chosen, "compute_logs", "class") == "NoOpComputeLogManager",
        _of(chosen, "telemetry", "enabled") is False,
    )


def _chosen(home: Path) -> dict[str, object]:
    """Return what a ``dagster.yaml`` says; nothing if it cannot be read."""
    try:
        chosen = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return chosen if isinstance(chosen, dict) else {}


def _of(chosen: dict[str, object], section: str, key: str) -> object:
    part = chosen.get(section)
    return part.get(key) if isinstance(part, dict) else None
