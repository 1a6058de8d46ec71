"""Erasing what was stored: from the lake, and from every version of the database.

An erased room-day becomes one that was never read (R13): its coverage row stays without a good
reading, so it is in no denominator and never looks like an empty calendar. The ledger's changes to
bookings of those days are erased too. Once everything of a room that has left the directory is
erased, so are these rows and its history in the directory (``forget_room``).
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import Region
from transforms.contract.lake import COVERAGE
from transforms.local_time import local_date, zone
from warehouse.connect import opened
from warehouse.directory import as_of_days, forget_directory
from warehouse.holdings import DATE_COLUMNS, tables_in
from warehouse.lake import DATASETS, Lake
from warehouse.ledger import forget_changes
from warehouse.nightly import rows_of, rows_of_others
from warehouse.storage import Location
from warehouse.versions import (
    VersionError,
    current_version,
    drop_versions,
    kept_files,
    published_versions,
)

_FARTHEST_ZONES: Final = ("Etc/GMT+12", "Pacific/Kiritimati")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The local days to erase, both ends included: of one room, or of all if ``room_id`` is None.

    A booking belongs to the local date on which it starts (R10).
    """

    room_id: str | None = None
    first_date: date = date.min
    last_date: date = date.max


@dataclass(frozen=True, slots=True)
class Found:
    """What an erasure covers in the lake.

    ``room_days`` counts coverage rows that say when a room-day was read.
    """

    days: tuple[date, ...] = ()
    bookings: int = 0
    room_days: int = 0
    changes: int = 0


def find(lake: Lake, erasure: Erasure) -> Found:
    """Count what an erasure covers in the lake."""
    days: list[date] = []
    bookings = room_days = 0
    every = sorted({day for dataset in DATASETS for day in lake.days(dataset)})
    asked = [day for day in every if erasure.first_date <= day <= erasure.last_date]
    stored = (lake.read_each(dataset, asked) for dataset in DATASETS)
    for day, of_bookings, of_coverage in zip(asked, *stored, strict=True):
        of_day = _rows(of_bookings, erasure).num_rows
        claimed = _rows(of_coverage, erasure)
        if of_coverage is not None:
            claims = pc.or_(claimed["is_loaded"], pc.is_valid(claimed["read_at"]))
            claimed = claimed.filter(claims)
        read = claimed.num_rows
        if erasure.room_id is None or of_day or read:
            days.append(day)
        bookings += of_day
        room_days += read
    nights = lake.read_each("changes", lake.days("changes"))
    is_erased = _is_erased(lake, erasure)
    changes = sum(pc.sum(is_erased(rows)).as_py() or 0 for rows in nights if rows is not None)
    return Found(tuple(days), bookings, room_days, changes)


def erase(lake: Lake, erasure: Erasure) -> Found:
    """Erase from the lake; return what was there. Also sweep what a killed run staged.

    Each day's coverage goes first, so that a killed erasure never leaves a day that claims to have
    been read but has no bookings. Running it again finishes it.

    Raises:
        LakeBusy: another run of the region is going on.
        LakeError: a file cannot be read or written.
    """
    with lake.exclusive():
        found = find(lake, erasure)
        for day in found.days:
            if erasure.room_id is None:
                for dataset in reversed(DATASETS):
                    lake.delete(dataset, day)
            else:
                _erase_room_day(lake, erasure.room_id, day)
        forget_changes(lake, _is_erased(lake, erasure))
        if (
            erasure.room_id is None
            and erasure.first_date == date.min < erasure.last_date < date.max
        ):
            forget_directory(lake, erasure.last_date + timedelta(days=1))
    return found


def forget_room(lake: Lake, erasure: Erasure) -> bool:
    """After all of a room that has left the directory was erased, erase its name and id too.

    This must come last: as long as the lake knows the room, a killed erasure can be run again.
    Return whether there was anything.

    Raises:
        LakeBusy: another run of the region is going on.
    """
    room_id, is_whole = erasure.room_id, erasure.first_date == date.min
    rooms = lake.read("rooms")
    listed = set() if rooms is None else set(rooms["room_id"].to_pylist())
    if room_id is None or room_id in listed or not is_whole or erasure.last_date < date.max:
        return False
    with lake.exclusive():
        found = list(_coverage_of(lake, room_id))
        with lake.at_once():
            for day, rows in found:
                lake.replace("coverage", day, rows_of_others(rows, [room_id]))
        is_in_history = room_id in as_of_days(lake)["room_id"].to_pylist()
        if is_in_history:
            forget_directory(lake, date.min, [room_id])
    return bool(found) or is_in_history


def is_known(lake: Lake, room_id: str) -> bool:
    """Return whether the directory, its history or any day's coverage has the room."""
    rooms = [table for table in (lake.read("rooms"), as_of_days(lake)) if table is not None]
    is_listed = any(room_id in table["room_id"].to_pylist() for table in rooms)
    return is_listed or any(True for _ in _coverage_of(lake, room_id))


