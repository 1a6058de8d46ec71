"""Every mart, on random lakes, against the minute-by-minute oracle."""

import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.marts.oracle import Oracle
from tests.marts.scenario import Database, Scenario, publish_scenario
from tests.marts.scenarios import scenarios
from tests.marts.worked import everything

EXACT = {
    "rooms": "rooms_table",
    "coverage": "coverage_table",
    "bookings": "bookings_table",
    "room_hours": "room_hours",
    "room_days": "room_days_table",
    "room_days_ahead": "room_days_ahead",
    "utilization": "utilization",
    "hour_of_week": "hour_of_week",
    "rooms_in_use": "rooms_in_use",
}


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_every_mart_agrees_with_the_oracle(scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = publish_scenario(Path(folder), scenario)
        try:
            assert_agrees(database, Oracle(scenario))
        finally:
            database.close()


def assert_agrees(database: Database, oracle: Oracle) -> None:
    for table, expected in EXACT.items():
        found = Counter(database.rows(f"SELECT * FROM {table}"))
        wanted = Counter(oracle.table(expected))
        assert found == wanted, (table, found - wanted, wanted - found)
    k = oracle.scenario.options.minimum_group
    mix, fit = oracle.mix_cells, oracle.fit_cells
    hidden = oracle.hidden_utilization_cells()
    published = {"booking_mix": (mix, oracle.mix_row, 7), "size_fit": (fit, oracle.fit_row, 5)}
    for table, (cells, row_of, width) in published.items():
        rows = database.rows(f"SELECT * FROM {table}")
        assert set(rows) <= {row_of(key) for key in cells}, table
        assert_private({row[1:width] for row in rows}, cells, k)
        hidden += len(cells) - len(rows)
    info = database.row("SELECT data_through, bookings, suppressed_cells FROM build_info")
    assert info == (oracle.data_through, len(oracle.bookings_table()), hidden)


def assert_private(shown: set[tuple[Any, ...]], cells: dict[tuple[Any, ...], Any], k: int) -> None:
    """No cell under k; what a building, band and week leaves out is nothing, k or more, or all.

    And no cell is left out without need: each group shows all but the small cells and at most
    one more, the smallest.
    """
    for group in {key[:3] for key in cells}:
        sizes = {key: len(found) for key, found in cells.items() if key[:3] == group}
        kept = {key for key in shown if key[:3] == group}
        left_out = [size for key, size in sizes.items() if key not in kept]
        assert all(sizes[key] >= k for key in kept)
        assert not kept or not left_out or sum(left_out) >= k
        small = [size for size in sizes.values() if size < k]
        needless = [size for size in left_out if size >= k]
        assert len(needless) == (1 if 0 < sum(small) < k and len(small) < len(sizes) else 0)
        assert all(size <= min((sizes[key] for key in kept), default=size) for size in needless)


@pytest.mark.parametrize("passes", [1, 60])
def test_the_length_of_a_pass_leaves_no_trace(passes: int, tmp_path: Path) -> None:
    database = publish_scenario(tmp_path, everything().with_options(room_days_per_pass=passes))
    assert_agrees(database, oracle_of_everything())
    database.close()


@cache
def oracle_of_everything() -> Oracle:
    return Oracle(everything())
