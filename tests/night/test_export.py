"""``insights export`` writes CSV, and a workbook that office programs open, with equal figures."""

import csv
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.needs import needs_libreoffice
from tests.night.workplace import MONDAY, Company
from transforms.contract.database import STATISTICS


def exported(company: Company, *arguments: str, to: str = "figures.xlsx") -> Path:
    path = company.directory / to
    assert company.insights("export", "--region", "EU", *arguments, "--to", str(path)) == 0
    return path


def sheet(path: Path, name: str) -> Any:
    return openpyxl.load_workbook(path)[name]


def rows_of(path: Path, name: str) -> list[dict[str, Any]]:
    heading, *rows = sheet(path, name).iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def test_each_table_is_a_sheet_with_the_databases_figures(read_company: Company) -> None:
    path = exported(read_company)
    (row,) = rows_of(path, "utilization")
    assert (row["rooms"], row["open_minutes"], row["booked_minutes"]) == (2, 1200, 240)
    assert row["booked_utilization"] == 0.2
    assert row["local_date"] == datetime(2026, 10, 19)  # noqa: DTZ001 - a sheet knows no zone
    assert set(openpyxl.load_workbook(path).sheetnames) == {*STATISTICS, "definitions"}


def test_a_day_that_a_sheet_cannot_hold_is_an_empty_cell(read_company: Company) -> None:
    (room, _) = rows_of(exported(read_company), "rooms_as_of")
    assert (room["room_id"], room["building"], room["valid_from"]) == ("fjord", "HQ", None)
    assert room["valid_to"] == datetime(9999, 12, 31)  # noqa: DTZ001 - a sheet knows no zone


def test_headers_are_frozen_and_numbers_and_dates_look_like_what_they_are(
    read_company: Company,
) -> None:
    utilization = sheet(exported(read_company), "utilization")
    assert utilization.freeze_panes == "A2"
    assert utilization.auto_filter.ref
    columns = {cell.value: cell.column for cell in utilization[1]}
    formats = {
        name: utilization.cell(2, columns[name]).number_format
        for name in ("local_date", "open_minutes", "booked_utilization")
    }
    assert formats == {
        "local_date": "yyyy-mm-dd",
        "open_minutes": "#,##0",
        "booked_utilization": "0 %",
    }


def test_instants_are_in_utc_without_a_zone_and_the_definitions_say_so(
    read_company: Company,
) -> None:
    path = exported(read_company)
    ((built_at,),) = read_company.query("SELECT built_at FROM build_info")
    (row,) = rows_of(path, "build_info")
    written = row["built_at"].replace(tzinfo=UTC)
    assert abs((written - built_at).total_seconds()) < 0.01
    (meaning,) = [
        each["meaning"]
        for each in rows_of(path, "definitions")
        if (each["table"], each["column"]) == ("build_info", "built_at")
    ]
    assert meaning.endswith("In UTC.")


def test_only_the_tables_named_are_written_with_their_definitions(read_company: Company) -> None:
    path = exported(read_company, "room_days", "rooms")
    assert set(openpyxl.load_workbook(path).sheetnames) == {"definitions", "rooms", "room_days"}
    assert {each["table"] for each in rows_of(path, "definitions")} == {"rooms", "room_days"}


def test_a_folder_gets_a_csv_file_a_table_from_the_statistics_alone(read_company: Company) -> None:
    shutil.rmtree(
        read_company.directory / "warehouse" / "versions"
    )  # single bookings are not needed
    folder = exported(read_company, "room_days", to="csv")
    assert sorted(path.name for path in folder.iterdir()) == ["definitions.csv", "room_days.csv"]
    with (folder / "room_days.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["room_id"], row["local_date"], row["booked_minutes"]) for row in rows}
    assert found == {("fjord", MONDAY.isoformat(), "180"), ("harbour", MONDAY.isoformat(), "60")}


def test_a_name_that_looks_like_a_formula_stays_text(company: Company) -> None:
    (company.directory / "rooms.csv").write_text(
        "room_id,address,time_zone,building,name\n"
        "fjord,fjord@rooms.contoso.example,Europe/Copenhagen,HQ,=1+1\n"
    )
    company.run()
    (row,) = rows_of(exported(company, "rooms"), "rooms")
    cell = sheet(company.directory / "figures.xlsx", "rooms")["C2"]
    assert (row["name"], cell.data_type) == ("=1+1", "s")


def test_single_bookings_are_never_exported(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    path = read_company.directory / "figures.xlsx"
    capsys.readouterr()
    assert read_company.insights("export", "--region", "EU", "bookings", "--to", str(path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: bookings: no such table")
    assert not path.exists()


def test_an_unknown_table_and_a_region_without_a_database_are_one_line(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(read_company.directory / "figures.xlsx")
    capsys.readouterr()
    assert read_company.insights("export", "--region", "EU", "room_day", "--to", path) == 2
    assert capsys.readouterr().err == "error: room_day: no such table; did you mean room_days?\n"
    shutil.rmtree(read_company.directory / "warehouse")
    assert read_company.insights("export", "--region", "EU", "--to", path) == 1
    assert "no database yet" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["figures.xls", "Figures.CSV", "figures.pdf"])
def test_the_name_of_another_kind_of_file_is_not_taken_for_a_folder(
    company: Company, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = company.directory / name
    assert company.insights("export", "--region", "EU", "--to", str(path)) == 2
    assert capsys.readouterr().err.startswith(f"error: --to {path}: no such file is written; ")
    assert not path.exists()


def test_what_cannot_be_written_is_named_as_the_operator_named_it(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    path = read_company.directory / "folder.xlsx"
    path.mkdir()
    assert read_company.insights("export", "--region", "EU", "rooms", "--to", str(path)) == 1
    remedy = "see to its permissions and disk, or name another place"
    assert capsys.readouterr().err == f"error: {path}: Is a directory; {remedy}\n"


@needs_libreoffice
def test_libreoffice_opens_the_workbook_and_reads_the_same_figures(read_company: Company) -> None:
    path = exported(read_company)
    profile = read_company.directory / "profile"
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless"]
    command += ["--convert-to", every_sheet, "--outdir", str(read_company.directory), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    with (read_company.directory / "figures-room_days.csv").open(newline="") as file:
        found = {
            (row["room_id"], row["local_date"], row["booked_minutes"])
            for row in csv.DictReader(file)
        }
    day = date(2026, 10, 19).isoformat()
    assert found == {("fjord", day, "180"), ("harbour", day, "60")}


def test_a_room_directory_is_not_replaced_by_the_table_of_rooms(
    read_company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = read_company.directory / "figures"
    folder.mkdir()
    directory = folder / "rooms.csv"
    directory.write_text("room_id;address;time_zone\n", encoding="utf-8")
    assert read_company.insights("export", "--region", "EU", "--to", str(folder)) == 2
    assert "rooms.csv: is a room directory; name another folder" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["rooms.csv"]
    directory.unlink()
    exported(read_company, to="figures")
    exported(read_company, to="figures")
