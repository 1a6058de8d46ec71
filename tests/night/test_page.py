"""The page as written by hand, by a night, and after an erasure."""

import stat
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import launch_night
from pipelines.night import SILENT
from pipelines.settings import load_settings
from pipelines.sources import DayRange
from tests.night.workplace import MONDAY, Company
from tests.page.pages import unpacked


def page(company: Company) -> Path:
    return company.database.with_name("report-eu.html")


def used_days_on(path: Path) -> int:
    return sum(unpacked(path.read_text(encoding="utf-8"))["time"]["used_days"])


def test_every_night_draws_the_page_after_the_database(company: Company, tmp_path: Path) -> None:
    settings = load_settings(company.config, None)
    home = tmp_path / ".dagster"
    assert launch_night(settings, "EU", DayRange(MONDAY, MONDAY), home, SILENT).is_success
    assert used_days_on(page(company)) == 2
    assert stat.S_IMODE(page(company).stat().st_mode) == 0o640
    with dg.DagsterInstance.from_config(str(home)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["eu", "report"]))
        assert event is not None
        assert event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
    assert metadata["file"].value == "report-eu.html"
    assert metadata["rooms"].value == 2


def test_report_writes_the_page_where_it_is_asked_for(
    read_company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "elsewhere.html"
    assert read_company.insights("report", "--region", "EU", "--out", str(out)) == 0
    assert f"EU: page of 2 rooms in {out}, " in capsys.readouterr().out
    assert used_days_on(out) == 2


def test_what_is_left_as_parquet_only_is_drawn_checked_exported_and_erased_too(
    read_company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_company.insights("publish", "--region", "EU", "--output", "parquet") == 0
    warehouse = read_company.database.parent
    assert f"EU: published {warehouse / 'parquet-eu'}, data through " in capsys.readouterr().out
    assert not list(warehouse.glob("*.duckdb"))
    assert used_days_on(page(read_company)) == 2
    assert read_company.insights("export", "--region", "EU", "--to", str(tmp_path / "csv")) == 0
    definitions = (tmp_path / "csv" / "definitions.csv").read_text(encoding="utf-8")
    assert "One booking" not in definitions
    assert "suppressed_cells" in definitions
    assert read_company.insights("privacy-report", "--region", "EU") == 0
    assert read_company.insights("erase", "--region", "EU", "--room", "fjord") == 0
    assert used_days_on(page(read_company)) == 1


def test_report_and_what_if_without_a_database_are_one_line(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    statistics = company.database.with_name("insights-eu-statistics.duckdb")
    for command, database in (("report", statistics), ("what-if", company.database)):
        assert company.insights(command, "--region", "EU") == 1
        assert capsys.readouterr().err == (
            f"error: {database}: no database yet: run 'insights run --region EU', "
            "or 'insights publish --region EU' if its days were read\n"
        )


def test_what_if_of_a_database_without_a_past_day_says_what_to_run(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert company.insights("publish", "--region", "EU") == 0
    assert company.insights("what-if", "--region", "EU", "--suggest") == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: EU: no day has been read and is over yet: run 'insights run --region EU'"
    ]


def test_an_erasure_reaches_the_page(read_company: Company) -> None:
    assert read_company.insights("erase", "--region", "EU", "--room", "fjord") == 0
    assert used_days_on(page(read_company)) == 1
