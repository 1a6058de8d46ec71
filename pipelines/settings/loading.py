"""``insights.yaml`` and the room directories: read once, checked whole, then only used.

Belongs here: the room CSV, and what only several keys, rooms or regions together can say.
Does not belong here: what one key or cell may hold (``model.py``).

A message about a room names file, line, room and column, never a mailbox address.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import combinations, product
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa

from pipelines.settings.model import RegionSettings, Room, Settings
from pipelines.settings.problems import (
    Problems,
    SettingsError,
    did_you_mean,
    key_shown,
    read_mapping,
    section,
    shown,
    validated,
)
from pipelines.settings.values import identifier, is_path, is_url
from pipelines.texts import Table, TextError, read_text
from transforms.contract import REGION_REMEDY, ROOMS, Region, is_region
from transforms.local_time import DEFAULT_OPEN_HOURS, local_date, parse_open_hours, zone
from transforms.raw import normal_address
from warehouse.storage import Location, ObjectUrl

_CORRECTIONS: Final = ("name", "time_zone")
_PLACES: Final = ("site", "building", "room_id")
ROOM_COLUMNS: Final = tuple(Room.model_fields)
_REQUIRED: Final = ("room_id", "address", "time_zone")

Record: TypeAlias = tuple[int, dict[str, str]]
"""A row of the CSV, right or wrong: its line and its filled cells."""


class RoomFile(NamedTuple):
    """What a CSV holds: its right rows as rooms, and all its rows."""

    file: str
    rooms: tuple[Room, ...]
    records: tuple[Record, ...]


def load_settings(
    path: Path,
    regions: frozenset[Region] | None,
    is_seeding: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Settings:
    """Read and check the configuration of ``regions``; None loads all that it has.

    A region that is not loaded is not looked at: its values are not kept and its room directory
    is not opened. Secrets are not read. With ``is_seeding`` a room directory that does not exist
    yet is one without rooms. The ``rooms`` of a region are those of its local day by the clock.

    Raises:
        SettingsError: with every problem found, a line each.
    """
    problems = Problems()
    values = problems.or_else(read_mapping(path, problems))
    named: dict[Region, object] = {}
    try:
        named = {str(name): own for name, own in section(values.get("regions")).items()}
    except ValueError as error:
        problems.add(f"{path}: regions", str(error))
    loaded = {name: named[name] for name in _regions_to_read(named, regions, path, problems)}
    files = _room_files(loaded, path, problems, is_seeding)
    values["regions"] = {name: _with_rooms(own, files.get(name)) for name, own in loaded.items()}
    settings = problems.or_else(validated(Settings, values, f"{path}: ", problems, path.parent))
    own = {}
    for name, region in settings.regions.items():
        today = local_date(clock(), zone(region.time_zone))
        origin = f"{path}: regions.{name}.exchanges"
        exchanges = {
            key: exchange.model_copy(update={"name": key, "origin": f"{origin}.{key}"})
            for key, exchange in region.exchanges.items()
        }
        given = {
            "region": name,
            "rooms": _rooms_on(today, region.rooms),
            "directory": region.rooms,
            "exchanges": exchanges,
            "minimum_group": region.minimum_group or settings.minimum_group,
        }
        own[name] = region.model_copy(update=given)
    return settings.model_copy(update={"regions": own})


def regions_to_load() -> frozenset[Region] | None:
    """Return the regions that INSIGHTS_REGIONS limits this process to; None for all.

    Raises:
        SettingsError: the variable names what cannot be a region.
    """
    names = {name.strip() for name in os.environ.get("INSIGHTS_REGIONS", "").split(",")} - {""}
    if wrong := sorted(name for name in names if not is_region(name)):
        text = f"{', '.join(map(shown, wrong))} cannot be a region's name; {REGION_REMEDY}"
        raise SettingsError([f"INSIGHTS_REGIONS: {text}"])
    return frozenset(names) or None


def rooms_table(region: RegionSettings) -> pa.Table:
    """Return the room directory as the lake holds it: schema ``ROOMS``, by room_id, no address."""
    return _table_of(sorted(region.rooms, key=lambda room: room.room_id), ROOMS)


def directory_table(region: RegionSettings) -> pa.Table:
    """Return every version of the directory (R18): schema ``ROOMS``, no address.

    A row a room and ``valid_from``, in this order; null is first: from when the room was first
    seen. Name and time zone are corrections: all rows of a room have today's.
    """
    today = {room.room_id: room for room in region.rooms}
    rows = [
        row.model_copy(update={key: getattr(today[row.room_id], key) for key in _CORRECTIONS})
        for row in sorted(region.directory, key=_by_room_and_day)
    ]
    return _table_of(rows, ROOMS)


def _table_of(rooms: Sequence[Room], schema: pa.Schema) -> pa.Table:
    columns = [[getattr(room, name) for room in rooms] for name in schema.names]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _rooms_on(day: date, directory: Iterable[Room]) -> tuple[Room, ...]:
    """Return one row a room: its latest that counts on that day, else its earliest to come."""
    found: dict[str, Room] = {}
    for room in sorted(directory, key=_by_room_and_day):
        if room.room_id not in found or (room.valid_from or day) <= day:
            found[room.room_id] = room
    # In the order of the file, as an operator knows it.
    return tuple(found.pop(room.room_id) for room in directory if room.room_id in found)


def _by_room_and_day(room: Room) -> tuple[str, date]:
    return room.room_id, room.valid_from or date.min


def _regions_to_read(
    named: Mapping[str, object], asked: frozenset[Region] | None, path: Path, problems: Problems
) -> list[Region]:
    for name in named:
        if not is_region(name):
            remedy = f"did you mean {name.upper()}?" if is_region(name.upper()) else REGION_REMEDY
            where = f"{path}: regions.{key_shown(name)}"
            problems.add(where, f"cannot be a region's name; {remedy}")
    for region in sorted((asked or frozenset()) - named.keys()):
        text = "is missing, and INSIGHTS_REGIONS asks for it; add it, or ask for another"
        problems.add(f"{path}: regions.{region}", text)
    return [name for name in named if is_region(name) and (asked is None or name in asked)]


def _room_files(
    named: Mapping[Region, object], path: Path, problems: Problems, is_seeding: bool
) -> dict[Region, RoomFile]:
    """Read the room directories, and note what regions share and what names no room.

    What is not a mapping has none: its model says what is wrong.
    """
    sections = {name: own for name, own in named.items() if isinstance(own, dict)}
    files: dict[Region, RoomFile] = {}
    for region, values in sections.items():
        files[region] = read_rooms(values, path.parent, problems, is_seeding)
        origin = f"{path}: regions.{region}"
        _note_places(values, files[region].records, origin, problems)
    for one, other in combinations(files, 2):
        if not _note_shared(one, other, sections, path, problems):
            note_shared_mailboxes(files[one], files[other], one, problems)
    return files


def _with_rooms(values: object, file: RoomFile | None) -> object:
    """Return a region's values with its rooms in place of their path."""
    if not isinstance(values, dict) or file is None or not is_path(values.get("rooms")):
        return values
    return values | {"rooms": file.rooms}


