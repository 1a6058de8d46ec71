"""What a night does to the lake: store what was read, delete what is past its retention.

Belongs here: the rows of a run between reading and writing, which rows survive (R10, R13), an order
of writing that a killed run cannot spoil, and refusing rooms of other regions.
Does not belong here: how a day is written (``lake.py``), reading rooms (``pipelines``).
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract import INSTANT
from transforms.contract.lake import BOOKINGS, COVERAGE, STAGED
from transforms.local_time import Closure, day_start, first_day_kept, zone
from warehouse.directory import as_of_days, forget_directory
from warehouse.lake import DATASETS, Lake, LakeError
from warehouse.lake_format import FormatError
from warehouse.ledger import Ledger, forget_changes, latest_end
from warehouse.storage.disk import DiskStorage

Span: TypeAlias = tuple[datetime, datetime]
"""Two instants, the first within and the second not."""

_DAY: Final = timedelta(days=1)
_EARLIEST: Final = timedelta(hours=14)  # no zone is further ahead of UTC
_LAST_ZONE: Final = "Etc/GMT+12"  # nor further behind
_SPILL_ROWS: Final = 50_000
_BARE: Final = pa.schema([field.remove_metadata() for field in STAGED])  # each spill stores it
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression="zstd")


@contextmanager
def staging(lake: Lake) -> Iterator["Staging"]:
    """Give a staging area for a run's rows, in the lake, so that they stay in its region."""
    with lake.scratch() as folder:
        yield Staging(DiskStorage(folder, "lake", LakeError))


class Staging:
    """Collects rows room by room, and returns them by local day.

    Thread-safe. Holds ``spill_rows`` rows and one room, or one day, in memory at a time.
    ``storage`` is a folder that exists and is empty.
    """

    def __init__(self, storage: DiskStorage, spill_rows: int = _SPILL_ROWS) -> None:
        self._storage = storage
        self._spill_rows = spill_rows
        self._lock = threading.Lock()
        self._buffer: list[pa.Table] = []
        self._room_ids: set[str] = set()

    def add(self, table: pa.Table) -> None:
        """Take rows of the schema ``STAGED``, in any order.

        Raises:
            FormatError: the schema is a different one.
            LakeError: the rows cannot be written.
        """
        if not table.schema.equals(STAGED):
            raise FormatError("rows to stage have another schema than the contract's")
        with self._lock:
            self._room_ids.update(pc.unique(table["room_id"]).to_pylist())
            self._buffer.append(table.cast(_BARE))
            if sum(each.num_rows for each in self._buffer) >= self._spill_rows:
                self._spill()

    def room_ids(self) -> frozenset[str]:
        """Return the rooms of all rows taken so far."""
        with self._lock:
            return frozenset(self._room_ids)

    def days(self) -> list[date]:
        """Return the local days on which the bookings taken so far start, in order."""
        with self._lock:
            self._spill()
            return sorted(date.fromisoformat(name) for name in self._storage.names())

    def day(self, day: date) -> pa.Table:
        """Return the bookings that start on a local day, in no particular order."""
        with self._lock:
            self._spill()
            content = self._storage.get(str(day))
        batches: list[pa.RecordBatch] = []
        source = pa.BufferReader(b"" if content is None else content)
        while source.tell() < source.size():  # each spill appended a stream
            batches += pa.ipc.open_stream(source)
        rows = pa.Table.from_batches(batches, schema=_BARE)
        return rows.select(BOOKINGS.names).cast(BOOKINGS)

    def _spill(self) -> None:
        rows = pa.concat_tables([_BARE.empty_table(), *self._buffer])
        rows = rows.sort_by("local_start_date").combine_chunks()
        first = 0
        for counted in pc.value_counts(rows["local_start_date"]).to_pylist():
            of_day = rows.slice(first, counted["counts"])
            first += of_day.num_rows
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, _BARE, options=_COMPRESSED) as writer:
                writer.write_table(of_day)
            self._storage.append(memoryview(sink.getvalue()), str(counted["values"]))
        self._buffer.clear()


