"""A region's database, rebuilt whole from its lake: the order of the steps.

The steps are the files of ``sql``: those before, those of each pass, those after, and the last
ones, over all rooms together. Each pass replaces work tables and appends to the contract's tables.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.contract import CONTRACT_VERSION, Table
from transforms.contract.database import STATISTICS, TABLES
from warehouse.ahead import BUSY_AHEAD, load_busy_ahead
from warehouse.build import (
    HOURS_OF_PLACES,
    KNOWN_DAYS,
    MASKS,
    PEAKS,
    PLACE_CHANGES,
    WHAT_IF_BOOKED,
    Build,
    LakeRows,
    Rows,
    Stage,
    Survey,
    give_back,
    survey,
)
from warehouse.connect import connect, last_build
from warehouse.engine import Engine, EngineError, building
from warehouse.inputs import PublishOptions
from warehouse.lake import Lake, LakeError
from warehouse.profiles import PROFILE, PROFILE_COUNTS, TOLD_COUNTS, count_bookings, load_profile
from warehouse.profiles.remembered import LastVersion
from warehouse.storage import FOLDER_MODE, Location, WarehouseError
from warehouse.versions import (
    new_version,
    parquet_draft,
    parquet_pointer,
    pointer,
    statistics_draft,
)
from warehouse.what_if.plan import what_if_of

__all__ = ["PublishOptions", "Published", "build", "lost_bookings", "publish", "refuse_lost_lake"]

BEFORE: Final = (
    "rooms",
    "rooms_as_of",
    "coverage",
    "changes",
    "numbered_changes",
    "room_places",
    "places",
    "larger_places",
    "rooms_of_places",
    "gone",
    "ahead_buildings",
    "week_places",
    "what_if_now",
    "what_if_rooms_of",
)
EACH_PASS: Final = (
    Stage(("whole_days", "room_dates", "live", "known_dates", "gone_here")),
    Stage(("bookings",), arrays=(MASKS, PLACE_CHANGES, PEAKS, KNOWN_DAYS)),
    Stage(("what_if_days",)),
    Stage(
        (
            *("room_hours", "room_days", "room_days_ahead", "utilization_cells", "utilization"),
            *("open_places", "in_use", "rooms_in_use", "rooms_in_use_by_place", "hidden_cells"),
            *("series_hours", "change_days", "change_minutes", "ahead_days", "told_bookings"),
        ),
        arrays=(HOURS_OF_PLACES, WHAT_IF_BOOKED),
    ),
)
"""The arrays are those of ``masks.py``, ``in_use.py``, ``known.py`` and ``what_if/plan.py``."""
AFTER: Final = (
    "week_hours",
    "series_to_ask",
    PROFILE_COUNTS,
    TOLD_COUNTS,
    "change_counts",
    BUSY_AHEAD,
)
"""``busy_ahead`` and its check are arrays (``ahead.py``), and so are the next tables, those of the
page's what-if (``what_if/plan.py``)."""
LAST: Final = ("hour_of_week", PROFILE, "build_info")
"""Steps that need the counts of all rooms. Both profiles are not SQL but merged counts
(``profiles``)."""
LARGE: Final = ("bookings", "room_hours")
"""Most of the database, and complete before the last steps. Neither is part of the statistics."""

_COMPRESSION: Final = "snappy"  # some BI tools read no other
_ROW_GROUP_ROWS: Final = 122_880

Builder: TypeAlias = Callable[
    [Lake, Path, PublishOptions, datetime, LastVersion | None], tuple[date | None, dict[str, int]]
]
"""Builds a database as ``build`` does."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: the path that always leads to it, and the rows of every table.

    ``edits`` are the changes to the room directory, one line each (R18).
    """

    path: Location
    data_through: date | None
    rows: dict[str, int]
    edits: tuple[str, ...] = ()


def publish(  # noqa: PLR0913, PLR0917 - a build has so many parts
    lake: Lake,
    warehouse: Location,
    options: PublishOptions,
    now: datetime,
    builder: Builder | None = None,
    erased_through: date | None = None,
) -> Published:
    """Build the region's database from the lake and swap it in.

    ``now`` is an aware instant; it decides which dates are over (R14). ``builder`` replaces
    ``build``, which builds on this machine. ``erased_through`` is that of ``refuse_lost_lake``.

    Raises:
        WarehouseError: the lake cannot be read, or the warehouse not written; readers still see
            what they saw before.
    """
    refuse_lost_lake(lake, warehouse, erased_through)
    last = LastVersion(warehouse, lake.region)
    with new_version(
        warehouse,
        lake.region,
        options.keep_versions,
        is_copied=options.is_copied,
        is_parquet=options.is_parquet,
    ) as draft:
        try:
            data_through, rows = (builder or build)(lake, draft, options, now, last)
        except EngineError:
            lake.refuse_damage()
            raise
    leads_to = pointer(warehouse, lake.region)
    if options.is_parquet and isinstance(warehouse, Path):
        leads_to = parquet_pointer(warehouse, lake.region)
    return Published(leads_to, data_through, rows)


def lost_bookings(lake: Lake) -> str | None:
    """Return a line if bookings of days that were read are gone: those days count as empty.

    A night writes a file for an empty day too, but a lake from elsewhere may not, so that this is
    told and nothing is refused.

    Raises:
        LakeError: the lake cannot be read.
    """
    days = lake.days_lost()
    if not days:
        return None
    first, last = days[0], days[-1]
    which = str(first) if len(days) == 1 else f"{len(days)} days from {first} to {last}"
    return (
        f"{lake.root}: the bookings of {which} were read and their files are gone: restore them, "
        f"or run 'insights run --region {lake.region} --from {first} --to {last}'"
    )


