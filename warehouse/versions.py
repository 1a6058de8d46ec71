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
_FOLDERS: Final = (_FOLDER, _STATISTICS, LINKS)
_DATABASE: Final = ".duckdb"
_WHOLE: Final = "_SUCCESS"
"""In a Parquet folder that is a version without a database; Spark marks its folders like this."""
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
"""The moment by which a version is known."""
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
    versions = _Versions(warehouse, region)
    tree = versions.tree
    with versions.only_builder(), tree.building(building_name(region)) as folder:
        draft = folder / f"{_stem(region)}{_DATABASE}"
        yield draft
        built = (draft, statistics_draft(draft))
        if is_parquet:
            built = (parquet_draft(built[0]), parquet_draft(built[1]))
        _refuse_unfinished(built)
        # This is the only builder; if another takes over, what it publishes is not in this list.
        found = tree.names_of(*((each,) for each in _FOLDERS))
        before = [*versions.kept(found[0])]
        made_at = datetime.now(UTC)
        for last in before[-1:]:  # always after the latest: clocks may be set back
            after = datetime.strptime(last, _STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1)
            made_at = max(made_at, after)
        moment = made_at.strftime(_STAMP)
        names = versions.fixed_names(moment, versions.keep(draft, moment, is_parquet=is_parquet))
        _, links = versions.parts(moment, folder=LINKS)
        tree.show(versions.current, links, names, is_copied=is_copied)
        kept = before[1 - max(keep_versions, _FEWEST_KEPT) :]
        versions.remove_others(found, kept)


def refuse_unwritable(warehouse: Location, region: Region) -> None:
    """Take the lock, if no build is in progress, and write a small file where versions are kept.

    Raises:
        VersionError: the disk or the store refuses it, or cannot be reached.
    """
    with suppress(VersionBusy), _Versions(warehouse, region).only_builder():
        probe(warehouse)


def probe(warehouse: Location) -> None:
    """Write a small file where versions are kept; leave nothing behind, not even a folder.

    Raises:
        VersionError: the disk or the store refuses it, or cannot be reached.
    """
    tree = storage_at(warehouse, "warehouse", VersionError)
    for folder in ((), (_FOLDER,), (_STATISTICS,)):
        tree.probe(*folder)


def building_name(region: Region) -> str:
    """Return the name of the folder, in a warehouse, of a build in progress."""
    return f".building-{region.lower()}"


def pointer(warehouse: Somewhere, region: Region) -> Somewhere:
    """Return the path that always leads to the region's latest database.

    In a bucket it is the object that names that database.
    """
    is_disk = isinstance(warehouse, Path)
    name = f"{_stem(region)}.duckdb" if is_disk else f"current-{region.lower()}.json"
    return cast("Somewhere", warehouse / name)


def parquet_pointer(warehouse: Somewhere, region: Region, *, statistics: bool = False) -> Somewhere:
    """Return the path that always leads to the folder of the latest tables as Parquet.

    In a bucket it exists only with ``pointer: copy``.
    """
    name = f"parquet-{region.lower()}{'-statistics' if statistics else ''}"
    return cast("Somewhere", warehouse / name)


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
    versions = _Versions(warehouse, region)
    tree, kind = versions.tree, "-statistics" if statistics else ""
    database = f"{_stem(region)}{kind}{_DATABASE}"
    fixed, ending = database, _DATABASE
    found = tree.shown(versions.current, fixed)
    if found is None:
        fixed, ending = f"parquet-{region.lower()}{kind}", ""
        found = tree.shown(versions.current, fixed)
    if found is None:
        raise NotPublished(
            f"{warehouse / database}: no database yet: run 'insights run --region {region}', "
            f"or 'insights publish --region {region}' if its days were read"
        )
    folder = _STATISTICS if statistics else _FOLDER
    if not found:
        latest = [versions.parts(moment, ending, folder) for moment in versions.kept()][-1:]
        beside = [tree.path(*parts) for parts in latest if tree.has(*parts)]
        return cast("Somewhere", beside[0] if beside else warehouse / fixed)
    is_inside = found[0] in _FOLDERS and len(found) == (3 if found[0] == LINKS else 2)
    moment = versions.moment_of(*found[:2]) if is_inside else None
    if not moment:
        raise VersionError(
            f"{warehouse / fixed}: leads to no version of region {region}: remove and publish it"
        )
    return cast("Somewhere", tree.path(*versions.parts(moment, ending, folder)))


def published_versions(warehouse: Somewhere, region: Region) -> list[Somewhere]:
    """Return every version of the region that is kept, oldest first: databases, or folders."""
    versions = _Versions(warehouse, region)
    parts = [versions.parts(moment, ending) for moment, ending in versions.kept().items()]
    return [cast("Somewhere", versions.tree.path(*each)) for each in parts]


@contextmanager
def at_hand(version: Location) -> Iterator[Path]:
    """Give a local path at which a version, or a file of it, can be read within the block."""
    if isinstance(version, Path):
        yield version
        return
    tree, name = storage_at(version.parent, "warehouse", VersionError), version.name
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
    versions = _Versions(warehouse, region)
    tree = versions.tree
    for moment in versions.kept():
        for folder in (_FOLDER, _STATISTICS):
            for ending in (_DATABASE, ""):
                yield from _files_at(tree, versions.parts(moment, ending, folder))
    for fixed in versions.fixed_names("", ()):
        if tree.shown(versions.current, fixed) == () or not isinstance(warehouse, Path):
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
    versions = _Versions(warehouse, region)
    tree = versions.tree
    if not versions.kept():
        return []
    with versions.only_builder():
        current = current_version(warehouse, region).name
        kept, unwanted = [], []
        found = tree.names_of(*((each,) for each in _FOLDERS))
        for moment, ending in versions.kept(found[0]).items():
            version = cast("Somewhere", tree.path(*versions.parts(moment, ending)))
            if version.name != current and is_unwanted(version):
                unwanted.append(version.name)
            else:
                kept.append(moment)
        versions.remove_others(found, kept)
    return unwanted