def rows_in_warehouse(warehouse: Location, region: Region, erasure: Erasure) -> int:
    """Count the rows an erasure covers in every version kept, as database and as Parquet.

    Includes the statistics, the databases with bookings, and the plain copies that replace
    pointers.

    Raises:
        VersionError: a version cannot be read.
    """
    with duckdb.connect() as engine:  # one for all files: opening it takes longer than a count
        rows = 0
        for path in kept_files(warehouse, region):
            if path.suffix != ".parquet":
                rows += _rows_in(path, erasure)
                continue
            source = "read_parquet(?, hive_partitioning = false)"
            try:
                columns = pq.read_schema(path).names
                rows += _count(engine, source, [str(path)], columns, erasure)
            except (duckdb.Error, pa.ArrowInvalid, OSError):
                raise VersionError(f"{path}: cannot be read: remove it by hand") from None
    return rows


def drop_versions_before(warehouse: Location, region: Region, first_kept: date) -> list[str]:
    """Remove older versions that hold a day before ``first_kept``; return them.

    The current version stays: it matches the lake. A version that cannot be read counts as holding
    such a day. The remaining versions are then checked again.

    Raises:
        VersionError: a version could not be removed, or is still there afterwards.
    """
    past = Erasure(last_date=first_kept - timedelta(days=1))

    def holds_past(version: Location) -> bool:
        try:
            return _rows_in(version, past) > 0
        except VersionError:
            return True

    dropped = drop_versions(warehouse, region, holds_past)
    if not dropped:
        return []
    current = current_version(warehouse, region)
    left = [each for each in published_versions(warehouse, region) if each != current]
    if any(holds_past(version) for version in left):
        raise VersionError(f"{warehouse}: a version past its retention was not removed")
    return dropped


def _coverage_of(lake: Lake, room_id: str) -> Iterator[tuple[date, pa.Table]]:
    """Yield the days on which the coverage has a room, with that of all rooms."""
    days = lake.days("coverage")
    for day, rows in zip(days, lake.read_each("coverage", days), strict=True):
        if rows is not None and rows_of(rows, [room_id]).num_rows:
            yield day, rows


def _rows(table: pa.Table | None, erasure: Erasure) -> pa.Table:
    if table is None:
        return pa.table({})
    return table if erasure.room_id is None else rows_of(table, [erasure.room_id])


def _is_erased(lake: Lake, erasure: Erasure) -> Callable[[pa.Table], pa.Array]:
    """Return a function that says which changes have an erased booking, before or after."""
    directory = as_of_days(lake).to_pylist()
    clocks = {row["room_id"]: [zone(row["time_zone"])] for row in directory}
    # Of a room whose zone is unknown, a start is on the local dates of both extreme zones.
    farthest = [zone(name) for name in _FARTHEST_ZONES]

    def is_erased(rows: pa.Table) -> pa.Array:
        named = [rows[each].to_pylist() for each in ("room_id", "starts_at", "new_starts_at")]
        return pa.array(
            [
                erasure.room_id in (None, room_id)
                and any(
                    erasure.first_date <= local_date(start, clock) <= erasure.last_date
                    for start in starts
                    if start is not None
                    for clock in clocks.get(room_id, farthest)
                )
                for room_id, *starts in zip(*named, strict=True)
            ],
            pa.bool_(),
        )

    return is_erased


def _erase_room_day(lake: Lake, room_id: str, day: date) -> None:
    coverage = lake.read("coverage", day)
    if coverage is not None:
        codes = rows_of(coverage, [room_id])["error_code"].to_pylist()
        never_read = [
            {"room_id": room_id, "is_loaded": False, "read_at": None, "error_code": code}
            for code in codes
        ]
        rows = pa.Table.from_pylist(never_read, schema=COVERAGE)
        others = rows_of_others(coverage, [room_id])
        lake.replace("coverage", day, pa.concat_tables([others, rows]))
    bookings = lake.read("bookings", day)
    if bookings is not None:
        lake.replace("bookings", day, rows_of_others(bookings, [room_id]))


def _rows_in(path: Location, erasure: Erasure) -> int:
    """Count the rows an erasure covers in a database, or in a folder of tables."""
    with opened(path) as connection:
        return sum(
            _count(connection, f'"{table}"', [], columns, erasure)
            for table, columns in tables_in(connection).items()
        )


def _count(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    source_parameters: list[object],
    columns: Collection[str],
    erasure: Erasure,
) -> int:
    """Count a table's rows; 0 if it has no dates, or no room_id where one room is erased."""
    day = next((name for name in DATE_COLUMNS if name in columns), None)
    if day is None or (erasure.room_id is not None and "room_id" not in columns):
        return 0
    where = f"{day} BETWEEN ? AND ?"
    parameters: list[object] = [erasure.first_date, erasure.last_date]
    if erasure.room_id is not None:
        # An erased room-day keeps its coverage row, without a reading.
        reading = "read_at IS NOT NULL" if "read_at" in columns else "is_loaded"
        is_read = f" AND {reading}" if "is_loaded" in columns else ""
        where, parameters = f"{where} AND room_id = ?{is_read}", [*parameters, erasure.room_id]
    query = f"SELECT count(*) FROM {source} WHERE {where}"  # noqa: S608 - names, no values
    return int(connection.execute(query, [*source_parameters, *parameters]).fetchall()[0][0])
