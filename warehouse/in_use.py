"""Rooms booked at once in each place: the minutes at which this changes, and figures for each day.

The minutes of a place's day are one row of an array, so counting a change is one step. The same in
SQL (changes grouped by place, day and minute) took five times as long.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from warehouse.blocks import Array, Ints, column, day_numbers
from warehouse.calendar import MINUTES_TO_1970
from warehouse.masks import Hours, minutes_of

_COUNTED_TOGETHER: Final = 250_000
"""Minutes of places counted together, at ``_MOMENTS_A_DAY`` for each day: fits into a cache."""
_MOMENTS_A_DAY: Final = 96
_DAY_MINUTES: Final = 24 * 60
_MOST_DAYS: Final = 367
"""More days than a pass has."""


def place_changes(  # noqa: PLR0913, PLR0917 - the tables of a pass
    hours: Hours | None,
    room_dates: pa.Table,
    calendar: pa.Table,
    places: pa.Table,
    through: date,
    threads: int,
) -> pa.Table:
    """Return how many rooms of each place open (or close, below 0) and are booked (or become free).

    ``places`` has one row for each room_no and each place_no it is part of, with the room's
    phase_minutes. ``hours`` is what ``hours_of`` returned for the same pass. ``through`` is the
    last day to count.

    Columns: place_no, local_date, minute (UTC, from the midnight that begins the date), opened and
    booked. Sorted by date, place and minute; over a place's day, both counts sum to 0.
    """
    if not len(places) or hours is None:
        return CHANGES.empty_table()
    changes = _Changes(hours, room_dates, calendar, places, through)
    with ThreadPoolExecutor(threads) as pool:
        return pa.concat_tables([CHANGES.empty_table(), *pool.map(changes.count, changes.chunks)])


class _ByDay:
    """Rows of a pass by day, counted from its first one."""

    def __init__(self, day: Array, *columns: Array) -> None:
        # 16 bits are enough, as a pass is no longer than a year, and NumPy sorts those by counting.
        order = np.argsort(day.astype(np.uint16), kind="stable")
        self._day = day.take(order).astype(np.int64)
        self._columns = [each.take(order) for each in columns]

    def of_days(self, days: range) -> list[Array]:
        """Return day and columns of the rows of some days."""
        low, high = np.searchsorted(self._day, (days.start, days.stop))
        return [each[low:high].copy() for each in (self._day, *self._columns)]


class _Changes:
    """When the rooms of a pass open, close, are booked and become free, to be counted by place.

    Every room has as many slots as the room in the most places; unused slots are place 0, which is
    dropped.
    """

    def __init__(
        self,
        hours: Hours,
        room_dates: pa.Table,
        calendar: pa.Table,
        places: pa.Table,
        through: date,
    ) -> None:
        last_day = (through - date(1970, 1, 1)).days
        self._first_day = hours.calendar.first_day
        self._days = max(0, min(hours.calendar.days, last_day - self._first_day + 1))
        rooms = max(int(column(each, "room_no").max()) for each in (places, room_dates)) + 1
        room, place = column(places, "room_no"), column(places, "place_no")
        order = np.lexsort((place, room))
        room, place = room[order], place[order]
        number = np.arange(len(room)) - np.searchsorted(room, room)
        self._places_of = np.zeros((number.max() + 1, rooms), np.int64)
        self._places_of[number, room] = place
        self._places = int(place.max()) + 1
        self._phase = np.zeros(rooms, np.int64)
        self._phase[room] = column(places, "phase_minutes")[order]
        self._load_calendar(calendar)
        is_open = column(room_dates, "is_in_use") & ~column(room_dates, "is_whole")
        day, room = day_numbers(room_dates) - self._first_day, column(room_dates, "room_no")
        self._open = self._asked(day, room, column(room_dates, "profile"), is_open)
        begins, ends = hours.begins, hours.ends
        self._begins, self._ends = (self._asked(*each) for each in (begins, ends))

    def _load_calendar(self, calendar: pa.Table) -> None:
        """Find when each profile opens and closes; a full hour within open time is no change."""
        open_mask = column(calendar, "open_mask")
        after = open_mask << 1
        found = [minutes_of(each) for each in (open_mask & ~after, ~open_mask & after)]
        of, minute = map(np.concatenate, zip(*found, strict=True))
        change = np.repeat((1, -1), [len(each) for each, _ in found])
        day = day_numbers(calendar)[of] - self._first_day
        midnight = MINUTES_TO_1970 + (day.astype(np.int64) + self._first_day) * _DAY_MINUTES
        minute = column(calendar, "cell").astype(np.int64)[of] * 60 + minute - midnight
        # A room's phase is less than an hour and is subtracted from its minutes.
        self._lowest = int(minute.min(initial=0)) - 60
        self._width = int(minute.max(initial=0)) - self._lowest + 1
        profile = column(calendar, "profile")[of].astype(np.int64)
        key = self._key(profile, day.astype(np.int64)) + minute - self._lowest
        key, at = np.unique(key, return_inverse=True)
        change = np.bincount(at, change).astype(np.int64)
        self._line, self._change = key[change != 0], change[change != 0]

    def _key(self, profile: Array, day: Ints) -> Ints:
        """Return the key of the first minute of a profile's day."""
        return (profile * np.int64(_MOST_DAYS) + day) * self._width

    def _asked(self, day: Array, room: Array, other: Array, chosen: Array | bool = True) -> _ByDay:
        """Keep the rows up to the last day whose room is part of a place."""
        kept = np.flatnonzero(chosen & (day < self._days) & (self._places_of[0] > 0).take(room))
        return _ByDay(*(each.take(kept) for each in (day, room, other)))

    @property
    def chunks(self) -> list[range]:
        """The ranges of days that are counted together."""
        size = max(1, _COUNTED_TOGETHER // (self._places * _MOMENTS_A_DAY))
        return [range(at, min(at + size, self._days)) for at in range(0, self._days, size)]

    def count(self, days: range) -> pa.Table:
        """Return the rows of some days."""
        *opened, change = self._opened(days)
        found = [opened, self._begins.of_days(days), self._ends.of_days(days)]
        for each in found:
            each[2] -= self._phase.take(each[1]) + self._lowest
        # Count only the minutes at which anything changes: mostly quarter hours.
        is_moment = np.zeros(self._width, np.bool_)
        for _, _, minute in found:
            is_moment[minute] = True
        moments = np.flatnonzero(is_moment)
        nth, width = np.cumsum(is_moment) - 1, len(moments)
        counts = np.zeros((3, len(days) * self._places * width))
        for place_of in self._places_of * width:
            for which, (day, room, minute) in enumerate(found):
                at = (day - days.start) * (self._places * width)
                at += place_of.take(room) + nth.take(minute)
                counts[which] += np.bincount(at, None if which else change, counts.shape[1])
        counts[1] -= counts[2]
        at = np.flatnonzero((counts[0] != 0) | (counts[1] != 0))
        row = at // width
        day, moment = row // self._places, at - row * width
        place = row - day * self._places
        asked = np.flatnonzero(place)
        dates = (day[asked] + (days.start + self._first_day)).astype(np.int32)
        columns = [
            place[asked],
            pa.array(dates).cast(pa.date32()),
            moments[moment[asked]] + self._lowest,
            *(each[at[asked]] for each in counts[:2]),
        ]
        return pa.table(columns, CHANGES.names).cast(CHANGES)

    def _opened(self, days: range) -> list[Array]:
        """Return day, room and minute of each opening or closing, and the change in open rooms."""
        day, room, profile = self._open.of_days(days)
        begin, end = (np.searchsorted(self._line, self._key(profile, day + at)) for at in (0, 1))
        counts = end - begin
        line = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - begin, counts)
        minute = self._line[line] % self._width + self._lowest
        return [np.repeat(day, counts), np.repeat(room, counts), minute, self._change[line]]


