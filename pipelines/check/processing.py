"""Which figures a room's calendar processing makes doubtful, and the command that mends it.

Belongs here: the settings of ``Set-CalendarProcessing`` that change what a calendar can tell.
Does not belong here: reading the file (``processing_csv.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Row: TypeAlias = Mapping[str, str]
"""A room's settings by lower-case name, as the CSV writes them: True, False, numbers, words."""

_DAY_MINUTES: Final = 1440
_USUAL_LONGEST: Final = 240  # the last band of durations begins there
_TEXTS: Final = ("DeleteSubject", "AddOrganizerToSubject", "DeleteComments")


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


_ACCEPT: Final = "-AutomateProcessing AutoAccept"


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
