"""Measures without a rule of their own, one worked case each: groups, gaps, rooms in use."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    ALWAYS,
    Cases,
    Coverage,
    Database,
    Room,
    Scenario,
    all_day,
    book,
    closed_month,
    publish_scenario,
    read_all,
    scenario,
)
from tests.marts.week import MONDAY, ROOM, TUESDAY
from tests.marts.worked import everything
from warehouse.publish import PublishOptions

CASES = Cases()


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of the cases of gaps and of rooms in use, each in a building of its own."""
    database = publish_scenario(tmp_path_factory.mktemp("cases"), CASES.scenario())
    yield database
    database.close()


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
    # The cell of the offices; no month is closed yet.
    assert database.row("SELECT suppressed_cells FROM build_info") == (1,)


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
        ((9, 7), {"1": 9, "2": 7}),
        ((9, 7, 2), {"1": 9, "few": 9}),
        ((9, 5, 3, 2), {"1": 9, "2": 5, "few": 5}),
        ((9, 6, 5, 1), {"1": 9, "2": 6, "few": 6}),
        ((6, 4), {"few": 10}),
        ((3, 1), {}),
    ],
)
def test_r17_a_small_band_is_merged_with_the_next_smallest_until_few_holds_the_minimum_group(
    sizes: tuple[int, ...], shown: dict[str, int], published: Publish
) -> None:
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00", invited_headcount=(1, 2, 3, 5)[kind])
        for kind, size in enumerate(sizes)
        for _ in range(size)
    ]
    database = published(closed_month((ROOM,), bookings, [MONDAY], minimum_group=5))
    assert dict(database.profile("headcount")) == shown
    cells = database.rows("SELECT DISTINCT cell_bookings FROM booking_profile")
    assert cells == ([(sum(sizes),)] if shown else [])


GAPS = Room("gaps", week=(((480, 720), (780, 1080)), *((),) * 6))
CLOCKS = (
    ("08:10", "08:30"),  # 10 minutes after opening: no gap
    ("08:50", "09:50"),  # a gap of 20
    ("10:15", "10:45"),  # a gap of 25, across the hour
    ("11:15", "11:50"),  # a gap of 30 is not under 30; the lunch break follows in 10
    ("13:05", "14:00"),  # 5 after lunch: no gap
    ("14:29", "16:31"),  # a gap of 29
    ("17:00", "17:50"),  # a gap of 29, to the full hour
)
CASES.add([GAPS], [book(GAPS, MONDAY, start, end) for start, end in CLOCKS], [MONDAY])


def test_gaps_under_30_minutes_between_two_bookings_are_fragmented(cases: Database) -> None:
    asked = "SELECT fragmented_minutes FROM room_days WHERE room_id = 'gaps'"
    assert cases.row(asked) == (20 + 25 + 29 + 29,)


NIGHT = Room("night", week=ALWAYS)
CASES.add(
    [NIGHT],
    [book(NIGHT, MONDAY, "23:00", "23:50"), book(NIGHT, TUESDAY, "00:05", "01:00")],
    [MONDAY, TUESDAY],
)


def test_a_gap_across_midnight_is_not_fragmented(cases: Database) -> None:
    asked = "SELECT fragmented_minutes FROM room_days WHERE room_id = 'night'"
    assert cases.rows(asked) == [(0,), (0,)]


IN_USE = (
    "SELECT rooms_open, peak_rooms_in_use, p95_rooms_in_use, min_free_rooms, sold_out_minutes "
    "FROM rooms_in_use WHERE building = "
)
EARLY = Room("early", building="Shifts", week=(((480, 720),), *((),) * 6))
LATE = Room("late", building="Shifts", week=(((600, 1000),), *((),) * 6))
CASES.add(
    [EARLY, LATE],
    [book(EARLY, MONDAY, "09:00", "24:00"), book(LATE, MONDAY, "11:00", "12:00")],
    [MONDAY],
)


def test_rooms_in_use_counts_only_rooms_that_are_open_at_that_minute(cases: Database) -> None:
    # 520 minutes are open: 60 with two booked, 120 with one, and early alone is sold out 60 more.
    assert cases.rows(f"{IN_USE} 'Shifts'") == [(2, 2, 2, 0, 120)]


