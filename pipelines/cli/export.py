"""``insights export``: the statistics tables for Excel, or as CSV."""

from pathlib import Path

import click

from pipelines.cli.options import WHOLE, settings_of, with_config, with_region
from pipelines.words import counted
from transforms.contract import Region


@click.command()
@with_config
@with_region
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path),
    help="FILE.xlsx for a workbook, or a folder for CSV files.",
)
def export(config: Path, region: Region, tables: tuple[str, ...], to: Path) -> int:
    """Write a region's statistics tables (or some of them) to a workbook, or as CSV to a folder.

    A workbook has a sheet for each table and one with the definitions. Instants are in UTC.
    """
    try:
        from pipelines.export import export_tables  # noqa: PLC0415 - pandas is an extra
    except ImportError as error:
        raise click.UsageError(
            f"export needs {error.name}: pip install 'room-insights[export]'"
        ) from None
    warehouse = settings_of(config, region).regions[region].warehouse
    written = export_tables(warehouse, region, tables, to)
    rows = sum(written.rows.values())
    click.echo(f"{region}: {counted(len(written.rows), 'table')}, {rows:,} rows in {written.path}")
    return WHOLE
