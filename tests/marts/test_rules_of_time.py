"""R1 to R9 of the dictionary, one worked case each, as an analyst would check it by hand."""

from datetime import date, timedelta

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Closure,
    Room,
    all_day,
    at,
    book,
    days_from,
    scenario,
)
from tests.marts.week import DAY, MONDAY, ROOM, TUESDAY


def test_r1_a_start_is_floored_and_an_end_ceiled_to_the_minute(published: Publish) -> None:
    meeting = book(ROOM, MONDAY, "09:00:59.999999", "09:30:00.000001")
    database = published(scenario((ROOM,), [meeting], [MONDAY]))
    assert database.row("SELECT booked_minutes, gross_booked_minutes FROM room_days") == (31, 31)


def test_r1_days_of_a_clock_change_have_their_elapsed_minutes(published: Publish) -> None:
    changes = {
        ("Europe/Copenhagen", date(2026, 3, 29)): 23 * 60,
        ("Europe/Copenhagen", date(2026, 10, 25)): 25 * 60,
        ("America/New_York", date(2026, 3, 8)): 23 * 60,
        ("America/New_York", date(2026, 11, 1)): 25 * 60,
        ("Australia/Lord_Howe", date(2026, 10, 4)): 23 * 60 + 30,
        ("America/Santiago", date(2026, 9, 6)): 23 * 60,
    }
    rooms = {zone: Room(zone, time_zone=zone, week=ALWAYS) for zone, _ in changes}
    bookings = [all_day(rooms[zone], day) for zone, day in changes]
    days = sorted({day for _, day in changes})
    database = published(scenario(tuple(rooms.values()), bookings, days))
    found = database.rows(
        "SELECT room_id, local_date, open_minutes, booked_minutes, gross_booked_minutes "
        "FROM room_days WHERE booked_minutes > 0"
    )
    assert sorted(found) == sorted((*of, *[minutes] * 3) for of, minutes in changes.items())


def test_r1_a_repeated_hour_is_one_row_of_120_minutes_and_a_missing_one_is_none(
    published: Publish,
) -> None:
    room = Room("oak", week=ALWAYS)
    autumn, spring = date(2026, 10, 25), date(2026, 3, 29)
    meeting = Booking("oak", at(room, autumn, "02:30"), at(room, autumn, "02:30", fold=1), autumn)
    database = published(scenario((room,), [meeting], [spring, autumn]))
    hours = "SELECT local_hour, open_minutes, booked_minutes FROM room_hours WHERE local_date = "
    assert (2, 120, 60) in database.rows(f"{hours} '{autumn}'")
    assert [row[0] for row in database.rows(f"{hours} '{spring}'")] == [0, 1, *range(3, 24)]


def test_r2_open_time_is_the_weekly_hours_with_a_lunch_break(published: Publish) -> None:
    week = (((8 * 60, 12 * 60), (13 * 60, 17 * 60 + 30)), *((),) * 6)
    room = Room("oak", week=week)
    database = published(scenario((room,), [], days_from(MONDAY, 7)))
    assert database.rows("SELECT local_date, open_minutes FROM room_days") == [(MONDAY, 510)]
    hours = database.rows("SELECT local_hour, open_minutes FROM room_hours ORDER BY 1")
    assert hours == [*((h, 60) for h in (8, 9, 10, 11, 13, 14, 15, 16)), (17, 30)]


def test_r2_a_holiday_closes_only_the_subdivision_that_has_it(published: Publish) -> None:
    corpus_christi = date(2026, 6, 4)
    rooms = tuple(Room(f"oak-{s}", country="DE", subdivision=s) for s in ("BY", "BE"))
    database = published(scenario(rooms, [], [corpus_christi]))
    assert database.rows("SELECT room_id, open_minutes FROM room_days") == [("oak-BE", 600)]


def test_r2_closures_and_the_first_and_last_day_bound_open_time(published: Publish) -> None:
    rooms = (
        Room("always"),
        Room("closed-tuesday", building="Annex"),
        Room("late", opened_on=MONDAY + timedelta(days=2)),
        Room("gone", closed_on=TUESDAY),
    )
    closures = (Closure(TUESDAY, TUESDAY, building="Annex"),)
    database = published(scenario(rooms, [], days_from(MONDAY, 3), closures=closures))
    open_days: dict[str, int] = dict(
        database.rows("SELECT room_id, count(*) FROM room_days GROUP BY room_id")
    )
    assert open_days == {"always": 3, "closed-tuesday": 2, "late": 1, "gone": 1}


def test_r4_held_time_is_measured_apart(published: Publish) -> None:
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00"),
        book(ROOM, MONDAY, "09:30", "11:00", status="held"),
    ]
    database = published(scenario((ROOM,), bookings, [MONDAY]))
    assert database.row(f"SELECT {DAY}, bookings FROM room_days") == (600, 60, 0, 60, 0, 1)