def apply_night(  # noqa: PLR0913, PLR0917 - a night has so many parts
    lake: Lake,
    staging: Staging,
    days: Sequence[date],
    room_ids: Collection[str],
    loaded: Mapping[str, datetime],
    failed: Mapping[str, str],
    spans: Mapping[str, Span],
    closures: Sequence[Closure] = (),
    seen_on: date | None = None,
) -> int:
    """Store what a run read, in one step; return how many bookings the rooms read have.

    ``room_ids`` is the directory, ``loaded`` the instant at which each room was read, ``failed``
    the code of each room that could not be (R13), ``spans`` the instants at which the days asked
    begin and end in each room's zone. A booking that began earlier and runs into those days is
    stored under its own day (R10). What was read replaces what is stored of the same instants, and
    only that: after the zone of a room was corrected, a booking may be stored under one of the days
    asked and yet lie outside them, or the reverse. Each day's bookings are written before its
    coverage, so that no reader ever sees a day that claims to have been read but lacks its
    bookings.

    Differences between each room's last good reading of these days and this one go into the changes
    of ``seen_on``, the region's local date (R19); another run on that date adds to them.

    Raises:
        LakeError: rows or outcomes of a room outside the directory, or a room without outcome.
    """
    _refuse_other_rooms(lake, frozenset(room_ids), staging.room_ids(), loaded, failed)
    bookings = 0
    asked = Asked({room_id: spans[room_id] for room_id in loaded})
    ledger = Ledger(loaded)
    with lake.at_once():
        if loaded:
            begins_at = min(spans[room_id][0] for room_id in loaded)
            running = lake.days_running_until(begins_at, before=min(days))
            earlier = {*running, *(day for day in staging.days() if day < min(days))}
            # No two zones are further apart.
            later = [max(days) + count * _DAY for count in (1, 2)]
            for day in sorted({*earlier, *later}):
                old, new = lake.read("bookings", day), asked.rows_of(staging.day(day))
                merged = merge_day(old, new, asked)
                if merged.num_rows if old is None else not merged.equals(old):
                    ledger.compare(asked.rows_of(old), new, lake.read("coverage", day))
                    lake.replace("bookings", day, merged)
        stored = (lake.read_each("coverage", days), lake.read_each("bookings", days))
        for day, before, old in zip(days, *stored, strict=True):
            # Without its bookings, which somebody deleted, a day counts as never read.
            before = None if old is None else before  # noqa: PLW2901
            if loaded:
                new = asked.rows_of(staging.day(day))
                ledger.compare(asked.rows_of(old), new, before)
                lake.replace("bookings", day, merge_day(old, new, asked))
                bookings += new.num_rows
            lake.replace("coverage", day, merge_coverage(before, loaded, failed))
        if loaded and seen_on:
            until = datetime.combine(max(days), time(), UTC) + 2 * _DAY
            changes = ledger.changes(as_of_days(lake), closures, until)
            kept = lake.read("changes", seen_on)
            lake.replace("changes", seen_on, pa.concat_tables([*([kept] if kept else []), changes]))
    return bookings


def retain(lake: Lake, today: date, months: int) -> list[date]:
    """Delete the days before the same day of the month, ``months`` months back; return them.

    If that month is shorter, its last day counts. A booking that still runs on the first day kept
    stays (R10). Changes go with the night that saw them, and with their bookings. The directory's
    history loses what counted only before the first day kept. Afterwards the lake is searched for
    days that should be gone.

    Raises:
        LakeError: a day could not be deleted, or is still there afterwards.
    """
    first_kept = first_day_kept(today, months)
    is_running = _running_on(lake, first_kept)
    running = bookings_that_run_on(lake, first_kept)
    old = {(each, day) for each in DATASETS for day in lake.days(each) if day < first_kept}
    deleted = set()
    # Coverage goes first, so that a killed run leaves no day that was read without bookings.
    for dataset, day in sorted(old, reverse=True):
        if dataset == "bookings" and day in running:
            rows, kept = running[day]
            if kept.num_rows < rows:
                lake.replace("bookings", day, kept)
                deleted.add(day)
        else:
            lake.delete(dataset, day)
            deleted.add(day)
    forget_changes(
        lake, lambda rows: pc.invert(is_running(rows, latest_end(rows))), before=first_kept
    )
    forget_directory(lake, first_kept)
    left = [
        day
        for dataset in (*DATASETS, "changes")
        for day in lake.days(dataset)
        if day < first_kept and not (dataset == "bookings" and day in running)
    ]
    if left:
        raise LakeError(f"{lake.root}: {min(left)} is past its retention and was not deleted")
    return sorted(deleted)


def bookings_that_run_on(lake: Lake, first_kept: date) -> dict[date, tuple[int, pa.Table]]:
    """Return bookings of earlier days that still run on a day, on their room's clock (R10).

    Keyed by the day on which they start, with the number of all bookings of that day.
    """
    is_running = _running_on(lake, first_kept)
    # The earliest instant at which that day begins in any zone.
    begins_at = datetime(first_kept.year, first_kept.month, first_kept.day, tzinfo=UTC) - _EARLIEST
    found = {}
    for day in lake.days_running_until(begins_at, before=first_kept):
        rows = lake.read("bookings", day)
        kept = None if rows is None else rows.filter(is_running(rows, rows["ends_at"]))
        if rows is not None and kept is not None and kept.num_rows:
            found[day] = (rows.num_rows, kept)
    return found


