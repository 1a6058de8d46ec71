"""The room directory of a region: a CSV file that the operator keeps.

Belongs here: reading the file, and checking its rows against each other.
Does not belong here: what a single row may hold (``model.py``).

A message names file, line, room and column, never a mailbox address.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from pipelines.settings.model import Room
from pipelines.settings.problems import Problems, did_you_mean, shown, validated
from pipelines.settings.values import identifier, is_path
from pipelines.texts import Table, TextError, read_text
from transforms.addresses import normal_address
from transforms.opening import DEFAULT_OPEN_HOURS, parse_open_hours

ROOM_COLUMNS: Final = tuple(Room.model_fields)
_REQUIRED: Final = ("room_id", "address", "time_zone")

Record: TypeAlias = tuple[int, dict[str, str]]
"""A row of the CSV, right or wrong: its line and its filled cells."""


class RoomFile(NamedTuple):
    """What a CSV holds: its right rows as rooms, and all its rows."""

    file: str
    rooms: tuple[Room, ...]
    records: tuple[Record, ...]


def read_rooms(
    values: Mapping[str, object], folder: Path, problems: Problems, is_seeding: bool
) -> RoomFile:
    """Return what a region's room directory holds, and note every problem.

    A region with one exchange may leave the column out; with none (the YAML is wrong there) it is
    not checked.
    """
    name, exchanges, hours = (values.get(key) for key in ("rooms", "exchanges", "open_hours"))
    if not is_path(name) or (is_seeding and not (folder / str(name)).exists()):
        return RoomFile("", (), ())
    file, records = str(folder / str(name)), list[Record]()
    try:
        text = read_text(Path(file), "name the room directory in rooms")
        records.extend(_records(Table(text), file, problems))
    except TextError as error:
        problems.add(f"{file}: line {error.line}" if error.line else file, str(error))
    _note_repeated(records, file, problems)
    _note_parts(records, file, problems)
    names = [str(key) for key in exchanges] if isinstance(exchanges, dict) else []
    if len(names) > 1 and records and not any("exchange" in record for _, record in records):
        wrong = "the region has several, and no room says which it is in; fill in this column"
        problems.add(f"{file}: exchange", wrong)
        names = []
    rooms: list[Room] = []
    for line, record in records:
        where = _place(file, line, record)
        exchange = _exchange(record, names, where, problems)
        own = {"open_hours": _hours_or_default(hours)} | record | {"exchange": exchange}
        if room := validated(Room, own, f"{where}, ", problems):
            rooms.append(room)
    return RoomFile(file, tuple(rooms), tuple(records))


def _hours_or_default(value: object) -> str:
    try:
        parse_open_hours(str(value))
    except ValueError:
        return DEFAULT_OPEN_HOURS
    return str(value)


def _records(table: Table, file: str, problems: Problems) -> Iterator[Record]:
    """Yield line number and filled cells of each row that can be told apart into columns.

    Unknown columns are left out, and the space around all but the room_id.
    """
    header, is_empty = table.header, True
    if not _is_usable(header, file, table.line, problems):
        return
    for cells in table.rows():
        is_empty = False
        if len(cells) > len(header):
            wrong = f"has {len(cells)} values for {len(header)} columns"
            remedy = f"put a value that holds a {table.separator} in double quotes"
            problems.add(f"{file}: line {table.line}", f"{wrong}; {remedy}")
            continue
        yield (
            table.line,
            {
                column: cell if column == "room_id" else cell.strip()
                for column, cell in zip(header, cells, strict=False)
                if column in ROOM_COLUMNS and cell.strip()
            },
        )
    if is_empty:
        problems.add(file, "lists no room; add one a line")


def _is_usable(header: Sequence[str], file: str, line: int, problems: Problems) -> bool:
    where = f"{file}: line {line}"
    if not header:
        problems.add(file, "is empty; write the columns, then a room a line, as the README shows")
        return False
    missing = [column for column in _REQUIRED if column not in header]
    for column in missing:
        problems.add(f"{where}, {column}", "this column is missing; add it")
    for column in dict.fromkeys(header):
        if column not in ROOM_COLUMNS:
            text = f"unknown column {shown(column)}; {did_you_mean(column, ROOM_COLUMNS)}"
            problems.add(where, text)
        elif header.count(column) > 1:
            problems.add(f"{where}, {column}", "this column is there twice; remove one")
    return not missing


def _place(file: str, line: int, record: Mapping[str, str]) -> str:
    room_id = record.get("room_id", "")
    try:
        return f"{file}: line {line}, room {identifier(room_id)}"
    except ValueError:
        return f"{file}: line {line}"


def _note_repeated(records: Sequence[Record], file: str, problems: Problems) -> None:
    """Note rows of one room or mailbox; a room may have several, each with its ``valid_from``."""
    rows: dict[tuple[str, str], int] = {}
    rooms: dict[str, Record] = {}
    mailboxes: dict[str, tuple[int, str]] = {}
    for line, record in records:
        where, since = _place(file, line, record), record.get("valid_from", "")
        room_id = record.get("room_id", "").strip().casefold()
        first = rows.setdefault((room_id, since), line) if room_id else line
        if first != line:
            remedy = "give each row its own valid_from" if since else "list every room once"
            problems.add(f"{where}, room_id", f"the same as on line {first}; {remedy}")
        first_line, kept = rooms.setdefault(room_id, (line, record)) if room_id else (line, record)
        address = normal_address(record.get("address"))
        address_line, owner = mailboxes.setdefault(address, (line, room_id))
        if address and address_line != line and (owner != room_id or first != line):
            text = f"the same as on line {address_line}; list every room once"
            problems.add(f"{where}, address", text)
        elif first == line and address != normal_address(kept.get("address")):
            text = (
                f"is not that of line {first_line}; a room keeps its mailbox, correct all its rows"
            )
            problems.add(f"{where}, address", text)
        if first == line and record.get("time_zone") != kept.get("time_zone"):
            text = (
                f"is not that of line {first_line}; it counts for every day, correct all its rows"
            )
            problems.add(f"{where}, time_zone", text)


def _note_parts(records: Sequence[Record], file: str, problems: Problems) -> None:
    """Note what ``part_of`` cannot name: no room of the file, the room itself, a part (R25)."""
    known = {record["room_id"] for _, record in records if "room_id" in record}
    parts = {record["room_id"] for _, record in records if {"part_of", "room_id"} <= set(record)}
    for line, record in records:
        whole, where = record.get("part_of"), f"{_place(file, line, record)}, part_of"
        if whole is None:
            continue
        if whole == record.get("room_id"):
            problems.add(where, "names the room itself; leave it empty")
        elif whole not in known:
            problems.add(
                where, f"no room {shown(whole)} in this file; {did_you_mean(whole, known)}"
            )
        elif whole in parts:
            text = f"{shown(whole)} is a part of another room; name the whole room"
            problems.add(where, text)


def _exchange(
    record: Mapping[str, str], exchanges: Sequence[str], where: str, problems: Problems
) -> str:
    name = record.get("exchange", exchanges[0] if len(exchanges) == 1 else "")
    if exchanges and not name:
        text = f"is missing, and the region has several; {did_you_mean(name, exchanges)}"
        problems.add(f"{where}, exchange", text)
    elif exchanges and name not in exchanges:
        text = f"no exchange {shown(name)} in this region; {did_you_mean(name, exchanges)}"
        problems.add(f"{where}, exchange", text)
    return name


def note_shared_mailboxes(one: RoomFile, other: RoomFile, region: str, problems: Problems) -> None:
    """Note every room of ``other`` whose mailbox is in ``one``, the directory of ``region``."""
    mailboxes = {normal_address(record.get("address")) for _, record in one.records} - {""}
    for line, record in other.records:
        if normal_address(record.get("address")) in mailboxes:
            text = f"this mailbox is a room of region {region} too; a room has one region"
            problems.add(f"{_place(other.file, line, record)}, address", text)
