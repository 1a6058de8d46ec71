"""``insights.yaml`` and the room directories: read once, checked whole, then only used.

Belongs here: the settings that a run works with, and what only several keys, rooms or regions
together can say.
Does not belong here: what one key may hold (``settings/keys.py``, ``settings/exchange.py``,
``rooms.py``), and secrets, which are read at the moment of use.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from pipelines.settings.alerts import AlertSettings, EmailKeys, read_alerts, read_reports
from pipelines.settings.files import read_mapping
from pipelines.settings.keys import GlobalKeys
from pipelines.settings.problems import (
    Problems,
    SettingsError,
    key_shown,
    mapping,
    shown,
    validated,
)
from pipelines.settings.regions import RegionDraft, RegionSettings, read_region
from pipelines.settings.rooms_csv import note_shared_mailboxes
from transforms.contract import REGION_REMEDY, ROOMS, Region, is_region

_SECTIONS: Final = ("alerts", "regions", "reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``insights.yaml`` says; regions that this process does not load are not in it."""

    trailing_days: int
    ahead_days: int
    retention_months: int
    minimum_group: int
    count_held_as_booked: bool
    keep_versions: int
    export_parquet: bool
    pointer: Literal["symlink", "copy"]
    run_deadline_minutes: int
    alerts: AlertSettings | None
    reports: EmailKeys | None
    regions: Mapping[Region, RegionSettings]


def load_settings(
    path: Path, regions: frozenset[Region] | None, is_seeding: bool = False
) -> Settings:
    """Read and check the configuration of ``regions``; None loads all that it has.

    A region that is not loaded is not looked at: its values are not kept and its room directory
    is not opened. Secrets are not read. With ``is_seeding`` a room directory that does not exist
    yet is one without rooms.

    Raises:
        SettingsError: with every problem found, a line each.
    """
    problems = Problems()
    values = problems.or_else(read_mapping(path, problems))
    own = {key: value for key, value in values.items() if key not in _SECTIONS}
    keys = validated(GlobalKeys, own, f"{path}: ", problems)
    alerts = read_alerts(values.get("alerts"), path, problems)
    reports = read_reports(values.get("reports"), path, problems)
    named = mapping(values.get("regions"), f"{path}: regions", problems)
    to_read = _regions_to_read(named, regions, path, problems)
    drafts = _drafts(named, to_read, path, problems, is_seeding)
    for one, other in combinations(drafts, 2):
        _note_shared_folders(one, other, path, problems)
        _note_shared_rooms(one, other, path, problems)
    sound = problems.or_else(keys)
    settled = [(draft.region, draft.settled(sound.minimum_group)) for draft in drafts]
    loaded = {region: found for region, found in settled if found}
    return Settings(**dict(sound), alerts=alerts, reports=reports, regions=loaded)


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


def _drafts(
    named: Mapping[str, object],
    regions: Sequence[Region],
    path: Path,
    problems: Problems,
    is_seeding: bool,
) -> list[RegionDraft]:
    drafts = []
    for region in regions:
        values = mapping(named[region], f"{path}: regions.{region}", problems)
        if values:
            drafts.append(read_region(region, values, path, problems, is_seeding))
    return drafts


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


def _note_shared_folders(
    one: RegionDraft, other: RegionDraft, path: Path, problems: Problems
) -> None:
    """A region's data lie in folders of its own, or deleting one would delete the other."""
    for (key, folder), (other_key, other_folder) in product(
        one.folders.items(), other.folders.items()
    ):
        where = f"{path}: regions.{other.region}.{other_key}"
        if "rooms" in (key, other_key):
            continue
        if folder.is_relative_to(other_folder) or other_folder.is_relative_to(folder):
            text = f"is, holds or lies in regions.{one.region}.{key}; keep regions apart"
            problems.add(where, text)


def _note_shared_rooms(
    one: RegionDraft, other: RegionDraft, path: Path, problems: Problems
) -> None:
    rooms_path = one.folders.get("rooms")
    if rooms_path is not None and rooms_path == other.folders.get("rooms"):
        where = f"{path}: regions.{other.region}.rooms"
        problems.add(where, f"is the file of regions.{one.region} too; give each its own")
    else:
        note_shared_mailboxes(one.room_file, other.room_file, one.region, problems)


def rooms_table(region: RegionSettings) -> pa.Table:
    """Return the room directory as the lake holds it: schema ``ROOMS``, by room_id, no address."""
    rooms = sorted(region.rooms, key=lambda room: room.room_id)
    columns = [[getattr(room, name) for room in rooms] for name in ROOMS.names]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, ROOMS, strict=True)],
        schema=ROOMS,
    )
