"""Seeds the room directory from what Exchange lists: what it knows, and blanks for the rest.

Belongs here: rooms of lists and places as rows of the operator's CSV.
Does not belong here: finding them (``exchange.py``), what a directory may hold
(``pipelines/settings``).
"""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipelines.check.model import ExchangeResult
from pipelines.settings import ROOM_COLUMNS, Identifier, Label, Mailbox, SettingsError
from transforms.contract import ROOM_TYPES

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


def write_rooms(
    path: Path, results: Iterable[ExchangeResult], room_ids: Mapping[str, str], time_zone: str
) -> int:
    """Write every listed room once, and return how many.

    ``room_ids`` are those that the directory has already, by casefolded address: they are kept,
    since the lake knows rooms by them. A new one is made from the address's local part.

    Raises:
        SettingsError: the file exists by now, or cannot be written.
    """
    rows = list(_rows(results, room_ids, time_zone))
    if rows:
        write_directory(path, rows)
    return len(rows)


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
    results: Iterable[ExchangeResult], room_ids: Mapping[str, str], time_zone: str
) -> Iterator[dict[str, str]]:
    taken = {room_id.casefold() for room_id in room_ids.values()}
    written: set[str] = set()
    for result in results:
        for room in result.listing.rooms.values():
            address = room.address.casefold()
            if address in written or not _fits(_MAILBOX, room.address):
                continue
            written.add(address)
            yield {
                "room_id": room_ids.get(address) or _new_id(address.partition("@")[0], taken),
                "address": room.address,
                "exchange": result.target.exchange.name,
                "name": _label(room.name),
                "building": _label(room.building),
                "floor": _label(room.floor),
                "capacity": "" if room.capacity is None else str(room.capacity),
                "room_type": _room_type(room.tags),
                "time_zone": time_zone,
            }


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
