"""Superset's files: database, datasets, charts and a dashboard as YAML, ready to import.

``charts.yaml`` says what datasets and charts show; types and definitions are the contract's.
``python -m warehouse.superset`` updates ``dashboard/`` beside this file;
``python -m warehouse.superset OUT.zip /srv/eu/insights-eu-statistics.duckdb`` makes a zip.
"""

import json
import re
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zipfile import ZipFile

import pyarrow as pa
import yaml

from transforms.contract import Column, Table
from transforms.contract.database import STATISTICS
from warehouse.ddl import COLUMN_TYPES

DATABASE: Final = "databases/room_insights.yaml"
PLACEHOLDER: Final = "duckdb:////srv/room-insights/eu/warehouse/insights-eu-statistics.duckdb"
_FOLDER: Final = Path(__file__).parent / "dashboard"
_ROW_LIMIT: Final = 10_000
_TIME_SERIES: Final = "echarts_timeseries"
_WEEK: Final = "P1W"
_VERSION: Final = "1.0.0"
_FIRST_ID: Final = 0x6F0E2F6A_51D7_4C11_A000_000000000000
_IDS: Final = str(UUID(int=_FIRST_ID))[:-4]
"""The beginning of every id; its last eight digits are the region's."""
_LARGEST_PRIME: Final = 2**32 - 5
"""The largest that eight digits hold."""
_OF_REGION: Final = re.compile(r"insights-([a-z0-9_]+)-statistics\.duckdb", re.ASCII)
_ROOM_COLUMNS: Final = ("name", "site", "building", "capacity", "capacity_band")
_WITH_ROOMS: Final = (
    "SELECT d.*, r.name, r.site, r.building, r.capacity, r.capacity_band "
    "FROM TABLE AS d JOIN rooms AS r ON r.room_id = d.room_id"
)

_OF_A_LEVEL: Final = "SELECT COLUMNS FROM TABLE WHERE level = 'LEVEL' AND month IS NULL"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of the statistics as charts ask it."""

    metrics: dict[str, str]
    table: str = ""
    level: str = ""
    with_rooms: bool = False
    calculated: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; ``table`` is its dataset."""

    name: str
    table: str
    drawing: str
    metrics: list[str]
    by: list[str] = field(default_factory=list)
    width: int = 6
    height: int = 46
    where: list[list[Any]] = field(default_factory=list)
    is_weekly: bool = False
    options: dict[str, Any] = field(default_factory=dict)


_SHOWN: Final = yaml.safe_load(Path(__file__).with_name("charts.yaml").read_text(encoding="utf-8"))
DATASETS: Final = {name: Dataset(**each) for name, each in _SHOWN["datasets"].items()}
CHARTS: Final = tuple(Chart(**each) for each in _SHOWN["charts"])


def main(arguments: list[str]) -> int:
    """Write the folder, or a zip for the database named; return the exit code."""
    if not arguments:
        for name, text in files().items():
            path = _FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m warehouse.superset [OUT.zip DATABASE]\n")
        return 2
    database = Path(arguments[1]).absolute()
    region = _OF_REGION.fullmatch(database.name)
    with ZipFile(arguments[0], "w") as archive:
        for name, text in files(f"duckdb:///{database}", region[1] if region else "").items():
            archive.writestr(f"room_insights/{name}", text)
    return 0


def files(uri: str = PLACEHOLDER, region: str = "") -> dict[str, str]:
    """Return the text of every file by its path; ``uri`` is the database's SQLAlchemy URI.

    With a region (in lower case), names and ids are its own, so that several can be imported.
    """
    found: dict[str, dict[str, Any]] = deepcopy(_SHOWN["files"])
    found[DATABASE]["sqlalchemy_uri"] = uri
    dashboard = found["dashboards/room_insights.yaml"]
    _place_charts(dashboard["position"])
    dashboard["metadata"]["native_filter_configuration"] = [
        deepcopy(_SHOWN["filter"])
        | {
            "id": f"NATIVE_FILTER-{column}",
            "name": column.replace("_", " "),
            "targets": [{"datasetUuid": _dataset_id("utilization"), "column": {"name": column}}],
            "description": f"Charts of tables without {column} are left as they are.",
        }
        for column in ("building", "capacity_band")
    ]
    for table in DATASETS:
        found[f"datasets/room_insights/{table}.yaml"] = _dataset(table)
    for chart in CHARTS:
        found[f"charts/{_file_name(chart)}.yaml"] = _chart(chart)
    if region:
        found[DATABASE]["database_name"] += f"-{region}"
        dashboard["slug"] += f"-{region}"
        dashboard["dashboard_title"] += f" {region.upper()}"
        dashboard["position"]["HEADER_ID"]["meta"]["text"] += f" {region.upper()}"
    # Each region has ids of its own, made from the letters of its name.
    number = int.from_bytes(region.encode()) % _LARGEST_PRIME
    ids = _IDS, _IDS[:-8] + (f"{number:08x}" if region else _IDS[-8:])
    return {
        name: yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100).replace(*ids)
        for name, content in found.items()
    }


def _chart(chart: Chart) -> dict[str, Any]:
    """Return a chart's file; Superset runs the query in it until somebody opens the chart."""
    columns: list[Any] = [*chart.by]
    if chart.is_weekly:
        columns[0] = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "sqlExpression": chart.by[0],
            "label": chart.by[0],
            "timeGrain": _WEEK,
        }
    query = {
        "columns": columns,
        "metrics": chart.metrics,
        "orderby": [[chart.metrics[0], False]],
        "row_limit": _ROW_LIMIT,
        "filters": [
            {"col": column, "op": operator, "val": value} for column, operator, value in chart.where
        ],
        "extras": {},
    }
    params = _params(chart)
    context = {
        "datasource": {"id": 0, "type": "table"},  # the importer fills in the id
        "force": False,
        "queries": [query],
        "form_data": params,
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": chart.name,
        "description": _table(chart.table).text,
        "viz_type": chart.drawing,
        "params": params,
        "query_context": json.dumps(context),
        "uuid": _chart_id(chart),
        "version": _VERSION,
        "dataset_uuid": _dataset_id(chart.table),
    }


