"""R18, R25: a room counts as the directory had it on the day; parts count, not their whole."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    Room,
    Scenario,
    book,
    days_from,
    publish_scenario,
    read_all,
    scenario,
    write_lake,
)
from tests.marts.week import MONDAY, ROOM, TUESDAY
from warehouse import connect
from warehouse.directory import record_directory
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish
from warehouse.summary import summarize

ROOMY = replace(ROOM, capacity=20, building="Annex", floor="9")


def moved(now: datetime = datetime(2026, 9, 12, tzinfo=UTC), **more: object) -> Scenario:
    """A room with six seats in HQ until Monday, and twenty in the Annex from Tuesday on."""
    bookings = [
        book(ROOM, MONDAY, "09:00", "10:00"),
        book(ROOM, TUESDAY, "09:00", "11:00"),
    ]
    scene = scenario((ROOMY,), bookings, [MONDAY, TUESDAY], **more)
    history = ((MONDAY - timedelta(days=30), (ROOM,)), (TUESDAY, (ROOMY,)))
    return replace(scene, history=history)


def test_r18_a_day_counts_in_the_building_and_size_that_the_room_had_on_it(
    published: Publish,
) -> None:
    database = published(moved())
    days = "SELECT building, capacity_band, floor, booked_minutes FROM utilization ORDER BY ALL"
    assert database.rows(days) == [("Annex", "15-30", "9", 120), ("HQ", "5-8", "1", 60)]
    weeks = "SELECT building, sum(booked_minutes) FROM hour_of_week GROUP BY 1 ORDER BY 1"
    assert database.rows(weeks) == [("Annex", 120), ("HQ", 60)]
    in_use = "SELECT building, local_date, rooms_open FROM rooms_in_use ORDER BY 1"
    assert database.rows(in_use) == [("Annex", TUESDAY, 1), ("HQ", MONDAY, 1)]
    assert database.rows("SELECT room_id, building FROM rooms") == [("oak", "Annex")]


def test_r18_a_booking_from_one_day_to_the_next_counts_in_both_but_is_one(
    published: Publish,
) -> None:
    night = book(ROOM, MONDAY, "17:00", "24:00")
    night = replace(night, ends_at=night.ends_at + timedelta(hours=9))
    database = published(replace(moved(), bookings=(night,)))
    days = "SELECT building, booked_minutes, bookings FROM utilization ORDER BY ALL"
    assert database.rows(days) == [("Annex", 60, 0), ("HQ", 60, 1)]
    assert database.row("SELECT count(*) FROM bookings") == (1,)


def test_r18_a_room_that_was_added_counts_from_the_first_day_that_was_read(
    published: Publish,
) -> None:
    added = Room("added")
    scene = scenario((ROOM, added), [], [MONDAY, TUESDAY])
    unread = tuple(c for c in scene.coverage if (c.room_id, c.day) != ("added", MONDAY))
    history = ((MONDAY, (ROOM,)), (date(2026, 9, 30), (ROOM, added)))
    database = published(replace(scene, coverage=unread, history=history))
    rooms = "SELECT local_date, rooms, rooms_loaded FROM utilization ORDER BY 1"
    assert database.rows(rooms) == [(MONDAY, 1, 1), (TUESDAY, 2, 2)]


def test_r13_a_room_that_was_added_and_cannot_be_read_is_seen_to_be_missing(
    published: Publish,
) -> None:
    added = Room("added", building="Annex")
    scene = scenario((ROOM, added), [], [MONDAY, TUESDAY])
    failed = tuple(
        replace(c, is_loaded=False, read_at=None, error_code="ErrorAccessDenied")
        if c.room_id == "added"
        else c
        for c in scene.coverage
    )
    history = ((MONDAY, (ROOM,)), (date(2026, 9, 30), (ROOM, added)))
    database = published(replace(scene, coverage=failed, history=history))
    rooms = "SELECT building, local_date, rooms, rooms_loaded, open_minutes FROM utilization"
    assert database.rows(f"{rooms} ORDER BY ALL") == [
        ("Annex", MONDAY, 1, 0, None),
        ("Annex", TUESDAY, 1, 0, None),
        ("HQ", MONDAY, 1, 1, 600),
        ("HQ", TUESDAY, 1, 1, 600),
    ]


def test_r18_an_operator_can_let_the_directory_count_from_an_earlier_day(tmp_path: Path) -> None:
    lake, scene = Lake(tmp_path / "lake", "EU"), moved()
    write_lake(lake, scene)
    rooms = lake.read("rooms")
    assert rooms is not None
    restated = "SELECT restated_from FROM build_info"
    for restate_from, expected in (None, [("Annex", 120), ("HQ", 60)]), (MONDAY, [("Annex", 180)]):
        record_directory(lake, rooms, rooms, TUESDAY, restate_from)
        publish(lake, tmp_path / "warehouse", scene.options, scene.now)
        with connect("EU", warehouse=tmp_path / "warehouse") as connection:
            by_building = (
                "SELECT building, sum(booked_minutes) FROM utilization GROUP BY 1 ORDER BY 1"
            )
            assert connection.execute(by_building).fetchall() == expected
            assert connection.execute(restated).fetchall() == [(restate_from,)]


def test_r25_a_booking_of_the_whole_books_its_parts_and_the_whole_is_no_room(
    published: Publish,
) -> None:
    hall = Room("hall", capacity=40)
    parts = (Room("hall-a", part_of="hall"), Room("hall-b", part_of="hall"))
    bookings = [
        book(hall, MONDAY, "09:00", "11:00"),
        book(parts[0], MONDAY, "10:00", "12:00"),
    ]
    database = published(scenario((hall, *parts), bookings, [MONDAY]))
    minutes = database.rows(
        "SELECT room_id, open_minutes, booked_minutes, bookings FROM room_days ORDER BY 1"
    )
    assert minutes == [("hall", 0, 0, 1), ("hall-a", 600, 180, 1), ("hall-b", 600, 120, 0)]
    total = "SELECT sum(rooms), sum(open_minutes), sum(booked_minutes), sum(bookings)"
    assert database.row(f"{total} FROM utilization") == (2, 1200, 300, 2)
    peak = "SELECT max(rooms_open), max(peak_rooms_in_use) FROM rooms_in_use_by_place"
    assert database.row(peak) == (2, 2)


def test_r25_a_part_that_is_out_of_use_is_none_so_the_whole_counts_again(
    published: Publish,
) -> None:
    hall = Room("hall", capacity=40)
    a, b = (Room(f"hall-{name}", part_of="hall", closed_on=TUESDAY) for name in "ab")
    c = Room("hall-c", part_of="hall", opened_on=TUESDAY + timedelta(days=1))
    days = days_from(MONDAY, 3)
    bookings = [book(hall, day, "07:00", "11:00") for day in days]
    database = published(scenario((hall, a, b, c), bookings, days))
    booked = database.rows(
        "SELECT local_date - DATE '2026-09-07', room_id, open_minutes, booked_minutes, "
        "booked_minutes_outside_hours FROM room_days "
        "WHERE open_minutes + booked_minutes_outside_hours > 0 ORDER BY ALL"
    )
    numbers = (600, 180, 60)
    assert booked == [
        (0, "hall-a", *numbers),
        (0, "hall-b", *numbers),
        (1, "hall", *numbers),
        (2, "hall-c", *numbers),
    ]


def test_r18_the_summary_of_a_region_has_the_building_of_each_day(tmp_path: Path) -> None:
    publish_scenario(tmp_path, moved())
    used = summarize("EU", tmp_path / "warehouse").buildings
    assert [(each.building, each.booked_hours) for each in used] == [("Annex", 2), ("HQ", 1)]


def test_r25_the_summary_of_a_region_counts_no_combined_room(tmp_path: Path) -> None:
    rooms = (Room("hall"), Room("hall-a", part_of="hall"), Room("hall-b", part_of="hall"))
    publish_scenario(
        tmp_path, scenario(rooms, [book(rooms[0], MONDAY, "09:00", "11:00")], [MONDAY])
    )
    (building,) = summarize("EU", tmp_path / "warehouse").buildings
    assert (building.rooms, building.bookings) == (2, 1)


def test_r25_a_room_that_was_divided_counts_by_its_parts_from_that_day_on(
    published: Publish, tmp_path: Path
) -> None:
    hall = Room("hall", capacity=40)
    whole = (hall, Room("hall-a"), Room("hall-b"))
    divided = (hall, Room("hall-a", part_of="hall"), Room("hall-b", part_of="hall"))
    days = days_from(MONDAY, 2)
    bookings = tuple(book(hall, day, "09:00", "10:00") for day in days)
    now = datetime(2026, 9, 12, tzinfo=UTC)
    history = ((MONDAY, whole), (TUESDAY, divided))
    scene = Scenario(divided, bookings, read_all(whole, days), now, PublishOptions(), history)
    booked = "SELECT room_id, local_date FROM room_days WHERE booked_minutes > 0 ORDER BY 2, 1"
    assert published(scene).rows(booked) == [
        ("hall", MONDAY),
        ("hall-a", TUESDAY),
        ("hall-b", TUESDAY),
    ]
