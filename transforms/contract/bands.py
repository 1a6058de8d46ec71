"""The bands that measures are counted in: labels and limits, each declared here and nowhere else.

SQL, the page and the tests take them from here. A band reaches from above the one before it up to
and including ``at_most``; the last one has no end.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from transforms.contract.words import KINDS


class Band(NamedTuple):
    """One band: the label that a table holds, and the most that belongs to it."""

    label: str
    at_most: int | None = None


CAPACITY_BANDS: Final = (
    Band("1", 1),
    Band("2-4", 4),
    Band("5-8", 8),
    Band("9-14", 14),
    Band("15-30", 30),
    Band("31+"),
)
"""Seats of a room; null where unknown."""

HEADCOUNT_BANDS: Final = (
    Band("1", 1),
    Band("2", 2),
    Band("3-4", 4),
    Band("5-6", 6),
    Band("7-10", 10),
    Band("11-20", 20),
    Band("21+"),
)
"""People invited (R11); null where unknown."""

DURATION_BANDS: Final = (
    Band("0-15", 15),
    Band("16-30", 30),
    Band("31-60", 60),
    Band("61-120", 120),
    Band("121-240", 240),
    Band("241+"),
)
"""Whole minutes of a booking, but for all-day ones, which are a band of their own."""

ALL_DAY: Final = "all-day"

LEAD_TIME_BANDS: Final = (
    Band("0-15m", 15),
    Band("15m-2h", 2 * 60),
    Band("2h-1d", 24 * 60),
    Band("1d-7d", 7 * 24 * 60),
    Band("7d-30d", 30 * 24 * 60),
    Band("30d+"),
)
"""Minutes from the creation of a single booking to its start; null for series and unknown."""


def band_of(bands: Sequence[Band], value: int | None) -> str | None:
    """Return the label of a value above zero; any other is unknown."""
    if value is None or value <= 0:
        return None
    return next(band.label for band in bands if band.at_most is None or value <= band.at_most)


FEW: Final = "few"
"""The band of ``booking_profile`` that small bands are merged into (R17)."""

MEASURES: Final[Mapping[str, tuple[str | None, ...]]] = MappingProxyType(
    {
        "duration": (*(band.label for band in DURATION_BANDS), ALL_DAY),
        "lead_time": (*(band.label for band in LEAD_TIME_BANDS), None),
        "kind": KINDS,
        "headcount": (*(band.label for band in HEADCOUNT_BANDS), None),
        "external": ("external", "internal", None),
    }
)
"""The bands of each measure of ``booking_profile``; None is unknown, or not of that measure."""
