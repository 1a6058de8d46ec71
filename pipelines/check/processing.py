"""How rooms answer meeting requests by themselves, and what that does to the figures.

Belongs here: the CSV of ``Get-CalendarProcessing`` (named rooms and settings alone are kept), and
what each setting does to which figure of a room.
Does not belong here: printing it (``view.py``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pipelines.settings import Room, SettingsError
from pipelines.texts import Table, TextError, read_text
from transforms.raw import normal_address

Row: TypeAlias = Mapping[str, str]
"""A room's settings by lower-case name, as the CSV writes them: True, False, numbers, words."""

EXPORT: Final = (
    "Get-Mailbox -RecipientTypeDetails RoomMailbox -ResultSize Unlimited | "
    "ForEach-Object { $room = $_; Get-CalendarProcessing $room.Identity | "
    "Select-Object @{n='PrimarySmtpAddress'; e={$room.PrimarySmtpAddress}}, * } | "
    "Export-Csv processing.csv -NoTypeInformation -Encoding UTF8"
)
_AUTOMATION: Final = "automateprocessing"
_NAMES: Final = ("primarysmtpaddress", "identity", "mailboxownerid")
_DAY_MINUTES: Final = 1440
_USUAL_LONGEST: Final = 240  # the last band of durations begins there
_TEXTS: Final = ("DeleteSubject", "AddOrganizerToSubject", "DeleteComments")
_ACCEPT: Final = "-AutomateProcessing AutoAccept"


@dataclass(frozen=True, slots=True)
class Processing:
    """The settings of the directory's rooms by room_id, and how many rows were no such room."""

    path: Path
    rows: Mapping[str, Row]
    missing: Sequence[str]
    other_rows: int


def read_processing(path: Path, rooms: Iterable[Room]) -> Processing:
    """Read the file and find the rooms in it, by address, or else by name or id.

    Raises:
        SettingsError: the file cannot be read, or is not such a CSV.
    """
    rooms = list(rooms)
    known = _names_of(rooms)
    found: dict[str, Row] = {}
    others = 0
    for row in _rows(path):
        room_id = next((known[name] for name in _keys(row) if name in known), None)
        if room_id is None:
            others += 1
        else:
            found[room_id] = row
    missing = [room.room_id for room in rooms if room.room_id not in found]
    return Processing(path, found, missing, others)


def _rows(path: Path) -> Iterator[Row]:
    try:
        table = Table(read_text(path, f"export it with: {EXPORT}"))
        names, rows = [name.lower() for name in table.header], list(table.rows())
    except TextError as error:
        raise _problem(f"{path}: line {error.line}" if error.line else path, str(error)) from None
    if _AUTOMATION not in names or not set(_NAMES) & set(names):
        raise _problem(path, "has no columns Identity and AutomateProcessing")
    for cells in rows:
        yield dict(zip(names, (cell.strip() for cell in cells), strict=False))


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