class _Versions:
    """The versions of a region in its warehouse, each known by its moment."""

    def __init__(self, warehouse: Location, region: Region) -> None:
        self.tree = storage_at(warehouse, "warehouse", VersionError)
        self.current = f"current-{region.lower()}"
        self._region = region
        self._starts = {
            _FOLDER: f"{_stem(region)}-",
            _STATISTICS: f"{_stem(region)}-statistics-",
            LINKS: f"{region.lower()}-",
        }

    def only_builder(self) -> AbstractContextManager[None]:
        """Hold the region's lock."""
        busy = VersionBusy(
            f"{self.tree.path()}: another build of region {self._region} is going on: "
            "wait for its end"
        )
        return self.tree.lock(f".lock-{self._region.lower()}", busy)

    def parts(self, moment: str, ending: str = "", folder: str = _FOLDER) -> Parts:
        """Return where a version is, or what belongs to it in another folder.

        With the ending ``.duckdb`` it is the database, without one the folder of Parquet.
        """
        return folder, f"{self._starts[folder]}{moment}{ending}"

    def moment_of(self, folder: str, name: str) -> str | None:
        """Return the version that something in a folder belongs to, None if to none."""
        start = self._starts[folder]
        try:
            datetime.strptime(name.removesuffix(_DATABASE), start + _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return None
        return name.removesuffix(_DATABASE).removeprefix(start)

    def kept(self, found: Sequence[str] | None = None) -> dict[str, str]:
        """Return the versions, oldest first, each with its ending.

        ``found`` are the names in their folder, if they were listed already.
        """
        found = self.tree.names(_FOLDER) if found is None else found
        endings = {each.removesuffix(_DATABASE): _DATABASE for each in found if _DATABASE in each}
        if {*found} - {*endings} - {f"{name}{_DATABASE}" for name in endings}:
            endings = dict.fromkeys(self.tree.folders_with(_WHOLE, _FOLDER), "") | endings
        moments = ((self.moment_of(_FOLDER, name), endings[name]) for name in sorted(endings))
        return {moment: ending for moment, ending in moments if moment}

    def keep(self, draft: Path, moment: str, *, is_parquet: bool) -> Collection[Parts]:
        """Move what was built into the folders of versions, and return where it is now.

        The file that makes it a version comes last.
        """
        built: dict[Parts, Path] = {}
        for file, folder in ((statistics_draft(draft), _STATISTICS), (draft, _FOLDER)):
            if parquet_draft(file).is_dir():
                built[self.parts(moment, folder=folder)] = parquet_draft(file)
            if not is_parquet:
                built[self.parts(moment, _DATABASE, folder)] = file
        if is_parquet:
            whole = draft.with_name(_WHOLE)
            whole.touch()
            built[*self.parts(moment), _WHOLE] = whole
        self.tree.keep(built)
        return built.keys()

    def fixed_names(self, moment: str, kept: Collection[Parts]) -> dict[str, Parts | None]:
        """Return what each fixed name stands for in a version; ``kept`` are the files it has."""
        stem, tables = _stem(self._region), f"parquet-{self._region.lower()}"
        names = {
            f"{stem}-statistics{_DATABASE}": self.parts(moment, _DATABASE, _STATISTICS),
            f"{tables}-statistics": self.parts(moment, folder=_STATISTICS),
            tables: self.parts(moment),
            f"{stem}{_DATABASE}": self.parts(moment, _DATABASE),
        }
        return {fixed: parts if parts in kept else None for fixed, parts in names.items()}

    def remove_others(self, found: Sequence[Sequence[str]], kept: Collection[str]) -> None:
        """Remove other versions than those kept, and what a killed build left behind.

        ``found`` are the names in ``_FOLDERS``, listed before anything is published. The files that
        make each a version go first.
        """
        gone = [
            (folder, name)
            for folder, names in zip(_FOLDERS, found, strict=True)
            for name in names
            if (moment := self.moment_of(folder, name)) and moment not in kept
        ]
        of_versions = [parts for parts in gone if parts[0] == _FOLDER]
        databases = [parts for parts in of_versions if _DATABASE in parts[1]]
        folders = [parts for parts in of_versions if parts not in databases]
        self.tree.delete_each([*databases, *((*parts, _WHOLE) for parts in folders)])
        self.tree.delete_each([parts for parts in gone if parts not in databases])


def _refuse_unfinished(built: Sequence[Path]) -> None:
    for each in built:
        is_there = each.is_file() if each.suffix else each.is_dir()
        if each.is_symlink() or not is_there:
            raise VersionError(f"{each}: nothing was built: the pointer stays where it was")
        if each.with_name(f"{each.name}.wal").exists():
            raise VersionError(f"{each}: was left open: close its connections before publishing")


def _stem(region: Region) -> str:
    return f"insights-{region.lower()}"
