"""One run of one region: read and redact its rooms, replace the lake's days, publish.

Belongs here: the order of the steps (lock, read, redact, stage, replace, retain), and the counts
that a run ends with. Only here are raw items turned into rows, one room at a time.
Does not belong here: threads (``reading.py``), protocols (``sources``), files (``warehouse``),
Dagster (``assets.py``).
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.reading import Outcome, Reading, RoomRead, read_rooms
from pipelines.settings import (
    RegionSettings,
    Settings,
    directory_table,
    read_secrets,
    rooms_table,
)
from pipelines.sources import CalendarSource, DayRange, Window
from pipelines.sources.session import OTHER_MAILBOX, OpenSource
from transforms.contract import Region
from transforms.local_time import day_start, first_day_kept, local_date, zone
from transforms.raw import normal_address, normal_domain
from transforms.redact import RoomContext, redact
from warehouse import page
from warehouse.directory import by_kind, record_directory
from warehouse.engine import EngineUnusableError, bytes_of
from warehouse.erase import drop_versions_before
from warehouse.lake import Lake
from warehouse.nightly import apply_night, retain, staging
from warehouse.page import Page
from warehouse.publish import Builder, Published, PublishOptions, build, publish, refuse_lost_lake
from warehouse.storage import Location, ObjectUrl
from warehouse.versions import refuse_unwritable

_SPARK: Final = "warehouse.shards.spark:spark_builder"
"""Resolved by its name, as sources are: it is imported only if a configuration asks for it."""


class Progress:
    """Shows how far a run has got, in counts and codes only; this one shows nothing."""

    def start(self, region: Region, rooms: int) -> None:
        """Begin to read a region with this many rooms."""

    def advance(self, outcome: Outcome[pa.Table]) -> None:
        """Count a room that was read or failed."""

    def wait(self, exchange: str, code: str, seconds: float) -> None:
        """Say that no room could be read from an exchange lately, and how long that may last."""

    def step(self, name: str) -> None:
        """Begin a step that comes after reading."""


SILENT: Final = Progress()


@dataclass(frozen=True)
class Night:
    """What a run reads; ``today`` is the region's local date, from which retention is counted."""

    settings: Settings
    region: Region
    day_range: DayRange
    today: date


@dataclass(frozen=True)
class NightResult:
    """What a run did, in counts, room ids and codes: all of it may be stored and shown."""

    region: Region
    day_range: DayRange
    rooms_expected: int
    failed: Mapping[str, str] = field(default_factory=dict)
    bookings: int = 0
    deleted_days: int = 0
    unreadable_fields: int = 0
    directory_edits: Sequence[str] = ()

    @property
    def rooms_loaded(self) -> int:
        """Rooms that could be read."""
        return self.rooms_expected - len(self.failed)

    @property
    def is_whole(self) -> bool:
        """Whether every room could be read."""
        return not self.failed

    def counts(self) -> dict[str, int | str]:
        """Return the counts that the history keeps; the failed rooms are in a check's result."""
        return {
            "first_date": self.day_range.first_date.isoformat(),
            "last_date": self.day_range.last_date.isoformat(),
            "rooms_expected": self.rooms_expected,
            "rooms_loaded": self.rooms_loaded,
            "bookings": self.bookings,
            "deleted_days": self.deleted_days,
            "unreadable_fields": self.unreadable_fields,
        }


class NothingReadError(Exception):
    """No room of the region could be read, so nothing was replaced; has a code for each room."""

    def __init__(self, region: Region, failed: Mapping[str, str]) -> None:
        self.failed = dict(failed)
        codes = ", ".join(sorted(set(failed.values())))
        super().__init__(f"{region}: none of {len(failed)} rooms could be read ({codes})")


def today_in(settings: Settings, region: Region, now: datetime) -> date:
    """Return the region's local date at an instant."""
    return local_date(now, zone(settings.regions[region].time_zone))


def default_range(settings: Settings, today: date) -> DayRange:
    """Return the days that a night reads: recent days, which may have changed, and days ahead.

    Days that retention would delete at once are left out.
    """
    kept = first_day_kept(today, settings.retention_months)
    return DayRange(
        max(kept, today - timedelta(days=settings.trailing_days)),
        today + timedelta(days=settings.ahead_days),
    )


