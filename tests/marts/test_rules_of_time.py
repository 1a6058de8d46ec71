"""R1 to R9 of the dictionary, one worked case each, as an analyst would check it by hand."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Cases,
    Closure,
    Database,
    Room,
    all_day,
    at,
    book,
    days_from,
    publish_scenario,
    scenario,
)
from tests.marts.week import DAY, MONDAY, ROOM, TUESDAY

SUNDAY = MONDAY - timedelta(days=1)
CASES = Cases()


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of all cases here that need no options of their own."""
    closures = (Closure(TUESDAY, TUESDAY, building="Annex"),)
    scene = CASES.scenario(closures=closures)
    database = publish_scenario(tmp_path_factory.mktemp("cases"), scene)
    yield database
    database.close()


SECONDS = Room("seconds")
CASES.add([SECONDS], [book(SECONDS, MONDAY, "09:00:59.999999", "09:30:00.000001")], [MONDAY])


def test_r1_a_start_is_floored_and_an_end_ceiled_to_the_minute(cases: Database) -> None:
    asked = "SELECT booked_minutes, gross_booked_minutes FROM room_days WHERE room_id = 'seconds'"
    assert cases.row(asked) == (31, 31)


CHANGES = {
    ("Europe/Copenhagen", date(2026, 3, 29)): 23 * 60,
    ("Europe/Copenhagen", date(2026, 10, 25)): 25 * 60,
    ("America/New_York", date(2026, 3, 8)): 23 * 60,
    ("America/New_York", date(2026, 11, 1)): 25 * 60,
    ("Australia/Lord_Howe", date(2026, 10, 4)): 23 * 60 + 30,
    ("America/Santiago", date(2026, 9, 6)): 23 * 60,
}
IN_ZONES = {zone: Room(zone, time_zone=zone, week=ALWAYS) for zone, _ in CHANGES}
CASES.add(
    list(IN_ZONES.values()),
    [all_day(IN_ZONES[zone], day) for zone, day in CHANGES],
    sorted({day for _, day in CHANGES}),
)


def test_r1_days_of_a_clock_change_have_their_elapsed_minutes(cases: Database) -> None:
    found = cases.rows(
        "SELECT room_id, local_date, open_minutes, booked_minutes, gross_booked_minutes "
        "FROM room_days WHERE booked_minutes > 0 AND contains(room_id, '/')"
    )
    assert sorted(found) == sorted((*of, *[minutes] * 3) for of, minutes in CHANGES.items())


AUTUMN, SPRING = date(2026, 10, 25), date(2026, 3, 29)
NIGHTLY = Room("nightly", week=ALWAYS)
CASES.add(
    [NIGHTLY],
    [
        Booking(
            "nightly",
            at(NIGHTLY, AUTUMN, "02:30"),
            at(NIGHTLY, AUTUMN, "02:30", fold=1),
            AUTUMN,
        )
    ],
    [SPRING, AUTUMN],
)


def test_r1_a_repeated_hour_is_one_row_of_120_minutes_and_a_missing_one_is_none(
    cases: Database,
) -> None:
    hours = (
        "SELECT local_hour, open_minutes, booked_minutes FROM room_hours "
        "WHERE room_id = 'nightly' AND local_date = "
    )
    assert (2, 120, 60) in cases.rows(f"{hours} '{AUTUMN}'")
    assert [row[0] for row in cases.rows(f"{hours} '{SPRING}'")] == [0, 1, *range(3, 24)]


LUNCH = (((8 * 60, 12 * 60), (13 * 60, 17 * 60 + 30)), *((),) * 6)
CASES.add([Room("lunch", week=LUNCH)], [], days_from(MONDAY, 7))


def test_r2_open_time_is_the_weekly_hours_with_a_lunch_break(cases: Database) -> None:
    days = "SELECT local_date, open_minutes FROM room_days WHERE room_id = 'lunch'"
    assert cases.rows(days) == [(MONDAY, 510)]
    hours = "SELECT local_hour, open_minutes FROM room_hours WHERE room_id = 'lunch' ORDER BY 1"
    assert cases.rows(hours) == [*((h, 60) for h in (8, 9, 10, 11, 13, 14, 15, 16)), (17, 30)]


