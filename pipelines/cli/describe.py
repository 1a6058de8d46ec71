"""``insights describe``: tables and columns of the database in a terminal, from the contract."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from pipelines.cli.options import WHOLE, region_name, settings_of, with_config
from pipelines.settings import did_you_mean
from transforms import contract
from transforms.contract import Region
from warehouse.odcs import document
from warehouse.versions import parquet_pointer


@click.command()
@click.argument("table", required=False)
@click.option(
    "--odcs",
    "is_odcs",
    is_flag=True,
    help="Print the statistics of --region as a data contract (ODCS 3.1), for catalogs and tests.",
)
@with_config
@click.option("--region", type=region_name, metavar="REGION", help="Only with --odcs.")
def describe(table: str | None, is_odcs: bool, config: Path, region: Region | None) -> int:
    """Print what the database's tables, or the columns of one TABLE, mean."""
    if is_odcs != (region is not None) or (is_odcs and table is not None):
        raise click.UsageError("--odcs and --region go together, without a table")
    if region is not None:
        warehouse = settings_of(config, region).regions[region].warehouse
        click.echo(document(region, parquet_pointer(warehouse, region, statistics=True)), nl=False)
    elif table is None:
        show_tables(Console())
    elif table in contract.TABLES:
        show_table(Console(), table)
    else:
        raise click.UsageError(f"{table}: no such table; {did_you_mean(table, contract.TABLES)}")
    return WHOLE


def show_tables(console: Console) -> None:
    """Print every table with its definition; without a terminal, tab-separated lines."""
    rows = [(name, each.text) for name, each in contract.TABLES.items()]
    _show(console, ("table", "one row, and what for"), rows)
    if console.is_terminal:
        console.print("insights describe TABLE shows its columns.")


def show_table(console: Console, name: str) -> None:
    """Print the columns of a table; without a terminal, tab-separated lines."""
    described = contract.TABLES[name]
    if console.is_terminal:
        console.print(f"{name}: {described.text}")
    rows = [(_key(name, each), _kind(each), each.definition) for each in described]
    _show(console, ("column", "type", "meaning"), rows)
    if console.is_terminal and described.grain:
        console.print("* the columns that tell its rows apart")


def _key(table: str, column: contract.Column) -> str:
    return f"{column.name}{' *' if column.name in contract.TABLES[table].grain else ''}"


def _kind(column: contract.Column) -> str:
    return str(column.type).partition("[")[0] + (", null" if column.nullable else "")


def _show(console: Console, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join([row[0].removesuffix(" *"), *row[1:]]))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(headings[-1])
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)