def _running_on(lake: Lake, day: date) -> Callable[[pa.Table, pa.ChunkedArray], pa.ChunkedArray]:
    """Return a function that says which rows end after a day begins on their room's clock.

    For a room that is in no directory any more, the day begins where it begins last.
    """
    begins = {
        row["room_id"]: day_start(day, zone(row["time_zone"]))
        for row in as_of_days(lake).to_pylist()
    }

    rooms, last = pa.array(list(begins), pa.string()), day_start(day, zone(_LAST_ZONE))
    instants = pa.array([*begins.values(), last], INSTANT)

    def is_running(rows: pa.Table, ends_at: pa.ChunkedArray) -> pa.ChunkedArray:
        places = pc.index_in(rows["room_id"].combine_chunks(), value_set=rooms)
        begins_at = instants.take(pc.fill_null(places, len(rooms)))
        return pc.fill_null(pc.greater(ends_at, begins_at), False)

    return is_running


def _refuse_other_rooms(
    lake: Lake,
    directory: frozenset[str],
    staged: Collection[str],
    loaded: Mapping[str, datetime],
    failed: Mapping[str, str],
) -> None:
    strangers = sorted({*staged, *loaded, *failed} - directory)
    if strangers:
        raise LakeError(
            f"{lake.root}: room {strangers[0]} is not in the room directory of region "
            f"{lake.region}: nothing was written"
        )
    if loaded.keys() & failed.keys() or loaded.keys() | failed.keys() != directory:
        raise LakeError(f"{lake.root}: every room is either read or failed: nothing was written")


class Asked:
    """The instants between which the days asked lie in each room that was read."""

    def __init__(self, spans: Mapping[str, Span]) -> None:
        self._room_ids = pa.array(list(spans), pa.string())
        self._begins_at, self._ends_at = (
            pa.array([span[end] for span in spans.values()], INSTANT) for end in (0, 1)
        )

    def rows_of(self, table: pa.Table | None) -> pa.Table:
        """Return the bookings that begin in those days or run into them, of rooms that were read.

        All-day bookings mean dates: half a day in from each end tells them in any zone (R6).
        """
        return BOOKINGS.empty_table() if table is None else table.filter(self._has(table))

    def others_of(self, table: pa.Table | None) -> pa.Table:
        """Return all other bookings."""
        if table is None:
            return BOOKINGS.empty_table()
        return table.filter(pc.invert(self._has(table)))

    def _has(self, table: pa.Table) -> pa.ChunkedArray:
        places = pc.index_in(table["room_id"].combine_chunks(), value_set=self._room_ids)
        begins_at, ends_at = self._begins_at.take(places), self._ends_at.take(places)
        duration = pa.duration("us")  # scalars are made here: the first one imports pandas
        half_a_day, none = pa.scalar(_DAY / 2, duration), pa.scalar(0 * _DAY, duration)
        inset = pc.if_else(table["is_all_day"], half_a_day, none)
        starts = pc.add(table["starts_at"], inset)
        is_near = pc.or_(
            pc.greater_equal(starts, begins_at),
            pc.greater(pc.subtract(table["ends_at"], inset), begins_at),
        )
        return pc.fill_null(pc.and_(is_near, pc.less(starts, ends_at)), False)


def merge_day(old: pa.Table | None, new: pa.Table, asked: Asked) -> pa.Table:
    """Return a day's bookings: those just read, and stored ones that were not read again.

    A room that left the directory was not read: its rows stay until retention. Rows of a room whose
    reading failed in the end are not in ``new``.
    """
    return pa.concat_tables([asked.others_of(old), new])


def merge_coverage(
    old: pa.Table | None, loaded: Mapping[str, datetime], failed: Mapping[str, str]
) -> pa.Table:
    """Return a day's coverage: new rows for every room that a run asked for, old rows for others.

    A room that was read has the instant of this reading; one that failed has the code, and
    keeps the instant of its last good reading (R13).
    """
    old = COVERAGE.empty_table() if old is None else old
    before = dict(zip(old["room_id"].to_pylist(), old["read_at"].to_pylist(), strict=True))
    read = [(room_id, True, read_at, None) for room_id, read_at in loaded.items()]
    unread = [(room_id, False, before.get(room_id), code) for room_id, code in failed.items()]
    columns = zip(*read, *unread, strict=True) if read or unread else ([] for _ in COVERAGE)
    arrays = [
        pa.array(list(values), field.type) for values, field in zip(columns, COVERAGE, strict=True)
    ]
    kept = rows_of_others(old, {*loaded, *failed})
    return pa.concat_tables([kept, pa.Table.from_arrays(arrays, schema=COVERAGE)])


def rows_of(table: pa.Table, room_ids: Collection[str]) -> pa.Table:
    """Return the rows of these rooms."""
    return table.filter(_is_of(table, room_ids))


def rows_of_others(table: pa.Table, room_ids: Collection[str]) -> pa.Table:
    """Return the rows of every room but these."""
    return table.filter(pc.invert(_is_of(table, room_ids)))


def _is_of(table: pa.Table, room_ids: Collection[str]) -> pa.ChunkedArray:
    return pc.is_in(table["room_id"], value_set=pa.array(sorted(room_ids), pa.string()))
