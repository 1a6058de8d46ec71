"""Seeding the room directory from the room lists."""

import csv
from pathlib import Path

import pytest

from pipelines.sandbox.model import Mailbox
from pipelines.settings import load_settings
from tests.check.asking import CheckNow
from tests.night.workplace import Company, address_of


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    return tmp_path / "seed.csv"


def listed(company: Company, *rooms: Mailbox) -> None:
    """Put rooms into a second list, together with fjord."""
    for room in rooms:
        company.tenant.add(room)
    addresses = (address_of("fjord"), *(room.address for room in rooms))
    company.tenant.room_lists["annex@contoso.example"] = addresses


def test_what_is_written_loads_as_a_room_directory(
    company: Company, check: CheckNow, seed: Path
) -> None:
    listed(company, Mailbox("room.lagoon@contoso.example", "Lagoon 2"))
    checked = check("--write-rooms", str(seed))
    assert checked.code == 0
    assert "Fill in capacity and building" in checked.out
    company.config.write_text(company.config.read_text().replace("rooms.csv", "seed.csv"))
    rooms = load_settings(company.config, None).regions["EU"].rooms
    assert {(room.room_id, room.address, room.name) for room in rooms} == {
        ("fjord", address_of("fjord"), "fjord"),
        ("harbour", address_of("harbour"), "harbour"),
        ("room.lagoon", "room.lagoon@contoso.example", "Lagoon 2"),
    }
    assert {room.time_zone for room in rooms} == {"Europe/Copenhagen"}
    assert {room.exchange for room in rooms} == {"sandbox"}


def test_the_first_directory_of_all_is_seeded_before_it_exists(
    company: Company, check: CheckNow
) -> None:
    directory = company.directory / "rooms.csv"
    directory.unlink()
    assert check("--write-rooms", str(directory)).code == 0
    assert check().code == 0


def test_without_seeding_a_directory_that_is_missing_is_a_configuration_error(
    company: Company, check: CheckNow
) -> None:
    (company.directory / "rooms.csv").unlink()
    assert check().code == 2


def test_a_file_that_exists_is_never_overwritten(
    company: Company, check: CheckNow, seed: Path
) -> None:
    seed.write_text("mine")
    checked = check("--write-rooms", str(seed))
    assert checked.code == 2
    assert "exists, and is never overwritten" in checked.err
    assert seed.read_text() == "mine"
    assert not list(company.tenant.log)


def test_a_room_that_the_directory_knows_keeps_its_id(
    company: Company, check: CheckNow, seed: Path
) -> None:
    directory = company.directory / "rooms.csv"
    directory.write_text(directory.read_text().replace("fjord,", "CPH-1,", 1))
    check("--write-rooms", str(seed))
    with seed.open(newline="") as file:
        assert {row["room_id"] for row in csv.DictReader(file)} == {"CPH-1", "harbour"}


def test_equal_local_parts_become_different_ids(
    company: Company, check: CheckNow, seed: Path
) -> None:
    listed(company, Mailbox("fjord@a.example"), Mailbox("FJORD@b.example"))
    check("--write-rooms", str(seed))
    with seed.open(newline="") as file:
        ids = [row["room_id"] for row in csv.DictReader(file)]
    assert sorted(ids) == ["fjord", "fjord-2", "fjord-3", "harbour"]


def test_a_name_that_may_not_reach_the_lake_is_left_empty(
    company: Company, check: CheckNow, seed: Path
) -> None:
    listed(company, Mailbox("lagoon@contoso.example", "Lagoon (anna@contoso.example)"))
    check("--write-rooms", str(seed))
    with seed.open(newline="") as file:
        names = {row["room_id"]: row["name"] for row in csv.DictReader(file)}
    assert names == {"fjord": "fjord", "harbour": "harbour", "lagoon": ""}


def test_the_file_is_not_readable_by_the_world(check: CheckNow, seed: Path) -> None:
    check("--write-rooms", str(seed))
    assert seed.stat().st_mode & 0o007 == 0


def test_where_no_list_names_a_room_nothing_is_written_and_the_exit_code_is_1(
    company: Company, check: CheckNow, seed: Path
) -> None:
    company.tenant.room_lists.clear()
    checked = check("--write-rooms", str(seed))
    assert checked.code == 1
    assert "Exchange lists no room" in checked.out
    assert not seed.exists()


def test_an_exchange_that_refuses_the_password_is_not_said_to_list_no_room(
    company: Company, check: CheckNow, seed: Path
) -> None:
    company.tenant.password = "another"
    checked = check("--write-rooms", str(seed))
    assert checked.code == 1
    assert "Exchange could not be asked, see above" in checked.out


def test_json_stays_a_list_while_the_file_is_written(check: CheckNow, seed: Path) -> None:
    checked = check("--json", "--write-rooms", str(seed))
    assert [line["room_id"] for line in checked.lines] == [None, "fjord", "harbour"]
    assert str(seed) in checked.err
    assert seed.exists()
