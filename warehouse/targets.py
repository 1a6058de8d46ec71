"""Targets of a region, compared with its published figures. Each ratio is a sum over a sum (R9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Final, Literal, TypeAlias

import duckdb
from dateutil.relativedelta import relativedelta

from transforms.contract import CAPACITY_BANDS, FEW, HEADCOUNT_BANDS
from warehouse.engine import read_sql

Measure: TypeAlias = Literal[
    "sold_out_days_at_most", "utilization_percent_at_least", "seats_used_percent_at_least"
]
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
READ_ALIKE: Final = 0.95
"""The share of room-days that must have been read for a period to be judged or compared (R24)."""
_MONTHS_OF_A_QUARTER: Final = 3


def rooms_of_size(band: str) -> str:
    """Return what rooms of a capacity band are called."""
    return "rooms with 1 seat" if band == "1" else f"rooms with {band} seats"


@dataclass(frozen=True, slots=True)
class Target:
    """What the rooms of a building, of a size, or of both should reach.

    ``sold_out_days_at_most`` counts the days of a month on which all rooms of one size were in
    use at once; ``utilization_percent_at_least`` is booked over open time in a quarter;
    ``seats_used_percent_at_least`` is people invited over seats (R11), averaged over the bookings
    of a quarter. Only an upper bound of the last is shown, missed if even that is too low.
    """

    measure: Measure
    limit: int
    building: str | None = None
    capacity_band: str | None = None


@dataclass(frozen=True, slots=True)
class TargetResult:
    """A target and what was measured; ``value`` is None where it cannot be judged."""

    target: Target
    first_date: date
    last_date: date
    value: float | None

    @property
    def is_missed(self) -> bool:
        """Whether the figure is on the wrong side of the limit."""
        if self.value is None:
            return False
        if self.target.measure == "sold_out_days_at_most":
            return self.value > self.target.limit
        return self.value < self.target.limit

    @property
    def sentence(self) -> str:
        """The result as a sentence."""
        target = self.target
        size = rooms_of_size(target.capacity_band) if target.capacity_band else "all rooms"
        rooms = ", ".join(filter(None, (target.building, size)))
        if self.value is None:
            return f"{rooms}: no figure for the whole of {self.period}."
        if target.measure == "sold_out_days_at_most":
            days = f"sold out on {self.value:.0f} {'day' if self.value == 1 else 'days'}"
            return f"{rooms}: {days} in {self.period}; the target is at most {target.limit}."
        if target.measure == "seats_used_percent_at_least":
            return (
                f"{rooms}: invited people fill at most {self.value:.0f} % of the seats in "
                f"{self.period}; the target is at least {target.limit} %."
            )
        return (
            f"{rooms}: {self.value:.0f} % booked in {self.period}; "
            f"the target is at least {target.limit} %."
        )

    @property
    def period(self) -> str:
        """The month or quarter in words."""
        if self.target.measure == "sold_out_days_at_most":
            return month_name(self.first_date)
        return f"quarter {(self.first_date.month + 2) // 3} of {self.first_date.year}"


def month_name(day: date) -> str:
    """Return the month of a day in words, whatever the language of the machine."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def last_closed(data_through: date, months: int) -> tuple[date, date]:
    """Return the first and last day of the latest month (1) or quarter (3) that is over."""
    next_day = data_through + timedelta(days=1)
    first_after = next_day.replace(day=1, month=next_day.month - (next_day.month - 1) % months)
    return first_after - relativedelta(months=months), first_after - timedelta(days=1)


def evaluate(
    connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], as_of: date | None = None
) -> list[TargetResult]:
    """Judge targets by a region's database, over the last closed month or quarter; missed first.

    A period is not judged if days of it, or more than a few room-days, were not read: part of the
    days has fewer sold-out ones, and part of the rooms is not used like all of them.

    ``as_of`` is the last date that counts, by default data_through.
    """
    results = []
    (published,) = connection.execute("SELECT data_through FROM build_info").fetchall()[0]
    through = as_of or published
    for target in targets if through else ():
        months = 1 if target.measure == "sold_out_days_at_most" else 3
        first, last = last_closed(through, months)
        value = None
        parameters = {
            "first": first,
            "last": last,
            "building": target.building,
            "capacity_band": target.capacity_band,
        }
        loaded, rooms = connection.execute(read_sql("targets/room_days"), parameters).fetchall()[0]
        if is_whole(connection, first, last) and loaded >= READ_ALIKE * rooms:
            if target.measure == "seats_used_percent_at_least":
                value = _seats_used_at_most(connection, parameters)
            else:
                rows = connection.execute(
                    read_sql(f"targets/{target.measure}"), parameters
                ).fetchall()
                value = rows[0][0] if rows else None
        results.append(TargetResult(target, first, last, value))
    return sorted(results, key=lambda result: not result.is_missed)


def is_whole(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> bool:
    """Return whether a night was to read each day (both ends included), and all days are kept.

    What it could read is in ``rooms_loaded``.
    """
    (days,) = connection.execute(
        "SELECT count(DISTINCT local_date) FROM coverage WHERE local_date BETWEEN $first AND $last",
        {"first": first, "last": last},
    ).fetchall()[0]
    return bool(days == (last - first).days + 1)


def _seats_used_at_most(
    connection: duckdb.DuckDBPyConnection, parameters: Mapping[str, object]
) -> float | None:
    """Return at most what percent of their seats a quarter's bookings invite people for.

    Uses ``booking_profile`` alone, so that it tells nothing new: each booking counts with the most
    people of its band in the smallest room of its size; bookings that are merged or left out (R17)
    fill their room. A booking with unknown headcount or seats does not count. None if a month of
    the quarter is not shown, or nothing is known.
    """
    asked = {name: parameters[name] for name in ("first", "last", "building")}
    rows = connection.execute(read_sql("targets/headcounts"), asked).fetchall()
    whole = [row for row in rows if row[0] != "building_size"]
    cells = [row for row in rows if row[0] == "building_size"]
    if len({month for _, month, *_ in whole}) < _MONTHS_OF_A_QUARTER:
        return None
    seats, smallest = {}, 1
    for size in CAPACITY_BANDS:
        seats[size.label] = smallest
        smallest = (size.at_most or 0) + 1
    people = {band.label: band.at_most for band in HEADCOUNT_BANDS} | {FEW: None}
    hidden = sum(row[-1] for row in whole) - sum(row[-1] for row in cells)
    known, filled = hidden, float(hidden)
    chosen = parameters["capacity_band"]
    for _, _, size, band, count in cells:
        if size is None or band is None or chosen not in (None, size):
            continue
        known += count
        most = people[band]
        filled += count * (1.0 if most is None else min(1.0, most / seats[size]))
    # Rounded up, as it is shown without a fraction.
    return float(ceil(100 * filled / known)) if known > hidden else None
