"""The Parquet lake of one region: rows in, rows out. Nothing else knows where the files are.

Belongs here: the operations that everything else uses (scan, count, read, replace, delete). One run
writes at a time; everything that it replaces goes in place in one step.
Does not belong here: the format of a file (``lake_format.py``), where bytes are stored
(``storage``), which rows survive a night (``nightly.py``).

Layout: ``<root>/bookings/region=EU/date=2026-11-21/bookings.parquet``, ``coverage`` and ``changes``
alike, ``<root>/rooms/region=EU/rooms.parquet`` (the directory as it is) and below it
``valid_from=2026-11-21/rooms.parquet`` (as it was from that day on). The root is a folder, or a
prefix in a bucket; it belongs to one region.
"""

import threading
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import Region
from warehouse.lake_format import (
    FormatError,
    LaterFormatError,
    Part,
    decode,
    encode,
    refuse_other_columns,
)
from warehouse.storage import Location, Parts, Put, WarehouseError, storage_at

Dataset: TypeAlias = Literal["bookings", "coverage", "changes", "rooms", "directory"]

DATASETS: Final[tuple[Dataset, ...]] = ("bookings", "coverage")
"""Datasets with one file a local day; a day's bookings are always written before its coverage."""
_KEPT_NOWHERE_ELSE: Final = ("changes", "rooms")
"""Folders whose files by day Exchange does not have: changes, and earlier room directories."""
_FOLDERS: Final = ("bookings", "coverage", "changes", "rooms")
_KEYS: Final[dict[Dataset, str]] = {
    "bookings": "date",
    "coverage": "date",
    "changes": "date",
    "directory": "valid_from",
}
_LOCK: Final = ".lock"
_DAYS_LOOKED_AT: Final = 2
_FOOTER_BYTES: Final = 64 << 10
"""Read first from a file's end: a footer is longer only if a day has millions of rows."""


class LakeError(WarehouseError):
    """The lake cannot do what was asked: one line that names the path and the remedy."""


class LakeBusy(LakeError):  # noqa: N818 - it is a state that passes, not a fault
    """Another run of the region is going on."""


