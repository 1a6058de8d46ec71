"""The database of a region is published whole: built aside, then the pointer is swapped.

Belongs here: where versions lie, the pointer, how one is published and which are kept.
Does not belong here: what is in a database (``sql``, ``publish.py``), opening one
(``connect.py``), safe handling of files (``tree.py``).

``<warehouse>/insights-eu.duckdb`` is a symlink to ``versions/insights-eu-<UTC time>.duckdb``.
Versions never change once published; a reader that has one open keeps it when it is collected.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from transforms.contract import Region
from warehouse.tree import Tree, WarehouseError, sync_folder

_FOLDER: Final = "versions"
_MODE: Final = 0o440
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"


class VersionError(WarehouseError):
    """A database cannot be published or found: one line that names the path and the remedy."""


class VersionBusy(VersionError):  # noqa: N818 - it is a state that passes, not a fault
    """Another build of the region's database is going on."""


@contextmanager
def new_version(warehouse: Path, region: Region, keep_versions: int = 7) -> Iterator[Path]:
    """Give the path to build a database at; publish it when the block ends without an error.

    The database must be closed by then. Of the published versions the latest
    ``keep_versions`` stay, the new one included; with only one, a reader that opens the symlink
    itself at the moment of the swap may miss it, since DuckDB resolves before it opens.
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
            _publish(tree, region, building, draft)
            _collect(tree, region, keep_versions)
        finally:
            tree.remove(building)


def pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the region's latest database."""
    return warehouse / f"{_stem(region)}.duckdb"


def current_version(warehouse: Path, region: Region) -> Path:
    """Return the file that the pointer leads to now; a build may swap the pointer any time.

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
            return path  # a plain copy, where somebody's file share has no symlinks
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
            tree.remove(_FOLDER, name)
    return unwanted


def _only_builder(tree: Tree, region: Region) -> AbstractContextManager[None]:
    busy = VersionBusy(
        f"{tree.root}: another build of region {region} is going on: wait for its end"
    )
    return tree.locked(f".lock-{region.lower()}", busy)


def _publish(tree: Tree, region: Region, building: str, draft: Path) -> None:
    versions = tree.ensure(_FOLDER)
    name = _next_name(tree, region)
    aside = tree.path(building, "pointer")
    with tree.errors("written"):
        _seal(draft)
        draft.rename(versions / name)
        sync_folder(versions)
        aside.symlink_to(Path(_FOLDER, name))
        aside.replace(pointer(tree.root, region))
        sync_folder(tree.root)


def _seal(draft: Path) -> None:
    descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, _MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    for name in old[: max(0, len(old) - (keep_versions - 1))]:
        tree.remove(_FOLDER, name)


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
