"""Busy ahead: the page shows the ranges of the statistics with their back-test."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from tests.page.browser import Browser
from tests.page.pages import Page, choose, table_in, words_of
from tests.page.test_access import show_on
from tests.questions.office import publish_company
from warehouse import connect
from warehouse.page import write_page


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    publish_company(folder)
    path = folder / "page.html"
    write_page(folder / "eu/warehouse", "EU", path)
    return path


@pytest.fixture
def statistics(company: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect("EU", warehouse=company.parent / "eu/warehouse") as connection:
        yield connection


def test_each_day_stands_with_its_range_and_the_back_test_of_its_distance(
    company: Path, browser: Browser, statistics: duckdb.DuckDBPyConnection
) -> None:
    tab = browser.open(company)
    for building in ("HQ", "Pier"):
        choose(tab, building=building)
        shown = [
            [float(each) if each else None for each in row[1:]] for row in table_in(tab, "busy")
        ]
        expected = statistics.execute(
            "SELECT booked_minutes, low, median, high, days, share_within, median_error,"
            " naive_error FROM busy_ahead a JOIN busy_ahead_check c ON c.building = a.building "
            "AND c.days_ahead = a.local_date - (SELECT data_through FROM build_info) "
            "WHERE a.building = ? ORDER BY a.local_date",
            [building],
        ).fetchall()
        assert len(shown) == len(expected) >= 15
        for row, stated in zip(shown, expected, strict=True):
            assert row == pytest.approx(list(stated), abs=0.01)
        assert f"{building} looks fullest on" in words_of(tab, "busy")
        assert "came within such a range (60% should)" in words_of(tab, "busy")
    assert tab.complaints() == []


def test_the_summary_quotes_the_back_test_of_the_fullest_days_own_distance(
    company: Path, browser: Browser, statistics: duckdb.DuckDBPyConnection
) -> None:
    tab = browser.open(company, "#building=HQ")
    found = statistics.execute(
        "SELECT days_ahead, days FROM busy_ahead a JOIN busy_ahead_check c"
        " ON c.building = a.building AND days_ahead = local_date -"
        " (SELECT data_through FROM build_info) WHERE a.building = 'HQ'"
        " ORDER BY median / open_minutes DESC LIMIT 1"
    ).fetchone()
    assert found
    distance, days = found
    expected = f"Tested on {days} past days, with what was known {distance} days before each"
    assert expected in words_of(tab, "busy")


def test_where_it_is_too_early_for_a_range_the_page_says_so(worked: Page, browser: Browser) -> None:
    tab = browser.open(worked.path)
    assert "too early for a range" in words_of(tab, "busy")
    assert {tuple(row[2:5]) for row in table_in(tab, "busy")} == {("", "", "")}


@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing_in_the_section(company: Path, width: int, browser: Browser) -> None:
    tab = browser.open(company, "#building=HQ")
    show_on(tab, width)
    assert len(table_in(tab, "busy")) >= 15
    tab.value(files("axe_playwright_python").joinpath("axe.min.js").read_text() + "; 0")
    rules = json.dumps(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    found = tab.value(
        f"axe.run('#busy', {{ runOnly: {rules} }}).then(({{ violations, passes }}) => "
        "[passes.length, violations.map(({ id }) => id)])"
    )
    assert found[0] > 5
    assert found[1] == []
