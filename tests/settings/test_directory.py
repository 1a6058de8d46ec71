"""Dated rows of a room, parts of a room, and equipment: what the CSV may have, what is refused."""

from datetime import UTC, date, datetime

import pytest

from pipelines.settings import RegionSettings, directory_table, load_settings, rooms_table
from pipelines.settings.rooms import read_rooms
from pipelines.settings.values import Problems
from tests.settings.company import EU, Company, room, rooms
from transforms.local_time import DEFAULT_OPEN_HOURS

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def region_of(company: Company, *rows: dict[str, str], now: datetime = NOON) -> RegionSettings:
    company.files["rooms-eu.csv"] = rooms(*rows)
    company.load(EU)
    config = company.folder / "insights.yaml"
    return load_settings(config, EU, clock=lambda: now).regions["EU"]


def refusal(company: Company, *rows: dict[str, str]) -> str:
    company.files["rooms-eu.csv"] = rooms(*rows)
    (line,) = company.problems(EU)
    return line.removeprefix("rooms-eu.csv: ")


def test_a_room_is_as_its_latest_row_says_that_counts_today(company: Company) -> None:
    eu = region_of(
        company,
        room(1, capacity="8"),
        room(1, capacity="6", valid_from="2026-11-01"),
        room(1, capacity="4", valid_from="2026-12-01"),
        room(2, capacity="10"),
    )
    assert [(each.room_id, each.capacity) for each in eu.rooms] == [("eu-1", 6), ("eu-2", 10)]
    assert rooms_table(eu)["capacity"].to_pylist() == [6, 10]


@pytest.mark.parametrize(("hour", "capacity"), [(22, 8), (23, 6)])
def test_a_row_counts_from_its_local_day_on(company: Company, hour: int, capacity: int) -> None:
    rows = (room(1, capacity="8"), room(1, capacity="6", valid_from="2026-11-28"))
    eu = region_of(company, *rows, now=datetime(2026, 11, 27, hour, tzinfo=UTC))
    assert [each.capacity for each in eu.rooms] == [capacity]


def test_a_room_whose_rows_are_all_to_come_is_as_the_first_of_them(company: Company) -> None:
    eu = region_of(
        company,
        room(1, capacity="4", valid_from="2027-02-01"),
        room(1, capacity="6", valid_from="2027-01-01"),
    )
    assert [each.capacity for each in eu.rooms] == [6]


def test_the_directory_table_has_a_row_for_each_valid_from(company: Company) -> None:
    eu = region_of(
        company,
        room(2),
        room(1, name="Fjord", capacity="6", valid_from="2026-11-01"),
        room(1, name="Old", capacity="8"),
    )
    table = directory_table(eu)
    assert table.column_names == rooms_table(eu).column_names
    assert table["room_id"].to_pylist() == ["eu-1", "eu-1", "eu-2"]
    assert table["valid_from"].to_pylist() == [None, date(2026, 11, 1), None]
    assert table["capacity"].to_pylist() == [8, 6, None]
    assert table["name"].to_pylist() == ["Fjord", "Fjord", None]
    assert "@" not in str(table.to_pylist())


def test_a_room_keeps_its_place_in_the_file(company: Company) -> None:
    eu = region_of(company, room(2), room(1), room(2, capacity="3", valid_from="2026-01-01"))
    assert [each.room_id for each in eu.rooms] == ["eu-2", "eu-1"]


def test_two_rows_of_one_day_are_refused(company: Company) -> None:
    same = room(1, valid_from="2026-11-01")
    told = "line 4, room eu-1, room_id: the same as on line 3; give each row its own valid_from"
    assert refusal(company, room(1), same, same) == told


def test_a_room_keeps_its_mailbox_and_its_zone_on_every_row(company: Company) -> None:
    later = room(1, valid_from="2026-11-01")
    assert refusal(company, room(1), later | {"address": "other@contoso.example"}).startswith(
        "line 3, room eu-1, address: is not that of line 2; a room keeps its mailbox"
    )
    assert refusal(company, room(1), later | {"time_zone": "UTC"}).startswith(
        "line 3, room eu-1, time_zone: is not that of line 2; it counts for every day"
    )


