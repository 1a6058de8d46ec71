"""Open published databases for analysts: read-only, in UTC, one version for each connection."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from glob import escape
from pathlib import Path
from typing import Final, TypeAlias, TypeVar
from uuid import uuid4

import duckdb
import pyarrow.parquet as pq
import yaml

from transforms.contract import Region, is_region, region_remedy
from warehouse.ddl import quoted
from warehouse.storage import Location, ObjectUrl
from warehouse.versions import VersionError, at_hand, current_version, pointer

Place: TypeAlias = str | Location
Warehouse: TypeAlias = Place | Mapping[Region, Place]

_ATTEMPTS: Final = 10
_DATABASE: Final = ".duckdb"
_T = TypeVar("_T")


def connect(
    region: Region | None = None,
    *,
    regions: Sequence[Region] = (),
    warehouse: Warehouse | None = None,
    bookings: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open the latest statistics of a region, or of several side by side.

    With ``bookings``, open the database that also holds single bookings, for those who may see
    them.

    ``connect("EU")`` has the region's tables by their names (``utilization``);
    ``connect(regions=["EU", "NA"])`` has them as ``eu.utilization`` and ``na.utilization``.
    ``warehouse`` is the folder of the databases, the path of one of them (its name decides on
    ``bookings``), the address of a bucket's prefix, or a mapping from region to one of these; by
    default the configuration names it (``$INSIGHTS_CONFIG``, else ``insights.yaml``). The pointer
    is followed once: open a new connection to see the next night. A file in a bucket is downloaded
    once, into a private cache (``$INSIGHTS_CACHE``, else ``~/.cache/room-insights``) that keeps
    only the latest. With ``output: parquet`` the tables are views of one version's files, and the
    connection accepts writes, but none of them are kept.

    Raises:
        NotPublished: nothing is published yet.
        VersionError: what is published cannot be read, or the folder is unknown.
        ValueError: ``region`` and ``regions`` are both given, both missing, or name no region.
    """
    if bool(region) == bool(regions) or isinstance(regions, str):
        raise ValueError("name one region, or several as regions=[...]")
    asked = (region,) if region else tuple(regions)
    if unknown := [each for each in asked if not is_region(each)]:
        remedy = region_remedy(unknown[0])
        raise ValueError(f"{unknown[0]!r} cannot be a region's name: {remedy}")
    if isinstance(warehouse, str | Path) and Path(warehouse).suffix == _DATABASE:
        bookings = not Path(warehouse).stem.endswith("-statistics")
    folders = {each: _folder(each, warehouse) for each in asked}
    connection = _follow(folders[region], region, bookings, _open) if region else duckdb.connect()
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # global: cursors use UTC too
    for each in dict.fromkeys(regions):
        _follow(folders[each], each, bookings, partial(_attach, connection, each.lower()))
    return connection


def _follow(folder: Location, region: Region, bookings: bool, use: Callable[[str], _T]) -> _T:
    """Use the version that the pointer names; retry if it was deleted before it was opened."""
    for _ in range(_ATTEMPTS):
        version = current_version(folder, region, statistics=not bookings)
        if not isinstance(version, Path):
            return use(str(_cached(version)))
        try:
            return use(str(version))
        except (duckdb.Error, FileNotFoundError, PermissionError) as refused:
            try:
                os.close(os.open(version, os.O_RDONLY))
            except FileNotFoundError:
                continue  # it was deleted
            except PermissionError as error:
                raise VersionError(
                    f"{version}: cannot be read ({error.strerror}): "
                    "see to its permissions, or ask its operators for access"
                ) from None
            raise VersionError(
                f"{version}: cannot be opened ({type(refused).__name__}): it is damaged, or was "
                f"made for another DuckDB: run 'insights publish --region {region}'"
            ) from refused
    raise VersionError(
        f"{pointer(folder, region)}: leads to no database: run 'insights publish --region {region}'"
    )


def last_build(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, datetime]:
    """Return data_through and built_at of a region's database.

    Raises:
        VersionError: somebody changed the database.
    """
    found = connection.execute("SELECT data_through, built_at FROM build_info").fetchone()
    if found is None:
        raise VersionError(
            "the database is not as it was published (build_info is empty); "
            "run 'insights publish' for the region"
        )
    data_through, built_at = found
    return data_through, built_at