def peaks(changes: pa.Table) -> pa.Table:
    """Return the figures of each place and date, schema ``PEAKS``.

    ``changes`` is the result of ``place_changes``. Only minutes with an open room of the place
    count.
    """
    place, day = column(changes, "place_no"), day_numbers(changes)
    minute = column(changes, "minute")
    rooms_open, booked = np.cumsum(column(changes, "opened")), np.cumsum(column(changes, "booked"))
    lasts = np.diff(minute, append=0)
    open_at = np.flatnonzero(rooms_open > 0)
    if not len(open_at):
        return PEAKS.empty_table()
    place, day, booked, lasts = (each.take(open_at) for each in (place, day, booked, lasts))
    free = rooms_open.take(open_at) - booked
    is_first = np.append(True, (place[1:] != place[:-1]) | (day[1:] != day[:-1]))
    first = np.flatnonzero(is_first)
    peak = np.maximum.reduceat(booked, first)
    # For each day, the number of minutes with each number of rooms booked.
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


def place_hours(hours: Hours | None, places: pa.Table, through: date) -> pa.Table:
    """Return the minutes of each place by day and hour, schema ``PLACE_HOURS``.

    ``places`` has the place_no of each room_no to count; ``through`` is the last day.
    """
    if hours is None or not len(places):
        return PLACE_HOURS.empty_table()
    calendar, masks = hours.calendar, hours.masks
    own, number = column(places, "room_no"), column(places, "place_no")
    place = np.full(max(hours.rooms.count, int(own.max()) + 1), -1, np.int64)
    place[own] = number
    days = max(0, min(calendar.days, (through - date(1970, 1, 1)).days - calendar.first_day + 1))
    room, day = column(masks, "room_no"), day_numbers(masks) - calendar.first_day
    kept = np.flatnonzero((place.take(room) >= 0) & (day < days))
    at = (place.take(room.take(kept)) * days + day.take(kept)) * 24
    at += column(masks, "local_hour").take(kept)
    size = (int(number.max()) + 1) * days * 24
    sums = [
        np.bincount(at, np.bitwise_count(column(masks, name).take(kept)), size).astype(np.int64)
        for name in ("open_mask", "booked_mask")
    ]
    found = np.flatnonzero(np.bincount(at, minlength=size))
    row, hour = np.divmod(found, 24)
    place, day = np.divmod(row, max(days, 1))
    dates = (day + calendar.first_day).astype(np.int32)
    columns = [place, dates, hour, *(each[found] for each in sums)]
    return pa.table(columns, PLACE_HOURS.names).cast(PLACE_HOURS)


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
PLACE_HOURS: Final = pa.schema(
    {
        "place_no": pa.int32(),
        "local_date": pa.date32(),
        "local_hour": pa.int32(),
        "open_minutes": pa.int64(),
        "booked_minutes": pa.int64(),
    }
)
