"""Which cells have rows: those of k bookings whose total no subtraction tells (R17).

Belongs here: totals of places and months, and what the minutes of rooms tell of them.
Does not belong here: the bands of a cell (``suppression.py``).
"""

import numpy as np

from warehouse.profiles.bounds import pinned
from warehouse.profiles.cells import Cells, Counts, Flags, FormerTotals, Grid
from warehouse.profiles.suppression import (
    ROUNDS,
    hide_in_corners,
    hide_in_months,
    hide_in_places,
)


def visible_cells(
    totals: Counts, parent: Counts, k: int, told: Counts, former: FormerTotals | None = None
) -> Flags:
    """Return which cells (place, month) have rows: k bookings, and no total told by subtraction.

    ``totals`` has the axes place and month, like ``Cells.counts`` without bands; so has ``told``,
    how many of these bookings the minutes of rooms tell apart.
    """
    shown, known = totals >= k, np.zeros(totals.shape, np.bool_)
    if former is not None:
        shown = np.where(former.fixed, former.visible, shown)
        known = (shown & former.fixed) | former.derived
    everywhere = np.zeros(totals.shape, np.bool_)
    cells = Cells(totals[:, :, None], parent)
    least = told[:, :, None].astype(np.float64)
    limits = least, np.full_like(least, np.inf)
    grid = Grid(cells, k, shown[:, :, None], known[:, :, None], everywhere)
    grid.cost = totals[:, :, None].astype(np.float64)
    for _ in range(ROUNDS):
        before = grid.shown.copy()
        hide_in_places(grid)
        hide_in_months(grid)
        hide_in_corners(grid)
        if np.array_equal(before, grid.shown):
            pins = pinned(cells, grid.shown | grid.known, everywhere, k, limits)
            beside: set[tuple[int, int]] = set()
            for place, month, _ in np.argwhere(pins).tolist():
                if (parent[place], month) not in beside:
                    _hide_near(grid, totals - told, place, month)
                beside.add((parent[place], month))
            if np.array_equal(before, grid.shown):
                break
    return grid.shown[:, :, 0]


def _hide_near(grid: Grid, slack: Counts, place: int, month: int) -> None:
    """Hide a cell beside one whose total is told, or else one of those above it.

    ``slack`` is what minutes leave open of each total: a sum must leave that much of its hidden
    parts open, or be hidden itself.
    """
    parent, cost = grid.cells.parent, grid.cost[:, :, 0]
    shown, free, open_ = grid.shown[:, :, 0], grid.free[:, :, 0], (grid.shown | grid.known)[:, :, 0]
    in_month, in_place = np.zeros_like(free), np.zeros_like(free)
    in_month[parent == parent[place], month] = True
    in_place[place, 1:] = month > 0
    for near, above in ((in_place, (place, 0)), (in_month, (int(parent[place]), month))):
        lacking = grid.k - 1 - slack[near & ~open_].sum()
        if lacking <= 0 or above[0] < 0 or not near[place, month] or not open_[above]:
            continue
        if slack[near & free].sum() < lacking and free[above]:
            shown[above] = False
            return
        if (near & free).any():
            price = np.where(near & free, cost + cost.max() * (slack < lacking), np.inf)
            shown[np.unravel_index(price.argmin(), price.shape)] = False
            return
    near, whole = in_month | in_place, place
    while whole >= 0 and not (near & free).any():
        near[whole, 0] = True
        whole = int(parent[whole])
        near[whole, month] |= whole >= 0
    if (near & free).any():
        price = np.where(near & free, cost, np.inf)
        shown[np.unravel_index(price.argmin(), price.shape)] = False
