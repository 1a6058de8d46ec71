"""How a region is: when it was last read, what of it, how old its figures are, what to do.

Counts, codes and dates only; ``cli/status.py`` prints them.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from pipelines.launch import LastRun, last_run
from pipelines.night import last_read_at, today_in
from pipelines.settings import Settings
from transforms.contract import Region
from warehouse.connect import connect
from warehouse.lake import Lake
from warehouse.tree import WarehouseError

STALE_AFTER_HOURS: Final = 30
_LITTLE_DISK: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a region is; ``None`` for what there is nothing of yet.

    ``last_read_at`` is when a room was last read for today or the days just before; the counts of
    rooms are of the latest of these days. ``first_date`` and ``last_date`` are the days that were
    ever read. ``data_through`` and ``built_at`` are the database's. ``free_bytes`` is by folder.
    """

    region: Region
    looked_at: datetime
    stale_after: timedelta
    last_run: LastRun | None
    last_read_at: datetime | None
    rooms_expected: int
    rooms_loaded: int
    failed_by_code: Mapping[str, int]
    first_date: date | None
    last_date: date | None
    data_through: date | None
    built_at: datetime | None
    free_bytes: Mapping[str, int]
    is_disk_short: bool

    @property
    def age(self) -> timedelta | None:
        """How long ago a room was last read."""
        return None if self.last_read_at is None else self.looked_at - self.last_read_at

    @property
    def is_stale(self) -> bool:
        """Whether nothing was read for too long, or ever."""
        return self.age is None or self.age > self.stale_after

    @property
    def is_behind(self) -> bool:
        """Whether rooms were read that no database shows yet."""
        if self.last_read_at is None or (self.last_run and self.last_run.state == "running"):
            return False
        return self.built_at is None or self.built_at < self.last_read_at


def status_of(settings: Settings, region: Region, home: Path, now: datetime) -> Status:
    """Look at a region's lake, database, history of runs and disks; ``now`` is an aware instant.

    Raises:
        LakeError: the lake cannot be read.
    """
    chosen = settings.regions[region]
    lake = Lake(chosen.lake, region)
    today = today_in(settings, region, now)
    days = lake.days("coverage")
    read = [day for day in days if day <= today]
    latest = lake.read("coverage", read[-1]) if read else None
    rows = [] if latest is None else latest.to_pylist()
    codes = Counter(row["error_code"] for row in rows if row["error_code"] is not None)
    data_through, built_at = _built(region, chosen.warehouse)
    hours = settings.alerts.stale_after_hours if settings.alerts else STALE_AFTER_HOURS
    disks = {"lake": _disk(chosen.lake), "warehouse": _disk(chosen.warehouse)}
    return Status(
        region=region,
        looked_at=now,
        stale_after=timedelta(hours=hours),
        last_run=last_run(home, region),
        last_read_at=last_read_at(lake, today),
        rooms_expected=sum(row["is_loaded"] or row["error_code"] is not None for row in rows),
        rooms_loaded=sum(row["is_loaded"] for row in rows),
        failed_by_code=dict(sorted(codes.items())),
        first_date=min(days, default=None),
        last_date=max(days, default=None),
        data_through=data_through,
        built_at=built_at,
        free_bytes={name: disk.free for name, disk in disks.items()},
        is_disk_short=any(disk.free < _LITTLE_DISK * disk.total for disk in disks.values()),
    )


def _built(region: Region, warehouse: Path) -> tuple[date | None, datetime | None]:
    try:
        with connect(region, warehouse=warehouse) as connection:
            rows = connection.execute("SELECT data_through, built_at FROM build_info").fetchall()
    except WarehouseError:
        return None, None
    return rows[0]


def _disk(folder: Path) -> "shutil._ntuple_diskusage":
    """Return the space of the disk that a folder is on, or will be."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there)
