"""The charts of the dashboard: what each asks of which table, and how it is drawn.

Belongs here: one entry a chart; figures are the metrics of its dataset, each a sum over a sum (R9).
Does not belong here: Superset's file layout (``__main__.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

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
    """One chart: ``by`` are its dimensions, the first one the x axis if the drawing has one.

    ``where`` are conditions on columns; with ``is_weekly`` the x axis is a date, by week.
    """

    name: str
    table: str
    drawing: str
    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    width: int = 6
    height: int = 46
    where: tuple[tuple[str, str, str | int | None], ...] = ()
    is_weekly: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


_PERCENT: Final = {"y_axis_format": ".0%", "x_axis_time_format": "%d %b %Y"}
_AS_PERCENT: Final = {"utilization": {"d3NumberFormat": ".0%"}}

_CANCELLED: Final = (("change", "==", "cancelled"),)

CHARTS: Final = (
    Chart(
        "Booked utilization",
        "utilization",
        "big_number_total",
        ("utilization",),
        width=3,
        height=20,
        options={"y_axis_format": ".0%"},
    ),
    Chart(
        "Data through",
        "build_info",
        "table",
        ("rooms_read",),
        ("data_through", "rooms_expected", "suppressed_cells"),
        width=9,
        height=20,
        options={"table_timestamp_format": "%d %b %Y", "show_cell_bars": False},
    ),
    Chart(
        "Utilization by building and week",
        "utilization",
        "echarts_timeseries_line",
        ("utilization",),
        ("local_date", "building"),
        is_weekly=True,
        options={**_PERCENT, "markerEnabled": True},
    ),
    Chart(
        "The week, hour by hour",
        "hour_of_week",
        "heatmap_v2",
        ("utilization",),
        ("local_hour", "day"),
        where=(("open_minutes", ">", 0),),
        options={
            "value_format": ".0%",
            "y_axis_format": ".0%",
            "linear_color_scheme": "schemeBlues",
            "show_values": True,
        },
    ),
    Chart(
        "Too few? Days on which no room was free",
        "rooms_in_use",
        "table",
        (
            "days_sold_out",
            "hours_sold_out",
            "most_rooms_open",
            "most_rooms_in_use",
            "fewest_rooms_free",
        ),
        ("building", "capacity_band"),
        width=12,
        height=36,
        options={"column_config": {"hours_sold_out": {"d3NumberFormat": ".0f"}}},
    ),
    Chart(
        "Rooms, busiest first",
        "room_days",
        "table",
        ("utilization", "days_used"),
        ("name", "building", "capacity", "room_id"),
        width=12,
        height=36,
        options={"column_config": _AS_PERCENT},
    ),
    Chart(
        "Booked ahead, by week",
        "room_days_ahead",
        "echarts_timeseries_bar",
        ("utilization",),
        ("local_date",),
        is_weekly=True,
        options={**_PERCENT, "show_legend": False},
    ),
    Chart(
        "How long before single bookings are made",
        "profile_of_buildings",
        "pie",
        ("booking_count",),
        ("band",),
        where=(("measure", "==", "lead_time"), ("band", "IS NOT NULL", None)),
        options={"label_type": "key_percent", "show_legend": False, "donut": True},
    ),
    Chart(
        "Too big? Bookings by room size and people invited",
        "profile_of_sizes",
        "pivot_table_v2",
        ("booking_count",),
        ("capacity_band", "band"),
        where=(("measure", "==", "headcount"),),
        width=12,
        height=52,
    ),
    Chart(
        "Cancelled, by building",
        "changes_of_buildings",
        "table",
        ("change_count", "rate", "hours_given_back", "hours_booked_again"),
        ("site", "building"),
        where=_CANCELLED,
        options={
            "column_config": {
                "rate": {"d3NumberFormat": ".0%"},
                "hours_given_back": {"d3NumberFormat": ".0f"},
                "hours_booked_again": {"d3NumberFormat": ".0f"},
            }
        },
    ),
    Chart(
        "How long before they are cancelled",
        "changes_of_buildings",
        "pie",
        ("change_count",),
        ("notice_band",),
        where=_CANCELLED,
        options={"label_type": "key_percent", "show_legend": False, "donut": True},
    ),
)
