"""``insights demo`` and ``sandbox``, for people without an Exchange at hand.

The nights are ordinary ones: ``demo`` does nothing in another way than a real deployment.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import yaml
from rich import box
from rich.console import Console
from rich.table import Table

from pipelines.cli import FOLDER, NOTHING, WHOLE, console, region_name
from pipelines.definitions import launch_night
from pipelines.history import dagster_home
from pipelines.night import default_range, today_in
from pipelines.sandbox.calendars import directory_rows, generated_tenant
from pipelines.sandbox.server import Served, end_of_process, serving
from pipelines.settings import load_settings
from transforms.contract import Region
from warehouse.page import page_path
from warehouse.storage import Location
from warehouse.summary import RoomUse, Summary, summarize

CONFIG_NAME: Final = "insights.yaml"
DEMO_REGIONS: Final = ("EU", "NA")
TRAILING_DAYS: Final = 14
_SANDBOX: Final = "sandbox"
_OVER_GRAPH: Final = frozenset({"NA"})
_TIME_ZONES: Final[Mapping[Region, str]] = {"EU": "Europe/Copenhagen", "NA": "America/New_York"}
_RANKED: Final = 3
_BAR: Final = 16


def somebody_elses_file(directory: Path) -> Path | None:
    """Return a file that the demo would overwrite; None if an earlier demo used this folder."""
    if (directory / _SANDBOX).is_dir():
        return None
    names = (CONFIG_NAME, *(_rooms_name(region) for region in DEMO_REGIONS))
    return next((directory / name for name in names if (directory / name).exists()), None)


class RunningSandbox(Served):
    """A running sandbox Exchange, and how the demo reads it."""

    @property
    def is_graph(self) -> bool:
        """Whether the demo reads it over Graph; otherwise over EWS."""
        return self.region in _OVER_GRAPH

    @property
    def endpoint(self) -> str:
        """Return the endpoint that the demo reads."""
        return self.graph_url if self.is_graph else self.url

    @property
    def secret_env(self) -> str:
        """Return the environment variable that the demo's configuration names."""
        return f"INSIGHTS_{self.region}_{'CLIENT_SECRET' if self.is_graph else 'PASSWORD'}"

    @property
    def secret(self) -> str:
        """Return the value that this variable must have."""
        return self.client_secret if self.is_graph else self.password

    def exchange(self, directory: Path) -> dict[str, Any]:
        """Return the entry of ``exchanges`` that reads it, with paths relative to a directory."""
        own = (
            {
                "kind": "graph",
                "endpoint": self.endpoint,
                "authority": self.endpoint,
                "tenant_id": self.tenant_id,
                "client_id": self.client_id,
                "client_secret_env": self.secret_env,
            }
            if self.is_graph
            else {
                "kind": "ews",
                "endpoint": self.endpoint,
                "auth": "basic",
                "username": self.username,
                "password_env": self.secret_env,
            }
        )
        return own | {"ca_file": os.path.relpath(self.ca_file, directory)}


@contextmanager
def running_sandboxes(
    directory: Path, rooms: int, latency_seconds: float = 0.0
) -> Iterator[tuple[RunningSandbox, ...]]:
    """Start a sandbox for each region, in separate processes as real servers would be."""
    own = directory / _SANDBOX
    options = ["--rooms", str(rooms), "--dir", str(own), "--latency", str(latency_seconds)]
    own.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(_running_sandbox(region, options)) for region in DEMO_REGIONS
        )


@contextmanager
def _running_sandbox(region: Region, options: Sequence[str]) -> Iterator[RunningSandbox]:
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "pipelines.sandbox.server", "--region", region, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ChildProcessError(0, "did not start; its message is above", "sandbox")
            yield RunningSandbox(**json.loads(line))
        finally:
            process.terminate()