CORPUS_CHRISTI = date(2026, 6, 4)
CASES.add(
    [Room(f"holiday-{s}", country="DE", subdivision=s) for s in ("BY", "BE")], [], [CORPUS_CHRISTI]
)


def test_r2_a_holiday_closes_only_the_subdivision_that_has_it(cases: Database) -> None:
    days = "SELECT room_id, open_minutes FROM room_days WHERE room_id LIKE 'holiday-%'"
    assert cases.rows(days) == [("holiday-BE", 600)]


BOUNDED = {"always": 3, "closed-tuesday": 2, "late": 1, "gone": 1}
CASES.add(
    [
        Room("always"),
        Room("closed-tuesday", building="Annex"),
        Room("late", opened_on=MONDAY + timedelta(days=2)),
        Room("gone", closed_on=TUESDAY),
    ],
    [],
    days_from(MONDAY, 3),
)


def test_r2_closures_and_the_first_and_last_day_bound_open_time(cases: Database) -> None:
    days = "SELECT room_id, count(*) FROM room_days GROUP BY room_id"
    open_days: dict[str, int] = dict(cases.rows(days))
    assert {room_id: open_days[room_id] for room_id in BOUNDED} == BOUNDED


HELD = Room("held")
CASES.add(
    [HELD],
    [
        book(HELD, MONDAY, "09:00", "10:00"),
        book(HELD, MONDAY, "09:30", "11:00", status="held"),
    ],
    [MONDAY],
)


def test_r4_held_time_is_measured_apart(cases: Database) -> None:
    day = f"SELECT {DAY}, bookings FROM room_days WHERE room_id = 'held'"
    assert cases.row(day) == (600, 60, 0, 60, 0, 1)


def test_r4_count_held_as_booked_makes_it_booked_in_the_marts_only(published: Publish) -> None:
    bookings = [book(ROOM, MONDAY, "09:30", "11:00", status="held")]
    database = published(scenario((ROOM,), bookings, [MONDAY], count_held_as_booked=True))
    assert database.row(f"SELECT {DAY}, bookings FROM room_days") == (600, 90, 0, 0, 0, 1)
    assert database.rows("SELECT status FROM bookings") == [("held",)]


FREE = Room("free")
CASES.add(
    [FREE],
    [
        book(FREE, MONDAY, "09:00", "10:00", status="cancelled"),
        book(FREE, MONDAY, "10:00", "11:00", status="not_booked"),
    ],
    [MONDAY],
)


def test_r5_what_is_not_booked_is_kept_as_a_row_and_counts_nothing(cases: Database) -> None:
    rows = "SELECT status FROM bookings WHERE room_id = 'free'"
    assert cases.rows(rows) == [("cancelled",), ("not_booked",)]
    day = f"SELECT {DAY}, bookings FROM room_days WHERE room_id = 'free'"
    assert cases.row(day) == (600, 0, 0, 0, 0, 0)


WEEKEND = Room("weekend")
CASES.add([WEEKEND], [all_day(WEEKEND, SUNDAY, 2)], [SUNDAY, MONDAY])


def test_r6_an_all_day_booking_fills_open_time_and_nothing_outside(cases: Database) -> None:
    days = f"SELECT local_date, {DAY}, bookings FROM room_days WHERE room_id = 'weekend' ORDER BY 1"
    assert cases.rows(days) == [(SUNDAY, 0, 0, 0, 0, 0, 1), (MONDAY, 600, 600, 0, 0, 0, 0)]


BRIEF_DAYS = days_from(MONDAY, 4)
BRIEF = Room("brief", week=ALWAYS, opened_on=BRIEF_DAYS[1], closed_on=BRIEF_DAYS[3])
CASES.add([BRIEF], [all_day(BRIEF, MONDAY, 4)], BRIEF_DAYS)