@contextmanager
def opened(version: Location) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a version on disk or in a bucket, as a database or as Parquet.

    Raises:
        VersionError: it cannot be opened, or not be read within the block.
    """
    try:
        with at_hand(version) as path, _open(str(path)) as connection:
            yield connection
    except (duckdb.Error, OSError):
        raise VersionError(f"{version}: cannot be read: remove it by hand") from None


def _open(version: str) -> duckdb.DuckDBPyConnection:
    if Path(version).suffix == _DATABASE:
        return duckdb.connect(version, read_only=True)
    connection = duckdb.connect()
    _view(connection, "main", Path(version))
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, name: str, version: str) -> None:
    if Path(version).suffix == _DATABASE:
        connection.execute(f'ATTACH {quoted(version)} AS "{name}" (READ_ONLY)')
    else:
        connection.execute(f'CREATE SCHEMA "{name}"')
        _view(connection, name, Path(version))


def _view(connection: duckdb.DuckDBPyConnection, schema: str, folder: Path) -> None:
    """Create a view for each Parquet file, with the descriptions in its metadata as comments."""
    for file in sorted(each for each in os.listdir(folder) if each.endswith(".parquet")):  # noqa: PTH208 - raises where it is gone
        name, columns = f'"{schema}"."{Path(file).stem}"', pq.read_schema(folder / file)
        rows = f"read_parquet({quoted(escape(str(folder / file)))}, hive_partitioning = false)"
        connection.execute(f"CREATE VIEW {name} AS FROM {rows}")
        told = [(f"VIEW {name}", columns.metadata)]
        told += [(f'COLUMN {name}."{column.name}"', column.metadata) for column in columns]
        for what, metadata in told:
            if text := (metadata or {}).get(b"description"):
                connection.execute(f"COMMENT ON {what} IS {quoted(text.decode())}")


def _cached(version: ObjectUrl) -> Path:
    """Return a copy of a version on this machine; delete older versions of the same kind."""
    cache = Path(os.environ.get("INSIGHTS_CACHE") or Path.home() / ".cache" / "room-insights")
    folder = cache / str(version.parent).replace("://", "-").replace("/", "_")
    path = folder / version.name
    kind, _, _ = version.name.rpartition("-")
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not path.exists():
            aside = folder / f".{uuid4().hex}"
            with at_hand(version) as fetched:
                if fetched.is_dir():
                    shutil.copytree(fetched, aside)
                else:
                    shutil.copyfile(fetched, aside)
                    aside.chmod(0o400)
            try:
                aside.rename(path)
            except OSError:  # another process copied it first
                shutil.rmtree(aside)
        for other in folder.glob(f"{kind}-*"):
            if other != path and other.name.rpartition("-")[0] == kind:
                shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)
    except OSError as error:
        raise VersionError(
            f"{folder}: cannot be written ({error.strerror}): let INSIGHTS_CACHE name a folder"
        ) from None
    return path


def _location(text: str, start: Path = Path()) -> Location:
    if "://" not in text:
        return Path(start, text).expanduser()
    try:
        return ObjectUrl.parse(text)
    except ValueError as error:
        raise VersionError(f"warehouse: {error}") from None


def _folder(region: Region, warehouse: Warehouse | None) -> Location:
    """Return the warehouse of a region: the one given, or else the configuration's."""
    if warehouse is not None:
        chosen = warehouse.get(region) if isinstance(warehouse, Mapping) else warehouse
        if chosen is None:
            raise VersionError(f"no warehouse given for region {region}: name its folder")
        folder = _location(chosen) if isinstance(chosen, str) else chosen
        return folder.parent if folder.name.endswith(_DATABASE) else folder
    config = Path(os.environ.get("INSIGHTS_CONFIG") or "insights.yaml")
    try:
        # BaseLoader reads every value as text, so a region may be called NO.
        settings = yaml.load(config.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
        return _location(settings["regions"][region]["warehouse"], config.parent)
    except OSError as error:
        raise VersionError(
            f"{config}: cannot be read ({error.strerror}): pass warehouse=<its folder>, "
            "or set INSIGHTS_CONFIG to the path of the configuration"
        ) from None
    except (ValueError, yaml.YAMLError, KeyError, TypeError):
        raise VersionError(
            f"{config}: says no warehouse of region {region}: pass warehouse=<its folder>"
        ) from None
