"""Which counts of bookings may be shown to everybody, and which are merged into ``few`` (R17).

Belongs here: the merging of small bands, and the hiding of what a subtraction would give back.
Does not belong here: counting (``sql``), what a band is (``transforms/contract``).

The bookings of a *cell* (a place and a month, or a place and all closed months together) spread
over the bands of one measure. Three kinds of sums tie the cells together, and anybody can subtract:

- bands: the bands of a cell add up to its total, which is always given;
- places: region = its sites, site = its buildings, building = its sizes, band by band;
- months: all closed months = its months, band by band.

A count of 1 to k-1 is hidden. Then, until nothing changes, every sum that holds a hidden count has
to hold at least two of them, worth k bookings or more. If it does not, then either its whole is
*reduced*: it is shown as the sum of its shown parts, and the rest joins its ``few`` (only above
buildings, and only where that moves its share by less than half a percentage point); or the shown
count that is the smallest share of its cell is hidden too; or, where nothing is left, the whole.
A reduced count is a sum of what is shown anyway, so it gives nothing away.

Two sums together can give what neither gives alone, so the bounds that all of them put on each
hidden count are worked out (as far as passing bounds on from sum to sum goes); where they pin a
count down to within 1 to k-1, more of its cell is hidden. The minutes of the named bands are
given too: where what they leave for ``few`` would tell its durations apart, a band more joins it.

Versions are compared by readers as well. ``shown_before`` is what the versions of the last thirty
nights showed: a count that moved by less than k since then is hidden, and one that was shown
before counts as known, whether it is shown again or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Counts: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

_ROUNDS: Final = 60
_BOUND_ROUNDS: Final = 15
_LARGE_CELL: Final = 200
_MOST_REDUCED: Final = 0.004
"""The largest share of its cell that a count above buildings may lack."""


@dataclass
class Shown:
    """Which counts are shown: exactly, or reduced to the sum of their shown parts."""

    exact: Flags
    reduced: Flags


@dataclass(frozen=True)
class Cells:
    """The true counts of one measure.

    ``counts`` has the axes place, month (0 is all closed months together) and band. ``parent`` is
    the place that each place is part of, -1 for the region; ``is_reducible`` are the places above
    buildings. ``minutes`` and ``lengths`` (least and most minutes of a band) are given for
    durations alone.
    """

    counts: Counts
    parent: Counts
    is_reducible: Flags
    minutes: Counts | None = None
    lengths: Sequence[tuple[float, float]] = ()


def visible_cells(totals: Counts, parent: Counts, k: int) -> Flags:
    """Return which cells (place, month) have rows: k bookings, and no total that can be subtracted.

    ``totals`` has the axes place and month, as ``Cells.counts`` without bands.
    """
    cells = Cells(totals[:, :, None], parent, np.zeros(len(parent), np.bool_))
    grid = (totals >= k)[:, :, None]
    shown, nothing = Shown(grid, np.zeros_like(grid)), np.zeros_like(grid)
    for _ in range(_ROUNDS):
        before = grid.copy()
        _hide_in_places(cells, shown, nothing, k)
        _hide_in_months(cells, grid, nothing, k)
        if np.array_equal(before, grid):
            break
    return grid[:, :, 0]


def shown_counts(
    cells: Cells,
    visible: Flags,
    k: int,
    shown_before: Sequence[tuple[Counts, Flags]] = (),
) -> Shown:
    """Return which counts are shown under their band's name; the rest of a cell is its ``few``.

    ``visible`` are the cells that have rows. ``shown_before`` are pairs of counts and of which of
    them a former version showed exactly, on the axes of ``cells``.
    """
    counts = cells.counts
    exact = (counts >= k) & visible[:, :, None]
    shown = Shown(exact, np.zeros_like(exact))
    known = np.zeros_like(exact)
    for former, was_shown in shown_before:
        moved = np.abs(counts - former)
        exact &= ~(was_shown & (moved > 0) & (moved < k))
        known |= was_shown & (moved == 0)
    for _ in range(_ROUNDS):
        before = exact.copy()
        _hide_in_bands(cells, shown, visible, k)
        _hide_in_places(cells, shown, known, k)
        _hide_in_months(cells, exact, known, k)
        if np.array_equal(before, exact):
            pinned = _pinned(cells, exact | known, visible, k)
            if not pinned.any():
                break
            _hide_beside(cells, exact, pinned)
            if np.array_equal(before, exact):
                break
    given = published(cells, counts, shown)
    lost = (counts - given) / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    shown.reduced &= ~exact & (given >= k) & (lost < _MOST_REDUCED)
    return shown


def published(cells: Cells, values: Counts, shown: Shown) -> Counts:
    """Return what is shown of values on the axes of the counts: 0 where nothing is."""
    found = np.where(shown.exact, values, 0)
    for place in np.flatnonzero(cells.is_reducible)[::-1]:  # parts come after their whole
        parts = found[cells.parent == place].sum(axis=0)
        found[place] = np.where(shown.reduced[place], parts, found[place])
    return found


def _cost(counts: Counts) -> Floats:
    """Return what hiding each count takes from its cell: its share, less in a small cell."""
    total = counts.sum(axis=-1, keepdims=True)
    cost: Floats = counts / np.maximum(total, _LARGE_CELL)
    return cost


def _cheapest(cost: Floats, candidates: Flags) -> tuple[Counts, Flags]:
    """Return the place of the cheapest candidate on the last axis, and whether there is any."""
    any_left: Flags = np.asarray(candidates.any(axis=-1))
    return np.where(candidates, cost, np.inf).argmin(axis=-1), any_left


def _hide_in_bands(cells: Cells, shown: Shown, visible: Flags, k: int) -> None:
    """Let the ``few`` of each cell hold at least k bookings that could be of two bands."""
    counts, exact = cells.counts, shown.exact
    cost = _cost(counts)
    while True:
        hidden = (counts - published(cells, counts, shown)).sum(axis=-1)
        is_small = (hidden > 0) & (hidden < k)
        # A single band that is missing would be few itself.
        is_alone = (hidden > 0) & ((~exact).sum(axis=-1) < 2)
        needy = (is_small | is_alone | _tells_durations(cells, shown, hidden, k)) & visible
        at, any_left = _cheapest(cost, exact)
        needy &= any_left
        if not needy.any():
            return
        place, month = np.nonzero(needy)
        exact[place, month, at[place, month]] = False


def _tells_durations(cells: Cells, shown: Shown, hidden: Counts, k: int) -> Flags:
    """Return the cells whose minutes left for ``few`` pin a hidden band down to 1 to k-1."""
    tells = np.zeros(hidden.shape, np.bool_)
    if cells.minutes is None:
        return tells
    least = np.array([low for low, _ in cells.lengths])
    most = np.array([high for _, high in cells.lengths])
    missing = ~shown.exact
    minutes = np.where(missing, cells.minutes, 0).sum(axis=-1)
    few = hidden.astype(np.float64)
    for band in range(len(cells.lengths)):
        others = missing.copy()
        others[:, :, band] = False
        low = np.where(others, least, np.inf).min(axis=-1, initial=np.inf)
        high = np.where(others, most, -np.inf).max(axis=-1, initial=-np.inf)
        with np.errstate(invalid="ignore"):
            may_be_none = (few * low <= minutes) & (minutes <= few * high)
        any_low = np.minimum(low, least[band])
        any_high = np.maximum(high, most[band])
        may_be_many = (k * least[band] + (few - k) * any_low <= minutes) & (
            minutes <= k * most[band] + (few - k) * any_high
        )
        is_there = missing[:, :, band] & (cells.counts[:, :, band] > 0)
        tells |= is_there & ~may_be_none & ~may_be_many
    # Of a cell with a reduced band the minutes of few are those of its parts' few.
    return tells & (hidden > 0) & ~shown.reduced.any(axis=-1)


def _hide_in_places(cells: Cells, shown: Shown, known: Flags, k: int) -> None:
    """Keep the parts of each place from being subtracted from it."""
    parts = np.flatnonzero(cells.parent >= 0)
    of = cells.parent[parts]
    counts, exact, cost = cells.counts, shown.exact, _cost(cells.counts)
    total = counts.sum(axis=-1)
    while True:
        is_open = exact | known
        is_hidden = ~is_open & (counts > 0)
        number, worth = np.zeros_like(counts), np.zeros_like(counts)
        np.add.at(number, of, is_hidden[parts].astype(np.int64))
        np.add.at(worth, of, np.where(is_hidden, counts, 0)[parts])
        bare = _is_bare(counts, is_open, number, worth, k)
        bare[np.setdiff1d(np.arange(len(bare)), of)] = False
        left_out = counts - published(cells, counts, shown)
        changed = False
        for whole, month, band in zip(*(each.tolist() for each in np.nonzero(bare)), strict=True):
            own = parts[of == whole]
            can_hide = own[(exact & ~known)[own, month, band]]
            is_given = exact[whole, month, band] and not known[whole, month, band]
            lost = int(left_out[own, month, band].sum())
            few = lost + int(left_out[whole, month].sum())
            only = len(own) == 1
            if (
                is_given
                and cells.is_reducible[whole]
                and not only
                and (few >= k and lost < _MOST_REDUCED * total[whole, month])
            ):
                exact[whole, month, band], shown.reduced[whole, month, band] = False, True
                changed = True
            elif is_given and (only or not len(can_hide)):
                # The whole is its one part, or nothing is left to hide among the parts.
                exact[whole, month, band], changed = False, True
            elif len(can_hide):
                at = can_hide[cost[can_hide, month, band].argmin()]
                exact[at, month, band], changed = False, True
        if not changed:
            return


def _hide_in_months(cells: Cells, shown: Flags, known: Flags, k: int) -> None:
    """Keep months from being subtracted from all months together."""
    counts = cells.counts
    cost = np.moveaxis(_cost(counts)[:, 1:], 1, -1)
    while True:
        is_open = shown | known
        is_hidden = ~is_open & (counts > 0)
        number = is_hidden[:, 1:].sum(axis=1)
        worth = np.where(is_hidden, counts, 0)[:, 1:].sum(axis=1)
        bare = _is_bare(counts[:, 0], is_open[:, 0], number, worth, k)
        can_hide = (shown & ~known)[:, 1:]
        at, any_left = _cheapest(cost, np.moveaxis(can_hide, 1, -1))
        place, band = np.nonzero(bare & any_left)
        shown[place, at[place, band] + 1, band] = False
        # Nothing left to hide among the months: then the whole is not given either.
        rest = bare & ~any_left & shown[:, 0] & ~known[:, 0]
        shown[:, 0] &= ~rest
        if not len(place) and not rest.any():
            return


def _is_bare(counts: Counts, is_open: Flags, number: Counts, worth: Counts, k: int) -> Flags:
    """Return the wholes whose hidden parts can be subtracted, or that their parts give away."""
    bare: Flags = is_open & (number > 0) & ((number < 2) | (worth < k))
    bare |= ~is_open & (counts > 0) & (number == 0)
    return bare


def _pinned(cells: Cells, known: Flags, visible: Flags, k: int) -> Flags:
    """Return the hidden counts that all sums together pin down to within 1 to k-1."""
    counts = cells.counts.astype(np.float64)
    few = np.where(known, 0, counts).sum(axis=-1, keepdims=True)
    # In a cell that hides nothing, a band that is missing is empty.
    is_open = known | (visible[:, :, None] & (few == 0))
    low = np.where(is_open, counts, 0.0)
    high = np.where(is_open, counts, np.where(visible[:, :, None], few, np.inf))
    for _ in range(_BOUND_ROUNDS):
        before = low.sum(), np.where(np.isinf(high), 0, high).sum(), np.isinf(high).sum()
        _tighten_bands(low, high, cells.counts, visible)
        _tighten_places(low, high, cells.parent)
        _tighten_months(low, high)
        after = low.sum(), np.where(np.isinf(high), 0, high).sum(), np.isinf(high).sum()
        if before == after:
            break
    pinned: Flags = ~is_open & (cells.counts > 0) & (low >= 1) & (high <= k - 1)
    return pinned


def _tighten_bands(low: Floats, high: Floats, counts: Counts, visible: Flags) -> None:
    """Pass bounds on within each cell, whose bands add up to its total."""
    total = np.where(visible, counts.sum(axis=-1), np.nan)
    rest_low = low.sum(axis=-1)[:, :, None] - low
    with np.errstate(invalid="ignore"):
        high[:] = np.fmin(high, total[:, :, None] - rest_low)
        rest_high = _sum_of_others(high, axis=-1)
        low[:] = np.fmax(low, total[:, :, None] - rest_high)


def _tighten_places(low: Floats, high: Floats, parent: Counts) -> None:
    """Pass bounds on between the parts of each place and the place."""
    parts = np.flatnonzero(parent >= 0)
    of = parent[parts]
    wholes = np.unique(of)
    low_sum, high_sum, endless = np.zeros_like(low), np.zeros_like(low), np.zeros_like(low)
    is_endless = np.isinf(high)
    np.add.at(low_sum, of, low[parts])
    np.add.at(high_sum, of, np.where(is_endless, 0.0, high)[parts])
    np.add.at(endless, of, is_endless[parts].astype(np.float64))
    total_high = np.where(endless > 0, np.inf, high_sum)
    low[wholes] = np.maximum(low[wholes], low_sum[wholes])
    high[wholes] = np.minimum(high[wholes], total_high[wholes])
    part_high = high[parts]
    others_endless = endless[of] - is_endless[parts] > 0
    finite = np.where(is_endless[parts], 0.0, part_high)
    rest_high = np.where(others_endless, np.inf, high_sum[of] - finite)
    high[parts] = np.minimum(part_high, high[of] - (low_sum[of] - low[parts]))
    low[parts] = np.maximum(low[parts], low[of] - rest_high)


def _tighten_months(low: Floats, high: Floats) -> None:
    """Pass bounds on between the months of each place and all months together."""
    low[:, 0] = np.maximum(low[:, 0], low[:, 1:].sum(axis=1))
    high[:, 0] = np.minimum(high[:, 0], high[:, 1:].sum(axis=1))
    rest_high = _sum_of_others(high[:, 1:], axis=1)
    rest_low = low[:, 1:].sum(axis=1, keepdims=True) - low[:, 1:]
    high[:, 1:] = np.minimum(high[:, 1:], high[:, :1] - rest_low)
    low[:, 1:] = np.maximum(low[:, 1:], low[:, :1] - rest_high)


def _sum_of_others(values: Floats, axis: int) -> Floats:
    """Return the sum along an axis without each value itself; infinite ones are not subtracted."""
    is_endless = np.isinf(values)
    finite = np.where(is_endless, 0.0, values)
    rest: Floats = np.asarray(finite.sum(axis=axis, keepdims=True) - finite)
    others_endless = is_endless.sum(axis=axis, keepdims=True) - is_endless > 0
    others: Floats = np.where(others_endless, np.inf, rest)
    return others


def _hide_beside(cells: Cells, exact: Flags, pinned: Flags) -> None:
    """Hide one count more beside each pinned one: the cheapest that shares a sum with it.

    That is the same band of another part or in another month, or another band of its cell; the
    same band of its whole where there is none of these.
    """
    cost = _cost(cells.counts)
    for place, month, band in zip(*(each.tolist() for each in np.nonzero(pinned)), strict=True):
        whole = int(cells.parent[place])
        parts = np.flatnonzero(cells.parent == whole).tolist() if whole >= 0 else [place]
        beside = [
            *((part, month, band) for part in parts),
            *((place, of, band) for of in range(1, exact.shape[1])),
            *((place, month, of) for of in range(exact.shape[2])),
        ]
        can_hide = [at for at in beside if exact[at]]
        if can_hide:
            exact[min(can_hide, key=cost.__getitem__)] = False
        elif whole >= 0:
            exact[whole, month, band] = False


__all__ = ["Cells", "shown_counts", "visible_cells"]
