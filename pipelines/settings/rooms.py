"""The room directory: every column of the CSV, and checks across several rooms.

A message about a room names file, line, room and column, never a mailbox address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationInfo, field_validator

from pipelines.settings.values import (
    Date,
    Identifier,
    Keys,
    Label,
    Mailbox,
    OpenHours,
    Problems,
    ZoneName,
    after,
    did_you_mean,
    is_path,
    must,
    one_of,
    shown,
    validated,
)
from pipelines.texts import Table, TextError, read_text
from transforms.contract import PERSONAL_ROOM_TYPES, ROOM_TYPES, RoomType
from transforms.local_time import (
    DEFAULT_OPEN_HOURS,
    countries,
    is_subdivision,
    parse_open_hours,
    subdivisions,
)
from transforms.raw import normal_address


class Room(Keys):
    """A row of the directory: a room, as it is from ``valid_from`` on if there is one (R18).

    ``open_hours`` are the region's if the CSV has none. ``part_of`` is the room_id of the larger
    room that this one can be combined into (R25); ``equipment`` is sorted words, separated by
    semicolons.
    """

    room_id: Identifier
    address: Mailbox = Field(repr=False)
    exchange: str
    name: Label | None = None
    site: Label | None = None
    building: Label | None = None
    floor: Label | None = None
    country: Annotated[
        str | None,
        one_of(countries, "country of ISO 3166", "write its two letters, such as GB", cutoff=1),
    ] = None
    subdivision: str | None = None
    time_zone: ZoneName
    capacity: Annotated[
        int | None, Field(strict=False), must("seats", "[1-9][0-9]{0,5}", BeforeValidator)
    ] = None
    room_type: Annotated[RoomType, one_of(lambda: ROOM_TYPES, "room type")] = "other"
    open_hours: OpenHours
    opened_on: Date | None = None
    closed_on: Annotated[
        Date | None, after("opened_on", "must be after opened_on; it is the first closed day")
    ] = None
    valid_from: Date | None = None
    part_of: str | None = None
    equipment: str | None = None

    @field_validator("subdivision")
    @classmethod
    def _is_of_the_country(cls, value: str, info: ValidationInfo) -> str:
        country = info.data.get("country", value)
        if country is None:
            raise ValueError("needs a country; fill in country, or leave both empty")
        if "country" in info.data and not is_subdivision(country, value):
            near = did_you_mean(value, subdivisions(country))
            text = f"{country} has no holidays of {shown(value)} alone"
            raise ValueError(f"{text}; leave it empty ({near})")
        return value

    @field_validator("equipment")
    @classmethod
    def _is_words(cls, value: str) -> str:
        words = sorted({word.strip() for word in value.split(";")} - {""})
        for word in words:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", word):
                text = f"{shown(word)} is no word such as video or step_free"
                raise ValueError(f"{text}; write small letters, and a semicolon between words")
        return ";".join(words)


ROOM_COLUMNS: Final = tuple(Room.model_fields)
_IDENTIFIER: Final = TypeAdapter[str](Identifier)
_WITHOUT_FILE: Final = (
    "name the room directory in rooms, or write one with 'insights check --write-rooms FILE'"
)
_REQUIRED: Final = ("room_id", "address", "time_zone")


class Record(NamedTuple):
    """A row of the CSV, right or wrong: its line, its place for messages, its non-empty cells.

    ``room`` is the room_id, casefolded, ``mailbox`` the normalized address; either may be empty.
    """

    line: int
    where: str
    cells: dict[str, str]
    room: str
    mailbox: str


def read_rooms(
    values: Mapping[str, object], folder: Path, problems: Problems, is_seeding: bool
) -> tuple[tuple[Room, ...], list[Record]]:
    """Return the rooms of a region's directory and all its rows, right or wrong; note problems.

    A region with one exchange may omit the column ``exchange``; with none (the YAML is wrong) it is
    not checked. Wrong hours of the region are reported for the region, not for its rooms.
    """
    name, exchanges, hours = (values.get(key) for key in ("rooms", "exchanges", "open_hours"))
    rooms, records = list[Room](), list[Record]()
    if not is_path(name) or (is_seeding and not (folder / str(name)).exists()):
        return (), records
    file = str(folder / str(name))
    try:
        text = read_text(Path(file), _WITHOUT_FILE)
        records.extend(_records(Table(text), file, problems))
    except TextError as error:
        problems.add(f"{file}: line {error.line}" if error.line else file, str(error))
    _note_repeated(records, problems)
    _note_parts(records, problems)
    names = [str(key) for key in exchanges] if isinstance(exchanges, dict) else []
    if len(names) > 1 and records and not any("exchange" in each.cells for each in records):
        wrong = "the region has several, and no room says which it is in; fill in this column"
        problems.add(f"{file}: exchange", wrong)
        names = []
    try:
        hours = hours if isinstance(hours, str) else ""
        parse_open_hours(hours)
    except ValueError:
        hours = DEFAULT_OPEN_HOURS
    for _, where, cells, *_ in records:
        exchange = cells.get("exchange", names[0] if len(names) == 1 else "")
        if names and exchange not in names:
            wrong = f"no exchange {shown(exchange)} in this region"
            wrong = wrong if exchange else "is missing, and the region has several"
            problems.add(f"{where}, exchange", f"{wrong}; {did_you_mean(exchange, names)}")
        own = {"open_hours": str(hours)} | cells | {"exchange": exchange}
        if room := validated(Room, own, f"{where}, ", problems):
            rooms.append(room)
    return tuple(rooms), records


def _records(table: Table, file: str, problems: Problems) -> Iterator[Record]:
    """Yield each row that fits the columns; none if a required column is missing.

    Unknown columns are left out. All cells are stripped of spaces, except the room_id.
    """
    header, where, is_empty = table.header, f"{file}: line {table.line}", True
    if not header:
        problems.add(file, "is empty; write the columns, then a room a line, as the README shows")
        return
    missing = [column for column in _REQUIRED if column not in header]
    for column in missing:
        problems.add(f"{where}, {column}", "this column is missing; add it")
    for column in dict.fromkeys(header):
        if column not in ROOM_COLUMNS:
            remedy = did_you_mean(column, ROOM_COLUMNS)
            problems.add(where, f"unknown column {shown(column)}; {remedy}")
        elif header.count(column) > 1:
            problems.add(f"{where}, {column}", "this column is there twice; remove one")
    for cells in () if missing else table.rows():
        where, is_empty = f"{file}: line {table.line}", False
        if [cell.strip() for cell in cells] == header:
            problems.add(where, "repeats the names of the columns; remove this line")
            continue
        if len(cells) > len(header):
            wrong = f"has {len(cells)} values for {len(header)} columns"
            remedy = f"put a value that holds a {table.separator} in double quotes"
            problems.add(where, f"{wrong}; {remedy}")
            continue
        filled = {
            column: cell if column == "room_id" else cell.strip()
            for column, cell in zip(header, cells, strict=False)
            if column in ROOM_COLUMNS and cell.strip()
        }
        with suppress(ValueError):  # the model of a room reports it
            where += f", room {_IDENTIFIER.validate_python(filled.get('room_id', ''))}"
        room, address = filled.get("room_id", "").strip().casefold(), filled.get("address")
        yield Record(table.line, where, filled, room, normal_address(address))
    if is_empty and not missing:
        problems.add(file, "lists no room; add one a line")


def _note_repeated(records: Sequence[Record], problems: Problems) -> None:
    """Note rows that repeat a room or mailbox, unless the room's rows differ in ``valid_from``."""
    rows: dict[tuple[str, str], Record] = {}
    rooms: dict[str, Record] = {}
    mailboxes: dict[str, Record] = {}
    for record in records:
        room, since = record.room, record.cells.get("valid_from", "")
        with suppress(ValueError):  # one date written in two ways is one
            since = date.fromisoformat(since).isoformat()
        first = rows.setdefault((room, since), record) if room else record
        kept = rooms.setdefault(room, record) if room else record
        owner = mailboxes.setdefault(record.mailbox, record) if record.mailbox else record
        same, other = "the same as on line", f"is not that of line {kept.line};"
        told: dict[str, str] = {}
        if first is not record:
            remedy = "give each row its own valid_from" if since else "list every room once"
            told["room_id"] = f"{same} {first.line}; {remedy}"
        elif record.cells.get("room_id") != kept.cells.get("room_id"):
            told["room_id"] = f"{other} write it the same in all rows of the room"
        if owner is not record and owner.room != room:
            told["address"] = f"{same} {owner.line}; list every room once"
        elif first is record and record.mailbox != kept.mailbox:
            told["address"] = f"{other} a room keeps its mailbox, correct all its rows"
        if first is record and record.cells.get("time_zone") != kept.cells.get("time_zone"):
            told["time_zone"] = f"{other} it counts for every day, correct all its rows"
        for column, text in told.items():
            problems.add(f"{record.where}, {column}", text)


