"""The database of a region is published whole: built aside, then the pointer is swapped.

Belongs here: where versions lie, how one is published and which are kept.
Does not belong here: what is in a database (``sql``, ``publish.py``), how the fixed names lead
to a version (``pointers.py``), opening one (``connect.py``), safe handling of files (``tree.py``).

``<warehouse>/insights-eu.duckdb`` is a symlink to ``versions/insights-eu-<UTC time>.duckdb``, or
a plain copy of it. Where its tables were built as Parquet too, they are in the folder
``versions/insights-eu-<UTC time>``, to which ``<warehouse>/parquet-eu`` leads in the same way.
Versions never change once published; a reader that has one open keeps it when it is collected.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from transforms.contract import Region
from warehouse.pointers import copy_file, copy_folder, point, seal, withdraw
from warehouse.tree import FOLDER_MODE, Tree, WarehouseError, sync_folder

_FOLDER: Final = "versions"
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_FEWEST_KEPT: Final = 2


class VersionError(WarehouseError):
    """A database cannot be published or found: one line that names the path and the remedy."""


class VersionBusy(VersionError):  # noqa: N818 - it is a state that passes, not a fault
    """Another build of the region's database is going on."""


@contextmanager
def new_version(
    warehouse: Path, region: Region, keep_versions: int = 7, *, is_copied: bool = False
) -> Iterator[Path]:
    """Give the path to build a database at; publish it when the block ends without an error.

    The database must be closed by then; its tables as Parquet go along if they are in the
    folder ``parquet_draft`` of the path. Of the published versions the latest ``keep_versions``
    stay, the new one included, and the one that it replaces always does until the next build: a
    reader may just have resolved the symlink to it. With ``is_copied`` readers get a plain copy
    in place of the symlink.
    After an error, or if the builder is killed, readers see what they saw before; what is left
    of it is swept by the next build.

    Raises:
        VersionBusy: at once, if another build of the region is going on.
        VersionError: nothing was built, it was left open, or the disk refuses it.
    """
    tree = Tree(warehouse, "warehouse", VersionError)
    building = f".building-{region.lower()}"
    with _only_builder(tree, region):
        tree.remove(building)
        draft = tree.ensure(building) / f"{_stem(region)}.duckdb"
        try:
            yield draft
            _refuse_unfinished(draft)
            version = _publish(tree, region, draft)
            _show(tree, region, version, tree.path(building, "pointer"), is_copied)
            _collect(tree, region, keep_versions)
        finally:
            tree.remove(building)


def pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the region's latest database."""
    return warehouse / f"{_stem(region)}.duckdb"


def parquet_pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the folder of the latest tables as Parquet."""
    return warehouse / f"parquet-{region.lower()}"


def parquet_draft(database: Path) -> Path:
    """Return where the tables of a database that is being built go as Parquet, a new folder."""
    return database.with_suffix("")


def current_version(warehouse: Path, region: Region) -> Path:
    """Return the file that the pointer leads to now; a build may swap the pointer any time.

    Where a plain copy is in its place, this is the latest version beside it, which does not
    change; or the copy itself, if it was taken elsewhere alone.

    Raises:
        VersionError: nothing was published yet, or the pointer leads out of ``versions``.
    """
    path = pointer(warehouse, region)
    try:
        target = path.readlink()
    except FileNotFoundError:
        raise VersionError(
            f"{path}: no database yet: run 'insights publish --region {region}'"
        ) from None
    except OSError as error:
        if error.errno == errno.EINVAL:
            return _latest(warehouse, region) or path
        raise VersionError(
            f"{path}: cannot be read ({error.strerror}): ask its operators for access"
        ) from None
    if target != Path(_FOLDER, target.name) or not _is_version(target.name, region):
        raise VersionError(f"{path}: leads to no version of region {region}: remove and publish it")
    return warehouse / target


def published_versions(warehouse: Path, region: Region) -> list[Path]:
    """Return every version of the region that is kept, oldest first."""
    tree = Tree(warehouse, "warehouse", VersionError)
    return [tree.path(_FOLDER, name) for name in _names(tree, region)]


def drop_versions(
    warehouse: Path, region: Region, is_unwanted: Callable[[Path], bool]
) -> list[str]:
    """Remove the unwanted versions, but never the current one; return their names.

    Raises:
        VersionBusy: a build of the region is going on.
        VersionError: one cannot be removed.
    """
    tree = Tree(warehouse, "warehouse", VersionError)
    if not _names(tree, region):
        return []
    with _only_builder(tree, region):
        current = current_version(warehouse, region).name
        old = [name for name in _names(tree, region) if name != current]
        unwanted = [name for name in old if is_unwanted(tree.path(_FOLDER, name))]
        for name in unwanted:
            _remove(tree, name)
        _sweep(tree, region)
    return unwanted


def _only_builder(tree: Tree, region: Region) -> AbstractContextManager[None]:
    busy = VersionBusy(
        f"{tree.root}: another build of region {region} is going on: wait for its end"
    )
    return tree.locked(f".lock-{region.lower()}", busy)


def _publish(tree: Tree, region: Region, draft: Path) -> str:
    """Move what was built into the folder of versions; return the version's name."""
    versions = tree.ensure(_FOLDER)
    name = _next_name(tree, region)
    tables = parquet_draft(draft)
    with tree.errors("written"):
        if tables.is_dir():
            tables.chmod(FOLDER_MODE)
            for path in tables.iterdir():
                seal(path)
            sync_folder(tables)
            tables.rename(parquet_draft(versions / name))
        seal(draft)
        draft.rename(versions / name)
        sync_folder(versions)
    return name