def test_a_mailbox_of_a_rooms_rows_is_no_other_rooms(company: Company) -> None:
    line = refusal(
        company,
        room(1),
        room(1, valid_from="2026-11-01"),
        room(2, address="eu1@contoso.example"),
    )
    assert line.startswith("line 4, room eu-2, address: the same as on line 2; list every room")


def test_a_valid_from_that_is_no_date_is_refused(company: Company) -> None:
    assert refusal(company, room(1, valid_from="1.11.2026")) == (
        "line 2, room eu-1, valid_from: must be a date such as 2026-12-24"
    )


def test_a_room_may_be_a_part_of_another(company: Company) -> None:
    eu = region_of(company, room(1), room(2, part_of="eu-1"), room(3, part_of="eu-1"))
    assert [each.part_of for each in eu.rooms] == [None, "eu-1", "eu-1"]


@pytest.mark.parametrize(
    ("part_of", "told"),
    [
        ("eu-2", "names the room itself; leave it empty"),
        ("eu-11", "no room 'eu-11' in this file; did you mean eu-1?"),
        ("eu-2x", "no room 'eu-2x' in this file; did you mean eu-1?"),
        ("lounge", "no room 'lounge' in this file; name the whole room, or leave it empty"),
        ("eu-3", "'eu-3' is a part of another room; name the whole room"),
    ],
)
def test_a_part_names_a_whole_room_of_the_file(company: Company, part_of: str, told: str) -> None:
    line = refusal(company, room(1), room(2, part_of=part_of), room(3, part_of="eu-1"))
    assert line == f"line 3, room eu-2, part_of: {told}"


def test_only_personal_rooms_are_parts_of_a_personal_room(company: Company) -> None:
    suite = room(1) | {"room_type": "executive"}
    desk = room(2, part_of="eu-1") | {"room_type": "desk"}
    assert len(region_of(company, suite, desk).rooms) == 2
    assert refusal(company, suite, room(2, part_of="eu-1")) == (
        "line 3, room eu-2, part_of: 'eu-1' is a personal room, whose use its parts would show; "
        "leave it empty"
    )


def test_a_part_is_in_the_time_zone_of_its_whole_room(company: Company) -> None:
    elsewhere = room(2, part_of="eu-1") | {"time_zone": "Europe/London"}
    line = refusal(company, room(1), elsewhere)
    assert line == ("line 3, room eu-2, part_of: 'eu-1' has another time_zone; correct one of them")


def test_equipment_is_words_in_order(company: Company) -> None:
    eu = region_of(company, room(1, equipment=" video;step_free ;video;"), room(2))
    assert [each.equipment for each in eu.rooms] == ["step_free;video", None]


@pytest.mark.parametrize("equipment", ["Video", "step free", "video,phone", "a@x.example"])
def test_equipment_that_is_no_words_is_refused(company: Company, equipment: str) -> None:
    line = refusal(company, room(1, equipment=equipment))
    assert line.startswith("line 2, room eu-1, equipment: ")
    assert "write small letters, and a semicolon between words" in line
    assert "a@x" not in line


def test_the_directory_of_a_region_is_no_key_of_it(company: Company) -> None:
    company.eu["directory"] = "rooms-eu.csv"
    (line,) = company.problems()
    assert line.startswith("insights.yaml: regions.EU.directory: unknown key")


def test_a_room_is_written_the_same_in_all_its_rows(company: Company) -> None:
    rows = room(1), room(1, room_id="EU-1", valid_from="2026-12-01")
    assert refusal(company, *rows).startswith(
        "line 3, room EU-1, room_id: is not that of line 2; write it the same in all rows"
    )


def test_a_day_that_is_written_in_two_ways_is_one_day(company: Company) -> None:
    rows = room(1, valid_from="2026-12-01"), room(1, valid_from="20261201")
    assert refusal(company, *rows) == (
        "line 3, room eu-1, room_id: the same as on line 2; give each row its own valid_from"
    )


def test_hours_of_the_region_that_are_no_text_are_not_read_as_text(company: Company) -> None:
    class Unread(list[object]):
        """Stands for aliases inside aliases, which would take forever to write out."""

        def __str__(self) -> str:
            raise AssertionError

    company.load()
    values = {"rooms": "rooms-eu.csv", "exchanges": {"hq": {}}, "open_hours": Unread()}
    read, _ = read_rooms(values, company.folder, Problems(), False)
    assert {each.open_hours for each in read} == {DEFAULT_OPEN_HOURS}
