"""R18: a change in the room directory counts from its day on; the past stays as it was."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.rows import coverage
from tests.object_stores import EVERYWHERE
from transforms.contract.lake import ROOMS
from warehouse.directory import (
    Edit,
    as_of_days,
    by_kind,
    forget_directory,
    record_directory,
    restated_from,
)
from warehouse.lake import Lake

MONDAY = date(2026, 11, 23)
FIRST = date(2026, 10, 1)


def room(room_id: str, valid_from: date | None = None, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "room_id": room_id,
        "valid_from": valid_from,
        "time_zone": "Europe/Copenhagen",
    }
    row |= {"room_type": "conference", "open_hours": "Mon-Fri 08:00-18:00", "capacity": 8}
    return row | changes


def table(*rows: dict[str, Any]) -> pa.Table:
    ordered = sorted(rows, key=lambda row: (row["room_id"], row["valid_from"] or date.min))
    return pa.Table.from_pylist(ordered, ROOMS)


def record(
    lake: Lake, today: date, *rows: dict[str, Any], restate_from: date | None = None
) -> list[str]:
    latest: dict[str, dict[str, Any]] = {}
    for row in table(*rows).to_pylist():
        if row["room_id"] not in latest or (row["valid_from"] or today) <= today:
            latest[row["room_id"]] = row
    return [
        str(edit)
        for edit in record_directory(
            lake, table(*latest.values()), table(*rows), today, restate_from
        )
    ]


def on(lake: Lake, day: date) -> dict[str, dict[str, Any]]:
    """Return the directory of a day, as marts join it."""
    return of_day(as_of_days(lake).to_pylist(), day)


def of_day(spans: list[dict[str, Any]], day: date) -> dict[str, dict[str, Any]]:
    rows = [
        row
        for row in spans
        if row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"])
    ]
    assert len({row["room_id"] for row in rows}) == len(rows)
    bare = ("valid_from", "valid_to")
    return {row["room_id"]: {k: v for k, v in row.items() if k not in bare} for row in rows}


def capacities(lake: Lake, *days: date) -> list[int | None]:
    return [on(lake, day)["a"]["capacity"] for day in days]


def test_an_edit_counts_from_the_day_of_the_run_that_sees_it_and_says_so(lake: Lake) -> None:
    assert record(lake, MONDAY, room("a"), room("b")) == []
    later = MONDAY + timedelta(days=4)
    assert record(lake, later, room("a", capacity=6), room("b")) == [
        "a: capacity 8 to 6 from 2026-11-27"
    ]
    assert capacities(lake, FIRST, later - timedelta(days=1), later) == [8, 8, 6]
    assert record(lake, later, room("a", capacity=6), room("b")) == []


def test_many_edits_of_one_kind_are_one_line() -> None:
    edits = [Edit(f"room-{number}", "capacity 8 to 6", MONDAY) for number in range(12)]
    (line,) = by_kind(edits)
    assert line.startswith("capacity changed from 2026-11-23: room-0, room-1, ")
    assert line.endswith("room-9 and 2 more")


def test_days_of_opening_and_closing_count_for_all_days_and_the_run_says_so(lake: Lake) -> None:
    record(lake, MONDAY, room("a"))
    closed_on = MONDAY - timedelta(days=3)
    edits = record(lake, MONDAY, room("a", closed_on=closed_on))
    assert edits == ["a: closed_on none to 2026-11-20 for all days"]
    assert by_kind([Edit("a", "closed_on none to 2026-11-20", None)]) == [
        "closed_on changed for all days: a"
    ]


def test_a_lake_of_the_version_before_has_its_directory_from_the_beginning(lake: Lake) -> None:
    lake.replace("rooms", None, table(room("a", capacity=4)))
    assert capacities(lake, date.min, MONDAY) == [4, 4]
    assert record(lake, MONDAY, room("a", capacity=5)) == ["a: capacity 4 to 5 from 2026-11-23"]
    assert capacities(lake, date.min, MONDAY) == [4, 5]


def test_a_row_with_a_valid_from_counts_from_that_day_also_in_the_past(lake: Lake) -> None:
    record(lake, MONDAY, room("a"))
    since = date(2026, 11, 2)
    edits = record(lake, MONDAY, room("a"), room("a", since, capacity=6))
    assert edits == ["a: capacity 8 to 6 from 2026-11-02"]
    assert restated_from(lake) is None  # nothing was read yet, so nothing was shown
    assert capacities(lake, since - timedelta(days=1), since, MONDAY) == [8, 6, 6]


def test_a_valid_from_in_the_past_restates_only_days_that_were_over_when_last_read(
    lake: Lake,
) -> None:
    record(lake, MONDAY, room("a"))
    night = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 1, 30, tzinfo=UTC)
    lake.replace("coverage", MONDAY, coverage(("a", True, night, None)))
    tuesday, sunday = MONDAY + timedelta(days=1), MONDAY - timedelta(days=1)
    rows = [room("a"), room("a", MONDAY, capacity=6)]  # written during Monday, seen on Tuesday
    assert record(lake, tuesday, *rows) == ["a: capacity 8 to 6 from 2026-11-23"]
    assert restated_from(lake) is None
    record(lake, tuesday, *rows, room("a", sunday, capacity=4))
    assert restated_from(lake) == sunday


@pytest.mark.parametrize(
    ("was", "now", "since"),
    [
        ({}, {"closed_on": MONDAY - timedelta(days=3)}, MONDAY - timedelta(days=3)),
        ({"closed_on": MONDAY - timedelta(days=3)}, {}, MONDAY - timedelta(days=3)),
        ({}, {"closed_on": MONDAY - timedelta(days=300)}, MONDAY - timedelta(days=9)),
        ({}, {"opened_on": MONDAY - timedelta(days=3)}, MONDAY - timedelta(days=9)),
        ({}, {"closed_on": MONDAY + timedelta(days=3)}, None),
    ],
)
def test_days_of_opening_and_closing_restate_the_days_that_were_shown(
    lake: Lake, was: dict[str, Any], now: dict[str, Any], since: date | None
) -> None:
    for day in (MONDAY - timedelta(days=9), MONDAY):
        night = datetime(day.year, day.month, day.day, 1, 30, tzinfo=UTC)
        lake.replace("coverage", day, coverage(("a", True, night, None)))
    record(lake, MONDAY, room("a", **was))
    record(lake, MONDAY, room("a", **now), room("new", opened_on=date(2026, 1, 1)))
    assert restated_from(lake) == since


def test_a_row_whose_valid_from_is_known_changes_the_past_no_more(lake: Lake) -> None:
    since = date(2026, 11, 2)
    record(lake, MONDAY, room("a"), room("a", since, capacity=6))
    record(lake, MONDAY, room("a"), room("a", since, capacity=5))
    assert capacities(lake, since, MONDAY - timedelta(days=1), MONDAY) == [6, 6, 5]


def test_a_valid_from_to_come_counts_from_then_and_may_be_taken_back(lake: Lake) -> None:
    coming = MONDAY + timedelta(days=30)
    record(lake, MONDAY, room("a"), room("a", coming, capacity=2))
    assert capacities(lake, MONDAY, coming) == [8, 2]
    record(lake, MONDAY, room("a"))
    assert capacities(lake, MONDAY, coming) == [8, 8]


def test_a_room_whose_only_row_is_yet_to_come_stays_as_it_was_until_then(lake: Lake) -> None:
    record(lake, MONDAY, room("a"))
    coming = MONDAY + timedelta(days=30)
    record(lake, MONDAY, room("a", coming, capacity=2))
    assert capacities(lake, MONDAY, coming) == [8, 2]


def test_a_room_counts_from_the_day_it_was_added_to_the_day_it_was_taken_out(lake: Lake) -> None:
    record(lake, MONDAY, room("a"))
    day = [MONDAY + timedelta(days=offset) for offset in range(5)]
    assert record(lake, day[1], room("a"), room("b")) == ["b: added from 2026-11-24"]
    assert record(lake, day[3], room("b")) == ["a: taken out from 2026-11-26"]
    assert [sorted(on(lake, each)) for each in day] == [["a"], ["a", "b"], ["a", "b"], ["b"], ["b"]]


def test_name_and_time_zone_are_corrections_of_every_day(lake: Lake) -> None:
    record(lake, FIRST, room("a", name="Fjrod"))
    corrected: dict[str, Any] = {"name": "Fjord", "time_zone": "Europe/Oslo"}
    assert record(lake, MONDAY, room("a", **corrected)) == []
    row = on(lake, FIRST)["a"]
    assert (row["name"], row["time_zone"]) == ("Fjord", "Europe/Oslo")
    assert lake.days("directory") == [date.min]


@EVERYWHERE
def test_what_an_operator_restates_counts_from_that_day_on(lake: Lake) -> None:
    record(lake, FIRST, room("a"))
    record(lake, MONDAY, room("a", capacity=6))
    assert restated_from(lake) is None
    since = date(2026, 11, 9)
    assert record(lake, MONDAY, room("a", capacity=5), restate_from=since) == [
        "a: capacity 8 to 5 from 2026-11-09",
        "a: capacity 6 to 5 from 2026-11-23",
    ]
    assert capacities(lake, since - timedelta(days=1), since, MONDAY) == [8, 5, 5]
    record(lake, MONDAY, room("a", capacity=4))
    assert restated_from(lake) == since


@EVERYWHERE
def test_what_counted_only_before_the_retention_is_forgotten(lake: Lake) -> None:
    for number, day in enumerate((FIRST, date(2026, 11, 2), MONDAY)):
        record(lake, day, room("a", capacity=number))
    forget_directory(lake, date(2026, 11, 2))
    assert lake.days("directory") == [date(2026, 11, 2), MONDAY]
    assert capacities(lake, date(2026, 11, 5), MONDAY) == [1, 2]
    forget_directory(lake, FIRST, ["a"])
    assert as_of_days(lake).num_rows == 0


def test_a_row_that_counted_only_before_the_retention_does_not_come_back(lake: Lake) -> None:
    rows = [room("a"), room("a", FIRST, capacity=6), room("a", date(2026, 11, 2), capacity=4)]
    record(lake, MONDAY, *rows)
    forget_directory(lake, date(2026, 11, 5))
    assert record(lake, MONDAY, *rows) == []
    assert restated_from(lake) is None


VALUES: dict[str, Any] = {
    "site": st.sampled_from((None, "North", "South")),
    "building": st.sampled_from((None, "HQ", "Annex")),
    "floor": st.sampled_from((None, "1", "2")),
    "country": st.sampled_from((None, "DK", "DE")),
    "subdivision": st.none(),
    "capacity": st.sampled_from((None, 1, 4, 8)),
    "room_type": st.sampled_from(("conference", "desk", "other")),
    "open_hours": st.sampled_from(("Mon-Fri 08:00-18:00", "closed")),
    "opened_on": st.sampled_from((None, date(2026, 10, 5))),
    "closed_on": st.sampled_from((None, date(2026, 12, 24))),
    "part_of": st.sampled_from((None, "a")),
    "equipment": st.sampled_from((None, "video")),
    "name": st.sampled_from((None, "Fjord")),
}
DIRECTORIES = st.lists(
    st.builds(room, st.sampled_from("abcd"), st.none(), **VALUES),
    max_size=4,
    unique_by=lambda row: row["room_id"],
)


def test_the_random_edits_reach_every_column() -> None:
    assert VALUES.keys() == {*ROOMS.names} - {"room_id", "time_zone", "valid_from"}


@settings(deadline=None, max_examples=25)
@given(edits=st.lists(st.tuples(st.integers(0, 9), DIRECTORIES), min_size=2, max_size=6))
def test_any_edit_leaves_every_day_before_it_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, list[dict[str, Any]]]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake") / "lake", "EU")
    today = FIRST
    expected: dict[date, dict[str, Any]] = {}
    for passed, rows in edits:
        today += timedelta(days=passed)
        record(lake, today, *rows)
        first = date.min if not expected else today
        stated = {row["room_id"]: without_corrections(row) for row in table(*rows).to_pylist()}
        for day in (date.min, *(FIRST + timedelta(days=offset) for offset in range(60))):
            if day >= first:
                expected[day] = stated
    spans = as_of_days(lake).to_pylist()
    for day, rooms in expected.items():
        found = {room_id: without_corrections(row) for room_id, row in of_day(spans, day).items()}
        assert found == rooms


@settings(deadline=None, max_examples=12)
@given(before=st.lists(DIRECTORIES, min_size=1, max_size=4), now=DIRECTORIES)
def test_all_restated_is_what_a_fresh_lake_with_that_directory_has(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[list[dict[str, Any]]],
    now: list[dict[str, Any]],
) -> None:
    folder: Path = tmp_path_factory.mktemp("lakes")
    old, fresh = Lake(folder / "old", "EU"), Lake(folder / "fresh", "EU")
    for number, rows in enumerate(before):
        record(old, FIRST + timedelta(days=number), *rows)
    record(old, MONDAY, *now, restate_from=date.min)
    record(fresh, MONDAY, *now)
    assert as_of_days(old).equals(as_of_days(fresh))


def without_corrections(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in row.items() if key not in {"name", "time_zone", "valid_from"}
    }
