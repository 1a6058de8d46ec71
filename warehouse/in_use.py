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
from typing import Final

import numpy as np
import pyarrow as pa

from warehouse.blocks import Array, Ints, column, day_numbers
from warehouse.calendar import MINUTES_TO_1970

_MINUTES_AT_A_TIME: Final = 250_000
"""Minutes of places that are counted together: few enough for a core's cache."""
_DAY_MINUTES: Final = 24 * 60
_MOST_DAYS: Final = 367
"""More than a pass has."""


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
    phase_minutes; the other tables are those of a pass, ``room_dates`` as ``hour_masks`` takes
    them. ``through`` is the last day to look at.

    Columns: place_no, local_date, minute (UTC, from the midnight that begins the date), opened and
    booked. Sorted by date, place and minute; both counts of a place's day sum up to 0.
    """
    if not len(places) or not len(room_dates) or not len(calendar):
        return CHANGES.empty_table()
    changes = _Changes(masks, room_dates, calendar, places, through)
    with ThreadPoolExecutor(threads) as pool:
        return pa.concat_tables([CHANGES.empty_table(), *pool.map(changes.count, changes.chunks)])


class _ByDay:
    """Rows of a pass by day, counted from its first one."""

    def __init__(self, day: Array, *columns: Array) -> None:
        # Of 16 bits, as a pass has no more days than a year: those are sorted by counting.
        order = np.argsort(day.astype(np.uint16), kind="stable")
        self._day = day[order].astype(np.int64)
        self._columns = [each[order] for each in columns]

    def of_days(self, days: range) -> list[Array]:
        """Return day and columns of the rows of some days."""
        low, high = np.searchsorted(self._day, (days.start, days.stop))
        return [each[low:high] for each in (self._day, *self._columns)]


class _Changes:
    """When the rooms of a pass open, close, are booked and become free, to be counted by place.

    A room is part of as many places as the room that is part of the most: where there are fewer,
    the others are place 0, which nobody asks about.
    """

    def __init__(
        self,
        masks: pa.Table,
        room_dates: pa.Table,
        calendar: pa.Table,
        places: pa.Table,
        through: date,
    ) -> None:
        days = day_numbers(calendar)
        self._first_day, last_day = int(days.min()), (through - date(1970, 1, 1)).days
        self._days = max(0, min(int(days.max()), last_day) - self._first_day + 1)
        self._load_places(
            places, 1 + max(int(column(each, "room_no").max()) for each in (places, room_dates))
        )
        self._load_calendar(calendar)
        day, room, profile = self._asked(room_dates, column(room_dates, "is_in_use"), "profile")
        self._open = _ByDay(day, room, profile)
        is_booked = column(masks, "booked_mask") != 0
        day, room, cell, mask = self._asked(masks, is_booked, "cell", "booked_mask")
        self._booked = _ByDay(day, room, cell, mask)

    def _load_places(self, places: pa.Table, rooms: int) -> None:
        room, place = column(places, "room_no"), column(places, "place_no")
        order = np.lexsort((place, room))
        room, place = room[order], place[order]
        number = np.arange(len(room)) - np.searchsorted(room, room)
        self._places_of = np.zeros((number.max() + 1, rooms), np.int64)
        self._places_of[number, room] = place
        self._places = int(place.max()) + 1
        self._phase = np.zeros(rooms, np.int64)
        self._phase[room] = column(places, "phase_minutes")[order]

    def _load_calendar(self, calendar: pa.Table) -> None:
        """Find when each profile opens and closes: not at a full hour within its open time."""
        of, minute, change = _moments(column(calendar, "open_mask"))
        day = day_numbers(calendar)[of] - self._first_day
        minute += _from_midnight(column(calendar, "cell")[of], day + self._first_day)
        # A room's phase is less than an hour, and comes off its minutes.
        self._lowest = int(minute.min(initial=0)) - 60
        self._width = int(minute.max(initial=0)) - self._lowest + 1
        profile = column(calendar, "profile")[of].astype(np.int64)
        key = self._key(profile, day.astype(np.int64)) + minute - self._lowest
        key, at = np.unique(key, return_inverse=True)
        change = np.bincount(at, change).astype(np.int64)
        self._line, self._change = key[change != 0], change[change != 0]

    def _key(self, profile: Array, day: Ints) -> Ints:
        """Return where the lines of a profile's day begin."""
        return (profile * np.int64(_MOST_DAYS) + day) * self._width

    def _asked(self, rows: pa.Table, chosen: Array, *names: str) -> list[Array]:
        """Return day, room and other columns of the rows whose day and place is asked about."""
        day, room = day_numbers(rows) - self._first_day, column(rows, "room_no")
        kept = np.flatnonzero(chosen & (day < self._days) & (self._places_of[0] > 0)[room])
        return [each[kept] for each in (day, room, *(column(rows, name) for name in names))]

    @property
    def chunks(self) -> list[range]:
        """The days that are counted together."""
        size = max(1, _MINUTES_AT_A_TIME // (self._places * self._width))
        return [range(at, min(at + size, self._days)) for at in range(0, self._days, size)]

    def count(self, days: range) -> pa.Table:
        """Return the rows of some days."""
        counts = [self._by_minute(days, *each) for each in (self._opened(days), self._taken(days))]
        at = np.flatnonzero((counts[0] != 0) | (counts[1] != 0))
        row, minute = np.divmod(at, self._width)
        day, place = np.divmod(row, self._places)
        asked = np.flatnonzero(place)
        dates = (day[asked] + (days.start + self._first_day)).astype(np.int32)
        columns = [
            place[asked],
            pa.array(dates).cast(pa.date32()),
            minute[asked] + self._lowest,
            *(each[at[asked]] for each in counts),
        ]
        return pa.table(columns, CHANGES.names).cast(CHANGES)

    def _opened(self, days: range) -> tuple[Ints, Array, Ints, Array]:
        """Return day, room and minute of each change of what is open, and how many rooms more."""
        day, room, profile = self._open.of_days(days)
        begin, end = (np.searchsorted(self._line, self._key(profile, day + at)) for at in (0, 1))
        counts = end - begin
        line = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - begin, counts)
        minute = self._line[line] % self._width + self._lowest
        return np.repeat(day, counts), np.repeat(room, counts), minute, self._change[line]

    def _taken(self, days: range) -> tuple[Ints, Array, Ints, Array]:
        """Return the same of what is booked."""
        day, room, cell, mask = self._booked.of_days(days)
        of, minute, change = _moments(mask)
        minute += _from_midnight(cell, day + self._first_day)[of]
        return day[of], room[of], minute, change

    def _by_minute(self, days: range, day: Ints, room: Array, minute: Ints, change: Array) -> Array:
        """Return changes added up by day, place and minute."""
        at = (day - days.start) * self._places * self._width
        at += minute - self._phase[room] - self._lowest
        at = self._places_of[:, room] * self._width + at
        change = np.broadcast_to(change, at.shape)
        size = len(days) * self._places * self._width
        return np.bincount(at.ravel(), change.ravel(), size)


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
