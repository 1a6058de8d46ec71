"""The labels of bands and weeks, at both edges of each."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Cases,
    Database,
    Room,
    all_day,
    at,
    book,
    days_from,
    publish_scenario,
    scenario,
)

MONDAY = date(2026, 9, 7)
CLOSED_MONTH = [MONDAY, date(2026, 9, 30)]
CASES = Cases()


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of all cases here but the last, each with a building of its own."""
    scene = CASES.scenario(minimum_group=1, trailing_days=1)
    database = publish_scenario(tmp_path_factory.mktemp("cases"), scene)
    yield database
    database.close()


SIZES = {
    "1": (1,), "2-4": (2, 4), "5-8": (5, 8), "9-14": (9, 14), "15-30": (15, 30), "31+": (31,),
    None: (None, 0),
}  # fmt: skip
OF_SIZES = [
    Room(f"room-{number}", building="Sizes", capacity=capacity)
    for number, capacity in enumerate(capacity for edges in SIZES.values() for capacity in edges)
]
CASES.add(OF_SIZES, [], [MONDAY])


def test_capacity_bands_have_their_edges(cases: Database) -> None:
    found: dict[str, str | None] = dict(cases.rows("SELECT room_id, capacity_band FROM rooms"))
    expected = [band for band, edges in SIZES.items() for _ in edges]
    assert [found[room.room_id] for room in OF_SIZES] == expected


# Each band has a different number of bookings.
HEADCOUNTS: dict[str | None, tuple[int | None, ...]] = {
    "1": (1,), "2": (2,) * 2, "3-4": (3, 3, 4), "5-6": (5, 5, 6, 6), "7-10": (7, 7, 10, 10, 10),
    "11-20": (11,) * 3 + (20,) * 3, "21+": (21,) * 3 + (900,) * 4, None: (None,) * 4 + (0,) * 4,
}  # fmt: skip
CROWD = Room("crowd", building="Headcounts", week=ALWAYS)
CASES.add(
    [CROWD],
    [
        book(CROWD, MONDAY, "09:00", "10:00", invited_headcount=headcount)
        for headcounts in HEADCOUNTS.values()
        for headcount in headcounts
    ],
    CLOSED_MONTH,
)


def test_headcount_bands_have_their_edges(cases: Database) -> None:
    expected = {band: len(headcounts) for band, headcounts in HEADCOUNTS.items()}
    assert dict(cases.profile("headcount", building="Headcounts")) == expected


DURATIONS = {
    "0-15": (1, 900), "16-30": (901, 1800), "31-60": (1801, 3600), "61-120": (3601, 7200),
    "121-240": (7201, 14_400), "241+": (14_401, 86_400),
}  # fmt: skip
CLOCK = Room("clock", building="Durations", week=ALWAYS)
MIDNIGHT = at(CLOCK, MONDAY)
CASES.add(
    [CLOCK],
    [
        *(
            Booking("clock", MIDNIGHT, MIDNIGHT + timedelta(seconds=seconds), MONDAY)
            for edges in DURATIONS.values()
            for seconds in edges
        ),
        all_day(CLOCK, MONDAY),
    ],
    CLOSED_MONTH,
)


def test_duration_bands_count_started_minutes(cases: Database) -> None:
    found: dict[str, int] = dict(cases.profile("duration", building="Durations"))
    assert found == dict.fromkeys(DURATIONS, 2) | {"all-day": 1}


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MORE = timedelta(microseconds=1)
LEADS = {
    "0-15m": (-HOUR, timedelta(0), 15 * MINUTE), "15m-2h": (15 * MINUTE + MORE, 2 * HOUR),
    "2h-1d": (2 * HOUR + MORE, DAY), "1d-7d": (DAY + MORE, 7 * DAY),
    "7d-30d": (7 * DAY + MORE, 30 * DAY), "30d+": (30 * DAY + MORE, 900 * DAY),
}  # fmt: skip
AHEAD = Room("ahead", building="Lead times", week=ALWAYS)
CASES.add(
    [AHEAD],
    [
        *(
            book(AHEAD, MONDAY, "09:00", "10:00", created_at=created_at, kind=kind)
            for leads in LEADS.values()
            for created_at in (at(AHEAD, MONDAY, "09:00") - lead for lead in leads)
            for kind in ("single", "occurrence")
        ),
        book(AHEAD, MONDAY, "09:00", "10:00", created_at=None),
    ],
    CLOSED_MONTH,
)


def test_lead_time_bands_are_exact_to_the_microsecond(cases: Database) -> None:
    found: dict[str | None, int] = dict(cases.profile("lead_time", building="Lead times"))
    # Series have no lead time, nor has a booking whose creation is unknown.
    unknown = sum(map(len, LEADS.values())) + 1
    assert found == {band: len(leads) for band, leads in LEADS.items()} | {None: unknown}


def test_the_week_of_a_date_is_that_of_its_iso_year(published: Publish) -> None:
    days = [*days_from(date(2024, 12, 29), 2), *days_from(date(2027, 1, 3), 2)]
    room = Room("oak", week=ALWAYS)
    bookings = [book(room, day, "09:00", "10:00") for day in days]
    database = published(scenario((room,), bookings, days, minimum_group=1))
    weeks = [("2024-W52", 7), ("2025-W01", 1), ("2026-W53", 7), ("2027-W01", 1)]
    asked = "SELECT DISTINCT iso_week, weekday FROM hour_of_week ORDER BY 1"
    assert database.rows(asked) == weeks