def refuse_lost_lake(lake: Lake, warehouse: Location, erased_through: date | None = None) -> None:
    """Refuse an empty lake if the database has days: its disk may not be mounted.

    Publishing would replace the figures by none, and later delete the old versions. That is what
    is wanted if an erasure covers all days of the database, up to ``erased_through``.

    Raises:
        LakeError: the lake holds no day that was read, and the database does.
    """
    if lake.days("coverage"):
        return
    through = None
    # A database that cannot be read is replaced by the next one.
    with suppress(WarehouseError, duckdb.Error), connect(lake.region, warehouse=warehouse) as found:
        through, _ = last_build(found)
    if through is not None and through > (erased_through or date.min):
        raise LakeError(
            f"{lake.root}: holds no day that was read, and the database has days until {through}: "
            f"mount or restore the lake; to begin anew, remove the region's files in {warehouse}"
        )


def build(
    lake: Lake,
    path: Path,
    options: PublishOptions,
    now: datetime,
    last: LastVersion | None = None,
) -> tuple[date | None, dict[str, int]]:
    """Build the database at the path; return data_through and the rows of every table.

    The statistics for everybody are built beside it, and so are both as Parquet, if asked for.
    ``last`` tells what the last thirty nights showed of ``booking_profile``. It is not read before
    the passes are over: memory would hold it through all of them.
    """
    with (
        LakeRows(lake, options) as rows,
        building(path, options.threads, options.memory_limit) as engine,
    ):
        with engine.transaction():
            found = survey(engine, lake, rows, options, now)
        build_rooms(engine, rows, found, options)
        rows.check_unread()
        finish(engine, path, found, options, last)
        counted = engine.counts(TABLES)
    return found.data_through, counted


def build_rooms(
    engine: Engine,
    rows: Rows,
    found: Survey,
    options: PublishOptions,
    each_pass: Sequence[Stage] = EACH_PASS,
) -> None:
    """Build the tables of some rooms, which are all rooms of their buildings, from their rows.

    The engine must have its tables and the rooms (``load_rooms``). Work tables keep what ``finish``
    needs: counts that must first be summed over all rooms of the region.
    """
    with engine.transaction():
        passes = Build(engine, rows, found, options)
        for step in BEFORE:
            engine.run(f"before/{step}")
    passes.run(passes.passes(), each_pass)
    give_back()
    with engine.transaction(), ThreadPoolExecutor(1) as pool:
        # Python keeps one core busy here, while DuckDB takes the others.
        rooms, days = engine.table("what_if_now"), engine.table("what_if_days")
        what_if = pool.submit(what_if_of, found.inputs.region, rooms, days, passes.booked)
        for step in AFTER:
            if step == BUSY_AHEAD:
                load_busy_ahead(engine)
            elif step == PROFILE_COUNTS:
                count_bookings(engine)
            else:
                engine.run(f"after/{step}")
        for name, table in what_if.result().items():
            engine.insert(name, table)


def finish(
    engine: Engine, path: Path, found: Survey, options: PublishOptions, last: LastVersion | None
) -> None:
    """Build what is above building level, and the statistics beside the database.

    The counts of all rooms of the region come before. Both are written as Parquet too if asked: the
    large tables, by then complete, while the last ones are built.
    """
    region, now = found.inputs.region, found.inputs.now
    stamp = {"region": region, "contract_version": CONTRACT_VERSION, "built_at": now.isoformat()}
    is_written = options.export_parquet or options.is_parquet
    with ThreadPoolExecutor(1) as pool:
        if is_written:
            large = {name: TABLES[name] for name in LARGE}
            writing = pool.submit(_write_parquet, engine, parquet_draft(path), large, stamp)
        with engine.transaction():
            for step in LAST:
                if step == PROFILE:
                    today = now.astimezone(UTC).date()
                    with engine.less_memory():
                        load_profile(engine, options.minimum_group, today, last)
                else:
                    engine.run(f"last/{step}")
        if not options.is_parquet:
            engine.copy_statistics(statistics_draft(path))
        if is_written:
            others = {name: table for name, table in TABLES.items() if name not in LARGE}
            _write_parquet(engine, parquet_draft(path), others, stamp)
            _write_parquet(engine, parquet_draft(statistics_draft(path)), STATISTICS, stamp)
            writing.result()


def _write_parquet(
    engine: Engine, folder: Path, tables: Mapping[str, Table], stamp: Mapping[str, str]
) -> None:
    """Write ``<table>.parquet`` into a folder for each table.

    Each column's field metadata has its ``description`` and ``unit``; each file's metadata has its
    table's ``description``, and the stamp: ``region``, ``contract_version`` and ``built_at`` (the
    same in all files of a version). Rows are streamed: no table is held in memory.
    """
    folder.mkdir(FOLDER_MODE, exist_ok=True)
    for name, table in tables.items():
        schema = table.schema.with_metadata({**(table.schema.metadata or {}), **stamp})
        with (
            engine.batches(name, _ROW_GROUP_ROWS, statistics=tables is STATISTICS) as batches,
            pq.ParquetWriter(folder / f"{name}.parquet", schema, compression=_COMPRESSION) as file,
        ):
            for batch in batches:
                file.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
