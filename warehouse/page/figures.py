"""The figures of the page, read from one version of a region's statistics.

Belongs here: running the SELECTs of ``sql`` on a read-only connection, as columns.
Does not belong here: what they compute (``sql``), how a browser adds them up (``client``).

The files of ``sql/work`` are work tables for the others. Every other file is a table of the page
under its own name. They hold sums of numerators and denominators by building, capacity band and
month (or slice of time), so that any choice of them can be added up (R9). Rooms stand in it by
name, personal rooms never.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa

from transforms.contract import CAPACITY_BANDS, FEW, MEASURES, PERSONAL_ROOM_TYPES
from transforms.contract.database import STATISTICS

Columns: TypeAlias = dict[str, list[Any]]

SIZES: Final = (*(band.label for band in CAPACITY_BANDS), None)
"""In the order of the page; None is rooms whose capacity is unknown."""

LABELS: Final = {measure: (*bands, FEW) for measure, bands in MEASURES.items()}
"""The bands of each measure of ``booking_profile``, in the order of the page."""

PLACE_MONTHS: Final = 7_500
"""What the page has room for: buildings by capacity band by month."""

ROOM_MONTHS: Final = 160_000
"""What the page has room for: rooms by month. With both full it stays under 3 MB."""

_MEMORY_LIMIT: Final = "700MB"
_LATER_TABLES: Final = ("busy_ahead", "busy_ahead_check")
_WORK_TABLES: Final = ("days", "buildings", "places", "weeks", "room_span")


def read_figures(
    connection: duckdb.DuckDBPyConnection,
    place_months: int = PLACE_MONTHS,
    room_months: int = ROOM_MONTHS,
) -> dict[str, Columns]:
    """Return the page's tables, each as its columns; the connection gets work tables.

    Beyond ``place_months`` the smallest buildings stand together as one; beyond ``room_months``
    rooms stand one by one in the latest months only. Nothing else is cut.
    """
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
    _work_table(connection, "personal_room_types", room_type=list(PERSONAL_ROOM_TYPES))
    _work_table(connection, "bands", capacity_band=list(SIZES), band_no=list(range(len(SIZES))))
    placed = [
        (measure, measure_no, label, label_no)
        for measure_no, (measure, labels) in enumerate(LABELS.items())
        for label_no, label in enumerate(labels)
    ]
    names = ("measure", "measure_no", "label", "label_no")
    columns = dict(zip(names, map(list, zip(*placed, strict=True)), strict=True))
    _work_table(connection, "profile_labels", **columns)
    _work_table(connection, "limits", place_months=[place_months], room_months=[room_months])
    _stand_in(connection)
    for name in _WORK_TABLES:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_sql('work', name)}")
    return {name: connection.sql(_sql(name)).to_arrow_table().to_pydict() for name in _names()}


def _stand_in(connection: duckdb.DuckDBPyConnection) -> None:
    """Put empty tables in place of those that a database of an earlier version lacks."""
    found = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    for name in _LATER_TABLES:
        if name not in found:
            connection.register("given", STATISTICS[name].schema.empty_table())
            connection.execute(f"CREATE TEMP TABLE {name} AS FROM given")
            connection.unregister("given")


def _work_table(connection: duckdb.DuckDBPyConnection, name: str, **columns: Sequence[Any]) -> None:
    given = pa.table({each: pa.array(values) for each, values in columns.items()})
    connection.register("given", given)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM given")
    connection.unregister("given")


def _names() -> list[str]:
    found = files("warehouse.page").joinpath("sql").iterdir()
    return sorted(each.name[:-4] for each in found if each.name.endswith(".sql"))


def _sql(*name: str) -> str:
    path = files("warehouse.page").joinpath("sql", *name[:-1], f"{name[-1]}.sql")
    return path.read_text(encoding="utf-8")
