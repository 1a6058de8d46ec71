"""The room directory as it was on each day (R18): its history in the lake.

Each file of the history is the whole directory from its day on; the first one also covers all days
before it. Names and time zones are corrections: every day gets today's. So does every day, in the
marts, the days of opening and closing, which say by themselves from when they count.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

import pyarrow as pa

from transforms.contract.lake import ROOMS
from transforms.local_time import local_date, zone
from warehouse.lake import Lake
from warehouse.lake_format import RESTATED_FROM

_Rooms: TypeAlias = dict[str, dict[str, Any]]
_History: TypeAlias = dict[date, _Rooms]

_BEGINNING: Final = date.min
_CORRECTIONS: Final = ("name", "time_zone")
_DATED: Final = ("opened_on", "closed_on")
_COMPARED: Final = [name for name in ROOMS.names if name not in {*_CORRECTIONS, "valid_from"}]
_ROOMS_SHOWN: Final = 10
AS_OF: Final = ROOMS.remove(ROOMS.get_field_index("valid_from")).append(
    pa.field("valid_from", pa.date32(), nullable=False)
)
"""The directory by room and span of days: ``valid_from`` is the first day of a row."""


class Edit(NamedTuple):
    """What an edit of the directory changes for a room, and from which day (None: all days)."""

    room_id: str
    what: str
    from_date: date | None

    @property
    def days(self) -> str:
        """The days for which it counts, in words."""
        if self.from_date is None:
            return "for all days"
        return f"from {'the beginning' if self.from_date == _BEGINNING else self.from_date}"

    def __str__(self) -> str:
        return f"{self.room_id}: {self.what} {self.days}"


def by_kind(edits: Iterable[Edit]) -> list[str]:
    """Return a line for each kind of edit and its first day, with the first of its rooms."""
    rooms: dict[tuple[str, str], list[str]] = {}
    for edit in edits:
        is_column = edit.what.partition(" ")[0] in _COMPARED
        kind = f"{edit.what.partition(' ')[0]} changed" if is_column else edit.what
        rooms.setdefault((kind, edit.days), []).append(edit.room_id)
    lines = []
    for (kind, days), room_ids in rooms.items():
        more = len(room_ids) - _ROOMS_SHOWN
        shown = ", ".join(room_ids[:_ROOMS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        lines.append(f"{kind} {days}: {shown}")
    return lines


def record_directory(
    lake: Lake, rooms: pa.Table, directory: pa.Table, today: date, restate_from: date | None = None
) -> list[Edit]:
    """Store the directory as it is now and update its history; return what changed.

    ``rooms`` has one row a room, as of today; ``directory`` has one for each ``valid_from`` too.
    Both have the schema ``ROOMS``. A row whose ``valid_from`` is new counts from that day; any
    other edit counts from today, or from ``restate_from`` if given.
    """
    days_stated = {_BEGINNING, *(day for day in directory["valid_from"].to_pylist() if day)}
    stated = {day: _as_stated(directory, day) for day in sorted(days_stated)}
    history = _history(lake) or stated
    since = restate_from or today
    made = _with_new_rows(history, directory, since)
    # A room whose only row is in the future stays as it was until then.
    listed = set() if restate_from else set(directory["room_id"].to_pylist())
    waiting = {each: row for each, row in _at(history, since).items() if each in listed}
    made = {day: found for day, found in made.items() if day < since}
    made[since] = waiting | _as_stated(directory, since)
    made |= {day: waiting | found for day, found in stated.items() if day > since}
    made = _corrected(made, rooms)
    edits = list(_edits(history, made))
    days = [edit.from_date for edit in edits if edit.from_date]
    past = min([*days, *_redated(lake, rooms)], default=today)
    moved = past if past < today and _was_shown(lake, past, today) else None
    stated_days = [day for day in (restated_from(lake), restate_from, moved) if day]
    _write(lake, made, rooms, min(stated_days, default=None))
    return edits


def as_of_days(lake: Lake) -> pa.Table:
    """Return the directory as marts join it: one row a room and span of days, schema ``AS_OF``.

    A row counts from ``valid_from`` to the day before ``valid_to`` (null: still valid). A room has
    no row for days before it was added or after it was removed.
    """
    history = _history(lake)
    spans: list[dict[str, Any]] = []
    open_spans: dict[str, dict[str, Any]] = {}
    for number, day in enumerate(sorted(history)):
        since = day if number else _BEGINNING
        for room_id in [*open_spans, *(each for each in history[day] if each not in open_spans)]:
            span, row = open_spans.get(room_id), history[day].get(room_id)
            if span and row and all(span[name] == row[name] for name in _COMPARED):
                continue
            if span:
                open_spans.pop(room_id)["valid_to"] = since
            if row:
                open_spans[room_id] = row | {"valid_from": since, "valid_to": None}
                spans.append(open_spans[room_id])
    schema = AS_OF.append(pa.field("valid_to", pa.date32()))
    return pa.Table.from_pylist(spans, schema).sort_by(
        [("room_id", "ascending"), ("valid_from", "ascending")]
    )


def restated_from(lake: Lake) -> date | None:
    """Return the first past day that an operator restated, None if there is none.

    Either with ``restate_from``, or by a ``valid_from``, ``opened_on`` or ``closed_on`` that counts
    for days that were shown already.
    """
    for table in lake.read_each("directory", lake.days("directory")):
        text = (table.schema.metadata or {}).get(RESTATED_FROM) if table is not None else None
        if text:
            return date.fromisoformat(text.decode())
    return None


def forget_directory(lake: Lake, first_kept: date, room_ids: Iterable[str] = ()) -> None:
    """Drop files that count only before a day; of the rooms named, drop every row."""
    days, gone = lake.days("directory"), frozenset(room_ids)
    for earlier, later in pairwise(days):
        if later <= first_kept:
            lake.delete("directory", earlier)
    for day in lake.days("directory") if gone else ():
        table = lake.read("directory", day)
        if table is not None and gone & set(table["room_id"].to_pylist()):
            kept = [row for row in table.to_pylist() if row["room_id"] not in gone]
            lake.replace("directory", day, _table(kept, table.schema.metadata))


def _was_shown(lake: Lake, day: date, today: date) -> bool:
    """Tell whether a day was over everywhere at the last reading, so that figures may show it."""
    read_at, rooms = lake.last_read_at(today), lake.read("rooms")
    if read_at is None or rooms is None:
        return False
    clocks = map(zone, set(rooms["time_zone"].to_pylist()))
    return all(day < local_date(read_at, clock) for clock in clocks)


def _redated(lake: Lake, rooms: pa.Table) -> Iterator[date]:
    """Yield the first stored day that each new day of opening or closing counts for."""
    listed = lake.read("rooms")
    before = {row["room_id"]: row for row in ([] if listed is None else listed.to_pylist())}
    first_day = min(lake.days("coverage"), default=date.max)
    for room in rooms.to_pylist():
        was = before.get(room["room_id"], room)
        for name in _DATED:
            days = [day for day in (was[name], room[name]) if day]
            if was[name] != room[name]:
                is_from_beginning = name == "opened_on" and len(days) == 1
                yield first_day if is_from_beginning else max(first_day, min(days))


def _with_new_rows(history: _History, directory: pa.Table, since: date) -> _History:
    """Return the history with rows added whose ``valid_from`` is new to it and before a day.

    Rows that counted only before the first file were forgotten with their days.
    """
    made = {day: dict(found) for day, found in history.items()}
    kept = [row for each in history.values() for row in each.values()]
    seen = {(row["room_id"], row["valid_from"]) for row in kept}
    rows = [row for row in directory.to_pylist() if row["valid_from"]]
    for row in rows:
        room_id, day = row["room_id"], row["valid_from"]
        if day < since and (room_id, day) not in seen:
            later = (each["valid_from"] for each in rows if each["room_id"] == room_id)
            until = min([since, *(each for each in later if each > day)])
            if until <= min(history):
                continue
            for edge in (until, day):
                made[edge] = dict(_at(made, edge))
            for found in (made[each] for each in list(made) if day <= each < until):
                found[room_id] = row
    return made


def _corrected(history: _History, rooms: pa.Table) -> _History:
    """Return the history with today's names and time zones, without days that change nothing."""
    today = {row["room_id"]: row for row in rooms.to_pylist()}
    corrected: _History = {}
    before: _Rooms | None = None
    for day, found in sorted(history.items()):
        as_today = {
            room_id: row | {key: today.get(room_id, row)[key] for key in _CORRECTIONS}
            for room_id, row in found.items()
        }
        if as_today != before:
            corrected[day] = before = as_today
    return corrected


