"""A region in a few figures: all its days for the terminal, and a closed month for the mail.

Belongs here: the queries. Each ratio is a sum over a sum (R9), and a month is compared with the one
before only if both were read alike (R24). Personal rooms are in no figure.
Does not belong here: the text of the mail (``pipelines``), dashboards' queries (``sql/examples``).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import duckdb
from dateutil.relativedelta import relativedelta

from transforms.contract import Region
from warehouse.connect import connect
from warehouse.storage import Location
from warehouse.targets import READ_ALIKE, is_whole, last_closed

_MOST_SHOWN: Final = 5

# A null building stands for all of them: a room that moved in the month is one room there.
_BUILDINGS: Final = """
WITH cells AS (
    SELECT coalesce(building, 'no building') AS building, local_date, rooms, rooms_loaded,
           open_minutes, booked_minutes
    FROM utilization
    WHERE local_date BETWEEN $first AND $last
      AND room_type NOT IN ('desk', 'office', 'executive')
),
days AS (
    SELECT building, sum(rooms) AS rooms, sum(rooms_loaded) AS rooms_loaded,
           sum(open_minutes) AS open_minutes, sum(booked_minutes) AS booked_minutes
    FROM cells
    GROUP BY GROUPING SETS ((building, local_date), (local_date))
)
SELECT building, max(rooms), sum(rooms), sum(rooms_loaded), coalesce(sum(open_minutes), 0),
       coalesce(sum(booked_minutes), 0)
FROM days GROUP BY building ORDER BY building
"""
# How far both months had the same rooms. A room's share of a month is its open days over those of
# the room of its building with the most; a building that opened late is measured by the others (at
# 0.9: its holidays may differ). It counts in the building where it was on the day (R18). A null
# building stands for all of them: there a room may have moved.
_SAME_ROOMS: Final = """
WITH days AS (
    SELECT coalesce(v.building, 'no building') AS building, d.room_id,
           count(*) FILTER (d.local_date < $first) AS before,
           count(*) FILTER (d.local_date >= $first) AS now
    FROM room_days AS d
    JOIN rooms_as_of AS v ON v.room_id = d.room_id
        AND d.local_date >= v.valid_from AND d.local_date < v.valid_to
    WHERE d.local_date BETWEEN $before AND $last AND d.open_minutes > 0
    GROUP BY ALL
),
shares AS (
    SELECT building, room_id,
           before / greatest(max(before) OVER own, 0.9 * max(before) OVER (), 1) AS before,
           now / greatest(max(now) OVER own, 0.9 * max(now) OVER (), 1) AS now
    FROM days
    WINDOW own AS (PARTITION BY building)
),
rooms_open AS (
    SELECT building, room_id, sum(before) AS before, sum(now) AS now
    FROM shares
    GROUP BY GROUPING SETS ((building, room_id), (room_id))
)
SELECT building, sum(least(before, now)) / sum(greatest(before, now)) FROM rooms_open GROUP BY ALL
"""
_SOLD_OUT: Final = """
SELECT coalesce(building, 'no building'), capacity_band,
       count(DISTINCT local_date) FILTER (sold_out_minutes > 0) AS days
FROM rooms_in_use
WHERE local_date BETWEEN $first AND $last AND capacity_band IS NOT NULL
GROUP BY ALL HAVING days > 0
ORDER BY days DESC, 1, 2
"""
# Only of rooms that were read on nearly all days: a failed reading is not empty (R13).
_NEVER_BOOKED: Final = """
SELECT coalesce(r.name, r.room_id)
FROM coverage AS c
JOIN rooms AS r ON r.room_id = c.room_id
LEFT JOIN room_days AS d ON d.room_id = c.room_id AND d.local_date = c.local_date
WHERE c.local_date BETWEEN $first AND $last
GROUP BY r.room_id, r.name
HAVING sum(d.open_minutes) > 0 AND sum(d.booked_minutes + d.booked_minutes_outside_hours) = 0
   AND count(CASE WHEN c.is_loaded OR d.room_id IS NOT NULL THEN 1 END) >= $read_alike * count(*)
ORDER BY 1
"""
_READ: Final = """
SELECT min(local_date) FILTER (is_loaded), (SELECT data_through FROM build_info)
FROM coverage
"""
# A room counts in the building where it was on the day, as in the tables (R18).
_ALL_BUILDINGS: Final = """
SELECT coalesce(v.building, '(no building)') AS building,
       count(DISTINCT d.room_id) FILTER (d.open_minutes > 0) AS rooms,
       sum(d.open_minutes) / 60.0 AS open_hours, sum(d.booked_minutes) / 60.0 AS booked_hours,
       sum(d.booked_minutes) / nullif(sum(d.open_minutes), 0) AS booked_utilization,
       sum(d.bookings) AS bookings
FROM room_days AS d
JOIN rooms_as_of AS v ON v.room_id = d.room_id
    AND d.local_date >= v.valid_from AND d.local_date < v.valid_to
