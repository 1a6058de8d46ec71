"""``insights.yaml`` and the room directories: read and checked once, as a whole, before any use.

Belongs here: what an operator writes, and the report of every mistake in it. Its keys are in
``model.py``, its rooms in ``rooms.py``; this module reads the YAML and the
environment, and checks what concerns several regions, or regions and rooms.
Does not belong here: using any of it. Others import from this package, and types of single values
from ``values.py``.
"""

import os
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations, permutations, product
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml
from pydantic import TypeAdapter

from pipelines.settings.model import (
    MOST_DAYS,
    AlertSettings,
    EmailKeys,
    EwsExchange,
    ExchangeSettings,
    GraphExchange,
    RegionSettings,
    Settings,
    WebhookKeys,
)
from pipelines.settings.rooms import (
    ROOM_COLUMNS,
    Record,
    Room,
    by_room_and_day,
    read_rooms,
    rooms_on,
)
from pipelines.settings.values import (
    Place,
    Problems,
    SettingsError,
    did_you_mean,
    is_path,
    key_shown,
    section,
    shown,
    validated,
)
from pipelines.texts import TextError, read_text
from transforms.contract import Region, is_region, region_remedy
from transforms.contract.lake import ROOMS
from transforms.local_time import local_date, zone
from warehouse.storage.base import Location, ObjectUrl, why_refused

__all__ = [
    "MOST_DAYS",
    "ROOM_COLUMNS",
    "AlertSettings",
    "EmailKeys",
    "EwsExchange",
    "ExchangeSettings",
    "GraphExchange",
    "RegionSettings",
    "Room",
    "Secrets",
    "Settings",
    "SettingsError",
    "WebhookKeys",
    "did_you_mean",
    "directory_table",
    "load_settings",
    "read_secrets",
    "regions_to_load",
    "rooms_table",
    "secret_of",
]

_CORRECTIONS: Final = {"name", "time_zone"}
_NAMED: Final = ("site", "building", "room_id")
_PLACE: Final = TypeAdapter[Location](Place)
_OWN_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "lake": (".", "bookings", "changes", "coverage", "rooms"),
    "warehouse": (".", "current-", "insights-", "parquet-", "published", "statistics", "versions"),
}
"""The beginnings of the names that a lake and a warehouse give to what they replace or remove."""
_HALF: Final = re.compile("[\ud800-\udfff]")
# What YAML 1.1 and 1.2 read alike as a number; not 1:30, 010, 0x1F or 1_000.
_NUMBER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?(e[-+][0-9]+)?", re.IGNORECASE)
_QUOTED: Final = re.compile(r"'[^']{3,}'")


def load_settings(
    path: Path,
    regions: frozenset[Region] | None,
    is_seeding: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Settings:
    """Read and check the configuration of ``regions``; None loads all regions.

    A region that is not loaded is not checked: its values are not kept and its room directory
    is not opened. Secrets are not read. With ``is_seeding`` a room directory that does not exist
    counts as empty. The ``rooms`` of a region are those of its local day by ``clock``.

    Raises:
        SettingsError: with every problem found, one line each.
    """
    problems = Problems()
    values = problems.or_else(_read_mapping(path, problems))
    named = _by_name(values.get("regions"), f"{path}: regions", problems)
    values["regions"] = _read_regions(named, regions, path, problems, is_seeding)
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
            "rooms": rooms_on(today, region.rooms),
            "directory": region.rooms,
            "exchanges": exchanges,
            "minimum_group": region.minimum_group or settings.minimum_group,
        }
        own[name] = region.model_copy(update=given)
    return settings.model_copy(update={"regions": own})


