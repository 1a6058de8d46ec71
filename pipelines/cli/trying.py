"""``insights demo``, ``sandbox`` and ``describe``: what needs neither an Exchange nor a lake.

Belongs here: their options and exit codes.
Does not belong here: the simulated Exchange (``pipelines/sandbox``), the demo's order of things
(``pipelines/demo``).
"""

from pathlib import Path

import click
from rich.console import Console

from pipelines import console
from pipelines.cli.options import FOLDER, WHOLE
from pipelines.describe import show_table, show_tables
from pipelines.settings.problems import did_you_mean
from transforms.contract import REGIONS, TABLES, Region


@click.command()
@click.argument("table", required=False)
def describe(table: str | None) -> int:
    """Print what the database's tables, or the columns of one TABLE, mean."""
    if table is None:
        show_tables(Console())
    elif table in TABLES:
        show_table(Console(), table)
    else:
        raise click.UsageError(f"{table}: no such table; {did_you_mean(table, TABLES)}")
    return WHOLE


@click.command()
@click.option("--rooms", type=click.IntRange(10, 2000), default=40, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True)
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
    # The sandbox brings Faker; only who asks for it pays for that.
    from pipelines.demo.night import run_demo  # noqa: PLC0415

    return run_demo(directory, rooms, days, serve=serve)


@click.command()
@click.option("--rooms", type=click.IntRange(1, 2000), default=40, show_default=True)
@click.option(
    "--region",
    "regions",
    type=click.Choice(REGIONS, case_sensitive=False),
    multiple=True,
    default=REGIONS,
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
    from pipelines.sandbox.serve import Plan, serve  # noqa: PLC0415 - as above

    ports = {region: port + number if port else 0 for number, region in enumerate(regions)}
    serve(Plan(regions, directory, rooms, ports=ports), console.show_sandboxes)
    return WHOLE
