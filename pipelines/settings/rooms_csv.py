"""The room directory: a CSV file that the operator keeps.

Belongs here: reading the file and checking its rows against each other.
Does not belong here: what a single room may hold (``rooms.py``).

A message names file, line, room and column, never a mailbox address.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Final, NamedTuple, TypeAlias

from pipelines.settings.keys import identifier
from pipelines.settings.problems import Problems, did_you_mean, shown, validated
from pipelines.settings.rooms import Room
from transforms.addresses import normal_address

COLUMNS: Final = tuple(Room.model_fields)
_REQUIRED: Final = ("room_id", "address", "time_zone")

_EMPTY: Final = ' \t\r\n,;"'
_FOREIGN_LINE: Final = re.compile(r'\s*"?(?:#TYPE\b|sep=)', re.IGNORECASE)
_Record: TypeAlias = tuple[int, dict[str, str]]


class RoomFile(NamedTuple):
    """The rooms of a CSV; and every row, right or wrong, as line and filled cells."""

    file: str
    rooms: tuple[Room, ...]
    records: tuple[_Record, ...]


def read_rooms(
    text: str, file: str, exchanges: Sequence[str], open_hours: str, problems: Problems
) -> RoomFile:
    """Return what a CSV text holds, and note every problem.

    ``exchanges`` are the names that the region knows; a region with one may leave the column
    out; with none (the YAML is wrong there) it is not checked. ``open_hours`` is for the rooms
    that name none.
    """
    rooms: list[Room] = []
    records = list(_records(text, file, problems))
    _note_repeated(records, file, problems)
    if len(exchanges) > 1 and records and not any("exchange" in record for _, record in records):
        text = "the region has several, and no room says which it is in; fill in this column"
        problems.add(f"{file}: exchange", text)
        exchanges = ()
    for line, record in records:
        where = _place(file, line, record)
        exchange = _exchange(record, exchanges, where, problems)
        values = {"open_hours": open_hours} | record | {"exchange": exchange}
        room = validated(Room, values, f"{where}, ", problems)
        if room:
            rooms.append(room)
    return RoomFile(file, tuple(rooms), tuple(records))


def note_shared_mailboxes(one: RoomFile, other: RoomFile, region: str, problems: Problems) -> None:
    """Note every room of ``other`` whose mailbox is in ``one``, the directory of ``region``."""
    mailboxes = {_mailbox(record) for _, record in one.records} - {""}
    for line, record in other.records:
        if _mailbox(record) in mailboxes:
            text = f"this mailbox is a room of region {region} too; a room has one region"
            problems.add(f"{_place(other.file, line, record)}, address", text)


def _mailbox(record: Mapping[str, str]) -> str:
    return normal_address(record.get("address"))


def _records(text: str, file: str, problems: Problems) -> Iterator[_Record]:
    """Yield line number and filled cells of each row that can be told apart into columns.

    Excel writes semicolons where the comma is the decimal mark, and ``sep=;``; PowerShell writes
    ``#TYPE``; both leave empty cells behind. What is clear is read.
    """
    lines = StringIO(text, newline="").readlines()
    skipped = 0
    while lines and (not lines[0].strip(_EMPTY) or _FOREIGN_LINE.match(lines[0])):
        del lines[0]
        skipped += 1
    delimiter = max(",;\t", key=(lines[0] if lines else "").count)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    is_empty = True
    try:
        header = _without_stray([cell.strip() for cell in next(reader, [])], 0)
        if not _is_usable(header, file, reader.line_num + skipped, problems):
            return
        for cells in reader:
            if not _is_filled(cells):
                continue
            is_empty = False
            filled = _without_stray(cells, len(header))
            if len(filled) > len(header):
                text = f"has {len(filled)} values for {len(header)} columns"
                mark = {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
                remedy = f"put a value that holds a {mark} in double quotes"
                problems.add(f"{file}: line {reader.line_num + skipped}", f"{text}; {remedy}")
                continue
            yield reader.line_num + skipped, _filled(dict(zip(header, filled, strict=False)))
    except csv.Error:
        problems.add(
            f"{file}: line {reader.line_num + skipped}", "quotes do not match; mend the quotes"
        )
        return
    if is_empty:
        problems.add(file, "lists no room; add one a line")


def _without_stray(cells: list[str], columns: int) -> list[str]:
    """Leave out the empty cells at the end that no column has."""
    while len(cells) > columns and not cells[-1].strip():
        del cells[-1]
    return cells


def _is_filled(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)


def _filled(cells: dict[str, str]) -> dict[str, str]:
    """Leave out empty cells, unknown columns, and the space around all but the room_id."""
    return {
        column: cell if column == "room_id" else cell.strip()
        for column, cell in cells.items()
        if column in COLUMNS and cell.strip()
    }


def _is_usable(header: Sequence[str], file: str, line: int, problems: Problems) -> bool:
    where = f"{file}: line {line}"
    if not header:
        problems.add(file, "is empty; write the columns, then a room a line, as the README shows")
        return False
    missing = [column for column in _REQUIRED if column not in header]
    for column in missing:
        problems.add(f"{where}, {column}", "this column is missing; add it")
    for column in dict.fromkeys(header):
        if column not in COLUMNS:
            text = f"unknown column {shown(column)}; {did_you_mean(column, COLUMNS)}"
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


def _note_repeated(records: Sequence[_Record], file: str, problems: Problems) -> None:
    first_lines: dict[tuple[str, str], int] = {}
    for line, record in records:
        for column in ("room_id", "address"):
            value = record.get(column, "").strip()
            folded = normal_address(value) if column == "address" else value.casefold()
            first = first_lines.setdefault((column, folded), line)
            if folded and first != line:
                text = f"the same as on line {first}; list every room once"
                problems.add(f"{_place(file, line, record)}, {column}", text)


def _exchange(
    record: dict[str, str], exchanges: Sequence[str], where: str, problems: Problems
) -> str:
    name = record.get("exchange", exchanges[0] if len(exchanges) == 1 else "")
    if exchanges and not name:
        text = f"is missing, and the region has several; {did_you_mean(name, exchanges)}"
        problems.add(f"{where}, exchange", text)
    elif exchanges and name not in exchanges:
        text = f"no exchange {shown(name)} in this region; {did_you_mean(name, exchanges)}"
        problems.add(f"{where}, exchange", text)
    return name
