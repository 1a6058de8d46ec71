"""Busy ahead: a range for the booked minutes of the next four weeks, and its back-test (R23).

A gain is a day's final booked minutes minus nine tenths of those booked at a distance before it. It
is divided by the day's open minutes, so that days with more or fewer rooms compare, and by how much
fuller than usual the days around it were booked, so that a quiet week compares with others.
Similar days are the same weekday, and the latest other days, scaled by what each weekday usually
ends with. A day counts at a distance only if the ledger of changes was running when it was that far
ahead: creation dates miss what was cancelled since, and the range would lie too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.contract.database import TABLES
from warehouse.blocks import day_numbers
from warehouse.engine import Engine
from warehouse.known import DISTANCES

_Ints: TypeAlias = npt.NDArray[np.int64]
_Floats: TypeAlias = npt.NDArray[np.float64]

BUSY_AHEAD: Final = "busy_ahead"
PERCENTILES: Final = (0.2, 0.5, 0.8)
MOST_WEEKS: Final = 26
"""A range uses this many of the latest days of the same weekday."""
LATEST_DAYS: Final = 24
"""A range also uses the other weekdays among this many latest open days."""
MOST_UNLIKE: Final = 2
"""Two weekdays are alike if neither usually ends with more than this many times the other."""
LEAST_WEEKS: Final = 6
LEAST_TESTED_DAYS: Final = 10
KEPT: Final = 0.9
"""Share of booked minutes to keep: some are cancelled, and taken time cannot be booked again."""
DAYS_AROUND: Final = 5
CALM: Final = 2
"""How many days' open minutes are added to the minutes booked around a day and to the usual ones:
damps the ratio where bookings are few."""
_NAIVE_WEEKS: Final = 4


@dataclass(frozen=True, slots=True)
class Days:
    """Open days of a building, in order; dates are days since 1970-01-01.

    ``known`` has one row a day and one column for each distance, 0 to 28. For days ahead, every
    column is what is booked now.
    """

    dates: _Ints
    open_minutes: _Ints
    known: _Ints


class Outlook:
    """The forecast of each day at each distance; the first ``past`` of all days are over.

    ``ledger_from`` is the first night whose readings were compared.
    """

    def __init__(self, days: Days, past: int, ledger_from: int) -> None:
        self._days = days
        self._weekday = days.dates % 7
        self._share = days.known / days.open_minutes[:, None]
        self.is_known = days.dates[:, None] - np.arange(DISTANCES + 1) + 1 >= ledger_from
        self.is_known[:, 0] = True
        # By date: the date's row, and how many past days of each weekday were over by then.
        self._first = int(days.dates[0]) - DISTANCES - DAYS_AROUND
        dates = np.arange(self._first, days.dates[-1] + DAYS_AROUND + 1)
        row = np.full(len(dates), -1)
        row[days.dates - self._first] = np.arange(len(days.dates))
        weekdays = [np.flatnonzero(self._weekday[:past] == weekday) for weekday in range(7)]
        over = [np.searchsorted(days.dates[rows], dates, side="right") for rows in weekdays]
        self._over = np.stack(over, axis=1)
        # By weekday and number of past days: the latest days, the usual share, the naive forecast.
        self._equal = np.full((7, past + 1, MOST_WEEKS), -1)
        self._usual = np.full((7, past + 1, DISTANCES + 1), np.nan)
        self._naive = np.full((7, past + 1), np.nan)
        for weekday, rows in enumerate(weekdays):
            every, is_known = slice(len(rows) + 1), self.is_known[rows]
            counts = _sums_of_latest(is_known, MOST_WEEKS)
            sums = _sums_of_latest(np.where(is_known, self._share[rows], 0), MOST_WEEKS)
            usual = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
            self._usual[weekday, every] = usual
            self._equal[weekday, every] = _latest(rows, MOST_WEEKS)
            means = _sums_of_latest(days.known[rows, :1], _NAIVE_WEEKS)[:, 0] / _NAIVE_WEEKS
            self._naive[weekday, _NAIVE_WEEKS : len(means)] = means[_NAIVE_WEEKS:]
        self._latest = _latest(np.arange(past), LATEST_DAYS)
        self._ends_with = self._usual[np.arange(7), self._over, 0]
        steps = [step for step in range(-DAYS_AROUND, DAYS_AROUND + 1) if step]
        self._steps = np.array(steps)
        self._around = row[days.dates[:, None] + self._steps - self._first]
        is_ahead = np.arange(len(days.dates)) >= past
        self._is_at_hand = (self._around >= 0) & ((self._around < past) | is_ahead[:, None])

    def expected(self, distance: int) -> tuple[list[_Floats], npt.NDArray[np.bool_]]:
        """Return low, median and high of each day in minutes, and which days have enough past.

        Each day is forecast from what was known ``distance`` days before it.
        """
        days, by = self._days, self._days.dates - distance - self._first
        fullness = self._fullness(distance)
        gains = (self._share[:, 0] - KEPT * self._share[:, distance]) / fullness
        gains = np.append(np.where(self.is_known[:, distance], gains, np.inf), np.inf)
        equal = gains[self._equal[self._weekday, self._over[by, self._weekday]]]
        latest = self._latest[self._over[by].sum(axis=1)]
        # Other weekdays, scaled by what each usually ends with; ``equal`` has the same weekday.
        own = self._ends_with[by, self._weekday][:, None]
        other = self._ends_with[by[:, None], self._weekday[latest]]
        is_like = (own > 0) & (other <= own * MOST_UNLIKE) & (own <= other * MOST_UNLIKE)
        is_like &= self._weekday[latest] != self._weekday[:, None]
        ratio = np.divide(own, other, out=np.ones_like(other), where=is_like)
        others = np.where(is_like, gains[latest], np.inf) * ratio
        ordered = np.sort(np.concatenate([equal, others], axis=1), axis=1)
        counts = np.isfinite(ordered).sum(axis=1)
        known = KEPT * days.known[:, distance]
        expected = [
            known + _percentile(ordered, counts, share) * fullness * days.open_minutes
            for share in PERCENTILES
        ]
        minutes = [np.clip(np.rint(each), 0, days.open_minutes) for each in expected]
        return minutes, np.isfinite(equal).sum(axis=1) >= LEAST_WEEKS

    def naive(self, distance: int) -> _Floats:
        """Return the mean of the last four same weekdays over by then; NaN if there are fewer."""
        by = self._days.dates - distance - self._first
        means: _Floats = self._naive[self._weekday, self._over[by, self._weekday]]
        return means

    def _fullness(self, distance: int) -> _Floats:
        """Return how full the days around each day were booked at that distance; usual is 1.

        What days ahead had booked at an earlier date is unknown, so past days leave them out.
        """
        days, by = self._days, self._days.dates - distance - self._first
        then = np.maximum(distance + self._steps, 0)
        row, then = self._around[:, then <= DISTANCES], then[then <= DISTANCES]
        weekday = self._weekday[row]
        share = self._usual[weekday, self._over[by[:, None], weekday], then]
        is_told = self._is_at_hand[:, : len(then)] & ~np.isnan(share)
        booked = np.where(is_told, days.known[row, then], 0).sum(axis=1)
        usual = np.where(is_told, share * days.open_minutes[row], 0).sum(axis=1)
        fullness: _Floats = (booked + CALM * days.open_minutes) / (usual + CALM * days.open_minutes)
        return fullness


def _sums_of_latest(values: npt.NDArray[Any], most: int) -> _Floats:
    """Return, for each number of first rows from 0 to all, the sum of the ``most`` latest."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    of_latest: _Floats = sums - sums[np.maximum(np.arange(len(sums)) - most, 0)]
    return of_latest


