"""Which counts of bookings everybody may see, and which are merged into ``few`` (R17).

Belongs here: merging small bands, and hiding what a subtraction would reveal.
Does not belong here: counting (``sql``), what a band is (``transforms/contract``).

The bookings of a *cell* (a place and a month, or a place and all closed months together) are spread
over the bands of one measure. Three kinds of sums tie the cells together, and anybody can subtract:

- bands: the bands of a cell add up to its total, which is always given;
- places: region = its sites, site = its buildings, building = its sizes, band by band;
- months: all closed months = its months, band by band.

A count of 1 to k-1 is hidden. Then, until nothing changes, every sum with a hidden count must have
at least two of them, worth k bookings or more. If it has not, one of three things happens. Its
whole is *reduced*: shown as the sum of its shown parts, and the rest joins its ``few`` (only above
buildings, and only if that moves its share by less than half a percentage point). Or the shown
count with the smallest share of its cell is hidden too. Or, if none is left to hide, the whole is.
A reduced count is a sum of shown counts anyway, so from then on it counts as hidden.

Two sums together can tell what neither tells alone, so the bounds that all of them put on each
hidden count are computed (as far as propagating bounds from sum to sum goes); if they narrow a
count down to within 1 to k-1, more of its cell is hidden (``bounds.py``). Parts hide what
their whole hides, so each ``few`` includes the one above, and what the parts leave of it holds k.

Readers can compare versions too: ``memory.py`` knows what they have seen.
"""

from collections.abc import Sequence
from itertools import product
from operator import itemgetter
from typing import Final

import numpy as np

from warehouse.profiles.bounds import pinned
from warehouse.profiles.cells import (
    LARGE_CELL,
    MOST_REDUCED,
    Cells,
    Counts,
    Flags,
    Floats,
    Former,
    Grid,
    Shown,
    cheapest,
    published,
)
from warehouse.profiles.sums import ROUNDS, hide_in_corners, hide_in_months, hide_in_places

_MOST_MERGED: Final = 0.03
"""The largest share of a region or building that should be in ``few``."""
WAYS: Final = ((False, False), (True, True), (True, False))
"""Values of ``looks_up`` and ``reduces_together``: the simplest way first, then what it lacks."""


def shown_counts(  # noqa: PLR0913, PLR0917 - the cells, and all that limits them
    cells: Cells,
    visible: Flags,
    k: int,
    former: Former | None = None,
    kept_back: Flags | None = None,
    limits: tuple[Floats, Floats] | None = None,
) -> Shown:
    """Return which counts are shown under their band's name; the rest of a cell is its ``few``.

    ``visible`` are the cells that have rows; ``kept_back`` must not be shown. ``limits`` are the
    least and the most of each count, as another measure tells them.
    """
    shown = (cells.counts >= k) & visible[:, :, None]
    known = np.zeros_like(shown)
    if kept_back is not None:
        shown &= ~kept_back
    if former is not None:
        fixed = former.is_fixed[:, :, None]
        shown = np.where(fixed, former.named, shown)
        known = fixed & former.named
        known[:, 0] |= former.derived
    ways: list[tuple[tuple[int, float], Shown]] = []
    for of_way in WAYS:
        grid = Grid(cells, k, shown.copy(), known.copy(), visible, *of_way)
        _settle(grid, limits)
        found = Shown(grid.shown, _reduced(grid))
        merged = _merged(cells, visible, found)
        ways.append((merged, found))
        if merged[0] == 0:
            break
    return min(ways, key=itemgetter(0))[1]


def _merged(cells: Cells, visible: Flags, shown: Shown) -> tuple[int, float]:
    """Return how many cells have more in ``few`` than they should, and what they have together.

    Cells are those that people see first: all closed months of the region and of large buildings.
    """
    parent, total = cells.parent, cells.counts[:, 0].sum(axis=-1)
    smallest = np.setdiff1d(np.arange(len(parent)), parent)
    first = np.union1d(np.flatnonzero(parent < 0), parent[smallest][parent[smallest] > 0])
    first = first[visible[first, 0] & (total[first] >= LARGE_CELL)]
    given = published(cells, cells.counts, shown)[first, 0].sum(axis=-1)
    few = 1 - given / total[first]
    return int((few > _MOST_MERGED).sum()), float(few.sum())


