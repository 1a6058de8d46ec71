"""What the events of a finished run say: counts, room ids and codes, and the alert they make.

Belongs here: reading Dagster's event log of one run.
Does not belong here: whether anybody is told (``telling.py``).
"""

from collections.abc import Mapping
from datetime import UTC, date
from typing import Any, Final

import dagster as dg

from pipelines.alerts.message import Alert
from pipelines.assets import RANGE_END_TAG, RANGE_START_TAG
from transforms.contract import Region
from transforms.zones import local_date, zone

_EVENTS: Final = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}


def alert_of_run(
    instance: dg.DagsterInstance, region: Region, time_zone: str, run_id: str
) -> Alert | None:
    """Return what there is to tell of a finished run; None if it was whole, or stopped by hand."""
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return None
    run, facts = record.dagster_run, _facts(instance, run_id)
    is_failed = run.status is dg.DagsterRunStatus.FAILURE
    if not is_failed and (run.status is not dg.DagsterRunStatus.SUCCESS or not facts.failed_rooms):
        return None
    expected = facts.rooms_expected
    first, last = run.tags.get(RANGE_START_TAG), run.tags.get(RANGE_END_TAG)
    return Alert(
        region=region,
        state="failed" if is_failed else "partial",
        night_date=local_date(record.create_timestamp.astimezone(UTC), zone(time_zone)),
        days=(date.fromisoformat(first), date.fromisoformat(last)) if first and last else None,
        rooms_expected=expected,
        rooms_loaded=None if expected is None else expected - len(facts.failed_rooms),
        failed_rooms=facts.failed_rooms,
        error_code=(facts.error_code or "RunFailed") if is_failed else None,
    )


class _Facts:
    """What is known of a run; nothing, if its process was killed."""

    def __init__(self) -> None:
        self.failed_rooms: dict[str, str] = {}
        self.rooms_expected: int | None = None
        self.error_code: str | None = None

    def add(self, metadata: Mapping[str, Any]) -> None:
        """Take what the metadata of a check or a failure say."""
        values = {key: value.value for key, value in metadata.items()}
        self.failed_rooms |= values.get("failed_rooms", {})
        self.rooms_expected = values.get("rooms_expected", self.rooms_expected)
        self.error_code = values.get("error_code", self.error_code)


def _facts(instance: dg.DagsterInstance, run_id: str) -> _Facts:
    facts = _Facts()
    for entry in instance.all_logs(run_id, of_type=_EVENTS):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            if event.asset_check_evaluation_data.check_name == "every_room_was_read":
                facts.add(event.asset_check_evaluation_data.metadata)
        elif told := event.step_failure_data.user_failure_data:
            facts.add(told.metadata)
    return facts
