"""``insights demo``: from nothing to the utilization of two regions, over real EWS and Graph.

Belongs here: the order of the demo.
Does not belong here: anything that a real deployment would do otherwise; the nights that run
here are everybody's nights.
"""

import threading
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from pipelines import console
from pipelines.assets import Runtime, today_in
from pipelines.demo.setup import running_sandboxes, somebody_elses_file, write_configuration
from pipelines.instance import dagster_home
from pipelines.launch import launch_night
from pipelines.night import default_range
from pipelines.sandbox.serve import stop_at_signals
from pipelines.settings import load_settings
from pipelines.summary_view import show_summary, show_what_next
from transforms.contract import Region
from warehouse.summary import summarize


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
        config = write_configuration(directory, sandboxes, rooms, days)
        for sandbox in sandboxes:
            protocol = "Microsoft Graph" if sandbox.is_graph else "EWS"
            click.echo(
                f"{sandbox.region}: sandbox Exchange with {rooms} rooms over {protocol} at "
                f"{sandbox.url}"
            )
        databases: dict[Region, Path] = {}
        for sandbox in sandboxes:
            database = _one_night(config, sandbox.region, terminal)
            if database is None:
                return 1
            databases[sandbox.region] = database
        show_what_next(terminal, config, databases)
        if serve:
            _serve_until_interrupted(config, [sandbox.secret_env for sandbox in sandboxes])
    return 0


def _one_night(config: Path, region: Region, terminal: Console) -> Path | None:
    settings = load_settings(config, None)
    day_range = default_range(settings, today_in(settings, region, datetime.now(UTC)))
    with console.RoomProgress(terminal) as progress:
        runtime = Runtime(progress=progress)
        launch_night(settings, region, day_range, dagster_home(config), runtime)
    if report := runtime.reports.get(region):
        console.show_report(report)
    if failure := runtime.failures.get(region):
        console.fail_run(failure.line, failure.failed_rooms.values())
    if region not in runtime.published:
        return None
    warehouse = settings.regions[region].warehouse
    show_summary(terminal, region, summarize(region, warehouse))
    return warehouse / f"insights-{region.lower()}.duckdb"


def _serve_until_interrupted(config: Path, secret_variables: list[str]) -> None:
    click.echo("\nThe sandbox goes on answering until Ctrl-C. In another terminal:")
    for variable in secret_variables:
        click.echo(f"  export {variable}=sandbox")
    click.echo(f"  .venv/bin/insights run --config {config} --region EU")
    over = threading.Event()
    stop_at_signals(over)
    over.wait()
