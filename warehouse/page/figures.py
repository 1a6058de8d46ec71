"""The figures of the page, read from one version of a published database.

Belongs here: running the SELECTs of ``sql`` on a read-only connection, as columns.
Does not belong here: what they compute (``sql``), how a browser adds them up (``client``).

The files of ``sql/work`` are work tables for the others. Every other file is a table of the page
under its own name. They hold sums of numerators and denominators by
building, capacity band and month (or slice of time), so that any choice of them can be added up
(R9). Rooms stand in it by name, personal rooms never.
"""

from importlib.resources import files
from typing import Any, Final, TypeAlias

import duckdb

from transforms.contract import CAPACITY_BANDS, PERSONAL_ROOM_TYPES

Columns: TypeAlias = dict[str, list[Any]]

SIZES: Final = (*(band.label for band in CAPACITY_BANDS), None)
"""In the order of the page; None is rooms whose capacity is unknown."""

_WORK_TABLES: Final = ("days", "buildings", "places", "weeks", "room_span")

PLACE_MONTHS: Final = 7_500
"""What the page has room for: buildings by capacity band by month."""

ROOM_MONTHS: Final = 160_000
"""What the page has room for: rooms by month. With both full it stays under 3 MB."""

_MEMORY_LIMIT: Final = "700MB"


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
    _list_table(connection, "personal_room_types", "room_type", list(PERSONAL_ROOM_TYPES))
    _list_table(connection, "bands", "capacity_band", list(SIZES))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE limits AS "
        "SELECT CAST($1 AS BIGINT) AS place_months, CAST($2 AS BIGINT) AS room_months",
        [place_months, room_months],
    )
    for name in _WORK_TABLES:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_sql('work', name)}")
    return {name: connection.sql(_sql(name)).to_arrow_table().to_pydict() for name in _names()}


def _list_table(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, values: list[str | None]
) -> None:
    """Make a work table of a list, with the place of each value in it (``band_no``)."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS "
        f"SELECT unnest($1::VARCHAR[]) AS {column}, generate_subscripts($1::VARCHAR[], 1) - 1 "
        "AS band_no",
        [values],
    )


def _names() -> list[str]:
    found = files("warehouse.page").joinpath("sql").iterdir()
    return sorted(each.name[:-4] for each in found if each.name.endswith(".sql"))


def _sql(*name: str) -> str:
    *folders, file = name
    path = files("warehouse.page").joinpath("sql", *folders, f"{file}.sql")
    return path.read_text(encoding="utf-8")