def test_rooms_in_use_tells_sites_apart_and_counts_no_closed_room(published: Publish) -> None:
    shut = Room("shut", week=((),) * 7)
    rooms = (ROOM, Room("elm", site="South"), shut)
    bookings = [book(room, MONDAY, "09:00", "10:00") for room in rooms]
    database = published(scenario(rooms, bookings, [MONDAY]))
    asked = "SELECT site, rooms_open, peak_rooms_in_use, sold_out_minutes FROM rooms_in_use"
    assert sorted(database.rows(asked)) == [("North", 1, 1, 60), ("South", 1, 1, None)]


HERE = Room("here", building="Clocks", week=ALWAYS)
FAR = Room("far", building="Clocks", time_zone="Asia/Kolkata", week=ALWAYS)
CASES.add(
    [HERE, FAR],
    [
        book(HERE, MONDAY, "11:40", "12:00"),  # 09:40 to 10:00 in UTC
        book(FAR, MONDAY, "14:10", "15:10"),  # 08:40 to 09:40
        book(FAR, MONDAY, "15:30", "15:35"),  # 10:00 to 10:05
    ],
    [MONDAY],
)


def test_rooms_in_use_counts_instants_whatever_the_clocks_of_the_rooms(cases: Database) -> None:
    asked = f"SELECT peak_rooms_in_use, p95_rooms_in_use FROM ({IN_USE} 'Clocks')"
    # Monday is 27 hours and 30 minutes long in the two zones together: 85 minutes are over 5 %.
    assert cases.rows(asked) == [(1, 1)]


HUNDRED_MINUTES = (((480, 580),), *((),) * 6)
FIVE, SIX = (
    Room(name, building=name, time_zone="Asia/Kolkata", week=HUNDRED_MINUTES)
    for name in ("5 minutes", "6 minutes")
)
CASES.add(
    [FIVE, SIX],
    [book(FIVE, MONDAY, "08:57", "09:02"), book(SIX, MONDAY, "08:57", "09:03")],
    [MONDAY],
)


@pytest.mark.parametrize(("room", "p95"), [(FIVE, 0), (SIX, 1)])
def test_p95_is_the_nearest_rank_over_the_open_minutes(
    room: Room, p95: int, cases: Database
) -> None:
    asked = f"SELECT peak_rooms_in_use, p95_rooms_in_use FROM ({IN_USE} '{room.building}')"
    assert cases.rows(asked) == [(1, p95)]


LONELY = Room("lonely", building="Lonely")
CASES.add([LONELY], [all_day(LONELY, MONDAY)], [MONDAY])


def test_sold_out_is_unknown_where_a_cell_has_one_room(cases: Database) -> None:
    asked = f"SELECT peak_rooms_in_use, min_free_rooms, sold_out_minutes FROM ({IN_USE} 'Lonely')"
    assert cases.row(asked) == (1, 0, None)


def test_r13_sold_out_is_unknown_where_an_open_room_was_not_read(published: Publish) -> None:
    rooms = (ROOM, replace(ROOM, room_id="unread"))
    scene = scenario(rooms, [book(ROOM, MONDAY, "09:00", "10:00")], [MONDAY])
    failed = (scene.coverage[0], Coverage("unread", MONDAY, False, None, "HTTP503"))
    database = published(replace(scene, coverage=failed))
    for table in ("rooms_in_use", "rooms_in_use_by_place"):
        found = database.rows(
            f"SELECT rooms_open, peak_rooms_in_use, sold_out_minutes FROM {table}"
        )
        assert set(found) == {(1, 1, None)}


def test_equal_lakes_give_equal_tables_in_equal_order(worked: Database, published: Publish) -> None:
    again = published(everything())
    for (table,) in worked.rows("SELECT table_name FROM duckdb_tables() ORDER BY 1"):
        assert worked.rows(f"FROM {table}") == again.rows(f"FROM {table}"), table


def test_the_options_are_the_defaults_of_the_contract() -> None:
    options = PublishOptions()
    assert (options.minimum_group, options.keep_versions) == (5, 7)
    assert not options.count_held_as_booked
