"""The counts of one measure by place, month and band; what is shown of them; parts of places."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Counts: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

_TIED_COST: Final = 0.02
"""Added to the cost of hiding a count that another measure tells too: both must go."""
LARGE_CELL: Final = 200
"""In a cell of so many bookings, the share of those merged counts."""
MOST_REDUCED: Final = 0.004
"""The largest share of its cell that a reduced count may lack."""


@dataclass(frozen=True)
class Cells:
    """The true counts of one measure.

    ``counts`` has the axes place, month (0 is all closed months together) and band. ``parent`` is
    the place that each place is part of, -1 for the region. ``tied`` are bands that another measure
    tells too, so hiding them costs more. ``is_reducible`` are the places above buildings.
    ``is_empty`` are the counts that another measure tells to be 0. ``totals`` are the least and the
    most of each cell's total (place, month), as readers know it.
    """

    counts: Counts
    parent: Counts
    tied: Sequence[int] = ()
    is_reducible: Flags | None = None
    is_empty: Flags | bool = False
    totals: tuple[Floats, Floats] | None = None


@dataclass(frozen=True)
class Former:
    """What the last version showed of the cells.

    ``is_fixed`` and ``total`` have the axes place and month; ``named`` and ``moved`` have bands.
    """

    is_fixed: Flags
    """Cells whose numbers are unchanged: they are shown as before."""
    named: Flags
    total: Counts
    moved: Flags
    """Counts that some version showed and that differ from it by less than k."""
    derived: Flags
    """Counts (place, band) of all closed months that earlier versions and new months tell."""


@dataclass
class Shown:
    """Which counts are shown: exactly, or reduced to the sum of their shown parts."""

    exact: Flags
    reduced: Flags


@dataclass(frozen=True)
class FormerTotals:
    """Cells (place, month) that are ``fixed`` to be ``visible`` or not, or else ``derived``."""

    fixed: Flags
    visible: Flags
    derived: Flags


def published(cells: Cells, values: Counts, shown: Shown) -> Counts:
    """Return what is shown of values that have the axes of the counts: 0 where nothing is."""
    found = np.where(shown.exact, values, 0)
    if cells.is_reducible is not None:
        for place in np.flatnonzero(cells.is_reducible)[::-1]:  # parts come after their whole
            parts = found[cells.parent == place].sum(axis=0)
            found[place] = np.where(shown.reduced[place], parts, found[place])
    return found


class Families(NamedTuple):
    """Wholes and their parts, family by family, as indices of places.

    ``of`` is the number of each part's family, ``starts`` where each family begins.
    """

    wholes: Counts
    parts: Counts
    of: Counts
    starts: Counts

    @staticmethod
    def found(parent: Counts, least: int = 1) -> "list[Families]":
        """Return the families of each level, from the top, with at least ``least`` parts."""
        depth = np.zeros(len(parent), np.int64)
        for place in np.flatnonzero(parent >= 0):  # a parent comes before its parts
            depth[place] = depth[parent[place]] + 1
        sizes = np.bincount(parent[parent >= 0], minlength=len(parent))
        families = []
        for level in range(1, int(depth.max(initial=0)) + 1):
            parts = np.flatnonzero((depth == level) & (sizes[parent] >= least))
            families += Families._grouped(parts, parent[parts])
        return families

    @staticmethod
    def of_smallest(parent: Counts) -> "list[Families]":
        """Return the smallest places, as parts of each place two or more levels above."""
        smallest = np.setdiff1d(np.flatnonzero(parent >= 0), parent)
        families, whole = [], parent[smallest]
        while (whole > 0).any():
            smallest, whole = smallest[whole > 0], parent[whole[whole > 0]]
            families += Families._grouped(smallest, whole)
        return families

    @staticmethod
    def _grouped(parts: Counts, whole: Counts) -> "list[Families]":
        order = np.argsort(whole, kind="stable")
        wholes, starts, of = np.unique(whole[order], return_index=True, return_inverse=True)
        return [Families(wholes, parts[order], of, starts)] if len(parts) else []

    def total(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the sum of each family; values have the axes of the parts."""
        return np.add.reduceat(values, self.starts, axis=0)


@dataclass
class Grid:
    """The decision in progress: which counts are shown (place, month, band).

    ``known`` counts are never hidden: readers have them from earlier versions. ``visible`` are the
    cells (place, month) that have rows. With ``looks_up``, merging bands minds what must be hidden
    beside and above because of it; with ``reduces_together``, bands of a cell are reduced if they
    hold k together.
    """

    cells: Cells
    k: int
    shown: Flags
    known: Flags
    visible: Flags
    looks_up: bool = False
    reduces_together: bool = False
    reduced: Flags = field(init=False)
    cost: Floats = field(init=False)
    """What hiding each count costs its cell: its share, less in a small cell."""
    levels: Sequence[Families] = field(init=False)

    def __post_init__(self) -> None:
        self.reduced = np.zeros_like(self.shown)
        total = self.cells.counts.sum(axis=-1, keepdims=True)
        self.cost = self.cells.counts / np.maximum(total, LARGE_CELL)
        self.cost[:, :, list(self.cells.tied)] += _TIED_COST
        self.levels = Families.found(self.cells.parent)

    @property
    def free(self) -> Flags:
        """The counts that can still be hidden."""
        free: Flags = self.shown & ~self.known
        return free

    def hide_cheapest(self, price: Floats, options: Sequence[tuple[int, int]]) -> bool:
        """Hide the cheapest count of some cells (place, month); return whether there was one."""
        if not options:
            return False
        prices = np.array([price[each] for each in options])
        if np.isinf(prices).all():
            return False
        at, band = np.unravel_index(prices.argmin(), prices.shape)
        self.shown[(*options[int(at)], int(band))] = False
        return True


def is_bare(counts: Counts, is_open: Flags, number: Counts, worth: Counts, k: int) -> Flags:
    """Return the wholes whose hidden parts a subtraction tells, or that their parts tell."""
    bare: Flags = is_open & (number > 0) & ((number < 2) | (worth < k))
    bare |= ~is_open & (counts > 0) & (number == 0)
    return bare


def cheapest(cost: Floats, candidates: Flags) -> tuple[Counts, Flags]:
    """Return the index of the cheapest candidate on the last axis, and whether there is any."""
    any_left: Flags = np.asarray(candidates.any(axis=-1))
    return np.where(candidates, cost, np.inf).argmin(axis=-1), any_left
