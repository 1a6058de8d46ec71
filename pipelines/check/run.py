"""Runs a check: every exchange of some regions, one after the other, and the exit code.

Belongs here: the order of things, what goes to which output, and reading next week of each room
with the workers of a night: nothing is kept of it but a count.
Does not belong here: the command line (``pipelines/cli``), steps (``exchange.py``), sentences
(``view.py``).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import track

from pipelines.check import view
from pipelines.check.exchange import ExchangeCheck
from pipelines.check.processing import Processing, ReadDays, read_processing
from pipelines.check.results import ExchangeResult, Target
from pipelines.check.storage import check_storage
from pipelines.check.view import Printer, show_processing
from pipelines.check.write_rooms import refuse_existing, write_rooms
from pipelines.night import OpenSource
from pipelines.reading import Outcome, Reading, RoomRead, read_rooms
from pipelines.settings import (
    RegionSettings,
    Room,
    Secrets,
    Settings,
    SettingsError,
    read_all_secrets,
)
from pipelines.sources.base import CalendarSource, Window
from pipelines.sources.factory import open_source
from pipelines.sources.steps import State, Step
from pipelines.texts import counted
from transforms.contract import Region
from transforms.raw import normal_address

_AHEAD: Final = timedelta(days=7)
_PATIENCE_SECONDS: Final = 60.0  # somebody waits for the answer
ALL_READABLE: Final = 0
NOT_READABLE: Final = 1


def read_week(target: Target, secrets: Secrets, open_source: OpenSource) -> Iterator[Outcome[int]]:
    """Yield how many items each room has next week, or why it cannot be read, as they end.

    Nobody's name or address is asked for, whatever the region's ``headcount`` says.
    """
    exchange = target.exchange
    addresses = {room.room_id: room.address for room in target.rooms}
    reading = Reading(
        addresses=addresses,
        open_source=partial(open_source, exchange, secrets, False),
        read_room=_Counter(addresses).count,
        workers=exchange.workers,
        room_deadline_seconds=exchange.room_deadline_seconds,
        patience_seconds=_PATIENCE_SECONDS,
    )
    return read_rooms([reading])


class _Counter:
    """Counts the items of one room next week; they live in its frame only."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def count(self, source: CalendarSource, room_id: str, read_at: datetime) -> int:
        window = Window(read_at, read_at + _AHEAD)
        items = source.read(self._addresses[room_id], window)
        return sum(
            item.starts_at < window.ends_at and item.ends_at > window.starts_at for item in items
        )


@dataclass(frozen=True, slots=True)
class Options:
    """What else a check is asked for; the files are those of the command line."""

    is_json: bool = False
    calendar_processing: Path | None = None
    write_rooms: Path | None = None


def run_check(settings: Settings, regions: Sequence[Region], options: Options) -> int:
    """Check the exchanges and rooms of some regions; return the exit code.

    Standard output has the report, or with ``is_json`` exactly the list of lines; progress goes
    to standard error.

    Raises:
        SettingsError: a secret or a file of the options cannot be used; nothing was asked yet.
    """
    targets = [
        Target(region, exchange, [room for room in of_region.rooms if room.exchange == name])
        for region in regions
        for of_region in [settings.regions[region]]
        for name, exchange in of_region.exchanges.items()
    ]
    secrets = read_all_secrets(target.exchange for target in targets)
    if options.write_rooms is not None:
        if len(regions) != 1:
            raise SettingsError(["--write-rooms: a directory has one region; add --region"])
        refuse_existing(options.write_rooms)
    processing: dict[Region, Processing] = {}
    if options.calendar_processing is not None:
        for region in regions:
            rooms = settings.regions[region].rooms
            processing[region] = read_processing(options.calendar_processing, rooms)
    report = Printer(Console(quiet=options.is_json))
    aside = Printer(Console(stderr=options.is_json))  # where it cannot spoil the list
    results = []
    for target, secret in zip(targets, secrets, strict=True):
        if options.is_json:
            click.echo(f"{target.title}: checking {counted(len(target.rooms), 'room')}", err=True)
        results.append(_check(target, secret, settings.regions[target.region].rooms, report))
    are_usable = [check_storage(aside, each, settings.regions[each]) for each in regions]
    for region, found in processing.items():
        days = ReadDays(settings.trailing_days, settings.ahead_days)
        show_processing(aside, region, found, days, settings.regions[region].rooms)
    is_done = options.write_rooms is None or _write(
        options.write_rooms, results, settings.regions[regions[0]], aside
    )
    if options.is_json:
        click.echo(json.dumps([line for result in results for line in result.lines()], indent=2))
    view.show_summary(report, results)
    is_readable = all(result.is_readable for result in results)
    return ALL_READABLE if is_readable and is_done and all(are_usable) else NOT_READABLE


def _check(
    target: Target, secrets: Secrets, directory: Sequence[Room], printer: Printer
) -> ExchangeResult:
    check = ExchangeCheck(target, secrets, directory, open_source)
    steps: list[Step] = []
    view.show_exchange(printer, target)
    for step in check.steps():
        steps.append(step)
        view.show_step(printer, target, step)
    items, failed = _read(target, secrets, check.stop_code)
    result = ExchangeResult(target, steps, items, failed, check.listing)
    view.show_rooms(printer, result)
    printer.blank()
    return result


def _read(
    target: Target, secrets: Secrets, stop_code: str | None
) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """Return next week's items of each room that can be read, and the code of each other."""
    if stop_code is not None:
        return {}, {room.room_id: stop_code for room in target.rooms}
    items: dict[str, int] = {}
    failed: dict[str, str] = {}
    progress = Console(stderr=True)
    for outcome in track(
        read_week(target, secrets, open_source),
        f"{target.title} reading rooms",
        len(target.rooms),
        console=progress,
        transient=True,
        disable=not progress.is_terminal,
    ):
        if isinstance(outcome, RoomRead):
            items[outcome.room_id] = outcome.found
        else:
            failed[outcome.room_id] = outcome.code
    return items, failed


def _write(
    path: Path,
    results: Sequence[ExchangeResult],
    of_region: RegionSettings,
    printer: Printer,
) -> bool:
    known = {normal_address(room.address): room for room in of_region.rooms}
    written = write_rooms(path, results, known, of_region.time_zone)
    printer.heading("Room directory", str(path))
    if not written.rooms:
        printer.line(State.FAILED, "not written", 0, "Exchange lists no room")
    else:
        printer.line(State.OK, counted(written.rooms, "room"), 0, "as Exchange lists them")
        printer.paragraph(
            f"Fill in capacity and building, and time_zone where it is not {of_region.time_zone}; "
            "add the rooms that Exchange does not list."
        )
    if written.without_zone:
        where = f"{counted(written.without_zone, 'room')} in a country with several"
        printer.line(State.NOTE, "time_zone", 0, f"left empty: {where}; fill it in")
    if any(result.listing.codes for result in results):
        printer.line(State.NOTE, "not whole", 0, "not all could be listed")
    printer.blank()
    return written.rooms > 0
