"""A lake or database that is gone, cut off or changed by hand, and a night that is interrupted."""

import os
import shutil
import signal

import duckdb
import pytest

from pipelines.sandbox.faults import Fault
from tests.night.workplace import MONDAY, Company, address_of


def test_a_lake_that_is_gone_leaves_the_figures_as_they_were(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = read_company
    before = company.query("SELECT sum(booked_minutes) FROM utilization")
    company.directory.joinpath("lake").rename(company.directory / "unmounted")
    assert company.run() == 1
    assert company.insights("publish", "--region", "EU") == 1
    for line in capsys.readouterr().err.splitlines()[-1:]:
        assert "lake: holds no day that was read, and the database has days until" in line
        assert "mount or restore the lake; to begin anew, remove the region's files in" in line
    assert company.query("SELECT sum(booked_minutes) FROM utilization") == before
    shutil.rmtree(company.directory / "warehouse")
    assert company.run() == 0


def test_bookings_that_somebody_deleted_are_told_with_the_run_that_reads_them_again(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = read_company
    before = company.query("SELECT sum(booked_minutes) FROM utilization")
    shutil.rmtree(company.directory / f"lake/bookings/region=EU/date={MONDAY}")
    assert company.insights("publish", "--region", "EU") == 0
    told = f"the bookings of {MONDAY} were read and their files are gone: restore them, or run "
    remedy = f"'insights run --region EU --from {MONDAY} --to {MONDAY}'"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(told + remedy)
    company.insights("status")
    assert told + remedy in capsys.readouterr().out
    assert company.run() == 0
    assert company.query("SELECT sum(booked_minutes) FROM utilization") == before


def test_r13_a_room_that_fails_on_a_day_whose_bookings_were_deleted_was_never_read(
    read_company: Company,
) -> None:
    company = read_company
    shutil.rmtree(company.directory / f"lake/bookings/region=EU/date={MONDAY}")
    address = address_of("fjord")
    company.tenant.faults.add(Fault("soap_fault", room=address, code="ErrorAccessDenied"))
    assert company.run() == 3
    assert company.query("SELECT rooms, rooms_loaded FROM utilization") == [(2, 1)]


@pytest.mark.parametrize("command", ["status", "report", "export", "what-if"])
def test_a_database_that_was_cut_off_is_told_in_a_line(
    read_company: Company, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    warehouse = read_company.directory / "warehouse"
    for file in {path.resolve() for path in warehouse.rglob("*.duckdb")}:
        file.chmod(0o640)
        os.truncate(file, 5000)
    options = {"export": ["--to", str(read_company.directory / "x")], "what-if": ["--suggest"]}
    arguments = [command, "--region", "EU", *options.get(command, [])]
    assert read_company.insights(*arguments) == 1
    said = capsys.readouterr()
    (line,) = [each for each in (said.out + said.err).splitlines() if "cannot be opened" in each]
    assert "is damaged, or was made for another DuckDB: run 'insights publish --region EU'" in line


def test_a_database_that_somebody_changed_is_told_in_a_line(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (read_company.directory / "warehouse").glob("*.duckdb"):
        file.resolve().chmod(0o640)
        with duckdb.connect(str(file.resolve())) as connection:
            connection.execute("DROP TABLE build_info")
    assert read_company.insights("status", "--region", "EU") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the database is not as it was published (CatalogException);")


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_database_without_a_build_is_told_in_a_line(
    read_company: Company, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for file in (read_company.directory / "warehouse").glob("*.duckdb"):
        file.resolve().chmod(0o640)
        with duckdb.connect(str(file.resolve())) as connection:
            connection.execute("DELETE FROM build_info")
    assert read_company.insights(command, "--region", "EU") == 1
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    (line,) = [each for each in lines if "build_info is empty" in each]
    assert "run 'insights publish' for the region" in line


def test_a_run_that_was_interrupted_is_to_be_run_again(
    company: Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("pipelines.night.record_directory", interrupt)
    assert company.run() == 1
    assert "EU: interrupted, or failed (Dagster has the step); run it again" in (
        capsys.readouterr().err
    )