def regions_to_load() -> frozenset[Region] | None:
    """Return the regions that INSIGHTS_REGIONS limits this process to; None for all if it is unset.

    Raises:
        SettingsError: the variable is empty, or holds what cannot be a region's name.
    """
    listed = os.environ.get("INSIGHTS_REGIONS")
    if listed is None:
        return None
    problems, names = Problems(), {name.strip() for name in listed.split(",")} - {""}
    if not names:  # nobody filled it in: all regions would be more than was meant
        text = "is set, and names no region; name one, such as EU, or unset it to load all"
        problems.add("INSIGHTS_REGIONS", text)
    for name in sorted(name for name in names if not is_region(name)):
        text = f"{shown(name)} cannot be a region's name; {region_remedy(name)}"
        problems.add("INSIGHTS_REGIONS", text)
    return problems.or_else(frozenset(names))


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one exchange, from the environment; None where no variable is named."""

    password: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    certificate_password: str | None = field(default=None, repr=False)


def secret_of(variable: str | None) -> str | None:
    """Return the value of an environment variable; None if it is empty, or none is named."""
    return (os.environ.get(variable) or None) if variable else None


def read_secrets(*exchanges: ExchangeSettings) -> list[Secrets]:
    """Return the secrets of exchanges, read from the environment when they are needed.

    Raises:
        SettingsError: names the file, key and variable of each that cannot be used.
    """
    problems, secrets = Problems(), []
    for exchange in exchanges:
        found: dict[str, str | None] = {}
        for name in ("password", "client_secret", "certificate_password"):
            variable = getattr(exchange, f"{name}_env", None)
            secret = found[name] = secret_of(variable)
            if variable and (secret is None or "\n" in secret):  # one from a file often ends so
                wrong = "is not set; set it to the secret"
                wrong = "holds a line break; set it to the secret alone" if secret else wrong
                text = f"the environment variable {variable} {wrong}"
                problems.add(f"{exchange.origin}.{name}_env", text)
        secrets.append(Secrets(**found))
    return problems.or_else(secrets)


def rooms_table(region: RegionSettings) -> pa.Table:
    """Return today's rooms as the lake stores them: schema ``ROOMS``, by room_id, no address."""
    return _table(region.rooms)


def directory_table(region: RegionSettings) -> pa.Table:
    """Return all rows of the directory (R18): schema ``ROOMS``, no address.

    A row per room and ``valid_from``, sorted by both; null comes first, and means from when the
    room was first seen. Name and time zone count as corrections: all rows of a room have today's.
    """
    today = {room.room_id: room.model_dump(include=_CORRECTIONS) for room in region.rooms}
    return _table(row.model_copy(update=today[row.room_id]) for row in region.directory)


def _table(rooms: Iterable[Room]) -> pa.Table:
    rows = sorted(rooms, key=by_room_and_day)
    return pa.Table.from_pylist([dict(row) for row in rows], schema=ROOMS)


def _read_regions(
    named: Mapping[str, object],
    asked: frozenset[Region] | None,
    path: Path,
    problems: Problems,
    is_seeding: bool,
) -> dict[Region, object]:
    """Return the regions to load, with their rooms in place of the path of their room directory.

    Note what regions share, and closures and targets that name no room. A region that is not a
    mapping, and a place that is none, are left to the model, which reports them.
    """
    for name in named:
        if not is_region(name):
            near = f"did you mean {name.upper()}?" if is_region(name.upper()) else ""
            where = f"{path}: regions.{key_shown(name)}"
            problems.add(where, f"cannot be a region's name; {near or region_remedy(name)}")
    for region in sorted((asked or frozenset()) - named.keys()):
        text = "is missing, and INSIGHTS_REGIONS asks for it; add it, or ask for another"
        problems.add(f"{path}: regions.{region}", text)
    chosen = named if asked is None else asked
    regions = {name: own for name, own in named.items() if is_region(name) and name in chosen}
    records = dict[Region, list[Record]]()
    for name, values in regions.items():
        if isinstance(values, dict):
            rooms, records[name] = read_rooms(values, path.parent, problems, is_seeding)
            _note_unknown(values, records[name], f"{path}: regions.{name}", problems)
            _note_places(_places(values, path.parent), f"{path}: regions.{name}", problems)
            if is_path(values.get("rooms")):
                regions[name] = values | {"rooms": rooms}
    _note_shared(named, records, path, problems)
    return regions


def _places(values: Mapping[str, object], folder: Path) -> dict[str, Location]:
    places = {}
    for key in ("lake", "warehouse"):
        with suppress(ValueError):
            places[key] = _PLACE.validate_python(values.get(key), context={"folder": folder})
    return places


def _note_places(places: Mapping[str, Location], origin: str, problems: Problems) -> None:
    """Note a lake or a warehouse in a folder that the other one replaces: it would be deleted.

    Also one in a bucket at an address that would be used unencrypted.
    """
    for key, where in places.items():
        if isinstance(where, ObjectUrl) and (refusal := why_refused(where.scheme)):
            problems.add(f"{origin}.{key}", refusal)
    for inner, outer in permutations(places, 2):
        place, holder = str(places[inner]), f"{places[outer]}/"
        name = place.removeprefix(holder).split("/")[0]
        if place.startswith(holder) and name.startswith(_OWN_NAMES[outer]):
            text = f"lies in a folder of {outer} that holds what a night replaces; keep them apart"
            problems.add(f"{origin}.{inner}", text)