def _show(tree: Tree, region: Region, name: str, aside: Path, is_copied: bool) -> None:
    """Let readers see the version: its Parquet and its database."""
    database, tables = pointer(tree.root, region).name, parquet_pointer(tree.root, region).name
    version = Path(_FOLDER, name)
    if not tree.path(*parquet_draft(version).parts).is_dir():
        withdraw(tree, tables)
    elif is_copied:
        copy_folder(tree, tree.root / parquet_draft(version), aside, tables)
    else:
        point(tree, tables, parquet_draft(version), aside)
    if is_copied:
        copy_file(tree, tree.root / version, aside, database)
    else:
        point(tree, database, version, aside)


def _refuse_unfinished(draft: Path) -> None:
    if draft.is_symlink() or not draft.is_file():
        raise VersionError(f"{draft}: nothing was built: the pointer stays where it was")
    if draft.with_name(f"{draft.name}.wal").exists():
        raise VersionError(f"{draft}: was left open: close its connections before publishing")


def _next_name(tree: Tree, region: Region) -> str:
    """Name a version by the time, but never before the latest: clocks are set back."""
    names = _names(tree, region)
    moment = datetime.now(UTC)
    if names:
        moment = max(moment, _moment_of(names[-1], region) + timedelta(microseconds=1))
    return f"{_stem(region)}-{moment.strftime(_STAMP)}.duckdb"


def _collect(tree: Tree, region: Region, keep_versions: int) -> None:
    current = current_version(tree.root, region).name
    old = [name for name in _names(tree, region) if name != current]
    kept = max(keep_versions, _FEWEST_KEPT) - 1
    for name in old[: max(0, len(old) - kept)]:
        _remove(tree, name)
    _sweep(tree, region)


def _remove(tree: Tree, name: str) -> None:
    tree.remove(_FOLDER, parquet_draft(Path(name)).name)
    tree.remove(_FOLDER, name)


def _sweep(tree: Tree, region: Region) -> None:
    """Remove the Parquet of a build that was killed before its database was published."""
    for name in tree.names(_FOLDER):
        database = f"{name}.duckdb"
        if _is_version(database, region) and tree.look(_FOLDER, database) is None:
            tree.remove(_FOLDER, name)


def _latest(warehouse: Path, region: Region) -> Path | None:
    names = [path.name for path in (warehouse / _FOLDER).glob("*.duckdb")]
    latest = max((name for name in names if _is_version(name, region)), default=None)
    return warehouse / _FOLDER / latest if latest else None


def _names(tree: Tree, region: Region) -> list[str]:
    return [name for name in tree.names(_FOLDER) if _is_version(name, region)]


def _is_version(name: str, region: Region) -> bool:
    try:
        _moment_of(name, region)
    except ValueError:
        return False
    return True


def _moment_of(name: str, region: Region) -> datetime:
    pattern = f"{_stem(region)}-{_STAMP}.duckdb"
    return datetime.strptime(name, pattern).replace(tzinfo=UTC)


def _stem(region: Region) -> str:
    return f"insights-{region.lower()}"
