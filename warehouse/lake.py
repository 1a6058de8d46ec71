"""The Parquet lake of one region: rows in, rows out. Nobody else knows where they lie.

Belongs here: the verbs that everything else is built of (scan, count, read, replace, delete), the
file format, and the last look at rows before they are stored: no other column, no text where the
contract has a vocabulary. One run at a time; what a run replaces it replaces in one step.
Does not belong here: bytes on a disk (``storage.py``), which rows survive a night (``nightly.py``).

Layout: ``<root>/bookings/region=EU/date=2026-11-21/bookings.parquet``, ``coverage`` and ``changes``
alike, ``<root>/rooms/region=EU/rooms.parquet`` (the directory as it is) and below it
``valid_from=2026-11-21/rooms.parquet`` (as it was from that day on). ``<root>/.staging`` is what a
run has in hand, ``<root>/.ready`` what it has yet to put in place. A root belongs to one region.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import (
    CHANGE_WORDS,
    CONTRACT_VERSION,
    KINDS,
    LAKE,
    RESPONSES,
    ROOM_TYPES,
    SHOW_AS,
    STATUSES,
    Region,
)
from warehouse.storage import DiskStorage, WarehouseError

Dataset: TypeAlias = Literal["bookings", "coverage", "changes", "rooms", "directory"]

DATASETS: Final[tuple[Dataset, ...]] = ("bookings", "coverage")
"""Those with a file a local day; the bookings of a day are always written before its coverage."""
RESTATED_FROM: Final = b"restated_from"
"""Key of a directory's metadata: the day from which an operator let it count (R18)."""
_FOLDERS: Final = ("bookings", "coverage", "changes", "rooms")
_KEYS: Final[dict[Dataset, str]] = {
    "bookings": "date",
    "coverage": "date",
    "changes": "date",
    "directory": "valid_from",
}
_STAGING: Final = ".staging"
_READY: Final = ".ready"
_LOCK: Final = ".lock"
_ROW_GROUP_ROWS: Final = 122_880
_FIRST_IN_ORDER: Final = ("room_id", "starts_at")
_VOCABULARIES: Final = {
    "kind": KINDS,
    "show_as": SHOW_AS,
    "response": RESPONSES,
    "status": STATUSES,
    "room_type": ROOM_TYPES,
    "change": CHANGE_WORDS,
}
_CODE: Final = "^[A-Za-z][A-Za-z0-9_]{0,79}$"
_REGION_KEY: Final = b"region"
_VERSION_KEY: Final = b"contract_version"


class LakeError(WarehouseError):
    """The lake cannot be used as asked: one line that names the path and the remedy."""


class LakeBusy(LakeError):  # noqa: N818 - it is a state that passes, not a fault
    """Another run of the region is going on."""


class FormatError(WarehouseError):
    """A table or file that is not the contract's; says what is wrong, without any value."""


class Part(NamedTuple):
    """A file for an engine to scan: the day of its rows, and what the engine opens it by."""

    day: date | None
    handle: str


