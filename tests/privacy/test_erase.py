"""``insights erase``: the command, its receipt and its exit codes."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines.cli import erase
from tests.lake.rows import booking, stored
from tests.night.workplace import MONDAY, Company
from tests.privacy.search import files_with
from warehouse.directory import as_of_days
from warehouse.erase import Erasure, find
from warehouse.lake import Lake
from warehouse.storage import WarehouseError
from warehouse.versions import published_versions

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def without_parquet(planted: Company) -> None:
    """Builds after the first night export no Parquet (``test_erase_lake.py`` has them)."""
    planted.export_parquet = False
    planted.write()


@pytest.fixture
def receipt(planted: Company, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Erase, and return the receipt as JSON."""

    def erased(*arguments: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert planted.insights("erase", "--region", "EU", "--json", *arguments) == code
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return erased


def test_a_rooms_day_is_gone_from_lake_and_every_database(
    read_planted: Company, receipt: Callable[..., dict[str, Any]]
) -> None:
    planted = read_planted
    planted.run(TUESDAY, TUESDAY)
    day = MONDAY.isoformat()
    told = receipt("--room", "fjord", "--from", day, "--to", day)
    assert {row["room_id"] for row in planted.rows()} == {"harbour"}
    assert len(published_versions(planted.directory / "warehouse", "EU")) == 1
    counted = "SELECT count(*) FROM {} WHERE room_id = 'fjord' AND {} = DATE '2026-10-19'"
    tables = {"bookings": "local_start_date", "room_hours": "local_date", "room_days": "local_date"}
    for table, column in tables.items():
        assert planted.query(counted.format(table, column)) == [(0,)]
    assert (told["partitions_touched"], told["bookings_gone"], told["room_days_gone"]) == (1, 4, 1)
    assert told["versions_removed"] == 2
    assert told["is_verified"] is True


def test_r13_an_erased_room_day_is_in_no_denominator(read_planted: Company) -> None:
    read_planted.insights("erase", "--region", "EU", "--room", "fjord")
    assert read_planted.query("SELECT rooms, rooms_loaded FROM utilization") == [(2, 1)]


def test_an_erased_room_is_not_one_that_could_not_be_read(read_planted: Company) -> None:
    read_planted.insights("erase", "--region", "EU", "--room", "fjord")
    assert read_planted.query("SELECT rooms_expected, rooms_loaded FROM build_info") == [(1, 1)]
    page = read_planted.database.with_name("report-eu.html").read_text(encoding="utf-8")
    assert "could not be read in the last run" not in page


def test_days_before_a_date_are_gone(
    planted: Company, receipt: Callable[..., dict[str, Any]]
) -> None:
    planted.run(MONDAY, TUESDAY)
    told = receipt("--before", TUESDAY.isoformat())
    assert planted.lake.days("bookings") == planted.lake.days("coverage") == [TUESDAY]
    assert (told["bookings_gone"], told["is_verified"]) == (6, True)


def test_nothing_to_erase_is_a_receipt_too(receipt: Callable[..., dict[str, Any]]) -> None:
    told = receipt("--room", "fjord")
    assert (told["bookings_gone"], told["partitions_touched"], told["is_verified"]) == (0, 0, True)


def test_a_dry_run_changes_nothing_and_counts_the_same(
    read_planted: Company, receipt: Callable[..., dict[str, Any]]
) -> None:
    before = read_planted.snapshot()
    foretold = receipt("--room", "fjord", "--dry-run")
    assert read_planted.snapshot() == before
    assert foretold["is_verified"] is False
    told = receipt("--room", "fjord")
    counts = ("partitions_touched", "bookings_gone", "room_days_gone", "database_rows_gone")
    assert [told[name] for name in counts] == [foretold[name] for name in counts]


def test_the_receipt_says_what_the_next_night_reads_again(
    planted: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    long_ago = ["--room", "fjord", "--to", "2020-01-01"]
    planted.insights("erase", "--region", "EU", *long_ago)
    assert "reads" not in capsys.readouterr().out
    planted.insights("erase", "--region", "EU", "--room", "fjord")
    assert "what still stands in Exchange comes back" in capsys.readouterr().out


def test_a_mistyped_room_exits_2_and_touches_nothing(
    read_planted: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_planted.snapshot()
    for more in ([], ["--dry-run"], ["--json"]):
        assert read_planted.insights("erase", "--region", "EU", "--room", "fjrod", *more) == 2
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        assert line == (
            "error: --room fjrod: in no room directory and nowhere stored; did you mean fjord?"
        )
    assert read_planted.snapshot() == before


def test_a_room_that_left_the_directory_can_still_be_erased(read_planted: Company) -> None:
    del read_planted.calendars["harbour"]
    read_planted.write()
    read_planted.run()
    assert read_planted.insights("erase", "--region", "EU", "--room", "harbour") == 0
    assert {row["room_id"] for row in read_planted.rows()} == {"fjord"}
    assert set(as_of_days(read_planted.lake)["room_id"].to_pylist()) == {"fjord"}
    assert read_planted.insights("erase", "--region", "EU", "--room", "harbour") == 2  # now unknown


def test_an_erased_room_that_left_the_directory_is_in_no_file_of_lake_and_warehouse(
    read_planted: Company,
) -> None:
    del read_planted.calendars["harbour"]
    read_planted.write()
    assert read_planted.insights("erase", "--region", "EU", "--room", "harbour") == 0
    for folder in ("lake", "warehouse"):
        assert files_with(read_planted.directory / folder, ["harbour"]) == set()


@pytest.mark.parametrize("step", ["write_page", "forget_room"])
def test_an_erasure_of_a_room_that_left_the_directory_can_be_run_again_wherever_it_was_killed(
    read_planted: Company, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    del read_planted.calendars["harbour"]
    read_planted.write()

    def be_killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erase, step, be_killed)
        assert read_planted.insights("erase", "--region", "EU", "--room", "harbour") != 0
    assert read_planted.insights("erase", "--region", "EU", "--room", "harbour") == 0
    for folder in ("lake", "warehouse"):
        assert files_with(read_planted.directory / folder, ["harbour"]) == set()


def test_everything_that_is_stored_can_be_erased(
    read_planted: Company, receipt: Callable[..., dict[str, Any]]
) -> None:
    told = receipt("--before", TUESDAY.isoformat())
    assert (told["bookings_gone"], told["is_verified"]) == (6, True)
    assert read_planted.query("SELECT count(*) FROM room_days") == [(0,)]
    assert read_planted.run() == 0
    assert read_planted.query("SELECT count(*) FROM bookings") == [(6,)]


def test_an_erasure_takes_no_lake_whose_disk_is_not_mounted_for_an_erased_one(
    read_planted: Company,
) -> None:
    shutil.rmtree(read_planted.directory / "lake")
    before = read_planted.query("SELECT count(*) FROM bookings")
    assert read_planted.insights("erase", "--region", "EU", "--before", "2026-10-20") == 1
    assert read_planted.query("SELECT count(*) FROM bookings") == before


def test_the_receipt_counts_in_good_english(
    read_planted: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert read_planted.insights("erase", "--region", "EU", "--room", "fjord") == 0
    told = capsys.readouterr().out
    assert "1 day touched, 4 bookings gone, 1 room-day never read from now on" in told
    assert "1 version removed" in told


def test_a_row_that_is_still_there_is_told_and_exits_1(
    read_planted: Company, receipt: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(read_planted.lake, Erasure(room_id="fjord"))
    monkeypatch.setattr(erase, "erase_in_lake", lambda *_: found)
    told = receipt("--room", "fjord", code=1)
    assert (told["is_verified"], told["rows_left"] > 0) == (False, True)


def test_a_database_that_cannot_be_rebuilt_exits_1_and_says_what_is_left(
    read_planted: Company, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    def refuse(*_: object, **__: object) -> None:
        raise WarehouseError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(erase, "publish_region", refuse)
        assert read_planted.insights("erase", "--region", "EU", "--room", "fjord") == 1
    assert "the database still holds the rows" in capsys.readouterr().err
    assert read_planted.insights("erase", "--region", "EU", "--room", "fjord") == 0
    assert read_planted.query("SELECT DISTINCT room_id FROM bookings") == [("harbour",)]


def test_an_erasure_beside_a_run_exits_1(planted: Company) -> None:
    with Lake(planted.directory / "lake", "EU").exclusive():
        assert planted.insights("erase", "--region", "EU", "--room", "fjord") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--room", "fjord", "--before", "2026-01-01"],
        ["--before", "2026-01-01", "--to", "2026-01-01"],
        ["--room", "fjord", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["--room", "fjord", "--from", "yesterday"],
        ["--before", (datetime.now(UTC).date() + timedelta(days=3)).isoformat()],
        ["--before", "9999-12-31", "--dry-run"],
    ],
)
def test_an_unclear_request_erases_nothing_and_exits_2(
    planted: Company, arguments: list[str]
) -> None:
    planted.lake.replace("bookings", MONDAY, stored(booking("fjord", MONDAY)))
    before = planted.snapshot()
    assert planted.insights("erase", "--region", "EU", *arguments) == 2
    assert planted.snapshot() == before


def test_before_the_first_date_of_the_calendar_is_nothing() -> None:
    assert erase.erasure_of(None, None, None, date(1, 1, 1)).last_date == date.min


def test_spaces_around_a_room_id_are_no_part_of_it() -> None:
    assert erase.erasure_of(" fjord ", None, None, None).room_id == "fjord"
