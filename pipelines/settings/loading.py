"""``insights.yaml`` and the room directories: read once, checked whole, then only used.

Belongs here: what only several keys, rooms or regions together can say.
Does not belong here: what one key may hold (``model.py``), the room CSV (``rooms.py``).
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import combinations, product
from pathlib import Path
from typing import Final

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
from pipelines.settings.rooms import Record, RoomFile, note_shared_mailboxes, read_rooms
from pipelines.settings.values import is_path
from transforms.contract import REGION_REMEDY, ROOMS, Region, is_region
from transforms.zones import local_date, zone

_CORRECTIONS: Final = ("name", "time_zone")
_PLACES: Final = ("site", "building", "room_id")


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


def _folders(values: Mapping[str, object], keys: Sequence[str], path: Path) -> dict[str, Path]:
    named = {key: values.get(key) for key in keys}
    return {key: (path.parent / str(own)).resolve() for key, own in named.items() if is_path(own)}


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
    folders = _folders(named[one], ("lake", "warehouse"), path).items()
    others = _folders(named[other], ("lake", "warehouse"), path).items()
    for (key, folder), (other_key, other_folder) in product(folders, others):
        if folder.is_relative_to(other_folder) or other_folder.is_relative_to(folder):
            text = f"is, holds or lies in regions.{one}.{key}; keep regions apart"
            problems.add(f"{path}: regions.{other}.{other_key}", text)
    rooms = _folders(named[one], ("rooms",), path)
    is_shared = bool(rooms) and rooms == _folders(named[other], ("rooms",), path)
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
