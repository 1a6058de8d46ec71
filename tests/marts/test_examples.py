"""The example queries run, and agree with the marts."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.marts.scenario import (
    Booking,
    Coverage,
    Database,
    Room,
    Scenario,
    all_day,
    at,
    publish_scenario,
    scenario,
)
from tests.marts.worked import everything
from warehouse import engine

EXAMPLES = sorted(
    path for path in (Path(engine.__file__).parent / "sql" / "examples").glob("*.sql")
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_answers_with_rows(example: Path, worked: Database) -> None:
    assert example.read_text().startswith("-- ")
    assert worked.rows(example.read_text())


def test_utilization_by_building_and_month_is_what_rooms_of_several_add_up_to(
    worked: Database,
) -> None:
    expected = worked.rows(
        "SELECT building, month(local_date), sum(booked_minutes) / nullif(sum(open_minutes), 0) "
        "FROM room_days JOIN rooms USING (room_id) GROUP BY ALL"
    )
    personal = worked.row("SELECT count(*) FROM utilization WHERE room_type = 'desk'")
    assert personal[0] > 0
    found = worked.rows(_example("utilization_by_building_and_month"))
    assert {(row[0], row[1].month, row[4]) for row in found} == set(expected)


def test_the_trend_leaves_out_rooms_of_one_person(worked: Database) -> None:
    expected = worked.rows(
        "SELECT building, sum(booked_minutes) / sum(open_minutes) "
        "FROM room_days JOIN rooms USING (room_id) GROUP BY building"
    )
    assert {(row[0], row[2]) for row in worked.rows(_example("trend"))} == set(expected)


def test_the_comparison_ends_with_our_own_figure(worked: Database) -> None:
    found = worked.rows(_example("compare"))
    ours = worked.row("SELECT sum(booked_minutes) / sum(open_minutes) FROM room_days")
    assert len(found) == 7
    assert found[-1][0].startswith("ours")
    assert found[-1][3] == ours[0]
    assert len({row[3] for row in found}) == 7


def _example(name: str) -> str:
    return next(path for path in EXAMPLES if path.stem == name).read_text()


def test_the_comparison_sums_whole_durations_of_what_counts_as_booked(tmp_path: Path) -> None:
    for is_held_booked in (False, True):
        scene = everything().with_options(count_held_as_booked=is_held_booked)
        made = publish_scenario(tmp_path / str(is_held_booked), scene)
        summed = made.rows(_example("compare"))[5]
        gross = made.row("SELECT sum(gross_booked_minutes) / 60.0 FROM room_days")
        made.close()
        assert summed[0].startswith("durations summed")
        assert summed[1] == gross[0]


def test_what_was_read_counts_what_is_odd(tmp_path: Path) -> None:
    room, unread = Room("oak", capacity=None), Room("elm")
    day = date(2026, 9, 7)
    start = at(room, day, "09:00")
    ends = (start, start - timedelta(hours=1), start + timedelta(days=400), start + timedelta(1))
    coverage = (Coverage("oak", day), Coverage("elm", day, False, None, "HTTP403"))
    bookings = tuple(Booking("oak", start, end, day) for end in ends)
    now = datetime(2026, 9, 9, tzinfo=UTC)
    made = publish_scenario(tmp_path, Scenario((room, unread), bookings, coverage, now))
    found = made.row(_example("what_was_read"))
    made.close()
    assert found == (day, 2, 1, 1, 0.5, 0.5, 0, 2, 1)


def test_durations_are_the_nearest_rank_without_all_day_bookings(tmp_path: Path) -> None:
    room, day = Room("oak"), date(2026, 9, 7)
    start = at(room, day, "09:00")
    bookings = [
        Booking(
            "oak",
            start,
            start + timedelta(minutes=15 * n),
            day,
            created_at=start + timedelta(hours=1) if n == 1 else start - timedelta(hours=n),
        )
        for n in range(1, 11)
    ]
    made = publish_scenario(tmp_path, scenario((room,), [*bookings, all_day(room, day)], [day]))
    found = made.row(_example("durations_and_lead_times"))
    made.close()
    assert found == ("HQ", "5-8", 11, 75, 135, 5.0, 1)
