"""The charts of the dashboard: what each asks of which table, and how it is drawn.

Belongs here: one entry a chart; figures are the metrics of its dataset, each a sum over a sum (R9).
Does not belong here: Superset's file layout (``layout.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

_UTILIZATION: Final = "SUM(booked_minutes) * 1.0 / NULLIF(SUM(open_minutes), 0)"
METRICS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "utilization": {"utilization": _UTILIZATION, "booking_count": "SUM(bookings)"},
        "hour_of_week": {"utilization": _UTILIZATION},
        "room_days": {"utilization": _UTILIZATION, "booking_count": "SUM(bookings)"},
        "room_days_ahead": {"utilization": _UTILIZATION},
        "rooms_in_use": {
            "most_rooms_in_use": "MAX(peak_rooms_in_use)",
            "sold_out": "SUM(sold_out_minutes)",
        },
        "booking_mix": {"booking_count": "SUM(bookings)"},
        "size_fit": {"booking_count": "SUM(bookings)"},
        "build_info": {"rooms_read": "SUM(rooms_loaded)"},
    }
)
"""The metrics that each dataset has, by name; their SQL says how they are computed.

No metric has the name of a column: Superset would take one for the other.
"""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: ``by`` are its dimensions, the first one the x axis of a drawing that has one."""

    name: str
    table: str
    drawing: str
    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    width: int = 6
    height: int = 50
    options: Mapping[str, Any] = field(default_factory=dict)


_PERCENT: Final = {"y_axis_format": ".0%"}

CHARTS: Final = (
    Chart(
        "Booked utilization",
        "utilization",
        "big_number_total",
        ("utilization",),
        width=3,
        options=_PERCENT,
    ),
    Chart(
        "Data through",
        "build_info",
        "table",
        ("rooms_read",),
        ("data_through", "rooms_expected", "suppressed_cells"),
        width=9,
    ),
    Chart(
        "Utilization by building and day",
        "utilization",
        "echarts_timeseries_line",
        ("utilization",),
        ("local_date", "building"),
        options=_PERCENT,
    ),
    Chart(
        "The week, hour by hour",
        "hour_of_week",
        "heatmap_v2",
        ("utilization",),
        ("local_hour", "weekday"),
        options={"value_format": ".0%", "linear_color_scheme": "blue_white_yellow"},
    ),
    Chart(
        "Most rooms in use at once",
        "rooms_in_use",
        "echarts_timeseries_bar",
        ("most_rooms_in_use",),
        ("local_date", "building"),
    ),
    Chart(
        "Rooms, busiest first",
        "room_days",
        "table",
        ("utilization", "booking_count"),
        ("room_id",),
        options={"column_config": {"utilization": {"d3NumberFormat": ".0%"}}},
    ),
    Chart(
        "Booked ahead",
        "room_days_ahead",
        "echarts_timeseries_bar",
        ("utilization",),
        ("local_date",),
        options=_PERCENT,
    ),
    Chart(
        "How long before they are booked",
        "booking_mix",
        "pie",
        ("booking_count",),
        ("lead_time_band",),
    ),
    Chart(
        "Invited people against capacity",
        "size_fit",
        "pivot_table_v2",
        ("booking_count",),
        ("capacity_band", "headcount_band"),
        width=12,
    ),
)