class Lake:
    """The lake of one region. Every method raises ``LakeError`` where it cannot do its work.

    Writing takes the lake for itself; a caller that writes more than once holds ``exclusive()``
    around it. Reading needs no lock: files are replaced whole.
    """

    def __init__(self, root: Path, region: Region) -> None:
        self.root = root
        self.region = region
        self._storage = DiskStorage(root, "lake", LakeError)
        self._is_held = threading.Event()
        self._drafts: list[tuple[str, ...]] | None = None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the only writer; what a killed run left behind is put in place or swept first.

        Raises:
            LakeBusy: at once, if another process, thread or ``Lake`` is writing.
        """
        self._refuse_other_regions()
        with self._locked():
            self._is_held.set()
            try:
                yield
            finally:
                self._is_held.clear()

    @contextmanager
    def scratch(self) -> Iterator[tuple[DiskStorage, tuple[str, ...]]]:
        """Give a folder for the rows of a run, in this lake, so that they stay in its region."""
        with self._writing():
            folder = (_STAGING, f"run-{os.getpid()}-{threading.get_ident()}")
            self._storage.ensure(*folder)
            try:
                yield self._storage, folder
            finally:
                self._storage.delete(*folder)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Make everything that is replaced within count together, or not at all.

        Files are written aside, and put in place in the order of writing when the last is there.
        A run that is killed before that leaves the lake as it was; one that is killed while it
        puts them in place is finished by the next writer, before that does anything.
        """
        with self._writing():
            self._storage.delete(_STAGING, _READY)
            drafts: list[tuple[str, ...]] = []
            self._drafts = drafts
            try:
                yield
            finally:
                self._drafts = None
            if drafts:
                order = "\n".join("/".join(parts) for parts in drafts).encode()
                self._storage.put(memoryview(order), _STAGING, _READY, "order")
                self._storage.move((_STAGING, _READY), (_READY,))
                self._put_in_place()

    def replace(self, dataset: Dataset, day: date | None, table: pa.Table) -> None:
        """Replace the rows of one day; no rows are an empty file, not a missing one.

        The rooms as they are now have no day.

        Raises:
            LakeError: the table is not exactly the contract's, or is another region's.
            LakeBusy: another run is writing, and this lake is not held by ``exclusive()``.
        """
        self._refuse_other_regions()
        parts = self._parts(dataset, day)
        with self._format_errors(parts, "not written, the table", "it must be the contract's"):
            content = memoryview(_encode(dataset, self.region, table))
        if self._drafts is not None:
            self._storage.put(content, _STAGING, _READY, str(len(self._drafts)))
            self._drafts.append(parts)
            return
        with self._writing():
            self._storage.put(content, *parts)

    def read(self, dataset: Dataset, day: date | None = None) -> pa.Table | None:
        """Return the rows of one day, None if it was never written."""
        self._refuse_other_regions()
        parts = self._parts(dataset, day)
        content = self._storage.get(*parts)
        with self._format_errors(parts):
            return None if content is None else _decode(dataset, self.region, content)

    def days(self, dataset: Dataset) -> list[date]:
        """Return the days that have a file, in order."""
        self._refuse_other_regions()
        *folder, _ = self._parts(dataset, None)
        names = self._storage.list(*folder)
        days = [day for name in names if (day := _day_of(name, _KEYS[dataset])) is not None]
        return [day for day in days if self._storage.look(*self._parts(dataset, day))]

    def scan(
        self, dataset: Dataset, first_date: date | None = None, last_date: date | None = None
    ) -> list[Part]:
        """Return the files of a dataset, those of the days asked, for an engine to scan.

        Each was looked at: the contract's schema, this region's, no symlink.
        """
        self._refuse_other_regions()
        days = [d for d in self.days(dataset) if (first_date or d) <= d <= (last_date or d)]
        return [self._part(dataset, day) for day in days]

    def count(self, dataset: Dataset) -> int:
        """Return how many rows a dataset has over all its days; no row is read."""
        footers = [self._footer(dataset, self._parts(dataset, day)) for day in self.days(dataset)]
        return sum(footer.num_rows for footer in footers)

    def days_running_until(self, instant: datetime, before: date) -> list[date]:
        """Return the days before a date on which a booking starts that ends after an instant.

        Told by the files' own statistics, without reading a row.
        """
        return [
            day
            for day in self.days("bookings")
            if day < before and (ends := self._latest_end(day)) is not None and ends > instant
        ]

    def refuse_damage(self) -> None:
        """Read every file whole; the first one that cannot be is refused by its path."""
        for dataset in _KEYS:
            for day in self.days(dataset):
                self.read(dataset, day)

    def delete(self, dataset: Dataset, day: date) -> None:
        """Delete one day with all that lies in its folder; a missing one is fine."""
        self._refuse_other_regions()
        with self._writing():
            self._storage.delete(*self._parts(dataset, day)[:-1])

    def _parts(self, dataset: Dataset, day: date | None) -> tuple[str, ...]:
        of_day = (f"{_KEYS[dataset]}={day}",) if day else ()
        folder = "rooms" if dataset == "directory" else dataset
        return (folder, f"region={self.region}", *of_day, f"{folder}.parquet")

    def _part(self, dataset: Dataset, day: date | None) -> Part:
        parts = self._parts(dataset, day)
        self._footer(dataset, parts)
        return Part(day, str(self._storage.path(*parts)))

    def _latest_end(self, day: date) -> datetime | None:
        footer = self._footer("bookings", self._parts("bookings", day))
        column = footer.schema.to_arrow_schema().get_field_index("ends_at")
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
        return max((g.column(column).statistics.max for g in groups if g.num_rows), default=None)

    def _footer(self, dataset: Dataset, parts: tuple[str, ...]) -> pq.FileMetaData:
        with self._format_errors(parts):
            try:
                footer = pq.read_metadata(self._storage.path(*parts))
                _refuse_other_columns(dataset, self.region, footer.schema.to_arrow_schema())
            except (pa.ArrowInvalid, OSError):
                raise FormatError("is damaged") from None
        return footer

    def _put_in_place(self) -> None:
        order = self._storage.get(_READY, "order")
        if order is not None:
            for number, line in enumerate(order.decode().splitlines()):
                if self._storage.look(_READY, str(number)):
                    self._storage.move((_READY, str(number)), tuple(line.split("/")))
        self._storage.delete(_READY)

    def _writing(self) -> AbstractContextManager[None]:
        return nullcontext() if self._is_held.is_set() else self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        busy = LakeBusy(
            f"{self.root}: another run of region {self.region} is going on: wait for its end"
        )
        with self._storage.lock(_LOCK, busy):
            self._storage.delete(_STAGING)
            self._put_in_place()
            yield

    def _refuse_other_regions(self) -> None:
        for folder in _FOLDERS:
            for name in self._storage.list(folder):
                if name.startswith("region=") and name != f"region={self.region}":
                    raise LakeError(
                        f"{self._storage.path(folder, name)}: is another region's: "
                        f"give region {self.region} a 'lake' of its own in the configuration"
                    )

    @contextmanager
    def _format_errors(
        self,
        parts: tuple[str, ...],
        what: str = "the file",
        remedy: str = "delete it and run its days again",
    ) -> Iterator[None]:
        try:
            yield
        except FormatError as error:
            raise LakeError(f"{self._storage.path(*parts)}: {what} {error}: {remedy}") from None


