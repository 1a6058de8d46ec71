"""The room and the two days that the worked examples use."""

from datetime import date, timedelta

from tests.marts.scenario import Room

MONDAY = date(2026, 9, 7)
TUESDAY = MONDAY + timedelta(days=1)
ROOM = Room("oak")
DAY = "open_minutes, booked_minutes, booked_minutes_outside_hours, held_minutes, overlap_minutes"
