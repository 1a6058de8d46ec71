"""All-day items whose dates the source gives: instants and zones are ignored."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.items import item, room
from transforms.local_time import day_start, zone, zone_names
from transforms.redact import HOLDABLE, span_of

DATES = st.dates(date(1900, 1, 1), date(2199, 12, 30))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@settings(deadline=None, max_examples=100)
@given(first=DATES, days=st.integers(1, 400), name=st.sampled_from(sorted(zone_names())))
def test_r6_stated_dates_are_stored_as_the_rooms_midnights(
    first: date, days: int, name: str
) -> None:
    after = min(first + timedelta(days=days), HOLDABLE[1].date())
    stated = item(
        starts_at=midnight(first),
        ends_at=midnight(after),
        is_all_day=True,
        all_day_dates=(first, after),
    )
    expected = day_start(first, zone(name)), day_start(after, zone(name))
    assert span_of(stated, zone(name)) == expected


@pytest.mark.parametrize(
    ("after", "stored"),
    [(date(2026, 3, 1), date(2026, 3, 2)), (date(9999, 12, 31), date(2200, 1, 1))],
)
def test_r6_stated_dates_that_make_no_sense_are_stored_within_bounds(
    after: date, stored: date
) -> None:
    first = date(2026, 3, 2)
    stated = item(
        starts_at=midnight(first),
        ends_at=midnight(after),
        is_all_day=True,
        all_day_dates=(first, after),
    )
    where = room().zone
    assert span_of(stated, where) == (day_start(first, where), day_start(stored, where))
