"""The table at the end of a demo or a run: utilization as a facility manager reads it.

Belongs here: turning a ``Summary`` into tables for a terminal.
Does not belong here: computing a figure (``warehouse/summary.py``).
"""

import sys
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from transforms.contract import Region
from warehouse.page import page_path
from warehouse.summary import RoomUse, Summary

_RANKED: Final = 3
_BAR: Final = 16


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
