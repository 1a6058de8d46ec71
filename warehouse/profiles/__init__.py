"""``booking_profile`` and ``change_profile``: bands of one measure, small bands merged (R17).

Belongs here: the cells of four levels and of closed months, and their rows.
Does not belong here: how counts are made (``sql/after/*_counts.sql``), which counts may be shown
(``suppression.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from transforms.contract import CHANGE_WORDS, FEW, LEAD_TIME_BANDS, MEASURES
from transforms.contract.database import TABLES
from warehouse.build import give_back
from warehouse.engine import Engine
from warehouse.profiles.bounds import empty_counts, ties, totals_of
from warehouse.profiles.cells import Cells, Counts, Flags, Floats, Shown, published
from warehouse.profiles.memory import CLOSED, LEVELS, Before, Place
from warehouse.profiles.remembered import (
    LABEL,
    MEMORY,
    REMEMBERED,
    SHOWN,
    LastVersion,
    Memory,
    labelled,
    numbered,
    numbered_rows,
)
from warehouse.profiles.suppression import shown_counts

PROFILE: Final = "booking_profile"
_NAMES: Final = ("site", "building", "capacity_band")
PROFILE_COUNTS: Final = "profile_counts"
TOLD_COUNTS: Final = "told_counts"
_COUNTED_TOGETHER: Final = 10_000
"""Places times months whose bookings are counted at once: all of their groups are in memory."""
_ROWS_AT_A_TIME: Final = 122_880
_CELL: Final = ("level", "site", "building", "month")
_TELLS_MINUTES: Final = 200
"""A region, site or building shows minutes from so many bookings: few would tell their lengths."""


@dataclass(frozen=True)
class Profile:
    """The true counts of each measure by place, month and band, with their sums of minutes."""

    places: Sequence[Place]
    parent: Counts
    months: Sequence[str | None]
    measures: Mapping[str, Sequence[str | None]]
    counts: Mapping[str, Counts]
    sums: Mapping[str, Mapping[str, Counts]]
    told: Counts
    """How many bookings of a place and month the published minutes of its rooms tell apart."""


@dataclass(frozen=True)
class Subject:
    """A table made from counts: its work table, its column names, its measures."""

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
    PROFILE_COUNTS,
    _NAMES,
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


def count_bookings(engine: Engine) -> None:
    """Make the work table ``profile_counts``, some months at a time."""
    places = len(engine.rows("SELECT DISTINCT site, building, capacity_band FROM directory"))
    found = engine.rows("SELECT DISTINCT date_trunc('month', local_date) FROM dates ORDER BY 1")
    months = [month for (month,) in found]
    size = max(1, _COUNTED_TOGETHER // max(1, places))
    for at in range(0, max(1, len(months)), size):
        counted = pa.array(months[at : at + size], pa.date32())
        engine.load("counted_months", pa.table({"month": counted}))
        engine.run(f"after/{PROFILE_COUNTS}", append=True)


def load_profile(engine: Engine, k: int, built_on: date, last: LastVersion | None) -> None:
    """Fill ``booking_profile``, ``change_profile`` and the memory of what they show from counts.

    ``last`` is the previous version, None if nothing is known of one.
    """
    ((region,),) = engine.rows("SELECT region FROM settings")
    # What is remembered comes after the counts by themselves, or memory would hold both.
    booked, changed, told = (
        labelled(engine.reader(name, _ROWS_AT_A_TIME))
        for name in (BOOKINGS.counts, CHANGES.counts, TOLD_COUNTS)
    )
    profiles = [profile_of(booked, BOOKINGS, told), profile_of(changed, CHANGES)]
    del booked, changed, told
    give_back()
    remembered = Memory(last.shown_since(built_on - REMEMBERED)) if last else Memory()
    shown: list[pa.Table] = []
    merged = 0
    kept_bookings: dict[tuple[Any, ...], int] = {}
    for subject, profile in zip((BOOKINGS, CHANGES), profiles, strict=True):
        rows, of_subject, of_few = profile_rows(profile, subject, k, remembered)
        shown.append(of_subject)
        merged += of_few
        if subject is BOOKINGS:
            kept_bookings = _whole_cells(engine, rows)
        else:
            cells = zip(*(rows[name].to_pylist() for name in _CELL), strict=True)
            kept = pa.array([kept_bookings.get(cell) for cell in cells], pa.int64())
            rows = rows.append_column("bookings_kept", kept)
        engine.insert(subject.table, _of_region(region, rows, subject.table))
    remembered_rows = remembered.with_shown(pa.concat_tables(shown), built_on).rows
    engine.insert(MEMORY, _of_region(region, remembered_rows, MEMORY))
    engine.load("profile_merged", pa.table({"rows_of_few": pa.array([merged], pa.int64())}))


def _of_region(region: str, rows: pa.Table, table: str) -> pa.Table:
    schema = TABLES[table].schema
    rows = rows.append_column("region", _repeated(region, len(rows))).select(schema.names)
    labels = [LABEL if field.type == pa.string() else field.type for field in schema]
    return rows.cast(pa.schema(zip(schema.names, labels, strict=True)))


def _whole_cells(engine: Engine, rows: pa.Table) -> dict[tuple[Any, ...], int]:
    """Return the bookings of each shown cell whose changes are known from its beginning.

    Cancellations before the first reading are unknown, so a month that began before it, and all
    months together if one of them did, would show too low a rate.
    """
    ((first,),) = engine.rows("SELECT min(seen_after) FROM lake_changes")
    if first is None:  # no change is known
        return {}
    months = {month for month in rows["month"].unique().to_pylist() if month is not None}
    whole = {month for month in months if date.fromisoformat(f"{month}-01") > first.date()}
    whole |= {None} if whole == months else set()
    cells = rows.group_by([*_CELL, "cell_bookings"]).aggregate([]).to_pylist()
    return {
        tuple(cell[name] for name in _CELL): cell["cell_bookings"]
        for cell in cells
        if cell["month"] in whole
    }


def profile_of(counts: pa.Table, subject: Subject, told: pa.Table | None = None) -> Profile:
    """Return the counts of every level, summed from the finest one.

    ``told`` has the columns of ``told_counts.sql``.
    """
    depths = range(len(subject.names) + 1)
    # Place, month and band of each row as numbers: 80,000 rooms have 1.4 million rows.
    own, finest = numbered_rows(counts, subject.names)
    found = {place[:depth] for place in finest for depth in depths} | {()}
    places = sorted(found, key=lambda place: (len(place), _sortable(place)))
    number = {place: at for at, place in enumerate(places)}
    parent = np.array([number[place[:-1]] if place else -1 for place in places], np.int64)
    month_no, month_names = numbered(counts["month"])
    months: list[str | None] = [None, *sorted(month_names)]
    month_of = np.array([months.index(month) for month in month_names], np.int64)[month_no]
    above = np.array([[number[place[:depth]] for depth in depths] for place in finest], np.int64)
    measure_no, measures = numbered(counts[subject.measure])
    band_no, band_names = numbered(counts[subject.band])
    numbers = {
        column: {
            name: np.zeros((len(places), len(months), len(bands)), np.int64)
            for name, bands in subject.measures.items()
        }
        for column in (subject.count, *subject.sums)
    }
    for at, measure in enumerate(measures):
        bands = subject.measures[measure]
        rows = np.flatnonzero(measure_no == at)
        known = [bands.index(band) if band in bands else -1 for band in band_names]
        band, month = np.array(known, np.int64)[band_no[rows]], month_of[rows]
        for column, of_column in numbers.items():
            values = counts[column].to_numpy()[rows]
            for depth in depths:
                place = above[own[rows], depth]
                for of in (np.zeros_like(month), month):
                    np.add.at(of_column[measure], (place, of, band), values)
    counted = numbers.pop(subject.count)
    least = np.zeros((len(places), len(months)), np.int64)
    if told is not None and len(told):
        own, cells = numbered_rows(told, (*subject.names, "month"))
        known = [
            at for at, (*place, of) in enumerate(cells) if of in months and (*place,) in number
        ]
        rows = np.flatnonzero(np.isin(own, known))
        month = np.array([months.index(of) if of in months else 0 for *_, of in cells])[own[rows]]
        for depth in depths:
            place = np.array([number.get(each[:depth], 0) for each in cells])[own[rows]]
            for of in (np.zeros_like(month), month):
                np.add.at(least, (place, of), told["told"].to_numpy()[rows])
        # Bookings without any length are told, but not counted.
        least = np.minimum(least, next(iter(counted.values())).sum(axis=-1))
    return Profile(places, parent, months, subject.measures, counted, numbers, least)


def profile_rows(
    profile: Profile, subject: Subject, k: int, memory: Memory | None = None
) -> tuple[pa.Table, pa.Table, int]:
    """Return the rows, what they show, and how many of them are ``few``.

    The rows lack the region; what they show has the schema ``SHOWN``.
    """
    names = ("level", *subject.names, "month", subject.measure, subject.band)
    counts_of = (subject.count, *subject.sums, *([subject.total] if subject.total else []))
    fields = [(name, LABEL) for name in names] + [(name, pa.int64()) for name in counts_of]
    rows, shown, merged = [pa.schema(fields).empty_table()], [SHOWN.empty_table()], 0
    measures = list(profile.measures) if len(profile.months) > 1 else []
    # Either all measures count the same bookings, or each counts its own.
    for group in [measures] if subject.total and measures else [[each] for each in measures]:
        # Remember that a month was closed even if none of its cells may be shown.
        closed = [
            {"level": LEVELS[0], "month": month, "measure": CLOSED, "band": group[0], "bookings": 0}
            for month in profile.months[1:]
        ]
        shown.append(pa.Table.from_pylist(closed, SHOWN))
        counts = {measure: profile.counts[measure] for measure in group}
        known, parent, told = memory or Memory(), profile.parent, profile.told
        before = Before(
            known, profile.places, profile.months, counts, profile.measures, k, parent, told
        )
        visible = before.visible(parent)
        named = _named(profile, counts, visible, k, before)
        for measure in group:
            found, told, of_few = _rows_of(profile, subject, measure, visible, named[measure], k)
            rows.append(found.select(rows[0].schema.names))
            shown.append(told.select(SHOWN.names))
            merged += of_few
    return pa.concat_tables(rows), pa.concat_tables(shown), merged


def _rows_of(  # noqa: PLR0913, PLR0917 - what a measure is, and what may be shown of it
    profile: Profile, subject: Subject, measure: str, visible: Flags, of_bands: Shown, k: int
) -> tuple[pa.Table, pa.Table, int]:
    bands, counts = profile.measures[measure], profile.counts[measure]
    totals = counts.sum(axis=-1)
    values = {subject.count: counts} | {of: profile.sums[of][measure] for of in subject.sums}
    named = of_bands.exact | of_bands.reduced
    # A place without a name has no rows: they could not be told from those of the level above.
    is_named = [not place or place[min(len(place), 2) - 1] is not None for place in profile.places]
    visible = visible & np.array(is_named)[:, None]
    if k > 1 and not counts[:, :, [band is not None for band in bands]].any():
        visible = np.zeros_like(visible)  # all are alike: a total tells any group's
    cells = Cells(counts, profile.parent, is_reducible=_reducible(profile))
    given = {of: published(cells, each, of_bands) for of, each in values.items()}
    few = {of: values[of].sum(axis=-1) - each.sum(axis=-1) for of, each in given.items()}
    at = np.nonzero(np.dstack((named, few[subject.count] != 0)) & visible[:, :, None])
    # Not the counts that few hides: their number would tell which of them are 0.
    merged = int((at[2] == len(bands)).sum())
    rows = _labels(profile, subject.names, bands, at)
    rows = rows.append_column(subject.measure, _repeated(measure, len(rows)))
    rows = rows.rename_columns({"band": subject.band})
    if subject.total:
        rows = rows.append_column(subject.total, pa.array(totals[at[:2]]))
    is_large = np.array([len(place) < len(LEVELS) - 1 for place in profile.places])
    tells = is_large[:, None] & (totals >= _TELLS_MINUTES) & (measure != "duration")
    is_silent = None if k == 1 or not subject.total else ~tells[at[:2]]
    for of, each in given.items():
        mask = is_silent if of in subject.sums else None
        rows = rows.append_column(of, pa.array(np.dstack((each, few[of]))[at], mask=mask))
    exact = np.where(of_bands.exact, counts, 0)
    known = np.dstack((exact, totals - exact.sum(axis=-1))) * visible[:, :, None]
    at = np.nonzero(known)
    told = _labels(profile, _NAMES, bands, at)
    told = told.append_column("measure", _repeated(measure, len(told)))
    return rows, told.append_column("bookings", pa.array(known[at])), merged


def _labels(
    profile: Profile,
    names: Sequence[str],
    bands: Sequence[str | None],
    at: tuple[Counts, ...],
) -> pa.Table:
    """Return level, names, month and band of the counts at (place, month, band)."""
    place, month, band = at
    levels = [LEVELS[len(each)] for each in profile.places]
    columns: list[tuple[Sequence[str | None], Counts]]
    columns = [(levels, place), (profile.months, month), ((*bands, FEW), band)]
    for depth, _ in enumerate(names):
        of = [each[depth] if len(each) > depth else None for each in profile.places]
        columns.append((of, place))
    labels = [
        pa.DictionaryArray.from_arrays(number.astype(np.int32), pa.array(values, pa.string()))
        for values, number in columns
    ]
    return pa.table(labels, ["level", "month", "band", *names])


def _repeated(value: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), [value])


def _reducible(profile: Profile) -> Flags:
    """Return which places are above buildings."""
    return np.array([len(place) < LEVELS.index("building") for place in profile.places])


def _named(
    profile: Profile, counts_of: Mapping[str, Counts], visible: Flags, k: int, before: Before
) -> dict[str, Shown]:
    """Return which counts of each measure are shown; of two tied ones, both or none."""
    tied_bands = ties({name: profile.measures[name] for name in counts_of})
    tied = {
        name: [tie.band for tie in tied_bands if tie.wide == name]
        + [tie.other for tie in tied_bands if tie.narrow == name]
        for name in counts_of
    }
    back = {name: before.kept_back(name) for name in counts_of}

    is_empty = empty_counts(tied_bands, counts_of)
    totals = totals_of(next(iter(counts_of.values())), profile.parent, visible, profile.told)

    def shown(name: str, limits: tuple[Floats, Floats] | None = None) -> Shown:
        counts, is_above = counts_of[name], _reducible(profile)
        cells = Cells(counts, profile.parent, tied[name], is_above, is_empty[name], totals)
        return shown_counts(cells, visible, k, before.of(name), back[name], limits)

    named: dict[str, Shown] = {}
    was: dict[str, Flags] = {}
    changed = set(counts_of)
    while True:
        named |= {name: shown(name) for name in changed}
        was |= {name: back[name].copy() for name in changed}
        for name, each in named.items():
            back[name][:, 0] |= before.told_by_new_months(name, each.exact)
        for tie in tied_bands:
            is_fixed = before.is_fixed(tie.wide) & before.is_fixed(tie.narrow)
            apart = tie.apart(named, counts_of, is_fixed)
            back[tie.narrow][:, :, tie.other] |= apart
            if tie.both_ways:
                back[tie.wide][:, :, tie.band] |= apart
                back[tie.narrow] |= tie.told_apart(named, counts_of, k)
        changed = {name for name in back if not np.array_equal(was[name], back[name])}
        for tie in tied_bands:
            if not changed and not tie.both_ways:
                of_tie = tie.limits(named, counts_of, profile.parent, visible, totals)
                for name, limits in of_tie.items():
                    back[name] |= named[name].exact & ~shown(name, limits).exact
        changed = {name for name in back if not np.array_equal(was[name], back[name])}
        if not changed:
            return named


def _sortable(place: Place) -> tuple[str, ...]:
    return tuple("" if name is None else f"{name}." for name in place)
