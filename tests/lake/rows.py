"""Rows for the tests of the lake: a booking has a room, a day, an hour and a headcount.

Belongs here: building tables of the contract, and reading them back as plain values.
Does not belong here: what a test expects.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from transforms.contract.lake import BOOKINGS, COVERAGE, ROOMS, STAGED
from warehouse.lake import Dataset, Lake

SATURDAY = date(2026, 11, 21)
SUNDAY = date(2026, 11, 22)
FIRST_NIGHT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
SECOND_NIGHT = FIRST_NIGHT + timedelta(days=1)


def booking(
    room_id: str, day: date = SATURDAY, hour: int = 9, headcount: int = 3, **other: Any
) -> dict[str, Any]:
    starts_at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    row = {
        "room_id": room_id,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=45),
        "is_all_day": False,
        "is_cancelled": False,
        "is_private": False,
        "kind": "single",
        "show_as": "busy",
        "response": "accept",
        "status": "booked",
        "invited_headcount": headcount,
        "headcount_is_lower_bound": False,
        "has_external": None,
        "is_online": None,
        "created_at": None,
        "read_at": FIRST_NIGHT,
        "local_start_date": day,
    }
    return row | other


def stored(*rows: Mapping[str, Any]) -> pa.Table:
    """Return a table of bookings as the lake stores it."""
    return staged(*rows).select(BOOKINGS.names).cast(BOOKINGS)


def staged(*rows: Mapping[str, Any]) -> pa.Table:
    """Return a table as a run stages it."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=STAGED)


def coverage(*rows: tuple[str, bool, datetime | None, str | None]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, COVERAGE, strict=True)],
        schema=COVERAGE,
    )


def directory(*room_ids: str) -> pa.Table:
    row = {"time_zone": "Europe/Copenhagen", "room_type": "conference"}
    row["open_hours"] = "Mon-Fri 08:00-18:00"
    return pa.Table.from_pylist([row | {"room_id": each} for each in room_ids], schema=ROOMS)


def files(lake: Lake, dataset: Dataset) -> list[Path]:
    """Return the location of a dataset's files, as an engine reads them."""
    with lake.scan(dataset, lake.days(dataset)) as parts:
        return [Path(part.handle) for part in parts]


def root_of(lake: Lake) -> Path:
    """Return the folder of a lake on disk."""
    assert isinstance(lake.root, Path)
    return lake.root


def headcounts(table: pa.Table | None) -> list[tuple[str, int]]:
    assert table is not None
    return list(
        zip(table["room_id"].to_pylist(), table["invited_headcount"].to_pylist(), strict=True)
    )


def facts(table: pa.Table | None) -> list[tuple[Any, ...]]:
    """Return every row as a tuple, in the table's order."""
    assert table is not None
    return [tuple(row.values()) for row in table.to_pylist()]


def in_any_order(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)
