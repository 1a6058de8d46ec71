"""Kill whole nightly runs at random moments; check what is left, and what the next run repairs.

Belongs here: runs of a small company over EWS, from reading to the published database, their
SIGKILL, and checks of lake and database afterwards. Prints one JSON object. ``--kills`` is the
number of kills (the test suite uses few), ``--dagster`` how many of them hit ``insights run``;
with ``--bucket``, lake and warehouse are in a bucket of SeaweedFS.
Does not belong here: readers during a run (``hammer.py``).

Every night moves all bookings, so each row shows in which night it was read, and one room fails in
every odd night. Run: ``python -m benchmarks.killed_runs``.
"""

import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.company import DAYS, MOST_NIGHTS, PER_DAY, ROOMS, company_in, number_of
from pipelines.night import Night, Progress, publish_region, run_night
from pipelines.reading import Outcome
from pipelines.settings import load_settings
from pipelines.sources import DayRange
from pipelines.sources.session import open_source
from tests.object_stores import seaweedfs
from transforms.contract import Region
from transforms.contract.database import TABLES
from warehouse.connect import connect
from warehouse.lake import DATASETS, Lake
from warehouse.storage import Location, ObjectUrl, WarehouseError, storage_at
from warehouse.storage.lease import Lease
from warehouse.versions import current_version, published_versions

KILLS_BEFORE_MENDING: Final = 4
NOT_COMPARED: Final = ("read_at", "built_at")
LEASE_SECONDS: Final = 8.0
"""Instead of 60: after each kill, the next run waits until the dead run's lease expires."""
UNTIL_RUN_OUT: Final = LEASE_SECONDS + 3.5
NOT_COMPARED_TABLE: Final = "changes"
"""A killed night may have landed changes that the company without kills never saw."""
CONTEXT: Final = multiprocessing.get_context("forkserver")


class Signals(Progress):
    """A progress listener that sets ``landing`` when all rooms are read and landing begins."""

    def __init__(self, landing: Event | None) -> None:
        self.landing_at = 0.0
        self._landing = landing
        self._rooms = 0

    def start(self, _region: Region, rooms: int) -> None:
        self._rooms = rooms

    def advance(self, _outcome: Outcome[object]) -> None:
        self._rooms -= 1
        self.landing_at = time.monotonic()
        if self._landing is not None and self._rooms == 0:
            self._landing.set()


def run(
    config: Path, started: Event | None = None, landing: Event | None = None
) -> tuple[float, float]:
    """Run one night and publish it, as ``insights run`` does, but without Dagster.

    Return the seconds of the whole run, and those after the last room.
    """
    Lease.seconds = LEASE_SECONDS
    settings = load_settings(config, None)
    night = Night(settings, "EU", DayRange(DAYS[0], DAYS[-1]), DAYS[-1])
    signals, began = Signals(landing), time.monotonic()
    if started is not None:
        started.set()
    run_night(night, open_source, signals)
    publish_region(settings, "EU", datetime.now(UTC))
    ended = time.monotonic()
    return ended - began, ended - signals.landing_at


