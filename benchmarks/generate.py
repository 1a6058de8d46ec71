"""Synthetic lakes of any size, for benchmarks and for sizing a machine.

Belongs here: realistic rooms, bookings and coverage (peaks, series, gaps, conflicts, holds,
cancellations), drawn day by day from a seed and written through the lake.
Does not belong here: the simulated Exchange (``pipelines/sandbox``); no run reads anything here.

``python -m benchmarks.generate DIR --rooms 10000 --months 13`` makes about 24 million past
bookings, and those ahead, in a few minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import click
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.contract import INSTANT, Region, is_region, region_remedy
from transforms.contract.lake import BOOKINGS, COVERAGE, ROOMS
from transforms.local_time import day_start, zone
from warehouse.lake import Lake

_Ints: TypeAlias = npt.NDArray[np.int64]
_Site: TypeAlias = tuple[str, str | None, str | None, str]

_SITES: Final[dict[Region, tuple[_Site, ...]]] = {
    "EU": (
        ("Copenhagen", "DK", None, "Europe/Copenhagen"),
        ("Munich", "DE", "BY", "Europe/Berlin"),
        ("London", "GB", "ENG", "Europe/London"),
        ("Paris", "FR", None, "Europe/Paris"),
        ("Helsinki", "FI", None, "Europe/Helsinki"),
        ("Bengaluru", "IN", "KA", "Asia/Kolkata"),
    ),
    "NA": (
        ("New York", "US", "NY", "America/New_York"),
        ("Chicago", "US", "IL", "America/Chicago"),
        ("Denver", "US", "CO", "America/Denver"),
        ("Toronto", "CA", "ON", "America/Toronto"),
        ("Vancouver", "CA", "BC", "America/Vancouver"),
        ("St. John's", "CA", "NL", "America/St_Johns"),
    ),
    "APAC": (
        ("Singapore", "SG", None, "Asia/Singapore"),
        ("Tokyo", "JP", None, "Asia/Tokyo"),
        ("Sydney", "AU", "NSW", "Australia/Sydney"),
        ("Bengaluru", "IN", "KA", "Asia/Kolkata"),
    ),
}
_ELSEWHERE: Final = (("Main Site", None, None, "UTC"),)
_OPEN_HOURS: Final = (
    "Mon-Fri 08:00-18:00",
    "Mon-Fri 08:00-18:00",
    "Mon-Fri 07:30-18:30",
    "Mon-Fri 08:00-12:00, 13:00-18:00",
)
_ROOMS_A_BUILDING: Final = 120
_MOST_A_DAY: Final = 16
_MINUTE_US: Final = 60_000_000
_READ_AFTER_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a lake: rooms, and local days from ``first_date`` to ``last_date``.

    Days after ``today`` hold forward bookings, fewer the further ahead they are.
    """

    region: Region
    rooms: int
    first_date: date
    last_date: date
    today: date
    seed: int = 1

    @property
    def days(self) -> list[date]:
        """Every day of the plan, in order."""
        count = (self.last_date - self.first_date).days + 1
        return [self.first_date + timedelta(days=offset) for offset in range(count)]


def generate(lake: Lake, plan: Plan) -> int:
    """Write the plan's rooms and days into the lake; return the number of bookings.

    Raises:
        LakeError: the lake cannot be written.
    """
    rooms = room_directory(plan)
    bookings = 0
    with lake.exclusive(), click.progressbar(plan.days, label="generating") as days:
        lake.replace("rooms", None, rooms)
        for day in days:
            table = bookings_of(plan, rooms, day)
            lake.replace("bookings", day, table)
            coverage = [
                rooms["room_id"].combine_chunks(),
                pa.array([True] * plan.rooms),
                _instants(_read_at(plan, day)),
                pa.nulls(plan.rooms, pa.string()),
            ]
            lake.replace("coverage", day, pa.Table.from_arrays(coverage, schema=COVERAGE))
            bookings += table.num_rows
    return bookings


