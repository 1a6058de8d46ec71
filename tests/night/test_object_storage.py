"""Whole nights with lake and warehouse in a bucket of a real server."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.night.workplace import MONDAY, Company, meeting
from tests.object_stores import IN_A_BUCKET
from warehouse.connect import connect
from warehouse.lake import Lake
from warehouse.storage import Location, ObjectUrl, storage_at
from warehouse.versions import VersionError, published_versions

INSTANTS = {"read_at", "built_at", "seen_at", "seen_after", "last_read_at"}


@pytest.fixture
def far_company(company: Company, bucket: ObjectUrl) -> Company:
    company.write(lake=str(bucket / "lake"), warehouse=str(bucket / "warehouse"))
    return company


def names_in(place: Location) -> list[str]:
    names = storage_at(place, "warehouse", VersionError).names()
    return [name for name in names if not name.startswith(".")]


def tables(warehouse: Location) -> dict[str, list[str]]:
    """Return every row of both databases by table, without the times of reading and building."""
    found = {}
    for bookings in (True, False):
        with connect("EU", warehouse=warehouse, bookings=bookings) as connection:
            for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                rows = connection.sql(f'FROM "{name}"').to_arrow_table().to_pylist()
                kept = [{key: row[key] for key in row.keys() - INSTANTS} for row in rows]
                found[f"{name} {bookings}"] = sorted(str(sorted(row.items())) for row in kept)
    return found


@IN_A_BUCKET
def test_nights_in_a_bucket_publish_what_nights_in_folders_do(
    company: Company, bucket: ObjectUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    def two_nights() -> None:
        company.calendars["harbour"][1:] = []
        assert company.run() == 0
        company.calendars["harbour"].append(meeting(MONDAY, 14, 16))
        assert company.run() == 0

    two_nights()
    near = tables(company.directory / "warehouse")
    company.write(lake=str(bucket / "lake"), warehouse=str(bucket / "warehouse"))
    before = company.snapshot()
    capsys.readouterr()
    two_nights()
    said = capsys.readouterr().out
    assert f"published {bucket}/warehouse/current-eu.json" in said
    assert f"page {bucket}/warehouse/report-eu.html" in said
    assert tables(bucket / "warehouse") == near
    assert sum(map(len, near.values())) > 50
    assert company.snapshot() == before
    assert names_in(bucket / "lake") == ["bookings", "changes", "coverage", "rooms"]
    assert len(published_versions(bucket / "warehouse", "EU")) == 2


@IN_A_BUCKET
def test_every_command_that_shows_figures_shows_those_of_a_bucket(
    far_company: Company, bucket: ObjectUrl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert far_company.run() == 0
    page, sheets, record = tmp_path / "page.html", tmp_path / "csv", tmp_path / "record.md"
    assert far_company.insights("publish", "--region", "EU") == 0
    assert far_company.insights("report", "--region", "EU", "--out", str(page)) == 0
    assert far_company.insights("export", "--region", "EU", "--to", str(sheets)) == 0
    assert far_company.insights("privacy-report", "--region", "EU", "--out", str(record)) == 0
    stored = storage_at(bucket / "warehouse", "warehouse", VersionError).get("report-eu.html")
    assert stored is not None
    assert len(stored) == pytest.approx(page.stat().st_size, rel=0.01)
    assert (sheets / "rooms.csv").read_text().count("\n") == 3
    assert f"It writes to {bucket}/lake and {bucket}/warehouse" in record.read_text()
    capsys.readouterr()
    assert far_company.insights("status", "--json") == 0
    (status,) = json.loads(capsys.readouterr().out)
    assert (status["first_date"], status["free_bytes"]) == (MONDAY.isoformat(), {})
    assert status["built_at"] is not None
    assert far_company.insights("status") == 0
    assert "free disk" not in capsys.readouterr().out


@IN_A_BUCKET
def test_what_is_erased_is_in_no_object_of_lake_and_warehouse(
    far_company: Company, bucket: ObjectUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    assert far_company.run() == 0
    capsys.readouterr()
    asked = ("--room", "fjord", "--from", str(MONDAY), "--to", str(MONDAY))
    assert far_company.insights("erase", "--region", "EU", *asked, "--json") == 0
    receipt = json.loads(capsys.readouterr().out)
    assert (receipt["bookings_gone"], receipt["rows_left"]) == (2, 0)
    table = Lake(bucket / "lake", "EU").read("bookings", MONDAY)
    assert table is not None
    assert table["room_id"].to_pylist() == ["harbour"]
    assert len(published_versions(bucket / "warehouse", "EU")) == 1
    with connect("EU", warehouse=bucket / "warehouse", bookings=True) as connection:
        assert rooms_in(connection) == ["harbour"]


def rooms_in(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT room_id FROM bookings").fetchall()
    return [room_id for (room_id,) in rows]
