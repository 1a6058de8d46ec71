"""Publishing a region's database whole: it is built aside, then the pointer is swapped.

Belongs here: where versions are, how one is published and which are kept.
Does not belong here: what is in a database (``sql``, ``publish.py``), how the fixed names lead
to a version (``storage``), opening one (``connect.py``).

``versions/insights-eu-<UTC time>.duckdb`` holds everything of a build, and
``statistics/insights-eu-statistics-<UTC time>.duckdb`` what everybody may see; folders of the same
names without an ending hold the tables as Parquet. There are two folders, so that each can belong
to a group of its own. On a disk, the folder ``published/eu-<UTC time>`` has links to everything
built together, and ``current-eu`` leads to the latest one: swapping this one link shows a whole
build at once. The fixed names (``insights-eu.duckdb``, ``insights-eu-statistics.duckdb``,
``parquet-eu``, ``parquet-eu-statistics``) lead through it, or are plain copies. In a bucket,
``current-eu.json`` says what the fixed names stand for and is swapped; the names exist as copies
only. Published versions never change; a reader that has one open keeps it after it is deleted.

With ``output: parquet`` a version is its two folders of Parquet, and no database: the file
``_SUCCESS`` comes last and says that the folder is complete.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

from transforms.contract import Region
from warehouse.storage import LINKS, Location, Parts, Somewhere, Storage, WarehouseError, storage_at

_FOLDER: Final = "versions"
_STATISTICS: Final = "statistics"
_FOLDERS: Final = ((_FOLDER,), (_STATISTICS,), (LINKS,))
_DATABASE: Final = ".duckdb"
_WHOLE: Final = "_SUCCESS"
"""In a Parquet folder that is a version without a database; Spark marks its folders like this."""
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_FEWEST_KEPT: Final = 2


class VersionError(WarehouseError):
    """A database cannot be published or found: one line that names the path and the remedy."""


class NotPublished(VersionError):  # noqa: N818 - it is a state that passes, not a fault
    """The region has no database yet, or one without a past day."""


class VersionBusy(VersionError):  # noqa: N818 - it is a state that passes, not a fault
    """Another build of the region's database is going on."""


@contextmanager
def new_version(
    warehouse: Location,
    region: Region,
    keep_versions: int = 7,
    *,
    is_copied: bool = False,
    is_parquet: bool = False,
) -> Iterator[Path]:
    """Give the path to build a database at; publish it if the block ends without an error.

    The database must be closed by then; its tables as Parquet are published too if they are in the
    folder ``parquet_draft`` of the path. With ``is_parquet`` they are all that is published. The
    latest ``keep_versions`` versions stay, the new one included, and the version that it replaces
    always stays until the next build: a reader may just have resolved the pointer to it. With
    ``is_copied``, readers get plain copies at the fixed names. After an error, or if the builder is
    killed, readers see what they saw before; the next build sweeps what is left.

    Raises:
        VersionBusy: at once, if another build of the region is going on.
        VersionError: nothing was built, it was left open, or the disk refuses it.
    """
    tree = _tree(warehouse)
    with _only_builder(tree, region), tree.building(building_name(region)) as folder:
        draft = folder / f"{_stem(region)}{_DATABASE}"
        yield draft
        built = (draft, statistics_draft(draft))
        if is_parquet:
            built = (parquet_draft(built[0]), parquet_draft(built[1]))
        _refuse_unfinished(built)
        found = tree.names_of(*_FOLDERS)  # nobody else changes them: this is the only builder
        kept = [*_names(tree, region, found[0])]
        name = _next_name(kept, region)
        names = _fixed_names(region, name, _keep(tree, draft, name, is_parquet=is_parquet))
        tree.show(_current(region), _links(name, region), names, is_copied=is_copied)
        too_many = kept[: max(0, len(kept) + 1 - max(keep_versions, _FEWEST_KEPT))]
        for old in too_many:
            _remove(tree, old, region)
        _sweep(tree, region, found, [name, *kept])


