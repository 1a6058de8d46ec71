"""What the attacker knows: the statistics of one night, a colleague's bookings, the bands.

Belongs here: reading a statistics file (DuckDB, or the folder of its Parquet files).
Does not belong here: drawing conclusions from it (``attacker.py``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb

from transforms.contract import CAPACITY_BANDS, PERSONAL_ROOM_TYPES, band_of

Band: TypeAlias = str | None
Leaf: TypeAlias = tuple[str | None, str | None, str | None]
"""Site, building and capacity band: the smallest group whose total is known."""

FEW: Final = "few"
_TABLES: Final = (
    *("booking_profile", "utilization", "room_days", "rooms", "build_info"),
    *("what_if_rooms", "what_if_plan", "busy_ahead"),
)
LEVELS: Final = ("region", "site", "building", "building_size")
BANDS: Final[Mapping[str, tuple[Band, ...]]] = {
    "duration": ("0-15", "16-30", "31-60", "61-120", "121-240", "241+", "all-day"),
    "lead_time": ("0-15m", "15m-2h", "2h-1d", "1d-7d", "7d-30d", "30d+", None),
    "kind": ("single", "occurrence", "exception"),
    "headcount": ("1", "2", "3-4", "5-6", "7-10", "11-20", "21+", None),
    "external": ("external", "internal", None),
    **dict.fromkeys(
        ("new", "cancelled", "moved", "resized"),
        ("0-15m", "15m-2h", "2h-1d", "1d-7d", "7d-30d", "30d+"),
    ),
}
LENGTHS: Final[Mapping[Band, tuple[int, int]]] = {
    "0-15": (1, 15),
    "16-30": (16, 30),
    "31-60": (31, 60),
    "61-120": (61, 120),
    "121-240": (121, 240),
    "241+": (241, 10**6),
    "all-day": (23 * 60, 10**6),
}
LEADS: Final[Mapping[Band, tuple[int, int]]] = {
    "0-15m": (0, 0),
    "15m-2h": (0, 0),
    "2h-1d": (0, 1),
    "1d-7d": (1, 7),
    "7d-30d": (7, 30),
    "30d+": (30, 10**6),
}
"""The fewest and the most days ahead, rounded outwards to whole days."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of booking_profile; ``month`` is like 2026-10, or None for all closed months."""

    level: str
    site: str | None
    building: str | None
    capacity_band: str | None
    month: str | None

    @property
    def place(self) -> tuple[str | None, ...]:
        return place_of((self.site, self.building, self.capacity_band), self.level)