def insights_run(config: Path) -> "subprocess.Popen[bytes]":
    """Start a night as cron does, through Dagster."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "run"]
    command += ["--region", "EU", "--from", str(DAYS[0]), "--to", str(DAYS[-1])]
    environment = os.environ | {"DAGSTER_HOME": str(config.parent / ".dagster")}
    return subprocess.Popen(
        [*command, "--config", str(config)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_a_run(config: Path, usual_seconds: tuple[float, float]) -> str:
    """Start a run and kill it, half the time only once landing begins; return when that was."""
    started, landing = CONTEXT.Event(), CONTEXT.Event()
    process = CONTEXT.Process(target=run, args=(config, started, landing))
    process.start()
    event, seconds = random.choice(list(zip((started, landing), usual_seconds, strict=True)))
    event.wait(60)
    process.join(random.uniform(0, seconds))
    process.kill()
    process.join()
    if process.exitcode == 0:
        return "after the end"
    if not landing.is_set():
        return "while reading"
    is_building = any((config.parent / "warehouse").glob(".building-*"))
    return "while publishing" if is_building else "while landing"


def kill_a_dagster_run(config: Path, usual_seconds: float) -> str:
    with insights_run(config) as process:
        time.sleep(random.uniform(0, 1.1 * usual_seconds))
        process.kill()
    return "of insights run"


def faults(folder: Location) -> Counter[str]:
    """Count faults after a kill: every room-day must be complete, and from one night."""
    counts: Counter[str] = Counter()
    lake = Lake(folder / "lake", "EU")
    for day in DAYS:
        bookings, coverage = lake.read("bookings", day), lake.read("coverage", day)
        if bookings is None or coverage is None:
            counts["days missing"] += 1
            continue
        rows = bookings.to_pylist()
        counts["room-days torn"] += _torn([(row["room_id"], row) for row in rows], PER_DAY)
        read_at = {row["room_id"]: row["read_at"] for row in rows}
        counts["coverage ahead of its bookings"] += sum(
            row["is_loaded"] and row["read_at"] > read_at[row["room_id"]]
            for row in coverage.to_pylist()
        )
    with connect("EU", warehouse=folder / "warehouse", bookings=True) as database:
        rows = database.sql("SELECT room_id, starts_at, ends_at, read_at FROM bookings")
        found = rows.to_arrow_table().to_pylist()
        torn = _torn([(row["room_id"], row) for row in found], PER_DAY * len(DAYS))
        counts["rooms torn in the database"] += torn
        said = database.execute("SELECT bookings FROM build_info").fetchall()
        counts["databases of another size than they say"] += said != [(len(found),)]
        for table in TABLES:
            database.execute(f"SELECT * FROM {table}").fetchall()
    return +counts


def _torn(rows: list[tuple[str, dict[str, Any]]], expected: int) -> int:
    """Count the rooms that are missing, incomplete, or from more than one night."""
    nights: dict[str, list[tuple[int, datetime]]] = {room_id: [] for room_id in ROOMS}
    for room_id, row in rows:
        night = number_of(row["starts_at"], row["ends_at"]), row["read_at"]
        nights[room_id].append(night)
    return sum(len(each) != expected or len(set(each)) != 1 for each in nights.values())


def content(folder: Location) -> dict[str, Any]:
    """Return every row of lake and database, without the instants of reading and building."""
    lake = Lake(folder / "lake", "EU")
    tables: dict[str, Any] = {}
    for dataset in DATASETS:
        for day in lake.days(dataset):
            table = lake.read(dataset, day)
            assert table is not None
            tables[f"{dataset} {day}"] = table.drop_columns(["read_at"]).to_pylist()
    with connect("EU", warehouse=folder / "warehouse", bookings=True) as database:
        for name, schema in TABLES.items():
            if name == NOT_COMPARED_TABLE:
                continue
            columns = ", ".join(each for each in schema.names if each not in NOT_COMPARED)
            tables[name] = database.execute(f"SELECT {columns} FROM {name} ORDER BY ALL").fetchall()
    return tables


def left_over(folder: Location) -> int:
    """Count files that a finished run should have swept up."""
    lake, warehouse = (
        storage_at(folder / name, name, WarehouseError) for name in ("lake", "warehouse")
    )
    drafts = [each for each in warehouse.names() if each.startswith(".building-")]
    versions = len(published_versions(folder / "warehouse", "EU"))
    tokens = lake.names(".staging")  # SeaweedFS lists empty folders for a while
    staged = [each for each in tokens if lake.has(".staging", each, "0")]
    return len(staged) + len(drafts) + max(0, versions - 7)


def kill_runs(folder: Path, kills: int, dagster: int, bucket: ObjectUrl | None) -> dict[str, int]:
    """Kill that many runs, one after the other; return the findings."""
    counts: Counter[str] = Counter({"kills": 0, "mended": 0, "not mended": 0, "left over": 0})
    places = [(bucket or folder) / name for name in ("killed", "fresh")]
    with company_in(folder) as company:
        killed, fresh = (
            company.configure(folder / each.name, each if bucket else None) for each in places
        )
        for config in (killed, fresh):
            company.begin(0)
            usual_seconds = run(config)
        slow = {round((each + 0.5) * kills / dagster) for each in range(dagster)}
        slow_seconds = _seconds_of_insights_run(killed) if slow else 0.0
        shown = current_version(places[0] / "warehouse", "EU").name
        for number in range(1, kills + 1):
            company.begin(2 * number + random.randrange(2))
            if number in slow:
                moment = kill_a_dagster_run(killed, slow_seconds)
            else:
                moment = kill_a_run(killed, usual_seconds)
            is_held_until = time.monotonic() + (UNTIL_RUN_OUT if bucket else 0)
            counts.update({"kills": 1, f"kills {moment}": 1})
            counts.update(faults(places[0]))
            before, shown = shown, current_version(places[0] / "warehouse", "EU").name
            counts.update({"pointers that went back": 1} if shown < before else {})
            time.sleep(max(0.0, is_held_until - time.monotonic()))
            if number % KILLS_BEFORE_MENDING == 0 or number == kills:
                company.begin(2 * number)
                usual_seconds = run(killed)  # the machine may be busier now
                run(fresh)
                is_mended = content(places[0]) == content(places[1])
                counts["mended" if is_mended else "not mended"] += 1
                counts["left over"] += left_over(places[0])
    return dict(counts)


def _seconds_of_insights_run(config: Path) -> float:
    began = time.monotonic()
    assert insights_run(config).wait() == 0
    return time.monotonic() - began


@click.command()
@click.option("--kills", type=click.IntRange(1, MOST_NIGHTS // 2), default=200, show_default=True)
@click.option("--dagster", type=int, default=10, show_default=True, help="So many of the kills.")
@click.option("--bucket", "is_far", is_flag=True, help="Lake and warehouse in SeaweedFS.")
def main(kills: int, dagster: int, is_far: bool) -> None:
    """Kill runs in a temporary folder; exit 1 if any left something that no reader expects."""
    CONTEXT.set_forkserver_preload(["pipelines.night", "benchmarks.company"])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="killed-runs-")))
        bucket: ObjectUrl | None = None
        if is_far:
            own = folder / "seaweedfs"
            own.mkdir()
            server = stack.enter_context(seaweedfs(own))
            os.environ |= {**server.environment, "INSIGHTS_CACHE": str(folder / "cache")}
            os.environ["TMPDIR"] = str(folder)
            bucket = ObjectUrl.parse(server.url)
        counts = kill_runs(folder, kills, dagster, bucket)
    click.echo(json.dumps(counts, indent=2))
    fine = {"kills", "mended"}
    sys.exit(any(n for name, n in counts.items() if name not in fine and "kills " not in name))


if __name__ == "__main__":
    main()