def test_r6_an_all_day_booking_fills_the_first_day_of_a_room_and_not_its_first_closed_one(
    cases: Database,
) -> None:
    found = cases.rows(f"SELECT {DAY} FROM room_days WHERE room_id = 'brief' ORDER BY local_date")
    assert found == [(0, 0, 0, 0, 0), *[(1440, 1440, 0, 0, 0)] * 2]


MIDNIGHT = Room("midnight", week=(((0, 1440),), *((),) * 6))
CASES.add(
    [MIDNIGHT],
    [Booking("midnight", at(MIDNIGHT, MONDAY, "23:30"), at(MIDNIGHT, TUESDAY, "00:45"), MONDAY)],
    [MONDAY, TUESDAY],
)


def test_r7_a_booking_across_midnight_is_split_there(cases: Database) -> None:
    hours = cases.rows(
        "SELECT local_date, local_hour, booked_minutes, booked_minutes_outside_hours "
        "FROM room_hours WHERE booked_minutes + booked_minutes_outside_hours > 0 "
        "AND room_id = 'midnight' ORDER BY 1"
    )
    assert hours == [(MONDAY, 23, 30, 0), (TUESDAY, 0, 0, 45)]


UNION = Room("union")
CASES.add(
    [UNION],
    [
        book(UNION, MONDAY, "09:00", "10:00"),
        book(UNION, MONDAY, "09:30", "10:30"),
        book(UNION, MONDAY, "09:40", "09:50"),
        book(UNION, MONDAY, "09:00", "10:30", status="held"),
    ],
    [MONDAY],
)


def test_r8_booked_time_is_the_union(cases: Database) -> None:
    day = f"SELECT {DAY}, gross_booked_minutes FROM room_days WHERE room_id = 'union'"
    assert cases.row(day) == (600, 90, 0, 0, 30, 130)


TOUCHED = Room("touched")
CASES.add(
    [TOUCHED],
    [book(TOUCHED, MONDAY, "09:00", "09:20"), book(TOUCHED, MONDAY, "09:20", "10:30")],
    [MONDAY],
)


def test_r8_bookings_that_only_touch_do_not_overlap(cases: Database) -> None:
    day = f"SELECT {DAY} FROM room_days WHERE room_id = 'touched'"
    assert cases.row(day) == (600, 90, 0, 0, 0)


EARLY = Room("early", week=(((510, 1080),), *((),) * 6))
CLOSED = Room("closed", closed_on=MONDAY)
CASES.add(
    [EARLY, CLOSED],
    [
        book(EARLY, MONDAY, "08:00", "09:00"),
        book(EARLY, MONDAY, "08:10", "09:00"),
        book(CLOSED, MONDAY, "09:00", "10:00", status="held"),
    ],
    [MONDAY],
)


def test_r8_overlap_and_held_time_outside_hours_count_nothing(cases: Database) -> None:
    of = "WHERE room_id IN ('early', 'closed')"
    found = cases.rows(f"SELECT room_id, {DAY} FROM room_days {of}")
    assert found == [("early", 570, 30, 30, 0, 30)]
    assert cases.rows(f"SELECT DISTINCT room_id FROM room_hours {of}") == [("early",)]


LONG = Room("long", building="Roll-up")
SHORT = Room("short", building="Roll-up", week=(((480, 540),), *((),) * 6))
CASES.add(
    [LONG, SHORT],
    [book(SHORT, MONDAY, "08:00", "09:00"), book(LONG, SUNDAY, "09:00", "10:00")],
    [SUNDAY, MONDAY],
)


def test_r9_a_roll_up_is_a_sum_over_a_sum_and_null_without_open_time(cases: Database) -> None:
    found = cases.rows(
        "SELECT local_date, open_minutes, booked_minutes, booked_utilization FROM utilization "
        f"WHERE building = 'Roll-up' AND local_date IN ('{SUNDAY}', '{MONDAY}') ORDER BY 1"
    )
    assert found == [(SUNDAY, 0, 0, None), (MONDAY, 660, 60, 60 / 660)]
