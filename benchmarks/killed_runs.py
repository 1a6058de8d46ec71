"""Kills whole nightly runs at random moments, and looks at what is left and what the next mends.

Belongs here: runs of a small company over EWS, from reading to the published database, their
SIGKILL, and the judgement of lake and database afterwards. Prints one JSON object; ``--kills``
says how many (the test suite asks for few), ``--dagster`` how many of them are killed as
``insights run``.
Does not belong here: readers during a run (``hammer.py``).

Every night moves all bookings, so that each row tells which night it was read in, and one room
fails in every odd night. Run: ``python -m benchmarks.killed_runs``.
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
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.company import DAYS, MOST_NIGHTS, PER_DAY, ROOMS, company_in, number_of
from pipelines.night import DayRange, Night, publish_region, run_night
from pipelines.reading import Outcome
from pipelines.settings import load_settings
from pipelines.sources.factory import open_source
from transforms.contract import TABLES
from warehouse.connect import connect
from warehouse.lake import DATASETS, Lake
from warehouse.versions import published_versions

KILLS_BEFORE_MENDING: Final = 4
NOT_COMPARED: Final = ("read_at", "built_at")
NOT_COMPARED_TABLE: Final = "changes"
"""A killed night that had landed saw changes; a company that was never killed did not see them."""
CONTEXT: Final = multiprocessing.get_context("forkserver")


class Signals:
    """Tells whoever waits that all rooms are read and landing begins."""

    def __init__(self, landing: Event | None) -> None:
        self.landing_at = 0.0
        self._landing = landing
        self._rooms = 0

    def start(self, _region: str, rooms: int) -> None:
        self._rooms = rooms

    def advance(self, _outcome: Outcome[object]) -> None:
        self._rooms -= 1
        self.landing_at = time.monotonic()
        if self._landing is not None and self._rooms == 0:
            self._landing.set()

    def step(self, _name: str) -> None:
        """Of no interest."""


def run(
    config: Path, started: Event | None = None, landing: Event | None = None
) -> tuple[float, float]:
    """Run one night and publish it, as ``insights run`` does, without Dagster.

    Return the seconds of all of it, and those after the last room.
    """
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
    """Start a run and kill it; every other time not before landing begins. Tell when it was."""
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


def faults(folder: Path) -> Counter[str]:
    """Return what is wrong after a kill; every room-day must be whole, and one night's."""
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
    """Count the rooms that are not there, not whole, or of more than one night."""
    nights: dict[str, list[tuple[int, datetime]]] = {room_id: [] for room_id in ROOMS}
    for room_id, row in rows:
        night = number_of(row["starts_at"], row["ends_at"]), row["read_at"]
        nights[room_id].append(night)
    return sum(len(each) != expected or len(set(each)) != 1 for each in nights.values())


def content(folder: Path) -> dict[str, Any]:
    """Return every row of lake and database, instants of reading and building apart."""
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


def left_over(folder: Path) -> int:
    """Count what a finished run should have swept."""
    drafts = [*folder.glob("lake/.staging/*"), *folder.glob("warehouse/.building-*")]
    return len(drafts) + max(0, len(published_versions(folder / "warehouse", "EU")) - 7)


def kill_runs(folder: Path, kills: int, dagster: int) -> dict[str, int]:
    """Kill so many runs one after the other; return what was found."""
    counts: Counter[str] = Counter({"kills": 0, "mended": 0, "not mended": 0, "left over": 0})
    with company_in(folder) as company:
        killed, fresh = (company.configure(folder / name) for name in ("killed", "fresh"))
        for config in (killed, fresh):
            company.begin(0)
            usual_seconds = run(config)
        slow = {round((each + 0.5) * kills / dagster) for each in range(dagster)}
        slow_seconds = _seconds_of_insights_run(killed) if slow else 0.0
        for number in range(1, kills + 1):
            company.begin(2 * number + random.randrange(2))
            if number in slow:
                moment = kill_a_dagster_run(killed, slow_seconds)
            else:
                moment = kill_a_run(killed, usual_seconds)
            counts.update({"kills": 1, f"kills {moment}": 1})
            counts.update(faults(killed.parent))
            if number % KILLS_BEFORE_MENDING == 0 or number == kills:
                company.begin(2 * number)
                usual_seconds = run(killed)  # the machine may be busier now
                run(fresh)
                is_mended = content(killed.parent) == content(fresh.parent)
                counts["mended" if is_mended else "not mended"] += 1
                counts["left over"] += left_over(killed.parent)
    return dict(counts)


def _seconds_of_insights_run(config: Path) -> float:
    began = time.monotonic()
    assert insights_run(config).wait() == 0
    return time.monotonic() - began


@click.command()
@click.option("--kills", type=click.IntRange(1, MOST_NIGHTS // 2), default=200, show_default=True)
@click.option("--dagster", type=int, default=10, show_default=True, help="So many of the kills.")
def main(kills: int, dagster: int) -> None:
    """Kill runs in a temporary folder; exit 1 if any left something that no reader expects."""
    CONTEXT.set_forkserver_preload(["pipelines.night", "benchmarks.company"])
    with tempfile.TemporaryDirectory(prefix="killed-runs-") as folder:
        counts = kill_runs(Path(folder), kills, dagster)
    click.echo(json.dumps(counts, indent=2))
    fine = {"kills", "mended"}
    sys.exit(any(n for name, n in counts.items() if name not in fine and "kills " not in name))


if __name__ == "__main__":
    main()
