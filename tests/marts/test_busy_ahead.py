"""R23: busy ahead and its back-test, against plain Python that uses only what was known then."""

import statistics
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.ahead import Days, forecast

THROUGH = 130


class Plain:
    """What was known about each day at which time, in plain Python."""

    def __init__(self, days: Days, ledger_from: int, through: int = 160) -> None:
        self.opened: dict[int, int] = dict(
            zip(days.dates.tolist(), days.open_minutes.tolist(), strict=True)
        )
        self.known: dict[int, list[int]] = dict(
            zip(days.dates.tolist(), days.known.tolist(), strict=True)
        )
        self.ledger_from, self.through = ledger_from, through
        self.usual, self.fullness = cache(self._usual), cache(self._fullness)

    def is_known(self, day: int, distance: int) -> bool:
        return distance == 0 or day - distance + 1 >= self.ledger_from

    def over(self, by: int, weekday: int) -> list[int]:
        return [day for day in self.opened if day <= by and day % 7 == weekday]

    def _usual(self, weekday: int, by: int, distance: int) -> float | None:
        shares = [
            self.known[day][distance] / self.opened[day]
            for day in self.over(by, weekday)[-26:]
            if self.is_known(day, distance)
        ]
        return statistics.fmean(shares) if shares else None

    def _fullness(self, day: int, distance: int) -> float:
        booked = usual = 2.0 * self.opened[day]
        for other in self.opened.keys() & {*range(day - 5, day), *range(day + 1, day + 6)}:
            then = max(other - (day - distance), 0)
            share = self.usual(other % 7, day - distance, then) if then <= 28 else None
            if share is not None and (other <= self.through or day > self.through):
                booked += self.known[other][then]
                usual += share * self.opened[other]
        return booked / usual

    def gain(self, day: int, distance: int) -> float:
        final, then = self.known[day][0], self.known[day][distance]
        return (final - 0.9 * then) / self.opened[day] / self.fullness(day, distance)

    def expected(self, day: int, distance: int) -> list[float] | None:
        """Return low, median and high; None if the past is too short."""
        by, own = day - distance, self.usual(day % 7, day - distance, 0)
        equal = [d for d in self.over(by, day % 7)[-26:] if self.is_known(d, distance)]
        if len(equal) < 6:
            return None
        gains = [self.gain(each, distance) for each in equal]
        for other in [each for each in self.opened if each <= by][-24:]:
            theirs = self.usual(other % 7, by, 0)
            if other % 7 == day % 7 or not self.is_known(other, distance) or not own or not theirs:
                continue
            if 0.5 <= theirs / own <= 2:
                gains.append(self.gain(other, distance) * own / theirs)
        low, *_, high = statistics.quantiles(gains, n=5)
        most = self.opened[day]
        return [
            min(max(round(0.9 * self.known[day][distance] + each), 0), most)
            for gain in (low, statistics.median(gains), high)
            for each in [gain * self.fullness(day, distance) * most]
        ]


def days_of(seed: int) -> Days:
    """Return 160 days, some of them closed; weekends have less, and two weekdays nothing."""
    random = np.random.default_rng(seed)
    dates = np.flatnonzero(random.random(160) < 0.9)
    opened = random.integers(60, 600, len(dates))
    levels = np.array([1, 0.9, 0.6, 0.2, 0, 0, 0.45])[dates % 7]
    known = random.random((len(dates), 29)) * (opened * levels)[:, None]
    return Days(dates, opened, np.rint(known).astype(np.int64))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(0, 100))
def test_r23_each_past_day_is_forecast_only_from_what_was_known_before(
    seed: int, ledger_from: int
) -> None:
    days = days_of(seed)
    plain = Plain(days, ledger_from)
    nothing = Days(days.dates[:0], days.open_minutes[:0], days.known[:0])
    sums, _ = forecast(days, nothing, int(days.dates[-1]), ledger_from)
    for distance in (1, 6, 7, 8, 28):
        expected = [0.0, 0.0, 0.0, 0.0]
        for day, known in plain.known.items():
            ranges = plain.expected(day, distance)
            if not plain.is_known(day, distance) or ranges is None:
                continue
            (low, median, high), truth = ranges, known[0]
            last = plain.over(day - distance, day % 7)[-4:]
            naive = statistics.fmean(plain.known[each][0] for each in last)
            found = (1, low <= truth <= high, abs(median - truth), abs(naive - truth))
            expected = [sum(pair) for pair in zip(expected, found, strict=True)]
        tested = [sums[name][distance - 1] for name in ("days", "within", "off", "naive_off")]
        assert tested[0] == expected[0]
        # Growth between two values may round to the next minute.
        assert tested[1:] == pytest.approx(expected[1:], abs=1.01)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(0, 100))
def test_r23_a_day_ahead_is_forecast_as_the_back_test_would_forecast_it(
    seed: int, ledger_from: int
) -> None:
    days = days_of(seed)
    plain, count = Plain(days, ledger_from, THROUGH), int(np.sum(days.dates <= THROUGH))
    dates, opened = days.dates[count:], days.open_minutes[count:]
    now = days.known[count:][np.arange(len(dates)), np.minimum(dates - THROUGH, 28)]
    chosen = dates <= THROUGH + 28
    ahead = Days(dates[chosen], opened[chosen], now[chosen, None])
    past = Days(days.dates[:count], days.open_minutes[:count], days.known[:count])
    _, found = forecast(past, ahead, THROUGH, ledger_from)
    for day, row in zip(ahead.dates.tolist(), found, strict=True):
        expected = plain.expected(day, day - THROUGH)
        if expected is None:
            assert np.isnan(row).all()
        else:
            assert row == pytest.approx(expected, abs=1.01)
