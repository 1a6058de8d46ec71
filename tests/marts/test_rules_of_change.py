"""R19 and R21: changes as the lake stores them, and series that may only block a room."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.marts.conftest import Publish
from tests.marts.scenario import (
    Booking,
    Room,
    Scenario,
    book,
    closed_month,
    days_from,
    publish_scenario,
    read_all,
    write_lake,
)
from tests.marts.week import MONDAY, ROOM
from tests.marts.worked import cancelled
from transforms.contract.lake import CHANGES
from warehouse import connect
from warehouse.lake import Lake
from warehouse.publish import publish

NOW = datetime(2026, 9, 9, 3, tzinfo=UTC)
DESK = Room("desk-1", room_type="desk")
AHEAD = [MONDAY + timedelta(weeks=week) for week in range(1, 6)]


def test_r19_changes_are_those_of_the_lake_without_rooms_of_one_person(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    scene = Scenario((ROOM, DESK), (), read_all((ROOM, DESK), [MONDAY]), NOW)
    write_lake(lake, scene)
    rows = [cancelled(room, NOW) for room in (ROOM, DESK, Room("left"))]
    lake.replace("changes", MONDAY, pa.Table.from_pylist(rows, CHANGES))
    publish(lake, tmp_path / "warehouse", scene.options, scene.now)
    with connect("EU", warehouse=tmp_path / "warehouse", bookings=True) as connection:
        found = connection.sql("FROM changes").to_arrow_table().to_pylist()
    assert found == [{"region": "EU"} | rows[0]]
    with connect("EU", warehouse=tmp_path / "warehouse") as connection:
        tables = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    assert not tables & {"changes", "series_to_ask", "bookings"}


def series(room: Room = ROOM, **more: Any) -> list[Booking]:
    created_at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    given = {"kind": "occurrence", "created_at": created_at, "invited_headcount": 1} | more
    return [book(room, day, "14:30", "15:00", **given) for day in AHEAD]


def published_series(
    published: Publish, bookings: list[Booking], *others: Room
) -> list[tuple[Any, ...]]:
    rooms = (ROOM, DESK, *others)
    coverage = read_all(rooms, [MONDAY, *days_from(MONDAY + timedelta(days=1), 34)])
    database = published(Scenario(rooms, tuple(bookings), coverage, NOW))
    return database.rows("SELECT * EXCLUDE region FROM series_to_ask")


def test_r21_a_series_to_which_nobody_is_invited_is_a_question(published: Publish) -> None:
    found = published_series(published, series())
    # Four weeks end before the fifth occurrence.
    assert found == [("oak", 1, "2026-03", 1, 14, 4, 120, True)]


def test_r21_an_unknown_headcount_is_told_apart(published: Publish) -> None:
    (found,) = published_series(published, series(invited_headcount=None))
    assert found[-1] is False


def test_r21_whether_nobody_is_invited_is_unknown_where_a_list_counts_as_one(
    published: Publish,
) -> None:
    (found,) = published_series(published, series(headcount_is_lower_bound=True))
    assert found[-1] is False


def test_r4_r21_a_held_series_is_a_question_where_held_counts_as_booked(tmp_path: Path) -> None:
    days = [MONDAY, *days_from(MONDAY + timedelta(days=1), 34)]
    scene = Scenario((ROOM,), tuple(series(status="held")), read_all((ROOM,), days), NOW)
    database = publish_scenario(tmp_path, scene.with_options(count_held_as_booked=True))
    assert database.rows("SELECT room_id, occurrences_ahead FROM series_to_ask") == [("oak", 4)]


def test_r21_other_bookings_are_no_question(published: Publish) -> None:
    names = ("guests", "a guest", "three", "single", "no date", "young", "held")
    guests, guest, three, single, undated, young, held = rooms = tuple(map(Room, names))
    bookings = [
        *series(guests, invited_headcount=2),
        *(*series(guest)[:3], replace(series(guest)[3], invited_headcount=2)),
        *series(three)[:3],
        *series(single, kind="single"),
        *series(undated, created_at=None),
        *series(young, created_at=NOW - timedelta(weeks=7)),
        *series(held, status="held"),
        *series(DESK),
    ]
    found = published_series(published, [*bookings, *series()], *rooms)
    assert [row[0] for row in found] == ["oak"]  # the one that is


def test_r20_minutes_given_back_count_as_booked_again_where_they_are_booked_in_the_end(
    tmp_path: Path,
) -> None:
    # Given back 9 to 10 of six rooms' Tuesdays; in two of them, half an hour was booked again.
    rooms = tuple(Room(f"room-{number}") for number in range(6))
    tuesday = MONDAY + timedelta(days=1)
    last = date(2026, 9, 30)
    now = datetime(2026, 10, 20, tzinfo=UTC)
    again = [book(room, tuesday, "09:30", "11:00") for room in rooms[:2]]
    scene = Scenario(rooms, tuple(again), read_all(rooms, [MONDAY, tuesday, last]), now)
    starts_at = datetime(2026, 9, 8, 7, tzinfo=UTC)  # 9 o'clock in Copenhagen
    given_back = [
        cancelled(room, now)
        | {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1)}
        | {"seen_at": starts_at - timedelta(hours=3), "seen_after": starts_at - timedelta(days=1)}
        for room in rooms
    ]
    lake = Lake(tmp_path / "lake", "EU")
    write_lake(lake, replace(scene, changes=tuple(given_back)))
    publish(lake, tmp_path / "warehouse", scene.options, scene.now)
    with connect("EU", warehouse=tmp_path / "warehouse") as connection:
        found = connection.execute("SELECT * EXCLUDE region FROM change_profile").fetchall()
    numbers = ("cancelled", "2h-1d", 6, 360, 60, None)
    places = [("region", None, None), ("site", "North", None), ("building", "North", "HQ")]
    assert sorted(found, key=str) == sorted(
        [(*place, month, *numbers) for place in places for month in (None, "2026-09")], key=str
    )


def given_back(room: Room, start: str, end: str, **more: Any) -> dict[str, Any]:
    """Return a change that set a room's Monday free between two local times, a day before."""
    gone = book(room, MONDAY, start, end)
    times = {"starts_at": gone.starts_at, "ends_at": gone.ends_at}
    minutes = (gone.ends_at - gone.starts_at) // timedelta(minutes=1)
    return cancelled(room, NOW) | times | read_before(2) | {"given_back_minutes": minutes} | more


