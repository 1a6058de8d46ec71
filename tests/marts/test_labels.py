"""The labels of bands and weeks, at both edges of each."""

from datetime import date, timedelta

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Room,
    all_day,
    at,
    book,
    closed_month,
    days_from,
    scenario,
)

MONDAY = date(2026, 9, 7)
ROOM = Room("oak", week=ALWAYS)


def test_capacity_bands_have_their_edges(published: Publish) -> None:
    bands = {
        "1": (1,), "2-4": (2, 4), "5-8": (5, 8), "9-14": (9, 14), "15-30": (15, 30), "31+": (31,),
        None: (None, 0),
    }  # fmt: skip
    capacities = [capacity for edges in bands.values() for capacity in edges]
    rooms = tuple(Room(f"room-{n}", capacity=each) for n, each in enumerate(capacities))
    database = published(scenario(rooms, [], [MONDAY]))
    found: dict[str, str | None] = dict(database.rows("SELECT room_id, capacity_band FROM rooms"))
    expected = [band for band, edges in bands.items() for _ in edges]
    assert [found[room.room_id] for room in rooms] == expected


def test_headcount_bands_have_their_edges(published: Publish) -> None:
    # Each band has a different number of bookings.
    edges: dict[str | None, tuple[int | None, ...]] = {
        "1": (1,), "2": (2,) * 2, "3-4": (3, 3, 4), "5-6": (5, 5, 6, 6), "7-10": (7, 7, 10, 10, 10),
        "11-20": (11,) * 3 + (20,) * 3, "21+": (21,) * 3 + (900,) * 4, None: (None,) * 4 + (0,) * 4,
    }  # fmt: skip
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00", invited_headcount=headcount)
        for headcounts in edges.values()
        for headcount in headcounts
    ]
    database = published(closed_month((ROOM,), bookings, [MONDAY], minimum_group=1))
    expected = {band: len(headcounts) for band, headcounts in edges.items()}
    assert dict(database.profile("headcount")) == expected


def test_duration_bands_count_started_minutes(published: Publish) -> None:
    bands = {
        "0-15": (1, 900), "16-30": (901, 1800), "31-60": (1801, 3600), "61-120": (3601, 7200),
        "121-240": (7201, 14_400), "241+": (14_401, 86_400),
    }  # fmt: skip
    start = at(ROOM, MONDAY, "00:00")
    bookings = [
        Booking("oak", start, start + timedelta(seconds=seconds), MONDAY)
        for edges in bands.values()
        for seconds in edges
    ]
    bookings.append(all_day(ROOM, MONDAY))
    database = published(closed_month((ROOM,), bookings, [MONDAY], minimum_group=1))
    assert dict(database.profile("duration")) == dict.fromkeys(bands, 2) | {"all-day": 1}


def test_lead_time_bands_are_exact_to_the_microsecond(published: Publish) -> None:
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    more = timedelta(microseconds=1)
    bands = {
        "0-15m": (-hour, timedelta(0), 15 * minute), "15m-2h": (15 * minute + more, 2 * hour),
        "2h-1d": (2 * hour + more, day), "1d-7d": (day + more, 7 * day),
        "7d-30d": (7 * day + more, 30 * day), "30d+": (30 * day + more, 900 * day),
    }  # fmt: skip
    start = at(ROOM, MONDAY, "09:00")
    leads = [lead for edges in bands.values() for lead in edges]
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00", created_at=start - lead, kind=kind)
        for lead in leads
        for kind in ("single", "occurrence")
    ]
    bookings.append(book(ROOM, MONDAY, "09:00", "10:00", created_at=None))
    database = published(closed_month((ROOM,), bookings, [MONDAY], minimum_group=1))
    found: dict[str | None, int] = dict(database.profile("lead_time"))
    # Series have no lead time, nor has a booking whose creation is unknown.
    assert found == {band: len(edges) for band, edges in bands.items()} | {None: len(leads) + 1}


def test_the_week_of_a_date_is_that_of_its_iso_year(published: Publish) -> None:
    days = [*days_from(date(2024, 12, 29), 2), *days_from(date(2027, 1, 3), 2)]
    bookings = [book(ROOM, day, "09:00", "10:00") for day in days]
    database = published(scenario((ROOM,), bookings, days, minimum_group=1))
    weeks = [("2024-W52", 7), ("2025-W01", 1), ("2026-W53", 7), ("2027-W01", 1)]
    asked = "SELECT DISTINCT iso_week, weekday FROM hour_of_week ORDER BY 1"
    assert database.rows(asked) == weeks
