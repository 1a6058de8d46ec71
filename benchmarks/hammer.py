"""Hammer a lake and a database: readers loop while partitions and versions are replaced.

Belongs here: processes that read, write and are killed at random, and counts of what the readers
saw. Prints one JSON object; ``--seconds`` says how long it runs (the test suite uses few).
Does not belong here: killed runs (``killed_runs.py``).

Every write has one number in all its rows, so a reading with two numbers or too few rows is torn.
Run: ``python benchmarks/hammer.py --seconds 60``.
"""

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.contract.lake import BOOKINGS
from warehouse.connect import connect
from warehouse.lake import Lake
from warehouse.versions import (
    new_version,
    parquet_draft,
    parquet_pointer,
    pointer,
    published_versions,
    statistics_draft,
)

DAYS: Final = [date(2026, 11, 1) + timedelta(days=offset) for offset in range(8)]
ROWS: Final = 2_000
KEEP_VERSIONS: Final = 7
FEWEST_WRITES: Final = 3
PATIENCE_SECONDS: Final = 60
WHOLE: Final = (1, ROWS)
CONTEXT: Final = multiprocessing.get_context("forkserver")

Counts = Counter[str]
Reader = Callable[[Path], int]
Results: TypeAlias = "Queue[tuple[str, dict[str, int]]]"


class TornError(Exception):
    """A reading that mixes writes, or lacks rows."""


def day_table(number: int) -> pa.Table:
    """A day of bookings whose headcount is the number of the write."""
    start = pa.scalar(1_700_000_000_000_000, pa.int64()).cast(BOOKINGS.field("starts_at").type)
    values: dict[str, Any] = {
        "room_id": pa.array([f"room-{row:05d}" for row in range(ROWS)]),
        "kind": pa.repeat("single", ROWS),
        "show_as": pa.repeat("busy", ROWS),
        "response": pa.repeat("accept", ROWS),
        "status": pa.repeat("booked", ROWS),
        "invited_headcount": pa.repeat(pa.scalar(number, pa.int32()), ROWS),
    }
    for field in BOOKINGS:
        if pa.types.is_boolean(field.type):
            values[field.name] = pa.repeat(False, ROWS)
        elif pa.types.is_timestamp(field.type):
            values[field.name] = pa.repeat(start, ROWS)
    return pa.table([values[name] for name in BOOKINGS.names], schema=BOOKINGS)


def replace_days(root: Path) -> None:
    """Replace random days forever."""
    lake = Lake(root, "EU")
    number = 0
    with lake.exclusive():
        while True:
            number += 1
            lake.replace("bookings", random.choice(DAYS), day_table(number))


def publish_versions(warehouse: Path, share: Path) -> None:
    """Publish databases forever, as symlinks and as copies, until killed."""
    while True:
        publish_version(warehouse, time.time_ns() % 2**31)
        publish_version(share, time.time_ns() % 2**31, is_copied=True)


def publish_version(root: Path, number: int, *, is_copied: bool = False) -> None:
    """Publish a database whose two tables hold the same number, and the tables as Parquet."""
    with new_version(root, "EU", KEEP_VERSIONS, is_copied=is_copied) as path:
        for database in (path, statistics_draft(path)):
            tables = parquet_draft(database)
            tables.mkdir()
            with duckdb.connect(str(database)) as build:
                for table in ("first", "second"):
                    values = f"SELECT {number} AS n FROM range({ROWS})"
                    build.execute(f"CREATE TABLE {table} AS {values}")
                    build.execute(f"COPY {table} TO '{tables / table}.parquet' (FORMAT parquet)")


def read_day(root: Path) -> int:
    """Read a random day through the lake."""
    table = Lake(root, "EU").read("bookings", random.choice(DAYS))
    if table is None:
        raise TornError
    numbers = set(table["invited_headcount"].to_pylist())
    _refuse_torn((len(numbers), table.num_rows))
    return int(numbers.pop())


def scan_days(root: Path) -> int:
    """Scan every day with DuckDB, as publishing does; each day must come from one write."""
    lake = Lake(root, "EU")
    with lake.scan("bookings", lake.days("bookings")) as parts:
        files = [part.handle for part in parts]
    query = "SELECT count(DISTINCT invited_headcount), count(*), min(invited_headcount) "
    query += "FROM read_parquet(?, hive_partitioning = false, filename = true) GROUP BY filename"
    with duckdb.connect() as connection:
        days = connection.execute(query, [files]).fetchall()
    for each in days:
        _refuse_torn(each[:2])
    if len(days) != len(DAYS):
        raise TornError
    return max(int(each[2]) for each in days)


def read_database(root: Path) -> int:
    """Read both tables of the published database in two queries of one connection."""
    with connect("EU", warehouse=root) as connection:
        return _read_tables(connection)


def read_pointer(root: Path) -> int:
    """Open the symlink itself, as a BI tool does."""
    with duckdb.connect(str(pointer(root, "EU")), read_only=True) as connection:
        return _read_tables(connection)


def read_parquet(root: Path) -> int:
    """Resolve the folder of tables once, then read both.

    Here, builds follow each other without a pause. If a slow reader finds its folder gone because
    all kept versions were replaced meanwhile, it begins again.
    """
    folder = parquet_pointer(root, "EU").resolve()
    try:
        first, second = (_number_in(folder / f"{table}.parquet") for table in ("first", "second"))
    except FileNotFoundError:
        if folder.exists() or parquet_pointer(root, "EU").resolve() == folder:
            raise
        return read_parquet(root)
    if first != second:
        raise TornError
    return first


