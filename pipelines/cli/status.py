"""``insights status``: when each region was last read, how old its figures are, what to do.

Monitoring systems call it. It prints counts, codes and dates only.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import click
import pyarrow.compute as pc

from pipelines.cli import NOTHING, WHOLE, as_json_text, settings_of, with_regions
from pipelines.history import LastRun, dagster_home, last_run
from pipelines.night import default_range, today_in
from pipelines.settings import Settings
from pipelines.sources.remedies import remedies_for
from pipelines.texts import counted
from transforms.contract import Region
from warehouse.connect import connect, last_build
from warehouse.lake import Lake
from warehouse.publish import lost_bookings
from warehouse.storage import WarehouseError
from warehouse.versions import NotPublished, VersionError, published_versions

STALE_AFTER_HOURS: Final = 30
_LITTLE_DISK: Final = 0.05
_LOOKED_BACK: Final = timedelta(days=62)
_IN_JSON: Final = (
    *("region", "is_stale", "last_read_at", "rooms_expected", "rooms_loaded", "failed_by_code"),
    *("first_date", "last_date", "data_through", "built_at", "free_bytes"),
    *("lake_error", "warehouse_error"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a region; ``None`` where nothing exists yet.

    ``last_read_at`` is when a room was last read for today or the days just before; the counts of
    rooms belong to the latest of these days. ``first_date`` and ``last_date`` are the first and
    last day ever read. ``data_through`` and ``built_at`` are the database's. ``free_bytes`` is by
    folder; buckets have no limit. ``lake_error`` and ``warehouse_error`` are a line each, set if
    that store cannot be read: then nothing is known about it. ``read_early`` is the first and last
    of the days that were last read before they were over, and that no night reads again.
    ``lost_bookings`` is a line, set if days that were read have no bookings any more.
    """

    region: Region
    looked_at: datetime
    stale_after: timedelta
    last_run: LastRun | None
    last_read_at: datetime | None
    rooms_expected: int
    rooms_loaded: int
    failed_by_code: Mapping[str, int]
    remedies: Mapping[str, str]
    first_date: date | None
    last_date: date | None
    data_through: date | None
    built_at: datetime | None
    free_bytes: Mapping[str, int]
    is_disk_short: bool
    lake_error: str | None = None
    warehouse_error: str | None = None
    read_early: tuple[date, date] | None = None
    lost_bookings: str | None = None

    @property
    def age(self) -> timedelta | None:
        """How long ago a room was last read."""
        return None if self.last_read_at is None else self.looked_at - self.last_read_at

    @property
    def is_stale(self) -> bool:
        """Whether the last reading is too long ago, or there never was one."""
        return self.age is None or self.age > self.stale_after

    @property
    def is_behind(self) -> bool:
        """Whether rooms were read after the database was built."""
        if self.last_read_at is None or (self.last_run and self.last_run.state == "running"):
            return False
        if self.warehouse_error is not None:
            return False  # unknown
        return self.built_at is None or self.built_at < self.last_read_at

    def lines(self) -> Iterator[str]:
        """Yield the status as lines for an operator."""
        age = "never read" if self.lake_error is None else "nobody knows when it was read"
        if self.age is not None:
            minutes = max(0, int(self.age.total_seconds() // 60))  # a clock may be put back
            is_short = minutes < 120
            since = counted(minutes, "minute") if is_short else counted(minutes // 60, "hour")
            age = f"read {since} ago"
        yield f"{self.region}: {'STALE, ' if self.is_stale else ''}{age}"
        run = self.last_run
        if run is None:
            yield "  last run    none in the history"
        else:
            why = f" ({run.error_code})" if run.error_code else ""
            state = "complete" if run.state == "whole" else run.state
            yield f"  last run    {run.started_at:%Y-%m-%d %H:%M} UTC, {state}{why}"
        if self.first_date is not None:
            yield f"  rooms       {self.rooms_loaded} of {self.rooms_expected} read"
            yield f"  days read   {self.first_date} to {self.last_date}"
        if self.built_at is not None:
            through = self.data_through or "no day yet"
            yield f"  database    built {self.built_at:%Y-%m-%d %H:%M} UTC, data through {through}"
        free = ", ".join(f"{name} {size / 1e9:,.1f} GB" for name, size in self.free_bytes.items())
        if free:
            yield f"  free disk   {free}"
        for line in self.to_do():
            yield f"  to do       {line}"

    def to_do(self) -> Iterator[str]:
        """Yield what the operator should do, a line each."""
        run, region = self.last_run, self.region
        wrong = (self.lake_error, self.warehouse_error, self.lost_bookings)
        yield from (each for each in wrong if each is not None)
        if self.lake_error is not None:
            return
        if run is not None and run.state == "failed":
            # A night that failed for the warehouse says of it what was said already.
            if self.warehouse_error is None or run.error_code != VersionError.__name__:
                yield (run.error or "interrupted, or failed (Dagster has the step); run it again")
            if self.is_stale:
                then = f"then 'insights run --region {region}'"
                yield f"run 'insights check --region {region}', {then}"
        elif self.is_stale:
            yield (
                f"see whether the nightly run starts (its schedule in Dagster, or cron), "
                f"or run 'insights run --region {region}'"
            )
        for code, rooms in self.failed_by_code.items():
            yield f"{counted(rooms, 'room')}: {code}: {self.remedies[code]}"
        if self.is_behind:
            remedy = f"run 'insights publish --region {region}'"
            yield f"the database is older than what was read: {remedy}"
        if self.read_early is not None:
            first, last = self.read_early
            days = f"{first} to {last}: days were last read before they were over, and show only"
            remedy = f"run 'insights run --region {region} --from {first} --to {last}'"
            yield f"{days} what was booked by then: {remedy}"
        if self.is_disk_short:
            yield "less than 5 % of a disk is free: make room, or lower keep_versions"

    def as_json(self) -> dict[str, object]:
        """Return the status for a monitoring system."""
        run = self.last_run
        return {name: getattr(self, name) for name in _IN_JSON} | {
            "age_hours": None if self.age is None else round(self.age.total_seconds() / 3600, 2),
            "last_run": run
            and {name: getattr(run, name) for name in ("state", "started_at", "error_code")},
            "to_do": list(self.to_do()),
        }


def status_of(settings: Settings, region: Region, home: Path, now: datetime) -> Status:
    """Look at a region's lake, database, history of runs and disks; ``now`` is an aware instant."""
    chosen = settings.regions[region]
    today = today_in(settings, region, now)
    days: list[date] = []
    rows: list[dict[str, Any]] = []
    early: list[date] = []
    read_at = data_through = built_at = lake_error = warehouse_error = lost = None
    try:
        lake = Lake(chosen.lake, region)
        days = lake.days("coverage")
        read = [day for day in days if day <= today]
        latest = lake.read("coverage", read[-1]) if read else None
        known = {room.room_id for room in chosen.rooms}  # a removed one keeps its last rows
        rows = [] if latest is None else latest.to_pylist()
        rows = [row for row in rows if row["room_id"] in known]
        read_at = lake.last_read_at(today)
        lost = lost_bookings(lake)
        early = _read_early(lake, days, default_range(settings, today).first_date)
    except WarehouseError as error:
        days, rows, lake_error = [], [], str(error)
    failed = {row["room_id"]: row["error_code"] for row in rows if row["error_code"] is not None}
    codes = Counter(failed.values())
    try:
        published_versions(chosen.warehouse, region)  # raises without access; no version is fine
        with suppress(NotPublished), connect(region, warehouse=chosen.warehouse) as connection:
            data_through, built_at = last_build(connection)
    except WarehouseError as error:
        warehouse_error = str(error)
    hours = settings.alerts.stale_after_hours if settings.alerts else STALE_AFTER_HOURS
    places = {"lake": chosen.lake, "warehouse": chosen.warehouse}
    disks = {
        name: shutil.disk_usage(next(at for at in (place, *place.parents) if os.path.exists(at)))  # noqa: PTH110 - the other raises where access is refused
        for name, place in places.items()
        if isinstance(place, Path)  # if it does not exist yet, its nearest parent counts
    }
    return Status(
        region=region,
        looked_at=now,
        stale_after=timedelta(hours=hours),
        last_run=last_run(home, region),
        last_read_at=read_at,
        rooms_expected=sum(row["is_loaded"] or row["error_code"] is not None for row in rows),
        rooms_loaded=sum(row["is_loaded"] for row in rows),
        failed_by_code=dict(sorted(codes.items())),
        remedies=remedies_for(codes, chosen.kinds_of(failed)),
        first_date=min(days, default=None),
        last_date=max(days, default=None),
        data_through=data_through,
        built_at=built_at,
        free_bytes={name: disk.free for name, disk in disks.items()},
        is_disk_short=any(disk.free < _LITTLE_DISK * disk.total for disk in disks.values()),
        lake_error=lake_error,
        warehouse_error=warehouse_error,
        read_early=(early[0], early[-1]) if early else None,
        lost_bookings=lost,
    )


def _read_early(lake: Lake, days: Sequence[date], read_from: date) -> list[date]:
    """Return the days before a night's first that were last read before they were over.

    Midday in UTC is early enough for every zone: nights read a day in its first hours. Only some
    weeks are looked at, so that a monitoring system gets its answer at once.
    """
    near = [day for day in days if read_from - _LOOKED_BACK <= day < read_from]
    read_at = {
        day: None if table is None else pc.max(table["read_at"]).as_py()
        for day, table in zip(near, lake.read_each("coverage", near), strict=True)
    }
    midday = time(12, tzinfo=UTC)
    return [day for day, at in read_at.items() if at and at < datetime.combine(day, midday)]


@click.command()
@with_regions
@click.option("--json", "is_json", is_flag=True, help="A list of regions, as JSON.")
def status(config: Path, region: Region | None, is_json: bool) -> int:
    """Say when each region was last read, how old its figures are, and what to do.

    Exits 1 if a region's figures are stale: nothing was read for alerts.stale_after_hours (30);
    or if its lake or warehouse cannot be read.
    """
    settings = settings_of(config, region)
    home, now = dagster_home(config), datetime.now(UTC)
    regions = [region] if region else list(settings.regions)
    found = [status_of(settings, each, home, now) for each in regions]
    if is_json:
        click.echo(as_json_text([each.as_json() for each in found], indent=2))
    else:
        for each in found:
            click.echo("\n".join(each.lines()))
    is_bad = any(each.is_stale or each.warehouse_error is not None for each in found)
    return NOTHING if is_bad else WHOLE
