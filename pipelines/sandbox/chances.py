"""How likely things are in an invented calendar.

Belongs here: tables of chances, and drawing from them.
Does not belong here: what is done with what was drawn (``schedule.py``).
"""

from bisect import bisect
from datetime import date, timedelta
from random import Random
from typing import Final

LENGTHS: Final = (1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 6, 6, 8, 12, 16)
"""Lengths of single meetings in quarters of an hour, as often as they are."""

_BY_WEEKDAY = (1.0, 1.1, 1.15, 1.05, 0.75, 0.04, 0.02)

# Share in per mille; LegacyFreeBusyStatus, MyResponseType, IsCancelled, Sensitivity.
_TEMPERS: Final = (
    (600, ("Busy", "Accept", False, "Normal")),
    (220, ("Busy", "Unknown", False, "Normal")),
    (10, ("Busy", "Organizer", False, "Normal")),
    (10, ("Busy", "NoResponseReceived", False, "Normal")),
    (30, ("Tentative", "Tentative", False, "Normal")),
    (10, ("Tentative", "NoResponseReceived", False, "Normal")),
    (10, ("Busy", "Tentative", False, "Normal")),
    (15, ("Free", "Decline", False, "Normal")),
    (5, ("Busy", "Decline", False, "Normal")),
    (10, ("Free", "Accept", False, "Normal")),
    (5, ("OOF", "Accept", False, "Normal")),
    (3, ("WorkingElsewhere", "Accept", False, "Normal")),
    (2, ("NoData", "Unknown", False, "Normal")),
    (25, ("Free", "Accept", True, "Normal")),
    (5, ("Busy", "Accept", True, "Normal")),
    (25, ("Busy", "Accept", False, "Private")),
    (7, ("Busy", "Unknown", False, "Confidential")),
    (8, ("Busy", "Accept", False, "Personal")),
)
_BY_CHANCE = [each for share, each in _TEMPERS for _ in range(share)]

# Chance below which; least and most minutes between creation and start.
_LEADS: Final = (
    (0.12, 0, 15),
    (0.28, 15, 120),
    (0.50, 120, 1440),
    (0.76, 1440, 7 * 1440),
    (0.93, 7 * 1440, 30 * 1440),
    (0.99, 30 * 1440, 100 * 1440),
    (1.00, 100 * 1440, 180 * 1440),
)
_LEAD_LIMITS = [limit for limit, _, _ in _LEADS]


def level_of(day: date) -> float:
    """Return how busy a date is, against a usual working day."""
    if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
        return _BY_WEEKDAY[day.weekday()] * 0.1
    return _BY_WEEKDAY[day.weekday()] * (0.6 if day.month == 7 else 1.0)


def temper(chance: float) -> tuple[str, str, bool, str]:
    """Return free/busy, response, whether it is cancelled, and sensitivity for a chance below 1."""
    return _BY_CHANCE[int(chance * len(_BY_CHANCE))]


def lead_time(random: Random) -> timedelta:
    """Draw how long before its start a meeting was created, to the second."""
    _, least, most = _LEADS[bisect(_LEAD_LIMITS, random.random())]
    return timedelta(seconds=int((least + random.random() * (most - least)) * 60))
