"""Dagster's history of runs on the operator's own instance: where it is, and what it holds.

Belongs here: DAGSTER_HOME and its settings; the tags, counts, room ids and codes that a run leaves
there, read in one place, so that the command line, the alerts and another Dagster see the same
facts. All of these may be stored and shown.
Does not belong here: running a night (``definitions.py``), what its assets write (``assets.py``).
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import dagster as dg
import yaml
from dagster._check import CheckError
from sqlalchemy.exc import OperationalError

from pipelines.settings import SettingsError
from pipelines.sources import DayRange
from transforms.contract import Region

DAGSTER_YAML: Final = files("pipelines").joinpath("templates/dagster.yaml").read_text("utf-8")
_UNSET: Final = re.compile(r'environment variable "(\w+)" which is not set')
_OF_DATABASES: Final = {"dagster_postgres", "psycopg2", "sqlalchemy"}
RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"
PARTIAL_TAG: Final = "insights/rooms_not_read"
EVERY_ROOM_CHECK: Final = "every_room_was_read"
_TAKEN: Final = {
    *("rooms_expected", "failed_rooms", "bookings", "deleted_days"),
    *("unreadable_fields", "directory_edits", "data_through", "error_code"),
}
_REPORTED: Final = ("is_success", "rooms_expected", "failed_rooms", "error", "error_code")
_UNFINISHED: Final = set(dg.DagsterRunStatus) - {
    *(dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED),
}
_EVENTS: Final = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_FAILURE,
}


class HistoryError(Exception):
    """The history of runs cannot be reached, or became unreachable during a run; one line."""

    exit_code: ClassVar[int] = 1


@dataclass
class RunFacts:
    """What is known about a run: little, if its process was killed.

    ``failed_rooms`` has a code for each room_id, ``directory_edits`` a line for each kind of edit
    that the run saw first. ``bookings`` is None unless days of the lake were replaced. ``database``
    and ``page`` are file names in the region's warehouse, None if the run did not get that far.
    ``error`` is one line.
    """

    is_success: bool = False
    day_range: DayRange | None = None
    rooms_expected: int | None = None
    failed_rooms: dict[str, str] = field(default_factory=dict)
    bookings: int | None = None
    deleted_days: int = 0
    unreadable_fields: int = 0
    directory_edits: list[str] = field(default_factory=list)
    database: str | None = None
    data_through: str | None = None
    page: str | None = None
    error: str | None = None
    error_code: str | None = None

    @property
    def rooms_loaded(self) -> int | None:
        """Rooms that could be read; None if the run ended before reading."""
        return None if self.rooms_expected is None else self.rooms_expected - len(self.failed_rooms)

    def take(self, metadata: Mapping[str, Any]) -> None:
        """Copy the facts from the metadata of one event."""
        for name in _TAKEN & metadata.keys():
            setattr(self, name, metadata[name].value)


def job_name(region: Region) -> str:
    """Return the name of a region's nightly job."""
    return f"{region.lower()}_night"


def range_tags(day_range: DayRange) -> dict[str, str]:
    """Return the tags that make a run cover these days."""
    return {
        RANGE_START_TAG: day_range.first_date.isoformat(),
        RANGE_END_TAG: day_range.last_date.isoformat(),
    }


def report_of(facts: RunFacts) -> dict[str, Any]:
    """Return what a job reports at its end to the Dagster that started it (``facts_reported``)."""
    return {name: getattr(facts, name) for name in _REPORTED}


def facts_reported(messages: Sequence[Any]) -> RunFacts | None:
    """Return the facts that a job reported at its end; None if it sent no report."""
    for each in messages:
        if isinstance(each, dict) and each.keys() == set(_REPORTED):
            return RunFacts(**each)
    return None


