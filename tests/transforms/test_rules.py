"""The rules of a single booking, each by its number."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.transforms.items import NOON, ZONE_NAMES, item
from transforms.contract import RESPONSES, SHOW_AS
from transforms.local_time import day_start, zone
from transforms.redact import all_day_dates, span_of, status_of


def status(show_as: str, response: str = "accept", *, length: bool = True) -> str:
    return status_of(is_cancelled=False, show_as=show_as, response=response, has_length=length)


@pytest.mark.parametrize("show_as", ["busy", "oof"])
@pytest.mark.parametrize("response", ["unknown", "none", "accept", "organizer"])
def test_r3_busy_and_oof_are_booked_whatever_else_the_room_answered(
    show_as: str, response: str
) -> None:
    assert status(show_as, response) == "booked"


@pytest.mark.parametrize(
    ("show_as", "response"),
    [*product(["tentative"], ["accept", "tentative", "none"]), ("busy", "tentative")],
)
def test_r4_tentative_on_either_side_is_held(show_as: str, response: str) -> None:
    assert status(show_as, response) == "held"


@pytest.mark.parametrize("show_as", ["free", "elsewhere", "unknown"])
def test_r5_what_does_not_block_the_room_is_not_booked(show_as: str) -> None:
    assert {status(show_as, response) for response in RESPONSES} == {"not_booked"}


@pytest.mark.parametrize("show_as", SHOW_AS)
def test_r5_declined_or_without_length_is_not_booked(show_as: str) -> None:
    assert status(show_as, "decline") == "not_booked"
    assert status(show_as, length=False) == "not_booked"


@pytest.mark.parametrize("show_as", SHOW_AS)
@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("has_length", [True, False])
def test_r5_cancelled_comes_before_every_other_status(
    show_as: str, response: str, has_length: bool
) -> None:
    assert (
        status_of(is_cancelled=True, show_as=show_as, response=response, has_length=has_length)
        == "cancelled"
    )


@settings(deadline=None, max_examples=300)
@given(
    room=ZONE_NAMES,
    organizer=ZONE_NAMES,
    first=st.dates(date(2015, 1, 1), date(2035, 12, 31)),
    days=st.integers(1, 5),
)
def test_r6_an_all_day_booking_covers_the_dates_of_an_organizer_within_12_hours(
    room: str, organizer: str, first: date, days: int
) -> None:
    after = first + timedelta(days=days)
    starts_at, ends_at = (day_start(on, zone(organizer)) for on in (first, after))
    for instant in (starts_at, ends_at):
        ahead = offset(organizer, instant) - offset(room, instant)
        assume(timedelta(hours=-12) < ahead <= timedelta(hours=12))
    assert all_day_dates(starts_at, ends_at, zone(room)) == (first, after)


def offset(name: str, instant: datetime) -> timedelta:
    return instant.astimezone(zone(name)).utcoffset() or timedelta()


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_r6_an_all_day_booking_is_local_midnight_to_local_midnight_of_the_room(
    first: date, hours: int
) -> None:
    copenhagen = zone("Europe/Copenhagen")
    starts_at = datetime(first.year, first.month, first.day, tzinfo=UTC)
    meant_in_utc = item(is_all_day=True, starts_at=starts_at, ends_at=starts_at + timedelta(days=1))
    span = span_of(meant_in_utc, copenhagen)
    assert span[0] == day_start(first, copenhagen)
    assert span[1] - span[0] == timedelta(hours=hours)


def test_r6_whatever_is_all_day_and_longer_than_zero_covers_a_date() -> None:
    odd = item(is_all_day=True, starts_at=NOON, ends_at=NOON + timedelta(minutes=1))
    starts_at, ends_at = span_of(odd, zone("UTC"))
    assert ends_at - starts_at == timedelta(days=1)


@pytest.mark.parametrize("is_all_day", [True, False])
def test_an_end_before_the_start_is_stored_as_no_time_at_all(is_all_day: bool) -> None:
    odd = item(is_all_day=is_all_day, ends_at=NOON - timedelta(days=3))
    starts_at, ends_at = span_of(odd, zone("Europe/Copenhagen"))
    assert starts_at == ends_at


def test_an_end_beyond_what_timestamps_hold_is_cut() -> None:
    endless = item(ends_at=datetime.max.replace(tzinfo=UTC))
    assert span_of(endless, zone("Pacific/Auckland"))[1] == datetime(2200, 1, 1, tzinfo=UTC)
