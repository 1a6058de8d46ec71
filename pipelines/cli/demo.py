"""``insights demo`` and ``sandbox``: what needs no Exchange of one's own.

The nights that run here are everybody's nights: ``demo`` does nothing that a real deployment
would do otherwise.
"""

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from pipelines.cli import console
from pipelines.cli.options import FOLDER, WHOLE, region_name
from pipelines.demo import running_sandboxes, somebody_elses_file, write_configuration
from pipelines.launch import dagster_home, launch_night
from pipelines.night import default_range, today_in
from pipelines.sandbox.server import Plan, stop_at_signals
from pipelines.sandbox.server import serve as serve_sandboxes
from pipelines.settings import load_settings
from transforms.contract import Region
from warehouse.page import page_path
from warehouse.summary import RoomUse, Summary, summarize

_RANKED: Final = 3
_BAR: Final = 16


@click.command()
@click.option("--rooms", type=click.IntRange(10, 2000), default=40, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=100, show_default=True)
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
    return run_demo(directory, rooms, days, serve=serve)


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
    ports = {region: port + number if port else 0 for number, region in enumerate(regions)}
    serve_sandboxes(Plan(regions, directory, rooms, ports=ports), console.show_sandboxes)
    return WHOLE


def run_demo(directory: Path, rooms: int, days: int, *, serve: bool) -> int:
    """Run the demo in a directory; return the exit code.

    Raises:
        click.UsageError: the directory holds a configuration that is not the demo's.
        OSError: the directory cannot be written.
    """
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
                f"{sandbox.url}"
            )
        databases: dict[Region, Path] = {}
        for sandbox in sandboxes:
            database = _one_night(config, sandbox.region, days, terminal)
            if database is None:
                return 1
            databases[sandbox.region] = database
        show_what_next(terminal, config, databases)
        if serve:
            _serve_until_interrupted(config, [sandbox.secret_env for sandbox in sandboxes])
    return 0


def _one_night(config: Path, region: Region, days: int, terminal: Console) -> Path | None:
    """Read so many days back, and what lies ahead, as ``insights run --from`` would."""
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


def _serve_until_interrupted(config: Path, secret_variables: list[str]) -> None:
    click.echo("\nThe sandbox goes on answering until Ctrl-C. In another terminal:")
    for variable in secret_variables:
        click.echo(f"  export {variable}=sandbox")
    click.echo(f"  {program('insights')} run --config {config} --region EU")
    over = threading.Event()
    stop_at_signals(over)
    over.wait()


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
        table.add_row(
            building.building,
            f"{building.rooms}",
            f"{building.open_hours:,.0f}",
            f"{building.booked_hours:,.0f}",
            f"{building.bookings:,}",
            _share(building.booked_utilization),
        )
    console.print(table)
    if summary.personal_rooms:
        console.print(
            f"  {summary.personal_rooms} personal rooms (desk, office, executive) left out here",
            soft_wrap=True,
        )
    console.print(f"  busiest: {_ranked(summary.rooms[:_RANKED])}", soft_wrap=True)
    console.print(f"  quietest: {_ranked(summary.rooms[-_RANKED:])}", soft_wrap=True)


def show_what_next(console: Console, config: Path, databases: dict[Region, Path]) -> None:
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
    """Return how to start a program of this installation, from where the operator stands."""
    path = Path(sys.executable).with_name(name)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _share(utilization: float | None) -> str:
    if utilization is None:
        return "never open"
    return f"{'█' * round(utilization * _BAR):<{_BAR}} {utilization:4.0%}"


def _ranked(rooms: tuple[RoomUse, ...]) -> str:
    return ", ".join(f"{room.name} {room.booked_utilization:.0%}" for room in rooms)
