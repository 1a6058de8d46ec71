"""Rooms booked at once in each place: when their number changes, and what it comes to on a day.

Belongs here: the minutes at which rooms open, close, are booked or become free, counted by place,
and their running sums; pure functions of Arrow tables.
Does not belong here: which rooms a place has (``sql/before``), and what a row says beside them
(``sql/each_pass/in_use.sql``).

The minutes of a place's day stand in a row of an array, where counting is one step a change: the
same in SQL (changes grouped by place, day and minute) took five times as long.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from warehouse.blocks import Array, Ints, column, day_numbers
from warehouse.calendar import MINUTES_TO_1970

_MINUTES_AT_A_TIME: Final = 1_000_000
"""Minutes of places that are counted together, 8 MB for each of two counts."""
_DAY_MINUTES: Final = 24 * 60


class Changes(NamedTuple):
    """Rooms that open (1) or close (-1), or are booked or become free, sorted by day.

    Days are counted from the first of the pass, minutes from the UTC midnight that begins the date.
    """

    day: Ints
    room: Array
    minute: Ints
    change: Array

    def of_days(self, first: int, end: int) -> "Changes":
        """Return those of some days."""
        low, high = np.searchsorted(self.day, (first, end))
        return Changes(*(each[low:high] for each in self))


class Places:
    """The places that rooms are part of.

    A room has as many as the room with the most: where it is part of fewer, the others are place 0,
    which nobody asks about.
    """

    def __init__(self, places: pa.Table, rooms: int) -> None:
        room, place = column(places, "room_no"), column(places, "place_no")
        order = np.lexsort((place, room))
        room, place = room[order], place[order]
        number = np.arange(len(room)) - np.searchsorted(room, room)
        self.of_room = np.zeros((number.max() + 1, rooms), np.int64)
        self.of_room[number, room] = place
        self.count = int(place.max()) + 1
        self.phase = np.zeros(rooms, np.int64)
        self.phase[room] = column(places, "phase_minutes")[order]


def place_changes(  # noqa: PLR0913, PLR0917 - the tables of a pass
    masks: pa.Table,
    room_dates: pa.Table,
    calendar: pa.Table,
    places: pa.Table,
    through: date,
    threads: int,
) -> pa.Table:
    """Return how many rooms of each place open (or close, below 0) and are booked (or become free).

    ``places`` has a row for each room_no and place_no that it is part of, with the room's
    phase_minutes; the other tables are those of a pass. ``through`` is the last day to look at.

    Columns: place_no, local_date, minute (UTC, from the midnight that begins the date), opened and
    booked. Sorted by date, place and minute; both counts of a place's day sum up to 0.
    """
    first_day = int(day_numbers(calendar).min()) if len(calendar) else 0
    days = (through - date(1970, 1, 1)).days - first_day + 1
    if not len(places) or not len(room_dates) or not len(calendar) or days < 1:
        return CHANGES.empty_table()
    rooms = 1 + max(int(column(each, "room_no").max()) for each in (places, room_dates))
    found = Places(places, rooms)
    opened = _opened(room_dates, calendar, found, first_day, days)
    booked = _booked(masks, found, first_day, days)
    minutes = np.concatenate((opened.minute, booked.minute))
    if not len(minutes):
        return CHANGES.empty_table()
    lowest, width = int(minutes.min()), int(np.ptp(minutes)) + 1
    days_at_a_time = max(1, _MINUTES_AT_A_TIME // (found.count * width))

    def count(first: int) -> pa.Table:
        end = min(first + days_at_a_time, days)
        both = [
            _by_minute(each.of_days(first, end), found, (end - first, width), first, lowest)
            for each in (opened, booked)
        ]
        at = np.flatnonzero((both[0] != 0) | (both[1] != 0))
        row, minute = np.divmod(at, width)
        day, place = np.divmod(row, found.count)
        asked = np.flatnonzero(place)
        dates = (day[asked] + (first + first_day)).astype(np.int32)
        columns = [
            place[asked],
            pa.array(dates).cast(pa.date32()),
            minute[asked] + lowest,
            *(each[at[asked]] for each in both),
        ]
        return pa.table(columns, CHANGES.names).cast(CHANGES)

    with ThreadPoolExecutor(threads) as pool:
        return pa.concat_tables(pool.map(count, range(0, days, days_at_a_time)))


def _by_minute(
    changes: Changes, places: Places, shape: tuple[int, int], first_day: int, lowest: int
) -> Array:
    """Return changes added up by day, place and minute, of so many days and minutes."""
    days, width = shape
    at = (changes.day - first_day) * (places.count * width) + changes.minute - lowest
    at = places.of_room[:, changes.room] * width + at
    change = np.broadcast_to(changes.change, at.shape)
    return np.bincount(at.ravel(), change.ravel(), days * places.count * width)


def _booked(masks: pa.Table, places: Places, first_day: int, days: int) -> Changes:
    """Return when rooms are booked and become free, within the time that they are open."""
    mask, room = column(masks, "booked_mask"), column(masks, "room_no")
    day = day_numbers(masks) - first_day
    rows = np.flatnonzero((mask != 0) & (day < days) & (places.of_room[0] > 0)[room])
    of, minute, change = _moments(mask[rows])
    rows = rows[of]
    day, room = day[rows], room[rows]
    minute += _from_midnight(column(masks, "cell")[rows], day + first_day) - places.phase[room]
    return _sorted(day, room, minute, change)


def _opened(
    room_dates: pa.Table, calendar: pa.Table, places: Places, first_day: int, days: int
) -> Changes:
    """Return when rooms open and close."""
    # First by calendar, where what closes at a full hour and opens at it goes.
    of, minute, change = _moments(column(calendar, "open_mask"))
    day = (day_numbers(calendar) - first_day)[of]
    minute += _from_midnight(column(calendar, "cell")[of], day + first_day)
    profile = column(calendar, "profile")[of].astype(np.int64)
    lowest = minute.min(initial=0)
    width = minute.max(initial=0) - lowest + 1
    profile_day = profile * days + day
    key, at = np.unique((profile_day * width + minute - lowest)[day < days], return_inverse=True)
    change = np.bincount(at, change[day < days]).astype(np.int64)
    key, change = key[change != 0], change[change != 0]

    room, day = column(room_dates, "room_no"), day_numbers(room_dates) - first_day
    is_open = column(room_dates, "is_in_use")
    rows = np.flatnonzero(is_open & (day < days) & (places.of_room[0] > 0)[room])
    profile_day = column(room_dates, "profile")[rows].astype(np.int64) * days + day[rows]
    begin, end = (np.searchsorted(key, (profile_day + each) * width) for each in (0, 1))
    counts = end - begin
    at = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - begin, counts)
    rows = np.repeat(rows, counts)
    minute = key[at] % width + lowest - places.phase[room[rows]]
    return _sorted(day[rows], room[rows], minute, change[at])


def _moments(masks: Ints) -> tuple[Array, Ints, Array]:
    """Return row, minute and change of each run of bits: 1 where it begins, -1 after its end."""
    found: list[tuple[Array, Ints, Array]] = []
    for bits, sign in ((masks & ~(masks << 1), 1), (~masks & (masks << 1), -1)):
        row = np.flatnonzero(bits)
        left = bits[row]
        while len(row):
            minute = np.bitwise_count((left & -left) - 1).astype(np.int64)
            found.append((row, minute, np.full(len(row), sign)))
            left &= left - 1
            kept = np.flatnonzero(left)
            row, left = row[kept], left[kept]
    nothing = np.zeros(0, np.int64)
    found.append((nothing, nothing, nothing))
    rows, minutes, changes = (np.concatenate(each) for each in zip(*found, strict=True))
    return rows, minutes, changes


def _from_midnight(cell: Array, day: Array) -> Ints:
    """Return the first minute of cells, counted from the midnight that begins the date."""
    return cell.astype(np.int64) * 60 - MINUTES_TO_1970 - day.astype(np.int64) * _DAY_MINUTES


def _sorted(day: Array, room: Array, minute: Ints, change: Array) -> Changes:
    # Of 16 bits, as a pass has no more days than a year: those are sorted by counting.
    order = np.argsort(day.astype(np.uint16), kind="stable")
    return Changes(day[order].astype(np.int64), room[order], minute[order], change[order])


def peaks(changes: pa.Table) -> pa.Table:
    """Return what the changes of each place and date come to, schema ``PEAKS``.

    ``changes`` are as ``place_changes`` gives them. The minutes of a day are those with any room of
    the place open.
    """
    place, day = column(changes, "place_no"), day_numbers(changes)
    minute = column(changes, "minute")
    rooms_open, booked = np.cumsum(column(changes, "opened")), np.cumsum(column(changes, "booked"))
    lasts = np.diff(minute, append=0)
    open_at = np.flatnonzero(rooms_open > 0)
    if not len(open_at):
        return PEAKS.empty_table()
    place, day, booked, lasts = (each[open_at] for each in (place, day, booked, lasts))
    free = rooms_open[open_at] - booked
    is_first = np.append(True, (place[1:] != place[:-1]) | (day[1:] != day[:-1]))
    first = np.flatnonzero(is_first)
    peak = np.maximum.reduceat(booked, first)
    # How many minutes of each day each number of rooms is booked.
    begins = np.cumsum(peak + 1) - peak - 1
    row = np.cumsum(is_first) - 1
    level_minutes = np.bincount(begins[row] + booked, lasts).astype(np.int64)
    so_far = np.cumsum(level_minutes)
    before = (so_far - level_minutes)[begins]
    in_all = np.add.reduceat(level_minutes, begins)
    of_level = np.repeat(np.arange(len(first)), peak + 1)
    is_below = (so_far - before[of_level]) * 100 < in_all[of_level] * 95
    columns = [
        place[first],
        pa.array(day[first]).cast(pa.date32()),
        peak,
        np.add.reduceat(is_below.astype(np.int64), begins),
        np.minimum.reduceat(free, first),
        np.add.reduceat(np.where(free == 0, lasts, 0), first),
    ]
    return pa.table(columns, PEAKS.names).cast(PEAKS)


CHANGES: Final = pa.schema(
    {
        "place_no": pa.int32(),
        "local_date": pa.date32(),
        "minute": pa.int32(),
        "opened": pa.int32(),
        "booked": pa.int32(),
    }
)
PEAKS: Final = pa.schema(
    {
        "place_no": pa.int32(),
        "local_date": pa.date32(),
        "peak_rooms_in_use": pa.int32(),
        "p95_rooms_in_use": pa.int32(),
        "min_free_rooms": pa.int32(),
        "sold_out_minutes": pa.int32(),
    }
)