def read_before(days: int) -> dict[str, datetime]:
    seen_at = datetime(2026, 9, 7, 1, tzinfo=UTC) - timedelta(days=days)
    return {"seen_after": seen_at - timedelta(days=1), "seen_at": seen_at}


def booked_again(folder: Path, scene: Scenario) -> list[tuple[Any, ...]]:
    database = publish_scenario(folder, scene.with_options(minimum_group=1))
    return database.rows(
        "SELECT notice_band, minutes_given_back, minutes_booked_again FROM change_profile "
        "WHERE level = 'region' AND month IS NULL ORDER BY ALL"
    )


def test_r20_what_a_moved_booking_left_is_booked_again_though_the_booking_moved_on(
    tmp_path: Path,
) -> None:
    # From nine to half past nine, later to two o'clock; the first half hour was booked again.
    there = [book(ROOM, MONDAY, "09:30", "10:30"), book(ROOM, MONDAY, "14:00", "15:00")]
    new = [{"new_starts_at": each.starts_at, "new_ends_at": each.ends_at} for each in there]
    moved = {"change": "moved"}
    moves = (
        given_back(ROOM, "09:00", "10:00", given_back_minutes=30) | moved | new[0],
        given_back(ROOM, "09:30", "10:30") | moved | new[1] | read_before(0),
    )
    booked = [there[1], book(ROOM, MONDAY, "09:00", "09:30")]
    scene = replace(closed_month((ROOM,), booked, [MONDAY]), changes=moves)
    assert booked_again(tmp_path, scene) == [("1d-7d", 30, 30), ("2h-1d", 60, 0)]


def test_r20_what_is_booked_again_stays_so_though_another_booking_that_shared_the_time_went_later(
    tmp_path: Path,
) -> None:
    # Two had nine to ten; when the first went, it gave back ten to half past ten, which was booked.
    both = {"created_at": datetime(2026, 9, 1, tzinfo=UTC)}
    gone = (
        given_back(ROOM, "09:00", "10:30", given_back_minutes=30) | both,
        given_back(ROOM, "09:00", "10:00") | both | read_before(0),
    )
    booked = [book(ROOM, MONDAY, "10:00", "10:30")]
    scene = replace(closed_month((ROOM,), booked, [MONDAY]), changes=gone)
    assert booked_again(tmp_path, scene) == [("1d-7d", 30, 30), ("2h-1d", 60, 0)]


