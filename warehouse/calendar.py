"""The calendar that the marts join: local dates, local hours and open minutes of every hour.

Rooms that share a calendar are one profile. Time zones stay out of SQL: they are read from
``zoneinfo`` here and nowhere else (R1, R2).

A zone's clock is UTC shifted by the part of its offset under one hour (its *phase*: 30 minutes in
India), so that one hour of it, a *cell*, is one hour of local time. Cells are counted from the year
1. Where a clock change shifts the phase (Lord Howe Island) or cuts an hour, a cell has one row for
each local hour in it; ``part_mask`` says which of the 60 minutes are that row's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.local_time import (
    Closure,
    WeeklyHours,
    closed_dates,
    day_start,
    parse_open_hours,
    public_holidays,
    zone,
)

MINUTES_TO_1970: Final = 62_135_596_800 // 60
"""Minutes from 0001-01-01 to 1970-01-01, both UTC."""

_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1)
_MINUTE: Final = timedelta(minutes=1)
_ALL_MINUTES: Final = (1 << 60) - 1

_Ints: TypeAlias = npt.NDArray[np.int64]
_Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Profile:
    """What decides when a room is open, but for its first and last date; rooms share profiles."""

    time_zone: str
    hours: WeeklyHours
    country: str | None
    subdivision: str | None
    closures: tuple[Closure, ...]


def profile_of(room: Mapping[str, object], closures: Iterable[Closure]) -> Profile:
    """Return the profile of a row of the room directory.

    Raises:
        ValueError: its opening hours, time zone or country are invalid.
    """
    texts = {name: None if value is None else str(value) for name, value in room.items()}
    applying = tuple(
        closure
        for closure in closures
        if closure.applies_to(
            site=texts["site"], building=texts["building"], room_id=str(texts["room_id"])
        )
    )
    zone(str(texts["time_zone"]))
    public_holidays(texts["country"], texts["subdivision"], ())
    return Profile(
        time_zone=str(texts["time_zone"]),
        hours=parse_open_hours(str(texts["open_hours"])),
        country=texts["country"],
        subdivision=texts["subdivision"],
        closures=applying,
    )


@dataclass(frozen=True, slots=True)
class ZoneClock:
    """One zone from ``first_date`` to ``last_date``, minute by minute.

    ``local_minutes`` has one row for each cell from ``first_cell`` on and 60 columns: the local
    time of each minute, in minutes since 1970-01-01 on the local clock.
    """

    first_cell: int
    local_minutes: _Ints


def phase_minutes(time_zone: str, on: date) -> int:
    """Return the part of the zone's offset from UTC under one hour, 0 to 59."""
    return _offset(time_zone, day_start(on, zone(time_zone))) % 60


