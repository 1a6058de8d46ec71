"""Hiding what one subtraction would tell: parts of a place, months of a span, and both (R17)."""

from typing import Final

import numpy as np

from warehouse.profiles.cells import MOST_REDUCED, Counts, Floats, Grid, cheapest, is_bare

ROUNDS: Final = 60
"""How often hiding is repeated at most, until nothing changes."""


def hide_in_places(grid: Grid) -> None:
    """Keep readers from telling a part of a place by subtracting the others."""
    cells, shown, known, k = grid.cells, grid.shown, grid.known, grid.k
    parts_of = {
        whole: level.parts[level.of == at]
        for level in grid.levels
        for at, whole in enumerate(level.wholes.tolist())
    }
    while True:
        is_open = shown | known
        is_hidden = ~is_open & (cells.counts > 0)
        hidden = np.where(is_hidden, cells.counts, 0)
        worth, bare = np.zeros_like(cells.counts), np.zeros_like(shown)
        for level in grid.levels:
            at = level.wholes
            worth[at] = level.total(hidden[level.parts])
            number = level.total(is_hidden[level.parts] + 0)
            bare[at] = is_bare(cells.counts[at], is_open[at], number, worth[at], k)
        changed = False
        for whole, month, band in zip(*(each.tolist() for each in np.nonzero(bare)), strict=True):
            own = parts_of[whole]
            lost = np.where(bare[whole, month], worth[whole, month], 0)
            if _reduce(grid, whole, month, band, lost):
                changed = True
                continue
            can_hide = own[grid.free[own, month, band]]
            if len(can_hide):
                at = can_hide[_price(grid, can_hide, month, band).argmin()]
                shown[at, month, band], changed = False, True
            elif shown[whole, month, band] and not known[whole, month, band]:
                # Nothing is left to hide among the parts: hide the whole.
                shown[whole, month, band], changed = False, True
        if not changed:
            return


def _price(grid: Grid, places: Counts, month: int, band: int) -> Floats:
    """Return what hiding a band costs in each place; one that hides none must hide another."""
    cost = grid.cost
    others = np.where(grid.free[places, month], cost[places, month], np.inf)
    others[:, band] = np.inf
    alone = grid.shown[places, month].all(axis=-1)
    price: Floats = cost[places, month, band] + np.where(alone, others.min(axis=-1), 0)
    return price


def _reduce(grid: Grid, whole: int, month: int, band: int, lost: Counts) -> bool:
    """Hide a count above buildings that can still be shown as the sum of its parts.

    ``lost`` is what each band of the cell would lack, 0 if it needs no reducing.
    """
    cells = grid.cells
    if cells.is_reducible is None or not cells.is_reducible[whole]:
        return False
    is_little = lost < MOST_REDUCED * cells.counts[whole, month].sum()
    can = grid.free[whole, month] & is_little
    if not can[band]:
        return False
    few = lost[can].sum() if grid.reduces_together else lost[band]
    if few < grid.k and grid.shown[whole, month].all():
        return False  # alone in few, it would force another band out
    grid.shown[whole, month, band], grid.reduced[whole, month, band] = False, True
    return True


def hide_in_months(grid: Grid) -> None:
    """Keep readers from telling a month by subtracting the others from all months together."""
    counts, shown, known, k = grid.cells.counts, grid.shown, grid.known, grid.k
    cost = np.moveaxis(grid.cost[:, 1:], 1, -1)
    while True:
        is_open = shown | known
        is_hidden = ~is_open & (counts > 0)
        number = is_hidden[:, 1:].sum(axis=1)
        worth = np.where(is_hidden, counts, 0)[:, 1:].sum(axis=1)
        bare = is_bare(counts[:, 0], is_open[:, 0], number, worth, k)
        if not bare.any():
            return
        can_hide = grid.free[:, 1:]
        at, any_left = cheapest(cost, np.moveaxis(can_hide, 1, -1))
        place, band = np.nonzero(bare & any_left)
        shown[place, at[place, band] + 1, band] = False
        # Nothing is left to hide among the months: hide all months together.
        rest = bare & ~any_left & shown[:, 0] & ~known[:, 0]
        shown[:, 0] &= ~rest
        if not len(place) and not rest.any():
            return


def hide_in_corners(grid: Grid) -> None:
    """Keep readers from telling the hidden months of hidden parts by both subtractions."""
    counts = grid.cells.counts
    for level in grid.levels:
        wholes, parts, of, _ = level
        is_open = grid.shown | grid.known
        hidden = ~is_open[wholes, 1:]
        is_told = is_open[parts, 0] & (is_open[parts, 1:] | hidden[of]).all(axis=1)
        months = np.where(hidden[of], counts[parts, 1:], 0).sum(axis=1)
        left = level.total(np.where(is_told, 0, months))
        corners = (left > 0) & (left < grid.k) & is_open[wholes, 0]
        for family, band in np.argwhere(corners).tolist():
            own, whole = (of == family) & is_told[:, band], int(wholes[family])
            free = [at for at in parts[own].tolist() if grid.free[at, 0, band]]
            free = free or ([whole] if grid.free[whole, 0, band] else [])
            if free:
                grid.shown[min(free, key=lambda at: counts[at, 0, band]), 0, band] = False
