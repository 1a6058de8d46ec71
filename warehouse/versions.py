"""The database of a region is published whole: built aside, then the pointer is swapped.

Belongs here: where versions lie, how one is published and which are kept.
Does not belong here: what is in a database (``sql``, ``publish.py``), how the fixed names lead
to a version (``pointers.py``), opening one (``connect.py``), files on a disk (``storage.py``).

``versions/insights-eu-<UTC time>.duckdb`` holds everything of a build, and
``statistics/insights-eu-statistics-<UTC time>.duckdb`` what everybody may see; the folders of the
same names without an ending hold the tables as Parquet. They are in two folders, so that each can
belong to a group of its own. The folder ``published/eu-<UTC time>`` has links to what was built
together, and ``current-eu`` leads to the latest one: swapping this one link shows everything of
a build at once. The fixed names (``insights-eu.duckdb``, ``insights-eu-statistics.duckdb``,
``parquet-eu``, ``parquet-eu-statistics``) lead through it, or are plain copies.
Versions never change once published; a reader that has one open keeps it when it is collected.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from transforms.contract import Region
from warehouse.pointers import copy_file, copy_folder, point, remove_pointer, seal
from warehouse.storage import FOLDER_MODE, DiskStorage, WarehouseError, sync_folder

_FOLDER: Final = "versions"
_STATISTICS: Final = "statistics"
_LINKS: Final = "published"
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
    tree = DiskStorage(warehouse, "warehouse", VersionError)
    building = f".building-{region.lower()}"
    with _only_builder(tree, region):
        tree.delete(building)
        draft = tree.ensure(building) / f"{_stem(region)}.duckdb"
        try:
            yield draft
            _refuse_unfinished(draft)
            version = _publish(tree, region, draft, is_copied)
            _show(tree, region, version, tree.path(building, "pointer"), is_copied)
            _collect(tree, region, keep_versions)
        finally:
            tree.delete(building)


def pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the region's latest database."""
    return warehouse / f"{_stem(region)}.duckdb"


def parquet_pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the folder of the latest tables as Parquet."""
    return warehouse / f"parquet-{region.lower()}"


def statistics_pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the region's latest statistics, for everybody."""
    return statistics_draft(pointer(warehouse, region))


def statistics_draft(database: Path) -> Path:
    """Return where the statistics of a database that is being built go."""
    return database.with_name(f"{database.stem}-statistics.duckdb")


def parquet_draft(database: Path) -> Path:
    """Return where the tables of a database that is being built go as Parquet, a new folder."""
    return database.with_suffix("")


def current_version(warehouse: Path, region: Region, *, statistics: bool = False) -> Path:
    """Return the file that a pointer leads to now; a build may swap it any time.

    Where a plain copy is in its place, this is the latest version beside it, which does not
    change; or the copy itself, if it was taken elsewhere alone.

    Raises:
        VersionError: nothing was published yet, or the pointer leads out of ``versions``.
    """
    path = (statistics_pointer if statistics else pointer)(warehouse, region)
    try:
        target = path.readlink()
        if target == Path(_current(region), path.name):
            target = (warehouse / _current(region)).readlink()
            moment = target.name.removeprefix(f"{region.lower()}-")
            target = Path(_FOLDER, f"{_stem(region)}-{moment}.duckdb")
    except FileNotFoundError:
        raise VersionError(
            f"{path}: no database yet: run 'insights publish --region {region}'"
        ) from None
    except OSError as error:
        if error.errno == errno.EINVAL:
            latest = _latest(warehouse, region)
            beside = latest and statistics_version(latest) if statistics else latest
            return beside if beside and beside.exists() else path
        raise VersionError(
            f"{path}: cannot be read ({error.strerror}): ask its operators for access"
        ) from None
    if target != Path(_FOLDER, target.name) or not _is_version(target.name, region):
        raise VersionError(f"{path}: leads to no version of region {region}: remove and publish it")
    return statistics_version(warehouse / target) if statistics else warehouse / target


def statistics_version(version: Path) -> Path:
    """Return the statistics that were built together with a version."""
    stem, _, moment = version.stem.rpartition("-")
    return version.parents[1] / _STATISTICS / f"{stem}-statistics-{moment}.duckdb"


def published_versions(warehouse: Path, region: Region) -> list[Path]:
    """Return every version of the region that is kept, oldest first."""
    tree = DiskStorage(warehouse, "warehouse", VersionError)
    return [tree.path(_FOLDER, name) for name in _names(tree, region)]


def drop_versions(
    warehouse: Path, region: Region, is_unwanted: Callable[[Path], bool]
) -> list[str]:
    """Remove the unwanted versions, but never the current one; return their names.

    Raises:
        VersionBusy: a build of the region is going on.
        VersionError: one cannot be removed.
    """
    tree = DiskStorage(warehouse, "warehouse", VersionError)
    if not _names(tree, region):
        return []
    with _only_builder(tree, region):
        current = current_version(warehouse, region).name
        old = [name for name in _names(tree, region) if name != current]
        unwanted = [name for name in old if is_unwanted(tree.path(_FOLDER, name))]
        for name in unwanted:
            _remove(tree, name, region)
        _sweep(tree, region)
    return unwanted


def _only_builder(tree: DiskStorage, region: Region) -> AbstractContextManager[None]:
    busy = VersionBusy(
        f"{tree.root}: another build of region {region} is going on: wait for its end"
    )
    return tree.lock(f".lock-{region.lower()}", busy)


