"""Measure busy ahead (R23) on invented calendars: how close its median is, how true its range.

Belongs here: two buildings whose 13 months have a trend, weekdays, a quiet July, holidays and
shocks by week and by day, none of which the method knows, and a ledger of cancellations; and 13
months of the sandbox Exchange's calendars, in small buildings that are often booked late.
Prints a JSON object for each company or region, from the published ``busy_ahead_check``; fails if
a company misses a bar.

Run: ``python -m benchmarks.ahead --seeds 3 --sandbox``.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import click
import numpy as np
import pyarrow as pa

from pipelines.cli.demo import DEMO_REGIONS
from transforms.contract.lake import BOOKINGS, CHANGES, COVERAGE, ROOMS
from warehouse import connect
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

Rows: TypeAlias = list[dict[str, Any]]

TODAY: Final = date(2026, 11, 22)
NOW: Final = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
PAST_DAYS: Final = 395
AHEAD_DAYS: Final = 180
ROOM_COUNT: Final = 40
MEETINGS_A_DAY: Final = 4.2
CANCELLED: Final = 0.15
IN_SERIES: Final = 0.4
SHOCK: Final = 0.08
TRENDS: Final = (0.0, 0.5, -0.4)
"""Growth of bookings from the start to the end of the 13 months, as a share of the mean."""
LEAST_NEARER: Final = 0.30
WITHIN: Final = (0.55, 0.65)
_BY_WEEKDAY: Final = np.array([0.75, 1.05, 1.15, 1.0, 0.6, 0.02, 0.02])
_DAY: Final = timedelta(days=1)


class Company:
    """Rooms and their bookings day by day, from one seed."""

    def __init__(self, seed: int, trend: float) -> None:
        self._random = np.random.default_rng(seed)
        self._trend = trend
        self._popularity = self._random.uniform(0.5, 1.4, ROOM_COUNT)
        self._by_weekday = _BY_WEEKDAY * self._random.uniform(0.85, 1.15, 7)
        self._by_week: dict[tuple[int, int], float] = {}
        self.ledger: dict[date, Rows] = defaultdict(list)

    def bookings(self, day: date) -> Iterator[dict[str, Any]]:
        """Yield the bookings of a day that exist now; put cancelled ones into the ledger."""
        expected = MEETINGS_A_DAY * self._popularity * self._level(day)
        for number, count in enumerate(self._random.poisson(expected)):
            taken: list[tuple[datetime, datetime, datetime | None]] = []
            for _ in range(count):
                starts_at, ends_at, kind, created_at = self._meeting(day)
                gone_at = None
                if self._random.random() < CANCELLED:
                    ahead = self._random.beta(0.7, 2.2) * (starts_at - created_at)
                    gone_at = starts_at - ahead
                if any(
                    starts_at < ends and starts < ends_at and (gone is None or gone > created_at)
                    for starts, ends, gone in taken
                ):
                    continue
                taken.append((starts_at, ends_at, gone_at))
                if created_at > NOW:
                    continue
                booking = {
                    "room_id": f"room-{number:02}",
                    "kind": kind,
                    "starts_at": starts_at,
                    "ends_at": ends_at,
                    "created_at": created_at,
                }
                if gone_at is None or not self._is_gone(booking, gone_at):
                    yield booking

    def _is_gone(self, booking: dict[str, Any], gone_at: datetime) -> bool:
        """Tell whether a booking is gone by now; add it to the ledger if any night ever saw it."""
        seen_at = datetime.combine(gone_at.date(), NOW.timetz())
        seen_at += _DAY if seen_at < gone_at else timedelta(0)
        if seen_at > NOW:
            return False
        if seen_at - _DAY >= booking["created_at"]:
            change = {"change": "cancelled", "given_back_minutes": 0}
            seen = {"seen_after": seen_at - _DAY, "seen_at": seen_at}
            self.ledger[seen_at.date()].append(booking | change | seen)
        return True

    def _level(self, day: date) -> float:
        week = day.isocalendar()[:2]
        shock = self._by_week.setdefault(week, self._random.normal(0, SHOCK))
        shock += self._random.normal(0, SHOCK)
        is_winter = (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 3)
        season = 0.35 if is_winter else 0.6 if day.month == 7 else 1.0
        grown = 1 + self._trend * ((day - TODAY).days / PAST_DAYS + 0.5)
        return float(self._by_weekday[day.weekday()] * season * grown * np.exp(shock))

    def _meeting(self, day: date) -> tuple[datetime, datetime, str, datetime]:
        minute = 15 * int(self._random.integers(7 * 4, 16 * 4 + 2))
        starts_at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
        minutes = int(self._random.choice([30, 30, 45, 60, 60, 60, 90, 120]))
        is_series = self._random.random() < IN_SERIES
        single = float(np.clip(self._random.lognormal(1.2, 1.3), 0.01, 150))
        lead = self._random.uniform(20, 150) if is_series else single
        created_at = starts_at - timedelta(seconds=int(lead * 86_400))
        kind = "occurrence" if is_series else "single"
        return starts_at, starts_at + timedelta(minutes=minutes), kind, created_at


def make_lake(folder: Path, seed: int, trend: float) -> Lake:
    """Write a company's lake, with a ledger that begins on the first night."""
    company, lake = Company(seed, trend), Lake(folder / "lake", "EU")
    place = {"site": "Copenhagen", "country": "DK", "time_zone": "Europe/Copenhagen"}
    rooms = [
        place
        | {"room_id": f"room-{number:02}", "building": f"Building {number % 2 + 1}"}
        | {"room_type": "conference", "open_hours": "Mon-Fri 08:00-18:00"}
        for number in range(ROOM_COUNT)
    ]
    first = TODAY - PAST_DAYS * _DAY
    plain: dict[str, Any] = {"show_as": "busy", "response": "accept", "status": "booked"}
    plain |= dict.fromkeys(
        ("is_all_day", "is_cancelled", "is_private", "headcount_is_lower_bound"), False
    )
    with lake.exclusive():
        lake.replace("rooms", None, pa.Table.from_pylist(rooms, ROOMS))
        for offset in range(PAST_DAYS + AHEAD_DAYS + 1):
            day = first + offset * _DAY
            night = datetime.combine(min(day + 14 * _DAY, TODAY), NOW.timetz())
            found = [each | plain | {"read_at": night} for each in company.bookings(day)]
            lake.replace("bookings", day, pa.Table.from_pylist(found, BOOKINGS))
            read = {"is_loaded": True, "read_at": night}
            coverage = [read | {"room_id": room["room_id"]} for room in rooms]
            lake.replace("coverage", day, pa.Table.from_pylist(coverage, COVERAGE))
        for day in {first - 60 * _DAY, *company.ledger}:
            lake.replace("changes", day, pa.Table.from_pylist(company.ledger[day], CHANGES))
    return lake