def _note_parts(records: Sequence[Record], problems: Problems) -> None:
    """Note a ``part_of`` that is no room, the room itself, a part, personal or elsewhere (R25)."""
    named = [record.cells for record in records if "room_id" in record.cells]
    zones = {cells["room_id"]: cells.get("time_zone") for cells in named}
    parts = {cells["room_id"] for cells in named if "part_of" in cells}
    personal = {c["room_id"] for c in named if c.get("room_type") in PERSONAL_ROOM_TYPES}
    for record in records:
        whole = record.cells.get("part_of")
        if whole is None:
            continue
        if whole == record.cells.get("room_id"):
            text = "names the room itself; leave it empty"
        elif whole not in zones:
            wholes = zones.keys() - parts
            remedy = did_you_mean(whole, wholes, "name the whole room, or leave it empty")
            text = f"no room {shown(whole)} in this file; {remedy}"
        elif whole in parts:
            text = f"{shown(whole)} is a part of another room; name the whole room"
        elif whole in personal and record.cells.get("room_type") not in PERSONAL_ROOM_TYPES:
            text = (
                f"{shown(whole)} is a personal room, whose use its parts would show; leave it empty"
            )
        elif zones[whole] != record.cells.get("time_zone"):
            text = f"{shown(whole)} has another time_zone; correct one of them"
        else:
            continue
        problems.add(f"{record.where}, part_of", text)


def by_room_and_day(room: Room) -> tuple[str, date]:
    """Return the sort key of a directory's rows; a row without ``valid_from`` comes first."""
    return room.room_id, room.valid_from or date.min


def rooms_on(day: date, directory: Iterable[Room]) -> tuple[Room, ...]:
    """Return one row per room: the latest that is valid on that day, else the earliest to come."""
    found: dict[str, Room] = {}
    for room in sorted(directory, key=by_room_and_day):
        if room.room_id not in found or (room.valid_from or day) <= day:
            found[room.room_id] = room
    # In the order of the file, which the operator knows.
    return tuple(found.pop(room.room_id) for room in directory if room.room_id in found)