def _publish(tree: DiskStorage, region: Region, draft: Path, is_copied: bool) -> str:
    """Move what was built into the folders of versions; return the version's name."""
    name = _next_name(tree, region)
    version = tree.ensure(_FOLDER) / name
    statistics = statistics_version(version)
    tree.ensure(_STATISTICS)
    with tree.errors("written"):
        for built, final in ((statistics_draft(draft), statistics), (draft, version)):
            tables = parquet_draft(built)
            if tables.is_dir():
                tables.chmod(FOLDER_MODE)
                for path in tables.iterdir():
                    seal(path)
                sync_folder(tables)
                tables.rename(parquet_draft(final))
            seal(built)
            built.rename(final)
            sync_folder(final.parent)
    if not is_copied:
        links = tree.ensure(_LINKS, _links(name, region))
        with tree.errors("written"):
            for fixed, final in _fixed_names(tree, region, version).items():
                if final.exists():
                    (links / fixed).symlink_to(Path("../..", final.relative_to(tree.root)))
            sync_folder(links)
    return name


def _fixed_names(tree: DiskStorage, region: Region, version: Path) -> dict[str, Path]:
    """Return what each fixed name of the warehouse stands for in a version."""
    statistics = statistics_version(version)
    tables = parquet_pointer(tree.root, region).name
    return {
        statistics_pointer(tree.root, region).name: statistics,
        f"{tables}-statistics": parquet_draft(statistics),
        tables: parquet_draft(version),
        pointer(tree.root, region).name: version,
    }


def _show(tree: DiskStorage, region: Region, name: str, aside: Path, is_copied: bool) -> None:
    """Let readers see the version: its statistics, its Parquet and its database."""
    current = _current(region)
    names = _fixed_names(tree, region, tree.path(_FOLDER, name))
    if is_copied:
        remove_pointer(tree, current)
    else:
        # The one step that shows everything of a build.
        point(tree, current, Path(_LINKS, _links(name, region)), aside)
    for fixed, final in names.items():
        if not final.exists():
            remove_pointer(tree, fixed)
        elif not is_copied:
            if not _leads_to(tree.path(fixed), Path(current, fixed)):
                point(tree, fixed, Path(current, fixed), aside)
        elif final.is_dir():
            copy_folder(tree, final, aside, fixed)
        else:
            copy_file(tree, final, aside, fixed)


def _leads_to(path: Path, target: Path) -> bool:
    return path.is_symlink() and path.readlink() == target


def _current(region: Region) -> str:
    return f"current-{region.lower()}"


def _links(name: str, region: Region) -> str:
    return f"{region.lower()}-{name.removeprefix(_stem(region) + '-').removesuffix('.duckdb')}"


def _refuse_unfinished(draft: Path) -> None:
    for built in (draft, statistics_draft(draft)):
        if built.is_symlink() or not built.is_file():
            raise VersionError(f"{built}: nothing was built: the pointer stays where it was")
        if built.with_name(f"{built.name}.wal").exists():
            raise VersionError(f"{built}: was left open: close its connections before publishing")


def _next_name(tree: DiskStorage, region: Region) -> str:
    """Name a version by the time, but never before the latest: clocks are set back."""
    names = _names(tree, region)
    moment = datetime.now(UTC)
    if names:
        moment = max(moment, _moment_of(names[-1], region) + timedelta(microseconds=1))
    return f"{_stem(region)}-{moment.strftime(_STAMP)}.duckdb"


def _collect(tree: DiskStorage, region: Region, keep_versions: int) -> None:
    current = current_version(tree.root, region).name
    old = [name for name in _names(tree, region) if name != current]
    kept = max(keep_versions, _FEWEST_KEPT) - 1
    for name in old[: max(0, len(old) - kept)]:
        _remove(tree, name, region)
    _sweep(tree, region)


def _remove(tree: DiskStorage, name: str, region: Region) -> None:
    statistics = statistics_version(tree.path(_FOLDER, name)).name
    for folder, of_version in ((_STATISTICS, statistics), (_FOLDER, name)):
        tree.delete(folder, parquet_draft(Path(of_version)).name)
        tree.delete(folder, of_version)
    tree.delete(_LINKS, _links(name, region))


def _sweep(tree: DiskStorage, region: Region) -> None:
    """Remove what a build that was killed left behind before its database was published."""
    kept = _names(tree, region)
    for name in tree.list(_FOLDER):
        if _is_version(f"{name}.duckdb", region) and f"{name}.duckdb" not in kept:
            tree.delete(_FOLDER, name)
    own = {statistics_version(tree.path(_FOLDER, name)).stem for name in kept}
    for name in tree.list(_STATISTICS):
        stem = name.removesuffix(".duckdb")
        moment = stem.removeprefix(f"{_stem(region)}-statistics-")
        if _is_version(f"{_stem(region)}-{moment}.duckdb", region) and stem not in own:
            tree.delete(_STATISTICS, name)
    links = {_links(name, region) for name in kept}
    for name in tree.list(_LINKS):
        moment = name.removeprefix(f"{region.lower()}-")
        if _is_version(f"{_stem(region)}-{moment}.duckdb", region) and name not in links:
            tree.delete(_LINKS, name)


def _latest(warehouse: Path, region: Region) -> Path | None:
    names = [path.name for path in (warehouse / _FOLDER).glob("*.duckdb")]
    latest = max((name for name in names if _is_version(name, region)), default=None)
    return warehouse / _FOLDER / latest if latest else None


def _names(tree: DiskStorage, region: Region) -> list[str]:
    return [name for name in tree.list(_FOLDER) if _is_version(name, region)]


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
