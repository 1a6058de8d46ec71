"""The CSV of ``Get-CalendarProcessing | Export-Csv``: which row is which room.

Belongs here: PowerShell's encodings and separators, and finding a row's room.
Does not belong here: what the settings mean (``processing.py``).

A row that is no room of the directory may be a person's mailbox: nothing of it is ever shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.check.processing import Row
from pipelines.settings import Room, SettingsError
from pipelines.text_files import Table, TextError, read_text
from transforms.addresses import normal_address

EXPORT: Final = (
    "Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | "
    "ForEach-Object { $room = $_; Get-CalendarProcessing $room.Identity | "
    "Select-Object @{n='PrimarySmtpAddress'; e={$room.PrimarySmtpAddress}}, * } | "
    "Export-Csv processing.csv -NoTypeInformation -Encoding UTF8"
)
_AUTOMATION: Final = "automateprocessing"
_NAMES: Final = ("primarysmtpaddress", "identity", "mailboxownerid")


@dataclass(frozen=True, slots=True)
class Processing:
    """The settings of the directory's rooms by room_id, and how many rows were no such room."""

    path: Path
    rows: Mapping[str, Row]
    missing: Sequence[str]
    other_rows: int


def read_processing(path: Path, rooms: Iterable[Room]) -> Processing:
    """Read the file and find the rooms in it, by address, or else by name or id.

    Raises:
        SettingsError: the file cannot be read, or is not such a CSV.
    """
    rooms = list(rooms)
    known = _names_of(rooms)
    found: dict[str, Row] = {}
    others = 0
    for row in _rows(path):
        room_id = next((known[name] for name in _keys(row) if name in known), None)
        if room_id is None:
            others += 1
        else:
            found[room_id] = row
    missing = [room.room_id for room in rooms if room.room_id not in found]
    return Processing(path, found, missing, others)


def _rows(path: Path) -> Iterator[Row]:
    try:
        table = Table(read_text(path, f"export it with: {EXPORT}"))
        names, rows = [name.lower() for name in table.header], list(table.rows())
    except TextError as error:
        raise _problem(f"{path}: line {error.line}" if error.line else path, str(error)) from None
    if _AUTOMATION not in names or not set(_NAMES) & set(names):
        raise _problem(path, "has no columns Identity and AutomateProcessing")
    for cells in rows:
        yield dict(zip(names, (cell.strip() for cell in cells), strict=False))


def _problem(place: object, text: str) -> SettingsError:
    remedy = "" if EXPORT in text else f"; export it with: {EXPORT}"
    return SettingsError([f"{place}: {text}{remedy}"])


def _names_of(rooms: Sequence[Room]) -> dict[str, str]:
    """Return room_ids by every name that only one room has; an address wins over a name."""
    names: dict[str, str] = {}
    for key in (_name, _local_part, _room_id, _address):
        seen: dict[str, list[str]] = {}
        for room in rooms:
            seen.setdefault(key(room).casefold(), []).append(room.room_id)
        names.update((name, ids[0]) for name, ids in seen.items() if name and len(ids) == 1)
    return names


def _name(room: Room) -> str:
    return room.name or ""


def _local_part(room: Room) -> str:
    return room.address.partition("@")[0]


def _room_id(room: Room) -> str:
    return room.room_id


def _address(room: Room) -> str:
    return normal_address(room.address)


def _keys(row: Row) -> Iterator[str]:
    """Yield what a row may be known by; an Identity may be contoso.example/Rooms/Fjord."""
    for name in _NAMES:
        value = row.get(name, "").casefold()
        yield normal_address(value)
        yield value
        yield value.rpartition("/")[2]