def _params(chart: Chart) -> dict[str, Any]:
    params: dict[str, Any] = {
        "viz_type": chart.drawing,
        "row_limit": _ROW_LIMIT,
        "adhoc_filters": [
            {
                "expressionType": "SIMPLE",
                "clause": "WHERE",
                "subject": column,
                "operator": operator,
                "comparator": value,
            }
            for column, operator, value in chart.where
        ],
        **chart.options,
    }
    if chart.drawing.startswith(_TIME_SERIES):
        own: dict[str, Any] = {"x_axis": chart.by[0], "groupby": list(chart.by[1:])}
        own["time_grain_sqla"] = _WEEK if chart.is_weekly else None
        return params | own | {"metrics": chart.metrics}
    if chart.drawing == "heatmap_v2":
        return params | {
            "x_axis": chart.by[0],
            "groupby": chart.by[1],
            "metric": chart.metrics[0],
            "normalize_across": "heatmap",
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_desc",
        }
    if chart.drawing == "pivot_table_v2":
        rows, columns = {"groupbyRows": [chart.by[0]]}, {"groupbyColumns": [chart.by[1]]}
        return params | rows | columns | {"metrics": chart.metrics}
    if chart.drawing in ("big_number_total", "pie"):
        return params | {"groupby": chart.by, "metric": chart.metrics[0]}
    own = {"query_mode": "aggregate", "groupby": chart.by, "metrics": chart.metrics}
    return params | own | {"order_desc": True}


def _place_charts(position: dict[str, Any]) -> None:
    """Place the charts one after another, in rows that are 12 columns wide."""
    rows: list[list[Chart]] = [[]]
    for chart in CHARTS:
        if sum(each.width for each in rows[-1]) + chart.width > 12:
            rows.append([])
        rows[-1].append(chart)
    names = [f"ROW-{number}" for number in range(len(rows))]
    position["GRID_ID"]["children"] = names
    for name, charts in zip(names, rows, strict=True):
        parents, keys = ["ROOT_ID", "GRID_ID"], [f"CHART-{_file_name(chart)}" for chart in charts]
        transparent = {"background": "BACKGROUND_TRANSPARENT"}
        position[name] = _node("ROW", name, keys, parents, transparent)
        for key, chart in zip(keys, charts, strict=True):
            meta = {
                "chartId": 0,  # the importer fills it in
                "uuid": _chart_id(chart),
                "sliceName": chart.name,
                "width": chart.width,
                "height": chart.height,
            }
            position[key] = _node("CHART", key, [], [*parents, name], meta)


def _node(
    kind: str, name: str, children: list[str], parents: list[str], meta: dict[str, Any]
) -> dict[str, Any]:
    return {"type": kind, "id": name, "children": children, "parents": parents, "meta": meta}


def _file_name(chart: Chart) -> str:
    return "".join(each if each.isalnum() else "_" for each in chart.name.lower())


def _chart_id(chart: Chart) -> str:
    return _id_of(200 + CHARTS.index(chart))


def _dataset(name: str) -> dict[str, Any]:
    """Return the file of a dataset: a table of the statistics, with its rooms if it has any."""
    columns, sql = columns_of(name)
    return {
        "table_name": name,
        "main_dttm_col": "local_date"
        if any(each.name == "local_date" for each in columns)
        else None,
        "description": _table(name).text,
        "schema": "main",
        "sql": sql,
        "uuid": _dataset_id(name),
        "metrics": [
            {"metric_name": metric, "verbose_name": metric.replace("_", " "), "expression": sql}
            for metric, sql in DATASETS[name].metrics.items()
        ],
        "columns": [
            {
                "column_name": column.name,
                "is_dttm": pa.types.is_temporal(column.type),
                "type": COLUMN_TYPES[column.type],
                "groupby": True,
                "filterable": True,
                "description": column.definition,
            }
            for column in columns
        ]
        + [
            {"column_name": column, "type": "VARCHAR", "groupby": True, "expression": sql}
            for column, sql in DATASETS[name].calculated.items()
        ],
        "version": _VERSION,
        "database_uuid": _id_of(0),
    }


def columns_of(name: str) -> tuple[list[Column], str | None]:
    """Return the columns of a dataset as in the contract, and its SQL if it is not a table."""
    table, dataset = _table(name), DATASETS[name]
    if level := dataset.level:
        left_out = {"level", "month"} | ({"capacity_band"} if level == "building" else set())
        columns = [column for column in table if column.name not in left_out]
        names = ", ".join(column.name for column in columns)
        sql = _OF_A_LEVEL.replace("COLUMNS", names).replace("TABLE", dataset.table)
        return columns, sql.replace("LEVEL", level)
    if dataset.with_rooms:
        more = [STATISTICS["rooms"][column] for column in _ROOM_COLUMNS]
        return [*table, *more], _WITH_ROOMS.replace("TABLE", name)
    return list(table), None


def _table(dataset: str) -> Table:
    return STATISTICS[DATASETS[dataset].table or dataset]


def _dataset_id(table: str) -> str:
    """Return the id of a table's dataset."""
    return _id_of(100 + list(DATASETS).index(table))


def _id_of(number: int) -> str:
    """Return a fixed id, so that an import replaces what an earlier one created."""
    return str(UUID(int=_FIRST_ID + number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
