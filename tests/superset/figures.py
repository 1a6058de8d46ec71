"""What each chart of the dashboard should show, asked of the database without Superset.

Belongs here: one query a chart, written by hand; dimensions first, then figures.
Does not belong here: how Superset is asked (``proof.py``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FIGURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Booked utilization": "SELECT sum(booked_minutes) / sum(open_minutes) FROM utilization",
        "Data through": (
            "SELECT data_through, rooms_expected, suppressed_cells, rooms_loaded FROM build_info"
        ),
        "Utilization by building and day": (
            "SELECT local_date, building, sum(booked_minutes) / nullif(sum(open_minutes), 0) "
            "FROM utilization GROUP BY ALL"
        ),
        "The week, hour by hour": (
            "SELECT local_hour, weekday, sum(booked_minutes) / nullif(sum(open_minutes), 0) "
            "FROM hour_of_week GROUP BY ALL"
        ),
        "Most rooms in use at once": (
            "SELECT local_date, building, max(peak_rooms_in_use) FROM rooms_in_use GROUP BY ALL"
        ),
        "Rooms, busiest first": (
            "SELECT room_id, sum(booked_minutes) / nullif(sum(open_minutes), 0), sum(bookings) "
            "FROM room_days GROUP BY ALL"
        ),
        "Booked ahead": (
            "SELECT local_date, sum(booked_minutes) / nullif(sum(open_minutes), 0) "
            "FROM room_days_ahead GROUP BY ALL"
        ),
        "How long before they are booked": (
            "SELECT lead_time_band, sum(bookings) FROM booking_mix GROUP BY ALL"
        ),
        "Invited people against capacity": (
            "SELECT capacity_band, headcount_band, sum(bookings) FROM size_fit GROUP BY ALL"
        ),
    }
)
