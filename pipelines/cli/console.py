"""What several commands print for people: progress, the result of a run, failed rooms and remedies.

Counts, room ids, codes and remedies only.
"""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from pipelines.cli import fail
from pipelines.night import Progress
from pipelines.reading import Outcome, RoomFailed
from pipelines.settings import RegionSettings, Settings
from pipelines.sources.remedies import remedies_for
from pipelines.texts import counted
from transforms.contract import Region

if TYPE_CHECKING:  # it imports Dagster; ``check`` should not wait for that
    from pipelines.history import RunFacts

_PLAIN_STEPS: Final = 10
_FAILED_ROOMS_SHOWN: Final = 20
_ALL_OF_THEM: Final = "; the table coverage has them all"


class RunProgress(Progress):
    """Shows the steps of a run: bars with the time left on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._region: Region | None = None
        self._rooms = self._done = self._failed = 0
        self._task: TaskID | None = None
        self._given_up: set[str] = set()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._task is not None and kind is None:
            self._bar.update(self._task, total=1, completed=1)
        self._bar.stop()

    def start(self, region: Region, rooms: int) -> None:
        """Begin a region's rooms."""
        self._region, self._rooms, self._done, self._failed = region, rooms, 0, 0
        self._begin(f"reading {counted(rooms, 'room')}", total=rooms)

    def step(self, name: str) -> None:
        """Begin a step that comes after reading."""
        if self._task is not None:
            self._bar.update(self._task, total=1, completed=1)
        self._begin(name, total=None)

    def wait(self, exchange: str, code: str, seconds: float) -> None:
        """Say which exchange no room could be read from lately, and how long that may last."""
        most = counted(max(1, math.ceil(seconds / 60)), "minute")
        why = f"no room could be read for a while ({code})"
        self._say(f"{exchange}: {why}; waiting, and trying again, for {most} at most")

    def advance(self, outcome: Outcome[object]) -> None:
        """Count a room as done; all that are given up at once are told in one line."""
        self._done += 1
        self._failed += isinstance(outcome, RoomFailed)
        is_given_up = False
        if isinstance(outcome, RoomFailed) and outcome.is_given_up:
            is_given_up, name = True, outcome.exchange
            if name not in self._given_up:
                self._say(f"{name}: given up ({outcome.code}); its other rooms fail too")
            self._given_up.add(name)
        detail = f"{self._done} of {self._rooms} rooms, {self._failed} failed"
        if self._task is not None:
            self._bar.update(self._task, completed=self._done, detail=detail)
        step = -(-self._rooms // _PLAIN_STEPS)
        is_step = self._done % step == 0 and not is_given_up
        if self._done == self._rooms or is_step:
            self._print_plain(f"{self._region}: {detail}")

    def _say(self, text: str) -> None:
        """Print a line about an exchange: above the bar, where there is one."""
        if self._console.is_terminal:
            self._console.print(f"{self._region} {text}", markup=False, highlight=False)
        self._print_plain(f"{self._region} {text}")

    def _print_plain(self, line: str) -> None:
        """Print a line where there is no terminal; a night goes on though nobody can read it."""
        if not self._console.is_terminal:
            with suppress(OSError):
                click.echo(line)

    def _begin(self, name: str, total: int | None) -> None:
        self._task = self._bar.add_task(f"{self._region} {name}", total=total, detail="")
        self._print_plain(f"{self._region}: {name}")


def show_remedies(codes: Iterable[str], kinds: Iterable[str]) -> None:
    """Print what each code means and what to do about it, once each."""
    for code, remedy in remedies_for(codes, kinds).items():
        click.echo(f"{code}: {remedy}")


def fail_run(line: str, codes: Iterable[str], kinds: Iterable[str]) -> None:
    """Print why a run failed, with remedies: in one line if all its rooms failed alike."""
    remedies = remedies_for(codes, kinds)
    if len(remedies) == 1:
        fail([f"{line}: {remedy}" for remedy in remedies.values()])
    else:
        fail([line, *(f"{code}: {remedy}" for code, remedy in remedies.items())])


def show_run(settings: Settings, region: Region, facts: "RunFacts") -> None:
    """Print what a run read, which rooms failed, and where the figures are."""
    days = facts.day_range
    kinds = settings.regions[region].kinds_of(facts.failed_rooms)
    if facts.bookings is not None and days:
        deleted = facts.deleted_days
        click.echo(
            f"{region}: {facts.rooms_loaded} of {facts.rooms_expected} rooms read, "
            f"{days.first_date} to {days.last_date}, {counted(facts.bookings, 'booking')}"
            + (f", {counted(deleted, 'day')} past retention deleted" if deleted else "")
        )
        if facts.unreadable_fields:
            fields = counted(facts.unreadable_fields, "field")
            click.echo(f"{region}: {fields} of bookings could not be read and stay empty")
        for line in facts.directory_edits:
            click.echo(f"{region}: room directory: {line}")
        show_failed_rooms(settings.regions[region], facts.failed_rooms)
    if facts.error:
        # If only some rooms failed, their remedies were printed above.
        codes = facts.failed_rooms.values() if facts.bookings is None else ()
        fail_run(facts.error, codes, kinds)
    elif not facts.is_success:
        fail([f"{region}: interrupted, or failed (Dagster has the step); run it again"])
    warehouse = settings.regions[region].warehouse
    if facts.database:
        path = warehouse / facts.database
        click.echo(f"{region}: published {path}, data through {facts.data_through}")
    if facts.page:
        click.echo(f"{region}: page {warehouse / facts.page}")


def show_failed_rooms(
    region: RegionSettings, failed: Mapping[str, str], all_of_them: str = _ALL_OF_THEM
) -> None:
    """Print a line for each failed room, or one for an exchange whose rooms all failed alike."""
    left = dict(sorted(failed.items()))
    for name in region.exchanges:
        room_ids = [room.room_id for room in region.rooms if room.exchange == name]
        codes = {left.get(room_id) for room_id in room_ids}
        if len(room_ids) > 1 and len(codes) == 1 and None not in codes:
            click.echo(f"{region.region} {name}: {codes.pop()}, all of its {len(room_ids)} rooms")
            left = {room_id: code for room_id, code in left.items() if room_id not in room_ids}
    for room_id, code in list(left.items())[:_FAILED_ROOMS_SHOWN]:
        click.echo(f"{region.region} {room_id}: {code}")
    if (hidden := len(left) - _FAILED_ROOMS_SHOWN) > 0:
        click.echo(f"{region.region}: {hidden} more rooms failed{all_of_them}")
    show_remedies(failed.values(), region.kinds_of(failed))
