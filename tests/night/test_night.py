"""A night from a room mailbox over EWS to a figure in the database, including failed nights."""

import errno
import io
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.history import open_instance
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import PASSWORD
from tests.night.workplace import ANNA, MONDAY, Company, address_of, at, meeting

TUESDAY = MONDAY + timedelta(days=1)


def without_read_at(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "read_at"} for row in rows]


@pytest.mark.usefixtures("lake_only")
def test_a_night_stores_each_booking_once_under_its_local_start_date(company: Company) -> None:
    company.calendars["fjord"].append(meeting(MONDAY, 22, 23))  # midnight in Copenhagen: Tuesday
    assert company.run(MONDAY, TUESDAY) == 0
    assert [(row["room_id"], row["starts_at"]) for row in company.rows()] == [
        ("fjord", at(MONDAY, 7)),
        ("fjord", at(MONDAY, 9)),
        ("harbour", at(MONDAY, 12)),
    ]
    assert [row["starts_at"] for row in company.rows(day=TUESDAY)] == [at(MONDAY, 22)]


def test_a_night_counts_people_and_outsiders_without_storing_them(read_company: Company) -> None:
    assert [(row["invited_headcount"], row["has_external"]) for row in read_company.rows()] == [
        (2, False),
        (2, True),
        (2, False),
    ]


def test_a_night_ends_in_utilization(read_company: Company) -> None:
    assert read_company.query("SELECT rooms, open_minutes, booked_minutes FROM utilization") == [
        (2, 1200, 240)
    ]


@pytest.mark.usefixtures("lake_only")
def test_the_same_night_twice_leaves_equal_rows(read_company: Company) -> None:
    before = without_read_at(read_company.rows())
    read_company.run()
    assert without_read_at(read_company.rows()) == before


@pytest.mark.usefixtures("lake_only")
def test_cancelling_and_moving_show_after_the_next_night(read_company: Company) -> None:
    company = read_company
    fjord = company.calendars["fjord"]
    fjord[0] = replace(fjord[0], is_cancelled=True)
    fjord[1] = replace(fjord[1], starts_at=at(TUESDAY, 9), ends_at=at(TUESDAY, 11))
    assert company.run(MONDAY, TUESDAY) == 0
    assert [(row["room_id"], row["status"]) for row in company.rows()] == [
        ("fjord", "cancelled"),
        ("harbour", "booked"),
    ]
    assert [row["room_id"] for row in company.rows(day=TUESDAY)] == ["fjord"]


@pytest.mark.usefixtures("lake_only")
def test_a_booking_that_vanished_is_gone_after_the_next_night(read_company: Company) -> None:
    read_company.calendars["fjord"].clear()
    read_company.run()
    assert {row["room_id"] for row in read_company.rows()} == {"harbour"}


