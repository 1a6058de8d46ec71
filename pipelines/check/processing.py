"""How rooms answer meeting requests automatically, and how that affects the figures.

Belongs here: the CSV of ``Get-CalendarProcessing`` (rows of other mailboxes are only counted), and
which setting affects which figure of a room, and how.
Does not belong here: how a line looks (``view.py``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pipelines.check.view import Command, Printer, for_each, quoted
from pipelines.settings import Room, Settings, SettingsError
from pipelines.sources import State
from pipelines.texts import Table, TextError, counted, read_text
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
_ACCEPT: Final = "-AutomateProcessing AutoAccept"


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


_UNANSWERED: Final = {
    "none": (
        "no figure can be trusted",
        "nothing puts requests on this calendar: an empty calendar proves nothing",
    ),
    "autoupdate": (
        "booked_utilization is too low, held_minutes too high",
        "requests stay tentative until somebody answers them",
    ),
}
_OF_ANSWERS: Final = (
    Doubt(
        "RemovePrivateProperty True",
        "is_private cannot be trusted, and headcounts include private meetings",
        "the private mark is removed when a meeting is accepted",
        "-RemovePrivateProperty $false",
    ),
    Doubt(
        "AllowConflicts True",
        "bookings, gross_booked_minutes and headcounts are too high",
        "several meetings may have the room at once, and not all can have met in it",
        "-AllowConflicts $false",
    ),
    Doubt(
        "TentativePendingApproval False",
        "held_minutes is too low",
        "requests that wait for approval show as free",
        "-TentativePendingApproval $true",
    ),
)
_OF_TEXTS: Final = tuple(
    Doubt(
        f"{name} False",
        "no figure is affected, only privacy",
        "the room's calendar keeps words that people wrote, which are never asked for",
        f"-{name} $true",
    )
    for name in ("DeleteSubject", "AddOrganizerToSubject", "DeleteComments")
)


def doubts_of(row: Row, trailing_days: int, ahead_days: int) -> Iterator[Doubt]:
    """Yield the settings that make this room's figures doubtful, with the days that a night reads.

    If requests are not accepted automatically, the other settings for answers have no effect and
    are left out.
    """
    automation = row.get(_AUTOMATION, "")
    if unanswered := _UNANSWERED.get(automation.casefold()):
        yield Doubt(f"AutomateProcessing {automation}", *unanswered, _ACCEPT)
    else:
        yield from (doubt for doubt in _OF_ANSWERS if _is_set(row, doubt.setting))
        yield from _limits(row, trailing_days, ahead_days)
        if _is_set(row, "EnableAutoRelease True"):  # Exchange cancels what nobody came to
            minutes = _number(row, "PostReservationMaxClaimTimeInMinutes")
            is_known = minutes is not None
            claim = f", PostReservationMaxClaimTimeInMinutes {minutes}" if is_known else ""
            after = f"{minutes} minutes" if is_known else "some minutes"
            yield Doubt(
                f"EnableAutoRelease True{claim}",
                "booked_utilization and bookings are lower than in other rooms, cancellations and "
                "hours given back higher",
                f"a meeting that nobody checks in to leaves the calendar {after} after it began, "
                "as if it had been cancelled",
                "compare these rooms only with each other",
                is_command=False,
            )
    yield from (doubt for doubt in _OF_TEXTS if _is_set(row, doubt.setting))


def _limits(row: Row, trailing_days: int, ahead_days: int) -> Iterator[Doubt]:
    """Yield the doubts about a room's limits: how far ahead a booking may be, and how long."""
    days = _number(row, "BookingWindowInDays")
    if days is not None and days < ahead_days:
        yield Doubt(
            f"BookingWindowInDays {days}",
            f"room_days_ahead is empty from day {days + 1} on, lead_time ends at {days} days",
            "nobody can book further ahead, so an empty day there is no free day",
            f"-BookingWindowInDays {ahead_days}",
        )
    elif days is not None and days > ahead_days:
        yield Doubt(
            f"BookingWindowInDays {days}",
            f"room_days_ahead lacks the bookings after {ahead_days} days",
            "people may book further ahead than a night reads",
            f"set ahead_days: {days} in insights.yaml",
            is_command=False,
        )
    minutes = _number(row, "MaximumDurationInMinutes")
    if minutes == 0 or (minutes is not None and minutes > max(1, trailing_days) * _DAY_MINUTES):
        yield Doubt(
            f"MaximumDurationInMinutes {minutes}",
            "booked_utilization may be too high",
            f"bookings may be longer than the {trailing_days} days that a night reads "
            "again, and one that is cancelled after that stays booked",
            f"-MaximumDurationInMinutes {_DAY_MINUTES}",
        )
    elif minutes is not None and minutes <= _USUAL_LONGEST:
        yield Doubt(
            f"MaximumDurationInMinutes {minutes}",
            "bookings are too many, durations too short",
            "a longer meeting is booked as several",
            f"-MaximumDurationInMinutes {_DAY_MINUTES}",
        )


def _is_set(row: Row, setting: str) -> bool:
    """Tell whether a room has a setting, written as its name and True or False."""
    name, value = setting.split()
    return row.get(name.lower(), "").casefold() == value.lower()


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
