"""The expected figures of each chart of the dashboard, queried from the database without Superset.

Belongs here: one query per chart, written by hand; dimensions first, then figures.
Does not belong here: querying Superset (``proof.py``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FIGURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Booked utilization": (
            "SELECT sum(booked_minutes) / sum(open_minutes) FROM utilization "
            "WHERE room_type NOT IN ('desk', 'office', 'executive')"
        ),
        "Data through": (
            "SELECT data_through, rooms_expected, suppressed_cells, rooms_loaded FROM build_info"
        ),
        "Utilization by building and week": (
            "SELECT CAST(date_trunc('week', local_date) AS DATE), building, "
            "sum(booked_minutes) / nullif(sum(open_minutes), 0) FROM utilization "
            "WHERE room_type NOT IN ('desk', 'office', 'executive') GROUP BY ALL"
        ),
        "The week, hour by hour": (
            "SELECT local_hour, weekday || ' ' || CASE weekday WHEN 1 THEN 'Mon' WHEN 2 THEN 'Tue' "
            "WHEN 3 THEN 'Wed' WHEN 4 THEN 'Thu' WHEN 5 THEN 'Fri' WHEN 6 THEN 'Sat' "
            "WHEN 7 THEN 'Sun' END, sum(booked_minutes) / sum(open_minutes) "
            "FROM hour_of_week WHERE open_minutes > 0 GROUP BY ALL"
        ),
        "Too few? Days on which no room was free": (
            "SELECT building, capacity_band, count(*) FILTER (sold_out_minutes > 0), "
            "sum(sold_out_minutes) / 60, max(rooms_open), max(peak_rooms_in_use), "
            "min(min_free_rooms) FROM rooms_in_use GROUP BY ALL"
        ),
        "Rooms, busiest first": (
            "SELECT rooms.name, building, capacity, room_id, "
            "sum(booked_minutes) / nullif(sum(open_minutes), 0), "
            "count(*) FILTER (booked_minutes > 0) "
            "FROM room_days JOIN rooms USING (room_id) GROUP BY ALL"
        ),
        "Booked ahead, by week": (
            "SELECT CAST(date_trunc('week', local_date) AS DATE), "
            "sum(booked_minutes) / nullif(sum(open_minutes), 0) FROM room_days_ahead GROUP BY ALL"
        ),
        "How long before single bookings are made": (
            "SELECT band, sum(bookings) FROM booking_profile WHERE level = 'building' "
            "AND month IS NULL AND measure = 'lead_time' AND band IS NOT NULL GROUP BY ALL"
        ),
        "Too big? Bookings by room size and people invited": (
            "SELECT capacity_band, band, sum(bookings) FROM booking_profile "
            "WHERE level = 'building_size' AND month IS NULL AND measure = 'headcount' GROUP BY ALL"
        ),
        "Cancelled, by building": (
            "SELECT site, building, sum(changes), "
            "sum(changes) / (sum(changes) + any_value(bookings_kept)), "
            "sum(minutes_given_back) / 60, sum(minutes_booked_again) / 60 FROM change_profile "
            "WHERE level = 'building' AND month IS NULL AND change = 'cancelled' GROUP BY ALL"
        ),
        "How long before they are cancelled": (
            "SELECT notice_band, sum(changes) FROM change_profile "
            "WHERE level = 'building' AND month IS NULL AND change = 'cancelled' GROUP BY ALL"
        ),
    }
)
