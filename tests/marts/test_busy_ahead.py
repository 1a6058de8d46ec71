"""R23: the back-test of busy ahead, against plain Python that sees only days that were over."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.ahead import Days, check


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(0, 120))
def test_r23_each_past_day_is_forecast_only_from_what_was_known_before(
    seed: int, ledger_from: int
) -> None:
    random = np.random.default_rng(seed)
    dates = np.flatnonzero(random.random(150) < 0.9)
    opened = random.integers(60, 600, len(dates))
    known = np.rint(random.random((len(dates), 29)) * opened[:, None]).astype(np.int64)
    sums = check(Days(dates, opened, known), ledger_from)
    for distance in (1, 6, 7, 8, 28):
        expected = [0.0, 0.0, 0.0, 0.0]
        for row, day in enumerate(dates):
            over = [n for n, d in enumerate(dates) if d % 7 == day % 7 and d <= day - distance]
            alike = [n for n in over if dates[n] - distance + 1 >= ledger_from][-26:]
            if day - distance + 1 < ledger_from or len(alike) < 6:
                continue
            gains = [(known[n, 0] - known[n, distance]) / opened[n] for n in alike]
            low, *_, high = statistics.quantiles(gains, n=5)
            low, median, high = (
                min(max(round(known[row, distance] + gain * opened[row]), 0), opened[row])
                for gain in (low, statistics.median(gains), high)
            )
            truth = known[row, 0]
            naive = statistics.fmean(known[n, 0] for n in over[-4:])
            found = (1, low <= truth <= high, abs(median - truth), abs(naive - truth))
            expected = [sum(pair) for pair in zip(expected, found, strict=True)]
        tested = [sums[name][distance - 1] for name in ("days", "within", "off", "naive_off")]
        assert tested[0] == expected[0]
        # A gain between two values may round to the next minute.
        assert tested[1:] == pytest.approx(expected[1:], abs=1.01)
