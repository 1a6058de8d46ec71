"""The report of a check: a line for each step, room and exchange, with the remedy if it failed."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.text import Text

from pipelines.check.exchange import ExchangeCheck, Target
from pipelines.settings import ExchangeSettings, Room
from pipelines.sources import State, Step
from pipelines.sources.remedies import remedy_for
from pipelines.texts import by_code, counted
from transforms.contract import Region

PROBE: Final = "'<scope_probe>'"
_STYLES: Final = {State.OK: "green", State.NOTE: "yellow", State.FAILED: "bold red"}
_MARKS: Final = {State.OK: "✓", State.NOTE: "!", State.FAILED: "✗"}
_PLAIN_MARKS: Final = {State.OK: "+", State.NOTE: "!", State.FAILED: "x"}
_INDENT: Final = " " * 12
_NARROWEST: Final = 30
_NAME_WIDTH: Final = 10
_NAMED_IN_A_COMMAND: Final = 8


@dataclass(frozen=True, slots=True)
class Command:
    """PowerShell that fixes a code: a statement for ``each`` room, and some to run ``once``."""

    each: str = ""
    once: tuple[str, ...] = ()

    @property
    def lines(self) -> Sequence[str]:
        """All statements, in the order in which they are run."""
        return [self.each, *self.once] if self.each else self.once


def command_for(
    code: str, region: Region, exchange: ExchangeSettings, room: str, account: str
) -> Command | None:
    """Return the PowerShell that fixes a code on this exchange, if there is any.

    ``room`` and ``account`` are inserted as they are: PowerShell literals or variables.
    """
    way: str = "app" if exchange.auth == "oauth" else exchange.access
    way = "graph" if exchange.kind == "graph" else way
    command = by_code("check/powershell.yaml")[way].get(code)
    if command is None:
        return None
    names = {
        "region": region,
        "scope": f"'Room insights {region}'",
        "room": room,
        # As the folder is called in an English mailbox.
        "calendar": f"{room[:-1]}:\\Calendar'" if room.endswith("'") else '"${_}:\\Calendar"',
        "account": account,
    }
    once = tuple(statement.format(**names) for statement in command.get("once", ()))
    return Command(command.get("each", "").format(**names), once)


def quoted(text: str) -> str:
    """Return a text as a PowerShell literal."""
    return "'" + text.replace("'", "''") + "'"


def account_of(exchange: ExchangeSettings) -> str:
    """Return the account's own name as a PowerShell literal, for the terminal only."""
    return quoted(exchange.account or "<account>")


def for_each(command: Command, addresses: Sequence[str]) -> Command:
    """Return the command for these rooms; for several, it must name its room ``$_``."""
    if len(addresses) == 1 or not command.each:
        return command
    if len(addresses) <= _NAMED_IN_A_COMMAND:
        rooms = ", ".join(quoted(address) for address in addresses)
    else:
        rooms = "(Import-Csv <room directory>).address"
    return Command(f"{rooms} | ForEach-Object {{ {command.each} }}", command.once)


def lines_of(result: ExchangeCheck) -> list[dict[str, object]]:
    """Return a line for the exchange (``room_id`` None) and one for each room, without any address.

    They are the objects of ``--json``.
    """
    region, exchange, step = result.target.region, result.target.exchange, result.failed_step
    lines: list[dict[str, object]] = []
    for room in (None, *result.target.rooms):
        own = step.code if step else None
        code = result.failed.get(room.room_id) if room else own
        remedy = code and remedy_for(code, exchange.kind)
        name = quoted(f"<address of {room.room_id}>") if room else PROBE
        if code and (command := command_for(code, region, exchange, name, "'<account>'")):
            remedy = f"{remedy} PowerShell: {'; '.join(command.lines)}"
        lines.append(
            {
                "region": region,
                "exchange": exchange.name,
                "room_id": room.room_id if room else None,
                "is_readable": code is None,
                "error_code": code,
                "remedy": remedy,
            }
        )
    return lines


class Printer:
    """Prints lines; text is wrapped only on a terminal, commands never are."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._marks = _PLAIN_MARKS if console.options.ascii_only else _MARKS

    def heading(self, title: str, rest: str = "") -> None:
        """Print a heading for the following lines."""
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
        """Print PowerShell, one statement per line."""
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


def show_step(printer: Printer, target: Target, step: Step) -> None:
    """Print a step, and the remedy if it failed."""
    text = step.text if step.code is None else f"{step.text}: {step.code}"
    printer.line(step.state, step.name, _width(target), text)
    for detail in step.details:
        printer.paragraph(detail)
    if step.code is not None:
        exchange = target.exchange
        account = account_of(exchange)
        printer.paragraph(remedy_for(step.code, exchange.kind))
        # The mailbox outside the scope may be a person's: it is never shown.
        printer.command(command_for(step.code, target.region, exchange, PROBE, account))


def show_rooms(printer: Printer, result: ExchangeCheck) -> None:
    """Print the rooms: first those that failed, by code, then those that can be read."""
    rooms, width = result.target.rooms, _width(result.target)
    for code, failed in _by_code(result):
        for room in failed:
            printer.line(State.FAILED, room.room_id, width, code)
        if result.failed_step is None or result.failed_step.code != code:  # not shown by the step
            exchange, addresses = result.target.exchange, [room.address for room in failed]
            name = quoted(addresses[0]) if len(addresses) == 1 else "$_"
            account = account_of(exchange)
            command = command_for(code, result.target.region, exchange, name, account)
            printer.paragraph(remedy_for(code, exchange.kind))
            printer.command(command and for_each(command, addresses))
    for room in rooms:
        if room.room_id in result.items:
            text = f"{counted(result.items[room.room_id], 'item')} in the next week"
            printer.line(State.OK, room.room_id, width, text)


def show_summary(
    printer: Printer, results: Sequence[ExchangeCheck], unusable: Sequence[Region]
) -> None:
    """Print how many rooms of each exchange can be read, and the codes of those that cannot.

    ``unusable`` are the regions whose lake or warehouse cannot be used.
    """
    printer.heading("Summary")
    titles = [result.target.title for result in results] + [f"{each} storage" for each in unusable]
    width = max(map(len, titles), default=0)
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
    for region in unusable:
        printer.line(State.FAILED, f"{region} storage", width, "cannot be used, see above")


def _width(target: Target) -> int:
    return max([_NAME_WIDTH, *(len(room.room_id) for room in target.rooms)])


def _by_code(result: ExchangeCheck) -> list[tuple[str, list[Room]]]:
    """Return the rooms of each code, the code with the most rooms first."""
    groups: dict[str, list[Room]] = {}
    for room in result.target.rooms:
        if code := result.failed.get(room.room_id):
            groups.setdefault(code, []).append(room)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
