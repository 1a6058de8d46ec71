"""What the versions of the last thirty nights showed of ``booking_profile`` (R17).

Belongs here: what is remembered, and what follows from it for tonight. A cell whose numbers are
unchanged is shown as before: two ways of merging it would tell more than one. The cell of all
closed months changes when a month closes or is deleted; it then hides what that month hides, or the
difference of two versions would tell it. Also which cells have rows: those of k bookings whose
total no subtraction tells.
Does not belong here: merging (``suppression.py``), rows (the package itself).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa

from transforms.contract import FEW
from warehouse.profiles.bounds import bounds, pinned
from warehouse.profiles.cells import Cells, Counts, Flags, Former, FormerTotals, Grid
from warehouse.profiles.remembered import Memory, numbered, numbered_rows
from warehouse.profiles.sums import ROUNDS, hide_in_corners, hide_in_months, hide_in_places

_SHARED_ROUNDS: Final = 6
CLOSED: Final = "closed"
"""Stands for a measure where all that is remembered of a month is that it was closed."""
LEVELS: Final = ("region", "site", "building", "building_size")

Place: TypeAlias = tuple[str | None, ...]
"""() is the region; then site, building and capacity band, each None where a room has none."""


class Before:
    """What is remembered, on the axes of tonight's counts: place, month and band."""

    def __init__(  # noqa: PLR0913, PLR0917 - the axes, and what stands on them
        self,
        memory: Memory,
        places: Sequence[Place],
        months: Sequence[str | None],
        counts: Mapping[str, Counts],
        measures: Mapping[str, Sequence[str | None]],
        k: int,
        parent: Counts,
        told: Counts,
    ) -> None:
        self._told = told
        self._site = np.arange(len(parent))
        """The site of each place."""
        for place in np.flatnonzero(parent > 0):  # a parent comes before its parts
            self._site[place] = self._site[parent[place]]
        self._counts = counts
        self._parent = parent
        self._measures = measures
        self._first = next(iter(counts))
        self._k = k
        self._places, self._months = len(places), len(months)
        rows = memory.rows
        days = rows["last_shown_on"].to_numpy()
        is_latest: Flags = days == days.max(initial=np.datetime64(date.min))
        self._is_first_build = not len(days)
        measure, names = numbered(rows["measure"])
        self._rows_of = {name: np.flatnonzero(measure == at) for at, name in enumerate(names)}
        self._place = _place_numbers(rows, places)
        band, bands = numbered(rows["band"])
        month, month_names = numbered(rows["month"])
        told = np.flatnonzero(is_latest & (measure == _index(names, CLOSED)))
        told = told[band[told] == _index(bands, self._first)]
        told_months = {month_names[at] for at in np.unique(month[told])}
        self._new = [at for at, each in enumerate(months) if at and each not in told_months]
        # Deleted months come after tonight's.
        every_month = [*months, *sorted(told_months - set(months))]
        self._gone = range(len(months), len(every_month))
        self._month = np.array([_index(every_month, each) for each in month_names], np.int64)[month]
        self._band, self._bands = band, bands
        self._bookings = rows["bookings"].to_numpy()
        self._is_latest = is_latest
        self._totals = counts[self._first].sum(axis=-1)
        self._latest = {name: self._latest_of(name) for name in counts}
        self._former = {name: self._former_of(name) for name in counts}

    def of(self, measure: str) -> "Former":
        """Return what limits the counts of a measure."""
        return self._former[measure]

    def is_fixed(self, measure: str) -> Flags:
        """Return the cells that are shown as before."""
        return self._former[measure].is_fixed

    def _seen(self, measure: str) -> tuple[Counts, Counts, Counts, Counts]:
        """Return row, place, month and band of the remembered rows whose place still exists.

        ``few`` comes after the bands; a band that no longer exists is -1.
        """
        of = [*self._measures[measure], FEW]
        band_no = np.array([_index(of, band) for band in self._bands], np.int64)
        rows = self._rows_of.get(measure, np.zeros(0, np.int64))
        place, month, band = self._place[rows], self._month[rows], band_no[self._band[rows]]
        kept = np.flatnonzero((place >= 0) & (month >= 0))
        return rows[kept], place[kept], month[kept], band[kept]

    def _latest_of(self, measure: str) -> Counts:
        """Return what the last version showed (place, month, band), deleted months included."""
        months = self._months + len(self._gone)
        found = np.zeros((self._places, months, len(self._measures[measure]) + 1), np.int64)
        rows, *at = self._seen(measure)
        kept = np.flatnonzero(self._is_latest[rows] & (at[-1] >= 0))
        found[tuple(each[kept] for each in at)] = self._bookings[rows[kept]]
        return found

    def _former_of(self, measure: str) -> "Former":
        counts, latest = self._counts[measure], self._latest[measure][:, : self._months]
        was = latest[:, :, :-1]
        named = was > 0
        total = latest.sum(axis=-1)
        same = (~named | ((was == counts) & (counts >= self._k))).all(axis=-1)
        is_fixed: Flags = (total > 0) & same & (total == counts.sum(axis=-1))
        has_moved = (total[:, 0] > 0) & ~is_fixed[:, 0]
        derived: Flags = named[:, 0] & has_moved[:, None] & self._is_told_gone(measure)
        return Former(is_fixed, named, total, self._moved(measure), derived)

    def _is_told_gone(self, measure: str) -> Flags:
        """Return the counts (place, band) of which the deleted months hid nothing."""
        gone = self._latest[measure][:, self._gone] > 0
        told: Flags = np.logical_and.reduce(gone[:, :, :-1] | ~gone[:, :, -1:], axis=1)
        return told

    def _moved(self, measure: str) -> Flags:
        """Return the counts that were shown and have changed by less than k."""
        counts = self._counts[measure]
        moved = np.zeros(counts.shape, np.bool_)
        rows, place, month, band = self._seen(measure)
        kept = np.flatnonzero((month < self._months) & (band >= 0) & (band < counts.shape[2]))
        at = place[kept], month[kept], band[kept]
        by = np.abs(counts[at] - self._bookings[rows[kept]])
        np.logical_or.at(moved, at, (by > 0) & (by < self._k))
        if self._new or self._gone:
            moved[:, 0] = False
        return moved

    def visible(self, parent: Counts) -> Flags:
        """Return which cells have rows tonight."""
        if self._is_first_build:
            return visible_cells(self._totals, parent, self._k, self._told)
        former = self._former[self._first]
        fixed, were = former.is_fixed.copy(), former.is_fixed
        fixed[:, [at for at in range(1, fixed.shape[1]) if at not in self._new]] = True
        _, place, month, _ = self._seen(self._first)
        seen = place[month == 0]
        # Hidden since, but a remembered version showed it: it stays hidden.
        fixed[seen[former.total[seen, 0] == 0], 0] = True
        if not self._new and not self._gone:
            # An earlier version may tell what was hidden.
            fixed[:, 0] |= former.total[:, 0] == 0
        derived = np.zeros_like(fixed)
        derived[:, 0] = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        while True:
            visible = visible_cells(
                self._totals, parent, self._k, self._told, FormerTotals(fixed, were, derived)
            )
            told = np.zeros_like(visible)
            told[:, 0] = (visible | derived)[:, 0] & self._is_told(visible)
            if self._new and not self._gone:
                told |= self._tells_both(visible, visible & ~fixed)
            if not told.any():
                return visible
            fixed |= told
            derived &= ~told

    def _tells_both(self, visible: Flags, free: Flags) -> Flags:
        """Return which of the free cells have no rows, or two versions tell a small total."""
        pins = self._pinned_together(visible)
        if not pins.any():
            return pins
        pins &= ~self._pinned_together(visible & ~free)
        near = np.isin(self._site, self._site[pins.any(axis=1)])[:, None]
        found: Flags = free & near if (free & near).any() else free & pins.any()
        return found

    def _pinned_together(self, visible: Flags) -> Flags:
        """Return the cells that the last version and tonight's together narrow down too far.

        Both count the same months, but for the new ones; all months together differ by these.
        """
        new, own = self._new, np.ones(visible.shape[1], np.bool_)
        own[[0, *new]] = False
        totals, least = self._totals[:, :, None], self._told[:, :, None].astype(np.float64)
        was_totals, was_least = totals.copy(), least.copy()
        for each in (was_totals, was_least):
            each[:, 0] -= each[:, new].sum(axis=1)
            each[:, new] = 0
        now, was = Cells(totals, self._parent), Cells(was_totals, self._parent)
        is_known = visible[:, :, None]
        was_known = self._former[self._first].total[:, :, None] > 0
        nothing, endless = np.zeros_like(visible), np.full_like(least, np.inf)
        limits, was_limits = (least, endless), (was_least, endless)
        for _ in range(_SHARED_ROUNDS):
            low, high = limits = bounds(now, is_known, nothing, limits)
            was_low, was_high = was_limits = bounds(was, was_known, nothing, was_limits)
            low[:, own] = was_low[:, own] = np.maximum(low[:, own], was_low[:, own])
            high[:, own] = was_high[:, own] = np.minimum(high[:, own], was_high[:, own])
            least_new, most_new = low[:, new].sum(axis=1), high[:, new].sum(axis=1)
            low[:, 0] = np.maximum(low[:, 0], was_low[:, 0] + least_new)
            high[:, 0] = np.minimum(high[:, 0], was_high[:, 0] + most_new)
            was_low[:, 0] = np.maximum(was_low[:, 0], low[:, 0] - most_new)
            was_high[:, 0] = np.minimum(was_high[:, 0], high[:, 0] - least_new)
            for month in new:
                most = high[:, 0] - was_low[:, 0] - (least_new - low[:, month])
                high[:, month] = np.minimum(high[:, month], most)
        pins = pinned(now, is_known, nothing, self._k, limits)
        pins |= pinned(was, was_known, nothing, self._k, was_limits)
        return pins[:, :, 0]

    def _is_told(self, visible: Flags) -> Flags:
        """Return places whose total of all months would tell that of a month without rows."""
        former = self._former[self._first]
        told = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        for at in np.flatnonzero(told):
            new = [month for month in self._new if self._totals[at, month]]
            gone = former.total[at, 0] - self._totals[at, 0] + self._totals[at, new].sum()
            shown = self._latest[self._first][at, self._gone].sum()
            told[at] = not visible[at, new].all() or shown != gone
        return told

    def kept_back(self, measure: str) -> Flags:
        """Return what must not be shown: counts that changed a little, or tell deleted months."""
        former = self._former[measure]
        back = former.moved.copy()
        back &= ~former.is_fixed[:, :, None]
        back[:, 0] |= ~self._is_told_gone(measure) & ~former.is_fixed[:, 0, None]
        seen = np.zeros((self._places, back.shape[2] + 1), np.bool_)
        _, place, month, band = self._seen(measure)
        seen[place[month == 0], band[month == 0]] = True
        has_moved = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        back[:, 0] |= seen[:, :-1] & has_moved[:, None] & ~former.named[:, 0]
        return back

    def told_by_new_months(self, measure: str, shown: Flags) -> Flags:
        """Return the counts of all months that would tell what a newly closed month hides.

        From then on they do not count as derived.
        """
        former = self._former[measure]
        has_moved = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        hidden = (~shown & (self._counts[measure] > 0))[:, self._new].any(axis=1)
        told: Flags = (shown[:, 0] | former.derived) & hidden & has_moved[:, None]
        told |= shown[:, 0] & ~former.named[:, 0] & self._splits_few(measure, shown)[:, None]
        told |= self._tells_before(measure, shown)
        self._former[measure] = replace(former, derived=former.derived & ~hidden)
        return told

    def _tells_before(self, measure: str, shown: Flags) -> Flags:
        """Return the counts that, without the new months, would tell what the last version hid.

        If the last version hid a count, and it is shown now with all new months, their difference
        is known. Beside what that version showed, it must not leave one small count of a sum.
        """
        former, counts = self._former[measure], self._counts[measure]
        was = former.total[:, 0] > 0
        new_shown = (shown[:, self._new] | (counts[:, self._new] == 0)).all(axis=1)
        told: Flags = shown[:, 0] & new_shown & ~former.named[:, 0]
        told &= ~former.is_fixed[:, :1]
        old = counts[:, 0] - counts[:, self._new].sum(axis=1)
        if self._gone or self._is_first_build or not told.any():
            return np.zeros_like(told)
        back = np.zeros_like(told)
        while (told & ~back).any():
            known = former.named[:, 0] | (told & ~back)
            hidden = ~known & (old > 0)
            worth, number = np.zeros_like(old), np.zeros_like(old)
            parts = np.flatnonzero(self._parent >= 0)
            np.add.at(worth, self._parent[parts], np.where(hidden, old, 0)[parts])
            np.add.at(number, self._parent[parts], hidden[parts].astype(np.int64))
            bare = known & (number > 0) & ((number < 2) | (worth < self._k))
            twice = [np.stack([each, each], axis=1) for each in (old, known, was)]
            pins = pinned(Cells(twice[0], self._parent), twice[1], twice[2], self._k)[:, 0]
            more = np.zeros_like(told)
            more[parts] |= bare[self._parent[parts]] | pins[self._parent[parts]]
            more |= pins.any(axis=1, keepdims=True) | bare
            np.logical_or.at(more, self._parent[parts], pins[parts])
            for place in parts:  # and its siblings
                more[place] |= pins[self._parent == self._parent[place]].any(axis=0)
            more &= told & ~back
            if not more.any():
                return back
            back |= more
        return back

    def _splits_few(self, measure: str, shown: Flags) -> Flags:
        """Return the places where what is shown now would tell too much of the last ``few``."""
        former, counts = self._former[measure], self._counts[measure]
        has_moved = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        still = ~former.named[:, 0] & ~shown[:, 0]
        before = counts[:, 0] - counts[:, self._new].sum(axis=1)
        few = np.where(still, before, 0).sum(axis=-1)
        is_split: Flags = (few > 0) & ((few < self._k) | (still.sum(axis=-1) < 2))
        return has_moved & (is_split | bool(self._gone))


def _index(values: Sequence[str | None], value: str | None) -> int:
    """Return the index of a value, -1 if it is missing."""
    return values.index(value) if value in values else -1


def _place_numbers(rows: pa.Table, places: Sequence[Place]) -> Counts:
    """Return the number of each row's place, -1 if there is no such place tonight."""
    number = {place: at for at, place in enumerate(places)}
    own, found = numbered_rows(rows, ("level", "site", "building", "capacity_band"))
    at = [number.get(tuple(names[: LEVELS.index(level)]), -1) for level, *names in found]
    return np.array(at, np.int64)[own]


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
