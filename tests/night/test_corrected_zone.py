"""A corrected time zone loses no booking and counts none twice, whatever days the next run reads.

The kinds of fault: a booking is stored under the day of the zone that was wrong, and the days asked
begin and end at other instants on the corrected clock.
"""

from datetime import date, datetime, timedelta

import pytest

from pipelines.sandbox.model import Item
from tests.night.workplace import ANNA, MONDAY, Company, at, meeting

DAYS = [MONDAY + timedelta(days=days) for days in range(-2, 4)]
TUESDAY = MONDAY + timedelta(days=1)


def all_day(day: date) -> Item:
    """Return an all-day meeting on a day in Copenhagen, in summer time."""
    begins = at(day, 0) - timedelta(hours=2)
    created_at = at(DAYS[0] - timedelta(days=9), 12)
    return Item(begins, begins + timedelta(days=1), ANNA, is_all_day=True, created_at=created_at)


def stored(company: Company) -> list[tuple[datetime, datetime]]:
    rows = [row for day in company.lake.days("bookings") for row in company.rows(day=day)]
    return sorted((row["starts_at"], row["ends_at"]) for row in rows if not row["is_all_day"])


def all_days(company: Company) -> list[date]:
    return [
        day
        for day in company.lake.days("bookings")
        for row in company.rows(day=day)
        if row["is_all_day"]
    ]


@pytest.mark.usefixtures("lake_only")
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Auckland"])
def test_a_range_read_again_in_a_corrected_zone_loses_and_doubles_nothing(
    company: Company, zone: str
) -> None:
    hours = [meeting(day, hour, hour + 1) for day in DAYS for hour in range(0, 23, 3)]
    company.calendars["fjord"][:] = [*hours, *map(all_day, DAYS)]
    del company.calendars["harbour"]
    company.write()
    assert company.run(DAYS[0], DAYS[-1]) == 0
    expected = stored(company)
    assert len(expected) > len(DAYS) * 7
    company.time_zone = zone
    company.write()
    assert company.run(MONDAY, TUESDAY) == 0
    assert stored(company) == expected
    assert all_days(company) == DAYS
    nights = company.lake.days("changes")
    assert not [row for night in nights for row in company.rows("changes", night)]
    assert company.run(DAYS[0], DAYS[-1]) == 0
    assert stored(company) == expected
    assert all_days(company) == DAYS