def _latest(rows: _Ints, most: int) -> _Ints:
    """Return, for each number of first rows from 0 to all, the ``most`` latest, then -1."""
    places = np.arange(len(rows) + 1)[:, None] - np.arange(1, most + 1)
    latest: _Ints = np.append(rows, -1)[np.maximum(places, -1)]
    return latest


def _percentile(ordered: _Floats, counts: _Ints, share: float) -> _Floats:
    """Return the value that the next such value stays below with probability ``share``.

    Interpolates at rank share * (count + 1) (Weibull): with few values, the usual percentiles lie
    too close together.
    """
    last = np.maximum(counts - 1, 0)
    rank = np.clip((counts + 1) * share - 1, 0, last)
    below = np.floor(rank).astype(np.int64)
    row = np.arange(len(ordered))
    lower, upper = ordered[row, below], ordered[row, np.minimum(below + 1, last)]
    lower, upper = (np.where(counts > 0, each, 0) for each in (lower, upper))
    between: _Floats = lower + (rank - below) * (upper - lower)
    return between


def forecast(
    past: Days, ahead: Days, through: int, ledger_from: int
) -> tuple[dict[str, _Floats], _Floats]:
    """Return a building's back-test, and low, median and high of the days ahead, one row a day.

    The back-test has the number of days and the sums over them by distance, 1 to 28. Each past day
    is forecast only from what was known that many days before it. A day ahead is NaN where the past
    is too short.
    """
    count = len(past.dates)
    sums = {name: np.zeros(DISTANCES) for name in _SUMS}
    found = np.full((len(ahead.dates), len(PERCENTILES)), np.nan)
    if not count:
        return sums, found
    known = np.repeat(ahead.known[:, :1], DISTANCES + 1, axis=1)
    days = Days(
        np.append(past.dates, ahead.dates),
        np.append(past.open_minutes, ahead.open_minutes),
        np.concatenate([past.known, known]),
    )
    outlook = Outlook(days, count, ledger_from)
    for distance in range(1, DISTANCES + 1):
        expected, is_enough = outlook.expected(distance)
        (row,) = np.nonzero(days.dates[count:] == through + distance)
        row = row[is_enough[count + row]]
        found[row] = np.transpose(expected)[count + row]
        naive = outlook.naive(distance)[:count]
        chosen = is_enough[:count] & outlook.is_known[:count, distance] & ~np.isnan(naive)
        low, median, high = (each[:count][chosen] for each in expected)
        naive, truth = naive[chosen], past.known[chosen, 0]
        sums["days"][distance - 1] = len(truth)
        sums["within"][distance - 1] = np.sum((low <= truth) & (truth <= high))
        sums["off"][distance - 1] = np.sum(np.abs(median - truth))
        sums["naive_off"][distance - 1] = np.sum(np.abs(naive - truth))
    return sums, found


