"""R19: the differences between two readings, worked by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.rows import SATURDAY, booking, stored
from transforms.changes import Sight, changes_of, differing, sights

BEFORE = datetime(2026, 11, 21, 1, tzinfo=UTC)
NOW = BEFORE + timedelta(days=1)
MADE = datetime(2026, 10, 1, 8, tzinfo=UTC)


def changes(
    old: list[dict[str, Any]], new: list[dict[str, Any]], *, was_read: bool = True
) -> list[tuple[Any, ...]]:
    gone, appeared = differing(stored(*old), stored(*new))
    table = changes_of(
        sights(gone, [BEFORE] * gone.num_rows),
        sights(appeared, [BEFORE if was_read else None] * appeared.num_rows),
        dict.fromkeys("ab", NOW),
    )
    return [
        (
            row["room_id"],
            row["change"],
            row["starts_at"].hour,
            row["new_starts_at"] and row["new_starts_at"].hour,
        )
        for row in table.to_pylist()
    ]


def at(hour: int, room_id: str = "a", **changes: Any) -> dict[str, Any]:
    return booking(room_id, SATURDAY, hour, **({"created_at": MADE} | changes))


def test_equal_readings_differ_in_nothing() -> None:
    assert changes([at(9), at(9), at(10)], [at(10), at(9), at(9)]) == []


def test_a_booking_that_is_gone_is_cancelled_and_one_that_appeared_is_new() -> None:
    assert changes([at(9)], []) == [("a", "cancelled", 9, None)]
    assert changes([], [at(9)]) == [("a", "new", 9, None)]


def test_two_alike_of_which_one_is_gone_are_one_cancellation() -> None:
    assert changes([at(9), at(9)], [at(9)]) == [("a", "cancelled", 9, None)]


@pytest.mark.parametrize(
    "off", [{"status": "cancelled", "is_cancelled": True}, {"status": "not_booked"}]
)
def test_a_booking_that_is_cancelled_declined_or_free_now_is_cancelled(off: dict[str, Any]) -> None:
    assert changes([at(9)], [at(9, **off)]) == [("a", "cancelled", 9, None)]
    assert changes([at(9, **off)], [at(9)]) == [("a", "new", 9, None)]


def test_a_tentative_booking_that_is_confirmed_is_no_change() -> None:
    assert changes([at(9, status="held")], [at(9)]) == []


def test_gone_and_new_with_one_creation_in_one_room_is_moved() -> None:
    assert changes([at(9)], [at(14)]) == [("a", "moved", 9, 14)]
    assert sorted(changes([at(9)], [at(14, "b")])) == [
        ("a", "cancelled", 9, None),
        ("b", "new", 14, None),
    ]


def test_the_nearest_are_paired_first() -> None:
    old = [at(hour, kind="occurrence") for hour in (8, 16)]
    new = [at(hour, kind="occurrence") for hour in (17, 10)]
    assert sorted(changes(old, new)) == [("a", "moved", 8, 10), ("a", "moved", 16, 17)]


@pytest.mark.parametrize("end", [30, 90])
def test_the_same_start_and_another_end_is_resized(end: int) -> None:
    ends_at = at(9)["starts_at"] + timedelta(minutes=end)
    assert changes([at(9)], [at(9, ends_at=ends_at)]) == [("a", "resized", 9, 9)]


def test_the_same_end_and_another_start_is_resized() -> None:
    assert changes([at(9)], [at(8, ends_at=at(9)["ends_at"])]) == [("a", "resized", 9, 8)]


def test_an_occurrence_that_became_an_exception_is_still_of_its_series() -> None:
    assert changes([at(9, kind="occurrence")], [at(9, kind="exception")]) == []
    assert changes([at(9, kind="occurrence")], [at(11, kind="exception")]) == [
        ("a", "moved", 9, 11)
    ]
    assert len(changes([at(9, kind="occurrence")], [at(11)])) == 2


def test_an_exception_that_a_server_dates_anew_is_no_change_in_its_place_and_no_move() -> None:
    anew = MADE + timedelta(days=40)
    old = at(9, kind="occurrence")
    assert changes([old], [at(9, kind="exception", created_at=anew)]) == []
    assert sorted(changes([old], [at(11, kind="exception", created_at=anew)])) == [
        ("a", "cancelled", 9, None),
        ("a", "new", 11, None),
    ]


def test_without_a_creation_only_new_and_cancelled_are_told() -> None:
    found = changes([at(9, created_at=None)], [at(14, created_at=None)])
    assert sorted(found) == [("a", "cancelled", 9, None), ("a", "new", 14, None)]


@pytest.mark.parametrize("kind", ["single", "occurrence"])
def test_a_creation_that_only_one_reading_knows_is_no_change(kind: str) -> None:
    known = [at(9, kind=kind), at(9, kind=kind, created_at=MADE + timedelta(days=1)), at(11)]
    unknown = [at(9, kind=kind, created_at=None), at(9, kind=kind, created_at=None)]
    assert changes(known, unknown) == [("a", "cancelled", 11, None)]
    assert changes(unknown, known) == [("a", "new", 11, None)]


def test_what_appears_on_a_day_that_was_never_read_is_no_news() -> None:
    assert changes([], [at(9)], was_read=False) == []
    assert changes([at(9)], [at(14)], was_read=False) == [("a", "moved", 9, 14)]
    found = changes([at(9, kind="occurrence")], [at(14, kind="occurrence")], was_read=False)
    assert found == [("a", "cancelled", 9, None)]


ROWS = st.lists(
    st.builds(
        at,
        st.integers(8, 11),
        st.sampled_from("ab"),
        kind=st.sampled_from(("single", "occurrence", "exception")),
        status=st.sampled_from(("booked", "held", "not_booked")),
        created_at=st.sampled_from((None, MADE, MADE + timedelta(days=1))),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=200)
@given(ROWS, ROWS)
def test_the_changes_turn_the_old_reading_into_the_new_one(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    gone, appeared = differing(stored(*old), stored(*new))
    assert known(stored(*new)) == applied(known(stored(*old)), gone, appeared)
    table = changes_of(
        sights(gone, [BEFORE] * gone.num_rows),
        sights(appeared, [BEFORE] * appeared.num_rows),
        dict.fromkeys("ab", NOW),
    )
    count = {word: table["change"].to_pylist().count(word) for word in ("new", "cancelled")}
    both = table.num_rows - sum(count.values())
    redated = gone.num_rows - count["cancelled"] - both
    assert redated == appeared.num_rows - count["new"] - both
    undated = gone["created_at"].null_count + appeared["created_at"].null_count
    assert 0 <= redated <= appeared["kind"].to_pylist().count("exception") + undated


def known(table: pa.Table) -> list[tuple[Any, ...]]:
    rows = [row for row in table.to_pylist() if row["status"] in {"booked", "held"}]
    return sorted(map(key, rows), key=repr)


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    named = ("room_id", "created_at", "starts_at", "ends_at")
    return (*(row[name] for name in named), row["kind"] == "single")


def applied(keys: list[tuple[Any, ...]], gone: pa.Table, appeared: pa.Table) -> list[Any]:
    left = list(keys)
    for row in gone.to_pylist():
        left.remove(key(row))
    return sorted([*left, *map(key, appeared.to_pylist())], key=repr)


def test_a_sight_has_the_columns_of_a_booking() -> None:
    (sight,) = sights(stored(at(9)), [BEFORE])
    assert sight == Sight("a", "single", at(9)["starts_at"], at(9)["ends_at"], False, MADE, BEFORE)
