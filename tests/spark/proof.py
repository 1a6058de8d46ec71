"""A real Spark with two executors builds the same tables as one machine, row for row.

``make spark-test`` installs Spark into ``.venv-spark`` and runs this. It needs Java 17 or later.
Belongs here: a ``local-cluster`` on loopback, lakes in a temporary folder, executors killed.
Does not belong here: what a shard is (``tests/marts/test_shards.py`` tests that without Spark).
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from pyspark.sql import SparkSession

import pipelines
from benchmarks.generate import Plan, generate
from tests.marts.scenario import Room, Scenario, book, scenario, write_lake
from tests.marts.scenarios import scenarios
from tests.marts.worked import everything
from tests.needs import SEAWEEDFS
from tests.object_stores import BUCKET, is_installed, seaweedfs
from tests.settings.company import region
from transforms.contract.database import STATISTICS, TABLES
from warehouse.connect import _attach, connect
from warehouse.engine import BuildError
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish
from warehouse.shards.spark import SparkBuilder, spark_builder
from warehouse.storage import Location, ObjectUrl
from warehouse.versions import at_hand, current_version

_TODAY: Final = date(2026, 11, 22)
_NOW: Final = datetime(2026, 11, 22, 3, tzinfo=UTC)
_ROOMS: Final = 1_000
_ROOMS_OF_THE_KILLED: Final = 250
_SHARDS_OF_THE_KILLED: Final = 12
_RANDOM_LAKES: Final = 8
_OPTIONS: Final = PublishOptions(threads=2, keep_versions=2)
_JAVA: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # as docs/spark.md recommends
MASTER: Final = "local-cluster[2,1,1024]"
CONF: Final = {
    "spark.executor.memory": "800m",
    "spark.ui.enabled": "false",
    "spark.driver.extraJavaOptions": _JAVA,
    "spark.executor.extraJavaOptions": _JAVA,
}


def assert_same(one: Location, many: Location) -> int:
    """Compare every table of both databases, row for row; return how many rows were compared."""
    rows = 0
    with ExitStack() as stack:
        connection = stack.enter_context(duckdb.connect())
        for is_statistics, tables in ((False, TABLES), (True, STATISTICS)):
            for name, place in (("one", one), ("many", many)):
                version = current_version(place, "EU", statistics=is_statistics)
                path = stack.enter_context(at_hand(version))
                _attach(connection, name, str(path))
            for table in tables:
                for a, b in (("one", "many"), ("many", "one")):
                    query = f"SELECT count(*) FROM (FROM {a}.{table} EXCEPT ALL FROM {b}.{table})"
                    ((different,),) = connection.execute(query).fetchall()
                    assert different == 0, f"{table}: {different} rows of {a} are not in {b}"
                ((count,),) = connection.execute(f"SELECT count(*) FROM one.{table}").fetchall()
                rows += count
            connection.execute("DETACH one")
            is_parquet = path.suffix != ".duckdb"
            connection.execute("DROP SCHEMA many CASCADE" if is_parquet else "DETACH many")
    return rows


def made(folder: Path, rooms: int) -> tuple[Lake, int]:
    """Fill a lake with so many rooms, publish it on one machine; return the number of bookings."""
    lake = Lake(folder / f"lake-{rooms}", "EU")
    first = _TODAY - timedelta(days=396)
    bookings = generate(lake, Plan("EU", rooms, first, _TODAY + timedelta(days=180), _TODAY))
    publish(lake, folder / f"one-{rooms}", _OPTIONS, _NOW)
    return lake, bookings


def of_2_500_000_bookings(builder: SparkBuilder, folder: Path) -> str:
    lake, bookings = made(folder, _ROOMS)
    publish(lake, folder / "many", _OPTIONS, _NOW, builder)
    rows = assert_same(folder / f"one-{_ROOMS}", folder / "many")
    publish(lake, folder / "left", replace(_OPTIONS, is_parquet=True), _NOW, builder)
    left = assert_same(folder / f"one-{_ROOMS}", folder / "left")
    assert not list((folder / "left").rglob("*.duckdb"))
    return f"{bookings:,} bookings, {rows:,} rows are equal, {left:,} left as Parquet only"


def with_an_executor_killed(_: SparkBuilder, folder: Path) -> str:
    """Kill one of two executors as soon as a shard has written a table; then do it again."""
    lake, bookings = made(folder, _ROOMS_OF_THE_KILLED)
    killed: list[int] = []
    is_over = threading.Event()
    session = SparkSession.getActiveSession()
    assert session
    application = session.sparkContext.applicationId.encode()
    builder = SparkBuilder(session, shards=_SHARDS_OF_THE_KILLED)

    def kill() -> None:
        written = folder / "killed" / ".building-eu" / "shards"
        while len(killed) < 2 and not is_over.wait(0.1):
            if written.is_dir() and len(list(written.iterdir())) > 30 * len(killed):
                executors = [pid for pid in _executors(application) if pid not in killed]
                if len(executors) == 2:
                    os.kill(executors[0], signal.SIGKILL)
                    killed.append(executors[0])

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        publish(lake, folder / "killed", _OPTIONS, _NOW, builder)
    finally:
        is_over.set()
        killer.join()
    assert killed, "no executor was found to be killed"
    assert not (folder / "killed" / ".building-eu").exists()
    rows = assert_same(folder / f"one-{_ROOMS_OF_THE_KILLED}", folder / "killed")
    return (
        f"{len(killed)} executors killed while shards of {bookings:,} bookings were built, "
        f"{rows:,} rows are equal"
    )


def _executors(application: bytes) -> list[int]:
    """Return the executors of an application of Spark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"CoarseGrainedExecutorBackend" in command and application in command:
            found.append(int(folder.name))
    return found


