"""Seeds the room directory from what Exchange lists: what it knows, and blanks for the rest.

Belongs here: rooms of lists and places as rows of the operator's CSV.
Does not belong here: finding them (``exchange.py``), what a directory may hold
(``pipelines/settings``).
"""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from pipelines.check.results import ExchangeResult
from pipelines.settings import ROOM_COLUMNS, Identifier, Label, Mailbox, Room, SettingsError
from pipelines.sources.base import ListedRoom
from transforms.contract import ROOM_TYPES
from transforms.local_time import is_country
from transforms.raw import normal_address

_MODE: Final = 0o640
_LABEL: Final[TypeAdapter[str]] = TypeAdapter(Label)
_IDENTIFIER: Final[TypeAdapter[str]] = TypeAdapter(Identifier)
_SEEDED: Final = ROOM_COLUMNS[: ROOM_COLUMNS.index("valid_from")]
_MAILBOX: Final[TypeAdapter[str]] = TypeAdapter(Mailbox)


def refuse_existing(path: Path) -> None:
    """Refuse a file that is there: it may be a directory that somebody keeps.

    Raises:
        SettingsError: the file exists, or its folder does not.
    """
    if path.exists():
        text = "exists, and is never overwritten; name another"
        raise SettingsError([f"--write-rooms {path}: {text}"])
    if not path.absolute().parent.is_dir():
        raise SettingsError([f"--write-rooms {path}: its folder does not exist; make it"])


class Seeded(NamedTuple):
    """How many rooms were written, and how many of them in a zone that nobody told."""

    rooms: int
    without_zone: int


def write_rooms(
    path: Path, results: Iterable[ExchangeResult], directory: Mapping[str, Room], time_zone: str
) -> Seeded:
    """Write every listed room once, with all that any exchange knows of it.

    ``time_zone`` is the region's: of the rooms whose country has it, or is not known. A country
    with one zone gives its own; else the zone is left empty.

    ``directory`` has the rooms so far, by the normal form of their address: their ids are kept,
    since the lake knows rooms by them, and their exchange. A new id is made from the address.

    Raises:
        SettingsError: the file exists by now, or cannot be written.
    """
    rows = list(_rows(results, directory, time_zone))
    if rows:
        write_directory(path, rows)
    return Seeded(len(rows), sum(not row["time_zone"] for row in rows))


def write_directory(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write a room directory of these rows, a file that is not there yet.

    Raises:
        SettingsError: the file exists by now, or cannot be written.
    """
    try:
        created = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE)
        with os.fdopen(created, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=_SEEDED, restval="")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        text = f"--write-rooms {path}: cannot be written ({type(error).__name__}); name another"
        raise SettingsError([text]) from None


def _rows(
    results: Iterable[ExchangeResult], directory: Mapping[str, Room], time_zone: str
) -> Iterator[dict[str, str]]:
    taken = {room.room_id.casefold() for room in directory.values()}
    merged: dict[str, dict[str, str]] = {}
    for result in results:
        for room in result.listing.rooms.values():
            if _fits(_MAILBOX, room.address):
                known = merged.setdefault(normal_address(room.address), {})
                told = _told(room, result.target.exchange.name)
                known.update({key: text for key, text in told.items() if not known.get(key)})
    for address, row in merged.items():
        row["time_zone"] = _zone_in(row["country"], time_zone)
        if known_room := directory.get(address):
            yield row | {"room_id": known_room.room_id, "exchange": known_room.exchange}
        else:
            yield row | {"room_id": _new_id(address.partition("@")[0], taken)}


def _told(room: ListedRoom, exchange: str) -> dict[str, str]:
    """Return what an exchange tells of a room, in the words of the CSV."""
    return {
        "address": room.address,
        "exchange": exchange,
        "name": _label(room.name),
        "building": _label(room.building),
        "floor": _label(room.floor),
        "country": _country(room.country or ""),
        "capacity": "" if room.capacity is None else str(room.capacity),
        "room_type": _room_type(room.tags),
    }


def _country(text: str) -> str:
    """Return the code of a country that is written as its code or its English name."""
    names = {name.casefold(): code for code, name in _table("iso3166.tab")}
    code = names.get(text.strip().casefold(), text.strip().upper())
    return code if is_country(code) else ""


def _zone_in(country: str, time_zone: str) -> str:
    zones = {name for code, _, name, *_ in _table("zone.tab") if code == country}
    if not zones or time_zone in zones:
        return time_zone
    return zones.pop() if len(zones) == 1 else ""


@cache
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of one of the tables that tzdata brings."""
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return tuple(tuple(line.split("\t")) for line in text.splitlines() if line[:1] != "#")


def _label(text: str | None) -> str:
    return text if text and _fits(_LABEL, text) else ""


def _room_type(tags: Iterable[str]) -> str:
    """Return the type that a room's tags name; none if they name several, or none of ours."""
    named = {tag.strip().casefold().replace(" ", "_") for tag in tags} & set(ROOM_TYPES)
    return named.pop() if len(named) == 1 else ""


def _new_id(local_part: str, taken: set[str]) -> str:
    base = local_part if _fits(_IDENTIFIER, local_part) else "room"
    room_id, number = base, 2
    while room_id in taken:
        room_id, number = f"{base}-{number}", number + 1
    taken.add(room_id)
    return room_id


def _fits(kind: TypeAdapter[str], text: str) -> bool:
    try:
        kind.validate_python(text)
    except ValidationError:
        return False
    return True
