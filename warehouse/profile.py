"""``booking_profile`` and ``change_profile``: bands of one measure, small bands merged (R17).

Belongs here: the cells of four levels and of closed months, and their rows.
Does not belong here: counting (``sql/after/*_counts.sql``), which counts may be shown
(``suppression.py``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from transforms.contract import CHANGE_WORDS, FEW, LEAD_TIME_BANDS, MEASURES
from transforms.contract.database import TABLES
from warehouse.engine import Engine
from warehouse.profile_bounds import Cells, Counts, Flags, Floats, Shown, published
from warehouse.profile_memory import (
    CLOSED,
    LEVELS,
    MEMORY,
    NOTHING,
    Before,
    Key,
    Memory,
    Place,
)
from warehouse.suppression import shown_counts

PROFILE: Final = "booking_profile"
_TELLS_MINUTES: Final = 200
"""Bookings of a region, site or building that tells minutes: of few it tells how long they are."""
_TIES: Final[tuple[tuple[tuple[str, str | None], tuple[str, str | None], bool], ...]] = (
    (("lead_time", None), ("kind", "single"), True),
    (("external", None), ("headcount", None), False),
)
"""Bands of two measures of which one tells the other, and whether that goes both ways.

A series has no lead time, so that the others are single, and the other way round. Of whom no
headcount is known, it is not known whether they are external: that is a least number for these,
but no more than that the other way round."""


@dataclass(frozen=True)
class Profile:
    """The true counts of each measure by place, month and band, and sums of minutes beside them."""

    places: Sequence[Place]
    parent: Counts
    months: Sequence[str | None]
    measures: Mapping[str, Sequence[str | None]]
    counts: Mapping[str, Counts]
    sums: Mapping[str, Mapping[str, Counts]]


@dataclass(frozen=True)
class Subject:
    """A table that is made of counts: its work table, the names of its columns, its measures."""

    table: str
    counts: str
    names: Sequence[str]
    measure: str
    band: str
    count: str
    sums: Sequence[str]
    total: str | None
    measures: Mapping[str, Sequence[str | None]]


BOOKINGS: Final = Subject(
    PROFILE,
    "profile_counts",
    ("site", "building", "capacity_band"),
    *("measure", "band", "bookings"),
    ("booked_minutes",),
    "cell_bookings",
    MEASURES,
)
CHANGES: Final = Subject(
    "change_profile",
    "change_counts",
    ("site", "building"),
    *("change", "notice_band", "changes"),
    ("minutes_given_back", "minutes_booked_again"),
    None,
    dict.fromkeys(CHANGE_WORDS, tuple(band.label for band in LEAD_TIME_BANDS)),
)


def load_profile(engine: Engine, k: int, built_on: date, memory: pa.Table | None) -> None:
    """Fill ``booking_profile``, ``change_profile`` and what is remembered of them from counts.

    ``memory`` is ``booking_profile_shown`` of the build before, None if there was none.
    """
    region = str(engine.values("SELECT region FROM settings")[0])
    remembered = Memory.of(memory, built_on)
    shown: dict[Key, int] = {}
    hidden = 0
    kept_bookings: dict[tuple[Any, ...], int] = {}
    for subject in (BOOKINGS, CHANGES):
        profile = profile_of(engine.table(subject.counts).to_pylist(), subject)
        rows, of_subject, left_out = profile_rows(profile, subject, k, remembered)
        shown |= of_subject
        hidden += left_out
        found = [{"region": region} | row for row in rows]
        if subject is BOOKINGS:
            kept_bookings = _whole_cells(engine, rows)
        else:
            for row in found:
                row["bookings_kept"] = kept_bookings.get(_cell_of(row))
        engine.insert(subject.table, pa.Table.from_pylist(found, TABLES[subject.table].schema))
    remembered_rows = list(remembered.rows(region, built_on, shown))
    engine.insert(MEMORY, pa.Table.from_pylist(remembered_rows, TABLES[MEMORY].schema))
    engine.load("profile_hidden", pa.table({"hidden_counts": pa.array([hidden], pa.int64())}))


def _whole_cells(engine: Engine, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], int]:
    """Return the bookings of each cell that is shown and that changes are known of from the start.

    What was cancelled before the first reading is not known, so a month that began before it, and
    all months together where one of them did, would show too small a rate.
    """
    (first,) = engine.values("SELECT min(seen_after) FROM lake_changes")
    if not isinstance(first, datetime):  # no change is known
        return {}
    months = {row["month"] for row in rows if row["month"] is not None}
    whole = {month for month in months if date.fromisoformat(f"{month}-01") > first.date()}
    whole |= {None} if whole == months else set()
    return {_cell_of(row): row["cell_bookings"] for row in rows if row["month"] in whole}


def _cell_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["level"], row["site"], row["building"], row["month"])


def profile_of(counts: Sequence[Mapping[str, Any]], subject: Subject) -> Profile:
    """Return the counts of every level from those of the finest one."""
    depths = range(len(subject.names) + 1)
    finest = sorted({tuple(row[name] for name in subject.names) for row in counts}, key=_sortable)
    found = {place[:depth] for place in finest for depth in depths} | {()}
    places = sorted(found, key=lambda place: (len(place), _sortable(place)))
    number = {place: at for at, place in enumerate(places)}
    parent = np.array([number[place[:-1]] if place else -1 for place in places], np.int64)
    months: list[str | None] = [None, *sorted({row["month"] for row in counts})]
    numbers = {
        column: {
            name: np.zeros((len(places), len(months), len(bands)), np.int64)
            for name, bands in subject.measures.items()
        }
        for column in (subject.count, *subject.sums)
    }
    band_no = {
        name: {band: at for at, band in enumerate(of)} for name, of in subject.measures.items()
    }
    month_no = {month: at for at, month in enumerate(months)}
    # Of each row its places from the region down, its month and its band, and then all at once.
    above = np.array([[number[place[:depth]] for depth in depths] for place in finest], np.int64)
    place_no = {place: at for at, place in enumerate(finest)}
    own = [place_no[tuple(row[name] for name in subject.names)] for row in counts]
    places_of = above.reshape(-1, len(depths))[np.array(own, np.int64)]
    month_of = np.array([month_no[row["month"]] for row in counts], np.int64)
    of_measure: dict[str, list[int]] = {name: [] for name in subject.measures}
    for at, row in enumerate(counts):
        of_measure[row[subject.measure]].append(at)
    for measure, rows in of_measure.items():
        band = np.array([band_no[measure][counts[at][subject.band]] for at in rows], np.int64)
        for column, of_column in numbers.items():
            values = np.array([counts[at][column] for at in rows], np.int64)
            for depth in depths:
                place, month = places_of[rows, depth], month_of[rows]
                for of in (np.zeros_like(month), month):
                    np.add.at(of_column[measure], (place, of, band), values)
    counted = numbers.pop(subject.count)
    return Profile(places, parent, months, subject.measures, counted, numbers)


def profile_rows(
    profile: Profile, subject: Subject, k: int, memory: Memory = NOTHING
) -> tuple[list[dict[str, Any]], dict[Key, int], int]:
    """Return the rows, what they show, and how many counts were merged or left out."""
    rows: list[dict[str, Any]] = []
    shown: dict[Key, int] = {}
    hidden = 0
    if len(profile.months) == 1:
        return rows, shown, hidden
    for group in _groups(profile, subject):
        # That a month was closed is remembered too, though none of its cells may be shown.
        shown |= {((), month, CLOSED, group[0]): 0 for month in profile.months[1:]}
        counts = {measure: profile.counts[measure] for measure in group}
        before = Before(
            memory, profile.places, profile.months, counts, profile.measures, k, profile.parent
        )
        visible = before.visible(profile.parent)
        named = _named(profile, counts, visible, k, before)
        for measure in group:
            found, told, left_out = _rows_of(profile, subject, measure, visible, named[measure], k)
            rows += found
            shown |= told
            hidden += left_out
    return rows, shown, hidden


def _groups(profile: Profile, subject: Subject) -> list[list[str]]:
    """Return the measures by what they are of: all of the same bookings, or each of its own."""
    measures = list(profile.measures)
    return [measures] if subject.total else [[measure] for measure in measures]


def _rows_of(  # noqa: PLR0913, PLR0917 - what a measure is, and what may be shown of it
    profile: Profile, subject: Subject, measure: str, visible: Flags, of_bands: Shown, k: int
) -> tuple[list[dict[str, Any]], dict[Key, int], int]:
    rows: list[dict[str, Any]] = []
    shown: dict[Key, int] = {}
    bands, counts = profile.measures[measure], profile.counts[measure]
    if k > 1 and not counts[:, :, [band is not None for band in bands]].any():
        return rows, shown, 0  # where all are alike, those of any group are told
    totals = counts.sum(axis=-1)
    values = {subject.count: counts} | {of: profile.sums[of][measure] for of in subject.sums}
    named = of_bands.exact | of_bands.reduced
    cells = Cells(counts, profile.parent, is_reducible=_reducible(profile))
    given = {of: published(cells, each, of_bands) for of, each in values.items()}
    few = {of: values[of].sum(axis=-1) - each.sum(axis=-1) for of, each in given.items()}
    exact = np.where(of_bands.exact, counts, 0)
    known = np.dstack((exact, totals - exact.sum(axis=-1))).tolist()
    # Numbers of Python from here on: of few bands each, arrays would take longer.
    of_cells = {name: np.dstack((given[name], few[name])).tolist() for name in given}
    is_shown = np.dstack((named, few[subject.count] != 0)).tolist()
    labels = (*bands, FEW)
    for at, of in np.argwhere(visible).tolist():
        place, month = profile.places[at], profile.months[of]
        if not _is_named(place):
            continue
        cell: dict[str, Any] = {"level": LEVELS[len(place)], "month": month}
        cell |= dict.fromkeys(subject.names) | dict(zip(subject.names, place, strict=False))
        cell[subject.measure] = measure
        if subject.total:
            cell[subject.total] = int(totals[at, of])
        is_large = len(place) < len(LEVELS) - 1 and totals[at, of] >= _TELLS_MINUTES
        tells_minutes = k == 1 or not subject.total or (is_large and measure != "duration")
        silent = {} if tells_minutes else dict.fromkeys(subject.sums)
        for band, label in enumerate(labels):
            if is_shown[at][of][band]:
                numbers = {name: each[at][of][band] for name, each in of_cells.items()}
                rows.append(cell | {subject.band: label} | numbers | silent)
            if known[at][of][band]:
                shown[place, month, measure, label] = known[at][of][band]
    return rows, shown, int(((counts > 0) & ~named).sum())


def _reducible(profile: Profile) -> Flags:
    """Return which places are above buildings."""
    return np.array([len(place) < LEVELS.index("building") for place in profile.places])


@dataclass(frozen=True)
class Tie:
    """Two bands of two measures of which one tells the other; see ``_TIES``."""

    wide: str
    band: int
    narrow: str
    other: int
    both_ways: bool

    def apart(
        self, named: Mapping[str, Shown], counts: Mapping[str, Counts], before: Before
    ) -> Flags:
        """Return the cells that show one of both counts, where that tells what the other hides."""
        is_wide = named[self.wide].exact[:, :, self.band]
        is_narrow = named[self.narrow].exact[:, :, self.other]
        apart: Flags = is_wide ^ is_narrow if self.both_ways else ~is_wide & is_narrow
        apart &= ~(before.is_fixed(self.wide) & before.is_fixed(self.narrow))
        apart &= counts[self.wide][:, :, self.band] > 0
        apart &= counts[self.narrow][:, :, self.other] > 0
        return apart

    def told_apart(self, named: Mapping[str, Shown], counts: Mapping[str, Counts], k: int) -> Flags:
        """Return the shown counts of the narrow measure that can be taken from the wide one's few.

        Series are all in its few where that holds their band: what is left of it holds k too.
        """
        is_hidden = ~named[self.wide].exact
        few = np.where(is_hidden, counts[self.wide], 0).sum(axis=-1)
        series = named[self.narrow].exact & (np.arange(counts[self.narrow].shape[2]) != self.other)
        rest = few - np.where(series, counts[self.narrow], 0).sum(axis=-1)
        is_told = is_hidden[:, :, self.band] & (rest > 0) & (rest < k)
        told: Flags = series & is_told[:, :, None]
        return told

    def limits(
        self, named: Mapping[str, Shown], counts: Mapping[str, Counts]
    ) -> dict[str, tuple[Floats, Floats]]:
        """Return for both measures the least and the most that the other tells of its counts.

        A shown count of the wide band is the most of the narrow one, and a shown one of the narrow
        band the least of the wide one: of ties that go one way.
        """
        is_wide = named[self.wide].exact[:, :, self.band]
        is_narrow = named[self.narrow].exact[:, :, self.other]
        found = {}
        for name in (self.wide, self.narrow):
            shape = counts[name].shape
            found[name] = np.zeros(shape), np.full(shape, np.inf)
        least, most = found[self.wide][0], found[self.narrow][1]
        least[:, :, self.band] = np.where(is_narrow, counts[self.narrow][:, :, self.other], 0)
        most[:, :, self.other] = np.where(is_wide, counts[self.wide][:, :, self.band], np.inf)
        return found


def _ties(profile: Profile, measures: Iterable[str]) -> Iterator[Tie]:
    for (wide, band), (narrow, other), both_ways in _TIES:
        if {wide, narrow} <= set(measures):
            at, of = list(profile.measures[wide]), list(profile.measures[narrow])
            yield Tie(wide, at.index(band), narrow, of.index(other), both_ways)


def _named(
    profile: Profile, counts_of: Mapping[str, Counts], visible: Flags, k: int, before: Before
) -> dict[str, Shown]:
    """Return which counts of each measure are shown; of two that are tied both or none."""
    ties = list(_ties(profile, counts_of))
    tied = {
        name: [tie.band for tie in ties if tie.wide == name]
        + [tie.other for tie in ties if tie.narrow == name]
        for name in counts_of
    }
    back = {name: before.kept_back(name) for name in counts_of}

    def shown(name: str, limits: tuple[Floats, Floats] | None = None) -> Shown:
        cells = Cells(counts_of[name], profile.parent, tied[name], _reducible(profile))
        return shown_counts(cells, visible, k, before.of(name), back[name], limits)

    named: dict[str, Shown] = {}
    was: dict[str, Flags] = {}
    changed = set(counts_of)
    while True:
        named |= {name: shown(name) for name in changed}
        was |= {name: back[name].copy() for name in changed}
        for name, each in named.items():
            back[name][:, 0] |= before.told_by_new_months(name, each.exact)
        for tie in ties:
            apart = tie.apart(named, counts_of, before)
            back[tie.narrow][:, :, tie.other] |= apart
            if tie.both_ways:
                back[tie.wide][:, :, tie.band] |= apart
                back[tie.narrow] |= tie.told_apart(named, counts_of, k)
        changed = {name for name in back if not np.array_equal(was[name], back[name])}
        for tie in ties:
            if not changed and not tie.both_ways:
                for name, limits in tie.limits(named, counts_of).items():
                    back[name] |= named[name].exact & ~shown(name, limits).exact
        changed = {name for name in back if not np.array_equal(was[name], back[name])}
        if not changed:
            return named


def _is_named(place: Place) -> bool:
    """Return whether the rows of a place can be told from those of the level above."""
    return not place or (place[0] is not None if len(place) == 1 else place[1] is not None)


def _sortable(place: Place) -> tuple[str, ...]:
    return tuple("" if name is None else f"{name}." for name in place)