def room_directory(plan: Plan) -> pa.Table:
    """Return the invented room directory of a plan."""
    random = np.random.default_rng([plan.seed, 0])
    sites: tuple[_Site, ...] = _SITES.get(plan.region, _ELSEWHERE)
    capacities = random.choice([2, 4, 6, 8, 10, 12, 16, 24, 60, 0], plan.rooms)
    types = random.choice(
        ["conference", "video", "workshop", "auditorium", "executive", "desk"],
        plan.rooms,
        p=[0.8, 0.08, 0.04, 0.02, 0.02, 0.04],
    )
    rows: list[dict[str, Any]] = []
    for number in range(plan.rooms):
        building = number // _ROOMS_A_BUILDING
        site, country, subdivision, time_zone = sites[building % len(sites)]
        rows.append(
            {
                "room_id": f"room-{number:06}",
                "name": f"Room {number:06}",
                "site": site,
                "building": f"{site} {building // len(sites) + 1}",
                "floor": str(number % _ROOMS_A_BUILDING // 24),
                "country": country,
                "subdivision": subdivision,
                "time_zone": time_zone,
                "capacity": int(capacities[number]) or None,
                "room_type": str(types[number]),
                "open_hours": _OPEN_HOURS[building % len(_OPEN_HOURS)],
                "opened_on": None,
                "closed_on": None,
            }
        )
    return pa.Table.from_pylist(rows, ROOMS)


def bookings_of(plan: Plan, rooms: pa.Table, day: date) -> pa.Table:
    """Return the bookings of one local start date, for every room of the directory."""
    random = np.random.default_rng([plan.seed, day.toordinal()])
    room, starts, minutes = _meetings(plan, random, day)
    count = len(room)
    is_all_day = random.random(count) < 0.008
    starts = np.where(is_all_day, 0, starts)
    minutes = np.where(is_all_day, 24 * 60, minutes)
    zones: list[str] = rooms["time_zone"].to_pylist()
    midnights = {name: _micros(day_start(day, zone(name))) for name in set(zones)}
    midnight = np.array([midnights[name] for name in zones], dtype=np.int64)[room]
    starts_at = midnight + starts * _MINUTE_US
    outcome = random.choice(len(_OUTCOMES), count, p=[weight for *_, weight in _OUTCOMES])
    is_private = random.random(count) < 0.02
    is_unknown = is_private | (random.random(count) < 0.03)
    columns = {
        "room_id": rooms["room_id"].combine_chunks().take(pa.array(room)),
        "starts_at": _instants(starts_at),
        "ends_at": _instants(starts_at + minutes * _MINUTE_US),
        "is_all_day": is_all_day,
        "is_private": is_private,
        "kind": _words(random.choice(3, count, p=[0.55, 0.4, 0.05]), _KINDS),
        "invited_headcount": _known(
            np.clip(random.lognormal(1.3, 0.7, count), 1, 200).astype(np.int32), is_unknown
        ),
        "headcount_is_lower_bound": random.random(count) < 0.04,
        "has_external": _known(random.random(count) < 0.15, is_unknown),
        "is_online": pa.array(random.random(count) < 0.6),
        "created_at": _instants(
            starts_at
            - np.clip(random.lognormal(11.5, 2.0, count), 0, 180 * 86_400).astype(np.int64)
            * 1_000_000
        ),
        "read_at": _instants(_read_at(plan, day)[room]),
        "is_cancelled": np.array([str(each[0]) == "cancelled" for each in _OUTCOMES])[outcome],
        "status": _words(outcome, [each[0] for each in _OUTCOMES]),
        "show_as": _words(outcome, [each[1] for each in _OUTCOMES]),
        "response": _words(outcome, [each[2] for each in _OUTCOMES]),
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in BOOKINGS]
    return pa.Table.from_arrays(arrays, schema=BOOKINGS)


_KINDS: Final = ("single", "occurrence", "exception")
# status, show_as, response, how often
_OUTCOMES: Final = (
    ("booked", "busy", "accept", 0.82),
    ("booked", "busy", "unknown", 0.05),
    ("held", "tentative", "tentative", 0.03),
    ("cancelled", "busy", "accept", 0.06),
    ("not_booked", "free", "none", 0.02),
    ("not_booked", "busy", "decline", 0.02),
)


def _meetings(plan: Plan, random: np.random.Generator, day: date) -> tuple[_Ints, _Ints, _Ints]:
    """Return room numbers, first minutes on the local clock, and lengths in minutes.

    A room's day alternates meetings and gaps, so few meetings overlap.
    """
    shape = (plan.rooms, _MOST_A_DAY)
    popularity = np.random.default_rng([plan.seed, 1]).uniform(0.6, 1.3, plan.rooms)
    lengths = random.choice([15, 25, 30, 30, 45, 50, 60, 60, 60, 90, 120], shape)
    gaps = random.choice([0, 0, 0, 5, 10, 15, 30, 30, 60, 90], shape)
    starts = 7 * 60 + 30 + np.cumsum(lengths + gaps, axis=1) - lengths
    starts -= np.where(random.random(shape) < 0.02, 15, 0)
    share = popularity * (0.92 if day.weekday() < 5 else 0.02)
    if day > plan.today:
        share = share * 0.5 ** ((day - plan.today).days / 30)
    is_kept = (random.random(shape) < share[:, None]) & (starts < 19 * 60)
    room, place = np.nonzero(is_kept)
    return room.astype(np.int64), starts[room, place], lengths[room, place]


def _read_at(plan: Plan, day: date) -> _Ints:
    """Return when each room was read: on the last night that asked for the day."""
    night = min(day + timedelta(days=_READ_AFTER_DAYS), plan.today)
    start = _micros(datetime.combine(night, time(2, 30), UTC))
    return start + np.arange(plan.rooms, dtype=np.int64) * 200_000


def _instants(micros: _Ints) -> pa.Array:
    return pa.array(micros).cast(INSTANT)


def _words(places: npt.NDArray[Any], words: Sequence[str]) -> pa.Array:
    return pa.array(list(words)).take(pa.array(places))


def _known(values: npt.NDArray[Any], is_unknown: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=is_unknown)


def _micros(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--region", default="EU", show_default=True)
@click.option("--rooms", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option("--months", type=click.IntRange(min=1), default=13, show_default=True)
@click.option("--ahead-days", type=click.IntRange(min=0), default=180, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(directory: Path, region: str, seed: int, **size: int) -> None:
    """Write an invented lake of ROOMS rooms and MONTHS months into DIRECTORY."""
    today = datetime.now(UTC).date()
    first_date = today - timedelta(days=round(size["months"] * 365.25 / 12))
    last_date = today + timedelta(days=size["ahead_days"])
    rooms = size["rooms"]
    if not is_region(region):
        remedy = region_remedy(region)
        raise click.UsageError(f"--region {region!r} cannot be a region's name: {remedy}")
    plan = Plan(region, rooms, first_date, last_date, today, seed)
    bookings = generate(Lake(directory, region), plan)
    click.echo(f"{directory}: {rooms:,} rooms, {len(plan.days)} days, {bookings:,} bookings")


if __name__ == "__main__":
    main()
