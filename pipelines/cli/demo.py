"""``insights demo`` and ``sandbox``: what needs no Exchange of one's own.

The nights that run here are everybody's nights: ``demo`` does nothing that a real deployment
would do otherwise.
"""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from pipelines.cli import console
from pipelines.cli.options import FOLDER, WHOLE, region_name
from pipelines.cli.summary import program, show_summary, show_what_next
from pipelines.demo import running_sandboxes, somebody_elses_file, write_configuration
from pipelines.launch import dagster_home, launch_night
from pipelines.night import default_range, today_in
from pipelines.sandbox.server import Plan, stop_at_signals
from pipelines.sandbox.server import serve as serve_sandboxes
from pipelines.settings import load_settings
from transforms.contract import Region
from warehouse.summary import summarize


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
        click.UsageError: the directory is somebody's own.
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