def load_busy_ahead(engine: Engine) -> None:
    """Fill ``busy_ahead`` and ``busy_ahead_check`` from the work tables of the passes.

    A range is given only at a distance that was tested on at least ten days, together with the
    result of that test.
    """
    (row,) = engine.rows("SELECT region, through_date, first_night FROM settings, ledger")
    region, through = str(row[0]), _number(row[1])
    ledger_from = _NEVER if row[2] is None else _number(row[2])
    past, ahead = (_buildings(engine.table(name)) for name in ("known_days", "ahead_days"))
    for number, building in engine.rows("SELECT building_no, building FROM ahead_buildings"):
        if number not in ahead:
            continue
        days, some = past.get(number, _NO_DAYS), ahead[number]
        sums, expected = forecast(days, some, through, ledger_from)
        tested = sums["days"].astype(np.int32)
        is_tested = tested >= LEAST_TESTED_DAYS
        means = [
            pa.array(sums[name] / np.maximum(tested, 1), mask=~is_tested)
            for name in ("within", "off", "naive_off")
        ]
        distances = np.arange(1, DISTANCES + 1, dtype=np.int32)
        _insert(engine, "busy_ahead_check", region, building, [distances, tested, *means])
        expected[~is_tested[some.dates - through - 1]] = np.nan
        minutes = [pa.array(each, from_pandas=True).cast(pa.int64()) for each in expected.T]
        dates = some.dates.astype("datetime64[D]")
        columns = [dates, some.open_minutes, some.known[:, 0], *minutes]
        _insert(engine, "busy_ahead", region, building, columns)


def _insert(
    engine: Engine, table: str, region: str, building: str | None, columns: Sequence[Any]
) -> None:
    """Insert rows of one building; ``columns`` are all columns but region and building."""
    count = len(columns[0])
    whole = [pa.array([region] * count), pa.array([building] * count, pa.string())]
    whole += map(pa.array, columns)
    engine.insert(table, pa.table(whole, schema=TABLES[table].schema))


def _buildings(rows: pa.Table) -> dict[int, Days]:
    """Return the days of each building, by the building's number."""
    if not len(rows):
        return {}
    rows = rows.sort_by([("building_no", "ascending"), ("local_date", "ascending")])
    numbers, dates = rows["building_no"].to_numpy(), day_numbers(rows).astype(np.int64)
    known = rows["known"].combine_chunks().flatten().to_numpy().reshape(len(rows), -1)
    every = Days(dates, rows["open_minutes"].to_numpy(), known)
    found, firsts = np.unique(numbers, return_index=True)
    ends = [*firsts[1:], len(rows)]
    return {
        int(number): Days(
            every.dates[first:end], every.open_minutes[first:end], every.known[first:end]
        )
        for number, first, end in zip(found, firsts, ends, strict=True)
    }


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


_NEVER: Final = np.iinfo(np.int64).max
_SUMS: Final = ("days", "within", "off", "naive_off")
_NOTHING: Final = np.zeros(0, np.int64)
_NO_DAYS: Final = Days(_NOTHING, _NOTHING, np.zeros((0, DISTANCES + 1), np.int64))
