"""How rooms answer meeting requests automatically, and which figures that affects.

It reads the CSV of ``Get-CalendarProcessing``; rows of other mailboxes are only counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipelines.check.view import Command, Printer, for_each, quoted
from pipelines.settings import Room, Settings, SettingsError
from pipelines.sources import State
from pipelines.texts import Table, TextError, by_code, counted, read_text
from transforms.contract import Region
from transforms.raw import normal_address

Row: TypeAlias = Mapping[str, str]
"""A room's settings by lower-case name, as the CSV has them: True, False, numbers, words."""

EXPORT: Final = (
    "Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | "
    "ForEach-Object { $room = $_; Get-CalendarProcessing $room.Identity | "
    "Select-Object @{n='PrimarySmtpAddress'; e={$room.PrimarySmtpAddress}}, * } | "
    "Export-Csv processing.csv -NoTypeInformation -Encoding UTF8"
)
_AUTOMATION: Final = "automateprocessing"
_NAMES: Final = ("primarysmtpaddress", "identity", "mailboxownerid")
_DAY_MINUTES: Final = 1440
_USUAL_LONGEST: Final = 240  # the last band of durations begins here
_IN_A_LINE: Final = 4
_CLAIM: Final = "PostReservationMaxClaimTimeInMinutes"


@dataclass(frozen=True, slots=True)
class Processing:
    """The settings of rooms by room_id, the rooms not in the file, and a count of other rows."""

    path: Path
    rows: Mapping[str, Row]
    missing: Sequence[str]
    other_rows: int


def read_processing(path: Path, rooms: Iterable[Room]) -> Processing:
    """Read the file and find the rooms in it, by address, or else by name or id.

    Raises:
        SettingsError: the file cannot be read, or is not a CSV of ``Get-CalendarProcessing``.
    """
    rooms = list(rooms)
    known = _names_of(rooms)
    found: dict[str, Row] = {}
    others = 0
    try:
        table = Table(read_text(path, f"export it with: {EXPORT}"))
        columns, rows = [name.lower() for name in table.header], list(table.rows())
    except TextError as error:
        raise _problem(f"{path}: line {error.line}" if error.line else path, str(error)) from None
    if _AUTOMATION not in columns or not set(_NAMES) & set(columns):
        raise _problem(path, "has no columns Identity and AutomateProcessing")
    for cells in rows:
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        values = [row.get(name, "").casefold() for name in _NAMES]
        # An Identity may be contoso.example/Rooms/Fjord.
        keys = (key for v in values for key in (normal_address(v), v, v.rpartition("/")[2]))
        room_id = next((known[key] for key in keys if key in known), None)
        if room_id is None:
            others += 1
        else:
            found[room_id] = row
    missing = [room.room_id for room in rooms if room.room_id not in found]
    return Processing(path, found, missing, others)


def _problem(place: object, text: str) -> SettingsError:
    remedy = "" if EXPORT in text else f"; export it with: {EXPORT}"
    return SettingsError([f"{place}: {text}{remedy}"])


def _names_of(rooms: Sequence[Room]) -> dict[str, str]:
    """Return room_ids by every name that only one room has; an address wins over a name."""
    names: dict[str, str] = {}
    ways = (
        [room.name or "" for room in rooms],
        [room.address.partition("@")[0] for room in rooms],
        [room.room_id for room in rooms],
        [normal_address(room.address) for room in rooms],
    )
    for way in ways:
        seen: dict[str, list[str]] = {}
        for room, name in zip(rooms, way, strict=True):
            seen.setdefault(name.casefold(), []).append(room.room_id)
        names.update((name, ids[0]) for name, ids in seen.items() if name and len(ids) == 1)
    return names


@dataclass(frozen=True, slots=True)
class Doubt:
    """One setting that makes figures doubtful, and its remedy.

    ``remedy`` is a parameter of ``Set-CalendarProcessing`` if ``is_command``, else a sentence.
    """

    setting: str
    figures: str
    why: str
    remedy: str
    is_command: bool = True


