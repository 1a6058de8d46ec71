"""``insights describe`` and ``what-if``: what figures mean, and how they would change (R22)."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from pipelines.cli import DATE, WHOLE, region_name, settings_of, with_config, with_region
from pipelines.settings import did_you_mean
from pipelines.texts import counted
from transforms.contract import CAPACITY_BANDS, Region
from transforms.contract.database import TABLES
from warehouse.dictionary import document
from warehouse.versions import parquet_pointer
from warehouse.what_if import WhatIf, WhatIfError
from warehouse.what_if import what_if as ask

_ADDED: Final = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})", re.IGNORECASE)
_ADD: Final = "N new rooms; with --building, where the region has several."
_ANSWERS: Final = (
    *("bookings", "minutes", "served_at_least", "served_at_most"),
    *("minutes_served_at_least", "minutes_served_at_most"),
)


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
    elif table in TABLES:
        show_table(Console(), table)
    else:
        raise click.UsageError(f"{table}: no such table; {did_you_mean(table, TABLES)}")
    return WHOLE


def show_tables(console: Console) -> None:
    """Print every table with its definition; without a terminal, tab-separated lines."""
    rows = [(name, each.text) for name, each in TABLES.items()]
    _show(console, ("table", "one row, and what for"), rows)
    if console.is_terminal:
        console.print("insights describe TABLE shows its columns.")


def show_table(console: Console, name: str) -> None:
    """Print the columns of a table; without a terminal, tab-separated lines."""
    described = TABLES[name]
    if console.is_terminal:
        console.print(f"{name}: {described.text}")
    rows = [
        (
            f"{each.name}{' *' if each.name in described.grain else ''}",
            str(each.type).partition("[")[0] + (", null" if each.nullable else ""),
            each.definition,
        )
        for each in described
    ]
    _show(console, ("column", "type", "meaning"), rows)
    if console.is_terminal and described.grain:
        console.print("* the columns that tell its rows apart")


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


def _added(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[int, int]:
    """Return the number of rooms to add by seats, from ``--add SEATSxN`` (repeatable)."""
    rooms: dict[int, int] = {}
    for value in values:
        found = _ADDED.fullmatch(value.strip())
        if found is None:
            raise click.BadParameter(f"{value!r} is not SEATSxN, both at least 1, such as 8x2")
        seats = int(found[1])
        rooms[seats] = rooms.get(seats, 0) + int(found[2])
    return rooms


@click.command("what-if")
@with_region
@click.option("--building", help="Only this building; default: all of the region.")
@click.option("--add", multiple=True, metavar="SEATSxN", callback=_added, help=_ADD)
@click.option("--remove", multiple=True, metavar="ROOM_ID", help="A room that would go.")
@click.option("--suggest", is_flag=True, help="Find a small mix of rooms that serves 99 %.")
@click.option("--from", "first", type=DATE, metavar="DATE", help="Default: the first day read.")
@click.option("--to", "last", type=DATE, metavar="DATE", help="Default: the last day that is over.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def what_if(  # noqa: PLR0913, PLR0917 - one parameter for each option
    config: Path,
    region: Region,
    building: str | None,
    add: dict[int, int],
    remove: tuple[str, ...],
    suggest: bool,
    first: date | None,
    last: date | None,
    as_json: bool,
) -> int:
    """Say how many bookings would find a room: at least, and at most.

    Bookings stay in their building. This reads single bookings, from the database that is not for
    everybody; it prints none of them.
    """
    warehouse = settings_of(config, region).regions[region].warehouse
    try:
        found = ask(
            region,
            building=building,
            add=add,
            remove=remove,
            suggest=suggest,
            first_date=first,
            last_date=last,
            warehouse=warehouse,
        )
    except WhatIfError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        values: dict[str, object] = {name: getattr(found, name) for name in _ANSWERS}
        rooms = [{"seats": each.seats, "count": each.count} for each in found.rooms]
        click.echo(json.dumps(values | {"rooms": rooms}))
    else:
        click.echo("\n".join(_lines(found, suggest)))
    return WHOLE


def _lines(found: WhatIf, is_suggestion: bool) -> list[str]:
    rooms = sum(each.count for each in found.rooms)
    where = f"{found.region} {found.building}" if found.building else found.region
    days = f"{found.first_date} to {found.last_date}"
    if not found.bookings:
        return [f"{where}, {days}: no bookings, so there is nothing to find a room for"]
    bookings = _bracket(found.served_at_least, found.served_at_most, found.bookings)
    hours = _bracket(
        found.minutes_served_at_least, found.minutes_served_at_most, found.minutes, unit=60
    )
    unknown = Counter({each.seats: each.count for each in found.unknown})
    sizes = ", ".join(
        [
            f"{count} with {counted(each.seats, 'seat')}"
            for each in found.rooms
            if (count := each.count - unknown[each.seats])
        ]
        + [f"{each.count} with unknown seats, taken as {each.seats}" for each in found.unknown]
    )
    whole = f"{counted(found.bookings, 'booking')}, {counted(round(found.minutes / 60), 'hour')}"
    lines = [
        f"{where}, {days}: {whole}",
        f"{'smallest mix found' if is_suggestion else 'rooms'}: {rooms} ({sizes or 'none'})",
        f"bookings that find a room: {bookings}",
        f"hours that find a room: {hours}",
    ]
    if is_suggestion:
        lines.append(f"fewer than {counted(found.fewest_rooms, 'room')} cannot serve 99 %")
    else:
        share = _share(found.served_in_place, found.bookings)
        lines.append(f"without any other booking changing rooms: at least {share}")
    if found.not_placed:
        needs: Counter[str] = Counter()  # by the capacity band of the room that would fit
        for each in found.not_placed:
            fits = (b for b in CAPACITY_BANDS if b.at_most is None or each.seats <= b.at_most)
            needs[next(fits).label] += each.count
        told = ", ".join(f"{band}: {counted(count, 'booking')}" for band, count in needs.items())
        lines.append(f"without a room, by seats needed: {told}")
    if found.over_seats:
        told = counted(found.over_seats, "booking")
        lines.append(f"more invited than the room has seats: {told}; taken to need just these")
    return lines


def _bracket(least: int, most: int, whole: int, unit: int = 1) -> str:
    """Return a range as numbers and as shares; shares are rounded outwards, so they stay true."""
    return (
        f"at least {_share(least, whole)} ({least // unit:,}), "
        f"at most {_share(most, whole, is_up=True)} ({-(-most // unit):,})"
    )


def _share(part: int, whole: int, *, is_up: bool = False) -> str:
    """Return per cent with one decimal, rounded down or up."""
    per_mille = -(-1000 * part // whole) if is_up else 1000 * part // whole
    return f"{per_mille / 10:.1f} %"
