"""Measure the database: its rebuild, how that scales, its size, and the queries of a dashboard.

Belongs here: invented lakes of several sizes. Each figure is compared with the cheapest work that
is unavoidable, and runs in a separate process, for its peak memory. Prints one JSON object.
Does not belong here: whether the figures are right (``tests/marts``).

Run: ``python -m benchmarks.marts --sizes 2.4M,24M,67M``; the largest takes about eight minutes and
5 GB of disk. A lake that is already in ``--folder`` is reused.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.generate import Plan, generate
from warehouse import connect, engine
from warehouse.build import MASKS, Build, LakeRows, Stage, survey
from warehouse.engine import building
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

TODAY: Final = date(2026, 11, 22)
NOW: Final = datetime(2026, 11, 22, 3, tzinfo=UTC)
THROUGH: Final = TODAY - timedelta(days=1)
"""data_through of the lakes: neither room_hours nor its baseline has a later day."""
MONTHS: Final = 13
ROOMS: Final = {"0.24M": 100, "2.4M": 1_000, "9.9M": 4_000, "24M": 10_000, "67M": 28_000}
THREADS: Final = 2
EXAMPLES: Final = Path(engine.__file__).parent / "sql" / "examples"
ROOM_HOURS_STAGES: Final = (
    Stage(("whole_days", "room_dates", "live")),
    Stage((), arrays=(MASKS,)),
    Stage(("room_hours",)),
)
READS_ALL_BOOKINGS: Final = frozenset({"compare", "durations_and_lead_times"})
GROUP_BY: Final = """
CREATE TABLE touched AS
SELECT room_id, hour, count(*) AS bookings
FROM (
    SELECT room_id, unnest(range(epoch_us(starts_at) // 3600000000,
                                 (epoch_us(ends_at) - 1) // 3600000000 + 1)) AS hour
    FROM read_parquet('{files}', hive_partitioning = false)
    WHERE status IN ('booked', 'held')
      AND CAST(starts_at AS DATE) <= DATE '{through}'
) AS hours
GROUP BY room_id, hour
"""
COPY: Final = (
    "CREATE TABLE copied AS SELECT * FROM read_parquet('{files}', hive_partitioning = false)"
)


def make_lake(folder: Path, rooms: int) -> Lake:
    """Return the lake of that many rooms; generate it unless it exists."""
    lake = Lake(folder / "lake", "EU")
    if lake.read("rooms") is None:
        first = TODAY - timedelta(days=round(MONTHS * 365.25 / 12))
        generate(lake, Plan("EU", rooms, first, TODAY + timedelta(days=180), TODAY))
    return lake


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Run the work; return wall and CPU seconds and the process's peak memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def run_sql(folder: Path, sql: str) -> dict[str, float]:
    """Run one statement on the lake's bookings into a new file, with ample memory."""
    path = folder / "plain.duckdb"
    path.unlink(missing_ok=True)
    files = folder / "lake" / "bookings" / "*" / "*" / "*.parquet"
    config: dict[str, Any] = {"threads": THREADS, "memory_limit": "8GB"}
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"ATTACH '{path}' AS plain (STORAGE_VERSION 'v1.4.0')")
    connection.execute("USE plain")

    def work() -> None:
        connection.execute(sql.format(files=files, through=THROUGH))
        connection.execute("CHECKPOINT plain")

    try:
        return measured(work)
    finally:
        connection.close()
        path.unlink(missing_ok=True)


def rebuild_room_hours(folder: Path) -> dict[str, float]:
    """Run only the steps that room_hours needs, for the days that it has."""
    path = folder / "hours.duckdb"
    path.unlink(missing_ok=True)
    lake = make_lake(folder, 0)
    options = PublishOptions(threads=THREADS)

    def work() -> None:
        with (
            LakeRows(lake) as rows,
            building(path, options.threads, options.memory_limit) as built,
        ):
            build = Build(built, rows, survey(built, lake, rows, options, NOW), options)
            past = [[day for day in days if day <= THROUGH] for days in build.passes()]
            passes = [days for days in past if days]
            build.run(passes, ROOM_HOURS_STAGES)

    try:
        return measured(work)
    finally:
        path.unlink(missing_ok=True)


def publish_all(folder: Path) -> dict[str, float]:
    """Publish the lake."""
    options = PublishOptions(threads=THREADS, keep_versions=1, export_parquet=False)
    return measured(lambda: publish(make_lake(folder, 0), folder / "warehouse", options, NOW))


def ask_examples(folder: Path) -> dict[str, dict[str, float]]:
    """Return each example's 95th percentile in ms: on a warm connection and on a new one."""
    found = {}
    for example in sorted(EXAMPLES.glob("*.sql")):
        query = example.read_text(encoding="utf-8")
        runs = 5 if example.stem in READS_ALL_BOOKINGS else 40
        fresh = sorted(_ask(_connected(folder), query, 1)[0] for _ in range(min(runs, 20)))
        warm = sorted(_ask(_connected(folder), query, runs + 1)[1:])
        found[example.stem] = {
            "warm_p95_ms": round(warm[len(warm) * 95 // 100], 1),
            "fresh_p95_ms": round(fresh[len(fresh) * 95 // 100], 1),
        }
    return found


def _connected(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = connect("EU", warehouse=folder / "warehouse", bookings=True)
    connection.execute(f"SET threads = {THREADS}")
    return connection


def _ask(connection: duckdb.DuckDBPyConnection, query: str, times: int) -> list[float]:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        connection.execute(query).fetchall()
        spent.append((time.perf_counter() - start) * 1000)
    connection.close()
    return spent


TASKS: Final[dict[str, Callable[[Path], Any]]] = {
    "group_by": lambda folder: run_sql(folder, GROUP_BY),
    "copy": lambda folder: run_sql(folder, COPY),
    "room_hours": rebuild_room_hours,
    "publish": publish_all,
    "examples": ask_examples,
}


def measure(folder: Path, rooms: int) -> dict[str, Any]:
    """Return every figure of one size; each task runs in its own process."""
    folder.mkdir(parents=True, exist_ok=True)
    lake = make_lake(folder, rooms)
    figures: dict[str, Any] = {"rooms": rooms, "bookings": lake.count("bookings")}
    for task in TASKS:
        command = [sys.executable, "-m", "benchmarks.marts", "--task", task]
        done = subprocess.run(
            [*command, "--folder", str(folder)], check=True, capture_output=True, text=True
        )
        figures[task] = json.loads(done.stdout)
    size = (folder / "warehouse" / "insights-eu.duckdb").stat().st_size
    stored = sum(path.stat().st_size for path in (folder / "lake").rglob("*.parquet"))
    figures["lake_mb"], figures["database_mb"] = stored // 10**6, size // 10**6
    figures["database_over_lake"] = round(size / stored, 2)
    ratio = figures["room_hours"]["seconds"] / figures["group_by"]["seconds"]
    figures["room_hours_over_group_by"] = round(ratio, 2)
    ratio = figures["publish"]["seconds"] / figures["copy"]["seconds"]
    figures["publish_over_copy"] = round(ratio, 2)
    return figures


def main() -> None:
    """Measure every requested size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="2.4M", help="of " + ", ".join(ROOMS))
    parser.add_argument("--folder", type=Path, help="keeps the lakes and databases")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.task:
        print(json.dumps(TASKS[asked.task](asked.folder)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.folder or Path(scratch)
        figures = {size: measure(root / size, ROOMS[size]) for size in asked.sizes.split(",")}
    print(json.dumps({"duckdb": duckdb.__version__, "sizes": figures}, indent=2))


if __name__ == "__main__":
    main()