def measured(folder: Path, seed: int) -> dict[str, Any]:
    """Return the back-test of a company, all distances pooled, and the extremes."""
    trend = TRENDS[seed % len(TRENDS)]
    lake = make_lake(folder, seed, trend)
    return {"seed": seed, "trend": trend} | figures(lake, folder / "warehouse", NOW)


def sandboxed(folder: Path) -> Iterator[dict[str, Any]]:
    """Read the sandbox's calendars as the demo does, and yield the back-test of each region.

    They are read once and nothing in them is cancelled: an empty ledger is dated to before them.
    """
    demo = [str(Path(sys.executable).with_name("insights")), "demo", "--dir", str(folder)]
    subprocess.run([*demo, "--days", "395"], check=True, stdout=subprocess.DEVNULL)
    for region in DEMO_REGIONS:
        lake = Lake(folder / region.lower() / "lake", region)
        before = min(lake.days("bookings")) - 60 * _DAY
        with lake.exclusive():
            lake.replace("changes", before, CHANGES.empty_table())
        found = figures(lake, folder / f"{region.lower()}-warehouse", datetime.now(UTC))
        yield {"sandbox": region} | found


def figures(lake: Lake, warehouse: Path, now: datetime) -> dict[str, Any]:
    """Publish a lake and return its back-test."""
    publish(lake, warehouse, PublishOptions(export_parquet=False), now)
    with connect(lake.region, warehouse=warehouse) as connection:
        (found,) = connection.execute(
            "SELECT sum(days), 1 - sum(days * median_error) / sum(days * naive_error),"
            " sum(days * share_within) / sum(days), min(1 - median_error / naive_error),"
            " max(1 - median_error / naive_error), min(share_within), max(share_within) "
            "FROM busy_ahead_check"
        ).fetchall()
    names = ("days", "nearer", "within", "least_nearer", "most_nearer", "least_within")
    shares = {
        name: round(float(value), 2)
        for name, value in zip((*names, "most_within"), found, strict=True)
    }
    return {"bookings": lake.count("bookings")} | shares


@click.command()
@click.option("--seeds", type=click.IntRange(min=0), default=3, show_default=True)
@click.option("--sandbox", is_flag=True, help="The sandbox's calendars too: some minutes.")
def main(seeds: int, *, sandbox: bool) -> None:
    """Print the figures; exit 1 if the median or the range misses its bar."""
    found = []
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory(prefix="ahead-") as name:
            found.append(measured(Path(name), seed))
        click.echo(json.dumps(found[-1]))
    if sandbox:
        with tempfile.TemporaryDirectory(prefix="ahead-") as name:
            for each in sandboxed(Path(name)):
                click.echo(json.dumps(each))
    if any(
        each["nearer"] < LEAST_NEARER or not WITHIN[0] <= each["within"] <= WITHIN[1]
        for each in found
    ):
        raise click.ClickException("the median or the range misses its bar")


if __name__ == "__main__":
    main()
