"""Local time: zones, the instants at which local dates begin (R1), and when a room is open (R2).

Time zones come from the ``tzdata`` package alone: the operating system's copy may be years old, and
zoneinfo prefers it unless told otherwise.
"""

import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta

zoneinfo.reset_tzpath(())
# Zones created before this line came from the operating system's copy.
ZoneInfo.clear_cache()

_NAMES: Final = frozenset(zoneinfo.available_timezones()) - {"Factory"}


def zone_names() -> frozenset[str]:
    """Return every IANA time zone of the ``tzdata`` package."""
    return _NAMES


@cache
def zone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ValueError: there is no such zone. There is no fallback to UTC.
    """
    if name not in _NAMES:
        raise ValueError("not an IANA time zone")
    return ZoneInfo(name)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the date on the local clock at an aware instant."""
    return instant.astimezone(zone).date()


@cache
def day_start(on: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the local clock shows that date.

    That is local midnight. Where a clock change repeats midnight, it is the earlier one; where
    the change skips midnight, the instant of the change. A date that a zone skipped altogether
    begins and ends at the instant of the change.
    """
    midnight = datetime.combine(on, time(), zone)
    starts_at = midnight.astimezone(UTC)
    if starts_at.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return starts_at
    # Midnight is skipped: find the clock change, to the second, by halving.
    before, after = midnight.replace(fold=1).astimezone(UTC), starts_at
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) // 2).replace(microsecond=0)
        if local_date(middle, zone) < on:
            before = middle
        else:
            after = middle
    return after


Interval: TypeAlias = tuple[int, int]
"""Half-open [start, end) in minutes of the local clock, 0 to 1440."""

WeeklyHours: TypeAlias = tuple[tuple[Interval, ...], ...]
"""Opening hours of a week in the room's own zone: seven days, Monday first.

Each is sorted and has no overlaps; intervals that touch are merged."""
DEFAULT_OPEN_HOURS: Final = "Mon-Fri 08:00-18:00"

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PART: Final = re.compile(r"(?P<days>[^\d;]+?)\s+(?P<intervals>\d.*)", re.DOTALL)
_INTERVAL: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Closure:
    """Inclusive local dates on which rooms are closed.

    Rooms must match ``site``, ``building`` and ``room_id``; None matches every room.
    """

    first_date: date
    last_date: date
    site: str | None = None
    building: str | None = None
    room_id: str | None = None

    def applies_to(self, *, site: str | None, building: str | None, room_id: str) -> bool:
        """Tell whether the closure covers that room."""
        asked = ((self.site, site), (self.building, building), (self.room_id, room_id))
        return all(wanted is None or wanted == has for wanted, has in asked)


@cache  # many rooms, few schedules
def parse_open_hours(text: str) -> WeeklyHours:
    """Read ``Mon-Fri 08:00-12:00, 13:00-18:00; Sat 09:00-12:00``, or ``closed`` for never (R2).

    Days are ``Mon-Fri`` or ``Mon,Wed`` in the order Mon to Sun. A later part that names a day
    again adds intervals to it. An interval ends at 24:00 at the latest.

    Raises:
        ValueError: one sentence that says what is wrong.
    """
    days: list[list[Interval]] = [[] for _ in _DAYS]
    if text.strip() == "closed":
        return ((),) * len(_DAYS)
    for part in (part.strip() for part in text.split(";")):
        match = _PART.fullmatch(part)
        if not part:
            raise ValueError(f"a part is empty; write it like {DEFAULT_OPEN_HOURS}, or closed")
        if match is None and "closed" in part.lower():
            raise ValueError(
                "closed stands alone, in small letters; leave out the days that are closed"
            )
        if match is None:
            what = f"{part!r} is not days and then hours"
            raise ValueError(f"{what}; write it like {DEFAULT_OPEN_HOURS}")
        intervals = [_interval(word.strip()) for word in match["intervals"].split(",")]
        for weekday in _weekdays(match["days"]):
            days[weekday] += intervals
    return tuple(map(_joined, _DAYS, days))


def _weekdays(text: str) -> list[int]:
    weekdays: list[int] = []
    for word in text.split(","):
        first, dash, last = (name.strip() for name in word.partition("-"))
        start = _weekday(first)
        end = _weekday(last) if dash else start
        if end < start:
            raise ValueError(f"{first}-{last} runs backwards; name days in the order Mon to Sun")
        weekdays += range(start, end + 1)
    if any(later <= earlier for earlier, later in pairwise(weekdays)):
        raise ValueError(f"{text.strip()} is out of order; name days once, from Mon to Sun")
    return weekdays


def _weekday(name: str) -> int:
    if name not in _DAYS:
        raise ValueError(f"{name!r} is no day; the days are {', '.join(_DAYS)}")
    return _DAYS.index(name)


def _interval(text: str) -> Interval:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no interval; write it like 08:00-18:00")
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start_minute > 59 or end_minute > 59:
        raise ValueError(f"{text} has minutes over 59")
    if max(start, end) > 24 * 60:
        raise ValueError(f"{text} goes over 24:00")
    if start == end:
        raise ValueError(f"{text} is empty; its end is its start")
    if end < start:
        raise ValueError(f"{text} ends before it starts; nothing runs across midnight")
    return start, end


def _joined(day: str, intervals: list[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start < joined[-1][1]:
            raise ValueError(f"the intervals of {day} overlap at {start // 60:02}:{start % 60:02}")
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


@cache
def _subdivisions() -> dict[str, frozenset[str]]:
    known = holidays.list_supported_countries(include_aliases=False)
    return {country: frozenset(names) for country, names in known.items()}


def countries() -> frozenset[str]:
    """Return the ISO 3166-1 codes of the countries whose public holidays are known."""
    return frozenset(_subdivisions())


def is_subdivision(country: str, subdivision: str) -> bool:
    """Tell whether the holidays of that ISO 3166-2 subdivision of the country are known.

    Accepts both ``BY`` and the full code ``DE-BY``.
    """
    return _bare(country, subdivision) in subdivisions(country)


def subdivisions(country: str) -> frozenset[str]:
    """Return a country's subdivisions with known holidays, without the country's prefix."""
    return _subdivisions().get(country, frozenset())


def _bare(country: str, subdivision: str) -> str:
    return subdivision.removeprefix(f"{country}-")


def public_holidays(
    country: str | None, subdivision: str | None, years: Iterable[int]
) -> frozenset[date]:
    """Return public holidays, including days observed in lieu (R2); none without a country.

    Raises:
        ValueError: the country or the subdivision is unknown.
    """
    if country is None:
        return frozenset()
    if country not in countries() or (subdivision and not is_subdivision(country, subdivision)):
        raise ValueError("not a country or subdivision whose public holidays are known")
    bare = _bare(country, subdivision) if subdivision else None
    return frozenset().union(*(_holidays_of(country, bare, year) for year in years))


@cache
def _holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    days = holidays.country_holidays(
        country, subdiv=subdivision, years=year, categories=holidays.PUBLIC
    )
    return frozenset(days)


def closed_dates(closures: Iterable[Closure], first_date: date, last_date: date) -> frozenset[date]:
    """Return the dates from first to last (inclusive) that any of the closures covers."""
    closed: set[date] = set()
    for closure in closures:
        start = max(closure.first_date, first_date)
        count = (min(closure.last_date, last_date) - start).days + 1
        closed.update(start + timedelta(days=offset) for offset in range(count))
    return frozenset(closed)


def first_day_kept(today: date, months: int) -> date:
    """Return the first local day that retention keeps: ``months`` before today.

    The 31st becomes the last day of a shorter month.
    """
    return today - relativedelta(months=months)
