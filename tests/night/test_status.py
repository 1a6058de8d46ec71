"""``insights status`` says how old the figures are; ``run --dry-run`` stores nothing."""

import ctypes
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.cli.status import status_of
from pipelines.definitions import build_defs
from pipelines.history import last_run, open_instance
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import load_settings
from pipelines.sources import DayRange
from tests.night.conftest import calendars
from tests.night.two_exchanges import graph_exchange
from tests.night.workplace import MONDAY, Company, address_of, first_night, meeting


def status(company: Company, capsys: pytest.CaptureFixture[str], code: int) -> dict[str, Any]:
    capsys.readouterr()
    assert company.insights("status", "--json") == code
    (region,) = json.loads(capsys.readouterr().out)
    assert isinstance(region, dict)
    return region


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture(scope="module")
def night_of_today(
    tmp_path_factory: pytest.TempPathFactory, empty_history: Path, authority: CertificateAuthority
) -> Path:
    """The folder of ``company`` after a night over today, to be copied."""
    day = DayRange(today(), today())
    folder = tmp_path_factory.mktemp("today")
    return first_night(folder, empty_history, authority, calendars(), day)


@pytest.fixture
def company_of_today(company: Company, night_of_today: Path) -> Company:
    """``company`` after a night over today."""
    company.take_over(night_of_today)
    return company