def facts_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunFacts:
    """Return what the history holds about a run."""
    facts = RunFacts(is_success=run.status is dg.DagsterRunStatus.SUCCESS)
    first, last = run.tags.get(RANGE_START_TAG), run.tags.get(RANGE_END_TAG)
    if first and last:
        facts.day_range = DayRange(date.fromisoformat(first), date.fromisoformat(last))
    for entry in instance.all_logs(run.run_id, of_type=_EVENTS):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            materialized = event.step_materialization_data.materialization
            facts.take(materialized.metadata)
            if file := materialized.metadata.get("file"):
                is_page = materialized.asset_key.path[-1] == "report"
                setattr(facts, "page" if is_page else "database", file.value)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            if event.asset_check_evaluation_data.check_name == EVERY_ROOM_CHECK:
                facts.take(event.asset_check_evaluation_data.metadata)
        elif raised := event.step_failure_data.user_failure_data:
            facts.error = raised.description
            facts.take(raised.metadata)
    return facts


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest run of a region in the history; ``error`` is one line, ``started_at`` in UTC."""

    state: Literal["running", "whole", "partial", "failed"]
    started_at: datetime
    error_code: str | None = None
    error: str | None = None


def last_run(home: Path, region: Region) -> LastRun | None:
    """Return the latest run of a region; None if the history has none, or does not exist yet.

    That is a night's or, until it ends, one that somebody started in Dagster for some assets.

    Raises:
        HistoryError: the server of the history cannot be reached.
        SettingsError: Dagster refuses the ``dagster.yaml`` of ``home``.
    """
    if not (home / "dagster.yaml").exists():
        return None
    with open_instance(home) as instance:
        nights = instance.get_run_records(dg.RunsFilter(job_name=job_name(region)), limit=1)
        open_runs = instance.get_run_records(dg.RunsFilter(statuses=list(_UNFINISHED)))
        found = [each for each in open_runs if _has_assets_of(region, each.dagster_run)]
        if record := max([*nights, *found], key=lambda each: each.create_timestamp, default=None):
            run, facts = record.dagster_run, facts_of(instance, record.dagster_run)
            started_at = record.create_timestamp.astimezone(UTC)
            if not run.is_finished:
                return LastRun("running", started_at)
            if not facts.is_success:
                return LastRun("failed", started_at, facts.error_code or "RunFailed", facts.error)
            return LastRun("partial" if facts.failed_rooms else "whole", started_at)
    return None


def _has_assets_of(region: Region, run: dg.DagsterRun) -> bool:
    return any(key.path[0] == region.lower() for key in run.asset_selection or ())


def dagster_home(config: Path) -> Path:
    """Return $DAGSTER_HOME, or ``.dagster`` beside the configuration."""
    configured = os.environ.get("DAGSTER_HOME")
    return Path(configured) if configured else config.resolve().parent / ".dagster"


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a DAGSTER_HOME; create the folder and its settings if missing.

    Raises:
        HistoryError: the server of the history cannot be reached, now or later in the block.
        OSError: the folder cannot be made or written.
        SettingsError: Dagster refuses the ``dagster.yaml``.
    """
    os.umask(0o027)  # Dagster's files must not be world-readable
    home.mkdir(parents=True, exist_ok=True, mode=0o750)
    settings = home / "dagster.yaml"
    try:
        with settings.open("x", encoding="utf-8") as file:
            file.write(DAGSTER_YAML)
    except FileExistsError:
        if settings.is_symlink() and not settings.exists():
            raise  # a dangling link may be planted: never write through it
    with _database_errors_in_one_line(settings):
        try:
            instance = dg.DagsterInstance.from_config(str(home))
        except (dg.DagsterError, CheckError, yaml.YAMLError) as error:
            remedy = "Dagster refuses it; compare it with deploy/dagster.yaml"
            if unset := sorted(set(_UNSET.findall(str(error)))):
                remedy = f"set {' and '.join(unset)} in the environment"
            elif "dagster_postgres" in str(error):
                remedy = "names what is not installed: pip install 'room-insights[postgres]'"
            raise SettingsError([f"{settings}: {remedy}"]) from None
        with instance:
            yield instance


@contextmanager
def _database_errors_in_one_line(settings: Path) -> Iterator[None]:
    """Turn the error of a database driver into one line.

    Its text is kept only if it could not connect: other texts quote statements and values.
    """
    # dagster_postgres logs each retry on the root logger itself, so a filter there catches it.
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


def history_server(home: Path) -> str | None:
    """Return the kind of server that stores the history of runs; None if ``home`` stores it."""
    storage = _chosen(home).get("storage")
    return next(iter(storage), None) if isinstance(storage, dict) else None


def is_silent(home: Path) -> tuple[bool, bool]:
    """Return whether Dagster keeps no output of runs there, and whether it sends no telemetry.

    Both hold for a home that does not exist yet: it will be created with ``DAGSTER_YAML``.
    """
    if not (home / "dagster.yaml").exists():
        return True, True
    chosen = _chosen(home)
    logs, telemetry = chosen.get("compute_logs"), chosen.get("telemetry")
    return (
        isinstance(logs, dict) and logs.get("class") == "NoOpComputeLogManager",
        isinstance(telemetry, dict) and telemetry.get("enabled") is False,
    )


def _chosen(home: Path) -> dict[str, object]:
    """Return the content of ``dagster.yaml``; empty if it cannot be read."""
    try:
        chosen = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return chosen if isinstance(chosen, dict) else {}
