"""R10: a booking counts on every day that was read, however long ago it began.

The kinds of fault: a booking is stored only under the day on which it starts, and something
outside the data (the name of a folder above the lake) becomes data.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.sandbox.model import Item
from tests.night.workplace import ANNA, Company, at, end_at_the_lake

TODAY = datetime.now(UTC).date()
LONG_AGO = TODAY - timedelta(days=50)
WEEKS_ON = TODAY + timedelta(days=40)


@pytest.fixture
def long_room(company: Company) -> Company:
    company.calendars["fjord"][:] = [
        Item(at(LONG_AGO, 6), at(WEEKS_ON, 18), ANNA, created_at=at(LONG_AGO, 1))
    ]
    del company.calendars["harbour"]
    company.write(open_hours="Mon-Sun 00:00-24:00")
    return company


def minutes(company: Company) -> tuple[int, int]:
    ((booked, opened),) = company.query(
        "SELECT sum(booked_minutes), sum(open_minutes) FROM room_days"
    )
    return booked, opened


def first_of(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_r10_a_booking_that_began_before_the_first_night_counts_in_it(long_room: Company) -> None:
    for _ in range(2):
        assert long_room.run(first_of(4), first_of(2)) == 0
        booked, opened = minutes(long_room)
        assert booked == opened > 2 * 1440
    assert long_room.run(LONG_AGO, LONG_AGO) == 0
    booked, opened = minutes(long_room)
    assert opened - 1440 < booked < opened  # it began in the morning of the first day


def test_r10_a_booking_that_outlasts_the_retention_counts_on(
    long_room: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        end_at_the_lake(patched)
        assert long_room.run(LONG_AGO, first_of(48)) == 0
    long_room.write(open_hours="Mon-Sun 00:00-24:00", settings={"retention_months": 1})
    for _ in range(2):
        assert long_room.run(first_of(4), first_of(2)) == 0
        booked, opened = minutes(long_room)
        assert booked == opened > 2 * 1440
    with monkeypatch.context() as patched:
        end_at_the_lake(patched)
        assert long_room.run(first_of(20), first_of(20)) == 0
    long_room.calendars["fjord"].clear()
    assert long_room.run(first_of(4), first_of(2)) == 0
    booked, opened = minutes(long_room)
    assert booked < opened


def test_folders_above_the_lake_are_no_data(read_company: Company) -> None:
    company = read_company
    expected = (
        company.query("FROM bookings ORDER BY ALL"),
        company.query("FROM room_days ORDER BY ALL"),
    )
    expected_through = company.query("SELECT data_through FROM build_info")
    company.write(lake="status=prod/date=2026-01-31/room_id=x/kind=y/lake")
    company.run()
    found = company.query("SELECT * EXCLUDE read_at FROM bookings ORDER BY ALL")
    assert len(found) == len(expected[0]) == 3
    assert company.query("FROM room_days ORDER BY ALL") == expected[1]
    assert company.query("SELECT data_through FROM build_info") == expected_through