def test_r20_what_another_held_all_along_is_no_part_of_what_was_given_back(
    tmp_path: Path,
) -> None:
    booked = [
        book(ROOM, MONDAY, "09:00", "10:00", status="held"),
        book(ROOM, MONDAY, "10:00", "10:30"),
    ]
    gone = given_back(ROOM, "09:00", "10:30", given_back_minutes=30)
    scene = replace(closed_month((ROOM,), booked, [MONDAY]), changes=(gone,))
    assert booked_again(tmp_path, scene) == [("1d-7d", 30, 30)]


def test_r20_r25_time_of_a_combined_room_is_booked_again_while_all_parts_are(
    tmp_path: Path,
) -> None:
    hall, parts = Room("hall"), tuple(Room(f"hall-{name}", part_of="hall") for name in "ab")
    booked = [
        book(hall, MONDAY, "09:30", "10:00"),
        book(parts[0], MONDAY, "10:00", "11:00"),
        book(parts[1], MONDAY, "10:45", "12:00"),
    ]
    scene = closed_month((hall, *parts), booked, [MONDAY])
    scene = replace(scene, changes=(given_back(hall, "09:00", "11:30"),))
    assert booked_again(tmp_path, scene) == [("1d-7d", 150, 45)]


def test_a_cancellation_rate_is_told_of_months_that_changes_are_known_of_from_the_start(
    tmp_path: Path,
) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    days = [date(2026, month, day) for month in (8, 9, 10) for day in range(1, 29)]
    mondays = [day for day in days if day.isoweekday() == 1]
    kept = tuple(book(ROOM, day, start, "16:00") for day in mondays for start in ("09:00", "13:00"))
    days.append(date(2026, 10, 31))
    scene = Scenario((ROOM,), kept, read_all((ROOM,), days), now)
    gone = [
        cancelled(ROOM, now)
        | {"starts_at": datetime(2026, month, 8, 7, tzinfo=UTC)}
        | {"ends_at": datetime(2026, month, 8, 8, tzinfo=UTC)}
        | {"seen_at": datetime(2026, month, 5, 1, tzinfo=UTC)}
        | {"seen_after": datetime(2026, month, 4, 1, tzinfo=UTC)}
        for month in (8, 9, 10)
        for _ in range(5)
    ]
    lake = Lake(tmp_path / "lake", "EU")
    write_lake(lake, replace(scene, changes=tuple(gone)))
    publish(lake, tmp_path / "warehouse", scene.options, scene.now)
    with connect("EU", warehouse=tmp_path / "warehouse") as connection:
        found = connection.execute(
            "SELECT month, changes, bookings_kept FROM change_profile "
            "WHERE level = 'building' ORDER BY month NULLS FIRST"
        ).fetchall()
    # Changes are known only since a reading in August: that month is incomplete.
    assert found == [(None, 15, None), ("2026-08", 5, None), ("2026-09", 5, 8), ("2026-10", 5, 8)]


def test_r17_changes_under_the_minimum_group_are_merged_or_left_out(tmp_path: Path) -> None:
    now = datetime(2026, 10, 20, tzinfo=UTC)
    last = date(2026, 9, 30)
    scene = Scenario((ROOM,), (), read_all((ROOM,), [MONDAY, last]), now)
    row = cancelled(ROOM, datetime(2026, 9, 8, 1, tzinfo=UTC))
    late = row | {"seen_at": row["starts_at"] - timedelta(minutes=5)}
    moved = row | {"change": "moved"}
    lake = Lake(tmp_path / "lake", "EU")
    write_lake(lake, replace(scene, changes=(*[row] * 6, *[late] * 2, *[moved] * 4)))
    publish(lake, tmp_path / "warehouse", scene.options, scene.now)
    with connect("EU", warehouse=tmp_path / "warehouse") as connection:
        found = connection.execute(
            "SELECT DISTINCT change, notice_band, changes FROM change_profile"
        ).fetchall()
    assert found == [("cancelled", "few", 8)]
