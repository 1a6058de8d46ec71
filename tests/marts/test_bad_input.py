"""Empty, odd and broken lakes never cause a crash or a wrong total."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.marts.conftest import Publish
from tests.marts.oracle import Oracle
from tests.marts.scenario import (
    Booking,
    Coverage,
    Room,
    Scenario,
    at,
    book,
    days_from,
    publish_scenario,
    read_all,
    scenario,
    write_lake,
)
from tests.marts.test_oracle_agreement import assert_agrees
from transforms.contract.database import TABLES
from warehouse import connect
from warehouse.engine import BuildError, EngineError, building
from warehouse.lake import Lake, LakeError
from warehouse.publish import PublishOptions, publish

MONDAY = date(2026, 9, 7)
NOW = datetime(2026, 9, 10, tzinfo=UTC)
ROOM = Room("oak")


def test_an_empty_lake_gives_an_empty_database(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    made = publish(lake, tmp_path / "warehouse", PublishOptions(), NOW)
    assert made.data_through is None
    assert made.rows == dict.fromkeys(TABLES, 0) | {"build_info": 1}
    assert made.path == tmp_path / "warehouse" / "insights-eu.duckdb"
    database = connect("EU", warehouse=tmp_path / "warehouse", bookings=True)
    found = database.execute("FROM build_info").fetchall()
    assert found[0][4:] == ("2", 0, 0, 0, 0, None)


def test_rooms_that_nobody_read_yet_are_rooms_and_nothing_else(published: Publish) -> None:
    database = published(Scenario((ROOM,), (), (), NOW))
    assert database.row("SELECT count(*) FROM rooms") == (1,)
    assert database.row("SELECT count(*) FROM utilization") == (0,)


def test_only_days_ahead_give_no_data_through(published: Publish) -> None:
    ahead = NOW.date() + timedelta(days=4)
    scene = Scenario(
        (ROOM,), (book(ROOM, ahead, "09:00", "10:00"),), read_all((ROOM,), [ahead]), NOW
    )
    database = published(scene)
    assert database.row("SELECT data_through, bookings FROM build_info") == (None, 0)
    assert database.rows("SELECT booked_minutes FROM room_days_ahead") == [(60,)]
    assert database.rows("FROM room_days") == []


def test_bookings_no_calendar_should_have_do_no_harm(published: Publish) -> None:
    odd = (
        Booking("oak", at(ROOM, MONDAY, "10:00"), at(ROOM, MONDAY, "09:00"), MONDAY),
        Booking("oak", at(ROOM, MONDAY, "10:00"), at(ROOM, MONDAY, "10:00"), MONDAY),
        Booking("oak", at(ROOM, MONDAY, "17:30"), datetime(2150, 1, 1, tzinfo=UTC), MONDAY),
        Booking("oak", datetime(1, 1, 1, tzinfo=UTC), at(ROOM, MONDAY, "08:30"), date(1, 1, 1)),
        Booking("oak", at(ROOM, MONDAY, "09:00"), datetime(9999, 12, 30, tzinfo=UTC), MONDAY),
        book(ROOM, MONDAY, "11:00", "11:45", invited_headcount=-3),
    )
    scene = Scenario(
        (replace(ROOM, capacity=0),), odd, read_all((ROOM,), [MONDAY]), NOW, PublishOptions(1)
    )
    database = published(scene)
    found = database.row("SELECT open_minutes, booked_minutes, bookings FROM room_days")
    assert found == (600, 30 + 540, 3)
    assert_agrees(database, Oracle(scene))


def test_days_of_any_year_can_be_read(published: Publish) -> None:
    room = Room("oak", week=(((480, 1080),),) * 7)
    days = [date(year, 7, 9) for year in (1971, 2026, 2101, 2400)]
    scene = scenario((room,), [book(room, day, "09:00", "10:00") for day in days], days)
    found = published(scene).rows(
        "SELECT local_date, open_minutes, booked_minutes FROM room_days ORDER BY 1"
    )
    assert found == [(day, 600, 60) for day in days]


def test_a_hundred_bookings_at_once_are_one_booked_hour(published: Publish) -> None:
    scene = scenario((ROOM,), [book(ROOM, MONDAY, "09:00", "10:00")] * 100, [MONDAY])
    found = published(scene).row("SELECT booked_minutes, overlap_minutes, bookings FROM room_days")
    assert found == (60, 60, 100)


def test_rooms_without_building_or_capacity_are_cells_of_their_own(published: Publish) -> None:
    rooms = (ROOM, Room("elm", building=None, capacity=None, site=None, floor=None))
    database = published(scenario(rooms, [], [MONDAY]))
    cells = database.rows("SELECT building, capacity_band, open_minutes FROM utilization")
    assert sorted(cells, key=str) == [("HQ", "5-8", 600), (None, None, 600)]


def test_a_room_directory_that_makes_no_sense_is_refused_in_one_line(tmp_path: Path) -> None:
    for broken in (
        replace(ROOM, time_zone="Europe/Nowhere"),
        replace(ROOM, country="XX"),
    ):
        with pytest.raises(BuildError, match=r"^room oak: ") as refused:
            publish_scenario(tmp_path / str(broken.country), scenario((broken,), [], [MONDAY]))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_days_that_no_calendar_has_are_refused_in_one_line(day: date, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=rf"{day}.* delete") as refused:
        publish_scenario(tmp_path, Scenario((ROOM,), (), read_all((ROOM,), [day]), NOW))
    assert "\n" not in str(refused.value)


def test_a_file_with_a_damaged_middle_is_named_and_nothing_is_published(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    days = days_from(MONDAY, 2)
    write_lake(lake, scenario((ROOM,), [book(ROOM, d, "09:00", "10:00") for d in days], days))
    with lake.scan("bookings", lake.days("bookings")) as parts:
        path = Path(parts[1].handle)
    content = bytearray(path.read_bytes())
    content[4:200] = bytes([255]) * 196
    path.write_bytes(content)
    with pytest.raises(LakeError, match=f"^{path}: the file is damaged: delete it"):
        publish(lake, tmp_path / "warehouse", PublishOptions(), NOW)
    assert not (tmp_path / "warehouse" / "insights-eu.duckdb").exists()


def test_what_the_engine_says_is_never_passed_on(tmp_path: Path) -> None:
    with (
        pytest.raises(EngineError, match=r"DuckDB: BinderException") as refused,
        building(tmp_path / "made.duckdb", 1, "100MB") as engine,
    ):
        engine.rows("SELECT ada_lovelace")
    assert "lovelace" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_build_without_memory_left_ends_in_one_line_that_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(EngineError, match=r"arrays: MemoryError\): see to free space") as refused,
        building(tmp_path / "made.duckdb", 1, "100MB"),
    ):
        raise MemoryError("Ada Lovelace")
    assert "Lovelace" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_bookings_of_a_day_without_coverage_are_left_out(published: Publish) -> None:
    bookings = (book(ROOM, MONDAY, "09:00", "10:00"),)
    coverage = (Coverage("oak", MONDAY + timedelta(days=1)),)
    database = published(Scenario((ROOM,), bookings, coverage, NOW))
    assert database.row("SELECT count(*) FROM bookings") == (0,)
    assert database.rows("SELECT local_date, bookings FROM room_days") == [
        (MONDAY + timedelta(days=1), 0)
    ]