def refuse_unwritable(warehouse: Location, region: Region) -> None:
    """Write and remove a small file where versions are kept; a build in progress is left alone.

    Raises:
        VersionError: the disk or the store refuses it, or cannot be reached.
    """
    tree = _tree(warehouse)
    with suppress(VersionBusy), _only_builder(tree, region):
        for folder in ((), (_FOLDER,), (_STATISTICS,)):
            tree.refuse_unwritable(*folder)


def probe(warehouse: Location) -> None:
    """Check the same without a lock, and leave nothing behind, not even a folder.

    Raises:
        VersionError: as above.
    """
    for folder in ((), (_FOLDER,), (_STATISTICS,)):
        _tree(warehouse).probe(*folder)


def building_name(region: Region) -> str:
    """Return the name of the folder, in a warehouse, of a build in progress."""
    return f".building-{region.lower()}"


def pointer(warehouse: Somewhere, region: Region) -> Somewhere:
    """Return the path that always leads to the region's latest database.

    In a bucket it is the object that names that database.
    """
    name = f"{_stem(region)}.duckdb" if isinstance(warehouse, Path) else f"{_current(region)}.json"
    return cast("Somewhere", warehouse / name)


def parquet_pointer(warehouse: Somewhere, region: Region, *, statistics: bool = False) -> Somewhere:
    """Return the path that always leads to the folder of the latest tables as Parquet.

    In a bucket it exists only with ``pointer: copy``.
    """
    name = f"parquet-{region.lower()}{'-statistics' if statistics else ''}"
    return cast("Somewhere", warehouse / name)


def statistics_pointer(warehouse: Path, region: Region) -> Path:
    """Return the path that always leads to the region's latest statistics, for everybody."""
    return warehouse / f"{_stem(region)}-statistics.duckdb"


def statistics_draft(database: Path) -> Path:
    """Return where the statistics go while a database is being built."""
    return database.with_name(f"{database.stem}-statistics.duckdb")


def parquet_draft(database: Path) -> Path:
    """Return where the tables go as Parquet, a new folder, while a database is being built."""
    return database.with_suffix("")


def current_version(warehouse: Somewhere, region: Region, *, statistics: bool = False) -> Somewhere:
    """Return the database that a pointer leads to now; a build may swap it at any time.

    If there is only Parquet, it is the folder. If a plain copy replaces the pointer, it is the
    latest version beside the copy, which does not change; or the copy itself, if that was taken
    elsewhere alone.

    Raises:
        NotPublished: nothing was published yet.
        VersionError: the pointer cannot be read, or leads out of ``versions``.
    """
    tree = _tree(warehouse)
    kind = "-statistics" if statistics else ""
    database = f"{_stem(region)}{kind}{_DATABASE}"
    fixed, ending = database, _DATABASE
    found = tree.shown(_current(region), fixed)
    if found is None:
        fixed, ending = f"parquet-{region.lower()}{kind}", ""
        found = tree.shown(_current(region), fixed)
    if found is None:
        raise NotPublished(
            f"{warehouse / database}: no database yet: run 'insights run --region {region}', "
            f"or 'insights publish --region {region}' if its days were read"
        )
    if not found:
        latest = [_parts(name, ending, is_statistics=statistics) for name in _names(tree, region)]
        beside = [tree.path(*parts) for parts in latest[-1:] if tree.has(*parts)]
        return cast("Somewhere", beside[0] if beside else warehouse / fixed)
    name = found[-1].removesuffix(_DATABASE)
    if found[0] == LINKS:
        name = f"{_stem(region)}-{found[1].removeprefix(f'{region.lower()}-')}"
    elif found[0] == _STATISTICS:
        name = name.replace("-statistics", "", 1)
    elif found[:-1] != (_FOLDER,):
        name = ""
    if not _is_version(name, region):
        raise VersionError(
            f"{warehouse / fixed}: leads to no version of region {region}: remove and publish it"
        )
    return cast("Somewhere", tree.path(*_parts(name, ending, is_statistics=statistics)))