GROUP BY coalesce(v.building, '(no building)')
ORDER BY building
"""

_ALL_ROOMS: Final = """
SELECT coalesce(r.name, r.room_id) AS name,
       sum(d.booked_minutes) / nullif(sum(d.open_minutes), 0) AS booked_utilization
FROM room_days AS d JOIN rooms AS r ON r.room_id = d.room_id
GROUP BY r.room_id, r.name
HAVING sum(d.open_minutes) > 0
ORDER BY booked_utilization DESC, r.room_id
"""

_SPAN: Final = """
SELECT min(local_date), max(local_date),
       (SELECT count(*) FROM rooms WHERE room_type IN ('desk', 'office', 'executive'))
FROM room_days
"""


@dataclass(frozen=True, slots=True)
class Use:
    """Use of one building or of all: ``rooms`` on the day with the most; minutes are sums."""

    rooms: int = 0
    room_days: int = 0
    room_days_loaded: int = 0
    open_minutes: int = 0
    booked_minutes: int = 0

    @property
    def booked_hours(self) -> int:
        """Booked open time, in whole hours; halves are rounded up, as on the page."""
        return (self.booked_minutes + 30) // 60

    @property
    def utilization(self) -> float | None:
        """Booked over open time; None if there is no open time."""
        return self.booked_minutes / self.open_minutes if self.open_minutes else None

    @property
    def is_read(self) -> bool:
        """Whether the rooms were read on nearly all of their days."""
        return self.room_days_loaded >= READ_ALIKE * self.room_days > 0


@dataclass(frozen=True, slots=True)
class BuildingMonth:
    """A building in a month, and in the month before if both have the same rooms (R24)."""

    building: str
    now: Use
    before: Use | None


@dataclass(frozen=True, slots=True)
class Month:
    """A closed month; ``sold_out`` has building, size and number of days, most days first.

    ``is_whole`` is false if days of the month were never read, or are no longer kept.
    """

    region: Region
    first_date: date
    last_date: date
    is_whole: bool
    total: BuildingMonth
    buildings: tuple[BuildingMonth, ...]
    sold_out: tuple[tuple[str, str, int], ...]
    never_booked: tuple[str, ...]

    @property
    def is_compared(self) -> bool:
        """Whether every figure stands beside that of the month before."""
        return all(each.before for each in (self.total, *self.buildings))


def read_month(region: Region, warehouse: Location, first: date | None = None) -> Month | None:
    """Read the month that begins on ``first`` (default: the last closed one).

    Returns None if that month is not over yet, or no day of it was read.

    Raises:
        VersionError: nothing was published yet.
    """
    with connect(region, warehouse=warehouse) as connection:
        first_read, through = connection.execute(_READ).fetchall()[0]
        if through is None or first_read is None:
            return None
        start = first or last_closed(through, 1)[0]
        end = start + relativedelta(months=1) - timedelta(days=1)
        if end > through or end < first_read:
            return None
        period = {"first": start, "last": end}
        before = {"first": start - relativedelta(months=1), "last": start - timedelta(days=1)}
        uses: dict[str | None, Use]
        uses_before: dict[str | None, Use]
        uses, uses_before = (
            {
                building: Use(*map(int, figures))
                for building, *figures in connection.execute(_BUILDINGS, span).fetchall()
            }
            for span in (period, before)
        )
        same: dict[str | None, float] = {}
        # An earlier version published no rooms_as_of: then nothing is compared.
        with suppress(duckdb.CatalogException):
            both = period | {"before": before["first"]}
            same = dict(connection.execute(_SAME_ROOMS, both).fetchall())
        sold_out = connection.execute(_SOLD_OUT, period).fetchall()
        never_booked = connection.execute(
            _NEVER_BOOKED, period | {"read_alike": READ_ALIKE}
        ).fetchall()
        is_month_whole = is_whole(connection, start, end)
        if not (is_month_whole and is_whole(connection, before["first"], before["last"])):
            uses_before = {}
    return Month(
        region=region,
        first_date=start,
        last_date=end,
        is_whole=is_month_whole,
        total=_compared(
            "all buildings", uses.get(None, Use()), uses_before.get(None), same.get(None)
        ),
        buildings=tuple(
            _compared(name, use, uses_before.get(name), same.get(name))
            for name, use in uses.items()
            if name is not None
        ),
        sold_out=tuple(sold_out[:_MOST_SHOWN]),
        never_booked=tuple(name for (name,) in never_booked),
    )


def _compared(building: str, now: Use, before: Use | None, same: float | None) -> BuildingMonth:
    """Pair both months, if at least 95 % of the rooms are the ``same`` share of both, and read."""
    is_alike = (same or 0) >= READ_ALIKE and before is not None and before.is_read and now.is_read
    return BuildingMonth(building, now, before if is_alike else None)


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

    name: str
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
        buildings = tuple(
            BuildingUse(*row) for row in connection.execute(_ALL_BUILDINGS).fetchall()
        )
        rooms = tuple(RoomUse(*row) for row in connection.execute(_ALL_ROOMS).fetchall())
    return Summary(first_date, last_date, personal, buildings, rooms)
