"""Runs a check: every exchange of some regions, one after the other, then their storage.

Also seeds a room directory from what Exchange lists, with blanks for what it does not know.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from itertools import chain
from itertools import count as count_up
from pathlib import Path
from typing import Final

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import track

from pipelines.check.exchange import ExchangeCheck, Target
from pipelines.check.processing import Processing, read_processing, show_processing
from pipelines.check.view import Printer, lines_of, show_rooms, show_step, show_summary
from pipelines.reading import Outcome, Reading, RoomRead, read_rooms
from pipelines.settings import (
    ROOM_COLUMNS,
    RegionSettings,
    Room,
    Secrets,
    Settings,
    SettingsError,
    read_secrets,
)
from pipelines.settings.values import Identifier, Label, Mailbox
from pipelines.sources import CalendarSource, ListedRoom, State, Window
from pipelines.sources.session import OpenSource, open_source
from pipelines.texts import counted
from transforms.contract import ROOM_TYPES, Region
from transforms.local_time import countries
from transforms.raw import normal_address
from warehouse.lake import Lake
from warehouse.storage import ObjectUrl, WarehouseError
from warehouse.versions import probe, published_versions

_AHEAD: Final = timedelta(days=7)
_PATIENCE_SECONDS: Final = 60.0  # a person waits for the answer
_WIDTH: Final = 11
_LABEL: Final[TypeAdapter[str]] = TypeAdapter(Label)
_IDENTIFIER: Final[TypeAdapter[str]] = TypeAdapter(Identifier)
_SEEDED: Final = ROOM_COLUMNS[: ROOM_COLUMNS.index("valid_from")]
_MAILBOX: Final[TypeAdapter[str]] = TypeAdapter(Mailbox)


def read_week(target: Target, secrets: Secrets, open_source: OpenSource) -> Iterator[Outcome[int]]:
    """Yield how many items each room has next week, or why it cannot be read, as rooms end.

    Names and addresses are never requested, whatever the region's ``headcount`` says.
    """
    exchange = target.exchange
    addresses = {room.room_id: room.address for room in target.rooms}

    def count(source: CalendarSource, room_id: str, read_at: datetime) -> int:
        window = Window(read_at, read_at + _AHEAD)
        items = source.read(addresses[room_id], window)  # they never leave this frame
        return sum(
            item.starts_at < window.ends_at and item.ends_at > window.starts_at for item in items
        )

    reading = Reading(
        addresses=addresses,
        open_source=partial(open_source, exchange, secrets, False),
        read_room=count,
        workers=exchange.workers,
        room_deadline_seconds=exchange.room_deadline_seconds,
        patience_seconds=_PATIENCE_SECONDS,
    )
    return read_rooms([reading])


def run_check(
    settings: Settings,
    regions: Sequence[Region],
    *,
    is_json: bool = False,
    calendar_processing: Path | None = None,
    write_rooms_to: Path | None = None,
) -> bool:
    """Check the exchanges and rooms of some regions; return whether all is well.

    The report goes to standard output, or with ``is_json`` only the list of lines; progress goes
    to standard error.

    Raises:
        SettingsError: a secret or a named file cannot be used; nothing was requested yet.
    """
    targets = [
        Target(region, exchange, [room for room in of_region.rooms if room.exchange == name])
        for region in regions
        for of_region in [settings.regions[region]]
        for name, exchange in of_region.exchanges.items()
    ]
    secrets = read_secrets(*(target.exchange for target in targets))
    if write_rooms_to is not None:
        if len(regions) != 1:
            raise SettingsError(["--write-rooms: a directory has one region; add --region"])
        refuse_existing(write_rooms_to)
    processing: dict[Region, Processing] = {}
    if calendar_processing is not None:
        for region in regions:
            rooms = settings.regions[region].rooms
            processing[region] = read_processing(calendar_processing, rooms)
    report = Printer(Console(quiet=is_json))
    aside = Printer(Console(stderr=is_json))  # with is_json, stdout has nothing but the list
    results = []
    for target, secret in zip(targets, secrets, strict=True):
        if is_json:
            click.echo(f"{target.title}: checking {counted(len(target.rooms), 'room')}", err=True)
        results.append(_check(target, secret, settings.regions[target.region].rooms, report))
    unusable = [each for each in regions if not check_storage(aside, each, settings.regions[each])]
    for region, found in processing.items():
        show_processing(aside, settings, region, found)
    is_done = write_rooms_to is None or _write(
        write_rooms_to, results, settings.regions[regions[0]], aside
    )
    if is_json:
        click.echo(json.dumps([line for result in results for line in lines_of(result)], indent=2))
    show_summary(report, results, unusable)
    is_readable = all(result.is_readable for result in results)
    return is_readable and is_done and not unusable


def _check(
    target: Target, secrets: Secrets, directory: Sequence[Room], printer: Printer
) -> ExchangeCheck:
    check = ExchangeCheck(target, secrets, directory)
    printer.heading(target.title, target.exchange.endpoint)
    for step in check.run():
        show_step(printer, target, step)
    progress = Console(stderr=True)
    if check.stop_code is not None:
        check.failed = {room.room_id: check.stop_code for room in target.rooms}
    else:
        for outcome in track(
            read_week(target, secrets, open_source),
            f"{target.title} reading rooms",
            len(target.rooms),
            console=progress,
            transient=True,
            disable=not progress.is_terminal,
        ):
            if isinstance(outcome, RoomRead):
                check.items[outcome.room_id] = outcome.found
            else:
                check.failed[outcome.room_id] = outcome.code
    show_rooms(printer, check)
    printer.blank()
    return check


def _write(
    path: Path,
    results: Sequence[ExchangeCheck],
    of_region: RegionSettings,
    printer: Printer,
) -> bool:
    """Write every listed room once, with all that any exchange knows; return whether any is."""
    known = {normal_address(room.address): room for room in of_region.rooms}
    rows = list(_rows(results, known, of_region.time_zone))
    if rows:
        write_directory(path, rows)
    without_zone = sum(not row["time_zone"] for row in rows)
    printer.heading("Room directory", str(path))
    if not rows:
        is_known = any(result.stop_code is None for result in results)
        why = "Exchange lists no room" if is_known else "Exchange could not be asked, see above"
        printer.line(State.FAILED, "not written", 0, why)
    else:
        printer.line(State.OK, counted(len(rows), "room"), 0, "as Exchange lists them")
        printer.paragraph(
            f"Fill in capacity and building, and time_zone where it is not {of_region.time_zone}; "
            "add the rooms that Exchange does not list."
        )
    if without_zone:
        where = f"{counted(without_zone, 'room')} in a country with several"
        printer.line(State.NOTE, "time_zone", 0, f"left empty: {where}; fill it in")
    if any(result.listing.codes for result in results):
        printer.line(State.NOTE, "not whole", 0, "not all could be listed")
    printer.blank()
    return bool(rows)


def check_storage(printer: Printer, region: Region, settings: RegionSettings) -> bool:
    """Print whether a region's lake and warehouse can be written, and facts about its buckets.

    Return whether all can be used. Data that outlives retention or is copied elsewhere is a note;
    a bucket in another cloud region than the environment says is a failure.
    """
    places = {"lake": settings.lake, "warehouse": settings.warehouse}
    far = [place for place in places.values() if isinstance(place, ObjectUrl)]
    printer.heading(f"{region} storage", ", ".join(dict.fromkeys(map(str, places.values()))))
    is_usable = True
    for name, place in places.items():
        try:
            if name == "lake":
                Lake(place, region).probe()
            else:
                published_versions(place, region)
                probe(place)
        except WarehouseError as error:
            printer.line(State.FAILED, name, _WIDTH, str(error))
            is_usable = False
        else:
            printer.line(State.OK, name, _WIDTH, "can be reached, listed and written")
    if is_usable and far:
        from warehouse.storage.bucket import buckets_of  # noqa: PLC0415 - only where configured

        for bucket in buckets_of(far):
            for fact in bucket.facts():
                is_wrong = fact.name == "region" and fact.is_fine is False
                state = State.OK if fact.is_fine else State.FAILED if is_wrong else State.NOTE
                printer.line(state, fact.name, _WIDTH, fact.text)
                is_usable &= not is_wrong
    printer.blank()
    return is_usable


def refuse_existing(path: Path) -> None:
    """Refuse a file that exists: it may be a room directory that somebody maintains.

    Raises:
        SettingsError: the file exists, or its folder does not.
    """
    if path.exists():
        text = "exists, and is never overwritten; name another"
        raise SettingsError([f"--write-rooms {path}: {text}"])
    if not path.absolute().parent.is_dir():
        raise SettingsError([f"--write-rooms {path}: its folder does not exist; make it"])


def write_directory(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write a room directory with these rows to a new file.

    Raises:
        SettingsError: the file exists by now, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=_SEEDED, restval="")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        text = f"--write-rooms {path}: cannot be written ({type(error).__name__}); name another"
        raise SettingsError([text]) from None


def _rows(
    results: Iterable[ExchangeCheck], directory: Mapping[str, Room], time_zone: str
) -> Iterator[dict[str, str]]:
    """Yield a row of the CSV for each listed room, with all that any exchange knows about it.

    A room gets the region's ``time_zone`` if its country has that zone or is not known; else the
    zone of its country if there is only one; else none.

    ``directory`` has the current rooms by normalized address: they keep their exchange, and their
    id, by which the lake knows them. The id of a new room is made from its address.
    """
    taken = {room.room_id.casefold() for room in directory.values()}
    merged: dict[str, dict[str, str]] = {}
    for result in results:
        for room in result.listing.rooms.values():
            if _fits(_MAILBOX, room.address):
                known = merged.setdefault(normal_address(room.address), {})
                told = _told(room, result.target.exchange.name)
                known.update({key: text for key, text in told.items() if not known.get(key)})
    for address, row in merged.items():
        zones = {name for code, _, name, *_ in _table("zone.tab") if code == row["country"]}
        if not zones or time_zone in zones:
            row["time_zone"] = time_zone
        else:
            row["time_zone"] = zones.pop() if len(zones) == 1 else ""
        if known_room := directory.get(address):
            yield row | {"room_id": known_room.room_id, "exchange": known_room.exchange}
        else:
            local_part = address.partition("@")[0]
            base = local_part if _fits(_IDENTIFIER, local_part) else "room"
            numbered = (f"{base}-{number}" for number in count_up(2))
            room_id = next(each for each in chain([base], numbered) if each not in taken)
            taken.add(room_id)
            yield row | {"room_id": room_id}


def _told(room: ListedRoom, exchange: str) -> dict[str, str]:
    """Return what an exchange knows about a room, by column of the CSV.

    A country may be given by its code or English name. If several tags are room types, none counts.
    """
    country = (room.country or "").strip()
    codes = {name.casefold(): code for code, name in _table("iso3166.tab")}
    code = codes.get(country.casefold(), country.upper())
    named = {tag.strip().casefold().replace(" ", "_") for tag in room.tags} & set(ROOM_TYPES)
    return {
        "address": room.address,
        "exchange": exchange,
        "name": _label(room.name),
        "building": _label(room.building),
        "floor": _label(room.floor),
        "country": code if code in countries() else "",
        "capacity": "" if room.capacity is None else str(room.capacity),
        "room_type": named.pop() if len(named) == 1 else "",
    }


@cache
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table in the tzdata package."""
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return tuple(tuple(line.split("\t")) for line in text.splitlines() if line[:1] != "#")


def _label(text: str | None) -> str:
    return text if text and _fits(_LABEL, text) else ""


def _fits(kind: TypeAdapter[str], text: str) -> bool:
    try:
        kind.validate_python(text)
    except ValidationError:
        return False
    return True
