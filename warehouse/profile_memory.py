"""What the versions of the last thirty nights showed of ``booking_profile`` (R17).

Belongs here: what is remembered, and what follows from it for tonight. A cell whose numbers have
not moved is shown as it was: two ways of merging it would tell more than one. All closed months
move when a month closes or goes; then they hide what that month hides, or the difference of two
versions would tell it.
Does not belong here: merging (``suppression.py``), rows (``profile.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from transforms.contract import FEW
from warehouse.profile_bounds import Counts, Flags, Former, FormerTotals, pinned
from warehouse.suppression import visible_cells

MEMORY: Final = "booking_profile_shown"
REMEMBERED: Final = timedelta(days=30)
CLOSED: Final = "closed"
"""Stands for a measure where no more is remembered of a month than that it was closed."""
LEVELS: Final = ("region", "site", "building", "building_size")

Place: TypeAlias = tuple[str | None, ...]
"""() is the region, then site, building and capacity band, each None where a room has none."""
Key: TypeAlias = tuple[Place, str | None, str, str | None]
"""Place, month, measure and band."""


def place_columns(place: Place) -> dict[str, str | None]:
    """Return the level, site, building and capacity band of a place."""
    names = ("site", "building", "capacity_band")
    return (
        {"level": LEVELS[len(place)]} | dict.fromkeys(names) | dict(zip(names, place, strict=False))
    )


@dataclass(frozen=True)
class Memory:
    """Numbers that were shown, with the last day on which they were."""

    shown: Mapping[tuple[Key, int], date] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pa.Table | None, built_on: date) -> "Memory":
        """Return what a build left of the thirty nights before ``built_on``."""
        rows = [] if table is None else table.to_pylist()
        return cls(
            {
                (_key_of(row), row["bookings"]): row["last_shown_on"]
                for row in rows
                if built_on - row["last_shown_on"] <= REMEMBERED
            }
        )

    def latest(self) -> dict[Key, int]:
        """Return what the last version showed."""
        last = max(self.shown.values(), default=None)
        return {key: count for (key, count), day in self.shown.items() if day == last}

    def with_shown(self, shown: Mapping[Key, int], built_on: date) -> "Memory":
        """Return what is remembered after a build on a day."""
        return Memory(dict(self.shown) | dict.fromkeys(shown.items(), built_on))

    def rows(
        self, region: str, built_on: date, shown: Mapping[Key, int]
    ) -> Iterator[dict[str, Any]]:
        """Return the rows of ``booking_profile_shown`` after a build."""
        merged = self.with_shown(shown, built_on).shown
        for ((place, month, measure, band), bookings), last_shown_on in merged.items():
            yield place_columns(place) | {
                "region": region,
                "month": month,
                "measure": measure,
                "band": band,
                "bookings": bookings,
                "last_shown_on": last_shown_on,
            }


NOTHING: Final = Memory()


def _key_of(row: Mapping[str, Any]) -> Key:
    depth = LEVELS.index(row["level"])
    place = (row["site"], row["building"], row["capacity_band"])[:depth]
    return place, row["month"], row["measure"], row["band"]


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
    ) -> None:
        self._counts = counts
        self._parent = parent
        self._measures = measures
        self._first = next(iter(counts))
        self._k = k
        self._place_no = {place: at for at, place in enumerate(places)}
        self._month_no = {month: at for at, month in enumerate(months)}
        self._memory = memory
        self._latest = memory.latest()
        told_months = {key[1] for key in self._latest if key[2:] == (CLOSED, self._first)}
        self._new = [at for at, month in enumerate(months) if at and month not in told_months]
        self._gone = told_months - set(months)
        self._totals = counts[self._first].sum(axis=-1)
        self._former = {name: self._former_of(name) for name in counts}

    def of(self, measure: str) -> "Former":
        """Return what limits the counts of a measure."""
        return self._former[measure]

    def is_fixed(self, measure: str) -> Flags:
        """Return the cells that are shown as they were."""
        return self._former[measure].is_fixed

    def _former_of(self, measure: str) -> "Former":
        counts, bands = self._counts[measure], list(self._measures[measure])
        was, few = np.zeros_like(counts), np.zeros(counts.shape[:2], np.int64)
        for (place, month, of, band), bookings in self._latest.items():
            if of != measure or place not in self._place_no or month not in self._month_no:
                continue
            at = (self._place_no[place], self._month_no[month])
            if band == FEW:
                few[at] = bookings
            elif band in bands:
                was[(*at, bands.index(band))] = bookings
        named = was > 0
        total = was.sum(axis=-1) + few
        same = (~named | ((was == counts) & (counts >= self._k))).all(axis=-1)
        is_fixed = (total > 0) & same & (total == counts.sum(axis=-1))
        has_moved = (total[:, 0] > 0) & ~is_fixed[:, 0]
        derived = named[:, 0] & has_moved[:, None] & self._is_told_gone(measure)
        return Former(is_fixed, named, total, self._moved(measure), derived)

    def _is_told_gone(self, measure: str) -> Flags:
        """Return the counts (place, band) of which the months that are gone hid nothing."""
        bands = self._measures[measure]
        told = np.ones((len(self._place_no), len(bands)), np.bool_)
        for month in self._gone:
            for place, at in self._place_no.items():
                if (place, month, measure, FEW) in self._latest:
                    for number, band in enumerate(bands):
                        told[at, number] &= (place, month, measure, band) in self._latest
        return told

    def _moved(self, measure: str) -> Flags:
        """Return the counts that were shown and have moved by less than k."""
        counts, bands = self._counts[measure], list(self._measures[measure])
        moved = np.zeros(counts.shape, np.bool_)
        for (place, month, of, band), bookings in self._memory.shown:
            if of != measure or band not in bands:
                continue
            if place in self._place_no and month in self._month_no:
                at = (self._place_no[place], self._month_no[month], bands.index(band))
                moved[at] |= 0 < abs(int(counts[at]) - bookings) < self._k
        if self._new or self._gone:
            moved[:, 0] = False
        return moved

    def visible(self, parent: Counts) -> Flags:
        """Return which cells have rows tonight."""
        if not self._latest:
            return visible_cells(self._totals, parent, self._k)
        former = self._former[self._first]
        fixed, were = former.is_fixed.copy(), former.is_fixed
        fixed[:, [at for at in range(1, fixed.shape[1]) if at not in self._new]] = True
        for (place, month, measure, _), _ in self._memory.shown:
            at = self._place_no.get(place)
            if (
                month is None
                and measure == self._first
                and at is not None
                and not former.total[at, 0]
            ):
                fixed[at, 0] = True  # hidden since, and a version that showed it is remembered
        if not self._new and not self._gone:
            fixed[:, 0] |= (
                former.total[:, 0] == 0
            )  # what was hidden may be told by a version before
        derived = np.zeros_like(fixed)
        derived[:, 0] = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        while True:
            visible = visible_cells(
                self._totals, parent, self._k, FormerTotals(fixed, were, derived)
            )
            told = (visible | derived)[:, 0] & self._is_told(visible)
            told |= self._uncovers(visible) & ~fixed[:, 0]
            if not told.any():
                return visible
            fixed[:, 0] |= told
            derived[:, 0] &= ~told

    def _uncovers(self, visible: Flags) -> Flags:
        """Return places that had no rows and have them now, so that the last version tells more.

        Less the new months they are what they were, and that must not leave a small part of a sum.
        """
        former, totals = self._former[self._first], self._totals
        was = former.total[:, 0] > 0
        is_new = visible[:, self._new] | (totals[:, self._new] == 0)
        told: Flags = visible[:, 0] & ~was & is_new.all(axis=1)
        old = totals[:, 0] - totals[:, self._new].sum(axis=1)
        hidden = ~(was | told) & (old > 0)
        parts = np.flatnonzero(self._parent >= 0)
        worth, number = np.zeros_like(old), np.zeros_like(old)
        np.add.at(worth, self._parent[parts], np.where(hidden, old, 0)[parts])
        np.add.at(number, self._parent[parts], hidden[parts].astype(np.int64))
        bare = (was | told) & (number > 0) & ((number < 2) | (worth < self._k))
        told[parts] &= bare[self._parent[parts]]
        told[self._parent < 0] = False
        return told & (not self._gone)

    def _is_told(self, visible: Flags) -> Flags:
        """Return the places whose total of all months would tell that of a month without rows."""
        former = self._former[self._first]
        told = (former.total[:, 0] > 0) & ~former.is_fixed[:, 0]
        for place, at in self._place_no.items():
            if told[at]:
                new = [month for month in self._new if self._totals[at, month]]
                gone = former.total[at, 0] - self._totals[at, 0] + self._totals[at, new].sum()
                shown = sum(self._gone_total(place, month) for month in self._gone)
                told[at] = not visible[at, new].all() or shown != gone
        return told

    def _gone_total(self, place: Place, month: str | None) -> int:
        bands = (*self._measures[self._first], FEW)
        keys = [(place, month, self._first, band) for band in bands]
        return sum(self._latest.get(key, 0) for key in keys)

    def kept_back(self, measure: str) -> Flags:
        """Return what must not be shown: counts that moved a little, and months that are gone."""
        former, bands = self._former[measure], self._measures[measure]
        back = former.moved.copy()
        back &= ~former.is_fixed[:, :, None]
        back[:, 0] |= ~self._is_told_gone(measure) & ~former.is_fixed[:, 0, None]
        for (place, month, of, band), _ in self._memory.shown:
            at = self._place_no.get(place)
            if of != measure or month is not None or at is None or band not in bands:
                continue
            if former.total[at, 0] and not former.is_fixed[at, 0]:
                number = list(bands).index(band)
                back[at, 0, number] |= not former.named[at, 0, number]
        return back

    def told_by_new_months(self, measure: str, shown: Flags) -> Flags:
        """Return the counts of all months that would tell what a month that just closed hides.

        From then on they are not taken for derived.
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
        """Return the counts that, less the new months, would tell what the last version hid.

        Where the last version hid a count and it is shown now with all new months, their difference
        is known; beside what that version showed it must not leave one small count of a sum.
        """
        former, counts = self._former[measure], self._counts[measure]
        was = former.total[:, 0] > 0
        new_shown = (shown[:, self._new] | (counts[:, self._new] == 0)).all(axis=1)
        told: Flags = shown[:, 0] & new_shown & ~former.named[:, 0]
        told &= ~former.is_fixed[:, :1]
        old = counts[:, 0] - counts[:, self._new].sum(axis=1)
        if self._gone or not self._latest or not told.any():
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
            twice = np.stack([old, old], axis=1), np.stack([known, known], axis=1)
            pins = pinned(twice[0], self._parent, twice[1], np.stack([was, was], axis=1), self._k)[
                :, 0
            ]
            more = np.zeros_like(told)
            more[parts] |= bare[self._parent[parts]] | pins[self._parent[parts]]
            more |= pins.any(axis=1, keepdims=True) | bare
            np.logical_or.at(more, self._parent[parts], pins[parts])
            for place in parts:  # and those beside it
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
