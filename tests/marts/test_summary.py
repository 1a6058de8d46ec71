"""The figures of the monthly mail, where they are not the database's own."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from tests.marts.scenario import ALWAYS, Room, book, days_from, publish_scenario, scenario
from warehouse.summary import Use, read_month


def test_r24_months_are_compared_though_one_has_more_weekends_than_the_other(
    tmp_path: Path,
) -> None:
    # August 2026 has 21 weekdays in 31 days, September 22 in 30.
    rooms = (*(Room(f"oak-{number}") for number in range(9)), Room("hall", week=ALWAYS))
    days = days_from(date(2026, 8, 1), 61)
    bookings = [book(rooms[0], days[3], "09:00", "10:00")]
    publish_scenario(tmp_path, scenario(rooms, bookings, days))
    month = read_month("EU", tmp_path / "warehouse", date(2026, 9, 1))
    assert month is not None
    assert month.is_compared
    late = replace(rooms[0], opened_on=date(2026, 9, 14), building="Late")
    publish_scenario(tmp_path / "late", scenario((late, *rooms[1:]), bookings, days))
    month = read_month("EU", tmp_path / "late" / "warehouse", date(2026, 9, 1))
    assert month is not None
    assert [each.before is not None for each in month.buildings] == [True, False]


def test_half_an_hour_more_is_rounded_up_as_on_the_page() -> None:
    hours = [Use(booked_minutes=minutes).booked_hours for minutes in (29, 30, 90, 150)]
    assert hours == [0, 1, 2, 3]
