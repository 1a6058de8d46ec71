"""Measure how close reading comes to the ideal against a server that is slow to answer.

Belongs here: one night of many rooms, in a separate process, against a sandbox that answers after
200 ms; the wall time of reading against requests x latency / workers (goal: at most 1.3), the time
of landing and publishing, and peak memory before publishing. With ``--changed``, a second night
finds that share of all bookings changed, and the ledger's share of its time is measured (goal:
3 %). Does not belong here: the cost of parsing (``parsing.py``), memory by number of rooms
(``memory.py``), Dagster.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import requests

from pipelines.cli.demo import DEMO_REGIONS, running_sandboxes, write_configuration
from pipelines.night import Night, Progress, default_range, publish_region, run_night, today_in
from pipelines.reading import Outcome
from pipelines.settings import Settings, load_settings
from pipelines.sources import session
from pipelines.sources.session import open_source
from pipelines.sources.wire import TimedAdapter
from transforms.contract import Region
from warehouse.lake import Lake
from warehouse.ledger import Ledger

ROW: Final = "{:>6} {:>8} {:>9} {:>9} {:>9} {:>8} {:>7} {:>7} {:>9} {:>9}"
HEADINGS: Final = (
    *("rooms", "workers", "requests", "ideal s", "reading s", "x ideal"),
    *("CPU s", "load", "the rest s", "peak MiB"),
)


class Stopwatch(Progress):
    """Records when the first room could begin and when the last one ended."""

    def __init__(self) -> None:
        self.began_at = self.ended_at = self.cpu_before = self.cpu = 0.0

    def start(self, _region: Region, _rooms: int) -> None:
        self.began_at, self.cpu_before = time.perf_counter(), time.process_time()

    def advance(self, _outcome: Outcome[object]) -> None:
        self.ended_at = time.perf_counter()
        self.cpu = time.process_time() - self.cpu_before


def count_requests() -> "count[int]":
    """Count all requests sent through the sources' adapters."""
    sent = count()

    class Counted(TimedAdapter):
        def send(self, *request: Any, **how: Any) -> requests.Response:  # noqa: ANN401  as it is
            next(sent)
            return super().send(*request, **how)

    session.TimedAdapter = Counted  # type: ignore[attr-defined]
    return sent


def with_workers(settings: Settings, region_name: Region, workers: int) -> Settings:
    region = settings.regions[region_name]
    exchanges = {
        name: exchange.model_copy(update={"workers": workers})
        for name, exchange in region.exchanges.items()
    }
    return settings.model_copy(
        update={"regions": {region_name: region.model_copy(update={"exchanges": exchanges})}}
    )


def night_with_changes(night: Night, share: float) -> dict[str, float]:
    """Change some bookings in the lake, run the night again, and return its ledger's time.

    ``share`` of the bookings change: half of these are removed from the lake, so they appear as
    new; half get a second booking beside them that Exchange lacks.
    """
    lake = Lake(night.settings.regions[night.region].lake, night.region)
    with lake.exclusive():
        for day in lake.days("bookings"):
            if rows := lake.read("bookings", day):
                numbers = np.arange(rows.num_rows) % round(2 / share)
                others = rows.filter(numbers == 1)
                begins = pc.add(others["created_at"], pa.scalar(timedelta(minutes=1)))
                at = others.schema.get_field_index("created_at")
                others = others.set_column(at, others.schema.field(at), begins)
                lake.replace("bookings", day, pa.concat_tables([rows.filter(numbers != 0), others]))
    taken, cpu = 0.0, 0.0
    plain = {name: getattr(Ledger, name) for name in ("compare", "changes")}

    def timed(step: Callable[..., Any]) -> Callable[..., Any]:
        def run_timed(*arguments: object) -> object:
            nonlocal taken, cpu
            begun, cpu_before = time.perf_counter(), time.process_time()
            result = step(*arguments)
            taken += time.perf_counter() - begun
            cpu += time.process_time() - cpu_before
            return result

        return run_timed

    for name, step in plain.items():
        setattr(Ledger, name, timed(step))
    begun = time.perf_counter()
    run_night(night, open_source, Stopwatch())
    whole = time.perf_counter() - begun
    changes = lake.count("changes")
    return {"night": whole, "ledger": taken, "ledger_cpu": cpu, "changes": changes}


def run(config: Path, region: Region, workers: int, changed: float) -> None:
    """Run the night and publish it; print its times and memory as JSON."""
    settings = with_workers(load_settings(config, frozenset({region})), region, workers)
    sent, watch, now = count_requests(), Stopwatch(), datetime.now(UTC)
    today = today_in(settings, region, now)
    night = Night(settings, region, default_range(settings, today), today)
    report = run_night(night, open_source, watch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    publish_region(settings, region, now)
    rest = time.perf_counter() - watch.ended_at
    asked = next(sent)
    second = night_with_changes(night, changed) if changed else {}
    figures = {
        "failed": len(report.failed),
        "requests": asked,
        "reading": watch.ended_at - watch.began_at,
        "cpu": watch.cpu,
        "rest": rest,
        "peak": peak,
        **second,
    }
    print(json.dumps(figures))


def measure(
    region: Region, rooms: int, workers: int, latency: float, changed: float
) -> dict[str, float]:
    """Run one night in a separate process; return its figures."""
    with tempfile.TemporaryDirectory(prefix="latency-") as name:
        directory = Path(name)
        with running_sandboxes(directory, rooms, latency) as sandboxes:
            config = write_configuration(directory, sandboxes, rooms)
            command = [sys.executable, "-m", "benchmarks.latency", "--config", str(config)]
            command += ["--region", region, "--workers", str(workers), "--changed", str(changed)]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    figures: dict[str, float] = json.loads(printed)
    return figures


@click.command()
@click.option(
    "--region", type=click.Choice(DEMO_REGIONS), default="EU", help="EU is over EWS, NA over Graph."
)
@click.option("--rooms", type=int, default=1000, show_default=True)
@click.option("--workers", type=int, default=8, show_default=True)
@click.option("--latency", type=float, default=0.2, show_default=True, help="Seconds a request.")
@click.option("--changed", type=float, default=0.0, help="A second night: this share changed.")
@click.option("--config", type=click.Path(path_type=Path), hidden=True)
def main(  # noqa: PLR0913, PLR0917 - one a flag
    region: Region, rooms: int, workers: int, latency: float, changed: float, config: Path | None
) -> None:
    """Print a line of figures, and one about the second night."""
    if config is not None:
        run(config, region, workers, changed)
        return
    click.echo(f"{latency * 1000:.0f} ms a request; load before: {os.getloadavg()[0]:.1f}")
    click.echo(ROW.format(*HEADINGS))
    found = measure(region, rooms, workers, latency, changed)
    ideal = found["requests"] * latency / workers
    click.echo(
        ROW.format(
            rooms,
            workers,
            found["requests"],
            f"{ideal:.1f}",
            f"{found['reading']:.1f}",
            f"{found['reading'] / ideal:.2f}",
            f"{found['cpu']:.1f}",
            f"{os.getloadavg()[0]:.1f}",
            f"{found['rest']:.1f}",
            found["peak"],
        )
    )
    if changed:
        click.echo(
            f"a second night took {found['night']:.1f} s; the ledger {found['ledger']:.2f} s of it "
            f"({found['ledger_cpu']:.2f} s of CPU), {found['ledger'] / found['night']:.1%}, "
            f"for {found['changes']} changes"
        )
    if found["failed"]:
        raise click.ClickException(f"{found['failed']} rooms failed")


if __name__ == "__main__":
    main()
