"""Bands, weeks, ratios and whole durations, as the dictionary defines them.

Belongs here: functions that return one label or number of a booking or room.
Does not belong here: which bookings count (``oracle_minutes.py``).
"""

from datetime import date, timedelta
from fractions import Fraction

from tests.marts.oracle_minutes import ceil_minute, floor_minute
from tests.marts.scenario import Booking


def ratio(numerator: int, denominator: int) -> float | None:
    return float(Fraction(numerator, denominator)) if denominator else None


def whole_minutes(booking: Booking) -> int:
    return ceil_minute(booking.ends_at) - floor_minute(booking.starts_at)


def iso_week(day: date) -> str:
    return day.strftime("%G-W%V")


def _label(value: int, limits: list[tuple[int, str]], beyond: str) -> str:
    return next((label for limit, label in limits if value <= limit), beyond)


def capacity_band(capacity: int | None) -> str | None:
    if capacity is None or capacity < 1:
        return None
    limits = [(1, "1"), (4, "2-4"), (8, "5-8"), (14, "9-14"), (30, "15-30")]
    return _label(capacity, limits, "31+")


def headcount_band(headcount: int | None) -> str | None:
    if headcount is None or headcount < 1:
        return None
    limits = [(1, "1"), (2, "2"), (4, "3-4"), (6, "5-6"), (10, "7-10"), (20, "11-20")]
    return _label(headcount, limits, "21+")


def duration_band(booking: Booking) -> str:
    if booking.is_all_day:
        return "all-day"
    limits = [(15, "0-15"), (30, "16-30"), (60, "31-60"), (120, "61-120"), (240, "121-240")]
    return _label(whole_minutes(booking), limits, "241+")


def lead_time_band(booking: Booking) -> str | None:
    if booking.kind != "single" or booking.created_at is None:
        return None
    lead = max(timedelta(0), booking.starts_at - booking.created_at)
    for limit, label in (
        (timedelta(minutes=15), "0-15m"),
        (timedelta(hours=2), "15m-2h"),
        (timedelta(days=1), "2h-1d"),
        (timedelta(days=7), "1d-7d"),
        (timedelta(days=30), "7d-30d"),
    ):
        if lead <= limit:
            return label
    return "30d+"
