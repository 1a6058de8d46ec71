"""What a run leaves in Dagster's history: counts, room ids and codes; written and read here only.

Belongs here: the keys of metadata and tags, so that whatever reads a run (the command line, the
alerts, Dagster's UI) reads the same facts. Everything in here may be stored and shown.
Does not belong here: doing anything about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import dagster as dg

from pipelines.night import DayRange, NightResult
from warehouse.page import Page
from warehouse.publish import Published

RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"
PARTIAL_TAG: Final = "insights/rooms_not_read"
EVERY_ROOM_CHECK: Final = "every_room_was_read"
_TAKEN: Final = {
    *("rooms_expected", "failed_rooms", "bookings", "deleted_days"),
    *("unreadable_fields", "data_through", "error_code"),
}
_REPORTED: Final = ("is_success", "rooms_expected", "failed_rooms", "error", "error_code")
_EVENTS: Final = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_FAILURE,
}


@dataclass
class RunFacts:
    """What is known of a run: little of one whose process was killed.

    ``failed_rooms`` has a code for each room_id. ``database`` and ``page`` are file names in the
    region's warehouse, None where the run did not come to them. ``error`` is one line.
    """

    is_success: bool = False
    day_range: DayRange | None = None
    rooms_expected: int | None = None
    failed_rooms: dict[str, str] = field(default_factory=dict)
    bookings: int | None = None
    deleted_days: int = 0
    unreadable_fields: int = 0
    database: str | None = None
    data_through: str | None = None
    page: str | None = None
    error: str | None = None
    error_code: str | None = None

    @property
    def rooms_loaded(self) -> int | None:
        """Rooms that could be read; None where it did not come to reading."""
        return None if self.rooms_expected is None else self.rooms_expected - len(self.failed_rooms)

    @property
    def is_read(self) -> bool:
        """Whether rows were read and replaced in the lake."""
        return self.bookings is not None

    def take(self, metadata: Mapping[str, Any]) -> None:
        """Take over what the metadata of one event say."""
        for name in _TAKEN & metadata.keys():
            setattr(self, name, metadata[name].value)


def range_tags(day_range: DayRange) -> dict[str, str]:
    """Return the tags that make a run one of these days."""
    return {
        RANGE_START_TAG: day_range.first_date.isoformat(),
        RANGE_END_TAG: day_range.last_date.isoformat(),
    }


def metadata_of_night(result: NightResult) -> dict[str, int | str]:
    """Return what the asset ``bookings`` says of a night; the check names the rooms."""
    return {
        "first_date": result.day_range.first_date.isoformat(),
        "last_date": result.day_range.last_date.isoformat(),
        "rooms_expected": result.rooms_expected,
        "rooms_loaded": result.rooms_loaded,
        "bookings": result.bookings,
        "deleted_days": result.deleted_days,
        "unreadable_fields": result.unreadable_fields,
    }


def metadata_of_rooms(result: NightResult) -> dict[str, int | dict[str, str]]:
    """Return what the check ``every_room_was_read`` says."""
    return {
        "rooms_expected": result.rooms_expected,
        "rooms_loaded": result.rooms_loaded,
        "failed_rooms": dict(sorted(result.failed.items())),
    }


def metadata_of_database(published: Published) -> dict[str, int | str]:
    """Return what the asset ``warehouse`` says: the file, and the rows of each table."""
    through = published.data_through
    return {
        "file": published.path.name,
        "data_through": through.isoformat() if through else "no day yet",
    } | {f"rows/{table}": count for table, count in published.rows.items()}


def metadata_of_page(written: Page) -> dict[str, int | str]:
    """Return what the asset ``report`` says."""
    return {
        "file": written.path.name,
        "size_bytes": written.size_bytes,
        "rooms": written.rooms,
    }


def failure(line: str, code: str, failed_rooms: Mapping[str, str]) -> dg.Failure:
    """Return a failure of one line, with a code for each room if rooms are the reason."""
    metadata: dict[str, Any] = {"error_code": code}
    if failed_rooms:
        metadata["rooms_expected"] = len(failed_rooms)
        metadata["failed_rooms"] = dict(sorted(failed_rooms.items()))
    return dg.Failure(line, metadata, allow_retries=False)


def report_of(facts: RunFacts) -> dict[str, Any]:
    """Return what a job says at its end to the Dagster that started it; see ``facts_reported``."""
    return {name: getattr(facts, name) for name in _REPORTED}


def facts_reported(messages: Sequence[Any]) -> RunFacts | None:
    """Return what a job said at its end; None if it did not come to that."""
    for each in messages:
        if isinstance(each, dict) and each.keys() == set(_REPORTED):
            return RunFacts(**each)
    return None


def facts_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunFacts:
    """Read what the history holds of a run."""
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