def _at(history: _History, day: date) -> _Rooms:
    """Return the directory as it was on a day; before the first file, the first."""
    days = [each for each in history if each <= day] or [min(history)]
    return history[max(days)]


def _as_stated(directory: pa.Table, day: date) -> _Rooms:
    """Return the CSV's rows that count on a day by their ``valid_from``, in the CSV's order."""
    rows = directory.to_pylist()
    return {row["room_id"]: row for row in rows if (row["valid_from"] or _BEGINNING) <= day}


def _write(lake: Lake, made: _History, rooms: pa.Table, restated: date | None) -> None:
    metadata = {RESTATED_FROM: str(restated).encode()} if restated else {}
    for day in lake.days("directory"):
        if day not in made:
            lake.delete("directory", day)
    with lake.at_once():
        lake.replace("rooms", None, rooms)
        for day, found in sorted(made.items()):
            old = lake.read("directory", day)
            new = _table(list(found.values()), {**(ROOMS.metadata or {}), **metadata})
            if old is None or not old.equals(new, check_metadata=True):
                lake.replace("directory", day, new)


def _table(rows: list[dict[str, Any]], metadata: dict[bytes, bytes] | None) -> pa.Table:
    ordered = sorted(rows, key=lambda row: str(row["room_id"]))
    return pa.Table.from_pylist(ordered, ROOMS).replace_schema_metadata(metadata)


def _history(lake: Lake) -> _History:
    """Return the directory by the day of each file; without a history, the one for all days."""
    days = lake.days("directory")
    tables = [*lake.read_each("directory", days)]
    if not days:
        days, tables = [_BEGINNING], [lake.read("rooms")]
    found = zip(days, tables, strict=True)
    rooms = {day: table.to_pylist() for day, table in found if table is not None}
    return {day: {row["room_id"]: row for row in rows} for day, rows in rooms.items()}


def _edits(before: _History, after: _History) -> Iterator[Edit]:
    """Yield each difference once, with the first day on which it applies."""
    told: set[tuple[str, str]] = set()
    for day in sorted({*before, *after}):
        old, new = _at(before, day), _at(after, day)
        for room_id in sorted({*old, *new}):
            was, is_now = old.get(room_id), new.get(room_id)
            differences: list[tuple[str, date | None]]
            differences = [("added" if was is None else "taken out", day)]
            if was is not None and is_now is not None:
                differences = [
                    (
                        f"{name} {_shown(was[name])} to {_shown(is_now[name])}",
                        None if name in _DATED else day,
                    )
                    for name in _COMPARED
                    if was[name] != is_now[name]
                ]
            for what, from_date in differences:
                if (room_id, what) not in told:
                    told.add((room_id, what))
                    yield Edit(room_id, what, from_date)


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
