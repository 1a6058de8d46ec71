"""What is stored of a region, and how old it is, for the record of processing.

Belongs here: counting and dating what lake and database hold, and who may read it.
Does not belong here: changing any of it, printing it (``pipelines/cli/record.py``).
"""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from transforms.contract import Region
from warehouse.connect import connect, opened
from warehouse.lake import Lake
from warehouse.storage import Location
from warehouse.versions import VersionError, published_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeHoldings:
    """What a lake holds; dates are None where it holds nothing."""

    bookings: int
    first_date: date | None
    last_date: date | None
    oldest_coverage_date: date | None
    oldest_changes_date: date | None
    rooms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHoldings:
    """What the versions of a database hold, the current one and older ones together."""

    versions: int
    oldest_date: date | None
    suppressed_cells: int | None


@dataclass(frozen=True, slots=True)
class Access:
    """The owner of a folder, and the widest rights on anything in it, as ``ls`` writes them."""

    owner: str
    group: str
    widest: str
    files: int
    size_bytes: int
    is_world_readable: bool


def lake_holdings(lake: Lake) -> LakeHoldings:
    """Count and date what the lake holds.

    Raises:
        LakeError: it cannot be read.
    """
    days, coverage = lake.days("bookings"), lake.days("coverage")
    rooms = lake.read("rooms")
    return LakeHoldings(
        bookings=lake.count("bookings"),
        first_date=min(days, default=None),
        last_date=max(days, default=None),
        oldest_coverage_date=min(coverage, default=None),
        oldest_changes_date=min(lake.days("changes"), default=None),
        rooms=0 if rooms is None else rooms.num_rows,
    )


def database_holdings(warehouse: Location, region: Region) -> DatabaseHoldings:
    """Date what every version of the database holds.

    Raises:
        VersionError: a version cannot be read.
    """
    versions = published_versions(warehouse, region)
    if not versions:
        return DatabaseHoldings(versions=0, oldest_date=None, suppressed_cells=None)
    dates = [day for version in versions if (day := _oldest_date(version)) is not None]
    with connect(region, warehouse=warehouse, bookings=True) as connection:
        suppressed = connection.execute("SELECT suppressed_cells FROM build_info").fetchone()
    return DatabaseHoldings(
        versions=len(versions),
        oldest_date=min(dates, default=None),
        suppressed_cells=int(suppressed[0]) if suppressed else None,
    )


def access_to(folder: Location) -> Access | None:
    """Return who may read a folder and everything in it; None if it does not exist.

    None for a bucket too: only its cloud knows who may read it.
    """
    if not isinstance(folder, Path) or not folder.is_dir():
        return None
    found = folder.stat()
    bits, size, files = 0, 0, 0
    for each in (found, *(path.lstat() for path in folder.rglob("*"))):
        if stat.S_ISLNK(each.st_mode):
            continue
        bits |= stat.S_IMODE(each.st_mode)
        if stat.S_ISREG(each.st_mode):
            size, files = size + each.st_size, files + 1
    return Access(
        owner=_name_of(folder.owner, found.st_uid),
        group=_name_of(folder.group, found.st_gid),
        widest=stat.filemode(bits)[1:],
        files=files,
        size_bytes=size,
        is_world_readable=bool(bits & stat.S_IRWXO),
    )


def _name_of(look_up: Callable[[], str], number: int) -> str:
    try:
        return look_up()
    except KeyError:
        return str(number)


def tables_in(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return the columns of each table of a database, which may be of an older contract."""
    found = connection.execute(
        "SELECT table_name, list(column_name) FROM duckdb_columns() "
        "WHERE NOT internal GROUP BY table_name"
    ).fetchall()
    return dict(found)


def _oldest_date(version: Location) -> date | None:
    days: list[date | None] = []
    try:
        with opened(version) as connection:
            for table, columns in tables_in(connection).items():
                for name in {"local_start_date", "local_date"} & {*columns}:
                    query = f'SELECT min({name}) FROM "{table}"'  # noqa: S608 - the file's names
                    days += connection.execute(query).fetchone() or ()
    except duckdb.Error:
        raise VersionError(f"{version}: cannot be read: remove it by hand") from None
    return min((day for day in days if day is not None), default=None)