def run_night(night: Night, open_source: OpenSource, progress: Progress) -> NightResult:
    """Read the days of every room, replace them in the lake, and enforce the retention.

    Before it reads a room, it checks that the lake and the warehouse can be written.

    Raises:
        NothingReadError: no room could be read; the lake is unchanged.
        LakeBusy: another run of the region is going on.
        LakeError: the lake cannot be written, or is another region's.
        VersionError: the warehouse cannot be written.
        SettingsError: a secret's environment variable is not set.
    """
    region, day_range = night.region, night.day_range
    region_settings = night.settings.regions[region]
    lake = Lake(region_settings.lake, region)
    with lake.exclusive(), staging(lake) as staged:
        lake.probe()
        refuse_unwritable(region_settings.warehouse, region)
        refuse_lost_lake(lake, region_settings.warehouse)
        loaded, failed, unreadable = _read(night, open_source, progress, staged.add)
        progress.step("writing the days")
        edits = record_directory(
            lake, rooms_table(region_settings), directory_table(region_settings), night.today
        )
        room_ids = [room.room_id for room in region_settings.rooms]
        spans = {
            room.room_id: _span_of(day_range, zone(room.time_zone))
            for room in region_settings.rooms
        }
        days = day_range.days()
        bookings = apply_night(
            *(lake, staged, days, room_ids, loaded, failed, spans),
            *(region_settings.closures, night.today),
        )
        deleted = retain(lake, night.today, night.settings.retention_months)
    return NightResult(
        *(region, day_range, len(room_ids), failed, bookings, len(deleted), unreadable),
        directory_edits=by_kind(edits),
    )


def count_night(night: Night, open_source: OpenSource, progress: Progress) -> NightResult:
    """Read the days of every room and count their bookings; store nothing, not even in staging.

    Raises:
        NothingReadError: no room could be read.
        SettingsError: a secret's environment variable is not set.
    """
    bookings: Counter[str] = Counter()
    first = pa.scalar(night.day_range.first_date)

    def count(rows: pa.Table) -> None:
        of_days = rows.filter(pc.greater_equal(rows["local_start_date"], first))
        bookings.update(of_days["room_id"].to_pylist())

    loaded, failed, unreadable = _read(night, open_source, progress, count)
    total = sum(bookings[room_id] for room_id in loaded)
    expected = len(loaded) + len(failed)
    return NightResult(
        night.region, night.day_range, expected, failed, total, unreadable_fields=unreadable
    )


def _read(
    night: Night,
    open_source: OpenSource,
    progress: Progress,
    take: Callable[[pa.Table], None],
) -> tuple[dict[str, datetime], dict[str, str], int]:
    """Pass the rows of each room to ``take``.

    Return when each room was read, the codes of failed rooms, and the number of unreadable fields.
    """
    region = night.settings.regions[night.region]
    loaded: dict[str, datetime] = {}
    failed: dict[str, str] = {}
    reader = RoomReader(contexts_of(region), night.day_range)
    readings = readings_of(region, reader, open_source)
    progress.start(night.region, len(region.rooms))
    deadline = 60.0 * night.settings.run_deadline_minutes
    for outcome in read_rooms(readings, deadline, progress.wait):
        if isinstance(outcome, RoomRead):
            take(outcome.found)
            loaded[outcome.room_id] = outcome.read_at
        else:
            failed[outcome.room_id] = outcome.code
        progress.advance(outcome)
    # Rooms that answered with the same folder do not count as read.
    disputed = {address for reading in readings for address in reading.throttle.owners.disputed}
    for room in region.rooms:
        if room.address.casefold() in disputed and loaded.pop(room.room_id, None) is not None:
            failed[room.room_id] = OTHER_MAILBOX
    if not loaded and failed:
        raise NothingReadError(night.region, failed)
    return loaded, failed, reader.unreadable


def publish_region(
    settings: Settings,
    region: Region,
    now: datetime,
    restate_from: date | None = None,
    erased_through: date | None = None,
) -> Published:
    """Rebuild the region's database from its lake; ``now`` is an aware instant.

    With ``restate_from``, the current room directory applies from that day on (R18). An erasure of
    all days up to ``erased_through`` may have emptied the lake.

    Raises:
        WarehouseError: the lake cannot be read, or the warehouse cannot be written.
    """
    region_settings = settings.regions[region]
    today = today_in(settings, region, now)
    kept_from = first_day_kept(today, settings.retention_months)
    options = PublishOptions(
        minimum_group=region_settings.minimum_group,
        count_held_as_booked=settings.count_held_as_booked,
        keep_versions=settings.keep_versions,
        export_parquet=settings.export_parquet,
        is_parquet=settings.output == "parquet",
        is_copied=settings.pointer == "copy",
        closures=tuple(region_settings.closures),
        trailing_days=settings.trailing_days,
        kept_from=kept_from,
    )
    lake = Lake(region_settings.lake, region)
    with lake.exclusive():
        # Like closures and options, the directory comes from the operator's current files.
        edits = record_directory(
            lake,
            rooms_table(region_settings),
            directory_table(region_settings),
            today,
            restate_from,
        )
        with _builder(settings, region_settings.warehouse) as builder:
            warehouse = region_settings.warehouse
            published = publish(lake, warehouse, options, now, builder, erased_through)
    # Delete every older version that holds a day past its retention, however few are left.
    drop_versions_before(region_settings.warehouse, region, kept_from)
    return replace(published, edits=tuple(map(str, edits)))