def test_r4_count_held_as_booked_makes_it_booked_in_the_marts_only(published: Publish) -> None:
    bookings = [book(ROOM, MONDAY, "09:30", "11:00", status="held")]
    database = published(scenario((ROOM,), bookings, [MONDAY], count_held_as_booked=True))
    assert database.row(f"SELECT {DAY}, bookings FROM room_days") == (600, 90, 0, 0, 0, 1)
    assert database.rows("SELECT status FROM bookings") == [("held",)]


def test_r5_what_is_not_booked_is_kept_as_a_row_and_counts_nothing(published: Publish) -> None:
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00", status="cancelled"),
        book(ROOM, MONDAY, "10:00", "11:00", status="not_booked"),
    ]
    database = published(scenario((ROOM,), bookings, [MONDAY]))
    assert database.rows("SELECT status FROM bookings") == [("cancelled",), ("not_booked",)]
    assert database.row(f"SELECT {DAY}, bookings FROM room_days") == (600, 0, 0, 0, 0, 0)


def test_r6_an_all_day_booking_fills_open_time_and_nothing_outside(published: Publish) -> None:
    bookings = [all_day(ROOM, MONDAY - timedelta(days=1), 2)]
    days = [MONDAY - timedelta(days=1), MONDAY]
    database = published(scenario((ROOM,), bookings, days))
    found = database.rows(f"SELECT local_date, {DAY}, bookings FROM room_days ORDER BY 1")
    assert found == [(days[0], 0, 0, 0, 0, 0, 1), (days[1], 600, 600, 0, 0, 0, 0)]


def test_r6_an_all_day_booking_fills_the_first_day_of_a_room_and_not_its_first_closed_one(
    published: Publish,
) -> None:
    days = days_from(MONDAY, 4)
    room = Room("oak", week=ALWAYS, opened_on=days[1], closed_on=days[3])
    database = published(scenario((room,), [all_day(room, MONDAY, 4)], days))
    found = database.rows(f"SELECT {DAY} FROM room_days ORDER BY local_date")
    assert found == [(0, 0, 0, 0, 0), *[(1440, 1440, 0, 0, 0)] * 2]


def test_r7_a_booking_across_midnight_is_split_there(published: Publish) -> None:
    room = Room("oak", week=(((0, 1440),), *((),) * 6))
    meeting = Booking("oak", at(room, MONDAY, "23:30"), at(room, TUESDAY, "00:45"), MONDAY)
    database = published(scenario((room,), [meeting], [MONDAY, TUESDAY]))
    hours = database.rows(
        "SELECT local_date, local_hour, booked_minutes, booked_minutes_outside_hours "
        "FROM room_hours WHERE booked_minutes + booked_minutes_outside_hours > 0 ORDER BY 1"
    )
    assert hours == [(MONDAY, 23, 30, 0), (TUESDAY, 0, 0, 45)]


def test_r8_booked_time_is_the_union(published: Publish) -> None:
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00"),
        book(ROOM, MONDAY, "09:30", "10:30"),
        book(ROOM, MONDAY, "09:40", "09:50"),
        book(ROOM, MONDAY, "09:00", "10:30", status="held"),
    ]
    database = published(scenario((ROOM,), bookings, [MONDAY]))
    found = database.row(f"SELECT {DAY}, gross_booked_minutes FROM room_days")
    assert found == (600, 90, 0, 0, 30, 130)


def test_r8_bookings_that_only_touch_do_not_overlap(published: Publish) -> None:
    bookings = [book(ROOM, MONDAY, "09:00", "09:20"), book(ROOM, MONDAY, "09:20", "10:30")]
    database = published(scenario((ROOM,), bookings, [MONDAY]))
    assert database.row(f"SELECT {DAY} FROM room_days") == (600, 90, 0, 0, 0)


def test_r8_overlap_and_held_time_outside_hours_count_nothing(published: Publish) -> None:
    late = Room("late", week=(((510, 1080),), *((),) * 6))
    gone = Room("gone", closed_on=MONDAY)
    bookings = [
        book(late, MONDAY, "08:00", "09:00"),
        book(late, MONDAY, "08:10", "09:00"),
        book(gone, MONDAY, "09:00", "10:00", status="held"),
    ]
    database = published(scenario((late, gone), bookings, [MONDAY]))
    assert database.rows(f"SELECT room_id, {DAY} FROM room_days") == [("late", 570, 30, 30, 0, 30)]
    assert database.rows("SELECT DISTINCT room_id FROM room_hours") == [("late",)]


def test_r9_a_roll_up_is_a_sum_over_a_sum_and_null_without_open_time(published: Publish) -> None:
    short = Room("short", week=(((480, 540),), *((),) * 6))
    sunday = MONDAY - timedelta(days=1)
    bookings = [book(short, MONDAY, "08:00", "09:00"), book(ROOM, sunday, "09:00", "10:00")]
    database = published(scenario((ROOM, short), bookings, [sunday, MONDAY]))
    found = database.rows(
        "SELECT local_date, open_minutes, booked_minutes, booked_utilization FROM utilization "
        "ORDER BY 1"
    )
    assert found == [(sunday, 0, 0, None), (MONDAY, 660, 60, 60 / 660)]