def published_versions(warehouse: Somewhere, region: Region) -> list[Somewhere]:
    """Return every version of the region that is kept, oldest first: databases, or folders."""
    tree = _tree(warehouse)
    parts = [_parts(name, ending) for name, ending in _names(tree, region).items()]
    return [cast("Somewhere", tree.path(*each)) for each in parts]


@contextmanager
def at_hand(version: Location) -> Iterator[Path]:
    """Give a local path at which a version, or a file of it, can be read within the block."""
    if isinstance(version, Path):
        yield version
        return
    tree, name = _tree(version.parent), version.name
    if "." in name:
        with tree.near([(name,)]) as (path,):
            yield path
        return
    files = [(name, each) for each in tree.names(name)]
    with tree.near(files) as paths, tree.scratch() as folder:
        for (_, each), path in zip(files, paths, strict=True):
            (folder / each).hardlink_to(path)
        yield folder


def kept_files(warehouse: Location, region: Region) -> Iterator[Path]:
    """Yield every database and table that is kept, one at a time, at a local path.

    That is versions, their statistics, both as Parquet, and plain copies in place of pointers.
    """
    tree = _tree(warehouse)
    for name in _names(tree, region):
        for is_statistics in (False, True):
            for ending in (_DATABASE, ""):
                yield from _files_at(tree, _parts(name, ending, is_statistics=is_statistics))
    for fixed in _fixed_names(region, "", ()):
        if tree.shown(_current(region), fixed) == () or not isinstance(warehouse, Path):
            yield from _files_at(tree, (fixed,))


def _files_at(tree: Storage, parts: Parts) -> Iterator[Path]:
    files = [(*parts, name) for name in tree.names(*parts)] if "." not in parts[-1] else [parts]
    for file in files:
        if file[-1] != _WHOLE and tree.has(*file):
            with tree.near([file]) as (path,):
                yield path


def drop_versions(
    warehouse: Somewhere, region: Region, is_unwanted: Callable[[Somewhere], bool]
) -> list[str]:
    """Remove the unwanted versions, but never the current one; return their names.

    Raises:
        VersionBusy: a build of the region is going on.
        VersionError: one cannot be removed.
    """
    tree = _tree(warehouse)
    if not _names(tree, region):
        return []
    with _only_builder(tree, region):
        current = current_version(warehouse, region).name
        unwanted = []
        found = tree.names_of(*_FOLDERS)
        kept = _names(tree, region, found[0])
        for name, ending in kept.items():
            version = cast("Somewhere", tree.path(*_parts(name, ending)))
            if version.name != current and is_unwanted(version):
                _remove(tree, name, region)
                unwanted.append(version.name)
        _sweep(tree, region, found, kept)
    return unwanted


def _tree(warehouse: Location) -> Storage:
    return storage_at(warehouse, "warehouse", VersionError)


def _only_builder(tree: Storage, region: Region) -> AbstractContextManager[None]:
    busy = VersionBusy(
        f"{tree.path()}: another build of region {region} is going on: wait for its end"
    )
    return tree.lock(f".lock-{region.lower()}", busy)


def _keep(tree: Storage, draft: Path, name: str, *, is_parquet: bool) -> Collection[Parts]:
    """Move what was built into the folders of versions, and return where it is now.

    The file that makes it a version comes last.
    """
    built: dict[Parts, Path] = {}
    for file, is_statistics in ((statistics_draft(draft), True), (draft, False)):
        if parquet_draft(file).is_dir():
            built[_parts(name, is_statistics=is_statistics)] = parquet_draft(file)
        if not is_parquet:
            built[_parts(name, _DATABASE, is_statistics=is_statistics)] = file
    if is_parquet:
        whole = draft.with_name(_WHOLE)
        whole.touch()
        built[*_parts(name), _WHOLE] = whole
    tree.keep(built)
    return built.keys()


def _parts(name: str, ending: str = "", *, is_statistics: bool = False) -> Parts:
    """Return where a version is, or the statistics that were built with it.

    With the ending ``.duckdb`` it is the database, without one the folder of Parquet.
    """
    if not is_statistics:
        return _FOLDER, f"{name}{ending}"
    stem, _, moment = name.rpartition("-")
    return _STATISTICS, f"{stem}-statistics-{moment}{ending}"


