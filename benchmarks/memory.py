"""Measure a nightly run's peak memory, which must not grow with the number of rooms, and its time.

Each size is one ``insights run`` in its own process, against a sandbox Exchange in another, over
the default window (14 days back, 180 ahead).
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from pipelines.cli.demo import running_sandboxes, write_configuration


def peak_of(command: Sequence[str]) -> tuple[int, float, int]:
    """Run a command; return its exit code, wall seconds and peak resident MiB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.perf_counter() - began, usage.ru_maxrss // 1024


def measure(rooms: int) -> tuple[int, float, int]:
    """Run one night of that many rooms; return exit code, seconds and peak MiB."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with running_sandboxes(directory / "sandbox", rooms) as sandboxes:
            config = write_configuration(directory, sandboxes, rooms)
            insights = [sys.executable, "-c", "from pipelines.cli import main; main()"]
            return peak_of([*insights, "run", "--region", "EU", "--config", str(config)])


@click.command()
@click.option("--rooms", type=int, multiple=True, default=(50, 1000), show_default=True)
def main(rooms: Sequence[int]) -> None:
    """Print a line for each size."""
    click.echo(f"{'rooms':>8} {'exit':>5} {'seconds':>8} {'peak MiB':>9}")
    for size in rooms:
        code, seconds, peak = measure(size)
        click.echo(f"{size:>8} {code:>5} {seconds:>8.1f} {peak:>9}")


if __name__ == "__main__":
    main()
