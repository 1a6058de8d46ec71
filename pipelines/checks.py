"""What is checked after a region was read: columns, rooms, volume.

Belongs here: computing each check from the lake and the run's report; counts and room ids only,
never samples.
Does not belong here: failing a run. A failed check shows a partial night; what could be read
has landed.
"""

from datetime import date, timedelta
from statistics import median
from typing import Final

import dagster as dg

from pipelines.night import DayRange, NightReport
from warehouse.lake import Lake, LakeError

DESCRIPTIONS: Final = {
    "columns_equal_the_contract": "Every day's file has the contract's columns and no other.",
    "every_room_was_read": "Every room of the directory could be read; lists those that could not.",
    "volume_is_usual": "Yesterday's bookings against the median of that weekday, eight weeks back.",
}
_WEEKS_BACK: Final = 8
_WEEKS_NEEDED: Final = 3
_USUAL: Final = (0.5, 2.0)


def evaluate(lake: Lake, report: NightReport, today: date) -> list[dg.AssetCheckResult]:
    """Return the results of all checks, in the order of ``DESCRIPTIONS``."""
    return [
        _columns(lake, report.day_range),
        _rooms(report),
        _volume(lake, today - timedelta(days=1)),
    ]


def _columns(lake: Lake, day_range: DayRange) -> dg.AssetCheckResult:
    """Look at every file of the range; the lake refuses one that is not the contract's."""
    metadata: dict[str, str | int] = {}
    try:
        files = lake.files("bookings", day_range.first_date, day_range.last_date)
        metadata["files"] = len(files)
    except LakeError as error:
        metadata["difference"] = str(error)
    return dg.AssetCheckResult(
        check_name="columns_equal_the_contract",
        passed="difference" not in metadata,
        metadata=metadata,
    )


def _rooms(report: NightReport) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="every_room_was_read",
        passed=report.is_whole,
        metadata={
            "rooms_expected": report.rooms_expected,
            "rooms_loaded": report.rooms_loaded,
            "failed_rooms": dict(sorted(report.failed.items())),
        },
    )


def _volume(lake: Lake, day: date) -> dg.AssetCheckResult:
    before = [
        table.num_rows
        for week in range(1, _WEEKS_BACK + 1)
        if (table := lake.read("bookings", day - timedelta(weeks=week))) is not None
    ]
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
