"""What all published sums together tell of hidden counts: the least and the most of each.

Bounds are propagated from sum to sum, over bands, places and months, until nothing changes; and
from one measure to another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from warehouse.profiles.cells import Cells, Counts, Families, Flags, Floats, Shown

_BOUND_ROUNDS: Final = 15
_TIES: Final[tuple[tuple[tuple[str, str | None], tuple[str, str | None], bool], ...]] = (
    (("lead_time", None), ("kind", "single"), True),
    (("external", None), ("headcount", None), False),
)
"""Bands of two measures of which one tells the other, and whether that goes both ways.

A series has no lead time, so all other bookings are single, and the other way round. A booking
without a known headcount is not known to be external either: the count without headcount is a lower
bound of the count without external, which in turn is only an upper bound."""


def totals_of(
    counts: Counts, parent: Counts, visible: Flags, told: Counts
) -> tuple[Floats, Floats]:
    """Return the least and the most that the total of each cell (place, month) can be.

    ``visible`` cells show theirs; ``told`` is what the minutes of rooms tell of each.
    """
    totals = counts.sum(axis=-1, keepdims=True)
    least, nothing = told[:, :, None].astype(np.float64), np.zeros_like(visible)
    limits = least, np.full_like(least, np.inf)
    low, high = bounds(Cells(totals, parent), visible[:, :, None], nothing, limits)
    return low[:, :, 0], high[:, :, 0]


def pinned(
    cells: Cells,
    known: Flags,
    visible: Flags,
    k: int,
    limits: tuple[Floats, Floats] | None = None,
) -> Flags:
    """Return the hidden counts that all sums together narrow down to within 1 to k-1.

    Readers may subtract bookings of their own: 2 to k is 1 to k-1 for whoever made one of them.
    Counts that leave so little of their cell's ``few``, each alone or all that are known, are
    returned too. ``limits`` are the least and the most of each count, as another measure tells it.
    """
    counts = cells.counts
    low, high = bounds(cells, known, visible, limits)
    few = np.where(known, 0, counts).sum(axis=-1, keepdims=True)
    is_hidden = ~known & ~(visible[:, :, None] & (few == 0))
    is_hidden &= high - low <= k - 2
    is_pinned: Flags = is_hidden & (counts > 0) & (low >= 1) & (low <= k - 1)
    is_hidden &= visible[:, :, None]
    is_pinned |= is_hidden & (few - high >= 1) & (few - high <= k - 1)
    is_fixed = is_hidden & (low == high)
    rest = few - np.where(is_fixed, low, 0).sum(axis=-1, keepdims=True)
    is_pinned |= is_fixed & (rest >= 1) & (rest <= k - 1)
    return is_pinned


def bounds(
    cells: Cells,
    known: Flags,
    visible: Flags,
    limits: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats]:
    """Return the least and the most that each count can be, by all sums together."""
    counts, parent = cells.counts, cells.parent
    truth = counts.astype(np.float64)
    few = np.where(known, 0, truth).sum(axis=-1, keepdims=True)
    # In a cell that hides nothing, a missing band is empty.
    is_open = known | (visible[:, :, None] & (few == 0))
    is_open |= counts.sum(axis=-1, keepdims=True) == 0  # room_days tells where nothing is booked
    low = np.where(is_open, truth, 0.0)
    high = np.where(is_open, truth, np.where(visible[:, :, None], few, np.inf))
    if limits is not None:
        low, high = np.maximum(low, limits[0]), np.minimum(high, limits[1])
    total = np.where(visible, counts.sum(axis=-1), np.nan)
    totals = cells.totals or (total, total)
    every, large = Families.found(parent), Families.found(parent, 3)
    smallest = Families.of_smallest(parent)
    was = _summed(low, high)
    for _ in range(_BOUND_ROUNDS):
        _tighten_bands(low, high, totals)
        _tighten_places(low, high, every)
        for families in large:
            _tighten_rests(low, high, families)
        _tighten_months(low, high)
        now = _summed(low, high)
        if now == was:  # only then what costs most
            for families in smallest:
                _tighten_rests(low, high, families)
            for families in (*every, *smallest):
                _tighten_spans(low, high, families)
            now = _summed(low, high)
            if now == was:
                break
        was = now
    return low, high


def _summed(low: Floats, high: Floats) -> tuple[float, float, int]:
    """Return sums that change with any bound."""
    is_endless = np.isinf(high)
    return float(low.sum()), float(np.where(is_endless, 0, high).sum()), int(is_endless.sum())


@dataclass(frozen=True)
class Tie:
    """Two bands of two measures, where one tells the other; see ``_TIES``."""

    wide: str
    band: int
    narrow: str
    other: int
    both_ways: bool

    def apart(
        self, named: Mapping[str, Shown], counts: Mapping[str, Counts], is_fixed: Flags
    ) -> Flags:
        """Return the cells that show one of both counts, if that tells the hidden one."""
        is_wide = named[self.wide].exact[:, :, self.band]
        is_narrow = named[self.narrow].exact[:, :, self.other]
        apart: Flags = is_wide ^ is_narrow if self.both_ways else ~is_wide & is_narrow
        apart &= ~is_fixed
        apart &= counts[self.wide][:, :, self.band] > 0
        apart &= counts[self.narrow][:, :, self.other] > 0
        return apart

    def told_apart(self, named: Mapping[str, Shown], counts: Mapping[str, Counts], k: int) -> Flags:
        """Return the narrow measure's shown counts that can be subtracted from the wide one's few.

        If that few has the band of series, it has all series: what is left must hold k too.
        """
        is_hidden = ~named[self.wide].exact
        few = np.where(is_hidden, counts[self.wide], 0).sum(axis=-1)
        series = named[self.narrow].exact & (np.arange(counts[self.narrow].shape[2]) != self.other)
        rest = few - np.where(series, counts[self.narrow], 0).sum(axis=-1)
        is_told = is_hidden[:, :, self.band] & (rest > 0) & (rest < k)
        told: Flags = series & is_told[:, :, None]
        return told

    def limits(
        self,
        named: Mapping[str, Shown],
        counts: Mapping[str, Counts],
        parent: Counts,
        visible: Flags,
        totals: tuple[Floats, Floats],
    ) -> dict[str, tuple[Floats, Floats]]:
        """Return, for both measures, the bounds that the other puts on its counts: least and most.

        For ties that go one way: the narrow count is at most the wide one, whatever tells that.
        """
        told = {
            name: bounds(Cells(counts[name], parent, totals=totals), named[name].exact, visible)
            for name in (self.wide, self.narrow)
        }
        found = {
            name: (np.zeros_like(low), np.full_like(high, np.inf))
            for name, (low, high) in told.items()
        }
        found[self.wide][0][:, :, self.band] = told[self.narrow][0][:, :, self.other]
        found[self.narrow][1][:, :, self.other] = told[self.wide][1][:, :, self.band]
        return found


def ties(measures: Mapping[str, Sequence[str | None]]) -> list[Tie]:
    """Return the ties between measures, each with the labels of its bands."""
    return [
        Tie(wide, measures[wide].index(band), narrow, measures[narrow].index(other), both_ways)
        for (wide, band), (narrow, other), both_ways in _TIES
        if {wide, narrow} <= set(measures)
    ]


def empty_counts(tied: Sequence[Tie], counts: Mapping[str, Counts]) -> dict[str, Flags]:
    """Return, for each measure, the counts that another measure tells to be 0."""
    found = {name: np.zeros(each.shape, np.bool_) for name, each in counts.items()}
    for tie in tied:
        if not tie.both_ways:
            is_empty = counts[tie.wide][:, :, tie.band] == 0
            found[tie.narrow][:, :, tie.other] = is_empty
    return found


def _tighten_bands(low: Floats, high: Floats, totals: tuple[Floats, Floats]) -> None:
    """Propagate bounds within each cell, whose bands add up to its total."""
    least, most = totals
    rest_low = low.sum(axis=-1)[:, :, None] - low
    with np.errstate(invalid="ignore"):
        high[:] = np.fmin(high, most[:, :, None] - rest_low)
        rest_high = _sum_of_others(high, axis=-1)
        low[:] = np.fmax(low, least[:, :, None] - rest_high)


def _tighten_places(low: Floats, high: Floats, every: Sequence[Families]) -> None:
    """Propagate bounds between each place and its parts."""
    is_endless = np.isinf(high)
    finite = np.where(is_endless, 0.0, high)
    sums = [[each.total(of[each.parts]) for of in (low, finite, is_endless + 0)] for each in every]
    for each, (low_sum, high_sum, endless) in zip(every, sums, strict=True):
        wholes = each.wholes
        low[wholes] = np.maximum(low[wholes], low_sum)
        high[wholes] = np.minimum(high[wholes], np.where(endless > 0, np.inf, high_sum))
    was_low, was_high = low.copy(), high.copy()
    for each, (low_sum, high_sum, endless) in zip(every, sums, strict=True):
        parts, of = each.parts, each.of
        whole = each.wholes[of]
        others_endless = endless[of] - is_endless[parts] > 0
        own = np.where(is_endless[parts], 0.0, was_high[parts])
        rest_high = np.where(others_endless, np.inf, high_sum[of] - own)
        rest_low = low_sum[of] - was_low[parts]
        high[parts] = np.minimum(was_high[parts], was_high[whole] - rest_low)
        low[parts] = np.maximum(was_low[parts], was_low[whole] - rest_high)


def _tighten_rests(low: Floats, high: Floats, families: Families) -> None:
    """Propagate bounds between months for what some parts of a place leave of it.

    If the other parts are known over all months, these are known together, even if not one by one.
    """
    wholes, parts, of, _ = families
    part_low, part_high = low[parts], high[parts]
    is_told = np.broadcast_to(part_low[:, :1] == part_high[:, :1], part_low.shape)
    sides = is_told, ~is_told
    least = np.stack([families.total(np.where(side, part_low, 0)) for side in sides])
    most = np.stack([families.total(np.where(side, part_high, 0)) for side in sides])
    for _ in range(2):
        least = np.maximum(least, low[wholes] - most[::-1])
        most = np.minimum(most, high[wholes] - least[::-1])
        _tighten_months(least, most)
    low[wholes] = np.maximum(low[wholes], least.sum(axis=0))
    high[wholes] = np.minimum(high[wholes], most.sum(axis=0))
    for side, side_low, side_high in zip(sides, least, most, strict=True):
        own_low, own_high = np.where(side, part_low, 0), np.where(side, part_high, 0)
        is_endless = np.isinf(own_high)
        finite = np.where(is_endless, 0.0, own_high)
        others_endless = families.total(is_endless + 0)[of] - is_endless > 0
        rest_high = np.where(others_endless, np.inf, families.total(finite)[of] - finite)
        upper = side_high[of] - (families.total(own_low)[of] - own_low)
        high[parts] = np.where(side, np.minimum(high[parts], upper), high[parts])
        low[parts] = np.where(side, np.maximum(low[parts], side_low[of] - rest_high), low[parts])


def _tighten_spans(low: Floats, high: Floats, families: Families) -> None:
    """Propagate bounds between places for what some months leave of all months together.

    If a place's other months are known, these are known together, even if not one by one.
    """
    wholes, parts, of, starts = families
    own, first = np.concatenate((wholes, parts)), len(wholes)
    among = Families(np.arange(first), np.arange(first, len(own)), of, starts)
    is_told = (low[wholes, 1:] == high[wholes, 1:])[np.concatenate((among.wholes, of))]
    sides = is_told, ~is_told
    least = np.stack([np.where(side, low[own, 1:], 0).sum(axis=1) for side in sides], axis=1)
    most = np.stack([np.where(side, high[own, 1:], 0).sum(axis=1) for side in sides], axis=1)
    for _ in range(2):
        least = np.maximum(least, low[own, :1] - most[:, ::-1])
        most = np.minimum(most, high[own, :1] - least[:, ::-1])
        _tighten_places(least, most, [among])
    for at, side in enumerate(sides):
        was_low, was_high = low[own, 1:], high[own, 1:]
        own_low, own_high = np.where(side, was_low, 0), np.where(side, was_high, 0)
        upper = most[:, at, None] - (own_low.sum(axis=1, keepdims=True) - own_low)
        lower = least[:, at, None] - _sum_of_others(own_high, axis=1)
        high[own, 1:] = np.where(side, np.minimum(was_high, upper), was_high)
        low[own, 1:] = np.where(side, np.maximum(was_low, lower), was_low)


def _tighten_months(low: Floats, high: Floats) -> None:
    """Propagate bounds between months (the last axis but one) and all months together."""
    low_whole, low_months = low[..., :1, :], low[..., 1:, :]
    high_whole, high_months = high[..., :1, :], high[..., 1:, :]
    np.maximum(low_whole, low_months.sum(axis=-2, keepdims=True), out=low_whole)
    np.minimum(high_whole, high_months.sum(axis=-2, keepdims=True), out=high_whole)
    rest_high = _sum_of_others(high_months, axis=-2)
    rest_low = low_months.sum(axis=-2, keepdims=True) - low_months
    np.minimum(high_months, high_whole - rest_low, out=high_months)
    np.maximum(low_months, low_whole - rest_high, out=low_months)


def _sum_of_others(values: Floats, axis: int) -> Floats:
    """Return the sum along an axis without each value itself; infinities are not subtracted."""
    is_endless = np.isinf(values)
    if not is_endless.any():
        rest: Floats = np.asarray(values.sum(axis=axis, keepdims=True) - values)
        return rest
    finite = np.where(is_endless, 0.0, values)
    rest = np.asarray(finite.sum(axis=axis, keepdims=True) - finite)
    others_endless = is_endless.sum(axis=axis, keepdims=True) - is_endless > 0
    others: Floats = np.where(others_endless, np.inf, rest)
    return others
