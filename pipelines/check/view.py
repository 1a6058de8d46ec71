"""What an admin reads of a check: a line for each thing, the remedy under what failed.

Belongs here: the order and the sentences of steps, rooms and the summary.
Does not belong here: finding or judging anything, the look of a line (``printer.py``).
"""

from collections.abc import Sequence
from typing import Final

from pipelines.check.model import ExchangeResult, State, Step, Target
from pipelines.check.printer import Printer
from pipelines.check.remedies import PROBE, account_of, command_for, for_each, quoted, remedy_of
from pipelines.settings import Room
from pipelines.words import counted

_NAME_WIDTH: Final = 10


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
