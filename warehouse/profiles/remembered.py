"""What a version remembers of what was shown of ``booking_profile``, and reading the last one.

Texts are Arrow dictionaries and numpy's numbers, since a region of 80,000 rooms has millions of
rows of few texts.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import Region
from warehouse.connect import opened
from warehouse.storage import Location
from warehouse.versions import VersionError, at_hand, current_version

Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]

LABEL: Final = pa.dictionary(pa.int32(), pa.string())
"""A text as its number."""

MEMORY: Final = "booking_profile_shown"
REMEMBERED: Final = timedelta(days=30)
SHOWN: Final = pa.schema(
    [
        *((name, LABEL) for name in ("level", "site", "building", "capacity_band")),
        *((name, LABEL) for name in ("month", "measure", "band")),
        ("bookings", pa.int64()),
    ]
)
"""Numbers that a build showed: those of a band, or of all merged bands together."""
REMEMBERED_ROWS: Final = SHOWN.append(pa.field("last_shown_on", pa.date32()))

_NAMES: Final = REMEMBERED_ROWS.names
_LABELS: Final = [field.name for field in REMEMBERED_ROWS if field.type == LABEL]
_ROWS_AT_A_TIME: Final = 65_536


def labelled(batches: pa.RecordBatchReader) -> pa.Table:
    """Return DuckDB's rows with their texts as numbers.

    As texts, the counts of 80,000 rooms take 120 MB, as numbers 52.
    """
    types = [LABEL if field.type == pa.string() else field.type for field in batches.schema]
    schema = pa.schema(zip(batches.schema.names, types, strict=True))
    kept = ([_labelled(column) for column in batch.columns] for batch in batches)
    made = [pa.RecordBatch.from_arrays(columns, schema=schema) for columns in kept]
    return pa.Table.from_batches(made, schema)


def _labelled(column: pa.Array) -> pa.Array:
    """Return a column with texts as numbers, in memory of its own.

    If it shared any with its batch, that would stay whole, texts included.
    """
    if column.type == pa.string():
        return column.dictionary_encode()
    return column.copy_to(pa.default_cpu_memory_manager())


def numbered(column: pa.ChunkedArray) -> tuple[Numbers, list[Any]]:
    """Return the number of each value among the distinct ones, and these; null is one.

    There may be values that no row has: those of a dictionary.
    """
    number_of: dict[Any, int] = {}
    found = [np.zeros(0, np.int32)]
    for chunk in column.chunks:
        encoded = chunk if chunk.type == LABEL else chunk.dictionary_encode()
        values = [*encoded.dictionary.to_pylist(), *([None] if encoded.indices.null_count else [])]
        own = [number_of.setdefault(value, len(number_of)) for value in values]
        at = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        found.append(np.array(own, np.int32)[at])
    return np.concatenate(found), list(number_of)


def numbered_rows(table: pa.Table, names: Sequence[str]) -> tuple[Ints, list[tuple[Any, ...]]]:
    """Return the number of each row among those that differ in some columns, and these."""
    key, values_of = keys(table, names)
    found, number = np.unique(key, return_inverse=True)
    parts = np.unravel_index(found, [max(1, len(values)) for values in values_of])
    columns = ([values[at] for at in part] for values, part in zip(values_of, parts, strict=True))
    return number, list(zip(*columns, strict=True))


def keys(table: pa.Table, names: Sequence[str]) -> tuple[Ints, list[list[Any]]]:
    """Return a number for each row, equal where some columns are, and the values of each."""
    key = np.zeros(len(table), np.int64)
    values_of = []
    for name in names:
        number, values = numbered(table[name])
        key *= len(values)
        key += number
        values_of.append(values)
    return key, values_of


@dataclass(frozen=True)
class Memory:
    """Numbers that were shown, with the last day on which they were; a cell's latest comes last."""

    rows: pa.Table = field(default_factory=REMEMBERED_ROWS.empty_table)

    def with_shown(self, shown: pa.Table, built_on: date) -> "Memory":
        """Return the memory after a build on a day that showed ``shown``, schema ``SHOWN``."""
        every = pa.concat_tables([self.rows.select(SHOWN.names), shown])
        labels, _ = keys(every, SHOWN.names[:-1])
        before, now = np.split(labels, [len(self.rows)])
        is_kept = np.ones(len(before), np.bool_)
        if len(now):
            order = np.argsort(now)  # a build shows each label once
            at = order.take(np.searchsorted(now, before, sorter=order), mode="clip")
            was, is_now = (each["bookings"].to_numpy() for each in (self.rows, shown))
            is_kept = (now.take(at) != before) | (is_now.take(at) != was)
        days = pa.repeat(pa.scalar(built_on, pa.date32()), len(shown))
        new = shown.append_column(REMEMBERED_ROWS.field("last_shown_on"), days)
        old = self.rows.filter(pa.array(is_kept))
        # What an earlier build of this day showed is not the latest any more.
        latest = pc.min_element_wise(old["last_shown_on"], built_on - timedelta(days=1))
        old = old.set_column(len(SHOWN), REMEMBERED_ROWS.field("last_shown_on"), latest)
        return Memory(pa.concat_tables([old, new]))


@dataclass(frozen=True, slots=True)
class LastVersion:
    """The current version of a region, whichever it is when it is read."""

    warehouse: Location
    region: Region

    def shown_since(self, first: date) -> pa.Table:
        """Return what it remembers of a day and later ones; nothing if there is no such version.

        Its Parquet file is read if there is one: a database in a bucket would be downloaded whole.
        Labels become numbers batch by batch: of 80,000 rooms they take 63 MB, as texts 154.
        """
        try:
            version = current_version(self.warehouse, self.region)
        except VersionError:
            return REMEMBERED_ROWS.empty_table()
        with suppress(VersionError, OSError, pa.ArrowInvalid, KeyError):
            tables = version.parent / version.name.removesuffix(".duckdb")
            with (
                at_hand(tables / f"{MEMORY}.parquet") as path,
                pq.ParquetFile(path, read_dictionary=_LABELS) as file,
            ):
                return _since(first, file.iter_batches(_ROWS_AT_A_TIME, columns=_NAMES))
        with suppress(VersionError), opened(version) as connection:
            rows = connection.sql(f"SELECT {', '.join(_NAMES)} FROM {MEMORY}")  # noqa: S608 - names of ours
            return _since(first, rows.to_arrow_reader(_ROWS_AT_A_TIME))
        return REMEMBERED_ROWS.empty_table()


def _since(first: date, batches: Iterable[pa.RecordBatch]) -> pa.Table:
    kept = []
    for batch in batches:
        rows = batch.select(_NAMES).cast(REMEMBERED_ROWS)
        kept.append(rows.filter(pc.greater_equal(rows["last_shown_on"], first)))
    return pa.Table.from_batches(kept, REMEMBERED_ROWS)
