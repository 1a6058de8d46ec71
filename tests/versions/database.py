"""A database for the tests of versions: one table with one number.

Belongs here: building, publishing and reading it.
Does not belong here: what a test expects.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.contract import Region
from warehouse.connect import connect
from warehouse.storage import Location
from warehouse.versions import new_version, parquet_draft, parquet_pointer, statistics_draft


def build(path: Path, number: int) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE utilization (number INTEGER, read_at TIMESTAMPTZ)")
        connection.execute(
            "INSERT INTO utilization VALUES (?, TIMESTAMPTZ '2026-11-22 01:30:00+00')", [number]
        )


def build_both(path: Path, number: int) -> None:
    build(path, number)
    build(statistics_draft(path), number)


def build_parquet(folder: Path, number: int, tables: Sequence[str] = ("utilization",)) -> None:
    folder.mkdir()
    for table in tables:
        pq.write_table(pa.table({"number": [number]}), folder / f"{table}.parquet")


def publish(
    warehouse: Location, number: int, region: Region = "EU", keep_versions: int = 7
) -> None:
    with new_version(warehouse, region, keep_versions) as path:
        build_both(path, number)


def publish_with_parquet(
    warehouse: Location,
    number: int,
    *,
    tables: Sequence[str] = ("utilization",),
    keep_versions: int = 7,
    is_copied: bool = False,
) -> None:
    with new_version(warehouse, "EU", keep_versions, is_copied=is_copied) as path:
        build_both(path, number)
        for database in (path, statistics_draft(path)):
            build_parquet(parquet_draft(database), number, tables)


def parquet_number(warehouse: Path, table: str = "utilization") -> int:
    content = pq.read_table(parquet_pointer(warehouse, "EU") / f"{table}.parquet")
    return int(content["number"][0].as_py())


def number_in(connection: duckdb.DuckDBPyConnection, table: str = "utilization") -> int:
    row = connection.execute(f"SELECT number FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def published_number(warehouse: Location, region: Region = "EU") -> int:
    with connect(region, warehouse=warehouse) as connection:
        return number_in(connection)