def write_configuration(
    directory: Path, sandboxes: tuple[RunningSandbox, ...], rooms: int, ahead_days: int = 180
) -> Path:
    """Write ``insights.yaml`` and a room directory for each region; return the former's path.

    Sets the secrets' environment variables for this process, as an operator would.
    """
    regions: dict[Region, dict[str, Any]] = {}
    for sandbox in sandboxes:
        os.environ[sandbox.secret_env] = sandbox.secret
        name, list_of_rooms = sandbox.region.lower(), _rooms_name(sandbox.region)
        regions[sandbox.region] = {
            "time_zone": _TIME_ZONES[sandbox.region],
            "nightly_at": "02:30",
            "lake": f"{name}/lake",
            "warehouse": f"{name}/warehouse",
            "rooms": list_of_rooms,
            "accepted_domains": [sandbox.username.rpartition("@")[2]],
            "exchanges": {"cloud" if sandbox.is_graph else "sandbox": sandbox.exchange(directory)},
        }
        rows = directory_rows(generated_tenant(sandbox.region, rooms=rooms))
        with (directory / list_of_rooms).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "exchange": ""} for row in rows)
    config = directory / CONFIG_NAME
    settings = {"trailing_days": TRAILING_DAYS, "ahead_days": ahead_days, "regions": regions}
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return config


def _rooms_name(region: Region) -> str:
    return f"rooms-{region.lower()}.csv"


@click.command()
@click.option("--rooms", type=click.IntRange(10, 2000), default=40, show_default=True)
@click.option("--days", type=click.IntRange(1, 395), default=100, show_default=True)
@click.option(
    "--dir",
    "directory",
    type=FOLDER,
    default=Path("demo"),
    show_default=True,
)
@click.option("--serve", is_flag=True, help="Leave the sandbox Exchange running.")
def demo(rooms: int, days: int, directory: Path, serve: bool) -> int:
    """Read two regions from a sandbox Exchange and show their utilization."""
    if file := somebody_elses_file(directory):
        raise click.UsageError(
            f"--dir {directory}: the demo would write over {file}; name a folder of its own"
        )
    directory.mkdir(parents=True, exist_ok=True)
    terminal = Console()
    with running_sandboxes(directory, rooms) as sandboxes:
        config = write_configuration(directory, sandboxes, rooms, ahead_days=min(days, 180))
        for sandbox in sandboxes:
            protocol = "Microsoft Graph" if sandbox.is_graph else "EWS"
            click.echo(
                f"{sandbox.region}: sandbox Exchange with {rooms} rooms over {protocol} at "
                f"{sandbox.endpoint}"
            )
        databases: dict[Region, Location] = {}
        for sandbox in sandboxes:
            database = _one_night(config, sandbox.region, days, terminal)
            if database is None:
                return NOTHING
            databases[sandbox.region] = database
        show_what_next(terminal, config, databases)
        if serve:
            click.echo("\nThe sandbox goes on answering until Ctrl-C. In another terminal:")
            for sandbox in sandboxes:
                click.echo(f"  export {sandbox.secret_env}=sandbox")
            click.echo(f"  {program('insights')} run --config {config} --region EU")
            end_of_process().wait()
    return WHOLE


@click.command()
@click.option("--rooms", type=click.IntRange(1, 2000), default=40, show_default=True)
@click.option(
    "--region",
    "regions",
    type=region_name,
    metavar="REGION",
    multiple=True,
    default=("EU", "NA"),
    show_default=True,
)
@click.option("--port", type=click.IntRange(0, 65534), default=0, help="First port; 0: any.")
@click.option(
    "--dir",
    "directory",
    type=FOLDER,
    default=Path("demo/sandbox"),
    show_default=True,
    help="Where the CA files go.",
)
def sandbox(rooms: int, regions: tuple[Region, ...], port: int, directory: Path) -> int:
    """Serve only the simulated Exchange, until Ctrl-C."""
    over = end_of_process()
    with ExitStack() as servers:
        try:
            served = servers.enter_context(serving(regions, directory, rooms, first_port=port))
        except OSError as error:
            if error.filename is not None:
                raise
            text = f"--port {port}: {error.strerror}; name another, or 0 for any free one"
            raise click.UsageError(text) from None
        for each in served:
            click.echo(f"{each.region}: EWS {each.url}")
            signs_in = f"account {each.username}, password {each.password}"
            click.echo(f"  {signs_in}, CA file {each.ca_file}")
            click.echo(f"{each.region}: Graph {each.graph_url} (endpoint and authority)")
            click.echo(f"  tenant_id {each.tenant_id}, client_id {each.client_id}")
            click.echo(f"  client secret {each.client_secret}")
        click.echo("Ctrl-C ends it.")
        over.wait()
    return WHOLE


