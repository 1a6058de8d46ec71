"""What an operator sees: progress, the report of a run, errors of one line.

Belongs here: everything that is printed for people; counts, room ids, codes and remedies only.
Does not belong here: deciding anything.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.night import NightReport
from pipelines.reading import Outcome, RoomFailed
from pipelines.sources.remedies import remedy_for
from transforms.contract import Region
from warehouse.publish import Published
from warehouse.report import Report

if TYPE_CHECKING:
    from pipelines.sandbox.serve import Served  # brings Faker

_PLAIN_STEPS: Final = 10
_FAILED_ROOMS_SHOWN: Final = 20


class RoomProgress:
    """Shows rooms as they end: a bar on a terminal, a plain line every tenth elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rooms, {task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._region: Region | None = None
        self._rooms = self._done = self._failed = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def start(self, region: Region, rooms: int) -> None:
        """Begin a region's rooms."""
        self._region, self._rooms, self._done, self._failed = region, rooms, 0, 0
        self._task = self._bar.add_task(f"{region} reading", total=rooms, failed=0)

    def advance(self, outcome: Outcome) -> None:
        """Count a room that ended."""
        self._done += 1
        self._failed += isinstance(outcome, RoomFailed)
        self._bar.update(self._task, completed=self._done, failed=self._failed)
        if not self._console.is_terminal and self._is_a_step():
            click.echo(
                f"{self._region}: {self._done} of {self._rooms} rooms, {self._failed} failed"
            )

    def _is_a_step(self) -> bool:
        step = -(-self._rooms // _PLAIN_STEPS)
        return self._done == self._rooms or self._done % step == 0


def show_failed_rooms(report: NightReport) -> None:
    """Print each room that could not be read, with its code and the remedy for each code."""
    shown = sorted(report.failed.items())[:_FAILED_ROOMS_SHOWN]
    for room_id, code in shown:
        click.echo(f"{report.region} {room_id}: {code}")
    if hidden := len(report.failed) - len(shown):
        click.echo(f"{report.region}: {hidden} more rooms failed; the table coverage has them all")
    show_remedies(report.failed.values())


def show_remedies(codes: Iterable[str]) -> None:
    """Print what each code means and what to do about it, once each."""
    for code in sorted(set(codes)):
        click.echo(f"{code}: {remedy_for(code)}")


def fail(lines: Iterable[str]) -> None:
    """Print errors, a line each, where errors go."""
    for line in lines:
        click.echo(f"error: {line}", err=True)


def fail_run(line: str, codes: Iterable[str]) -> None:
    """Print why a run failed, with the remedy: one line where all its rooms failed alike."""
    remedies = {code: remedy_for(code) for code in sorted(set(codes))}
    if len(remedies) == 1:
        fail([f"{line}: {remedy}" for remedy in remedies.values()])
    else:
        fail([line, *(f"{code}: {remedy}" for code, remedy in remedies.items())])


def show_report(report: NightReport) -> None:
    """Print what a run read, in one line, and each room that failed."""
    days = f"{report.day_range.first_date} to {report.day_range.last_date}"
    click.echo(
        f"{report.region}: {report.rooms_loaded} of {report.rooms_expected} rooms read, "
        f"{days}, {report.bookings:,} bookings"
        + (f", {report.deleted_days} days past retention deleted" if report.deleted_days else "")
    )
    show_failed_rooms(report)


def show_published(region: Region, published: Published) -> None:
    """Print where the database is and how far its figures go."""
    through = published.data_through or "no day yet"
    click.echo(f"{region}: published {published.path}, data through {through}")


def show_page(region: Region, page: Report) -> None:
    """Print where the page is that shows the region in a browser."""
    size = f"{page.size_bytes / 1e6:.1f} MB"
    rooms = f"{page.rooms:,} room{'' if page.rooms == 1 else 's'}"
    click.echo(f"{region}: page of {rooms} in {page.path}, {size}")


def show_sandboxes(served: Iterable["Served"]) -> None:
    """Print where each simulated Exchange answers, and how to be let in."""
    for each in served:
        click.echo(f"{each.region}: EWS {each.url}")
        click.echo(f"  account {each.username}, password {each.password}, CA file {each.ca_file}")
        click.echo(f"{each.region}: Graph {each.graph_url} (endpoint and authority)")
        click.echo(f"  tenant_id {each.tenant_id}, client_id {each.client_id}")
        click.echo(f"  client secret {each.client_secret}")
    click.echo("Ctrl-C ends it.")