def of_random_lakes(builder: SparkBuilder, folder: Path) -> str:
    rows = 0

    @settings(
        deadline=None,
        max_examples=_RANDOM_LAKES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(scenarios())
    def compare(of: Scenario) -> None:
        nonlocal rows
        with TemporaryDirectory(dir=folder) as each:
            lake = Lake(Path(each, "lake"), "EU")
            write_lake(lake, of)
            publish(lake, Path(each, "one"), of.options, of.now)
            publish(lake, Path(each, "many"), of.options, of.now, builder)
            rows += assert_same(Path(each, "one"), Path(each, "many"))

    compare()
    return f"{_RANDOM_LAKES} random lakes, {rows:,} rows are equal"


def of_a_bucket(builder: SparkBuilder, folder: Path) -> str:
    """Let workers read a lake in a bucket and write tables there; the driver publishes them."""
    if not is_installed("seaweedfs"):
        return f"not run: it needs {SEAWEEDFS}"
    place = ObjectUrl("s3", BUCKET, "proof")
    lake, of = Lake(place / "lake", "EU"), everything()
    write_lake(lake, of)
    session = SparkSession.getActiveSession()
    assert session
    far = SparkBuilder(session, shards=20, shared=place / "warehouse")
    publish(lake, folder / "near", of.options, of.now)
    publish(lake, place / "warehouse", of.options, of.now, far)
    rows = assert_same(folder / "near", place / "warehouse")
    publish(lake, place / "warehouse", replace(of.options, is_parquet=True), of.now, far)
    rows += assert_same(folder / "near", place / "warehouse")
    return f"lake and warehouse on SeaweedFS, {rows:,} rows are equal"


def of_a_building_too_large(builder: SparkBuilder, folder: Path) -> str:
    lake = Lake(folder / "tower", "EU")
    room, day = Room("r1", building="Tower", site="North"), date(2026, 3, 2)
    of = scenario((room,), [book(room, day, "09:00", "10:00")], [day])
    write_lake(lake, of)
    session = SparkSession.getActiveSession()
    assert session
    small = SparkBuilder(session, worker_memory=700_000_000)
    with pytest.raises(BuildError, match="building Tower at site North: has 2 rows") as refused:
        publish(lake, folder / "refused", of.options, of.now, small)
    return str(refused.value)


def of_mistakes(folder: Path) -> str:
    """Run the command for Spark without Java, and with an invalid master."""
    rooms = "room_id,address,time_zone\nr1,r1@contoso.example,UTC\n"
    (folder / "rooms-eu.csv").write_text(rooms)
    keys = {"engine": "spark", "spark": {"master": "no-such-master"}}
    config = folder / "insights.yaml"
    config.write_text(yaml.safe_dump(keys | {"regions": {"EU": region("eu")}}))
    wrong = {
        "install Java 17 or later, or point JAVA_HOME at it": {"JAVA_HOME": "/nowhere"},
        "see to spark.master and spark.conf in the configuration": {},
    }
    insights = Path(sys.executable).with_name("insights")
    for remedy, changed in wrong.items():
        done = subprocess.run(
            [insights, "publish", "--region", "EU", "--config", config],
            env=os.environ | changed,
            capture_output=True,
            text=True,
            check=False,
        )
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 2, done.stderr
        assert last.startswith("error: engine: spark: Spark cannot be started: "), done.stderr
        assert remedy in last, done.stderr
    return "one line each, exit 2"


def of_the_job_file(folder: Path) -> str:
    """Publish with spark-submit and the file that Fabric and Databricks run."""
    with (folder / "insights.yaml").open("w") as file:
        yaml.safe_dump({"regions": {"EU": region("eu")}}, file)
    lake = Lake(folder / "eu" / "lake", "EU")
    room, day = Room("r1", time_zone="UTC"), date(2026, 3, 2)
    write_lake(lake, scenario((room,), [book(room, day, "09:00", "10:00")], [day]))
    job = Path(pipelines.__file__).parents[1] / "deploy" / "spark" / "job.py"
    subprocess.run(
        [
            *(Path(sys.executable).with_name("spark-submit"), "--master", "local[1]", job),
            *("--region", "EU", "--config", folder / "insights.yaml"),
        ],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        check=True,
    )
    with connect("EU", warehouse=folder / "eu" / "warehouse") as database:
        ((minutes,),) = database.execute("SELECT sum(booked_minutes) FROM room_days").fetchall()
    assert minutes == 60
    return "spark-submit published a region"


def main(names: list[str]) -> None:
    """Run every check, or those that are named; stop at the first that fails."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    checks: list[Callable[[SparkBuilder, Path], str]] = [
        of_a_building_too_large,
        of_a_bucket,
        of_random_lakes,
        with_an_executor_killed,
        of_2_500_000_bookings,
    ]
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        if is_installed("seaweedfs"):  # before Spark starts: its workers inherit this environment
            (folder / "seaweedfs").mkdir()
            os.environ |= stack.enter_context(seaweedfs(folder / "seaweedfs")).environment
        if not names:
            print(f"of_mistakes: {of_mistakes(folder)}", flush=True)
            print(f"of_the_job_file: {of_the_job_file(folder)}", flush=True)
        with spark_builder(MASTER, CONF) as builder:
            for check in checks:
                if names and check.__name__ not in names:
                    continue
                begun = time.monotonic()
                print(f"{check.__name__}: {check(builder, folder)}", end="")
                print(f" ({time.monotonic() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        sys.exit("make spark-test needs Java 17 or later: install it, or point JAVA_HOME at it")
    main(sys.argv[1:])
