"""The rules of the dictionary, one worked case each, as an analyst would check it by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Closure,
    Coverage,
    Room,
    Scenario,
    all_day,
    at,
    book,
    days_from,
    read_all,
    scenario,
)
from warehouse.publish import PublishOptions

MONDAY = date(2026, 9, 7)
TUESDAY = MONDAY + timedelta(days=1)
ROOM = Room("oak")
DAY = "open_minutes, booked_minutes, booked_minutes_outside_hours, held_minutes, overlap_minutes"


def test_r1_a_start_is_floored_and_an_end_ceiled_to_the_minute(published: Publish) -> None:
    meeting = book(ROOM, MONDAY, "09:00:59.999999", "09:30:00.000001")
    database = published(scenario((ROOM,), [meeting], [MONDAY]))
    assert database.row("SELECT booked_minutes, gross_booked_minutes FROM room_days") == (31, 31)


@pytest.mark.parametrize(
    ("time_zone", "day", "minutes"),
    [
        ("Europe/Copenhagen", date(2026, 3, 29), 23 * 60),
        ("Europe/Copenhagen", date(2026, 10, 25), 25 * 60),
        ("America/New_York", date(2026, 3, 8), 23 * 60),
        ("America/New_York", date(2026, 11, 1), 25 * 60),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23 * 60 + 30),
        ("America/Santiago", date(2026, 9, 6), 23 * 60),
    ],
)
def test_r1_days_of_a_clock_change_have_their_elapsed_minutes(
    time_zone: str, day: date, minutes: int, published: Publish
) -> None:
    room = Room("oak", time_zone=time_zone, week=ALWAYS)
    database = published(scenario((room,), [all_day(room, day)], [day]))
    found = database.row("SELECT open_minutes, booked_minutes, gross_booked_minutes FROM room_days")
    assert found == (minutes, minutes, minutes)


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


def test_r10_a_booking_stands_once_and_fills_every_day_that_it_covers(published: Publish) -> None:
    first = MONDAY - timedelta(days=5 * 365)
    years = Booking("oak", at(ROOM, first), at(ROOM, TUESDAY, "09:00"), first)
    scene = scenario((ROOM,), [years], [first, MONDAY, TUESDAY])
    database = published(scene)
    found = database.rows(
        "SELECT local_date, booked_minutes, bookings FROM room_days WHERE open_minutes > 0"
    )
    assert found[-2:] == [(MONDAY, 600, 0), (TUESDAY, 60, 0)]
    assert database.rows("SELECT local_start_date FROM bookings") == [(first,)]


def test_r10_a_corrected_time_zone_moves_minutes_across_the_folders_date(
    published: Publish,
) -> None:
    room = Room("oak", time_zone="Asia/Tokyo", week=ALWAYS)
    filed_under_monday = Booking(
        "oak", datetime(2026, 9, 6, 14, tzinfo=UTC), datetime(2026, 9, 6, 16, tzinfo=UTC), MONDAY
    )
    days = [MONDAY - timedelta(days=1), MONDAY]
    scene = scenario((room,), [filed_under_monday], days, room_days_per_pass=1)
    found = published(scene).rows("SELECT booked_minutes FROM room_days ORDER BY local_date")
    assert found == [(60,), (60,)]


def test_r11_an_unknown_headcount_is_in_its_own_band_and_in_no_seat_minute(
    published: Publish,
) -> None:
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00", invited_headcount=None),
        book(ROOM, MONDAY, "10:00", "10:30", invited_headcount=9),
    ]
    database = published(scenario((ROOM,), bookings, [MONDAY], minimum_group=1))
    found = database.rows(
        "SELECT headcount_band, bookings, booked_minutes, seat_minutes_used, seat_minutes_offered "
        "FROM size_fit ORDER BY 1 NULLS LAST"
    )
    assert found == [("7-10", 1, 30, 6 * 30, 6 * 30), (None, 1, 60, None, None)]


def test_r12_external_is_counted_where_it_is_known(published: Publish) -> None:
    bookings = [
        book(ROOM, MONDAY, f"{9 + hour:02}:00", f"{9 + hour:02}:30", has_external=known)
        for hour, known in enumerate((True, False, None))
    ]
    database = published(scenario((ROOM,), bookings, [MONDAY], minimum_group=1))
    asked = "SELECT bookings, external_bookings, external_known_bookings FROM booking_mix"
    assert database.row(asked) == (3, 1, 2)


def test_r13_a_room_that_was_never_read_is_in_no_denominator(published: Publish) -> None:
    rooms = (ROOM, Room("elm"))
    coverage = (
        Coverage("oak", MONDAY),
        Coverage("elm", MONDAY, is_loaded=False, read_at=None, error_code="HTTP403"),
    )
    scene = Scenario(rooms, (), coverage, datetime(2026, 9, 9, tzinfo=UTC))
    database = published(scene)
    asked = "SELECT rooms, rooms_loaded, open_minutes FROM utilization"
    assert database.rows(asked) == [(2, 1, 600)]
    assert database.rows("SELECT DISTINCT room_id FROM room_hours") == [("oak",)]
    assert database.row("SELECT rooms_expected, rooms_loaded FROM build_info") == (2, 1)


def test_r13_a_cell_that_was_never_read_has_its_rooms_and_no_measures(published: Publish) -> None:
    rooms = (ROOM, Room("elm", building="Annex"))
    coverage = (Coverage("oak", MONDAY), Coverage("elm", MONDAY, False, None, "HTTP403"))
    scene = Scenario(rooms, (), coverage, datetime(2026, 9, 9, tzinfo=UTC))
    asked = (
        "SELECT rooms, rooms_loaded, open_minutes, booked_minutes, held_minutes, bookings, "
        "booked_utilization FROM utilization WHERE building = 'Annex'"
    )
    assert published(scene).rows(asked) == [(1, 0, None, None, None, None, None)]


def test_r13_a_closed_room_that_was_read_gives_its_cell_no_measures(published: Publish) -> None:
    rooms = (ROOM, Room("elm", closed_on=MONDAY))
    coverage = (Coverage("oak", MONDAY, False, None, "HTTP403"), Coverage("elm", MONDAY))
    scene = Scenario(rooms, (), coverage, datetime(2026, 9, 9, tzinfo=UTC))
    asked = "SELECT rooms, rooms_loaded, open_minutes, bookings FROM utilization"
    assert published(scene).rows(asked) == [(1, 0, None, None)]


def test_r13_the_rooms_of_the_last_run_are_those_of_the_days_it_wrote(published: Publish) -> None:
    later = datetime(2026, 9, 9, tzinfo=UTC)
    coverage = (
        Coverage("elm", MONDAY, is_loaded=False, read_at=None, error_code="HTTP403"),
        Coverage("oak", MONDAY),
        *(Coverage(room_id, TUESDAY, read_at=later) for room_id in ("elm", "oak")),
    )
    scene = Scenario((ROOM, Room("elm")), (), coverage, datetime(2026, 9, 10, tzinfo=UTC))
    asked = "SELECT rooms_expected, rooms_loaded FROM build_info"
    assert published(scene).row(asked) == (2, 2)


def test_r13_a_room_that_failed_keeps_what_was_read_before(published: Publish) -> None:
    coverage = (Coverage("oak", MONDAY, is_loaded=False, error_code="ErrorAccessDenied"),)
    bookings = (book(ROOM, MONDAY, "09:00", "10:00"),)
    scene = Scenario((ROOM,), bookings, coverage, datetime(2026, 9, 9, tzinfo=UTC))
    assert published(scene).rows("SELECT booked_minutes FROM room_days") == [(60,)]


def test_r14_data_through_waits_for_the_last_zone_and_what_lies_ahead_is_apart(
    published: Publish,
) -> None:
    rooms = (ROOM, Room("far", time_zone="Pacific/Honolulu"))
    days = days_from(MONDAY, 4)
    bookings = (
        book(ROOM, MONDAY, "09:00", "10:00"),
        Booking("oak", at(ROOM, TUESDAY, "17:00"), at(ROOM, days[2], "09:00"), TUESDAY),
        book(ROOM, days[3], "09:00", "11:00"),
    )
    # Tuesday is over in Copenhagen, and lasts until 10:00 UTC on Honolulu.
    for hour, through in ((9, MONDAY), (10, TUESDAY)):
        now = datetime(2026, 9, 9, hour, tzinfo=UTC)
        database = published(Scenario(rooms, bookings, read_all(rooms, days), now))
        assert database.row("SELECT data_through FROM build_info") == (through,)
        for table in ("room_hours", "room_days", "utilization", "rooms_in_use"):
            assert database.row(f"SELECT max(local_date) FROM {table}") == (through,), table
        assert database.row("SELECT max(local_start_date) FROM bookings") == (through,)
        ahead = "SELECT min(local_date), max(local_date), sum(booked_minutes) FROM room_days_ahead"
        minutes = 180 + (60 if through == MONDAY else 0)
        assert database.row(ahead) == (through + timedelta(days=1), days[3], minutes)


def test_r15_bookings_count_whole_under_their_local_start_date(published: Publish) -> None:
    sunday = MONDAY + timedelta(days=6)
    across = Booking("oak", at(ROOM, sunday, "23:00"), at(ROOM, sunday, "23:00"), sunday)
    across = Booking("oak", across.starts_at, across.starts_at + timedelta(hours=3), sunday)
    days = [sunday, sunday + timedelta(days=1)]
    database = published(scenario((ROOM,), [across], days, minimum_group=1))
    assert database.rows("SELECT iso_week, bookings, booked_minutes FROM booking_mix") == [
        ("2026-W37", 1, 180)
    ]
    days_found = "SELECT bookings, gross_booked_minutes FROM room_days ORDER BY local_date"
    assert database.rows(days_found) == [(1, 180), (0, 0)]


def test_r16_whether_a_booking_is_private_stays_a_flag_of_the_booking(published: Publish) -> None:
    database = published(scenario((ROOM,), [book(ROOM, MONDAY, "09:00", "10:00")], [MONDAY]))
    assert database.rows("SELECT is_private FROM bookings") == [(False,)]


def test_r3_whatever_the_response_a_booked_row_is_booked(published: Publish) -> None:
    database = published(scenario((ROOM,), [book(ROOM, MONDAY, "09:00", "10:00")], [MONDAY]))
    asked = "SELECT status, booked_minutes FROM bookings JOIN room_days USING (room_id)"
    assert database.rows(asked) == [("booked", 60)]


def test_personal_rooms_show_only_in_cells_of_the_minimum_group(published: Publish) -> None:
    desks = tuple(Room(f"desk-{n}", room_type="desk", floor="1") for n in range(3))
    offices = tuple(Room(f"office-{n}", room_type="office", floor="1") for n in range(2))
    rooms = (ROOM, *desks, *offices)
    bookings = [book(room, MONDAY, "09:00", "10:00") for room in rooms]
    database = published(scenario(rooms, bookings, [MONDAY], minimum_group=3))
    for table in ("bookings", "room_hours", "room_days"):
        assert database.rows(f"SELECT DISTINCT room_id FROM {table}") == [("oak",)], table
    shown = database.rows("SELECT room_type, rooms, bookings FROM utilization ORDER BY 1")
    assert shown == [("conference", 1, 1), ("desk", 3, 3)]
    assert database.row("SELECT sum(open_minutes) FROM hour_of_week") == (600,)
    assert database.row("SELECT sum(rooms_open) FROM rooms_in_use") == (1,)
    assert database.row("SELECT count(*) FROM rooms") == (6,)
    assert database.row("SELECT count(DISTINCT room_id) FROM coverage") == (6,)
    # The cell of the offices, and the one booking of oak in booking_mix and in size_fit.
    assert database.row("SELECT suppressed_cells FROM build_info") == (3,)


def test_personal_rooms_show_only_where_all_of_them_were_read(published: Publish) -> None:
    desks = tuple(Room(f"desk-{n}", room_type="desk") for n in range(4))
    unread = Coverage("desk-3", MONDAY, is_loaded=False, read_at=None, error_code="HTTP403")
    coverage = (*read_all(desks[:3], [MONDAY]), unread)
    options = PublishOptions(minimum_group=3)
    scene = Scenario(desks, (), coverage, datetime(2026, 9, 9, tzinfo=UTC), options)
    database = published(scene)
    assert database.rows("FROM utilization") == []
    assert database.row("SELECT suppressed_cells FROM build_info") == (1,)


def test_a_room_that_left_the_directory_leaves_the_database(published: Publish) -> None:
    left = Room("left")
    bookings = (book(ROOM, MONDAY, "09:00", "10:00"), book(left, MONDAY, "09:00", "10:00"))
    coverage = read_all((ROOM, left), [MONDAY])
    scene = Scenario((ROOM,), bookings, coverage, datetime(2026, 9, 9, tzinfo=UTC))
    database = published(scene)
    for table in ("rooms", "coverage", "bookings", "room_days", "room_hours"):
        assert database.rows(f"SELECT DISTINCT room_id FROM {table}") == [("oak",)], table


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ((9, 7), (9, 7)),
        ((9, 7, 2), (9,)),
        ((9, 5, 3, 2), (9, 5)),
        ((6, 4), ()),
        ((3, 1), ()),
    ],
)
def test_what_is_left_out_of_a_week_is_nothing_or_the_minimum_group_or_all(
    sizes: tuple[int, ...], shown: tuple[int, ...], published: Publish
) -> None:
    headcounts = (1, 2, 3, 5)
    start = at(ROOM, MONDAY, "08:00")
    bookings = [
        Booking(
            "oak",
            start + timedelta(minutes=n),
            start + timedelta(minutes=n + (10, 20, 40, 70)[kind]),
            MONDAY,
            invited_headcount=headcounts[kind],
        )
        for kind, size in enumerate(sizes)
        for n in range(size)
    ]
    database = published(scenario((ROOM,), bookings, [MONDAY], minimum_group=5))
    for table in ("booking_mix", "size_fit"):
        found = database.rows(f"SELECT bookings FROM {table} ORDER BY 1 DESC")
        assert tuple(row[0] for row in found) == shown, table
    hidden = 2 * (len(sizes) - len(shown))
    assert database.row("SELECT suppressed_cells FROM build_info") == (hidden,)


def test_gaps_under_30_minutes_between_two_bookings_are_fragmented(published: Publish) -> None:
    week = (((480, 720), (720, 1080)), *((),) * 6)
    room = Room("oak", week=(((480, 720), (780, 1080)), *week[1:]))
    clocks = (
        ("08:10", "08:30"),  # 10 minutes after opening: no gap
        ("08:50", "09:50"),  # a gap of 20
        ("10:15", "10:45"),  # a gap of 25, across the hour
        ("11:15", "11:50"),  # a gap of 30 is not under 30; the lunch break follows in 10
        ("13:05", "14:00"),  # 5 after lunch: no gap
        ("14:29", "16:31"),  # a gap of 29
        ("17:00", "17:50"),  # a gap of 29, to the full hour
    )
    bookings = [book(room, MONDAY, start, end) for start, end in clocks]
    database = published(scenario((room,), bookings, [MONDAY]))
    assert database.row("SELECT fragmented_minutes FROM room_days") == (20 + 25 + 29 + 29,)


def test_a_gap_across_midnight_is_not_fragmented(published: Publish) -> None:
    room = Room("oak", week=ALWAYS)
    bookings = [book(room, MONDAY, "23:00", "23:50"), book(room, TUESDAY, "00:05", "01:00")]
    database = published(scenario((room,), bookings, [MONDAY, TUESDAY]))
    assert database.rows("SELECT fragmented_minutes FROM room_days") == [(0,), (0,)]


def test_rooms_in_use_counts_only_rooms_that_are_open_at_that_minute(published: Publish) -> None:
    early = Room("early", week=(((480, 720),), *((),) * 6))
    late = Room("late", week=(((600, 1000),), *((),) * 6))
    bookings = [
        book(early, MONDAY, "09:00", "24:00"),
        book(late, MONDAY, "11:00", "12:00"),
    ]
    database = published(scenario((early, late), bookings, [MONDAY]))
    asked = (
        "SELECT rooms_open, peak_rooms_in_use, p95_rooms_in_use, min_free_rooms, sold_out_minutes "
        "FROM rooms_in_use"
    )
    # 520 minutes are open: 60 with two booked, 120 with one, and early alone is sold out 60 more.
    assert database.rows(asked) == [(2, 2, 2, 0, 120)]


def test_rooms_in_use_tells_sites_apart_and_counts_no_closed_room(published: Publish) -> None:
    shut = Room("shut", week=((),) * 7)
    rooms = (ROOM, Room("elm", site="South"), shut)
    bookings = [book(room, MONDAY, "09:00", "10:00") for room in rooms]
    database = published(scenario(rooms, bookings, [MONDAY]))
    asked = "SELECT site, rooms_open, peak_rooms_in_use, sold_out_minutes FROM rooms_in_use"
    assert sorted(database.rows(asked)) == [("North", 1, 1, 60), ("South", 1, 1, None)]


def test_rooms_in_use_counts_instants_whatever_the_clocks_of_the_rooms(published: Publish) -> None:
    here, far = Room("oak", week=ALWAYS), Room("far", time_zone="Asia/Kolkata", week=ALWAYS)
    bookings = [
        book(here, MONDAY, "11:40", "12:00"),  # 09:40 to 10:00 in UTC
        book(far, MONDAY, "14:10", "15:10"),  # 08:40 to 09:40
        book(far, MONDAY, "15:30", "15:35"),  # 10:00 to 10:05
    ]
    database = published(scenario((here, far), bookings, [MONDAY]))
    asked = "SELECT peak_rooms_in_use, p95_rooms_in_use FROM rooms_in_use"
    # Monday is 27 hours and 30 minutes long in the two zones together: 85 minutes are over 5 %.
    assert database.rows(asked) == [(1, 1)]


@pytest.mark.parametrize(("booked", "p95"), [(5, 0), (6, 1)])
def test_p95_is_the_nearest_rank_over_the_open_minutes(
    booked: int, p95: int, published: Publish
) -> None:
    room = Room("oak", time_zone="Asia/Kolkata", week=(((480, 580),), *((),) * 6))
    scene = scenario((room,), [book(room, MONDAY, "08:57", f"09:{booked - 3:02}")], [MONDAY])
    asked = "SELECT peak_rooms_in_use, p95_rooms_in_use FROM rooms_in_use"
    assert published(scene).rows(asked) == [(1, p95)]


def test_sold_out_is_unknown_where_a_cell_has_one_room(published: Publish) -> None:
    scene = scenario((ROOM,), [all_day(ROOM, MONDAY)], [MONDAY])
    assert published(scene).row(
        "SELECT peak_rooms_in_use, min_free_rooms, sold_out_minutes FROM rooms_in_use"
    ) == (1, 0, None)


def test_equal_lakes_give_equal_tables_in_equal_order(published: Publish) -> None:
    from tests.marts.worked import everything

    first, second = published(everything()), published(everything())
    for (table,) in first.rows("SELECT table_name FROM duckdb_tables() ORDER BY 1"):
        assert first.rows(f"FROM {table}") == second.rows(f"FROM {table}"), table


def test_the_options_are_the_defaults_of_the_contract() -> None:
    options = PublishOptions()
    assert (options.minimum_group, options.keep_versions) == (5, 7)
    assert not options.count_held_as_booked
