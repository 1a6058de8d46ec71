"""Runs a check: every exchange of some regions, one after the other, and the exit code.

Belongs here: the order of things, and what goes to which output.
Does not belong here: the command line (``pipelines/cli.py``), steps, rooms, words.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import track

from pipelines.check import view
from pipelines.check.exchange import ExchangeCheck
from pipelines.check.model import ExchangeResult, Step, Target
from pipelines.check.printer import Printer
from pipelines.check.processing import ReadDays
from pipelines.check.processing_csv import Processing, read_processing
from pipelines.check.processing_view import show_processing
from pipelines.check.rooms import items_of, read_week
from pipelines.check.words import counted
from pipelines.check.write_rooms import refuse_existing, write_rooms
from pipelines.reading import RoomRead
from pipelines.rooms import Room
from pipelines.settings import Settings
from pipelines.settings_exchange import Secrets, read_secrets
from pipelines.settings_problems import SettingsError
from pipelines.sources.factory import open_source
from transforms.contract import Region

ALL_READABLE: Final = 0
NOT_READABLE: Final = 1


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
    targets = list(_targets(settings, regions))
    secrets = [read_secrets(target.exchange) for target in targets]
    rooms = [room for region in regions for room in settings.regions[region].rooms]
    processing = _read_options(options, regions, rooms)
    # With --json what is said to people goes where it cannot spoil the list.
    printer = Printer(Console(stderr=options.is_json))
    results = [
        _check(target, secret, settings.regions[target.region].rooms, printer, options)
        for target, secret in zip(targets, secrets, strict=True)
    ]
    if processing is not None and options.calendar_processing is not None:
        addresses = {room.room_id: room.address for room in rooms}
        days = ReadDays(settings.trailing_days, settings.ahead_days)
        show_processing(printer, options.calendar_processing, processing, days, addresses)
        printer.blank()
    if options.write_rooms is not None:
        _write(options.write_rooms, results, settings.regions[regions[0]].time_zone, rooms)
    if options.is_json:
        lines = [line for result in results for line in result.lines()]
        click.echo(json.dumps(lines, indent=2, ensure_ascii=False))
    else:
        view.show_summary(printer, results)
    return ALL_READABLE if all(result.is_readable for result in results) else NOT_READABLE


def _targets(settings: Settings, regions: Sequence[Region]) -> Iterator[Target]:
    for region in regions:
        of_region = settings.regions[region]
        for name, exchange in of_region.exchanges.items():
            yield Target(
                region, exchange, [room for room in of_region.rooms if room.exchange == name]
            )


def _read_options(
    options: Options, regions: Sequence[Region], rooms: Sequence[Room]
) -> Processing | None:
    if options.write_rooms is not None:
        if len(regions) != 1:
            raise SettingsError(["--write-rooms: a directory has one region; add --region"])
        refuse_existing(options.write_rooms)
    if options.calendar_processing is None:
        return None
    return read_processing(options.calendar_processing, rooms)


def _check(
    target: Target,
    secrets: Secrets,
    directory: Sequence[Room],
    printer: Printer,
    options: Options,
) -> ExchangeResult:
    check = ExchangeCheck(target, secrets, directory, open_source)
    steps: list[Step] = []
    if options.is_json:
        click.echo(f"{target.title}: checking {counted(len(target.rooms), 'room')}", err=True)
    else:
        view.show_exchange(printer, target)
    for step in check.steps():
        steps.append(step)
        if not options.is_json:
            view.show_step(printer, target, step)
    items, failed = _read(target, secrets, check.stop_code)
    result = ExchangeResult(target, steps, items, failed, check.listed)
    if not options.is_json:
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
            items[outcome.room_id] = items_of(outcome)
        else:
            failed[outcome.room_id] = outcome.code
    return items, failed


def _write(
    path: Path, results: Sequence[ExchangeResult], time_zone: str, rooms: Sequence[Room]
) -> None:
    known = {room.address.casefold(): room.room_id for room in rooms}
    written = write_rooms(path, results, known, time_zone)
    if not written:
        click.echo(f"{path}: not written, since no room list names a room", err=True)
        return
    click.echo(
        f"{path}: {counted(written, 'room')} of the room lists. Fill in capacity and building, "
        f"and time_zone where it is not {time_zone}; check room_id, and add rooms of no list",
        err=True,
    )
