"""``booking_profile``: how bookings spread over the bands of one measure, small bands merged (R17).

Belongs here: the cells of four levels and of closed months, and their rows.
Does not belong here: counting (``sql/after/profile_counts.sql``), which counts may be shown
(``suppression.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from transforms.contract import DURATION_BANDS, FEW, MEASURES, TABLES
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
    """The true counts: ``bookings`` and ``minutes`` of each measure by place, month and band."""

    places: Sequence[Place]
    parent: Counts
    months: Sequence[str | None]
    bookings: Mapping[str, Counts]
    minutes: Mapping[str, Counts]


def load_profile(engine: Engine, k: int, built_on: date, memory: pa.Table | None) -> None:
    """Fill ``booking_profile`` and what is remembered of it from the work table of counts.

    ``memory`` is ``booking_profile_shown`` of the build before, None if there was none.
    """
    region = str(engine.values("SELECT region FROM settings")[0])
    profile = profile_of(engine.table("profile_counts").to_pylist())
    remembered = _recent(memory, built_on)
    rows, shown, hidden = profile_rows(profile, k, [key for key, _ in remembered.items()])
    for name, content in (
        (PROFILE, ({"region": region} | row for row in rows)),
        (MEMORY, _memory_rows(region, built_on, shown, remembered)),
    ):
        engine.insert(name, pa.Table.from_pylist(list(content), TABLES[name].schema))
    engine.load("profile_hidden", pa.table({"hidden_counts": pa.array([hidden], pa.int64())}))


def profile_of(counts: Sequence[Mapping[str, Any]]) -> Profile:
    """Return the counts of every level from those of the finest one."""
    finest = sorted(
        {(row["site"], row["building"], row["capacity_band"]) for row in counts}, key=_sortable
    )
    found = {place[:depth] for place in finest for depth in range(len(LEVELS))} | {()}
    places = sorted(found, key=lambda place: (len(place), _sortable(place)))
    number = {place: at for at, place in enumerate(places)}
    parent = np.array([number[place[:-1]] if place else -1 for place in places], np.int64)
    months: list[str | None] = [None, *sorted({row["month"] for row in counts})]
    bookings, minutes = (
        {
            name: np.zeros((len(places), len(months), len(bands)), np.int64)
            for name, bands in MEASURES.items()
        }
        for _ in range(2)
    )
    band_no = {name: {band: at for at, band in enumerate(of)} for name, of in MEASURES.items()}
    month_no = {month: at for at, month in enumerate(months)}
    for row in counts:
        place: Place = (row["site"], row["building"], row["capacity_band"])
        band, month = band_no[row["measure"]][row["band"]], month_no[row["month"]]
        for depth in range(len(LEVELS)):
            for of in (0, month):
                at = (number[place[:depth]], of, band)
                bookings[row["measure"]][at] += row["bookings"]
                minutes[row["measure"]][at] += row["booked_minutes"]
    return Profile(places, parent, months, bookings, minutes)


def profile_rows(
    profile: Profile, k: int, before: Sequence[tuple[_Key, int]] = ()
) -> tuple[list[dict[str, Any]], dict[_Key, int], int]:
    """Return the rows, what they show by name, and how many counts were merged or left out.

    ``before`` is what former versions showed.
    """
    rows: list[dict[str, Any]] = []
    shown: dict[_Key, int] = {}
    hidden = 0
    if len(profile.months) == 1:
        return rows, shown, hidden
    totals = profile.bookings["duration"].sum(axis=-1)
    visible = visible_cells(totals, profile.parent, k)
    former = _former(profile, before)
    is_reducible = np.array([len(place) < LEVELS.index("building") for place in profile.places])
    for measure, bands in MEASURES.items():
        counts, minutes = profile.bookings[measure], profile.minutes[measure]
        is_length = measure == "duration"
        cells = Cells(
            counts,
            profile.parent,
            is_reducible,
            minutes if is_length else None,
            _lengths() if is_length else (),
        )
        of_bands = shown_counts(cells, visible, k, former[measure])
        named = of_bands.exact | of_bands.reduced
        given, given_minutes = (published(cells, each, of_bands) for each in (counts, minutes))
        hidden += int(((counts > 0) & ~named).sum())
        for at, of in zip(*(each.tolist() for each in np.nonzero(visible)), strict=True):
            place, month = profile.places[at], profile.months[of]
            if not _is_named(place):
                continue
            cell = {
                "level": LEVELS[len(place)],
                **dict(zip(("site", "building", "capacity_band"), (*place, None, None, None))),  # noqa: B905 - a place has as many as its level
                "month": month,
                "measure": measure,
                "cell_bookings": int(totals[at, of]),
            }
            for band, label in enumerate(bands):
                if named[at, of, band]:
                    if of_bands.exact[at, of, band]:
                        shown[place, month, measure, label] = int(counts[at, of, band])
                    numbers = given[at, of, band], given_minutes[at, of, band]
                    rows.append(cell | _numbers(label, *numbers))
            in_names = named[at, of]
            if few := int(totals[at, of] - given[at, of][in_names].sum()):
                few_minutes = minutes[at, of].sum() - given_minutes[at, of][in_names].sum()
                rows.append(cell | _numbers(FEW, few, few_minutes))
    return rows, shown, hidden


def _numbers(band: str | None, bookings: int, minutes: int) -> dict[str, Any]:
    return {"band": band, "bookings": int(bookings), "booked_minutes": int(minutes)}


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
    pairs: dict[str, list[tuple[Counts, Flags]]] = {measure: [] for measure in MEASURES}
    for (place, month, measure, band), bookings in before:
        if place not in place_no or month not in month_no or band not in MEASURES[measure]:
            continue
        at = (place_no[place], month_no[month], list(MEASURES[measure]).index(band))
        free = next((pair for pair in pairs[measure] if not pair[1][at]), None)
        if free is None:
            shape = profile.bookings[measure].shape
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
