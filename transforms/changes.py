"""What two readings of the same rooms differ in (R19): tables in, tables out.

Belongs here: which bookings are gone and which appeared, and which two of them are one booking that
was moved or resized. Does not belong here: readings and files (``warehouse/nightly.py``), minutes
that were given back (``warehouse/calendar.py``).

No id of Exchange is stored, so a booking is known by its room, its creation and whether it is of a
series; an exception belongs to its series. Where the creation is unknown only new and cancelled
bookings are told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract.lake import CHANGES

_Key: TypeAlias = tuple[object, ...]
_BLOCKING: Final = pa.array(["booked", "held"])
_UNKNOWN: Final = np.iinfo(np.int64).min


class Sight(NamedTuple):
    """A booking that one of two readings has and the other has not.

    ``seen_after`` is the last good reading before the other one; None where the day of a booking
    that appeared was never read before.
    """

    room_id: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime | None
    seen_after: datetime | None


def differing(old: pa.Table, new: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the booked and held rows of ``old`` that ``new`` lacks, and the reverse.

    Both have the columns of ``BOOKINGS``. Rows are compared as a multiset by room, creation,
    series or not, start and end.
    """
    old, new = (each.filter(pc.is_in(each["status"], _BLOCKING)) for each in (old, new))
    if not old.num_rows or not new.num_rows:
        return old, new
    both = pa.concat_tables([old, new])
    is_new = np.repeat([0, 1], [old.num_rows, new.num_rows])
    # What a booking is known by, a whole number a row and part of the key.
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
    """Return the changes of a night, schema ``CHANGES``; given_back_minutes are 0.

    ``seen_at`` is when each room was read now. Of bookings with one creation in one room, those
    that keep their start or their end are resized, the others moved, nearest first. What appears on
    a day that was never read before is no news; a single booking may have been moved there.
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
    """Drop occurrences that were edited where they are, and exceptions dated anew in their place.

    An exception is a message of its own to Exchange ([MS-OXOCAL] 2.2.10.2), so that a server may
    give it a creation of its own. Where it was moved too, it is told as cancelled and new.
    """
    redated = {
        (each.room_id, each.starts_at, each.ends_at): (key, each)
        for key, sights_of in after.items()
        for each in sights_of
        if each.kind == "exception"
    }
    for key, sights_of in before.items():
        for old in list(sights_of):
            place = (old.room_id, old.starts_at, old.ends_at)
            if old.kind != "single" and place in redated and redated[place][0] != key:
                new_key, new = redated.pop(place)
                sights_of.remove(old)
                after[new_key].remove(new)


def _paired(
    gone: list[Sight], appeared: list[Sight]
) -> Iterator[tuple[str, Sight | None, Sight | None]]:
    """Yield the changes among bookings of one room, creation and class."""
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
            if rank:  # else it only changed its local day: the room's time zone was corrected
                change = "resized" if rank == 1 else "moved"
                yield change, gone[old_place], appeared[new_place]
    yield from (("cancelled", gone[place], None) for place in sorted(left_old))
    for place in sorted(left_new):
        if appeared[place].seen_after is not None:
            yield "new", None, appeared[place]


def _rank(old: Sight, new: Sight) -> int | None:
    """Return how near two sights are to be one booking: 0 the same, None if they cannot be."""
    keeps_start, keeps_end = old.starts_at == new.starts_at, old.ends_at == new.ends_at
    if keeps_start and keeps_end:
        return 0
    if old.created_at is None:
        return None
    # The next occurrence of a series appears each night at the end of what is read.
    if new.seen_after is None and old.kind != "single":
        return None
    return 1 if keeps_start or keeps_end else 2


def sights(rows: pa.Table, seen_after: Sequence[datetime | None]) -> list[Sight]:
    """Return rows of ``BOOKINGS`` as sights, with the reading before each."""
    columns = (rows[name].to_pylist() for name in Sight._fields[:-1])
    return [Sight(*values) for values in zip(*columns, seen_after, strict=True)]