def _places(values: Mapping[str, object], path: Path) -> dict[str, Location]:
    """Return where a region's data lie; what is wrong in itself its model says."""
    places: dict[str, Location] = {}
    for key in ("lake", "warehouse"):
        text = values.get(key)
        if is_url(text):
            with suppress(ValueError):
                places[key] = ObjectUrl.parse(text)
        elif is_path(text):
            places[key] = (path.parent / str(text)).resolve()
    return places


def _is_within(one: Location, other: Location) -> bool:
    return type(one) is type(other) and one.is_relative_to(other)  # type: ignore[arg-type]


def _note_shared(
    one: Region,
    other: Region,
    named: Mapping[Region, Mapping[str, object]],
    path: Path,
    problems: Problems,
) -> bool:
    """Note the folders that two regions share; return whether they share a room directory.

    A region's data lie in folders of its own, or deleting one would delete the other.
    """
    folders = _places(named[one], path).items()
    others = _places(named[other], path).items()
    for (key, folder), (other_key, other_folder) in product(folders, others):
        if _is_within(folder, other_folder) or _is_within(other_folder, folder):
            text = f"is, holds or lies in regions.{one}.{key}; keep regions apart"
            problems.add(f"{path}: regions.{other}.{other_key}", text)
    rooms = [named[region].get("rooms") for region in (one, other)]
    files = {(path.parent / str(own)).resolve() for own in rooms if is_path(own)}
    is_shared = len(files) == 1 and all(map(is_path, rooms))
    if is_shared:
        text = f"is the file of regions.{one} too; give each its own"
        problems.add(f"{path}: regions.{other}.rooms", text)
    return is_shared


def _note_places(
    values: Mapping[str, object], records: Sequence[Record], origin: str, problems: Problems
) -> None:
    """Note what a closure or a target names that no room has; nothing where there is no room."""
    for key in ("closures", "targets"):
        entries = values.get(key)
        for position, entry in enumerate(entries if isinstance(entries, list) and records else ()):
            if not isinstance(entry, dict):
                continue
            where = f"{origin}.{key}.{position}"
            named = {part: entry[part] for part in _PLACES if isinstance(entry.get(part), str)}
            known = {part: {record.get(part) for _, record in records} for part in named}
            unknown = [part for part in named if named[part] not in known[part]]
            for part in unknown:
                near = did_you_mean(named[part], filter(None, known[part]))
                problems.add(f"{where}.{part}", f"no room has it; {near}")
            if not unknown and not any(named.items() <= record.items() for _, record in records):
                problems.add(where, "no room has all that it names together; mend or split it")


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
