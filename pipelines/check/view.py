"""What an admin reads of a check: a line for each thing, the remedy under what failed.

Belongs here: how a line looks on a terminal, the order and the sentences of steps, rooms, the
summary and the doubts about calendar processing.
Does not belong here: finding or judging anything.
"""

import textwrap
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from pipelines.check.processing import Doubt, Processing, ReadDays, grouped
from pipelines.check.results import (
    PROBE,
    Command,
    ExchangeResult,
    Target,
    account_of,
    command_for,
    for_each,
    quoted,
    remedy_of,
)
from pipelines.settings import Room
from pipelines.sources.steps import State, Step
from pipelines.texts import counted
from transforms.contract import Region

_STYLES: Final = {State.OK: "green", State.NOTE: "yellow", State.FAILED: "bold red"}
_MARKS: Final = {State.OK: "✓", State.NOTE: "!", State.FAILED: "✗"}
_PLAIN_MARKS: Final = {State.OK: "+", State.NOTE: "!", State.FAILED: "x"}
_INDENT: Final = " " * 12
_NARROWEST: Final = 30
_NAME_WIDTH: Final = 10
_IN_A_LINE: Final = 4


class Printer:
    """Prints lines; text is wrapped on a terminal only, commands never."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._marks = _PLAIN_MARKS if console.options.ascii_only else _MARKS

    def heading(self, title: str, rest: str = "") -> None:
        """Print what the following lines are about."""
        self._print(Text(title, "bold").append(f"  {rest}" if rest else "", "not bold dim"))

    def line(self, state: State, name: str, width: int, text: str) -> None:
        """Print one result: mark, word, name and text in columns."""
        line = Text("  ").append(f"{self._marks[state]} {state.value:<6}", _STYLES[state])
        line.append(f"  {name:<{width}}  ")
        self._print(line.append(self._wrapped(text, " " * len(line))))

    def paragraph(self, text: str) -> None:
        """Print text that belongs to the line above."""
        self._print(_INDENT + self._wrapped(text, _INDENT))

    def command(self, command: Command | None) -> None:
        """Print PowerShell, a statement a line."""
        for statement in command.lines if command else ():
            self._print(Text(f"{_INDENT}PS> ", "dim").append(statement, "not dim cyan"))

    def blank(self) -> None:
        """Print an empty line."""
        self._print("")

    def _wrapped(self, text: str, indent: str) -> str:
        width = self._console.width - len(indent) - 1
        if not self._console.is_terminal or width < _NARROWEST:
            return text
        return f"\n{indent}".join(textwrap.wrap(text, width, break_on_hyphens=False))

    def _print(self, text: str | Text) -> None:
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)


def show_exchange(printer: Printer, target: Target) -> None:
    """Print which exchange the following lines are about."""
    printer.heading(target.title, target.exchange.endpoint)


def show_step(printer: Printer, target: Target, step: Step) -> None:
    """Print a step, and the remedy if it failed."""
    text = step.text if step.code is None else f"{step.text}: {step.code}"
    printer.line(step.state, step.name, _width(target), text)
    for detail in step.details:
        printer.paragraph(detail)
    if step.code is not None:
        exchange = target.exchange
        account = account_of(exchange)
        printer.paragraph(remedy_of(step.code, exchange))
        # The mailbox outside the scope may be a person's: it is never shown.
        printer.command(command_for(step.code, target.region, exchange, PROBE, account))


def show_rooms(printer: Printer, result: ExchangeResult) -> None:
    """Print the rooms: first those that failed, by code, then those that can be read."""
    rooms, width = result.target.rooms, _width(result.target)
    for code, failed in _by_code(result):
        for room in failed:
            printer.line(State.FAILED, room.room_id, width, code)
        if result.failed_step is None or result.failed_step.code != code:  # the step said it
            _show_remedy(printer, result.target, code, failed)
    for room in rooms:
        if room.room_id in result.items:
            text = f"{counted(result.items[room.room_id], 'item')} in the next week"
            printer.line(State.OK, room.room_id, width, text)


def show_summary(printer: Printer, results: Sequence[ExchangeResult]) -> None:
    """Print how many rooms of each exchange can be read, and what stands in the way."""
    printer.heading("Summary")
    width = max((len(result.target.title) for result in results), default=0)
    for result in results:
        readable, rooms = len(result.items), len(result.target.rooms)
        codes = [step.code for step in result.steps if step.code is not None]
        codes += [code for code, _ in _by_code(result)]
        text = f"{readable} of {counted(rooms, 'room')} readable"
        text += f", {counted(sum(result.items.values()), 'item')} in the next week"
        if not rooms:
            text = "no room in the directory yet"
        text += f"; {', '.join(dict.fromkeys(codes))}" if codes else ""
        state = State.OK if result.is_readable else State.FAILED
        printer.line(state, result.target.title, width, text)


def _width(target: Target) -> int:
    return max([_NAME_WIDTH, *(len(room.room_id) for room in target.rooms)])


def _show_remedy(printer: Printer, target: Target, code: str, failed: Sequence[Room]) -> None:
    exchange, addresses = target.exchange, [room.address for room in failed]
    room = quoted(addresses[0]) if len(addresses) == 1 else "$_"
    printer.paragraph(remedy_of(code, exchange))
    command = command_for(code, target.region, exchange, room, account_of(exchange))
    printer.command(command and for_each(command, addresses))


def _by_code(result: ExchangeResult) -> list[tuple[str, list[Room]]]:
    """Return the rooms of each code, the code with most rooms first."""
    groups: dict[str, list[Room]] = {}
    for room in result.target.rooms:
        if code := result.failed.get(room.room_id):
            groups.setdefault(code, []).append(room)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def show_processing(
    printer: Printer,
    region: Region,
    found: Processing,
    read_days: ReadDays,
    rooms: Sequence[Room],
) -> None:
    """Print every doubt with the rooms of the region's directory that it is about."""
    printer.heading(f"{region} calendar processing", str(found.path))
    addresses = {room.room_id: room.address for room in rooms}
    doubts = grouped(found.rows, read_days)
    for doubt, room_ids in doubts:
        is_all = 1 < len(room_ids) == len(addresses)
        _show_rooms(printer, doubt.setting, [f"all {len(room_ids)} rooms"] if is_all else room_ids)
        printer.paragraph(f"{doubt.figures}: {doubt.why}.")
        if doubt.is_command:
            printer.command(_command(doubt, [addresses[room_id] for room_id in room_ids]))
        else:
            printer.paragraph(f"Remedy: {doubt.remedy}.")
    clean = len(found.rows) - len({room_id for _, room_ids in doubts for room_id in room_ids})
    if clean:
        printer.line(State.OK, counted(clean, "room"), 0, "nothing to doubt")
    if found.missing:
        _show_rooms(printer, "not in the file", found.missing)
    if found.other_rows:
        text = "no room of the directory (not shown: they may be people's)"
        printer.line(State.NOTE, counted(found.other_rows, "row"), 0, text)
    printer.blank()


def _show_rooms(printer: Printer, name: str, room_ids: Sequence[str]) -> None:
    if len(room_ids) <= _IN_A_LINE:
        printer.line(State.NOTE, name, 0, ", ".join(room_ids))
    else:
        printer.line(State.NOTE, name, 0, counted(len(room_ids), "room"))
        printer.paragraph(", ".join(room_ids))


def _command(doubt: Doubt, addresses: list[str]) -> Command:
    room = quoted(addresses[0]) if len(addresses) == 1 else "$_"
    return for_each(Command(f"Set-CalendarProcessing {room} {doubt.remedy}"), addresses)