def zone_clock(time_zone: str, phase: int, first_date: date, last_date: date) -> ZoneClock:
    """Return every cell that overlaps those local dates (inclusive)."""
    named = zone(time_zone)
    starts = _minute_of(day_start(first_date, named))
    ends = _minute_of(day_start(last_date + timedelta(days=1), named))
    first_cell = (starts + phase) // 60
    count = -((ends + phase) // -60) - first_cell
    minutes = first_cell * 60 - phase + np.arange(count * 60, dtype=np.int64).reshape(-1, 60)
    local = minutes + _offsets(time_zone, minutes) - MINUTES_TO_1970
    return ZoneClock(first_cell, local)


def _offset(time_zone: str, instant: datetime) -> int:
    offset = instant.astimezone(zone(time_zone)).utcoffset()
    return 0 if offset is None else offset // _MINUTE


def _minute_of(instant: datetime) -> int:
    return (instant - _EPOCH) // _MINUTE


def _offsets(time_zone: str, minutes: _Ints) -> _Ints:
    """Return the zone's offset at every minute; only days with a clock change are searched."""
    firsts = range(0, len(minutes), 24)
    at_starts = [_offset_at(time_zone, int(minutes[row, 0])) for row in firsts]
    at_starts.append(_offset_at(time_zone, int(minutes[-1, -1]) + 1))
    offsets = np.empty(minutes.shape, np.int64)
    for row, (offset, after) in zip(firsts, pairwise(at_starts), strict=True):
        offsets[row : row + 24] = offset
        if after != offset:
            day = minutes[row : row + 24].ravel().tolist()
            found = [_offset_at(time_zone, minute) for minute in day]
            offsets[row : row + 24] = np.reshape(found, (-1, 60))
    return offsets


def _offset_at(time_zone: str, minute: int) -> int:
    return _offset(time_zone, _EPOCH + timedelta(minutes=minute))


def calendar_rows(
    profiles: Sequence[Profile],
    clocks: Mapping[str, ZoneClock],
    first_date: date,
    last_date: date,
) -> pa.Table:
    """Return the calendar of those local dates (inclusive) for every profile.

    Columns: cell, local_date, local_hour, part_mask (bit i is minute i of the cell), is_split
    (another row has the same cell, or the same local date and hour), profile (its index in the
    sequence) and open_mask.
    """
    of_zones = {name: _hours_of(clock, first_date, last_date) for name, clock in clocks.items()}
    tables = []
    for number, profile in enumerate(profiles):
        minutes, hours = of_zones[profile.time_zone]
        open_mask = _pack(_is_open(profile, minutes, first_date, last_date)) & hours["part_mask"]
        own = {"profile": np.full(len(minutes), number, dtype=np.int32), "open_mask": open_mask}
        tables.append(pa.table(hours | own))
    return pa.concat_tables(tables)


def open_minutes(
    profile: Profile,
    in_use: tuple[date | None, date | None],
    span: tuple[datetime, datetime],
    taken: Iterable[tuple[datetime, datetime]] = (),
) -> int:
    """Return the open minutes between two instants that no span in ``taken`` covers (R1, R2).

    ``in_use`` are the room's ``opened_on`` and ``closed_on``.
    """
    starts, ends = _minute_of(span[0]), _minute_after(span[1])
    if starts >= ends:
        return 0
    hours = np.arange(starts // 60 * 60, -(ends // -60) * 60, dtype=np.int64).reshape(-1, 60)
    local = hours + _offsets(profile.time_zone, hours) - MINUTES_TO_1970
    days = local.flat[[0, -1]] // (24 * 60)
    first, last = (_EPOCH_DAY + timedelta(days=int(day)) for day in days)
    counted = _is_open(profile, local, first, last)
    counted &= (hours >= starts) & (hours < ends)
    opened_on, closed_on = in_use
    if opened_on:
        counted &= local >= _day_number(opened_on) * 24 * 60
    if closed_on:
        counted &= local < _day_number(closed_on) * 24 * 60
    for taken_from, taken_to in taken:
        counted &= (hours < _minute_of(taken_from)) | (hours >= _minute_after(taken_to))
    return int(counted.sum())


def _minute_after(instant: datetime) -> int:
    return -((_EPOCH - instant) // _MINUTE)


def _hours_of(
    clock: ZoneClock, first_date: date, last_date: date
) -> tuple[_Ints, dict[str, pa.Array | npt.NDArray[Any]]]:
    """Return the calendar of a zone before opening hours, a row for each cell and local hour.

    First the local minutes of each row's cell (60 columns), then the columns of ``calendar_rows``.
    """
    hours = clock.local_minutes // 60
    cells = clock.first_cell + np.arange(len(hours), dtype=np.int64)
    is_whole = (hours == hours[:, :1]).all(axis=1)
    cut = [
        (row, hour, _pack(hours[row : row + 1] == hour)[0])
        for row in np.flatnonzero(~is_whole)
        for hour in np.unique(hours[row])
    ]
    rows = np.concatenate([np.flatnonzero(is_whole), np.array([c[0] for c in cut], np.int64)])
    keys = np.concatenate([hours[is_whole, 0], np.array([c[1] for c in cut], np.int64)])
    masks = np.full(len(rows), _ALL_MINUTES, dtype=np.int64)
    masks[len(rows) - len(cut) :] = [c[2] for c in cut]
    first_hour, end_hour = _day_number(first_date) * 24, (_day_number(last_date) + 1) * 24
    kept = (keys >= first_hour) & (keys < end_hour)
    rows, keys, masks = rows[kept], keys[kept], masks[kept]
    _, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
    is_split = (counts[places] > 1) | ~is_whole[rows]
    return clock.local_minutes[rows], {
        "cell": cells[rows],
        "local_date": pa.array((keys // 24).astype(np.int32)).cast(pa.date32()),
        "local_hour": (keys % 24).astype(np.int32),
        "part_mask": masks,
        "is_split": is_split,
    }


def _is_open(profile: Profile, minutes: _Ints, first_date: date, last_date: date) -> _Bools:
    week = np.zeros((7, 24 * 60), dtype=np.bool_)
    for weekday, intervals in enumerate(profile.hours):
        for start, end in intervals:
            week[weekday, start:end] = True
    # One more day at each end: a cell at the edge may reach into it.
    first_day = _day_number(first_date) - 1
    in_use = np.ones(_day_number(last_date) - first_day + 2, dtype=np.bool_)
    years = range(first_date.year, last_date.year + 1)
    holidays = public_holidays(profile.country, profile.subdivision, years)
    for day_off in holidays | closed_dates(profile.closures, first_date, last_date):
        if first_date <= day_off <= last_date:
            in_use[_day_number(day_off) - first_day] = False
    days = minutes // (24 * 60)
    # 1970-01-01 was a Thursday.
    is_open: _Bools = week[(days + 3) % 7, minutes % (24 * 60)] & in_use[days - first_day]
    return is_open


def _pack(bits: _Bools) -> _Ints:
    """Return 60 columns of bits as one integer a row, column i as bit i."""
    padded = np.zeros((len(bits), 64), dtype=np.bool_)
    padded[:, :60] = bits
    return np.packbits(padded, axis=1, bitorder="little").view(np.int64).reshape(-1)


def _day_number(day: date) -> int:
    return (day - _EPOCH_DAY).days


def midnights(time_zone: str, first_date: date, days: int) -> _Ints:
    """Return the starts of consecutive local days, in minutes since 1970 in UTC."""
    own = zone(time_zone)
    begins = (day_start(first_date + timedelta(days=day), own) for day in range(days))
    return np.array([int(each.timestamp()) // 60 for each in begins])