def _note_shared(
    named: Mapping[Region, Any],
    records: Mapping[Region, Sequence[Record]],
    path: Path,
    problems: Problems,
) -> None:
    """Note what two regions share: a folder of data, a room directory, or a mailbox.

    Each region needs its own folders: else deleting one region would delete the other.
    """
    for one, other in combinations(records, 2):
        where = f"{path}: regions.{other}"
        places = (_places(named[region], path.parent).items() for region in (one, other))
        for (key, place), (other_key, other_place) in product(*places):
            # Two folders, or two places in a bucket: either may be inside the other.
            pairs: Any = ((place, other_place), (other_place, place))
            if type(place) is type(other_place) and any(a.is_relative_to(b) for a, b in pairs):
                text = f"is, holds or lies in regions.{one}.{key}; keep regions apart"
                problems.add(f"{where}.{other_key}", text)
        files = [named[region].get("rooms") for region in (one, other)]
        if (
            all(map(is_path, files))
            and len({os.path.realpath(path.parent / f) for f in files}) == 1
        ):
            problems.add(f"{where}.rooms", f"is the file of regions.{one} too; give each its own")
            continue
        mailboxes = {record.mailbox for record in records[one]} - {""}
        for record in records[other]:
            if record.mailbox in mailboxes:
                text = f"this mailbox is a room of region {one} too; a room has one region"
                problems.add(f"{record.where}, address", text)


def _note_unknown(
    values: Mapping[str, object], records: Sequence[Record], origin: str, problems: Problems
) -> None:
    """Note what a closure or a target names that no room has, if there are any rooms."""
    for key in ("closures", "targets"):
        entries = values.get(key)
        for position, entry in enumerate(entries if isinstance(entries, list) and records else ()):
            if not isinstance(entry, dict):
                continue
            where = f"{origin}.{key}.{position}"
            named = {part: entry[part] for part in _NAMED if isinstance(entry.get(part), str)}
            known = {part: {record.cells.get(part) for record in records} for part in named}
            unknown = [part for part in named if named[part] not in known[part]]
            for part in unknown:
                near = did_you_mean(named[part], filter(None, known[part]))
                problems.add(f"{where}.{part}", f"no room has it; {near}")
            if not unknown and not any(named.items() <= record.cells.items() for record in records):
                problems.add(where, "no room has all that it names together; mend or split it")


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key written twice; PyYAML would keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = "the same key stands above"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"  # a key is text: NO is Norway, ON is Ontario
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:  # noqa: ANN401 - as PyYAML has it
        """Return a plain value; refuse text that no file name or message could hold."""
        value = super().construct_scalar(node)
        if _HALF.search(str(value)):
            problem = "an escape stands for half a character"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return value

    def construct_date(self, node: yaml.ScalarNode) -> object:
        """Return an impossible date as text: the check of its key reports it."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value

    def construct_number(self, node: yaml.ScalarNode) -> object:
        """Return as text what only YAML 1.1 takes for a number: 1:30 as 90, 010 as 8."""
        if not _NUMBER.fullmatch(node.value):
            return node.value
        is_float = node.tag.endswith(":float")
        return self.construct_yaml_float(node) if is_float else self.construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_date)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_number)


def _read_mapping(path: Path, problems: Problems) -> dict[str, Any]:
    """Return the YAML mapping of a file; empty if there is a problem to note."""
    where, remedy = str(path), "write one with 'insights init'"
    try:
        text = read_text(path, f"{remedy}, or name another with --config")
        # The loader is a SafeLoader: it creates only plain values.
        values = yaml.load(text, _Loader)  # noqa: S506
        return _by_name(values, where, problems, f"is empty; remove it, and {remedy}")
    except TextError as error:
        problems.add(f"{where}: line {error.line}" if error.line else where, str(error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        # A quoted part may be a value in the file.
        reason = _QUOTED.sub("this", error.problem or "syntax")
        problems.add(f"{where}: {place}", f"is not valid YAML ({reason}); mend this place")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(f"{where}: line {line}", "holds an unprintable character; remove it")
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # Values that do not fit their tag fail in many ways inside PyYAML.
        problems.add(where, "is not valid YAML; write plain values, without tags or odd numbers")
    except RecursionError:
        problems.add(where, "is not valid YAML; too many sections inside each other")
    return {}


def _by_name(value: object, where: str, problems: Problems, *if_empty: str) -> dict[str, Any]:
    """Return a section, its keys as text; empty if there is a problem to note."""
    try:
        return {str(key): own for key, own in section(value, *if_empty).items()}
    except ValueError as error:
        problems.add(where, str(error))
        return {}
