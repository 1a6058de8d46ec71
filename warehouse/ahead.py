"""Busy ahead: a range for the booked minutes of the next four weeks, and its back-test (R23).

Belongs here: percentiles of what equal weekdays still gained or lost, and how they did on past
days; pure functions of arrays, building by building.
Does not belong here: what was booked of a day so long before it (``known.py``).

A gain is a share of the day's open minutes, so that days with more or fewer rooms can be compared.
A day counts at a distance only if the ledger of changes began before it was that far ahead: from
creation dates alone what was cancelled since is missing, and a range would lie too high.
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
"""Equal weekdays that a range is made of: the latest."""
LEAST_WEEKS: Final = 6
LEAST_TESTED_DAYS: Final = 10
_NAIVE_WEEKS: Final = 4


@dataclass(frozen=True, slots=True)
class Days:
    """Open days of a building, in order; dates are days since 1970-01-01.

    Of past days ``known`` has a row a day and a column for each distance, 0 to 28.
    """

    dates: _Ints
    open_minutes: _Ints
    known: _Ints

    def of_weekday(self, weekday: int) -> "Days":
        """Return the days of one weekday, 0 to 6."""
        return self.take(self.dates % 7 == weekday)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Days":
        """Return some of the days."""
        return Days(self.dates[chosen], self.open_minutes[chosen], self.known[chosen])


class Forecast:
    """What the days of one weekday tell of others; ``ledger_from`` is the first night compared.

    Arrays have a row for each number of days that are over (0 to all), and a column for each
    distance, 1 to 28.
    """

    def __init__(self, days: Days, ledger_from: int) -> None:
        self._days = days
        distances = np.arange(1, DISTANCES + 1)
        self.is_known = days.dates[:, None] - distances + 1 >= ledger_from
        gains = (days.known[:, :1] - days.known[:, 1:]) / days.open_minutes[:, None]
        gains = np.where(self.is_known, gains, np.inf)
        padded = np.concatenate([np.full((MOST_WEEKS, DISTANCES), np.inf), gains])
        windows = np.lib.stride_tricks.sliding_window_view(padded, MOST_WEEKS, axis=0)
        ordered = np.sort(windows, axis=2)
        counts = np.minimum(np.isfinite(windows).sum(axis=2), MOST_WEEKS)
        self._gains = [_percentile(ordered, counts, share) for share in PERCENTILES]
        self._is_enough = counts >= LEAST_WEEKS
        self._sums = np.append(0, np.cumsum(days.known[:, 0]))

    def over(self, dates: _Ints, distances: _Ints) -> _Ints:
        """Return how many days were over so many days before each date."""
        return np.searchsorted(self._days.dates, dates - distances, side="right")

    def expected(
        self, over: _Ints, distances: _Ints, open_minutes: _Ints, known: _Ints
    ) -> tuple[list[_Floats], npt.NDArray[np.bool_]]:
        """Return low, median and high in whole minutes, and whether the past is long enough."""
        place = (over, distances - 1)
        expected = [
            np.clip(np.rint(known + gains[place] * open_minutes), 0, open_minutes)
            for gains in self._gains
        ]
        return expected, self._is_enough[place]

    def naive(self, over: _Ints) -> _Floats:
        """Return the mean of the last four of the days that are over; NaN of fewer."""
        means: _Floats = (self._sums[over] - self._sums[np.maximum(over - _NAIVE_WEEKS, 0)]) / 4
        return np.where(over >= _NAIVE_WEEKS, means, np.nan)


def _percentile(ordered: _Floats, counts: _Ints, share: float) -> _Floats:
    """Return the percentile that the next of so many alike values is below with that chance.

    Between the values at rank share * (count + 1) (Weibull): of few values the usual percentiles
    lie too close together.
    """
    last = np.maximum(counts - 1, 0)
    rank = np.clip((counts + 1) * share - 1, 0, last)
    below = np.floor(rank).astype(np.int64)
    lower = np.take_along_axis(ordered, below[..., None], axis=2)[..., 0]
    upper = np.take_along_axis(ordered, np.minimum(below + 1, last)[..., None], axis=2)[..., 0]
    lower, upper = (np.where(counts > 0, each, 0) for each in (lower, upper))
    between: _Floats = lower + (rank - below) * (upper - lower)
    return between


def check(days: Days, ledger_from: int) -> dict[str, _Floats]:
    """Return the back-test of a building by distance, 1 to 28: how many days, and sums over them.

    Each past day is forecast from what was known so many days before it, and nothing later.
    """
    sums = {name: np.zeros(DISTANCES) for name in _SUMS}
    for weekday in range(7):
        past = days.of_weekday(weekday)
        if not len(past.dates):
            continue
        forecast = Forecast(past, ledger_from)
        row, column = np.nonzero(forecast.is_known)
        distance = column + 1
        over = forecast.over(past.dates[row], distance)
        (low, median, high), is_enough = forecast.expected(
            over, distance, past.open_minutes[row], past.known[row, distance]
        )
        naive, truth = forecast.naive(over), past.known[row, 0]
        chosen = is_enough & ~np.isnan(naive)
        column = column[chosen]
        of_days = {
            "days": np.ones(len(row)),
            "within": (low <= truth) & (truth <= high),
            "off": np.abs(median - truth),
            "naive_off": np.abs(naive - truth),
        }
        for name, values in of_days.items():
            sums[name] += np.bincount(column, values[chosen], DISTANCES)
    return sums


def expect(days: Days, ahead: Days, through: int, ledger_from: int) -> _Floats:
    """Return low, median and high of days ahead, a row a day; NaN where the past is too short.

    ``ahead.known`` has one column: what is booked now.
    """
    found = np.full((len(ahead.dates), len(PERCENTILES)), np.nan)
    for weekday in np.unique(ahead.dates % 7):
        of_day = ahead.dates % 7 == weekday
        past, some = days.of_weekday(int(weekday)), ahead.take(of_day)
        forecast = Forecast(past, ledger_from)
        distance = some.dates - through
        over = forecast.over(some.dates, distance)
        expected, is_enough = forecast.expected(over, distance, some.open_minutes, some.known[:, 0])
        found[of_day] = np.where(is_enough[:, None], np.transpose(expected), np.nan)
    return found


def load_busy_ahead(engine: Engine) -> None:
    """Fill ``busy_ahead`` and ``busy_ahead_check`` from the work tables of the passes.

    A range is given only for a distance that was tested on ten days or more, and only then what
    the test found.
    """
    (row,) = engine.rows("SELECT region, through_date, first_night FROM settings, ledger")
    region, through = str(row[0]), _number(row[1])
    ledger_from = _NEVER if row[2] is None else _number(row[2])
    past, ahead = (_buildings(engine.table(name)) for name in ("known_days", "ahead_days"))
    for number, building in engine.rows("SELECT building_no, building FROM ahead_buildings"):
        if number not in ahead:
            continue
        days, some = past.get(number, _NO_DAYS), ahead[number]
        sums = check(days, ledger_from)
        tested = sums["days"].astype(np.int32)
        is_tested = tested >= LEAST_TESTED_DAYS
        means = [
            pa.array(sums[name] / np.maximum(tested, 1), mask=~is_tested)
            for name in ("within", "off", "naive_off")
        ]
        distances = np.arange(1, DISTANCES + 1, dtype=np.int32)
        _insert(engine, "busy_ahead_check", region, building, [distances, tested, *means])
        expected = expect(days, some, through, ledger_from)
        expected[~is_tested[some.dates - through - 1]] = np.nan
        minutes = [pa.array(each, from_pandas=True).cast(pa.int64()) for each in expected.T]
        dates = some.dates.astype("datetime64[D]")
        columns = [dates, some.open_minutes, some.known[:, 0], *minutes]
        _insert(engine, "busy_ahead", region, building, columns)


def _insert(
    engine: Engine, table: str, region: str, building: str | None, columns: Sequence[Any]
) -> None:
    """Insert rows of a building, of which all columns but region and building are given."""
    count = len(columns[0])
    whole = [pa.array([region] * count), pa.array([building] * count, pa.string())]
    whole += map(pa.array, columns)
    engine.insert(table, pa.table(whole, schema=TABLES[table].schema))


def _buildings(rows: pa.Table) -> dict[int, Days]:
    """Return the days of each building by its number."""
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
