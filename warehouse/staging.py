"""The rows of a run between reading and landing: read room by room, written day by day.

Belongs here: turning the one order into the other in bounded memory.
Does not belong here: what the rows mean, which of them survive (``merge.py``), how bytes
reach a disk (``tree.py``).

Rows are gathered up to a bound, then each day's are appended to that day's file, as one Arrow
stream after another. A day is then one file read from start to end.
"""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract import BOOKINGS, STAGED
from warehouse.parquet import FormatError
from warehouse.tree import Tree

_SPILL_ROWS: Final = 50_000
_BARE: Final = pa.schema([field.remove_metadata() for field in STAGED])  # it is stored often
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression="zstd")


class Staging:
    """Takes the rows of one room after the other, gives back those of one local day.

    Safe for threads. Holds ``spill_rows`` rows and one room, or one day, at a time.
    ``folder`` is the path below the tree's root, existing and empty.
    """

    def __init__(self, tree: Tree, *folder: str, spill_rows: int = _SPILL_ROWS) -> None:
        self._tree = tree
        self._folder = folder
        self._spill_rows = spill_rows
        self._lock = threading.Lock()
        self._buffer: list[pa.Table] = []
        self._room_ids: set[str] = set()

    def add(self, table: pa.Table) -> None:
        """Take rows of the schema ``STAGED``, in any order.

        Raises:
            FormatError: the schema is another one.
            LakeError: the disk refuses them.
        """
        if not table.schema.equals(STAGED):
            raise FormatError("rows to stage have another schema than the contract's")
        with self._lock:
            self._room_ids.update(pc.unique(table["room_id"]).to_pylist())
            self._buffer.append(table.cast(_BARE))
            if sum(each.num_rows for each in self._buffer) >= self._spill_rows:
                self._spill()

    def room_ids(self) -> frozenset[str]:
        """Return the rooms that any row taken so far is of."""
        with self._lock:
            return frozenset(self._room_ids)

    def days(self) -> list[date]:
        """Return the local days on which any booking taken so far starts, in order."""
        with self._lock:
            self._spill()
            return sorted(date.fromisoformat(name) for name in self._tree.names(*self._folder))

    def day(self, day: date) -> pa.Table:
        """Return the bookings that start on a local day, in no particular order."""
        with self._lock:
            self._spill()
            content = self._tree.read(*self._folder, str(day))
        batches = [] if content is None else list(_batches(pa.BufferReader(content)))
        rows = pa.Table.from_batches(batches, schema=_BARE)
        return rows.select(BOOKINGS.names).cast(BOOKINGS)

    def _spill(self) -> None:
        rows = pa.concat_tables([_BARE.empty_table(), *self._buffer])
        for day, of_day in _by_day(rows.sort_by("local_start_date").combine_chunks()):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, _BARE, options=_COMPRESSED) as writer:
                writer.write_table(of_day)
            self._tree.append(memoryview(sink.getvalue()), *self._folder, str(day))
        self._buffer.clear()


def _by_day(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Cut rows that are sorted by day into days."""
    first = 0
    for day, count in _counts(rows["local_start_date"]):
        yield day, rows.slice(first, count)
        first += count


def _counts(sorted_days: pa.ChunkedArray) -> list[tuple[date, int]]:
    counted = pc.value_counts(sorted_days)
    return [(each["values"].as_py(), each["counts"].as_py()) for each in counted]


def _batches(source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    """Read the streams that were appended one after the other."""
    while source.tell() < source.size():
        yield from pa.ipc.open_stream(source)
