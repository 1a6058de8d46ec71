"""The ledger of a lake: what people changed between two readings, a file a night (R19, R20)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from transforms.changes import Sight, changes_of, differing, sights
from transforms.contract import INSTANT
from transforms.contract.lake import CHANGES
from transforms.local_time import Closure, day_start, zone
from warehouse.calendar import open_minutes, profile_of
from warehouse.lake import Lake

_Span: TypeAlias = tuple[datetime, datetime]
_COUNTED: Final = ("booked", "held")
_KNOWN_BY: Final = ("room_id", "created_at")


class Ledger:
    """Takes the days of a night one by one; the changes are known once it has seen them all.

    ``loaded`` has the instant at which each room was read; other rooms have no changes.
    """

    def __init__(self, loaded: Mapping[str, datetime]) -> None:
        self._loaded = dict(loaded)
        self._rooms = pa.array(sorted(loaded), pa.string())
        self._gone: list[Sight] = []
        self._appeared: list[Sight] = []
        self._never_read: list[pa.Table] = []
        self._standing: dict[str, list[_Span]] = defaultdict(list)

    def compare(self, old: pa.Table | None, new: pa.Table, coverage: pa.Table | None) -> None:
        """Compare a day's bookings and coverage in the lake with its bookings as read now."""
        old = new.slice(0, 0) if old is None else old
        of_loaded = (each.filter(pc.is_in(each["room_id"], self._rooms)) for each in (old, new))
        gone, appeared = differing(*of_loaded)
        if gone.num_rows:
            self._gone += sights(gone, gone["read_at"].to_pylist())
            self._note_standing(new, appeared, gone["room_id"])
        if appeared.num_rows:
            # The last good reading of each row's room on that day, null if there is none.
            before = pa.chunked_array([pa.nulls(appeared.num_rows, INSTANT)])
            if coverage is not None:
                places = pc.index_in(appeared["room_id"], coverage["room_id"].combine_chunks())
                before = coverage["read_at"].take(places)
            was_read = pc.is_valid(before)
            self._appeared += sights(appeared.filter(was_read), before.drop_null().to_pylist())
            self._never_read.append(appeared.filter(pc.invert(was_read)))

    def changes(
        self, directory: pa.Table, closures: Sequence[Closure], until: datetime
    ) -> pa.Table:
        """Return the changes of the night, schema ``CHANGES``.

        ``directory`` is the result of ``as_of_days``. Minutes from ``until`` on do not count as
        given back: those days were not read.
        """
        appeared = [*self._appeared]
        if self._gone and self._never_read:
            # What may have moved to a day that was never read: few of its bookings.
            never_read = pa.concat_tables(self._never_read)
            room_ids, created = ({getattr(each, name) for each in self._gone} for name in _KNOWN_BY)
            of_room = pc.is_in(never_read["room_id"], pa.array(sorted(room_ids), pa.string()))
            dated = pa.array([*created - {None}], INSTANT)
            is_known = pc.is_in(never_read["created_at"], dated)
            near = never_read.filter(pc.and_(of_room, is_known))
            appeared += sights(near, [None] * near.num_rows)
        found = changes_of(self._gone, appeared, self._loaded)
        rooms: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for room in directory.to_pylist():
            rooms[room["room_id"]].append(room)
        rows = found.to_pylist()
        for row in rows:
            if row["change"] != "new":
                own = rooms[row["room_id"]]
                row["given_back_minutes"] = self._given_back(row, own, closures, until)
        return pa.Table.from_pylist(rows, CHANGES)

    def _given_back(
        self,
        change: Mapping[str, Any],
        rooms: Sequence[Mapping[str, Any]],
        closures: Sequence[Closure],
        until: datetime,
    ) -> int:
        """Return the open minutes after the reading that the change set free (R20).

        ``rooms`` are the rows of its room in the directory, in order: each day has its own hours.
        Time is not free where another booking of that day held it before and still does, or where
        the booking itself is now.
        """
        starts_at = max(change["starts_at"], change["seen_at"])
        ends_at = min(change["ends_at"], until)
        taken = list(self._standing.get(change["room_id"], ()))
        if change["new_starts_at"]:
            taken.append((change["new_starts_at"], change["new_ends_at"]))
        near = [span for span in taken if span[0] < ends_at and span[1] > starts_at]
        minutes = 0
        for number, room in enumerate(rooms):
            clock = zone(room["time_zone"])
            begins, ends = starts_at, ends_at
            if number:
                begins = max(begins, day_start(room["valid_from"], clock))
            if room["valid_to"]:
                ends = min(ends, day_start(room["valid_to"], clock))
            if begins < ends:
                in_use = (room["opened_on"], room["closed_on"])
                minutes += open_minutes(profile_of(room, closures), in_use, (begins, ends), near)
        return minutes

    def _note_standing(self, new: pa.Table, appeared: pa.Table, room_ids: pa.ChunkedArray) -> None:
        """Keep bookings that held a room before and still do, on a day that lost a booking.

        Time that a newer booking took was given back first: one reading can show both. A booking
        without a creation date may be new or may be the one that seems gone: it counts as held.
        """
        of_rooms = room_ids.unique()
        spans: list[Counter[tuple[str, datetime, datetime]]] = []
        came = appeared.filter(pc.is_valid(appeared["created_at"]))
        for rows in (new.filter(pc.is_in(new["status"], pa.array(_COUNTED))), came):
            near = rows.filter(pc.is_in(rows["room_id"], of_rooms))
            columns = (near[name].to_pylist() for name in ("room_id", "starts_at", "ends_at"))
            spans.append(Counter(zip(*columns, strict=True)))
        for room_id, starts_at, ends_at in (spans[0] - spans[1]).elements():
            self._standing[room_id].append((starts_at, ends_at))


def forget_changes(
    lake: Lake, is_past: Callable[[pa.Table], pa.ChunkedArray], *, before: date = date.min
) -> None:
    """Drop the changes of nights before a date, and rows for which ``is_past``."""
    nights = lake.days("changes")
    for night, rows in zip(nights, lake.read_each("changes", nights), strict=True):
        if rows is None:
            continue
        if night < before:
            lake.delete("changes", night)
        elif rows.num_rows:
            kept = rows.filter(pc.invert(is_past(rows)))
            if kept.num_rows < rows.num_rows:
                lake.replace("changes", night, kept)


def latest_end(rows: pa.Table) -> pa.ChunkedArray:
    """Return the later of the two ends of each booking, before and after its change."""
    new = pc.coalesce(rows["new_ends_at"], rows["ends_at"])
    return pc.if_else(pc.greater(new, rows["ends_at"]), new, rows["ends_at"])
