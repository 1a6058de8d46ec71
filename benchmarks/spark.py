"""Measure publishing with Spark against one machine: CPU of all processes, wall, memory of each.

Belongs here: a ``local-cluster`` of some executors with one core each, compared with a build on one
machine of the same lake. Prints a line of JSON for each; 0 executors means one machine.
Does not belong here: whether the tables are the same (``tests/spark``).

Run: ``make .venv-spark/ready && .venv-spark/bin/python -m benchmarks.spark``. CPU covers every
process that a publish started, including Java, sampled four times a second. With ``--archives`` the
first publish also writes archives of Java's classes there, and the others use them. Linux only.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from benchmarks.marts import NOW, ROOMS, make_lake
from warehouse.publish import PublishOptions, publish

THREADS: Final = 2
_JAVA: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # as docs/spark.md recommends
_PR_SET_CHILD_SUBREAPER: Final = 36
_ROLES: Final = {
    "CoarseGrainedExecutorBackend": "executor_java",
    "pyspark.daemon": "worker_python",
    "SparkSubmit": "driver_java",
    "benchmarks.spark": "driver_python",
}


def publish_with(executors: int, folder: Path, archives: Path | None) -> None:
    """Publish the lake in a folder with that many executors; with 0, on this machine."""
    options = PublishOptions(threads=THREADS, keep_versions=1, export_parquet=False)
    lake, warehouse = make_lake(folder, 0), folder / "warehouse"
    if executors == 0:
        publish(lake, warehouse, options, NOW)
        return
    from warehouse.shards.spark import spark_builder  # noqa: PLC0415 - the baseline must not load it

    conf = {
        "spark.executor.memory": "800m",
        "spark.ui.enabled": "false",
        "spark.driver.extraJavaOptions": _java("driver", archives),
        "spark.executor.extraJavaOptions": _java("executor", archives),
    }
    with spark_builder(f"local-cluster[{executors},1,1024]", conf) as builder:
        begun = time.perf_counter()
        publish(lake, warehouse, options, NOW, builder)
        print(round(time.perf_counter() - begun, 1))


def _java(role: str, archives: Path | None) -> str:
    if archives is None:
        return _JAVA
    file = archives / f"{role}.jsa"
    use = "SharedArchiveFile" if file.exists() else "ArchiveClassesAtExit"
    return f"{_JAVA} -Xlog:disable -XX:{use}={file}"


def measured(executors: int, folder: Path, archives: Path | None) -> dict[str, Any]:
    """Publish in separate processes; return wall and CPU seconds, and CPU and peaks by role."""
    command = [sys.executable, "-m", "benchmarks.spark", "--folder", str(folder)]
    if archives:
        command += ["--archives", str(archives)]
    begun = time.perf_counter()
    peaks: dict[str, int] = defaultdict(int)
    ticks: dict[int, tuple[str, int]] = {}
    is_over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(peaks, ticks, is_over))
    sampler.start()
    try:
        done = subprocess.run(
            [*command, "--task", str(executors)], stdout=subprocess.PIPE, check=True, text=True
        )
        _reap()
    finally:
        is_over.set()
        sampler.join()
    seconds: dict[str, float] = defaultdict(float)
    for role, used in ticks.values():
        seconds[role] += used / os.sysconf("SC_CLK_TCK")
    figures = {
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_seconds": round(sum(seconds.values()), 1),
    }
    if executors:
        figures["seconds_without_start"] = float(done.stdout)
    by_role = {role: round(each, 1) for role, each in seconds.items()}
    return {**figures, "cpu_by_role": by_role, "peak_mb": dict(peaks)}


def _reap() -> None:
    """Wait for all processes that the publish left."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _sample(
    peaks: dict[str, int], ticks: dict[int, tuple[str, int]], is_over: threading.Event
) -> None:
    """Record the last CPU time seen of every process, and the peak memory of each role.

    The kernel's sums for a parent lack the workers that Spark kills.
    """
    while not is_over.wait(0.25):
        for pid in _descendants():
            try:
                command = Path("/proc", str(pid), "cmdline").read_text(encoding="utf-8")
                status = Path("/proc", str(pid), "status").read_text(encoding="utf-8")
                stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8")
            except OSError:
                continue
            known = ticks[pid][0] if pid in ticks else "other"  # an ending process has no name
            role = next((role for word, role in _ROLES.items() if word in command), known)
            used = stat.rpartition(")")[2].split()[11:13]
            ticks[pid] = role, sum(map(int, used))
            highest = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
            if highest:
                peaks[role] = max(peaks[role], int(highest[0]) * 1024 // 10**6)


def _descendants() -> set[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:
            continue
        children[parent].append(int(stat.parent.name))
    found: set[int] = set()
    new = children[os.getpid()]
    while new:
        found.update(new)
        new = [child for parent in new for child in children[parent]]
    return found


def main() -> None:
    """Measure one machine, then each number of executors in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="2.4M", choices=ROOMS)
    parser.add_argument("--executors", default="1,2", help="numbers of executors")
    parser.add_argument("--folder", type=Path, help="keeps the lake and the database")
    parser.add_argument("--archives", type=Path, help="keeps archives of Java's classes")
    parser.add_argument("--task", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.task is not None:
        publish_with(asked.task, asked.folder, asked.archives)
        return
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        bookings = make_lake(folder, ROOMS[asked.size]).count("bookings")
        print(json.dumps({"bookings": bookings}))
        for executors in (0, *map(int, asked.executors.split(","))):
            figures = {"executors": executors, **measured(executors, folder, asked.archives)}
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
