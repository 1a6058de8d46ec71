"""One region of ``insights.yaml``: its keys, exchanges, rooms and closures together.

Belongs here: putting a region together, and what only several of its parts can say.
Does not belong here: what regions say about each other (``loading.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final, NamedTuple

from pipelines.settings.closures import read_closures
from pipelines.settings.exchange import ExchangeSettings, read_exchange
from pipelines.settings.files import read_text
from pipelines.settings.keys import RegionKeys, identifier
from pipelines.settings.problems import Problems, mapping, validated
from pipelines.settings.rooms import Room
from pipelines.settings.rooms_csv import RoomFile, read_rooms
from pipelines.settings.targets import read_targets
from transforms.contract import Region
from transforms.opening import DEFAULT_OPEN_HOURS, Closure
from warehouse.targets import Target

_SECTIONS: Final = ("closures", "exchanges", "targets")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSettings:
    """A region, ready for use: paths are absolute, every room has its exchange and open hours.

    ``accepted_domains`` are casefolded. ``minimum_group`` is the region's own, or the global one.
    """

    region: Region
    time_zone: str
    nightly_at: time
    lake: Path
    warehouse: Path
    rooms: tuple[Room, ...]
    open_hours: str
    accepted_domains: frozenset[str]
    headcount: bool
    minimum_group: int
    closures: tuple[Closure, ...]
    targets: tuple[Target, ...]
    exchanges: Mapping[str, ExchangeSettings]


class RegionDraft(NamedTuple):
    """A region as far as it could be read; ``keys`` is None where its own keys are wrong."""

    region: Region
    folders: Mapping[str, Path]
    keys: RegionKeys | None
    room_file: RoomFile
    closures: tuple[Closure, ...]
    targets: tuple[Target, ...]
    exchanges: Mapping[str, ExchangeSettings]

    def settled(self, minimum_group: int) -> RegionSettings | None:
        """Return the settings of a region whose own keys are right."""
        keys = self.keys
        if keys is None:
            return None
        return RegionSettings(
            region=self.region,
            time_zone=keys.time_zone,
            nightly_at=keys.nightly_at,
            lake=keys.lake,
            warehouse=keys.warehouse,
            rooms=self.room_file.rooms,
            open_hours=keys.open_hours,
            accepted_domains=frozenset(keys.accepted_domains),
            headcount=keys.headcount,
            minimum_group=keys.minimum_group or minimum_group,
            closures=self.closures,
            targets=self.targets,
            exchanges=self.exchanges,
        )


def read_region(
    region: Region, values: Mapping[str, object], file: Path, problems: Problems, is_seeding: bool
) -> RegionDraft:
    """Read a region with its room directory, and note every problem.

    What other keys hold is checked even where one is wrong, so that all is said at once. With
    ``is_seeding`` a room directory that does not exist yet is one without rooms.
    """
    origin, folder = f"{file}: regions.{region}", file.parent
    own = {key: value for key, value in values.items() if key not in _SECTIONS}
    keys = validated(RegionKeys, own, f"{origin}.", problems, folder)
    exchanges = mapping(values.get("exchanges"), f"{origin}.exchanges", problems)
    is_missing = is_seeding and keys is not None and not keys.rooms.exists()
    room_file = (
        RoomFile("", (), ())
        if is_missing
        else _room_file(values.get("rooms"), folder, keys, tuple(exchanges), problems)
    )
    records = [record for _, record in room_file.records]
    return RegionDraft(
        region=region,
        folders=_folders(values, folder),
        keys=keys,
        room_file=room_file,
        closures=read_closures(values.get("closures"), records, f"{origin}.closures", problems),
        targets=read_targets(values.get("targets"), records, f"{origin}.targets", problems),
        exchanges=_exchanges(exchanges, f"{origin}.exchanges", folder, problems),
    )


def _folders(values: Mapping[str, object], folder: Path) -> dict[str, Path]:
    named = {key: values.get(key) for key in ("lake", "warehouse", "rooms")}
    return {
        key: (folder / value).resolve()
        for key, value in named.items()
        if isinstance(value, str) and "\0" not in value
    }


def _exchanges(
    exchanges: Mapping[str, object], origin: str, folder: Path, problems: Problems
) -> dict[str, ExchangeSettings]:
    found: dict[str, ExchangeSettings] = {}
    for name, value in exchanges.items():
        where = f"{origin}.{name}"
        try:
            identifier(name)
        except ValueError as error:
            problems.add(origin, f"a name {error}")
            continue
        values = mapping(value, where, problems)
        exchange = values and read_exchange(name, values, where, folder, problems)
        if exchange:
            found[name] = exchange
    return found


def _room_file(
    name: object,
    folder: Path,
    keys: RegionKeys | None,
    exchanges: Sequence[str],
    problems: Problems,
) -> RoomFile:
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        return RoomFile("", (), ())
    path = folder / name
    text = read_text(path, str(path), "name the room directory in rooms", problems)
    if text is None:
        return RoomFile("", (), ())
    open_hours = keys.open_hours if keys else DEFAULT_OPEN_HOURS
    return read_rooms(text, str(path), exchanges, open_hours, problems)
