"""R3 and R10 to R16: what is booked, what is counted, for which rooms and up to which day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Cases,
    Coverage,
    Database,
    Room,
    Scenario,
    at,
    book,
    days_from,
    publish_scenario,
    read_all,
    scenario,
)
from tests.marts.week import MONDAY, ROOM, TUESDAY

SUNDAY = MONDAY + timedelta(days=6)


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


CASES = Cases()
CLOSED_MONTH = [MONDAY, SUNDAY, SUNDAY + timedelta(days=1), date(2026, 9, 30)]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of the cases of a closed month, each in a building of its own."""
    scene = CASES.scenario(minimum_group=1, trailing_days=1)
    database = publish_scenario(tmp_path_factory.mktemp("cases"), scene)
    yield database
    database.close()


INVITED = Room("invited", building="Invited")
CASES.add(
    [INVITED],
    [
        book(INVITED, MONDAY, "09:00", "10:00", invited_headcount=None),
        book(INVITED, MONDAY, "10:00", "10:30", invited_headcount=9),
    ],
    CLOSED_MONTH,
)


def test_r11_an_unknown_headcount_is_in_its_own_band(cases: Database) -> None:
    asked = "bookings, booked_minutes, cell_bookings"
    assert cases.profile("headcount", asked, building="Invited") == [
        ("7-10", 1, 30, 2),
        (None, 1, 60, 2),
    ]


GUESTS = Room("guests", building="Guests")
CASES.add(
    [GUESTS],
    [
        book(GUESTS, MONDAY, f"{9 + hour:02}:00", f"{9 + hour:02}:30", has_external=known)
        for hour, known in enumerate((True, False, None))
    ],
    CLOSED_MONTH,
)


def test_r12_external_is_counted_where_it_is_known(cases: Database) -> None:
    found = cases.profile("external", building="Guests")
    assert found == [("external", 1), ("internal", 1), (None, 1)]


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
    # Tuesday is over in Copenhagen, but in Honolulu it lasts until 10:00 UTC.
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


ACROSS = Room("across", building="Across")
BEGINS = at(ACROSS, SUNDAY, "23:00")
CASES.add(
    [ACROSS],
    [Booking("across", BEGINS, BEGINS + timedelta(hours=3), SUNDAY)],
    CLOSED_MONTH[1:],
)


def test_r15_bookings_count_whole_under_their_local_start_date(cases: Database) -> None:
    found = cases.profile("kind", "bookings, booked_minutes", building="Across")
    assert found == [("single", 1, 180)]
    days = "SELECT bookings, gross_booked_minutes FROM room_days WHERE room_id = 'across'"
    assert cases.rows(f"{days} ORDER BY local_date")[:2] == [(1, 180), (0, 0)]


PLAIN = Room("plain", building="Plain")
CASES.add([PLAIN], [book(PLAIN, MONDAY, "09:00", "10:00")], [MONDAY])


def test_r16_whether_a_booking_is_private_stays_a_flag_of_the_booking(cases: Database) -> None:
    assert cases.rows("SELECT is_private FROM bookings WHERE room_id = 'plain'") == [(False,)]


def test_r3_whatever_the_response_a_booked_row_is_booked(cases: Database) -> None:
    asked = "SELECT status, booked_minutes FROM bookings JOIN room_days USING (room_id)"
    assert cases.rows(f"{asked} WHERE room_id = 'plain'") == [("booked", 60)]
