"""Which rows survive when a day is read again: pure functions, tables in and tables out.

Belongs here: rule R13 (a room that could not be read keeps what it had) for bookings and for
coverage.
Does not belong here: files and their order of writing (``lake.py``).
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract import BOOKINGS, COVERAGE, INSTANT


def merge_day(old: pa.Table | None, new: pa.Table, loaded: Collection[str]) -> pa.Table:
    """Return a day's bookings: new rows of the rooms that were read, old rows of all others.

    A room that left the directory is one of those others: its rows stay until retention. New
    rows of a room that is not in ``loaded`` are left out: its reading failed in the end.
    """
    kept = BOOKINGS.empty_table() if old is None else rows_of_others(old, loaded)
    return pa.concat_tables([kept, rows_of(new, loaded)])


def merge_earlier_day(
    old: pa.Table | None, new: pa.Table, begins: Mapping[str, datetime]
) -> pa.Table:
    """Return the bookings of a day before the first day asked (R10).

    ``begins`` is when the days asked begin in each room that was read. What ran on into them was
    read again, whole, and replaces what was known to; what had ended before stays.
    """
    old = BOOKINGS.empty_table() if old is None else old
    kept = old.filter(pc.invert(_runs_into(old, begins)))
    return pa.concat_tables([kept, new.filter(_runs_into(new, begins))])


def _runs_into(table: pa.Table, begins: Mapping[str, datetime]) -> pa.ChunkedArray:
    rooms = pa.array(list(begins), pa.string())
    instants = pa.array(list(begins.values()), INSTANT)
    begins_at = instants.take(pc.index_in(table["room_id"].combine_chunks(), value_set=rooms))
    return pc.fill_null(pc.greater(table["ends_at"], begins_at), False)


def merge_coverage(
    old: pa.Table | None, loaded: Mapping[str, datetime], failed: Mapping[str, str]
) -> pa.Table:
    """Return a day's coverage: a row for every room that a run asked for, old rows of others.

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
