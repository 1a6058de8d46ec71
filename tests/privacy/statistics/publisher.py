"""A publisher of random bookings, to test the attacker: careless, or careful in single cells.

Belongs here: counting bookings into cells, and hiding small bands in the simplest ways.
Does not belong here: how the product hides them (``warehouse/sql``).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from tests.privacy.statistics.knowledge import (
    FEW,
    LEVELS,
    Band,
    Cell,
    Leaf,
    Night,
    Shown,
    Use,
    month_of,
    place_of,
)

TRAILING_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Fact:
    """A true booking: its group, its day, its bands and its length."""

    leaf: Leaf
    day: date
    bands: Mapping[str, Band]
    minutes: int = 30


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes cells of at least ``minimum_group`` bookings at the levels given."""

    minimum_group: int = 5
    is_merging: bool = True
    levels: Sequence[str] = LEVELS
    has_months: bool = True
    has_minutes: bool = False
    has_totals: bool = True

    def night(self, facts: Sequence[Fact], built_on: date, kept_from: date = date.min) -> Night:
        """Publish the bookings that are kept on a day."""
        kept = [fact for fact in facts if kept_from <= fact.day < built_on]
        closed = closed_facts(kept, built_on)
        use = {
            key: Use(30 * count, 1, count if self.has_totals else None)
            for key, count in Counter((fact.leaf, fact.day) for fact in kept).items()
        }
        return Night(built_on, tuple(self._shown(closed)), use)

    def _shown(self, closed: Sequence[Fact]) -> Iterator[Shown]:
        for level in self.levels:
            for month in sorted({month_of(fact.day) for fact in closed}) * self.has_months + [None]:
                cells: dict[tuple[str | None, ...], list[Fact]] = {}
                for fact in closed:
                    if month in {None, month_of(fact.day)}:
                        cells.setdefault(place_of(fact.leaf, level), []).append(fact)
                for place, inside in cells.items():
                    if len(inside) >= self.minimum_group:
                        site, building, band = (*place, None, None, None)[:3]
                        yield from self._rows(Cell(level, site, building, band, month), inside)

    def _rows(self, cell: Cell, inside: Sequence[Fact]) -> Iterator[Shown]:
        for measure in inside[0].bands:
            counts = Counter(fact.bands[measure] for fact in inside)
            minutes: Counter[Band] = Counter()
            for fact in inside:
                minutes[fact.bands[measure]] += fact.minutes
            hidden = set(self._hidden(counts))
            for band in counts.keys() - hidden:
                told = minutes[band] if self.has_minutes else None
                yield Shown(cell, measure, band, counts[band], told, len(inside))
            if hidden and self.is_merging:
                count = sum(counts[band] for band in hidden)
                few = sum(minutes[band] for band in hidden) if self.has_minutes else None
                yield Shown(cell, measure, FEW, count, few, len(inside))

    def _hidden(self, counts: Mapping[Band, int]) -> Iterator[Band]:
        """Return the bands that are too small, plus the next smallest until they sum to enough."""
        merged = 0
        for band, count in sorted(counts.items(), key=lambda item: (item[1], str(item[0]))):
            if count < self.minimum_group or (self.is_merging and 0 < merged < self.minimum_group):
                merged += count
                yield band


def closed_facts(facts: Sequence[Fact], built_on: date) -> list[Fact]:
    """Return the bookings of months that are closed on a day."""
    limit = built_on - timedelta(days=TRAILING_DAYS)
    return [fact for fact in facts if _next_month(fact.day) - timedelta(days=1) < limit]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
