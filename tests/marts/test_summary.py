"""The figures of the monthly mail, where they are not the database's own."""

from warehouse.summary import Use


def test_half_an_hour_more_is_rounded_up_as_on_the_page() -> None:
    hours = [Use(booked_minutes=minutes).booked_hours for minutes in (29, 30, 90, 150)]
    assert hours == [0, 1, 2, 3]
