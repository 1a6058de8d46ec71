"""A region in a few figures: all its days for the terminal, and a closed month for the mail.

Each ratio is a sum over a sum (R9), and a month is compared with the one before only if both were
read alike (R24). Personal rooms are in no figure. The queries are in ``sql/month`` and
``sql/region``.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import duckdb
from dateutil.relativedelta import relativedelta

from transforms.contract import Region
from warehouse.connect import connect
from warehouse.engine import read_sql
from warehouse.storage import Location
from warehouse.targets import READ_ALIKE, is_whole, last_closed

_MOST_SHOWN: Final = 5


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
        first_read, through = connection.execute(read_sql("month/read")).fetchall()[0]
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
                for building, *figures in connection.execute(
                    read_sql("month/buildings"), span
                ).fetchall()
            }
            for span in (period, before)
        )
        same: dict[str | None, float] = {}
        # An earlier version published no rooms_as_of: then nothing is compared.
        with suppress(duckdb.CatalogException):
            both = period | {"before": before["first"]}
            same = dict(connection.execute(read_sql("month/same_rooms"), both).fetchall())
        sold_out = connection.execute(read_sql("month/sold_out"), period).fetchall()
        never_booked = connection.execute(
            read_sql("month/never_booked"), period | {"read_alike": READ_ALIKE}
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
        first_date, last_date, personal = connection.execute(read_sql("region/span")).fetchall()[0]
        buildings = tuple(
            BuildingUse(*row) for row in connection.execute(read_sql("region/buildings")).fetchall()
        )
        rooms = tuple(
            RoomUse(*row) for row in connection.execute(read_sql("region/rooms")).fetchall()
        )
    return Summary(first_date, last_date, personal, buildings, rooms)
