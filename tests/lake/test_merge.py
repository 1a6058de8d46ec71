"""R13: a room that could not be read keeps its rows and the time of its last reading."""

from collections.abc import Set
from datetime import UTC, datetime, time

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.rows import (
    FIRST_NIGHT,
    SATURDAY,
    SECOND_NIGHT,
    SUNDAY,
    booking,
    coverage,
    facts,
    headcounts,
    in_any_order,
    stored,
)
from transforms.contract.lake import BOOKINGS, COVERAGE
from warehouse.nightly import Asked, merge_coverage, merge_day

ROOMS = st.sampled_from("abcdef")


def merged_day(old: pa.Table | None, new: pa.Table, loaded: Set[str]) -> pa.Table:
    """Merge a day of which these rooms were read."""
    first, last = (datetime.combine(day, time(), UTC) for day in (SATURDAY, SUNDAY))
    asked = Asked(dict.fromkeys(loaded, (first, last)))
    return merge_day(old, asked.rows_of(new), asked)


def test_r13_rooms_that_were_read_are_replaced_and_all_others_keep_their_rows() -> None:
    old = stored(booking("read", headcount=1), booking("failed", headcount=1))
    new = stored(booking("read", headcount=2), booking("read", hour=15, headcount=2))
    merged = merged_day(old, new, {"read"})
    assert sorted(headcounts(merged)) == [("failed", 1), ("read", 2), ("read", 2)]
    assert merged.schema.equals(BOOKINGS)


def test_r13_a_room_whose_bookings_are_all_gone_keeps_none_of_them() -> None:
    assert merged_day(stored(booking("a")), stored(), {"a"}).num_rows == 0


def test_r13_rows_of_a_room_whose_reading_failed_in_the_end_are_left_out() -> None:
    assert merged_day(None, stored(booking("late")), {"other"}).num_rows == 0


@given(st.lists(ROOMS), st.lists(ROOMS), st.sets(ROOMS))
@settings(deadline=None, max_examples=50)
def test_r13_each_room_of_a_day_comes_wholly_from_one_reading(
    old: list[str], new: list[str], loaded: set[str]
) -> None:
    merged = merged_day(
        stored(*(booking(room, headcount=1) for room in old)),
        stored(*(booking(room, headcount=2) for room in new)),
        loaded,
    )
    expected = [(room, 1) for room in old if room not in loaded]
    expected += [(room, 2) for room in new if room in loaded]
    assert sorted(headcounts(merged)) == sorted(expected)


def test_r13_coverage_keeps_the_last_good_reading_of_a_room_that_failed() -> None:
    old = coverage(
        ("fine", False, None, "ErrorServerBusy"),
        ("failed", True, FIRST_NIGHT, None),
        ("retired", True, FIRST_NIGHT, None),
    )
    merged = merge_coverage(
        old, {"fine": SECOND_NIGHT}, {"failed": "ErrorAccessDenied", "never": "HTTP503"}
    )
    assert merged.schema.equals(COVERAGE)
    assert in_any_order(facts(merged)) == in_any_order(
        [
            ("fine", True, SECOND_NIGHT, None),
            ("failed", False, FIRST_NIGHT, "ErrorAccessDenied"),
            ("never", False, None, "HTTP503"),
            ("retired", True, FIRST_NIGHT, None),
        ]
    )


def test_coverage_of_a_run_without_rooms_is_what_it_was() -> None:
    old = coverage(("a", True, FIRST_NIGHT, None))
    assert facts(merge_coverage(old, {}, {})) == facts(old)
    assert merge_coverage(None, {}, {}).num_rows == 0
