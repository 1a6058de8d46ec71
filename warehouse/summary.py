"""The few figures that a person wants first, read from a published database.

Belongs here: small questions that the command line shows; each ratio a sum over a sum (R9).
Does not belong here: anything that a dashboard asks (``sql/examples``).
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from transforms.contract import Region
from warehouse.connect import connect
from warehouse.storage import Location

_BUILDINGS: Final = """
SELECT coalesce(building, '(no building)') AS building, count(DISTINCT r.room_id) AS rooms,
       sum(d.open_minutes) / 60.0 AS open_hours, sum(d.booked_minutes) / 60.0 AS booked_hours,
       sum(d.booked_minutes) / nullif(sum(d.open_minutes), 0) AS booked_utilization,
       sum(d.bookings) AS bookings
FROM room_days AS d JOIN rooms AS r ON r.room_id = d.room_id
GROUP BY coalesce(building, '(no building)')
ORDER BY building
"""

_ROOMS: Final = """
SELECT r.room_id, coalesce(r.name, r.room_id) AS name, coalesce(r.building, '') AS building,
       r.capacity, sum(d.booked_minutes) / nullif(sum(d.open_minutes), 0) AS booked_utilization
FROM room_days AS d JOIN rooms AS r ON r.room_id = d.room_id
GROUP BY r.room_id, coalesce(r.name, r.room_id), coalesce(r.building, ''), r.capacity
HAVING sum(d.open_minutes) > 0
ORDER BY booked_utilization DESC, r.room_id
"""

_SPAN: Final = """
SELECT min(local_date), max(local_date),
       (SELECT count(*) FROM rooms WHERE room_type IN ('desk', 'office', 'executive'))
FROM room_days
"""


@dataclass(frozen=True, slots=True)
class BuildingUse:
    """One building over the whole span; hours, and a ratio that is None without open time."""

    building: str
    rooms: int
    open_hours: float
    booked_hours: float
    booked_utilization: float | None
    bookings: int


@dataclass(frozen=True, slots=True)
class RoomUse:
    """One room over the whole span."""

    room_id: str
    name: str
    building: str
    capacity: int | None
    booked_utilization: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A region's buildings by name and rooms by utilization, busiest first."""

    first_date: date | None
    last_date: date | None
    personal_rooms: int
    buildings: tuple[BuildingUse, ...]
    rooms: tuple[RoomUse, ...]


def summarize(region: Region, warehouse: Location) -> Summary:
    """Read the summary of a region's published database (personal rooms are not in it)."""
    with connect(region, warehouse=warehouse, bookings=True) as connection:
        first_date, last_date, personal = connection.execute(_SPAN).fetchall()[0]
        buildings = tuple(BuildingUse(*row) for row in connection.execute(_BUILDINGS).fetchall())
        rooms = tuple(RoomUse(*row) for row in connection.execute(_ROOMS).fetchall())
    return Summary(first_date, last_date, personal, buildings, rooms)
