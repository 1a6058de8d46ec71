"""The words of the page's head: what the figures stand on, and what is missing.

Belongs here: sentences about coverage, for readers with and without scripts.
Does not belong here: figures of use (the browser computes them for what is chosen).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the head: what it is, its value, and what is wrong with it if anything is."""

    term: str
    value: str
    is_warning: bool = False


def facts(head: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the facts of the head, in order; ``head`` is the row of ``sql/head.sql``."""
    through = head["data_through"]
    yield Fact("Data through", _day(through) if through else "no day yet", not through)
    yield Fact("Days", _span(head), not head["first_date"])
    loaded, expected = head["rooms_loaded"], head["rooms_expected"]
    is_whole = loaded == expected and expected > 0
    yield Fact("Rooms read in the last run", f"{loaded:,} of {expected:,}", not is_whole)
    built_at = datetime.fromisoformat(head["built_at"])
    yield Fact("Built", f"{_day(built_at.date())}, {built_at:%H:%M} UTC")
    yield Fact("Left out as small groups", f"{head['suppressed_cells']:,} cells")


def missing(head: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for everything that a reader would otherwise miss or misread."""
    if not head["rooms"]:
        yield "The room directory names no room yet, so there is nothing to show."
    elif not head["data_through"]:
        yield "No day has been read and is over yet: figures of use begin with the first that is."
    elif not head["first_date"]:
        yield "No room was open and none was booked on any day that was read."
    if failed := head["rooms_expected"] - head["rooms_loaded"]:
        yield (
            f"{_rooms(failed)} could not be read in the last run and stand with what was read "
            "before; 'insights check' says why."
        )
    if never := head["rooms_never_read"]:
        yield f"{_rooms(never)} never read so far: in no figure of this page."
    if unknown := head["rooms_without_capacity"]:
        yield f"{_rooms(unknown)} without a capacity: listed as size unknown, in no seat fill."
    if homeless := head["rooms_without_building"]:
        yield f"{_rooms(homeless)} without a building: listed as no building."
    if personal := head["personal_rooms"]:
        yield f"{_rooms(personal)} of one person (desk, office, executive): left out here."


def _span(head: Mapping[str, Any]) -> str:
    first, last = head["first_date"], head["last_date"]
    if not first:
        return "none"
    return _day(first) if first == last else f"{_day(first)} \N{EN DASH} {_day(last)}"


def _day(value: object) -> str:
    """Write a date as the rest of the page does, whatever the language of the machine."""
    day = date.fromisoformat(str(value))
    return f"{day.day} {_MONTHS[3 * day.month - 3 : 3 * day.month]} {day.year}"


def _rooms(count: int) -> str:
    return f"{count:,} room{'' if count == 1 else 's'}"