def _one_night(config: Path, region: Region, days: int, terminal: Console) -> Location | None:
    """Read ``days`` days back and everything ahead, as ``insights run --from`` would."""
    settings = load_settings(config, None)
    today = today_in(settings, region, datetime.now(UTC))
    day_range = replace(default_range(settings, today), first_date=today - timedelta(days=days))
    with console.RunProgress(terminal) as progress:
        facts = launch_night(settings, region, day_range, dagster_home(config), progress)
    console.show_run(settings, region, facts)
    if facts.database is None:
        return None
    warehouse = settings.regions[region].warehouse
    show_summary(terminal, region, summarize(region, warehouse))
    return warehouse / f"insights-{region.lower()}.duckdb"


def show_summary(console: Console, region: Region, summary: Summary) -> None:
    """Print a region's buildings, and its busiest and quietest rooms."""
    if not summary.buildings:
        console.print(f"{region}: no day has been read and is over yet; nothing to show")
        return
    table = Table(
        title=f"{region}: booked utilization, {summary.first_date} to {summary.last_date}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("Building", no_wrap=True)
    for heading in ("Rooms", "Open h", "Booked h", "Bookings"):
        table.add_column(heading, justify="right")
    table.add_column("Utilization", no_wrap=True)
    for building in summary.buildings:
        share = building.booked_utilization
        table.add_row(
            building.building,
            f"{building.rooms}",
            f"{building.open_hours:,.0f}",
            f"{building.booked_hours:,.0f}",
            f"{building.bookings:,}",
            "never open" if share is None else f"{'█' * round(share * _BAR):<{_BAR}} {share:4.0%}",
        )
    console.print(table)
    if summary.personal_rooms:
        console.print(
            f"  {summary.personal_rooms} personal rooms (desk, office, executive) left out here",
            soft_wrap=True,
        )
    console.print(f"  busiest: {_ranked(summary.rooms[:_RANKED])}", soft_wrap=True)
    console.print(f"  quietest: {_ranked(summary.rooms[-_RANKED:])}", soft_wrap=True)


def show_what_next(console: Console, config: Path, databases: dict[Region, Location]) -> None:
    """Print where everything is and a query to try."""
    database = next(iter(databases.values()))
    console.print("\nWhere everything is", style="bold")
    console.print(f"  configuration  {config}", soft_wrap=True)
    for name, path in databases.items():
        console.print(f"  {name} database    {path}", soft_wrap=True)
        console.print(f"  {name} page        {page_path(path.parent, name)}", soft_wrap=True)
    console.print("\nTry next", style="bold")
    query = (
        "SELECT weekday, local_hour, round(100.0 * sum(booked_minutes) / sum(open_minutes)) AS "
        "percent FROM hour_of_week WHERE open_minutes > 0 GROUP BY ALL ORDER BY ALL"
    )
    console.print(
        f"  {program('python')} -c \"import duckdb; duckdb.connect('{database}', read_only=True)"
        f".sql('{query}').show(max_rows=100)\"",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )


def program(name: str) -> str:
    """Return how to start a program of this installation from the current directory."""
    path = Path(sys.executable).with_name(name)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _ranked(rooms: tuple[RoomUse, ...]) -> str:
    return ", ".join(f"{room.name} {room.booked_utilization:.0%}" for room in rooms)