def _keys(row: Row) -> Iterator[str]:
    """Yield what a row may be known by; an Identity may be contoso.example/Rooms/Fjord."""
    for name in _NAMES:
        value = row.get(name, "").casefold()
        yield normal_address(value)
        yield value
        yield value.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One setting that makes figures doubtful; ``remedy`` is a parameter, or a sentence.

    ``is_command`` tells whether ``remedy`` goes to ``Set-CalendarProcessing``.
    """

    setting: str
    figures: str
    why: str
    remedy: str
    is_command: bool = True


@dataclass(frozen=True, slots=True)
class ReadDays:
    """The days that a night reads: settings are judged against them."""

    trailing_days: int
    ahead_days: int


def doubts_of(row: Row, read_days: ReadDays) -> Iterator[Doubt]:
    """Yield what makes this room's figures doubtful.

    Where requests are not accepted automatically the other settings have no effect, so that is
    all that is said of how they are answered.
    """
    automation = row.get("automateprocessing", "")
    if automation.casefold() in ("none", "autoupdate"):
        yield _unanswered(automation)
    else:
        yield from _answers(row)
        for read in (_horizon, _longest):
            yield from read(row, read_days)
        yield from _released(row)
    yield from _texts(row)


def _unanswered(automation: str) -> Doubt:
    if automation.casefold() == "none":
        why = "nothing puts requests on this calendar: an empty calendar proves nothing"
        return Doubt(f"AutomateProcessing {automation}", "no figure can be trusted", why, _ACCEPT)
    why = "requests stay tentative until somebody answers them"
    figures = "booked_utilization is too low, held_minutes too high"
    return Doubt(f"AutomateProcessing {automation}", figures, why, _ACCEPT)


def _answers(row: Row) -> Iterator[Doubt]:
    if _flag(row, "RemovePrivateProperty") is True:
        yield Doubt(
            "RemovePrivateProperty True",
            "is_private cannot be trusted, and headcounts include private meetings",
            "the private mark is removed when a meeting is accepted",
            "-RemovePrivateProperty $false",
        )
    if _flag(row, "AllowConflicts") is True:
        yield Doubt(
            "AllowConflicts True",
            "bookings, gross_booked_minutes and headcounts are too high",
            "several meetings may have the room at once, and not all can have met in it",
            "-AllowConflicts $false",
        )
    if _flag(row, "TentativePendingApproval") is False:
        yield Doubt(
            "TentativePendingApproval False",
            "held_minutes is too low",
            "requests that wait for approval show as free",
            "-TentativePendingApproval $true",
        )


def _horizon(row: Row, read_days: ReadDays) -> Iterator[Doubt]:
    days = _number(row, "BookingWindowInDays")
    if days is None or days == read_days.ahead_days:
        return
    setting = f"BookingWindowInDays {days}"
    if days < read_days.ahead_days:
        yield Doubt(
            setting,
            f"room_days_ahead is empty from day {days + 1} on, lead_time ends at {days} days",
            "nobody can book further ahead, so an empty day there is no free day",
            f"-BookingWindowInDays {read_days.ahead_days}",
        )
    else:
        yield Doubt(
            setting,
            f"room_days_ahead lacks the bookings after {read_days.ahead_days} days",
            "people may book further ahead than a night reads",
            f"set ahead_days: {days} in insights.yaml",
            is_command=False,
        )


def _longest(row: Row, read_days: ReadDays) -> Iterator[Doubt]:
    minutes = _number(row, "MaximumDurationInMinutes")
    if minutes is None:
        return
    setting = f"MaximumDurationInMinutes {minutes}"
    if minutes == 0 or minutes > max(1, read_days.trailing_days) * _DAY_MINUTES:
        yield Doubt(
            setting,
            "booked_utilization may be too high",
            f"bookings may be longer than the {read_days.trailing_days} days that a night reads "
            "again, and one that is cancelled after that stays booked",
            f"-MaximumDurationInMinutes {_DAY_MINUTES}",
        )
    elif minutes <= _USUAL_LONGEST:
        yield Doubt(
            setting,
            "bookings are too many, durations too short",
            "a longer meeting is booked as several",
            f"-MaximumDurationInMinutes {_DAY_MINUTES}",
        )


def _released(row: Row) -> Iterator[Doubt]:
    """Yield what a room's check-in does: Exchange cancels what nobody came to."""
    if _flag(row, "EnableAutoRelease") is not True:
        return
    minutes = _number(row, "PostReservationMaxClaimTimeInMinutes")
    claim = f", PostReservationMaxClaimTimeInMinutes {minutes}" if minutes is not None else ""
    after = f"{minutes} minutes" if minutes is not None else "some minutes"
    yield Doubt(
        f"EnableAutoRelease True{claim}",
        "booked_utilization and bookings are lower than in other rooms, cancellations and hours "
        "given back higher",
        f"a meeting that nobody checks in to leaves the calendar {after} after it began, as if it "
        "had been cancelled",
        "compare these rooms only with each other",
        is_command=False,
    )


def _texts(row: Row) -> Iterator[Doubt]:
    for name in _TEXTS:
        if _flag(row, name) is False:
            yield Doubt(
                f"{name} False",
                "no figure is affected, only privacy",
                "the room's calendar keeps words that people wrote, which are never asked for",
                f"-{name} $true",
            )


def _flag(row: Row, name: str) -> bool | None:
    return {"true": True, "false": False}.get(row.get(name.lower(), "").casefold())


def _number(row: Row, name: str) -> int | None:
    text = row.get(name.lower(), "")
    return int(text) if text.isdecimal() and len(text) <= 9 else None


def grouped(rows: Mapping[str, Row], read_days: ReadDays) -> Sequence[tuple[Doubt, Sequence[str]]]:
    """Return each doubt with the room_ids that it is about, the most frequent first."""
    rooms: dict[Doubt, list[str]] = {}
    for room_id, row in rows.items():
        for doubt in doubts_of(row, read_days):
            rooms.setdefault(doubt, []).append(room_id)
    return sorted(rooms.items(), key=lambda each: (-len(each[1]), each[0].setting))