def test_before_the_first_night_the_status_is_stale_and_says_what_to_run(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    found = status(company, capsys, 1)
    assert (found["is_stale"], found["age_hours"], found["last_run"]) == (True, None, None)
    assert found["first_date"] is None
    (to_do,) = found["to_do"]
    assert "insights run --region EU" in to_do
    assert not company.snapshot()


def test_after_a_night_the_status_has_its_rooms_days_and_age(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    day = today()
    assert company.run(day - timedelta(days=1), day) == 0
    found = status(company, capsys, 0)
    assert (found["region"], found["is_stale"], found["to_do"]) == ("EU", False, [])
    assert (found["rooms_expected"], found["rooms_loaded"]) == (2, 2)
    assert found["first_date"] == (day - timedelta(days=1)).isoformat()
    assert found["last_date"] == day.isoformat()
    assert found["last_run"]["state"] == "whole"
    assert 0 <= found["age_hours"] < 1
    assert set(found["free_bytes"]) == {"lake", "warehouse"}
    assert min(found["free_bytes"].values()) > 0


@pytest.mark.parametrize(
    ("kind", "remedy"), [("ews", "Add-MailboxFolderPermission"), ("graph", "The app may not read")]
)
def test_a_partial_night_names_its_codes_with_the_remedy_of_its_protocol(
    company: Company, kind: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "graph":
        company.write(exchanges={"sandbox": graph_exchange(company)})
    company.tenant.faults.add(
        Fault("response_code", room=address_of("fjord"), code="ErrorAccessDenied", status=403)
    )
    assert company.run(today(), today()) == 3
    found = status(company, capsys, 0)
    assert (found["rooms_expected"], found["rooms_loaded"]) == (2, 1)
    assert found["failed_by_code"] == {"ErrorAccessDenied": 1}
    assert found["last_run"]["state"] == "partial"
    (to_do,) = found["to_do"]
    assert to_do.startswith("1 room: ErrorAccessDenied: ")
    assert remedy in to_do


def test_a_room_that_was_removed_because_it_failed_is_no_longer_expected_nor_failed(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Fault("response_code", room=address_of("fjord"), code="ErrorNonExistentMailbox")
    company.tenant.faults.add(gone)
    assert company.run(today(), today()) == 3
    assert status(company, capsys, 0)["failed_by_code"] == {"ErrorNonExistentMailbox": 1}
    del company.calendars["fjord"]
    company.write()
    assert company.run(today(), today()) == 0
    found = status(company, capsys, 0)
    assert (found["rooms_expected"], found["rooms_loaded"]) == (1, 1)
    assert (found["failed_by_code"], found["to_do"]) == ({}, [])


def test_a_run_of_assets_that_somebody_started_in_dagster_is_told_until_it_ends(
    company_of_today: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company, home = company_of_today, company_of_today.directory / ".dagster"
    job = build_defs(load_settings(company.config, None)).resolve_implicit_global_asset_job_def()
    with open_instance(home) as instance:
        run = instance.create_run_for_job(
            job,
            asset_selection={dg.AssetKey(["eu", "bookings"])},
            status=dg.DagsterRunStatus.STARTED,
        )
    assert status(company, capsys, 0)["last_run"]["state"] == "running"
    assert last_run(home, "NA") is None
    with open_instance(home) as instance:
        instance.report_run_canceled(run)
    assert status(company, capsys, 0)["last_run"]["state"] == "whole"


def test_a_failed_night_is_told_while_the_figures_are_still_fresh(
    company_of_today: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = company_of_today
    company.tenant.faults.add(Fault("response_code", code="ErrorAccessDenied"))
    assert company.run(today(), today()) == 1
    found = status(company, capsys, 0)
    assert found["last_run"]["state"] == "failed"
    assert found["last_run"]["error_code"] == "NothingRead"
    assert "none of 2 rooms could be read" in found["to_do"][0]


def test_figures_of_the_day_before_yesterday_are_stale(company_of_today: Company) -> None:
    company = company_of_today
    settings = load_settings(company.config, None)
    home, now = company.directory / ".dagster", datetime.now(UTC)
    assert not status_of(settings, "EU", home, now + timedelta(hours=29)).is_stale
    assert status_of(settings, "EU", home, now + timedelta(hours=31)).is_stale


def test_a_clock_that_was_put_back_makes_no_age_below_zero(company_of_today: Company) -> None:
    company = company_of_today
    settings = load_settings(company.config, None)
    (day,) = company.lake.days("coverage")
    earlier = company.rows("coverage", day)[0]["read_at"] - timedelta(minutes=2)
    found = status_of(settings, "EU", company.directory / ".dagster", earlier)
    assert next(found.lines()) == "EU: read 0 minutes ago"


def test_days_that_were_only_read_ahead_are_told_once_no_night_reads_them_again(
    company: Company,
) -> None:
    ahead = [today() + timedelta(days=days) for days in (1, 5)]
    assert company.run(*ahead) == 0
    settings = load_settings(company.config, None)
    home, now = company.directory / ".dagster", datetime.now(UTC)
    told = f"run 'insights run --region EU --from {ahead[0]} --to {ahead[1]}'"
    later = (now + timedelta(days=days) for days in (10, 40))
    found = ["\n".join(status_of(settings, "EU", home, at).to_do()) for at in later]
    assert [told in lines for lines in found] == [False, True]


def test_rows_that_no_database_shows_yet_are_told(
    company_of_today: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = company_of_today
    (company.directory / "warehouse" / "current-eu").unlink()
    found = status(company, capsys, 0)
    assert found["to_do"] == [
        "the database is older than what was read: run 'insights publish --region EU'"
    ]


@pytest.mark.parametrize("refused", ["warehouse/statistics", "warehouse/versions"])
def test_a_warehouse_of_which_a_folder_is_refused_is_told_once_with_the_true_cause(
    company_of_today: Company, refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    company = company_of_today
    with without_access(company.directory / refused):
        assert company.run(today(), today()) == 1
        found = status(company, capsys, 1)
    (line,) = found["to_do"]
    assert line == found["warehouse_error"]
    assert line.startswith(str(company.directory / refused))
    assert "cannot be read (Permission denied): see to its permissions" in line


@contextmanager
def without_access(folder: Path) -> Iterator[None]:
    """Deny this thread access to a folder; root has to give up its capabilities for that."""
    libc, capabilities = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 6)()
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # for this thread; see capset(2)
    assert libc.capget(header, capabilities) == 0
    effective = capabilities[0]
    mode = folder.stat().st_mode
    folder.chmod(0)
    try:
        capabilities[0] = effective & ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
        assert libc.capset(header, capabilities) == 0
        yield
    finally:
        capabilities[0] = effective
        assert libc.capset(header, capabilities) == 0
        folder.chmod(mode)


def test_the_status_for_people_is_a_few_lines(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.run(today(), today())
    capsys.readouterr()
    assert company.insights("status", "--region", "EU") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("EU: read 0 minutes ago")
    assert lines[1].endswith("UTC, complete")
    assert [line.split("  ")[1].strip() for line in lines[1:]] == [
        "last run",
        "rooms",
        "days read",
        "database",
        "free disk",
    ]


def test_a_dry_run_counts_what_a_run_would_store_and_stores_nothing(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    read_company.calendars["fjord"].append(meeting(MONDAY, 13, 14))
    before = read_company.snapshot()
    runs = sorted((read_company.directory / ".dagster").rglob("*"))
    days = ["--from", MONDAY.isoformat(), "--to", MONDAY.isoformat()]
    capsys.readouterr()
    assert read_company.insights("run", "--region", "EU", *days, "--dry-run") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (
        "EU: 2 of 2 rooms can be read, 2026-10-19 to 2026-10-19, 4 bookings; "
        "dry run: nothing was stored"
    )
    assert read_company.snapshot() == before
    assert sorted((read_company.directory / ".dagster").rglob("*")) == runs


def test_a_dry_run_of_which_some_or_all_rooms_fail_exits_as_a_run_does(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.tenant.faults.add(
        Fault("response_code", room=address_of("fjord"), code="ErrorAccessDenied")
    )
    days = ["--from", MONDAY.isoformat(), "--to", MONDAY.isoformat(), "--dry-run"]
    assert company.insights("run", "--region", "EU", *days) == 3
    assert "EU fjord: ErrorAccessDenied" in capsys.readouterr().out
    company.tenant.faults.add(Fault("response_code", code="ErrorAccessDenied"))
    assert company.insights("run", "--region", "EU", *days) == 1
    assert "none of 2 rooms could be read" in capsys.readouterr().err
    assert not (company.directory / "lake").exists()


def test_a_history_that_cannot_be_opened_is_one_line_with_its_folder_and_the_remedy(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    home = company.directory / ".dagster"
    shutil.rmtree(home / "history")
    (home / "history" / "runs.db").mkdir(parents=True)
    assert company.insights("status") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {home}: the history of runs cannot be reached: ")
    assert line.endswith("see to its permissions and disk, or set DAGSTER_HOME to another folder")
