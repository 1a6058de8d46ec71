"""The dashboard's files are as the code writes them, and use only columns of the contract."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import yaml

from tests.superset.figures import FIGURES
from transforms.contract import PERSONAL_ROOM_TYPES
from transforms.contract.database import STATISTICS
from warehouse.superset import __main__ as command
from warehouse.superset.__main__ import CHARTS, DATASETS, columns_of, files

FOLDER = Path(__file__).parents[2] / "warehouse/superset/dashboard"


def test_the_checked_in_dashboard_is_what_the_code_writes() -> None:
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*.yaml")
    }
    assert found == files()


def told_columns(table: str) -> set[str]:
    """Return the columns of a dataset, which its file also lists for Superset."""
    calculated = DATASETS[table].calculated.keys() if table in DATASETS else set()
    columns = {column.name for column in columns_of(table)[0]} | calculated
    held = {column.name for each in STATISTICS.values() for column in each}
    assert columns - calculated <= held
    told = yaml.safe_load(files()[f"datasets/room_insights/{table}.yaml"])["columns"]
    assert {column["column_name"] for column in told} == columns
    assert len(told) == len(columns)
    return columns


def test_every_chart_asks_for_columns_of_the_contract_and_metrics_of_its_dataset() -> None:
    for chart in CHARTS:
        assert set(chart.by) <= told_columns(chart.table), chart.name
        assert {column for column, _, _ in chart.where} <= told_columns(chart.table), chart.name
        assert set(chart.metrics) <= DATASETS[chart.table].metrics.keys(), chart.name


def test_every_metric_sums_columns_and_has_no_columns_name() -> None:
    for table, dataset in DATASETS.items():
        metrics = dataset.metrics
        names = {column.name for column in columns_of(table)[0]}
        assert not metrics.keys() & names
        for sql in metrics.values():
            assert set(re.findall(r"[a-z_]+", sql)) <= names
            assert "AVG" not in sql


def test_charts_of_utilization_leave_out_rooms_of_one_person_as_the_page_does() -> None:
    charts = [chart for chart in CHARTS if "room_type" in told_columns(chart.table)]
    assert charts
    for chart in charts:
        assert ["room_type", "NOT IN", [*PERSONAL_ROOM_TYPES]] in chart.where, chart.name


def test_every_chart_is_on_the_dashboard_and_its_figures_are_known() -> None:
    assert {chart.name for chart in CHARTS} == FIGURES.keys()
    position = yaml.safe_load(files()["dashboards/room_insights.yaml"])["position"]
    nodes = [node for node in position.values() if isinstance(node, dict)]
    shown = [node["meta"] for node in nodes if node["type"] == "CHART"]
    assert [node["sliceName"] for node in shown] == [chart.name for chart in CHARTS]
    assert all(node["width"] <= 12 for node in shown)


def test_no_two_parts_have_one_id() -> None:
    ids = [yaml.safe_load(text).get("uuid") for text in files().values()]
    named = [each for each in ids if each]
    assert len(named) == len(set(named)) == len(files()) - 1


def test_a_zip_is_for_the_database_that_is_named_and_opens_it_read_only(tmp_path: Path) -> None:
    archive = tmp_path / "dashboard.zip"
    assert command.main([str(archive), "/srv/eu/insights-eu-statistics.duckdb"]) == 0
    with ZipFile(archive) as opened:
        database = yaml.safe_load(opened.read("room_insights/databases/room_insights.yaml"))
        assert len(opened.namelist()) == len(files())
    assert database["sqlalchemy_uri"] == "duckdb:////srv/eu/insights-eu-statistics.duckdb"
    assert database["extra"]["engine_params"]["connect_args"] == {"read_only": True}
    assert json.dumps(database).count("password") == 0


def test_the_dashboards_of_two_regions_stand_side_by_side(tmp_path: Path) -> None:
    found = []
    for region in ("eu", "apac"):
        archive = tmp_path / f"{region}.zip"
        assert command.main([str(archive), f"/srv/insights-{region}-statistics.duckdb"]) == 0
        with ZipFile(archive) as opened:
            texts = [opened.read(name).decode() for name in opened.namelist()]
        own = set(re.findall(r"6f0e2f6a-[0-9a-f-]{27}", " ".join(texts)))
        assert len(own) == len(files()) - 1
        assert f"database_name: room-insights-{region}" in texts[1]
        found.append(
            own | set(re.findall(r"^(?:slug|dashboard_title): .*$", texts[2], re.MULTILINE))
        )
    assert len(found[0]) == len(found[1]) == len(files()) + 1
    assert not found[0] & found[1]