@contextmanager
def _builder(settings: Settings, warehouse: Location) -> Iterator[Builder]:
    """Yield what builds databases: this machine, or Spark, which is imported only here.

    Raises:
        EngineUnusableError: Spark is not installed, or cannot be started as configured.
    """
    if settings.engine == "duckdb":
        yield build
        return
    try:
        spark: Callable[..., AbstractContextManager[Builder]] = resolve_name(_SPARK)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pandas", "pyspark"}:
            raise
        raise EngineUnusableError(
            f"engine: spark needs {error.name}, which is not installed: "
            "pip install 'room-insights[spark]'"
        ) from None
    keys, options = settings.spark, dict[str, object]()
    if keys is not None:
        options = {"master": keys.master, "conf": keys.conf, "shards": keys.shards}
        options["worker_memory"] = bytes_of(keys.worker_memory)
    shared = warehouse if isinstance(warehouse, ObjectUrl) else None
    with spark(**options, shared=shared) as builder:
        yield builder


def _span_of(days: DayRange, clock: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which the days begin and end on a clock."""
    return day_start(days.first_date, clock), day_start(days.last_date + timedelta(days=1), clock)


class RoomReader:
    """Reads and redacts rooms over a range of days. Thread-safe.

    ``unreadable`` counts the optional fields of bookings that could not be read.
    """

    def __init__(self, contexts: Mapping[str, RoomContext], day_range: DayRange) -> None:
        self.unreadable = 0
        self._contexts, self._day_range = contexts, day_range
        self._lock = threading.Lock()

    def read(self, source: CalendarSource, room_id: str, read_at: datetime) -> pa.Table:
        """Return one room's rows; the raw items never leave this frame.

        Raises:
            ReadError: the room cannot be read.
        """
        context, days = self._contexts[room_id], self._day_range
        items = source.read(context.address, Window(*_span_of(days, context.zone)))
        with self._lock:
            self.unreadable += sum(item.unreadable for item in items)
        return redact(items, context, read_at, days.first_date, days.last_date)


def write_page(settings: Settings, region: Region, out: Path | None = None) -> Page:
    """Write the page of the region's published database; missed targets come first on it.

    Raises:
        WarehouseError: nothing was published yet, or the file cannot be written.
    """
    chosen = settings.regions[region]
    return page.write_page(chosen.warehouse, region, out, chosen.targets)


def readings_of(
    region: RegionSettings,
    reader: RoomReader,
    open_source: OpenSource,
    room_ids: Mapping[str, Collection[str]] | None = None,
) -> Sequence[Reading[pa.Table]]:
    """Return a reading for each exchange: the rooms to read from it, and how.

    ``room_ids`` are those rooms by the name of the exchange; default: its own.

    Raises:
        SettingsError: a secret's environment variable is not set.
    """
    if room_ids is None:
        room_ids = {
            name: [room.room_id for room in region.rooms if room.exchange == name]
            for name in region.exchanges
        }
    addresses = {room.room_id: room.address for room in region.rooms}
    exchanges = [region.exchanges[name] for name in room_ids]
    secrets = read_secrets(*exchanges)
    return [
        Reading(
            addresses={room_id: addresses[room_id] for room_id in room_ids[name]},
            open_source=partial(open_source, exchange, secret, region.headcount),
            read_room=reader.read,
            workers=exchange.workers,
            room_deadline_seconds=exchange.room_deadline_seconds,
            exchange=name,
        )
        for name, exchange, secret in zip(room_ids, exchanges, secrets, strict=True)
    ]


def contexts_of(region: RegionSettings) -> Mapping[str, RoomContext]:
    """Return what redaction needs to know about each room, by room_id."""
    directory = frozenset(normal_address(room.address) for room in region.rooms)
    domains = frozenset(normal_domain(domain) for domain in region.accepted_domains)
    return {
        room.room_id: RoomContext(
            room.room_id, room.address, zone(room.time_zone), directory, domains
        )
        for room in region.rooms
    }