class Lake:
    """The lake of one region. Every method raises ``LakeError`` if it cannot do its work.

    A write locks the lake; a caller that writes more than once holds ``exclusive()`` around all of
    it. Reading needs no lock: files are replaced whole.
    """

    def __init__(self, root: Location, region: Region) -> None:
        self.root = root
        self.region = region
        self._storage = storage_at(root, "lake", LakeError)
        self._is_held = threading.Event()
        self._is_ours = False
        self._put: Put | None = None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the only writer; first finish or sweep what a killed run left behind.

        Raises:
            LakeBusy: at once, if another process, thread or ``Lake`` is writing.
        """
        self._is_ours = False
        self.refuse_other_regions()
        with self._locked():
            self._is_held.set()
            try:
                yield
            finally:
                self._is_held.clear()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a private folder for the rows of a run, on this lake's disk and so in its region.

        If the lake is in a bucket, the folder is on this machine, under ``TMPDIR``.
        """
        with self._writing(), self._storage.scratch() as folder:
            yield folder

    def probe(self) -> None:
        """Fail early if nothing could be written; needs no lock and leaves nothing behind.

        A run that cannot store anything should not read.
        """
        self.refuse_other_regions()
        folders = (
            [] if self._storage.is_far else [(each, f"region={self.region}") for each in _FOLDERS]
        )
        for folder in ((), *folders):
            self._storage.probe(*folder)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Make everything replaced within the block count together, or not at all.

        Datasets go in place one after another, in the order in which each was first written. If
        the run is killed meanwhile, the next writer finishes this before anything else.
        """
        with self._writing(), self._storage.at_once() as put:
            self._put = put
            try:
                yield
            finally:
                self._put = None

    def replace(self, dataset: Dataset, day: date | None, table: pa.Table) -> None:
        """Replace the rows of one day; an empty table makes an empty file, not a missing one.

        The dataset ``rooms`` has no day.

        Raises:
            LakeError: the table is not exactly the contract's, or is another region's.
            LakeBusy: another run is writing, and this lake is not held by ``exclusive()``.
        """
        self.refuse_other_regions()
        parts = self._parts(dataset, day)
        with self._format_errors(parts, "not written, the table", "it must be the contract's"):
            content = memoryview(encode(dataset, self.region, table))
        if self._put is not None:
            self._put(content, *parts)
            return
        with self._writing():
            self._storage.put(content, *parts)

    def read(self, dataset: Dataset, day: date | None = None) -> pa.Table | None:
        """Return the rows of one day, None if it was never written."""
        return next(self.read_each(dataset, [day]))

    def read_each(
        self, dataset: Dataset, days: Sequence[date | None], *, is_packed: bool = False
    ) -> Iterator[pa.Table | None]:
        """Yield the rows of each day, None for one that was never written.

        With ``is_packed``, texts are Arrow dictionaries, in half the space. If the lake is in a
        bucket, the following days are fetched meanwhile.
        """
        self.refuse_other_regions()
        files = [self._parts(dataset, day) for day in days]
        for parts, content in zip(files, self._storage.get_each(files), strict=True):
            with self._format_errors(parts):
                rows = None
                if content is not None:
                    rows = decode(dataset, self.region, content, is_packed=is_packed)
            yield rows

    def days(self, dataset: Dataset) -> list[date]:
        """Return the days that have a file, in order."""
        self.refuse_other_regions()
        *folder, name = self._parts(dataset, None)
        days = []
        for each in self._storage.folders_with(name, *folder):
            with suppress(ValueError):  # a name that is not one of ours
                day = date.fromisoformat(each.removeprefix(f"{_KEYS[dataset]}="))
                if each == f"{_KEYS[dataset]}={day}":
                    days.append(day)
        return days

    @contextmanager
    def scan(
        self,
        dataset: Dataset,
        days: Sequence[date],
        checked: Container[date] = (),
    ) -> Iterator[list[Part]]:
        """Give an engine the paths of the files of some days within the block; all exist.

        Each was checked: the contract's schema, this region's, no symlink. The columns of days in
        ``checked`` are not checked again.
        """
        files = [self._parts(dataset, day) for day in days]
        with self._storage.near(files) as paths:
            for day, parts, path in zip(days, files, paths, strict=True):
                if day not in checked:
                    self._checked_footer(dataset, parts, str(path))
            yield [Part(day, str(path)) for day, path in zip(days, paths, strict=True)]

    def ahead(self, dataset: Dataset, days: Sequence[date]) -> AbstractContextManager[object]:
        """Start fetching the files that ``scan`` will be asked for, if the lake is in a bucket."""
        return self._storage.ahead([self._parts(dataset, day) for day in days])

    def check(self, dataset: Dataset, days: Sequence[date]) -> int:
        """Check the columns of the files of some days, as ``scan`` does; return how many."""
        return sum(1 for _ in self._footers(dataset, days))

    def count(self, dataset: Dataset) -> int:
        """Return how many rows a dataset has over all its days, without reading them."""
        return sum(footer.num_rows for footer in self._footers(dataset, self.days(dataset)))

    def days_running_until(self, instant: datetime, before: date) -> list[date]:
        """Return the days before a date with a booking that ends after an instant.

        Uses the files' own statistics; no row is read.
        """
        days = [day for day in self.days("bookings") if day < before]
        running = []
        for day, footer in zip(days, self._footers("bookings", days), strict=True):
            column = footer.schema.to_arrow_schema().get_field_index("ends_at")
            groups = (footer.row_group(number) for number in range(footer.num_row_groups))
            if any(g.num_rows and g.column(column).statistics.max > instant for g in groups):
                running.append(day)
        return running

    def last_read_at(self, today: date) -> datetime | None:
        """Return when a room was last read for today or the days just before; None if never."""
        days = [day for day in self.days("coverage") if day <= today][-_DAYS_LOOKED_AT:]
        tables = [table for table in self.read_each("coverage", days) if table is not None]
        read_at = [instant for each in tables if (instant := pc.max(each["read_at"]).as_py())]
        return max(read_at, default=None)

    def days_lost(self) -> list[date]:
        """Return the days that were read and have no file of bookings, in order."""
        days = sorted({*self.days("coverage")} - {*self.days("bookings")})
        tables = zip(days, self.read_each("coverage", days), strict=True)
        return [day for day, rows in tables if rows and rows["read_at"].null_count < len(rows)]

    def refuse_damage(self) -> None:
        """Read every file whole; raise an error that names the first damaged one by its path."""
        for dataset in _KEYS:
            for _ in self.read_each(dataset, self.days(dataset)):
                pass

    def refuse_other_regions(self) -> None:
        """Refuse another region's lake; a lake in a bucket is checked once for each ``Lake``.

        Raises:
            LakeError: it is another region's, or cannot be reached.
        """
        if self._is_ours:
            return
        names_of = self._storage.names_of(*((folder,) for folder in _FOLDERS))
        for folder, names in zip(_FOLDERS, names_of, strict=True):
            for name in names:
                if name.startswith("region=") and name != f"region={self.region}":
                    raise LakeError(
                        f"{self._storage.path(folder, name)}: is another region's: "
                        f"give region {self.region} a 'lake' of its own in the configuration"
                    )
        self._is_ours = self._storage.is_far

    def delete(self, dataset: Dataset, day: date) -> None:
        """Delete one day with everything in its folder; a missing day is fine."""
        self.refuse_other_regions()
        with self._writing():
            self._storage.delete(*self._parts(dataset, day)[:-1])

    def _parts(self, dataset: Dataset, day: date | None) -> tuple[str, ...]:
        of_day = (f"{_KEYS[dataset]}={day}",) if day else ()
        folder = "rooms" if dataset == "directory" else dataset
        return (folder, f"region={self.region}", *of_day, f"{folder}.parquet")

    def _footers(self, dataset: Dataset, days: Sequence[date]) -> Iterator[pq.FileMetaData]:
        """Yield the footers of files, read from their ends."""
        files = [self._parts(dataset, day) for day in days]
        for parts, end in zip(files, self._storage.get_each(files, _FOOTER_BYTES), strict=True):
            content = end or b""
            # A file ends with the length of its footer in four bytes, and four more bytes.
            if int.from_bytes(content[-8:-4], "little") + 8 > len(content):
                content = self._storage.get(*parts) or b""
            yield self._checked_footer(dataset, parts, pa.BufferReader(content))

    def _checked_footer(
        self, dataset: Dataset, parts: Parts, source: str | pa.NativeFile
    ) -> pq.FileMetaData:
        with self._format_errors(parts):
            try:
                footer = pq.read_metadata(source)
                refuse_other_columns(dataset, self.region, footer.schema.to_arrow_schema())
            except (pa.ArrowInvalid, OSError) as error:
                if reason := getattr(error, "strerror", None):  # the disk's; Arrow's have none
                    raise LakeError(
                        f"{self._storage.path(*parts)}: cannot be read ({reason}): see to its "
                        "permissions, its disk and the limit of open files; do not delete it"
                    ) from None
                raise FormatError("is damaged") from None
        return footer

    def _writing(self) -> AbstractContextManager[None]:
        return nullcontext() if self._is_held.is_set() else self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        busy = LakeBusy(
            f"{self.root}: another run of region {self.region} is going on: wait for its end"
        )
        with self._storage.lock(_LOCK, busy):
            self._storage.recover()
            yield

    @contextmanager
    def _format_errors(
        self,
        parts: tuple[str, ...],
        what: str = "the file",
        remedy: str | None = None,
    ) -> Iterator[None]:
        try:
            yield
        except FormatError as error:
            if isinstance(error, LaterFormatError):
                remedy = "do not delete it, but run a version of insights that is as late"
            is_of_a_day = len(parts) > len(self._parts("rooms", None))
            if remedy is None and parts[0] in _KEPT_NOWHERE_ELSE and is_of_a_day:
                remedy = "restore it from a backup; no run can read again what it holds"
            remedy = remedy or "delete it and run its days again"
            raise LakeError(f"{self._storage.path(*parts)}: {what} {error}: {remedy}") from None