def read_copy(root: Path) -> int:
    """Open the plain copy itself, then a table of the copied folder, which may be newer."""
    _number_in(parquet_pointer(root, "EU") / "second.parquet")
    return read_pointer(root)


def hold_database(root: Path) -> int:
    """Keep one connection open while versions are replaced; its content must not change."""
    with connect(regions=["EU"], warehouse=root) as connection:
        number = _number(connection, "eu.first")
        for _ in range(4):
            time.sleep(0.2)
            if _number(connection, "eu.second") != number:
                raise TornError
    return number


def _read_tables(connection: duckdb.DuckDBPyConnection) -> int:
    number = _number(connection, "first")
    if number != _number(connection, "second"):
        raise TornError
    return number


def _number(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(DISTINCT n), count(*), min(n) FROM {table}").fetchone()
    if row is None:
        raise TornError
    _refuse_torn(row[:2])
    return int(row[2])


def _number_in(path: Path) -> int:
    numbers = pq.read_table(path)["n"].to_pylist()
    _refuse_torn((len(set(numbers)), len(numbers)))
    return int(numbers[0])


def _refuse_torn(found: tuple[int, ...]) -> None:
    if found != WHOLE:
        raise TornError


LAKE_READERS: Final = (read_day, scan_days)
DATABASE_READERS: Final = (read_database, read_pointer, hold_database, read_parquet)
SHARE_READERS: Final = (read_copy,)


def read_for(seconds: float, reader: Reader, root: Path, results: Results) -> None:
    """Read over and over; put counts of readings, torn readings and errors into ``results``.

    ``writes seen`` counts the different writes that were read: on a busy machine, a reader goes on
    until it has seen a few.
    """
    counts: Counts = Counter(reads=0, torn=0, errors=0)
    seen: set[int] = set()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds or (
        len(seen) < FEWEST_WRITES and passed < seconds + PATIENCE_SECONDS
    ):
        try:
            seen.add(reader(root))
        except TornError:
            counts["torn"] += 1
        except Exception as error:  # noqa: BLE001 - any error of a reader is counted by name
            counts["errors"] += 1
            counts[f"errors, {type(error).__name__}"] += 1
        counts["reads"] += 1
    counts["writes seen"] = len(seen)
    results.put((reader.__name__, dict(counts)))


def kill_builders(
    roots: tuple[Path, Path], build_seconds: float, readers: list[ForkServerProcess]
) -> Counts:
    """Keep one builder running while there are readers; kill it at random and count the kills."""
    counts: Counts = Counter(killed=0)
    while any(reader.is_alive() for reader in readers):
        builder = _start(publish_versions, *roots)
        time.sleep(random.uniform(0.1, 1 + 3 * build_seconds))
        builder.kill()
        builder.join()
        counts["killed"] += 1
        counts["killed in a build"] += any((root / ".building-eu").exists() for root in roots)
    return counts


def hammer(folder: Path, seconds: float) -> dict[str, dict[str, int]]:
    """Run all readers and writers at once in a folder; return the counts by reader."""
    lake, warehouse, share = folder / "lake", folder / "warehouse", folder / "share"
    for day in DAYS:
        Lake(lake, "EU").replace("bookings", day, day_table(0))
    began = time.monotonic()
    publish_version(warehouse, 0)
    publish_version(share, 0, is_copied=True)
    build_seconds = time.monotonic() - began
    results: Results = CONTEXT.Queue()
    writer = _start(replace_days, lake)
    readers = [_start(read_for, seconds, reader, lake, results) for reader in LAKE_READERS]
    readers += [_start(read_for, seconds, each, warehouse, results) for each in DATABASE_READERS]
    readers += [_start(read_for, seconds, reader, share, results) for reader in SHARE_READERS]
    killed = kill_builders((warehouse, share), build_seconds, readers)
    counts = dict(results.get() for _ in readers)
    writer.kill()
    for process in (*readers, writer):
        process.join()
    return {**counts, "builders": {**killed, **_left_over(lake, warehouse, share)}}


def _left_over(lake: Path, warehouse: Path, share: Path) -> dict[str, int]:
    """Let the next run and build sweep up, then count the files that should be gone."""
    with Lake(lake, "EU").exclusive():
        pass
    publish_version(warehouse, 1)
    publish_version(share, 1, is_copied=True)
    drafts = [*lake.glob(".staging/*")]
    for root in (warehouse, share):
        drafts += root.glob(".building-*")
    versions, folders = published_versions(warehouse, "EU"), (warehouse / "versions").glob("*Z")
    drafts += set(folders) - {parquet_draft(path) for path in versions}
    return {"left over": len(drafts), "versions": len(versions)}


def _start(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def main() -> int:
    """Hammer in a temporary folder; exit 1 if any reading was torn or raised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    CONTEXT.set_forkserver_preload([__name__, "warehouse.lake", "warehouse.connect"])
    with tempfile.TemporaryDirectory(prefix="hammer-") as folder:
        counts = hammer(Path(folder), seconds)
    print(json.dumps(counts, indent=2))
    return int(any(each.get("torn") or each.get("errors") for each in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
