"""``booking_profile`` and ``change_profile``: bands of one measure, small bands merged (R17).

Belongs here: the cells of four levels and of closed months, and their rows.
Does not belong here: counting (``sql/after/*_counts.sql``), which counts may be shown
(``suppression.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from transforms.contract import (
    CHANGE_WORDS,
    DURATION_BANDS,
    FEW,
    LEAD_TIME_BANDS,
    MEASURES,
    TABLES,
)
from warehouse.engine import Engine
from warehouse.suppression import (
    Cells,
    Counts,
    Flags,
    published,
    shown_counts,
    visible_cells,
)

PROFILE: Final = "booking_profile"
MEMORY: Final = "booking_profile_shown"
REMEMBERED: Final = timedelta(days=30)
LEVELS: Final = ("region", "site", "building", "building_size")
_LONGEST: Final = 1e9  # an all-day booking may last as long as it likes
_SHORTEST_DAY: Final = 22 * 60

Place: TypeAlias = tuple[str | None, ...]
"""() is the region, then site, building and capacity band, each None where a room has none."""
_Key: TypeAlias = tuple[Place, str | None, str, str | None]
"""Place, month, measure and band."""


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
    remembered = _recent(memory, built_on)
    shown: dict[_Key, int] = {}
    hidden = 0
    for subject in (BOOKINGS, CHANGES):
        profile = profile_of(engine.table(subject.counts).to_pylist(), subject)
        rows, of_subject, left_out = profile_rows(profile, subject, k, list(remembered))
        shown |= of_subject
        hidden += left_out
        found = [{"region": region} | row for row in rows]
        engine.insert(subject.table, pa.Table.from_pylist(found, TABLES[subject.table].schema))
    kept = list(_memory_rows(region, built_on, shown, remembered))
    engine.insert(MEMORY, pa.Table.from_pylist(kept, TABLES[MEMORY].schema))
    engine.load("profile_hidden", pa.table({"hidden_counts": pa.array([hidden], pa.int64())}))


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
    for row in counts:
        place: Place = tuple(row[name] for name in subject.names)
        measure, month = row[subject.measure], month_no[row["month"]]
        band = band_no[measure][row[subject.band]]
        for depth in depths:
            for of in (0, month):
                at = (number[place[:depth]], of, band)
                for column, of_column in numbers.items():
                    of_column[measure][at] += row[column]
    counted = numbers.pop(subject.count)
    return Profile(places, parent, months, subject.measures, counted, numbers)


def profile_rows(
    profile: Profile, subject: Subject, k: int, before: Sequence[tuple[_Key, int]] = ()
) -> tuple[list[dict[str, Any]], dict[_Key, int], int]:
    """Return the rows, what they show by name, and how many counts were merged or left out.

    ``before`` is what former versions showed.
    """
    rows: list[dict[str, Any]] = []
    shown: dict[_Key, int] = {}
    hidden = 0
    if len(profile.months) == 1:
        return rows, shown, hidden
    former = _former(profile, before)
    is_reducible = np.array([len(place) < LEVELS.index("building") for place in profile.places])
    totals, visible = np.empty(0, np.int64), np.empty(0, np.bool_)
    for measure, bands in profile.measures.items():
        counts = profile.counts[measure]
        values = {subject.count: counts} | {of: profile.sums[of][measure] for of in subject.sums}
        if not np.array_equal(totals, counts.sum(axis=-1)):
            totals = counts.sum(axis=-1)
            visible = visible_cells(totals, profile.parent, k)
        is_length = measure == "duration"
        cells = Cells(
            counts,
            profile.parent,
            is_reducible,
            values["booked_minutes"] if is_length else None,
            _lengths() if is_length else (),
        )
        of_bands = shown_counts(cells, visible, k, former[measure])
        named = of_bands.exact | of_bands.reduced
        given = {of: published(cells, each, of_bands) for of, each in values.items()}
        hidden += int(((counts > 0) & ~named).sum())
        for at, of in zip(*(each.tolist() for each in np.nonzero(visible)), strict=True):
            place, month = profile.places[at], profile.months[of]
            if not _is_named(place):
                continue
            cell = {
                "level": LEVELS[len(place)],
                **dict(zip(subject.names, (*place, None, None, None))),  # noqa: B905 - a place has as many as its level
                "month": month,
                subject.measure: measure,
            }
            if subject.total:
                cell[subject.total] = int(totals[at, of])
            for band in np.flatnonzero(of_bands.exact[at, of]).tolist():
                shown[place, month, measure, bands[band]] = int(counts[at, of, band])
            of_cell = {name: each[at, of] for name, each in given.items()}
            wholes = {name: int(each[at, of].sum()) for name, each in values.items()}
            found = _rows_of_cell(subject, bands, named[at, of], of_cell, wholes)
            rows += [cell | row for row in found]
    return rows, shown, hidden


def _rows_of_cell(
    subject: Subject,
    bands: Sequence[str | None],
    named: Flags,
    given: Mapping[str, Counts],
    wholes: Mapping[str, int],
) -> Iterator[dict[str, Any]]:
    """Yield the named bands of a cell, and what they leave of its wholes as few."""
    for band in np.flatnonzero(named).tolist():
        yield {subject.band: bands[band]} | {name: int(each[band]) for name, each in given.items()}
    few = {name: wholes[name] - int(each[named].sum()) for name, each in given.items()}
    if few[subject.count]:
        yield {subject.band: FEW} | few


def _is_named(place: Place) -> bool:
    """Return whether the rows of a place can be told from those of the level above."""
    return not place or (place[0] is not None if len(place) == 1 else place[1] is not None)


def _sortable(place: Place) -> tuple[str, ...]:
    return tuple("" if name is None else f"{name}." for name in place)


def _lengths() -> list[tuple[float, float]]:
    """Return the least and most minutes of a booking in each band of durations."""
    limits = [1.0, *(band.at_most + 1.0 for band in DURATION_BANDS if band.at_most)]
    tops = [band.at_most or _LONGEST for band in DURATION_BANDS]
    return [*zip(limits, tops, strict=True), (_SHORTEST_DAY, _LONGEST)]


def _former(
    profile: Profile, before: Sequence[tuple[_Key, int]]
) -> Mapping[str, list[tuple[Counts, Flags]]]:
    """Return, for each measure, what former versions showed; each value of a count in one pair."""
    place_no = {place: at for at, place in enumerate(profile.places)}
    month_no = {month: at for at, month in enumerate(profile.months)}
    pairs: dict[str, list[tuple[Counts, Flags]]] = {measure: [] for measure in profile.measures}
    for (place, month, measure, band), bookings in before:
        bands = list(profile.measures.get(measure, ()))
        if place not in place_no or month not in month_no or band not in bands:
            continue
        at = (place_no[place], month_no[month], bands.index(band))
        free = next((pair for pair in pairs[measure] if not pair[1][at]), None)
        if free is None:
            shape = profile.counts[measure].shape
            free = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
            pairs[measure].append(free)
        free[0][at], free[1][at] = bookings, True
    return pairs


def _recent(memory: pa.Table | None, built_on: date) -> dict[tuple[_Key, int], date]:
    """Return what versions of the last thirty nights showed, and the last day on which they did."""
    rows = [] if memory is None else memory.to_pylist()
    return {
        (_key_of(row), row["bookings"]): row["last_shown_on"]
        for row in rows
        if built_on - row["last_shown_on"] <= REMEMBERED
    }


def _key_of(row: Mapping[str, Any]) -> _Key:
    depth = LEVELS.index(row["level"])
    place = (row["site"], row["building"], row["capacity_band"])[:depth]
    return place, row["month"], row["measure"], row["band"]


def _memory_rows(
    region: str,
    built_on: date,
    shown: Mapping[_Key, int],
    remembered: Mapping[tuple[_Key, int], date],
) -> Iterator[dict[str, Any]]:
    merged = dict(remembered) | dict.fromkeys(shown.items(), built_on)
    for ((place, month, measure, band), bookings), last_shown_on in merged.items():
        yield {
            "region": region,
            "level": LEVELS[len(place)],
            **dict(zip(("site", "building", "capacity_band"), (*place, None, None, None))),  # noqa: B905 - as above
            "month": month,
            "measure": measure,
            "band": band,
            "bookings": bookings,
            "last_shown_on": last_shown_on,
        }