_DOUBTS: Final = by_code("check/processing.yaml")


def doubts_of(row: Row, trailing_days: int, ahead_days: int) -> Iterator[Doubt]:
    """Yield the settings that make this room's figures doubtful, with the days that a night reads.

    If requests are not accepted automatically, the other settings for answers have no effect and
    are left out.
    """
    automation = row.get(_AUTOMATION, "")
    if unanswered := _DOUBTS["unanswered"].get(automation.casefold()):
        yield Doubt(f"AutomateProcessing {automation}", **unanswered)
    else:
        yield from _set(row, "answers")
        for name, number in _limits(row, trailing_days, ahead_days):
            values = {
                "number": "some" if number is None else number,
                "following": (number or 0) + 1,
                "claim": "" if number is None else f", {_CLAIM} {number}",
                "trailing_days": trailing_days,
                "ahead_days": ahead_days,
            }
            filled: dict[str, Any] = {
                key: text.format(**values) if isinstance(text, str) else text
                for key, text in _DOUBTS["limits"][name].items()
            }
            yield Doubt(**filled)
    yield from _set(row, "texts")


def _set(row: Row, section: str) -> Iterator[Doubt]:
    """Yield the doubts of a section about settings that a room has: a name and True or False."""
    for setting, texts in _DOUBTS[section].items():
        name, value = setting.split()
        if row.get(name.lower(), "").casefold() == value.lower():
            yield Doubt(setting, **texts)


def _limits(row: Row, trailing_days: int, ahead_days: int) -> Iterator[tuple[str, int | None]]:
    """Yield the names of the doubts about a room's limits, each with the number that is set."""
    days, minutes = _number(row, "BookingWindowInDays"), _number(row, "MaximumDurationInMinutes")
    if days is not None and days != ahead_days:
        yield "window shorter" if days < ahead_days else "window longer", days
    if minutes == 0 or (minutes is not None and minutes > max(1, trailing_days) * _DAY_MINUTES):
        yield "long bookings", minutes
    elif minutes is not None and minutes <= _USUAL_LONGEST:
        yield "short bookings", minutes
    # Exchange cancels what nobody came to.
    if row.get("enableautorelease", "").casefold() == "true":
        yield "release", _number(row, _CLAIM)


def _number(row: Row, name: str) -> int | None:
    text = row.get(name.lower(), "")
    return int(text) if text.isdecimal() and len(text) <= 9 else None


def show_processing(
    printer: Printer, settings: Settings, region: Region, found: Processing
) -> None:
    """Print every doubt with the rooms of the region's directory that it concerns."""
    printer.heading(f"{region} calendar processing", str(found.path))
    addresses = {room.room_id: room.address for room in settings.regions[region].rooms}
    doubts: dict[Doubt, list[str]] = {}
    for room_id, row in found.rows.items():
        for doubt in doubts_of(row, settings.trailing_days, settings.ahead_days):
            doubts.setdefault(doubt, []).append(room_id)
    most_rooms_first = sorted(doubts.items(), key=lambda each: (-len(each[1]), each[0].setting))
    for doubt, room_ids in most_rooms_first:
        is_all = 1 < len(room_ids) == len(addresses)
        _show_rooms(printer, doubt.setting, [f"all {len(room_ids)} rooms"] if is_all else room_ids)
        printer.paragraph(f"{doubt.figures}: {doubt.why}.")
        if doubt.is_command:
            concerned = [addresses[room_id] for room_id in room_ids]
            room = quoted(concerned[0]) if len(concerned) == 1 else "$_"
            command = Command(f"Set-CalendarProcessing {room} {doubt.remedy}")
            printer.command(for_each(command, concerned))
        else:
            printer.paragraph(f"Remedy: {doubt.remedy}.")
    clean = len(found.rows) - len(set().union(*doubts.values()))
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