def _day_of(name: str, key: str) -> date | None:
    """Return the day of a partition's folder, None if the name is not one of ours."""
    try:
        day = date.fromisoformat(name.removeprefix(f"{key}="))
    except ValueError:
        return None
    return day if name == f"{key}={day}" else None


def _encode(dataset: str, region: Region, table: pa.Table) -> pa.Buffer:
    """Return the table as the bytes of a Parquet file; equal rows give equal bytes.

    Rows are sorted by every column, so that the order in which they were read leaves no trace.
    """
    schema = LAKE[dataset].schema
    if difference := _difference(schema, table.schema):
        raise FormatError(difference)
    _refuse_other_region(region, table.schema)
    _refuse_values(schema, table)
    first = [name for name in _FIRST_IN_ORDER if name in schema.names]
    keys = [*first, *(name for name in schema.names if name not in first)]
    ordered = table.sort_by([(name, "ascending") for name in keys]).combine_chunks()
    stamp = {_REGION_KEY: region.encode(), _VERSION_KEY: CONTRACT_VERSION.encode()}
    stamp |= _restated(table.schema)
    stamped = schema.with_metadata({**(schema.metadata or {}), **stamp})
    sink = pa.BufferOutputStream()
    rows = pa.Table.from_arrays(ordered.columns, schema=stamped)
    pq.write_table(rows, sink, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
    return sink.getvalue()


def _decode(dataset: str, region: Region, content: bytes) -> pa.Table:
    """Return the rows of a file in the contract's own schema; newer columns are null."""
    try:
        table = pq.read_table(pa.BufferReader(content), partitioning=None)
        _refuse_other_columns(dataset, region, table.schema)
        schema = LAKE[dataset].schema
        arrays = [
            table[field.name]
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in schema
        ]
        rows = pa.table(arrays, names=schema.names).cast(schema)
        return rows.replace_schema_metadata({**(schema.metadata or {}), **_restated(table.schema)})
    except (pa.ArrowInvalid, OSError):
        raise FormatError("is damaged") from None
    except ValueError:
        raise FormatError("has nulls where the contract allows none") from None


def _restated(schema: pa.Schema) -> dict[bytes, bytes]:
    return {key: value for key, value in (schema.metadata or {}).items() if key == RESTATED_FROM}


def _refuse_other_columns(dataset: str, region: Region, found: pa.Schema) -> None:
    """Refuse a file's schema that is neither this contract's nor an earlier one's.

    Later versions only add columns that may be null: an earlier file lacks them.
    """
    version = (found.metadata or {}).get(_VERSION_KEY, b"1").decode()
    if int(version) > int(CONTRACT_VERSION):
        raise FormatError(f"is of contract version {version}, later than {CONTRACT_VERSION}")
    expected = LAKE[dataset].schema
    known = [field for field in expected if field.name in found.names or not field.nullable]
    nullable = [field.with_nullable(True) for field in known]
    if difference := _difference(
        pa.schema(nullable), pa.schema([field.with_nullable(True) for field in found])
    ):
        raise FormatError(difference)
    _refuse_other_region(region, found)


def _difference(expected: pa.Schema, found: pa.Schema) -> str | None:
    """Name the contract's columns that are missing or differ; never a foreign name."""
    missing = [name for name in expected.names if name not in found.names]
    if missing:
        return f"lacks the columns {', '.join(missing)}"
    if len(found.names) != len(expected.names):
        return f"has {len(found.names) - len(expected.names)} columns too many"
    if found.names != expected.names:
        return "has its columns in another order"
    differing = [
        ours.name
        for ours, theirs in zip(expected, found, strict=True)
        if ours.type != theirs.type or ours.nullable != theirs.nullable
    ]
    return f"has another type in {', '.join(differing)}" if differing else None


def _refuse_other_region(region: Region, schema: pa.Schema) -> None:
    named = (schema.metadata or {}).get(_REGION_KEY, region.encode())
    if named != region.encode():
        raise FormatError(f"is not of region {region}")


def _refuse_values(schema: pa.Schema, table: pa.Table) -> None:
    for field in schema:
        column = table[field.name]
        if not field.nullable and column.null_count:
            raise FormatError(f"has nulls in {field.name}")
        words = _VOCABULARIES.get(field.name)
        if words and not pc.all(pc.is_in(column, pa.array(words))).as_py() and len(column):
            raise FormatError(f"has a word in {field.name} that is not in the contract")
        is_code = field.name == "error_code"
        if is_code and pc.all(pc.match_substring_regex(column, _CODE)).as_py() is False:
            raise FormatError("has an error_code that is not a code")