def _fixed_names(region: Region, name: str, kept: Collection[Parts]) -> dict[str, Parts | None]:
    """Return what each fixed name stands for in a version; ``kept`` are the files that exist."""
    tables = f"parquet-{region.lower()}"
    names = {
        f"{_stem(region)}-statistics{_DATABASE}": _parts(name, _DATABASE, is_statistics=True),
        f"{tables}-statistics": _parts(name, is_statistics=True),
        tables: _parts(name),
        f"{_stem(region)}{_DATABASE}": _parts(name, _DATABASE),
    }
    return {fixed: parts if parts in kept else None for fixed, parts in names.items()}


def _current(region: Region) -> str:
    return f"current-{region.lower()}"


def _links(name: str, region: Region) -> str:
    return f"{region.lower()}-{name.removeprefix(_stem(region) + '-')}"


def _refuse_unfinished(built: Sequence[Path]) -> None:
    for each in built:
        is_there = each.is_file() if each.suffix else each.is_dir()
        if each.is_symlink() or not is_there:
            raise VersionError(f"{each}: nothing was built: the pointer stays where it was")
        if each.with_name(f"{each.name}.wal").exists():
            raise VersionError(f"{each}: was left open: close its connections before publishing")


def _next_name(kept: Sequence[str], region: Region) -> str:
    """Name a version by the time, but always after the latest: clocks may be set back."""
    moment = datetime.now(UTC)
    for name in kept[-1:]:
        moment = max(moment, _moment_of(name, region) + timedelta(microseconds=1))
    return f"{_stem(region)}-{moment.strftime(_STAMP)}"


def _remove(tree: Storage, name: str, region: Region) -> None:
    """Remove all of a version, starting with the file that makes it one."""
    tree.delete_each([_parts(name, _DATABASE), (*_parts(name), _WHOLE)])
    statistics = [_parts(name, ending, is_statistics=True) for ending in (_DATABASE, "")]
    tree.delete_each([_parts(name), *statistics, (LINKS, _links(name, region))])


def _sweep(
    tree: Storage, region: Region, found: Sequence[Sequence[str]], kept: Collection[str]
) -> None:
    """Remove what a killed build left behind before its database was published.

    ``found`` are the names in ``_FOLDERS``; ``kept`` are the versions, removed ones included.
    """
    versions, statistics, links = found
    for folder, names in ((_FOLDER, versions), (_STATISTICS, statistics)):
        for each in names:
            name = each.removesuffix(_DATABASE).replace("-statistics", "", 1)
            if _is_version(name, region) and name not in kept:
                tree.delete(folder, each)
    links_kept = {_links(name, region) for name in kept}
    for each in links:
        moment = each.removeprefix(f"{region.lower()}-")
        if _is_version(f"{_stem(region)}-{moment}", region) and each not in links_kept:
            tree.delete(LINKS, each)


def _names(tree: Storage, region: Region, found: Sequence[str] | None = None) -> dict[str, str]:
    """Return the names of the versions, oldest first, each with its ending.

    ``found`` are the names in their folder, if they were listed already.
    """
    found = tree.names(_FOLDER) if found is None else found
    names = {each.removesuffix(_DATABASE): _DATABASE for each in found if _DATABASE in each}
    if {*found} - {*names} - {f"{name}{_DATABASE}" for name in names}:
        names |= {each: "" for each in tree.folders_with(_WHOLE, _FOLDER) if each not in names}
    return {name: names[name] for name in sorted(names) if _is_version(name, region)}


def _is_version(name: str, region: Region) -> bool:
    try:
        _moment_of(name, region)
    except ValueError:
        return False
    return True


def _moment_of(name: str, region: Region) -> datetime:
    return datetime.strptime(name, f"{_stem(region)}-{_STAMP}").replace(tzinfo=UTC)


def _stem(region: Region) -> str:
    return f"insights-{region.lower()}"
