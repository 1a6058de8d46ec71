"""What an admin reads of calendar processing: which figures of which rooms, why, and the remedy.

Belongs here: the sentences and the commands.
Does not belong here: what a setting does to a figure (``processing.py``).
"""

from collections.abc import Sequence
from typing import Final

from pipelines.check.model import State
from pipelines.check.printer import Printer
from pipelines.check.processing import Doubt, ReadDays, grouped
from pipelines.check.processing_csv import Processing
from pipelines.check.remedies import Command, for_each, quoted
from pipelines.settings import Room
from pipelines.words import counted
from transforms.contract import Region

_IN_A_LINE: Final = 4


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
