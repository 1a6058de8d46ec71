"""What is stored of a region, how old it is, and who may read it: for the record of processing."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from transforms.contract import Region
from warehouse.connect import opened
from warehouse.storage import Location
from warehouse.versions import published_versions

DATE_COLUMNS: Final = ("local_start_date", "local_date")
"""Columns that say to which local day a row of a database belongs."""


@dataclass(frozen=True, slots=True)
class Access:
    """The owner of a folder, and the widest rights on anything in it, as ``ls`` writes them."""

    owner: str
    group: str
    widest: str
    files: int
    size_bytes: int
    is_world_readable: bool


def oldest_dates(warehouse: Location, region: Region) -> list[date | None]:
    """Return the oldest date in each version of the database; None for one without dates.

    Raises:
        VersionError: a version cannot be read.
    """
    found = []
    for version in published_versions(warehouse, region):
        days: list[date | None] = []
        with opened(version) as connection:
            for table, columns in tables_in(connection).items():
                for name in {*DATE_COLUMNS} & {*columns}:
                    query = f'SELECT min({name}) FROM "{table}"'  # noqa: S608 - the file's names
                    days += connection.execute(query).fetchone() or ()
        found.append(min((day for day in days if day is not None), default=None))
    return found


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
