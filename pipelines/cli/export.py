"""``insights export``: the statistics tables as a workbook or as CSV, for people who use Excel."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd
import pyarrow as pa

from pipelines.cli import WHOLE, settings_of, with_region
from pipelines.settings import did_you_mean
from pipelines.texts import Table, TextError, counted, read_text
from transforms.contract import Region
from warehouse.connect import connect
from warehouse.storage import Location

WORKBOOK: Final = ".xlsx"
_MOST_ROWS: Final = 1_048_575  # of a sheet, without its header
_DEFINITIONS: Final = "definitions"
_FORMATS: Final = {
    "share": "0 %",
    "DATE": "yyyy-mm-dd",
    "TIMESTAMP": "yyyy-mm-dd hh:mm",
    "INTEGER": "#,##0",
    "BIGINT": "#,##0",
    "DOUBLE": "#,##0.00",
}
_COLUMNS: Final = """
SELECT table_name AS "table", column_name AS "column",
    replace(data_type, ' WITH TIME ZONE', '') AS type,
    comment || if(data_type LIKE '% WITH TIME ZONE', ' In UTC.', '') AS meaning
FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index
"""
_WIDEST: Final = 60
_EARLIEST: Final = date(1900, 3, 1)
"""Sheets cannot hold earlier days: the cell of a room that counts from the beginning is empty."""


@click.command()
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
    if to.suffix.lower() not in ("", WORKBOOK) and not to.is_dir():
        raise click.UsageError(
            f"--to {to}: no such file is written; name FILE{WORKBOOK}, or a folder for CSV "
            "(a new one without a dot in its name)"
        )
    warehouse = settings_of(config, region).regions[region].warehouse
    rows = export_tables(warehouse, region, tables, to)
    click.echo(f"{region}: {counted(len(rows), 'table')}, {sum(rows):,} rows in {to}")
    return WHOLE


def export_tables(
    warehouse: Location, region: Region, tables: Sequence[str], to: Path
) -> list[int]:
    """Write tables (all of them, if none is named) to a ``.xlsx`` file, or as CSV to a folder.

    Return how many rows each has. Instants are written in UTC, without a zone, since sheets have
    none; the definitions say so.

    Raises:
        click.UsageError: there is no such table, or a table has more rows than a sheet.
        VersionError: nothing was published yet.
        OSError: the file cannot be written.
    """
    with connect(region, warehouse=warehouse) as connection:
        definitions = _frame(connection.sql(_COLUMNS).to_arrow_table())
        known = list(dict.fromkeys(definitions["table"]))
        for name in tables:
            if name not in known:
                raise click.UsageError(f"{name}: no such table; {did_you_mean(name, known)}")
        chosen = [name for name in known if not tables or name in tables]
        definitions = definitions[definitions["table"].isin(chosen)]
        frames = {
            name: _frame(connection.sql(f'SELECT * FROM "{name}"').to_arrow_table())  # noqa: S608 - the database's own names
            for name in chosen
        }
    try:
        if to.suffix.lower() == WORKBOOK:
            _write_workbook(frames, definitions, to)
        else:
            to.mkdir(parents=True, exist_ok=True)
            rooms = to / "rooms.csv"  # a room directory often has the name of the table of rooms
            with suppress(TextError):
                if "address" in Table(read_text(rooms, "")).header:
                    raise click.UsageError(
                        f"{rooms}: is a room directory; name another folder in --to"
                    )
            for name, frame in (*frames.items(), (_DEFINITIONS, definitions)):
                aside = to / f".{name}.csv"
                frame.to_csv(aside, index=False)
                aside.replace(to / f"{name}.csv")
    except OSError as error:  # it may name a temporary file
        raise OSError(error.errno, error.strerror, str(to)) from None
    return [len(frame) for frame in frames.values()]


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return rows that a sheet can hold: instants in UTC without a zone, integers as integers."""
    frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = frame[name].dt.tz_convert("UTC").dt.tz_localize(None)
    return frame


def _write_workbook(frames: dict[str, pd.DataFrame], definitions: pd.DataFrame, to: Path) -> None:
    for name, frame in frames.items():
        if len(frame) > _MOST_ROWS:
            raise click.UsageError(
                f"--to {to}: {name} has {len(frame):,} rows, and a sheet holds {_MOST_ROWS:,}; "
                "name a folder for CSV, or the other tables"
            )
    # No name of a room may turn into a formula or a link.
    options = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=to.parent) as folder:
        aside = Path(folder, to.name)
        with pd.ExcelWriter(
            aside,
            engine="xlsxwriter",
            datetime_format=_FORMATS["TIMESTAMP"],
            date_format=_FORMATS["DATE"],
            engine_kwargs=options,
        ) as writer:
            for name, frame in ((_DEFINITIONS, definitions), *frames.items()):
                types = dict(definitions[definitions["table"] == name].set_index("column")["type"])
                for column in (each for each in frame if types.get(each) == "DATE"):
                    days = frame[column]
                    frame[column] = [day if day and day >= _EARLIEST else None for day in days]
                frame.to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 0))
                _lay_out(writer, name, frame, types)
        os.replace(aside, to)  # noqa: PTH105 - atomic, like all our writes


def _lay_out(
    writer: "pd.ExcelWriter[Any]", name: str, frame: pd.DataFrame, types: dict[str, str]
) -> None:
    """Give each column a width and the number format of its type."""
    sheet = writer.sheets[name]
    for number, column in enumerate(frame.columns):
        is_share = column.endswith(("utilization", "_share", "_within"))
        form = _FORMATS.get("share" if is_share else types.get(column, ""), "General")
        longest = max((len(str(each)) for each in frame[column].head(1000).dropna()), default=0)
        width = min(_WIDEST, max(len(column), longest)) + 2
        sheet.set_column(number, number, width, writer.book.add_format({"num_format": form}))
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
