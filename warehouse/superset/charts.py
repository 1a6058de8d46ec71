"""What the dashboard shows: its datasets with their metrics, and the charts of ``charts.yaml``.

Belongs here: figures are metrics of a dataset, each a sum over a sum (R9).
Does not belong here: Superset's file layout (``__main__.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

_UTILIZATION: Final = "SUM(booked_minutes) * 1.0 / NULLIF(SUM(open_minutes), 0)"
METRICS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "utilization": {"utilization": _UTILIZATION},
        "hour_of_week": {"utilization": _UTILIZATION},
        "room_days": {
            "utilization": _UTILIZATION,
            "days_used": "COUNT(CASE WHEN booked_minutes > 0 THEN 1 END)",
        },
        "room_days_ahead": {"utilization": _UTILIZATION},
        "rooms_in_use": {
            "days_sold_out": "COUNT(CASE WHEN sold_out_minutes > 0 THEN 1 END)",
            "hours_sold_out": "SUM(sold_out_minutes) / 60.0",
            "most_rooms_open": "MAX(rooms_open)",
            "most_rooms_in_use": "MAX(peak_rooms_in_use)",
            "fewest_rooms_free": "MIN(min_free_rooms)",
        },
        "profile_of_buildings": {"booking_count": "SUM(bookings)"},
        "profile_of_sizes": {"booking_count": "SUM(bookings)"},
        "changes_of_buildings": {
            "change_count": "SUM(changes)",
            "rate": "SUM(changes) * 1.0 / NULLIF(SUM(changes) + MAX(bookings_kept), 0)",
            "hours_given_back": "SUM(minutes_given_back) / 60.0",
            "hours_booked_again": "SUM(minutes_booked_again) / 60.0",
        },
        "build_info": {"rooms_read": "SUM(rooms_loaded)"},
    }
)
"""The metrics of each dataset, by name; their SQL says how they are computed.

No metric has the name of a column: Superset would confuse the two.
"""

PROFILES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "profile_of_buildings": ("booking_profile", "building"),
        "profile_of_sizes": ("booking_profile", "building_size"),
        "changes_of_buildings": ("change_profile", "building"),
    }
)
"""Datasets that are one level of a profile, over all closed months together.

The table has each booking at every level, and by month too, so a sum over it would count it again.
"""

WITH_ROOMS: Final = ("room_days", "room_days_ahead")
"""Datasets that are joined with ``rooms``, so that names appear and filters work."""

ROOM_COLUMNS: Final = ("name", "site", "building", "capacity", "capacity_band")

CALCULATED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "hour_of_week": {
            "day": "weekday || ' ' || "
            "list_extract(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'], weekday)"
        }
    }
)
"""Columns that a dataset has for its charts besides those of its table."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; ``charts.yaml`` says what its fields mean."""

    name: str
    table: str
    drawing: str
    metrics: list[str]
    by: list[str] = field(default_factory=list)
    width: int = 6
    height: int = 46
    where: list[tuple[str, str, str | int | None]] = field(default_factory=list)
    is_weekly: bool = False
    options: dict[str, Any] = field(default_factory=dict)


_YAML: Final = files("warehouse.superset").joinpath("charts.yaml").read_text(encoding="utf-8")
CHARTS: Final = tuple(Chart(**each) for each in yaml.safe_load(_YAML))
