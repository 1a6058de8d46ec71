"""``insights what-if``: which bookings would find a room, and which rooms are needed (R22)."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Final

import click

from pipelines.cli.options import DATE, WHOLE, settings_of, with_config, with_region
from pipelines.texts import counted
from transforms.contract import CAPACITY_BANDS, Region
from warehouse.what_if import Seats, WhatIf, WhatIfError
from warehouse.what_if import what_if as ask

_ADDED: Final = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})", re.IGNORECASE)


def _added(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[int, int]:
    """Return seats and numbers of rooms of ``--add SEATSxN``, which may be repeated."""
    rooms: dict[int, int] = {}
    for value in values:
        found = _ADDED.fullmatch(value.strip())
        if found is None:
            raise click.BadParameter(f"{value!r} is not SEATSxN, both at least 1, such as 8x2")
        seats = int(found[1])
        rooms[seats] = rooms.get(seats, 0) + int(found[2])
    return rooms


@click.command("what-if")
@with_config
@with_region
@click.option("--building", help="Only this building; default: all of the region.")
@click.option("--add", multiple=True, metavar="SEATSxN", callback=_added, help="N new rooms.")
@click.option("--remove", multiple=True, metavar="ROOM_ID", help="A room that would go.")
@click.option("--suggest", is_flag=True, help="Find the smallest mix of rooms that serves 99 %.")
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
    first: datetime | None,
    last: datetime | None,
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
            first_date=_date(first),
            last_date=_date(last),
            warehouse=warehouse,
        )
    except WhatIfError as error:
        raise click.UsageError(str(error)) from None
    click.echo(json.dumps(_as_json(found)) if as_json else "\n".join(_lines(found, suggest)))
    return WHOLE


def _date(value: datetime | None) -> date | None:
    return None if value is None else value.date()


def _as_json(found: WhatIf) -> dict[str, object]:
    return {
        "bookings": found.bookings,
        "minutes": found.minutes,
        "served_at_least": found.served_at_least,
        "served_at_most": found.served_at_most,
        "minutes_served_at_least": found.minutes_served_at_least,
        "minutes_served_at_most": found.minutes_served_at_most,
        "rooms": [{"seats": each.seats, "count": each.count} for each in found.rooms],
    }


def _lines(found: WhatIf, is_suggestion: bool) -> list[str]:
    rooms = sum(each.count for each in found.rooms)
    where = f"{found.region} {found.building}" if found.building else found.region
    bookings = _bracket(found.served_at_least, found.served_at_most, found.bookings)
    hours = _bracket(
        found.minutes_served_at_least, found.minutes_served_at_most, found.minutes, unit=60
    )
    days = f"{found.first_date} to {found.last_date}"
    lines = [
        f"{where}, {days}: {found.bookings:,} bookings, {found.minutes / 60:,.0f} hours",
        f"{'smallest mix found' if is_suggestion else 'rooms'}: {rooms} ({_sizes(found.rooms)})",
        f"bookings that find a room: {bookings}",
        f"hours that find a room: {hours}",
    ]
    if is_suggestion:
        lines.append(f"fewer than {counted(found.fewest_rooms, 'room')} cannot serve 99 %")
    else:
        share = _share(found.served_in_place, found.bookings)
        lines.append(f"without any other booking changing rooms: at least {share}")
    if found.not_placed:
        lines.append(f"without a room, by seats needed: {_needs(found.not_placed)}")
    return lines


def _sizes(rooms: tuple[Seats, ...]) -> str:
    return ", ".join(f"{each.count} with {counted(each.seats, 'seat')}" for each in rooms) or "none"


def _needs(bookings: tuple[Seats, ...]) -> str:
    """Return bookings by the capacity band of the room that would fit them."""
    counts: dict[str, int] = {}
    for each in bookings:
        fits = (
            band for band in CAPACITY_BANDS if band.at_most is None or each.seats <= band.at_most
        )
        label = next(fits).label
        counts[label] = counts.get(label, 0) + each.count
    return ", ".join(f"{label}: {counted(count, 'booking')}" for label, count in counts.items())


def _bracket(least: int, most: int, whole: int, unit: int = 1) -> str:
    """Return a range of numbers and of shares; shares are rounded outwards, so they stay true."""
    return (
        f"at least {_share(least, whole)} ({least // unit:,}), "
        f"at most {_share(most, whole, is_up=True)} ({-(-most // unit):,})"
    )


def _share(part: int, whole: int, *, is_up: bool = False) -> str:
    """Return per cent with a digit, rounded down or up."""
    if not whole:
        return "100 %"
    per_mille = -(-1000 * part // whole) if is_up else 1000 * part // whole
    return f"{per_mille / 10:.1f} %"
