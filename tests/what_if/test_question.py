"""The what-if of a published region, from Python and from the command line."""

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines import cli
from tests.marts.scenario import (
    Booking,
    Room,
    Scenario,
    all_day,
    book,
    days_from,
    scenario,
    write_lake,
)
from warehouse import what_if
from warehouse.lake import Lake
from warehouse.publish import publish
from warehouse.what_if import Seats, WhatIfError

MONDAY = date(2026, 10, 5)
SMALL = Room("small", building="HQ", capacity=4)
SECOND = Room("second", building="HQ", capacity=4)
LARGE = Room("large", building="HQ", capacity=10)
UNKNOWN = Room("unknown", building="Annex", capacity=None)
DESK = Room("desk", building="HQ", capacity=1, room_type="desk")
ROOMS = (SMALL, SECOND, LARGE, UNKNOWN, DESK)


def bookings() -> list[Booking]:
    """Monday: at nine both small rooms and the large one are taken, at ten only a small one."""
    return [
        book(SMALL, MONDAY, "09:00", "10:00", invited_headcount=3),
        book(SECOND, MONDAY, "09:00", "10:00", invited_headcount=None),
        book(LARGE, MONDAY, "09:00", "10:00", invited_headcount=7),
        book(SMALL, MONDAY, "10:00", "11:00", invited_headcount=2),
        book(LARGE, MONDAY, "14:00", "15:00", invited_headcount=25),
        book(LARGE, MONDAY, "11:00", "12:00", status="held"),
        book(UNKNOWN, MONDAY, "09:00", "10:00", invited_headcount=12),
        all_day(UNKNOWN, MONDAY + timedelta(days=1), invited_headcount=2),
    ]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish the office, and return a configuration that names it."""
    folder = tmp_path_factory.mktemp("office")
    path = published(folder, scenario(ROOMS, bookings(), days_from(MONDAY, 4)))
    (folder / "rooms.csv").write_text("room_id,address,time_zone\nx,x@contoso.example,UTC\n")
    exchange = {"kind": "ews", "endpoint": "https://mail.example/EWS/Exchange.asmx"}
    exchange |= {
        "auth": "basic",
        "username": "svc@contoso.example",
        "password_env": "TEST_PASSWORD",
    }
    region = {"time_zone": "Europe/Copenhagen", "nightly_at": "02:30", "rooms": "rooms.csv"}
    region |= {"lake": "eu/lake", "warehouse": "eu/warehouse"}
    path.write_text(yaml.safe_dump({"regions": {"EU": region | {"exchanges": {"hq": exchange}}}}))
    return path


def published(folder: Path, office: Scenario) -> Path:
    """Publish an office; return the configuration for ``ask``."""
    lake = Lake(folder / "eu/lake", "EU")
    write_lake(lake, office)
    publish(lake, folder / "eu/warehouse", office.options, office.now)
    return folder / "insights.yaml"


def ask(config: Path, **question: Any) -> Any:
    return what_if("EU", warehouse=config.parent / "eu/warehouse", **question)


def insights(config: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["what-if", "--config", str(config), "--region", "EU", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_as_it_is_every_booking_has_a_room(config: Path) -> None:
    found = ask(config)
    assert found.bookings == 7  # a held booking is not booked
    assert (found.served_at_least, found.served_at_most, found.served_in_place) == (7, 7, 7)
    assert found.minutes == 6 * 60 + 24 * 60 == found.minutes_served_at_least
    assert found.rooms == (Seats(4, 2), Seats(10, 1), Seats(12, 1))  # 12: the largest party it had
    assert found.not_placed == ()


def test_a_room_that_goes_leaves_its_bookings_to_those_that_are_large_enough(config: Path) -> None:
    found = ask(config, building="HQ", remove=["large"])
    assert found.bookings == 5
    # Seven people fit into no small room, nor do the 25 who met in a room with ten seats.
    assert (found.served_at_least, found.served_at_most) == (3, 3)
    assert found.not_placed == (Seats(7, 1), Seats(10, 1))


def test_small_bookings_go_to_a_larger_room_that_is_free(config: Path) -> None:
    found = ask(config, building="HQ", remove=["small"])
    # At nine all rooms are taken, so one of three has none; at ten the second is free.
    assert (found.served_at_least, found.served_at_most) == (4, 4)


def test_a_booking_without_a_headcount_needs_the_seats_that_it_had(config: Path) -> None:
    found = ask(config, building="HQ", remove=["small", "second", "large"], add={3: 3, 4: 1})
    assert found.served_at_most == found.served_at_least == 3
    assert found.not_placed == (Seats(7, 1), Seats(10, 1))


def test_new_rooms_take_what_had_none(config: Path) -> None:
    found = ask(config, building="HQ", remove=["large"], add={10: 1})
    assert (found.served_at_least, found.served_at_most) == (5, 5)
    assert found.rooms == (Seats(4, 2), Seats(10, 1))


def test_bookings_never_leave_their_building(config: Path) -> None:
    found = ask(config, remove=["unknown"])
    assert found.served_at_most == 5
    assert found.not_placed == (Seats(2, 1), Seats(12, 1))


def test_only_the_days_asked_for_count(config: Path) -> None:
    tuesday = MONDAY + timedelta(days=1)
    found = ask(config, first_date=tuesday, last_date=tuesday)
    assert (found.bookings, found.minutes) == (1, 24 * 60)


def test_the_smallest_mix_is_smaller_than_what_there_is_and_serves_it(config: Path) -> None:
    found = ask(config, building="HQ", suggest=True)
    assert found.rooms == (Seats(4, 2), Seats(10, 1))
    assert found.served_at_least == 5
    assert found.fewest_rooms == 3
    monday = ask(config, building="Annex", suggest=True)
    assert monday.rooms == (Seats(12, 1),)


def test_a_personal_room_is_in_no_answer(config: Path) -> None:
    with pytest.raises(WhatIfError, match="room 'desk' is a personal room"):
        ask(config, remove=["desk"])


def test_r9_without_bookings_no_share_is_told(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = MONDAY + timedelta(days=3)
    days = ("--from", str(last), "--to", str(last))
    assert ask(config, building="HQ", first_date=last, last_date=last).bookings == 0
    assert insights(config, "--building", "HQ", *days) == 0
    told = capsys.readouterr().out
    assert told == f"EU HQ, {last} to {last}: no bookings, so there is nothing to find a room for\n"


def test_json_has_the_names_that_others_rely_on(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert insights(config, "--building", "HQ", "--remove", "large", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "bookings": 5,
        "minutes": 300,
        "served_at_least": 3,
        "served_at_most": 3,
        "minutes_served_at_least": 180,
        "minutes_served_at_most": 180,
        "rooms": [{"seats": 4, "count": 2}],
    }


def test_the_answer_is_a_few_lines_that_say_what_would_not_fit(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert insights(config, "--building", "HQ", "--remove", "large", "--add", "6x1") == 0
    assert capsys.readouterr().out.splitlines() == [
        "EU HQ, 2026-10-05 to 2026-10-08: 5 bookings, 5 hours",
        "rooms: 3 (2 with 4 seats, 1 with 6 seats)",
        "bookings that find a room: at least 60.0 % (3), at most 60.0 % (3)",
        "hours that find a room: at least 60.0 % (3), at most 60.0 % (3)",
        "without any other booking changing rooms: at least 60.0 %",
        "without a room, by seats needed: 5-8: 1 booking, 9-14: 1 booking",
        "more invited than the room has seats: 1 booking; taken to need just these",
    ]


def test_one_booking_of_an_hour_is_told_in_the_singular(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert insights(config, "--building", "Annex", "--to", str(MONDAY)) == 0
    assert f"EU Annex, {MONDAY} to {MONDAY}: 1 booking, 1 hour\n" in capsys.readouterr().out


def test_a_room_without_a_capacity_is_called_so(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert insights(config, "--building", "Annex", "--add", "12x1") == 0
    line = "rooms: 2 (1 with 12 seats, 1 with unknown seats, taken as 12)"
    assert line in capsys.readouterr().out.splitlines()


def test_more_invited_than_any_room_has_seats_need_the_seats_of_the_room_that_held_them(
    config: Path,
) -> None:
    as_it_is = ask(config, building="HQ")
    assert (as_it_is.over_seats, as_it_is.served_in_place) == (1, as_it_is.bookings)
    another = ask(config, building="HQ", remove=["large"], add={10: 1})
    assert (another.over_seats, another.served_at_least) == (1, another.bookings)
    assert ask(config, building="HQ", remove=["large"], add={9: 1}).not_placed == (Seats(10, 1),)
    mix = ask(config, building="HQ", suggest=True)
    assert (mix.over_seats, mix.rooms[-1]) == (1, Seats(10, 1))
    assert ask(config, building="Annex").over_seats == 0  # no capacity: as large as its largest


def test_a_suggestion_says_what_cannot_be_undercut(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert insights(config, "--building", "HQ", "--suggest") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "smallest mix found: 3 (2 with 4 seats, 1 with 10 seats)" in lines
    assert "fewer than 3 rooms cannot serve 99 %" in lines


def test_a_room_counts_on_each_day_as_the_directory_had_it(tmp_path: Path) -> None:
    # Until Wednesday the hall was in the annex; since Thursday it has half of its seats.
    wednesday, thursday = MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)
    hall = replace(LARGE, capacity=5)
    days = days_from(MONDAY, 4)
    booked = [book(hall, day, "09:00", "10:00", invited_headcount=7) for day in days]
    booked += [book(SMALL, day, "09:00", "10:00", invited_headcount=4) for day in days]
    scene = scenario((SMALL, hall), booked, days)
    history = (
        (MONDAY, (SMALL, replace(LARGE, building="Annex"))),
        (wednesday, (SMALL, LARGE)),
        (thursday, (SMALL, hall)),
    )
    where = published(tmp_path, replace(scene, history=history))
    assert ask(where, building="HQ").bookings == 6
    gone = ask(where, building="HQ", remove=["small"])
    assert (gone.served_at_least, gone.served_at_most) == (2, 2)  # the hall keeps its own
    assert gone.rooms == (Seats(5, 1),)
    gone = ask(where, building="HQ", remove=["large"])
    assert gone.not_placed == (Seats(5, 1), Seats(7, 1))
    assert ask(where, building="Annex").rooms == ()
    assert ask(where, building="Annex", remove=["large"]).served_at_most == 0


def test_r4_held_bookings_are_asked_about_where_they_count_as_booked(tmp_path: Path) -> None:
    counted = scenario(ROOMS, bookings(), days_from(MONDAY, 4), count_held_as_booked=True)
    assert ask(published(tmp_path, counted)).bookings == len(bookings()) == 8


def test_a_room_that_was_closed_before_the_days_asked_is_none_of_the_rooms(
    tmp_path: Path,
) -> None:
    closed = replace(SECOND, closed_on=MONDAY)
    booked = [book(SMALL, MONDAY, "09:00", "10:00")]
    found = ask(published(tmp_path, scenario((SMALL, closed), booked, [MONDAY])))
    assert found.rooms == (Seats(4, 1),)


def test_a_room_that_closes_during_the_days_asked_is_none_of_the_rooms_at_their_end(
    tmp_path: Path,
) -> None:
    days = days_from(MONDAY, 4)
    closes = replace(SECOND, closed_on=days[2])
    booked = [book(room, MONDAY, "09:00", "10:00") for room in (SMALL, closes)]
    where = published(tmp_path, scenario((SMALL, closes), booked, days))
    found = ask(where)
    assert (found.served_at_least, found.rooms) == (2, (Seats(4, 1),))
    assert ask(where, last_date=days[1]).rooms == (Seats(4, 2),)


def test_r25_a_combined_room_is_no_room_of_its_building_though_its_parts_are_in_another(
    tmp_path: Path,
) -> None:
    both, parts = Room("both", building="HQ", capacity=12), ("left", "right")
    left, right = (Room(each, building="Annex", capacity=6, part_of="both") for each in parts)
    booked = [
        book(both, MONDAY, "09:00", "10:00", invited_headcount=11),
        book(SMALL, MONDAY, "10:00", "11:00", invited_headcount=4),
    ]
    where = published(tmp_path, scenario((SMALL, both, left, right), booked, [MONDAY]))
    found = ask(where, building="HQ")
    assert (found.rooms, found.served_in_place) == ((Seats(4, 1),), 2)
    assert ask(where).rooms == (Seats(4, 1), Seats(6, 2))
    # No other booking is placed in it; without a part, it is gone.
    assert ask(where, building="HQ", remove=["small"]).not_placed == (Seats(4, 1),)
    assert ask(where, remove=["left"]).not_placed == (Seats(11, 1),)


def test_without_a_building_a_booking_stays_in_its_time_zone_however_far_the_next_one_is(
    tmp_path: Path,
) -> None:
    zones = {"east": "Pacific/Kiritimati", "west": "Pacific/Pago_Pago"}  # 25 hours apart
    east, west = (Room(name, zone, building=None, capacity=4) for name, zone in zones.items())
    booked = [book(room, MONDAY, "16:00", "17:00", invited_headcount=3) for room in (east, west)]
    booked.append(book(west, MONDAY, "23:30", "24:00", invited_headcount=3))
    where = published(tmp_path, scenario((east, west), booked, [MONDAY]))
    found = ask(where)
    assert (found.served_at_least, found.minutes_served_at_least) == (3, 150)
    assert ask(where, remove=["east"]).not_placed == (Seats(3, 1),)
    assert ask(where, remove=["west"]).not_placed == (Seats(3, 2),)


def test_r1_an_end_within_a_minute_counts_that_minute(tmp_path: Path) -> None:
    short = book(SMALL, MONDAY, "09:00", "09:30")
    short = replace(short, ends_at=short.ends_at + timedelta(seconds=10))
    assert ask(published(tmp_path, scenario((SMALL,), [short], [MONDAY]))).minutes == 31


def test_who_booked_combined_rooms_needs_all_parts_or_one_room_as_large(tmp_path: Path) -> None:
    left, right = (Room(name, capacity=6, part_of="both") for name in ("left", "right"))
    both, aula = Room("both", capacity=12), Room("aula", capacity=20)
    rooms = (left, right, both, aula)
    booked = [
        book(both, MONDAY, "09:00", "10:00", invited_headcount=11),
        book(left, MONDAY, "10:00", "11:00", invited_headcount=5),
        book(aula, MONDAY, "10:00", "11:00", invited_headcount=8),
    ]
    where = published(tmp_path, scenario(rooms, booked, [MONDAY]))
    found = ask(where)
    assert (found.served_at_least, found.served_at_most, found.served_in_place) == (3, 3, 3)
    assert found.rooms == (Seats(6, 2), Seats(20, 1))  # the whole does not count beside its parts
    assert ask(where, remove=["aula"]).not_placed == (Seats(8, 1),)
    for gone in ("both", "left"):
        assert ask(where, remove=[gone]).served_at_least == 3  # the aula is free at nine
        assert ask(where, remove=[gone, "aula"]).not_placed == (Seats(8, 1), Seats(11, 1))


def test_a_week_that_ends_on_a_closed_sunday_is_a_week_that_was_read(tmp_path: Path) -> None:
    at_nine = book(SMALL, MONDAY, "09:00", "10:00", invited_headcount=3)
    where = published(tmp_path, scenario((SMALL,), [at_nine], days_from(MONDAY, 7)))
    sunday = MONDAY + timedelta(days=6)
    found = ask(where, first_date=MONDAY, last_date=sunday)
    assert (found.bookings, found.last_date) == (1, sunday)


def test_a_database_of_an_earlier_version_is_one_line_and_exit_1_as_in_other_commands(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office = tmp_path / "office"
    shutil.copytree(config.parent, office, symlinks=True)
    database = (office / "eu/warehouse/insights-eu.duckdb").resolve()
    database.chmod(0o640)
    with duckdb.connect(str(database)) as connection:
        connection.execute("DROP TABLE rooms_as_of")
    assert insights(office / config.name) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("an earlier version published this: run 'insights publish --region EU'")


@pytest.mark.parametrize(("building", "asked"), [("HQ", "HQ"), ("", None)])
def test_rooms_are_not_added_where_no_name_tells_which_building_gets_them(
    tmp_path: Path, building: str, asked: str | None
) -> None:
    one, other = (replace(SMALL, building=building, site=site, room_id=site) for site in "AB")
    where = published(tmp_path, scenario((one, other), [], days_from(MONDAY, 4)))
    with pytest.raises(WhatIfError, match="give each a name of its own in the room CSV"):
        ask(where, building=asked, add={8: 1})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--remove", "attic"], "EU: no room 'attic' in the directory"),
        (["--building", "HQ", "--remove", "unknown"], "is in building 'Annex'"),
        (["--building", "Tower"], "no building 'Tower'; there are: Annex, HQ"),
        (["--add", "4x0"], "'4x0' is not SEATSxN, both at least 1, such as 8x2"),
        (["--add", "0x4"], "'0x4' is not SEATSxN"),
        (["--add", "eight"], "'eight' is not SEATSxN"),
        (["--add", "8x1"], "name the building that gets the rooms: Annex, HQ"),
        (["--suggest", "--remove", "small"], "leave out add and remove"),
        (["--from", "2026-09-01"], "was not read whole; there is 2026-10-05 to 2026-10-08"),
        (["--to", "2027-01-01"], "was not read whole; there is 2026-10-05 to 2026-10-08"),
        (["--from", "2026-10-07", "--to", "2026-10-06"], "2026-10-07 is after 2026-10-06"),
    ],
)
def test_a_question_that_makes_no_sense_is_one_line_and_exit_2(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert insights(config, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
