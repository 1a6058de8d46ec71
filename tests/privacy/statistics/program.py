"""Unknown counts, and every published equation about them.

Belongs here: the unknowns (bookings of a group, some days and a band) and equations over them.
Does not belong here: solving (``attacker.py``), reading files (``knowledge.py``).

The days of a month are split wherever nights differ: when retention removes part of a month, some
days are counted by all nights, others only by earlier ones. If a day was read again and its total
changed between two nights, each reading has its own unknowns.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Final, TypeAlias

from tests.privacy.statistics.knowledge import (
    FEW,
    LEADS,
    LENGTHS,
    LEVELS,
    Band,
    Cell,
    Leaf,
    Night,
    Own,
    Shown,
    Use,
    counted_days,
    month_of,
    place_of,
    universe,
)

Key: TypeAlias = tuple[str, tuple[str | None, ...], str | None]
"""Level, place and month: what a cell counts."""
Days: TypeAlias = tuple[Leaf, str, tuple[int, ...]]
"""Group, month, and the reading of these days that each night counted (-1 if none)."""
Unknowns: TypeAlias = frozenset[int]

_MOST: Final = 100_000
"""More bookings than any group has in the days of an unknown: a hidden cell may be the largest."""
NO_USE: Final = Use(0, 0, 0)
TIES: Final[Sequence[tuple[str, str, tuple[Band, ...]]]] = (
    ("lead_time", "kind", ("occurrence", "exception")),
    ("external", "headcount", (None,)),
)
"""Bookings in these bands of the second measure have no band (None) in the first."""


class ContradictionError(ValueError):
    """The published numbers do not add up, or an assumption of the attacker is wrong."""


@dataclass
class Program:
    """The unknowns of measures that are tied to each other, and what is known about them.

    ``equal``, ``at_least`` and ``minutes`` have known values of sums; ``long`` has the least total
    length of bookings, if each is as long as its band allows. In a tie the first sum is at least
    the second, or equals it.
    """

    names: list[tuple[str, Band, Leaf, str]] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    equal: dict[Unknowns, int] = field(default_factory=dict)
    minutes: dict[Unknowns, int] = field(default_factory=dict)
    lengths: dict[int, tuple[int, int]] = field(default_factory=dict)
    ties: list[tuple[Unknowns, Unknowns, bool]] = field(default_factory=list)
    at_least: dict[Unknowns, int] = field(default_factory=dict)
    long: dict[Unknowns, int] = field(default_factory=dict)
    targets: dict[Unknowns, str] = field(default_factory=dict)

    def know(self, rows: dict[Unknowns, int], unknowns: Unknowns, value: int) -> None:
        if rows.setdefault(unknowns, value) != value or (not unknowns and value):
            raise ContradictionError(f"{self.describe(unknowns)}: {rows[unknowns]} and {value}")

    def describe(self, unknowns: Iterable[int]) -> str:
        parts = list(zip(*(self.names[each] for each in unknowns), strict=True))
        return " | ".join(", ".join(sorted({str(each) for each in part})) for part in parts)


class Builder:
    """Builds the program of everything that some nights publish about some measures."""

    def __init__(
        self,
        nights: Sequence[Night],
        measures: Sequence[str],
        own: Sequence[Own] = (),
        trailing_days: int = 14,
        *,
        is_all_known: bool = False,
    ) -> None:
        self._nights = nights
        self._bands = {
            each: universe(each, [row for night in nights for row in night.shown])
            for each in measures
        }
        self.program = Program()
        self._readings_of: dict[tuple[Leaf, date], Days] = {}
        self._unknown: dict[tuple[str, Band, Days, int], int] = {}
        self._cells: list[dict[Key, list[tuple[Days, int]]]] = [{} for _ in nights]
        self._told: list[dict[tuple[str, Key], list[Shown]]] = [defaultdict(list) for _ in nights]
        for told, night in zip(self._told, nights, strict=True):
            for row in night.shown:
                told[row.measure, _key(row.cell)].append(row)
        self._add_unknowns([counted_days(each, trailing_days) for each in nights], own)
        self._tie(is_all_known=is_all_known)
        for number in range(len(nights)):
            self._add_night(number)
            self._add_plans(number)
        self._add_bookings_ahead()

    def _add_unknowns(self, counted: Sequence[frozenset[date]], own: Sequence[Own]) -> None:
        uses: dict[tuple[Days, int], list[Use]] = defaultdict(list)
        keys = {key for night in self._nights for key in night.use}
        for leaf, day in sorted(keys, key=str):
            readings, told = self._readings((leaf, day), counted)
            days = self._readings_of[leaf, day] = (leaf, month_of(day), readings)
            for reading, use in enumerate(told):
                uses[days, reading].append(use)
        for (days, reading), told in uses.items():
            self._add_days(days, reading, told)
        for each in own:
            for measure in self._bands:
                found = self._readings_of.get((each.leaf, each.day))
                for reading in set(found[2]) - {-1} if found else ():
                    key = (measure, each.bands[measure], found, reading) if found else None
                    self.program.own[self._unknown[key]] += 1  # type: ignore[index]

    def _readings(
        self, key: tuple[Leaf, date], counted: Sequence[frozenset[date]]
    ) -> tuple[tuple[int, ...], list[Use]]:
        """Return which reading of a day each night counts (-1 if none), and what each told.

        If a night tells something else than the one before, the day was read again: a new reading.
        """
        told: list[Use] = []
        readings = []
        for night, days in zip(self._nights, counted, strict=True):
            if key[1] not in days:
                readings.append(-1)
                continue
            use = night.use.get(key, NO_USE)
            if not told or told[-1] != use:
                told.append(use)
            readings.append(len(told) - 1)
        return tuple(readings), told

    def _add_days(self, days: Days, reading: int, uses: Sequence[Use]) -> None:
        program = self.program
        leaf, month, readings = days
        total = None if any(use.bookings is None for use in uses) else _sum(uses)
        if total == 0:
            return
        for measure, bands in self._bands.items():
            added = []
            for band in bands:
                added.append(len(program.names))
                self._unknown[measure, band, days, reading] = added[-1]
                program.names.append((measure, band, leaf, month))
                program.most.append(_MOST if total is None else total)
                program.own.append(0)
                self._add_target(frozenset(added[-1:]), "days")
                if measure == "duration" and band in LENGTHS:
                    program.lengths[added[-1]] = LENGTHS[band]
            if total is not None:
                program.know(program.equal, frozenset(added), total)
            elif at_least := sum(use.at_least for use in uses):
                program.know(program.at_least, frozenset(added), at_least)
        keys = [(level, place_of(leaf, level), of) for level in LEVELS for of in (month, None)]
        for number, each in enumerate(readings):
            for key in keys if each == reading else ():
                self._cells[number].setdefault(key, []).append((days, reading))

    def _tie(self, *, is_all_known: bool) -> None:
        """Tie measures: a series has no lead time; without a headcount, external is unknown.

        If all else is known, bookings of series and bookings without lead time are equal: Exchange
        nearly always gives the time of creation. There is no such rule for external: it may be
        unknown for people who are counted.
        """
        for wide, narrow, bands in TIES:
            if wide not in self._bands or narrow not in self._bands:
                continue
            for (measure, band, days, reading), unknown in self._unknown.items():
                if measure == wide and band is None:
                    at = (days, reading)
                    none = frozenset(self._unknown[narrow, each, *at] for each in bands)
                    is_equal = is_all_known and wide == "lead_time"
                    self.program.ties.append((frozenset({unknown}), none, is_equal))
                    both = [
                        frozenset(self._unknown[name, each, *at] for each in self._bands[name])
                        for name in (wide, narrow)
                    ]
                    self.program.ties.append((both[0], both[1], True))

    def _add_plans(self, number: int) -> None:
        """Add the what-if's data, if the nights count its days as this night read them."""
        for leaf, plan in self._nights[number].plans.items():
            days = {self._as_counted(number, leaf, day) for day in plan.days}
            if None in days:
                continue  # days of months that no night counts
            for measure, bands in self._bands.items():
                keys = [(measure, band, *each) for band in bands for each in days if each]
                unknowns = frozenset(self._unknown[key] for key in keys if key in self._unknown)
                self._know_at_least(self.program.at_least, unknowns, plan.stretches)
                if measure == "duration":
                    self._know_at_least(self.program.long, unknowns, plan.minutes)

    def _as_counted(self, number: int, leaf: Leaf, day: date) -> tuple[Days, int] | None:
        """Return the days and the reading that have this day as this night knows it.

        Any night may have counted it. None if no night did, or each knows something else of it.
        """
        days = self._readings_of.get((leaf, day))
        if days is None:
            return None
        use = self._nights[number].use.get((leaf, day), NO_USE)
        for night, reading in zip(self._nights, days[2], strict=True):
            if reading >= 0 and night.use.get((leaf, day), NO_USE) == use:
                return days, reading
        return None

    def _add_bookings_ahead(self) -> None:
        """If a building's day has more booked minutes than the night before, somebody booked it.

        A bold attacker assumes that no booking was cancelled, moved or extended.
        """
        bands = [band for band in self._bands.get("lead_time", ()) if band is not None]
        made: Counter[tuple[str | None, str, frozenset[Band]]] = Counter()
        for before, after in pairwise(self._nights) if bands else ():
            for (building, day), minutes in after.booked.items():
                if minutes <= before.booked.get((building, day), minutes):
                    continue
                least, most = (day - after.built_on).days - 1, (day - before.built_on).days + 1
                some = (b for b in bands if LEADS[b][0] <= most and LEADS[b][1] >= least)
                made[building, month_of(day), frozenset(some)] += 1
        for (building, month, within), count in made.items():
            for number, cells in enumerate(self._cells):
                keys = [k for k in cells if k[0] == LEVELS[2] and k[1][1] == building]
                unknowns: Unknowns = frozenset().union(
                    *(
                        self._unknowns(number, key, "lead_time", [*within, None])
                        for key in keys
                        if key[2] == month
                    )
                )
                if unknowns:
                    self._know_at_least(self.program.at_least, unknowns, count)

    def _know_at_least(self, rows: dict[Unknowns, int], unknowns: Unknowns, value: int) -> None:
        if unknowns and value:
            rows[unknowns] = max(rows.get(unknowns, 0), value)

    def _unknowns(self, number: int, key: Key, measure: str, bands: Iterable[Band]) -> Unknowns:
        days = self._cells[number].get(key, ())
        return frozenset(self._unknown[measure, band, *each] for band in bands for each in days)

    def _add_night(self, number: int) -> None:
        minutes = {
            key: sum(each.minutes or 0 for each in told)
            for (_, key), told in self._told[number].items()
            if all(each.minutes is not None for each in told)
        }
        for measure in self._bands:
            for key in self._cells[number]:
                if told := self._told[number].get((measure, key)):
                    self._add_cell(number, measure, key, told, minutes.get(key))
        self._add_targets(number)

    def _reduced(self, number: int, measure: str, key: Key, told: Iterable[Shown]) -> list[Band]:
        """Return bands above buildings whose count is just the sum of the parts' shown counts."""
        level, _, month = key
        named = {each.band: each for each in told}
        # What reduced counts lack is in few.
        if level not in LEVELS[:2] or named.pop(FEW, None) is None:
            return []
        below = [
            part
            for part in self._cells[number]
            if part[0] == LEVELS[LEVELS.index(level) + 1] and part[2] == month
            if key in _above(part)
        ]
        parts_told = [self._told[number].get((measure, part), []) for part in below]
        found = []
        for band, each in named.items():
            parts = [row.bookings for rows in parts_told for row in rows if row.band == band]
            if len(parts) < len(below) and sum(parts) == each.bookings:
                found.append(band)
        return found

    def _hidden(self, number: int, measure: str, key: Key) -> frozenset[Band]:
        told = self._told[number].get((measure, key), ())
        named = {each.band for each in told} - set(self._reduced(number, measure, key, told))
        return frozenset(self._bands[measure]) - named

    def _add_cell(
        self, number: int, measure: str, key: Key, told: list[Shown], minutes: int | None
    ) -> None:
        program, bands = self.program, self._bands[measure]
        everything = self._unknowns(number, key, measure, bands)
        program.know(program.equal, everything, told[0].cell_bookings)
        named = {each.band: each for each in told if each.band != FEW}
        for band in self._reduced(number, measure, key, told):
            # Only the sum of its parts, which are known: the rest of the band is in few.
            unknowns = self._unknowns(number, key, measure, [band])
            program.know(program.at_least, unknowns, named.pop(band).bookings)
        others = self._unknowns(number, key, measure, [b for b in bands if b not in named])
        for band, each in named.items():
            unknowns = self._unknowns(number, key, measure, [band])
            program.know(program.equal, unknowns, each.bookings)
            if measure == "duration" and each.minutes is not None:
                program.know(program.minutes, unknowns, each.minutes)
        left = told[0].cell_bookings - sum(each.bookings for each in named.values())
        program.know(program.equal, others, left)
        if measure != "duration":
            return
        if any(each.minutes is None for each in named.values()):
            if minutes is not None:
                program.know(program.minutes, everything, minutes)
            return
        # If few has no minutes, another measure of the same cell gives the total.
        few = [each.minutes for each in told if each.band == FEW]
        if None not in few:
            program.know(program.minutes, others, sum(each or 0 for each in few))
        elif minutes is not None:
            known = sum(each.minutes or 0 for each in named.values())
            program.know(program.minutes, others, minutes - known)

    def _add_targets(self, number: int) -> None:
        """Add every hidden count of a cell, and the rest of its counts without the cells below."""
        below: dict[tuple[Key, bool], list[Key]] = defaultdict(list)
        for key in self._cells[number]:
            for above in _above(key):
                below[above, above[0] == key[0]].append(key)
            self._add_hidden(number, key)
        for (above, _), cells in below.items():
            for measure in self._bands:
                for told in self._told_bands(number, measure, above):
                    self._add_target(self._left(number, measure, above, told, cells), "left")

    def _add_hidden(self, number: int, key: Key) -> None:
        for measure in self._bands:
            bands = self._hidden(number, measure, key)
            for band in bands:
                self._add_target(self._unknowns(number, key, measure, [band]), "hidden")
            if measure == "duration":
                long = [band for band in self._bands[measure] if band in bands]
                for first in range(len(long) - 1):
                    self._add_target(self._unknowns(number, key, measure, long[first:]), "longer")
            for above in _above(key):
                shared = bands & self._hidden(number, measure, above)
                if (measure, above) in self._told[number] and shared != bands:
                    self._add_target(self._unknowns(number, key, measure, shared), "few")
        for wide, narrow, _ in TIES:
            if wide in self._bands and (narrow, key) in self._told[number]:
                bands = self._hidden(number, wide, key) - {None}
                self._add_target(self._unknowns(number, key, wide, bands), "named bands")

    def _add_target(self, unknowns: Unknowns, how: str) -> None:
        if unknowns:
            self.program.targets.setdefault(unknowns, how)

    def _left(
        self, number: int, measure: str, parent: Key, bands: frozenset[Band], below: Iterable[Key]
    ) -> Unknowns:
        """Return what is left of a cell's bands once the counts of cells below are subtracted."""
        left = self._unknowns(number, parent, measure, bands)
        for key in below:
            for told in self._told_bands(number, measure, key):
                if told <= bands:
                    left -= self._unknowns(number, key, measure, told)
        return left

    def _told_bands(self, number: int, measure: str, key: Key) -> Iterator[frozenset[Band]]:
        if (measure, key) in self._told[number]:
            hidden = self._hidden(number, measure, key)
            yield from (frozenset({band}) for band in self._bands[measure] if band not in hidden)
            yield hidden


def _sum(uses: Sequence[Use]) -> int:
    return sum(use.bookings or 0 for use in uses)


def _key(cell: Cell) -> Key:
    return (cell.level, cell.place, cell.month)


def _above(key: Key) -> Iterator[Key]:
    """Yield the cells just above: the one of the next level, and the one of all months."""
    level, place, month = key
    if place:
        yield (LEVELS[LEVELS.index(level) - 1], place[:-1], month)
    if month is not None:
        yield (level, place, None)
