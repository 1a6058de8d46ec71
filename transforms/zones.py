"""Time zones: local dates and the instants at which they begin (R1).

Belongs here: the one source of time zones, the ``tzdata`` package. The operating system's copy
may be years old, and zoneinfo prefers it unless told otherwise.
Does not belong here: opening hours (``opening.py``), all-day dates (``rules.py``).
"""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

zoneinfo.reset_tzpath(())
# Zones that were made before this line came from the operating system's copy.
ZoneInfo.clear_cache()

_NAMES: Final = frozenset(zoneinfo.available_timezones()) - {"Factory"}


def is_zone(name: str) -> bool:
    """Tell whether the name is an IANA time zone of the ``tzdata`` package, exactly spelt."""
    return name in _NAMES


def zone_names() -> frozenset[str]:
    """Return every name that ``is_zone`` accepts, for suggestions in messages."""
    return _NAMES


@cache
def zone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ValueError: if there is no such zone; it is never taken as UTC.
    """
    if not is_zone(name):
        raise ValueError("not an IANA time zone")
    return ZoneInfo(name)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the date on the local clock at an aware instant."""
    return instant.astimezone(zone).date()


@cache
def day_start(on: date, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the local clock shows that date.

    That is local midnight; the earlier one where a clock change repeats it, and the instant of
    the change where it skips midnight. A date that a zone skipped altogether begins, and ends,
    at the instant of the change.
    """
    midnight = datetime.combine(on, time(), zone)
    starts_at = midnight.astimezone(UTC)
    if starts_at.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return starts_at
    return _first_instant(on, zone, midnight.replace(fold=1).astimezone(UTC), starts_at)


def _first_instant(on: date, zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the clock change between the two instants, to the second, by halving."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if local_date(middle, zone) < on:
            before = middle
        else:
            after = middle
    return after