@pytest.mark.usefixtures("lake_only")
def test_r13_a_room_that_fails_keeps_its_rows_and_coverage_says_so(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_company.rows()
    read_company.calendars["harbour"].clear()
    read_company.calendars["fjord"].clear()
    read_company.tenant.faults.add(
        Fault("response_code", room=address_of("fjord"), code="ErrorAccessDenied")
    )
    assert read_company.run() == 3
    assert read_company.rows() == [row for row in before if row["room_id"] == "fjord"]
    coverage = {row["room_id"]: row for row in read_company.rows("coverage")}
    assert coverage["fjord"]["is_loaded"] is False
    assert coverage["fjord"]["error_code"] == "ErrorAccessDenied"
    assert coverage["fjord"]["read_at"] == before[0]["read_at"]
    assert coverage["harbour"]["is_loaded"] is True
    assert "EU fjord: ErrorAccessDenied" in capsys.readouterr().out


def test_r13_a_room_never_read_is_in_no_denominator(company: Company) -> None:
    company.tenant.faults.add(
        Fault("response_code", room=address_of("fjord"), code="ErrorAccessDenied")
    )
    assert company.run() == 3
    assert company.query(
        "SELECT rooms, rooms_loaded, open_minutes, booked_minutes FROM utilization"
    ) == [(2, 1, 600, 60)]


def test_r13_a_new_room_whose_first_reading_fails_is_missing_and_not_unknown(
    read_company: Company,
) -> None:
    read_company.calendars["attic"] = []  # in the directory, but not in Exchange
    read_company.write()
    assert read_company.run() == 3
    cells = "SELECT rooms, rooms_loaded, open_minutes, booked_minutes FROM utilization"
    assert read_company.query(cells) == [(3, 2, 1200, 240)]
    coverage = "SELECT is_loaded, error_code FROM coverage WHERE room_id = 'attic'"
    assert read_company.query(coverage) == [(False, "ErrorNonExistentMailbox")]
    assert read_company.query("SELECT rooms_expected, rooms_loaded FROM build_info") == [(3, 2)]


def test_a_night_in_which_the_whole_region_fails_changes_nothing(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_company.snapshot()
    read_company.tenant.faults.add(Fault("response_code", code="ErrorAccessDenied"))
    assert read_company.run() == 1
    assert read_company.snapshot() == before
    assert "none of 2 rooms could be read (ErrorAccessDenied)" in capsys.readouterr().err


def test_a_wrong_password_is_tried_once_and_changes_nothing(
    read_company: Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_company.snapshot()
    asked = len(list(read_company.tenant.log))
    monkeypatch.setenv("TEST_PASSWORD", "not-" + PASSWORD)
    assert read_company.run() == 1
    assert len(list(read_company.tenant.log)) == asked + 1
    assert read_company.snapshot() == before
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("error: EU: none of 2 rooms could be read (HTTP401): Exchange refused")
    assert "not-" + PASSWORD not in captured.out + captured.err


@pytest.mark.usefixtures("lake_only")
@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_a_night_goes_on_and_ends_well_though_nobody_can_read_its_lines(
    company: Company, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error(errno.EPIPE if error is BrokenPipeError else errno.ENOSPC, "gone")

    monkeypatch.setattr(sys, "stdout", Gone())
    assert company.run() == 0
    assert company.rows()


def test_an_unreachable_server_changes_nothing(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_company.snapshot()
    nobody = "https://localhost:9/EWS/Exchange.asmx"
    read_company.write(exchange={"endpoint": nobody, "room_deadline_seconds": 1})
    assert read_company.run() == 1
    assert read_company.snapshot() == before
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "blocked"),
    [
        ("warehouse", "warehouse"),
        ("warehouse", "warehouse/versions"),
        ("warehouse", "warehouse/statistics"),
        ("lake", "lake"),
    ],
)
def test_what_could_not_be_stored_is_not_read(
    read_company: Company, capsys: pytest.CaptureFixture[str], key: str, blocked: str
) -> None:
    shutil.rmtree(read_company.directory / blocked)
    (read_company.directory / blocked).write_bytes(b"a file where a folder is to be")
    before, asked = read_company.snapshot(), len(list(read_company.tenant.log))
    assert read_company.run() == 1
    assert len(list(read_company.tenant.log)) == asked
    assert {**before, **read_company.snapshot()} == before
    (line,) = capsys.readouterr().err.splitlines()
    assert f"error: {read_company.directory / blocked}" in line
    remedy = f"see to its permissions and disk, or change '{key}' in the configuration"
    assert f"(Not a directory): {remedy}" in line


@pytest.mark.usefixtures("lake_only")
def test_without_headcount_no_invitee_is_ever_asked_for(company: Company) -> None:
    company.write(headcount=False)
    assert company.run() == 0
    assert {entry.operation for entry in company.tenant.log} == {"FindItem"}
    assert {(row["invited_headcount"], row["has_external"]) for row in company.rows()} == {
        (None, None)
    }


def test_a_room_taken_out_of_the_directory_keeps_its_rows_in_the_lake_only(
    read_company: Company,
) -> None:
    del read_company.calendars["harbour"]
    read_company.write()
    assert read_company.run() == 0
    assert {row["room_id"] for row in read_company.rows()} == {"fjord", "harbour"}
    assert read_company.query("SELECT DISTINCT room_id FROM room_days") == [("fjord",)]


def test_another_run_of_the_region_is_refused(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    with company.lake.exclusive():
        assert company.run() == 1
    assert "EU" in capsys.readouterr().err


def test_publish_takes_the_directory_as_it_is_now(read_company: Company) -> None:
    rooms = read_company.directory / "rooms.csv"
    rooms.write_text(rooms.read_text().replace(",HQ,8", ",HQ,20"))
    assert read_company.insights("publish", "--region", "EU") == 0
    assert read_company.query("SELECT DISTINCT capacity FROM rooms") == [(20,)]


def test_r18_publish_says_what_an_edit_changes_from_when_and_restates_on_request(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = "SELECT DISTINCT capacity_band FROM utilization WHERE local_date = '2026-10-19'"
    rooms = read_company.directory / "rooms.csv"
    rooms.write_text(rooms.read_text().replace(",HQ,8", ",HQ,20"))
    capsys.readouterr()
    assert read_company.insights("publish", "--region", "EU") == 0
    today = datetime.now(ZoneInfo("Europe/Copenhagen")).date()
    assert f"fjord: capacity 8 to 20 from {today}" in capsys.readouterr().out
    assert read_company.query(sizes) == [("5-8",)]  # the past stays as it was
    day = MONDAY.isoformat()
    assert read_company.insights("publish", "--region", "EU", "--restate-from", day) == 0
    assert f"fjord: capacity 8 to 20 from {day}" in capsys.readouterr().out
    assert read_company.query(sizes) == [("15-30",)]
    later = (today + timedelta(days=2)).isoformat()
    assert read_company.insights("publish", "--region", "EU", "--restate-from", later) == 2
    assert "write valid_from in the CSV" in capsys.readouterr().err


@pytest.mark.usefixtures("lake_only")
def test_r18_a_night_says_what_it_sees_first_in_the_directory(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    del read_company.calendars["harbour"]
    read_company.calendars["attic"] = []
    read_company.write()
    rooms = read_company.directory / "rooms.csv"
    rooms.write_text(rooms.read_text().replace(",HQ,8", ",HQ,20"))
    assert read_company.run() == 3  # the attic is not in Exchange
    today = datetime.now(ZoneInfo("Europe/Copenhagen")).date()
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith("EU: room directory")]
    assert told == [
        f"EU: room directory: added from {today}: attic",
        f"EU: room directory: capacity changed from {today}: fjord",
        f"EU: room directory: taken out from {today}: harbour",
    ]
    assert read_company.run() == 3
    assert "EU: room directory" not in capsys.readouterr().out


def test_r18_a_valid_from_in_the_past_is_told_as_restated(read_company: Company) -> None:
    rooms = read_company.directory / "rooms.csv"
    head, *rows = rooms.read_text().splitlines()
    smaller = next(row for row in rows if row.startswith("fjord")).replace(",HQ,8", ",HQ,4")
    dated = [f"{head},valid_from", *(f"{row}," for row in rows), f"{smaller},{TUESDAY}"]
    rooms.write_text("\n".join(dated))
    for _ in range(2):
        assert read_company.run(MONDAY, TUESDAY) == 0
        assert read_company.query("SELECT restated_from FROM build_info") == [(TUESDAY,)]


def test_the_organizers_own_name_in_the_subject_is_nowhere(read_company: Company) -> None:
    assert not [
        path for path, content in read_company.snapshot().items() if ANNA.name.encode() in content
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--region", "NA"], "not loaded"),
        (["run", "--region", "EU", "--from", "2026-10-20", "--to", "2026-10-19"], "is after"),
        (["run", "--region", "EU", "--from", "2019-01-01"], "retention_months"),
        (["run", "--region", "EU", "--from", "yesterday"], "yesterday"),
        (["run", "--region", "EU", "--from", "2990-01-01"], "where the window ends; give --to too"),
        (["run", "--region", "EU", "--to", "2020-01-01"], "begins; give --from too"),
        (["run", "--region", "EU", "--to", "9999-12-31"], "1080 days ahead"),
        (["run"], "--region"),
        (["run", "--region", "APAC"], "APAC"),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(
    company: Company, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert company.insights(*arguments) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert told in errors[0]


def test_a_missing_secret_names_its_variable_and_exits_2(
    company: Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEST_PASSWORD")
    assert company.run() == 2
    assert "TEST_PASSWORD" in capsys.readouterr().err
    assert not company.snapshot()


def test_an_unknown_key_is_named_and_nothing_stored_is_touched(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_company.snapshot()
    read_company.write(nightly="02:30")
    assert read_company.run() == 2
    assert "nightly" in capsys.readouterr().err
    assert read_company.snapshot() == before


@pytest.mark.usefixtures("lake_only")
def test_retention_deletes_old_days_after_the_night(read_company: Company) -> None:
    old = MONDAY - timedelta(days=800)
    read_company.lake.replace("bookings", old, read_company.lake.read("bookings", MONDAY))
    assert read_company.run() == 0
    assert read_company.lake.days("bookings") == [MONDAY]


def test_older_versions_that_hold_days_past_the_retention_go_after_the_night(
    read_company: Company,
) -> None:
    read_company.run()
    versions = read_company.directory / "warehouse" / "versions"
    assert len(list(versions.glob("*.duckdb"))) == 2
    read_company.write(settings={"retention_months": 1})
    recent = datetime.now(UTC).date() - timedelta(days=2)
    assert read_company.run(recent, recent) == 0
    assert len(list(versions.glob("*.duckdb"))) == 1
    assert read_company.lake.days("bookings") == [recent]


@pytest.mark.usefixtures("lake_only")
def test_a_run_never_queues_behind_another_that_dagster_believes_to_be_alive(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run may have been killed; if it is alive, the lake's lock refuses the second at once."""
    with open_instance(company.directory / ".dagster") as instance:
        storage = instance.event_log_storage
        storage.initialize_concurrency_limit_to_default("eu")
        storage.claim_concurrency_slot("eu", "a-run-that-was-killed", "bookings")
        assert storage.get_concurrency_info("eu").active_run_ids == {"a-run-that-was-killed"}
    assert company.run() == 0
    before = company.snapshot()
    with company.lake.exclusive():
        assert company.run() == 1
    assert "another run of region EU is going on" in capsys.readouterr().err
    assert company.snapshot() == before