def place_of(leaf: Leaf, level: str) -> tuple[str | None, ...]:
    return leaf[: LEVELS.index(level)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A published number: the bookings in a band of a cell, and their minutes if published."""

    cell: Cell
    measure: str
    band: Band
    bookings: int
    minutes: int | None
    cell_bookings: int


@dataclass(frozen=True, slots=True)
class Use:
    """A group's day in the time measures: booked minutes, and the least number of bookings.

    ``bookings`` is the exact number, if a table has it.
    """

    minutes: int
    at_least: int
    bookings: int | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A group on some days, in the tables of the page's what-if.

    ``stretches`` is the least number of uninterrupted booked stretches in its rooms: one for each
    room of the plan that has any. ``minutes`` is their total length.
    """

    days: frozenset[date]
    stretches: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Night:
    """The statistics that one night published.

    ``booked`` has the booked minutes of each building's day, past (room_days) or ahead
    (busy_ahead).
    """

    built_on: date
    shown: tuple[Shown, ...]
    use: Mapping[tuple[Leaf, date], Use]
    plans: Mapping[Leaf, Planned] = field(default_factory=dict)
    booked: Mapping[tuple[str | None, date], int] = field(default_factory=dict)

    def closed_days(self, trailing_days: int) -> frozenset[date]:
        """Return the days of months that ended more than ``trailing_days`` ago."""
        limit = self.built_on - timedelta(days=trailing_days)
        return frozenset(day for _, day in self.use if _last_of_month(day) < limit)


@dataclass(frozen=True, slots=True)
class Own:
    """A booking by the attacker's colleague: its group, its day and its bands."""

    leaf: Leaf
    day: date
    bands: Mapping[str, Band]


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def read_night(path: Path) -> Night:
    """Read a statistics database, or the folder of its Parquet files."""
    connection = duckdb.connect() if path.is_dir() else duckdb.connect(str(path), read_only=True)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        if path.is_dir():
            for table in _TABLES:
                files = f"{path}/{table}*.parquet".replace("'", "''")
                source = f"read_parquet('{files}', hive_partitioning = false)"
                connection.execute(f"CREATE VIEW {table} AS FROM {source}")
        return _night(connection)
    finally:
        connection.close()


def read_changes(path: Path) -> Night:
    """Read the changes in a statistics database: each kind is a measure, with notice as bands.

    No total is published: that of a cell is the sum of its rows.
    """
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        (built_on,) = _one(connection, "SELECT CAST(built_at AS DATE) FROM build_info")
        rows = connection.execute(
            "SELECT level, site, building, NULL, left(CAST(month AS VARCHAR), 7), "
            "change, notice_band, changes, NULL, CAST(sum(changes) OVER ("
            "PARTITION BY level, site, building, month, change) AS BIGINT) FROM change_profile"
        ).fetchall()
        days = connection.execute(
            "SELECT DISTINCT site, building, local_date FROM room_days JOIN rooms USING (room_id)"
        ).fetchall()
    return Night(
        built_on,
        tuple(Shown(Cell(*row[:5]), *row[5:]) for row in rows),
        {((site, building, None), day): Use(0, 0) for site, building, day in days},
    )


def _night(connection: duckdb.DuckDBPyConnection) -> Night:
    (built_on,) = _one(connection, "SELECT CAST(built_at AS DATE) FROM build_info")
    profile = connection.execute(
        "SELECT level, site, building, capacity_band, left(CAST(month AS VARCHAR), 7), "
        "measure, band, bookings, booked_minutes, cell_bookings FROM booking_profile"
    ).fetchall()
    return Night(
        built_on,
        tuple(Shown(Cell(*row[:5]), *row[5:]) for row in profile),
        {(row[:3], row[3]): Use(*row[4:]) for row in connection.execute(_USE).fetchall()}
        | {(row[:3], row[3]): Use(*row[4:]) for row in _told_uses(connection)},
        _plans(connection),
        {
            (building, day): minutes
            for building, day, minutes in connection.execute(_BOOKED).fetchall()
        },
    )


_USE: Final = """
SELECT site, building, capacity_band, local_date,
       CAST(sum(booked_minutes + booked_minutes_outside_hours) AS BIGINT),
       CAST(sum(CASE WHEN overlap_minutes > 0 OR fragmented_minutes > 0 THEN 2
                     WHEN booked_minutes + booked_minutes_outside_hours > 0 THEN 1
                     ELSE 0 END) AS BIGINT)
FROM room_days JOIN rooms USING (room_id)
GROUP BY ALL
"""
"""A room in use has at least one booking; with an overlap, or a gap between bookings, two."""


_BOOKED: Final = """
SELECT building, local_date, CAST(sum(booked_minutes) AS BIGINT)
FROM room_days JOIN rooms USING (room_id) GROUP BY ALL
UNION ALL
SELECT building, local_date, booked_minutes FROM busy_ahead
"""
_PLAN_DAYS: Final = """
WITH planned AS (FROM what_if_rooms JOIN rooms USING (room_id)),
     whole AS (
         SELECT p.site, p.building, any_value(p.days) AS days, d.local_date
         FROM planned AS p JOIN room_days AS d USING (room_id)
         GROUP BY p.site, p.building, d.local_date
         HAVING count(*) = (SELECT count(*) FROM planned AS q
                            WHERE (q.site, q.building) IS NOT DISTINCT FROM (p.site, p.building))
     )
SELECT site, building, local_date FROM whole
QUALIFY row_number() OVER (PARTITION BY site, building ORDER BY local_date DESC) <= days
"""
"""The latest days on which all rooms of a building were read: as many as the table says."""


def _plans(connection: duckdb.DuckDBPyConnection) -> dict[Leaf, Planned]:
    """Return the what-if's data of each building and size."""
    days: dict[tuple[str | None, str | None], set[date]] = defaultdict(set)
    for site, building, day in connection.execute(_PLAN_DAYS).fetchall():
        days[site, building].add(day)
    minutes: dict[Leaf, int] = defaultdict(int)
    for *leaf, booked in connection.execute(
        "SELECT site, building, capacity_band, booked_minutes "
        "FROM what_if_rooms JOIN rooms USING (room_id)"
    ).fetchall():
        minutes[leaf[0], leaf[1], leaf[2]] += booked
    stretches: Counter[Leaf] = Counter()
    for site, building, seats in connection.execute(
        "SELECT site, building, seats FROM what_if_plan"
    ).fetchall():
        stretches[site, building, band_of(CAPACITY_BANDS, seats)] += 1
    return {
        leaf: Planned(frozenset(days[leaf[:2]]), stretches[leaf], booked)
        for leaf, booked in minutes.items()
    }


def _told_uses(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return utilization by group and day, if it has a column of bookings; else nothing."""
    columns = {row[0] for row in connection.execute("DESCRIBE utilization").fetchall()}
    if "bookings" not in columns:
        return []
    return connection.execute(
        "SELECT site, building, capacity_band, local_date, CAST(sum(booked_minutes) AS BIGINT), 0, "
        "CAST(coalesce(sum(bookings), 0) AS BIGINT) FROM utilization "
        f"WHERE coalesce(room_type, '') NOT IN {PERSONAL_ROOM_TYPES} GROUP BY ALL"
    ).fetchall()


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = connection.execute(query).fetchall()
    return tuple(row)


def universe(measure: str, shown: Iterable[Shown]) -> tuple[Band, ...]:
    """Return the bands of a measure: those of the dictionary, and any others that are shown."""
    known = dict.fromkeys(BANDS.get(measure, (None,)))
    known |= dict.fromkeys(each.band for each in shown if each.measure == measure)
    return tuple(band for band in known if band != FEW)


def counted_days(night: Night, trailing_days: int) -> frozenset[date]:
    """Return the days counted in all closed months together, judging by the region's totals."""
    closed = night.closed_days(trailing_days)
    region = [each for each in night.shown if each.cell.level == "region"]
    told = {each.cell.month: each.cell_bookings for each in region}
    months = sorted({month_of(day) for day in closed})
    for first in range(len(months)):
        kept = months[first:]
        total = sum(told.get(month, 0) for month in kept)
        if None in told and total == told[None] and kept[0] not in told:
            continue  # it is empty, or retention deletes it: nothing of it is in the total
        if None not in told or total == told[None] or not all(month in told for month in kept):
            return frozenset(day for day in closed if month_of(day) in kept)
    return closed
