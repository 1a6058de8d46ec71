"""Measure what-if: the width of its bracket, its cost, and whether a solver's optimum is inside.

Belongs here: a thousand random small offices against CP-SAT's optimum; an invented region of 13
months with rooms removed. Prints one JSON object; fails if an optimum lies outside its bracket.

Run: ``python -m benchmarks.what_if --offices 1000 --rooms 1000``.
"""

import json
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.generate import Plan, generate
from tests.what_if.offices import best, random_office
from warehouse import connect, what_if
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish
from warehouse.what_if.bounds import at_most
from warehouse.what_if.placement import place, served

TODAY: Final = date(2026, 11, 22)
NOW: Final = datetime(2026, 11, 22, 3, tzinfo=UTC)
QUESTIONS: Final = {"no change": 0, "every 20th room gone": 20, "every 5th": 5, "every second": 2}


def offices_outside(count: int) -> dict[str, int]:
    """Count offices: all, those too full for all bookings, and those outside the bracket."""
    found = {"offices": count, "contested": 0, "bracket_open": 0, "outside": 0}
    for seed in range(count):
        office = random_office(seed)
        building = office.as_arrays()
        (placed,), most = place([building]), at_most(building)
        least = (
            served(building, placed.most_bookings)[0],
            served(building, placed.most_minutes)[1],
        )
        optimum = (best(office, by_minutes=False), best(office, by_minutes=True))
        found["contested"] += optimum[0] < len(office.bookings)
        found["bracket_open"] += least[0] < most[0]
        inside = [
            low <= truth <= high for low, truth, high in zip(least, optimum, most, strict=True)
        ]
        found["outside"] += not all(inside)
    return found


def region(folder: Path, rooms: int) -> dict[str, Any]:
    """Return, for each question, the least and largest share served, and the seconds taken."""
    lake = Lake(folder / "lake", "EU")
    first = TODAY - timedelta(days=396)
    generate(lake, Plan("EU", rooms, first, TODAY + timedelta(days=30), TODAY))
    publish(lake, folder / "warehouse", PublishOptions(), NOW)
    with connect("EU", warehouse=folder / "warehouse", bookings=True) as connection:
        usable = connection.execute(
            "SELECT room_id FROM rooms WHERE room_type NOT IN ('desk', 'office', 'executive') "
            "ORDER BY room_id"
        ).fetchall()
    found = {}
    for name, step in QUESTIONS.items():
        gone = [room_id for (room_id,) in usable[:: step or len(usable) + 1]][: None if step else 0]
        began = time.perf_counter()
        answer = what_if("EU", remove=gone, warehouse=folder / "warehouse")
        found[name] = {
            "seconds": round(time.perf_counter() - began, 2),
            "bookings": answer.bookings,
            "served_at_least": round(answer.served_at_least / answer.bookings, 4),
            "served_at_most": round(answer.served_at_most / answer.bookings, 4),
            "minutes_at_least": round(answer.minutes_served_at_least / answer.minutes, 4),
            "minutes_at_most": round(answer.minutes_served_at_most / answer.minutes, 4),
        }
    return found


@click.command()
@click.option("--offices", type=int, default=1_000, show_default=True)
@click.option("--rooms", type=int, default=1_000, show_default=True)
def main(offices: int, rooms: int) -> None:
    """Print the figures; exit 1 if an optimum lies outside its bracket."""
    small = offices_outside(offices)
    with tempfile.TemporaryDirectory(prefix="what-if-") as name:
        large = region(Path(name), rooms)
    click.echo(json.dumps({"small offices": small, f"{rooms} rooms, 13 months": large}, indent=1))
    if small["outside"]:
        raise click.ClickException("an optimum lies outside its bracket")


if __name__ == "__main__":
    main()
