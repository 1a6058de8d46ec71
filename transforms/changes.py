"""How two readings of the same rooms differ (R19): tables in, tables out.

No Exchange id is stored, so a booking is identified by its room, its creation time and whether it
belongs to a series (exceptions do). Where the creation time is unknown, bookings are only ever new
or cancelled.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract.lake import CHANGES

_Key: TypeAlias = tuple[object, ...]
_BLOCKING: Final = ("booked", "held")
_SHORTEST_DAY: Final = timedelta(hours=23)
_TICK: Final = timedelta(microseconds=1)
_UNKNOWN: Final = np.iinfo(np.int64).min


class Sight(NamedTuple):
    """A booking that only one of two readings has.

    ``seen_after`` is the last good reading before the change; None for a booking that appeared on
    a day that was never read before.
    """

    room_id: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool
    created_at: datetime | None
    seen_after: datetime | None


def differing(old: pa.Table, new: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the booked and held rows of ``old`` that ``new`` lacks, and the reverse.

    Both have the columns of ``BOOKINGS``. Rows are compared as multisets, by room, creation time,
    series or not, start and end.
    """
    blocking = pa.array(_BLOCKING)  # made here: the first array of a process imports pandas
    old, new = (each.filter(pc.is_in(each["status"], blocking)) for each in (old, new))
    if not old.num_rows or not new.num_rows:
        return old, new
    both = pa.concat_tables([old, new])
    is_new = np.repeat([0, 1], [old.num_rows, new.num_rows])
    # What identifies a booking: one integer array for each part of the key.
    rooms = both["room_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    is_single = pc.equal(both["kind"], "single").combine_chunks().cast(pa.int64()).to_numpy()
    keys = [
        both[name].combine_chunks().cast(pa.int64()).fill_null(_UNKNOWN).to_numpy()
        for name in ("created_at", "ends_at", "starts_at")
    ]
    keys.append(rooms.astype(np.int64) * 2 + is_single)
    order = np.lexsort((is_new, *keys))
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    groups = np.cumsum(is_first) - 1
    news = np.bincount(groups, weights=is_new[order]).astype(np.int64)
    matched = np.minimum(news, np.bincount(groups) - news)
    places = np.arange(len(order)) - np.flatnonzero(is_first)[groups]
    olds = np.bincount(groups) - news
    is_left = places - np.where(is_new[order] == 1, olds[groups], 0) >= matched[groups]
    left = np.sort(order[is_left])
    gone = left[left < old.num_rows]
    return old.take(gone), new.take(left[left >= old.num_rows] - old.num_rows)


def changes_of(
    gone: Iterable[Sight], appeared: Iterable[Sight], seen_at: dict[str, datetime]
) -> pa.Table:
    """Return the changes of a night, schema ``CHANGES``, with given_back_minutes 0.

    ``seen_at`` is when each room was read this time. Bookings of one room and creation time are
    paired, nearest first: resized if the start or the end is kept, else moved. A booking that
    appears on a day never read before is not new, but a single one may have been moved there.
    """
    before, after = _by_booking(gone), _by_booking(appeared)
    _drop_redated(before, after)
    rows: list[dict[str, Any]] = []
    for key in {**before, **after}:
        for change, old, new in _paired(before.get(key, []), after.get(key, [])):
            told = old or new
            if told is None:
                continue
            rows.append(
                {
                    "room_id": told.room_id,
                    "change": change,
                    "kind": told.kind,
                    "starts_at": told.starts_at,
                    "ends_at": told.ends_at,
                    "new_starts_at": new.starts_at if old and new else None,
                    "new_ends_at": new.ends_at if old and new else None,
                    "created_at": told.created_at,
                    "seen_after": told.seen_after,
                    "seen_at": seen_at[told.room_id],
                    "given_back_minutes": 0,
                }
            )
    return pa.Table.from_pylist(rows, CHANGES)


def _by_booking(sights: Iterable[Sight]) -> dict[_Key, list[Sight]]:
    found: dict[_Key, list[Sight]] = defaultdict(list)
    for each in sights:
        found[each.room_id, each.created_at, each.kind != "single"].append(each)
    return found


def _drop_redated(before: dict[_Key, list[Sight]], after: dict[_Key, list[Sight]]) -> None:
    """Drop pairs that differ in nothing but a creation time, where that tells nothing.

    Exchange stores an exception as its own message ([MS-OXOCAL] 2.2.10.2), so its creation time may
    differ from the series'. If it was moved as well, it is reported as cancelled and new. A reading
    over Graph with ``headcount: false`` knows no creation time; one before or after it may.
    """
    places: dict[_Key, list[tuple[_Key, Sight]]] = defaultdict(list)
    for key, sights_of in after.items():
        for new in sights_of:
            places[new.room_id, new.starts_at, new.ends_at].append((key, new))
    for key, sights_of in before.items():
        for old in list(sights_of):
            there = places.get((old.room_id, old.starts_at, old.ends_at), [])
            for place, (new_key, new) in enumerate(there):
                is_exception = old.kind != "single" and new.kind == "exception"
                is_undated = (old.created_at is None) != (new.created_at is None)
                is_same_sort = (old.kind == "single") == (new.kind == "single")
                if new_key != key and (is_exception or (is_undated and is_same_sort)):
                    sights_of.remove(old)
                    after[new_key].remove(new)
                    del there[place]
                    break


def _paired(
    gone: list[Sight], appeared: list[Sight]
) -> Iterator[tuple[str, Sight | None, Sight | None]]:
    """Yield the changes among bookings with one key (``_by_booking``)."""
    pairs = sorted(
        (rank, distance, old_place, new_place)
        for old_place, old in enumerate(gone)
        for new_place, new in enumerate(appeared)
        if (rank := _rank(old, new)) is not None
        for distance in [abs(new.starts_at - old.starts_at)]
    )
    left_old, left_new = set(range(len(gone))), set(range(len(appeared)))
    for rank, _, old_place, new_place in pairs:
        if old_place in left_old and new_place in left_new:
            left_old.remove(old_place)
            left_new.remove(new_place)
            if rank:  # else only its local day changed: the room's time zone was corrected
                change = "resized" if rank == 1 else "moved"
                yield change, gone[old_place], appeared[new_place]
    yield from (("cancelled", gone[place], None) for place in sorted(left_old))
    for place in sorted(left_new):
        if appeared[place].seen_after is not None:
            yield "new", None, appeared[place]


def _rank(old: Sight, new: Sight) -> int | None:
    """Return how well two sights match as one booking: 0 is best, None if they cannot be one."""
    shifts = abs(new.starts_at - old.starts_at), abs(new.ends_at - old.ends_at)
    # All-day bookings move by days, the shortest of which has 23 hours.
    least = _SHORTEST_DAY if old.is_all_day and new.is_all_day else _TICK
    keeps_start, keeps_end = (shift < least for shift in shifts)
    if keeps_start and keeps_end:
        return 0
    if old.created_at is None:
        return None
    # Every night, the next occurrence of a series appears at the end of the window.
    if new.seen_after is None and old.kind != "single":
        return None
    return 1 if keeps_start or keeps_end else 2


def sights(rows: pa.Table, seen_after: Sequence[datetime | None]) -> list[Sight]:
    """Return rows of ``BOOKINGS`` as sights; ``seen_after`` has an entry for each row."""
    columns = (rows[name].to_pylist() for name in Sight._fields[:-1])
    return [Sight(*values) for values in zip(*columns, seen_after, strict=True)]