def _settle(grid: Grid, limits: tuple[Floats, Floats] | None) -> None:
    """Hide counts until no sum tells a hidden one; ``limits`` are those of ``shown_counts``."""
    cells, shown, known = grid.cells, grid.shown, grid.known
    for _ in range(ROUNDS):
        before = shown.copy()
        _hide_below(grid)
        _hide_in_bands(grid)
        hide_in_places(grid)
        hide_in_months(grid)
        hide_in_corners(grid)
        _hide_few(grid)
        _hide_rests(grid)
        if np.array_equal(before, shown):
            is_open = shown | known | cells.is_empty
            _hide_beside(grid, pinned(cells, is_open, grid.visible, grid.k, limits))
            if np.array_equal(before, shown):
                break


def _reduced(grid: Grid) -> Flags:
    """Return the hidden counts above buildings that are nearly the sum of their shown parts."""
    counts, is_reducible = grid.cells.counts, grid.cells.is_reducible
    if is_reducible is None:
        return np.zeros_like(grid.shown)
    reduced = ~grid.shown & (grid.visible & is_reducible[:, None])[:, :, None]
    given = published(grid.cells, counts, Shown(grid.shown, reduced))
    lost = (counts - given) / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    reduced &= (given >= grid.k) & (lost < MOST_REDUCED)
    # What is left for few must hold k too, or nothing is reduced.
    given = published(grid.cells, counts, Shown(grid.shown, reduced))
    few = (counts - given).sum(axis=-1)
    reduced &= ((few == 0) | (few >= grid.k))[:, :, None]
    return reduced


def _hide_in_bands(grid: Grid) -> None:
    """Make the ``few`` of each cell hold at least k bookings that could be of two bands."""
    counts, shown, k = grid.cells.counts, grid.shown, grid.k
    price = grid.cost + _price_above(grid) if grid.looks_up else grid.cost
    while True:
        hidden = np.where(shown, 0, counts).sum(axis=-1)
        is_small = (hidden > 0) & (hidden < k)
        # If a single band is missing, it would equal few.
        is_alone = (hidden > 0) & ((~shown & ~grid.cells.is_empty).sum(axis=-1) < 2)
        needy = (is_small | is_alone) & grid.visible
        if not needy.any():
            return
        at, any_left = cheapest(price, grid.free)
        needy &= any_left
        if not needy.any():
            return
        place, month = np.nonzero(needy)
        shown[place, month, at[place, month]] = False


def _price_above(grid: Grid) -> Floats:
    """Return what hiding each count would cost beside it or above it, so that none tells it."""
    cells, free, cost, price = grid.cells, grid.free, grid.cost, np.zeros_like(grid.cost)
    counts, is_open = cells.counts, grid.shown | grid.known
    is_hidden = ~is_open & (counts > 0)
    hidden = np.where(is_hidden, counts, 0)
    little = MOST_REDUCED * counts.sum(axis=-1, keepdims=True)
    for level in grid.levels:
        wholes, parts, of, starts = level
        worth = level.total(hidden[parts])[of] + counts[parts]
        number = level.total(is_hidden[parts] + 0)[of] + 1
        is_told = is_open[wholes][of] & ((number < 2) | (worth < grid.k))
        if cells.is_reducible is not None:
            is_told &= ~cells.is_reducible[wholes][of][:, None, None] | (
                worth >= little[wholes][of]
            )
        own = np.where(free[parts], cost[parts], np.inf)
        least = np.minimum.reduceat(own, starts)[of]
        others = np.where(own == least, np.inf, own)
        is_alone = level.total((own == least) + 0)[of] == 1
        beside = np.where((own == least) & is_alone, np.minimum.reduceat(others, starts)[of], least)
        above = np.where(free[wholes], cost[wholes] + price[wholes], np.inf)[of]
        either = np.minimum(beside, above)
        price[parts] = np.where(is_told & np.isfinite(either), either, 0)
    return price


def _hide_below(grid: Grid) -> None:
    """Hide in every part what its whole hides, so that each ``few`` includes the one above."""
    shown, known = grid.shown, grid.known
    is_dark = ~grid.visible[:, :, None]
    shown[:, 1:] &= shown[:, :1] | is_dark[:, :1] | grid.reduced[:, :1] | known[:, 1:]
    for level in grid.levels:
        whole = level.wholes[level.of]
        is_free = shown[whole] | is_dark[whole] | grid.reduced[whole]
        shown[level.parts] &= is_free | known[level.parts]


