"""A database for the tests of versions: one table with one number.

Belongs here: building, publishing and reading it.
Does not belong here: what a test expects.
"""

from pathlib import Path

import duckdb

from transforms.contract import Region
from warehouse.connect import connect
from warehouse.versions import new_version


def build(path: Path, number: int) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE utilization (number INTEGER, read_at TIMESTAMPTZ)")
        connection.execute(
            "INSERT INTO utilization VALUES (?, TIMESTAMPTZ '2026-11-22 01:30:00+00')", [number]
        )


def publish(warehouse: Path, number: int, region: Region = "EU", keep_versions: int = 7) -> None:
    with new_version(warehouse, region, keep_versions) as path:
        build(path, number)


def number_in(connection: duckdb.DuckDBPyConnection, table: str = "utilization") -> int:
    row = connection.execute(f"SELECT number FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def published_number(warehouse: Path, region: Region = "EU") -> int:
    with connect(region, warehouse=warehouse) as connection:
        return number_in(connection)