def _hide_rests(grid: Grid) -> None:
    """Keep readers from subtracting what parts show from the ``few`` of their whole."""
    counts, shown, parent = grid.cells.counts, grid.shown, grid.cells.parent
    is_hidden = ~shown & ~_reduced(grid)
    few = np.where(is_hidden, counts, 0).sum(axis=-1)
    told = np.zeros((2, *few.shape), np.int64)
    parts = np.flatnonzero(parent >= 0)
    of_parts = np.where(shown[parts] & is_hidden[parent[parts]], counts[parts], 0).sum(axis=-1)
    np.add.at(told[0], parent[parts], of_parts)
    told[1, :, 0] = np.where(shown[:, 1:] & is_hidden[:, :1], counts[:, 1:], 0).sum(axis=(1, 2))
    for of in told:
        rest = few - of
        for place, month in np.argwhere((of > 0) & (rest > 0) & (rest < grid.k)).tolist():
            grid.hide_cheapest(np.where(grid.free, grid.cost, np.inf), [(place, month)])


def _hide_few(grid: Grid) -> None:
    """Keep readers from subtracting the ``few`` of parts from the ``few`` of their whole.

    The difference belongs to parts that hide more than their whole does, or have no rows.
    """
    parts = np.flatnonzero(grid.cells.parent >= 0)
    months = np.arange(grid.shown.shape[1])
    places = np.arange(len(grid.shown))
    of = grid.cells.parent[parts]
    _hide_few_of(grid, np.broadcast_arrays(of[:, None], months), np.ix_(parts, months))
    all_months = np.zeros_like(months[1:])
    _hide_few_of(grid, np.broadcast_arrays(places[:, None], all_months), np.ix_(places, months[1:]))


def _hide_few_of(grid: Grid, whole: Sequence[Counts], part: Sequence[Counts]) -> None:
    """Hide more of the parts (places, months) of some wholes, or else of the whole."""
    whole_at, part_at = (whole[0], whole[1]), (part[0], part[1])
    shown, visible = grid.shown, grid.visible
    rows = np.ravel_multi_index(whole_at, visible.shape).ravel()
    while True:
        few = np.where(shown[whole_at], 0, grid.cells.counts[part_at]).sum(axis=-1)
        is_open = (shown[part_at] | ~shown[whole_at]).all(axis=-1) & visible[part_at]
        is_hidden = ~is_open & (few > 0) & visible[whole_at]
        number, worth = (
            np.bincount(rows, each.ravel(), visible.size).reshape(visible.shape)
            for each in (is_hidden, np.where(is_hidden, few, 0))
        )
        bare = (number > 0) & ((number < 2) | (worth < grid.k))
        if not bare.any():
            return
        can_hide = is_open & (few > 0)
        price = np.where(grid.free, grid.cost, np.inf)
        changed = False
        for place, month in np.argwhere(bare).tolist():
            own = np.argwhere(can_hide & (whole[0] == place) & (whole[1] == month))
            options = [(int(part[0][row, 0]), int(part[1][0, column])) for row, column in own]
            cells = [*options, (place, month)]
            changed |= (
                grid.hide_cheapest(price, options)
                or grid.hide_cheapest(price, cells[-1:])
                or (month == 0 and _hide_in_new_months(grid, cells))
            )
        if not changed:
            return


def _hide_in_new_months(grid: Grid, cells: Sequence[tuple[int, int]]) -> bool:
    """Hide a count of all months of some cell, and in the new months, which would tell it."""
    shown, known = grid.shown, grid.known
    for place, _ in cells:
        told = known[place, 0] & grid.free[place, 1:].any(axis=0)
        if told.any():
            band = int(np.where(told, grid.cost[place, 0], np.inf).argmin())
            known[place, 0, band] = False
            shown[place, :, band] &= known[place, :, band]
            return True
    return False


def _hide_beside(grid: Grid, told: Flags) -> None:
    """Hide the smallest shown count of each cell with a pinned one, or else of a cell above it.

    Next are the pinned bands in months of the places beside; last, the cells of all months.
    """
    cells, shown, free = grid.cells, grid.shown, grid.free
    for place, month in np.argwhere(told.any(axis=-1)).tolist():
        where, of = place, month
        while where >= 0 and not free[where, of].any():
            where = int(cells.parent[where])
            if where < 0 and of:
                beside = np.flatnonzero(cells.parent == cells.parent[place]).tolist()
                price = np.where(grid.free & told[place, month], grid.cost, np.inf)
                if grid.hide_cheapest(price, list(product(beside, range(1, price.shape[1])))):
                    break
                where, of = place, 0
        if where >= 0:
            band = np.where(free[where, of], cells.counts[where, of], np.inf).argmin()
            shown[where, of, band] = free[where, of, band] = False
