"""The attack: the smallest and the largest value that each hidden count can have.

Belongs here: bounds from single equations, and integer programs (HiGHS) for the rest.
Does not belong here: which equations there are (``program.py``).

A solution in which a hidden count is 0, or at least k, proves that the count is safe; one solution
can do so for many counts. Only the other counts are minimized and maximized one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

from tests.privacy.statistics.knowledge import Night, Own
from tests.privacy.statistics.program import Builder, ContradictionError, Program, Unknowns

Floats: TypeAlias = npt.NDArray[np.float64]

TIED: Final = (("duration",), ("lead_time", "kind"), ("headcount", "external"))
"""Measures that say something about each other are solved together."""
_SEED: Final = 17
_MOST_SOLUTIONS: Final = 60
_VAIN_SOLUTIONS: Final = 6
_SECONDS: Final = 60.0
_ENOUGH: Final = 200
"""Stop after this many findings for a group of measures."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A count of other people's bookings that provably lies between 1 and k - 1."""

    what: str
    how: str
    low: int
    high: int
    unknowns: Unknowns = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attack:
    """How many counts were tried, and what was found."""

    tried: int
    found: tuple[Finding, ...]


def attack(
    nights: Sequence[Night], minimum_group: int, own: Sequence[Own] = (), trailing_days: int = 14
) -> Attack:
    """Attack every hidden count, and every remainder, in the statistics of some nights."""
    measures = {each.measure for night in nights for each in night.shown}
    known = {measure for tied in TIED for measure in tied}
    tried = 0
    found: list[Finding] = []
    for tied in [*TIED, *((each,) for each in sorted(measures - known))]:
        if told := [each for each in tied if each in measures]:
            seen = nights if known.intersection(told) else [_only(each, told) for each in nights]
            try:
                solver = Solver(
                    Builder(seen, told, own, trailing_days, is_all_known=True).program,
                    minimum_group,
                )
                found += list(islice(solver.findings(), _ENOUGH))
            except ContradictionError:
                solver = Solver(Builder(seen, told, own, trailing_days).program, minimum_group)
                found += list(islice(solver.findings(), _ENOUGH))
            tried += solver.tried
    return Attack(tried, tuple(found))


def _only(night: Night, measures: Sequence[str]) -> Night:
    """Return a night with only some measures: each kind of change has totals of its own."""
    return replace(night, shown=tuple(each for each in night.shown if each.measure in measures))


class Solver:
    """Finds bounds for the targets of one program."""

    def __init__(self, program: Program, minimum_group: int) -> None:
        self._program = program
        self._k = minimum_group
        self.tried = len(program.targets)
        self._count = len(program.names)
        self._equal = _matrix(list(program.equal), self._count)
        self._values = np.array(list(program.equal.values()), dtype=np.float64)
        self._low = np.array(program.own, dtype=np.float64)
        self._high = np.array(program.most, dtype=np.float64)
        self._random = np.random.default_rng(_SEED)
        self._narrow()

    def _narrow(self) -> None:
        """Bound each unknown by the rest of its equations, until no bound changes."""
        rows, columns = self._equal.nonzero()
        for _ in range(100):
            least = (self._values - self._equal @ self._high)[rows] + self._high[columns]
            most = (self._values - self._equal @ self._low)[rows] + self._low[columns]
            low, high = self._low.copy(), self._high.copy()
            np.maximum.at(low, columns, least)
            np.minimum.at(high, columns, most)
            if (low > high).any():
                raise ContradictionError(self._program.describe(np.nonzero(low > high)[0].tolist()))
            if (low == self._low).all() and (high == self._high).all():
                return
            self._low, self._high = low, high

    def findings(self) -> Iterator[Finding]:
        targets = list(self._program.targets)
        matrix = _matrix(targets, self._count)
        own = matrix @ np.array(self._program.own, dtype=np.float64)
        low, high = matrix @ self._low - own, matrix @ self._high - own
        # A sum of k bookings may be shown, even if the attacker's colleague made some of them.
        is_open = ~((high <= 0) | (low + own >= self._k))
        is_proven = is_open & (low >= 1) & (high < self._k)
        is_open &= ~is_proven & (low < high)
        for place in np.nonzero(is_proven)[0]:
            yield self._finding(targets[place], low[place], high[place])
        for place in self._unsafe(matrix, own, np.nonzero(is_open)[0]):
            weights: Floats = matrix[[place]].toarray()[0]
            least = round(weights @ self._solve(weights) - own[place])
            most = round(weights @ self._solve(-weights) - own[place])
            if least >= 1 and most < self._k and least + own[place] < self._k:
                yield self._finding(targets[place], least, most)

    def _finding(self, unknowns: Unknowns, low: float, high: float) -> Finding:
        how = self._program.targets[unknowns]
        what = self._program.describe(unknowns)
        return Finding(what, how, round(low), round(high), unknowns)

    def _unsafe(
        self, matrix: csr_array, own: Floats, places: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.intp]:
        """Return the targets that no solution proves to be safe."""
        vain = 0
        for number in range(_MOST_SOLUTIONS):
            if not len(places) or vain >= _VAIN_SOLUTIONS:
                break
            chosen = matrix[places]
            if number < 2:
                weights = np.full(len(places), 1.0 if number else -1.0)
            else:
                weights = self._random.choice([-1.0, 0.0, 1.0], len(places))
            others = chosen @ self._solve(chosen.T @ weights) - own[places]
            is_safe = (np.rint(others) <= 0) | (np.rint(others) >= self._k)
            vain = 0 if is_safe.any() else vain + 1
            places = places[~is_safe]
        return places

    def _solve(self, weights: Floats) -> Floats:
        """Return the counts of the integer solution with the smallest weighted sum."""
        free = self._low < self._high
        solution = self._low.copy()
        if not free.any():
            return solution
        constraints, lengths = self._constraints
        count = int(free.sum())
        rest = np.zeros(lengths)
        done = milp(
            np.concatenate([np.asarray(weights)[free], rest]),
            integrality=np.concatenate([np.ones(count), rest]),
            bounds=Bounds(
                np.concatenate([self._low[free], rest]),
                np.concatenate([self._high[free], rest + np.inf]),
            ),
            constraints=constraints,
            options={"time_limit": _SECONDS},
        )
        if done.x is None:
            raise ContradictionError(f"no counts fit what was published: {done.message}")
        solution[free] = done.x[:count]
        return solution

    @cached_property
    def _constraints(self) -> tuple[list[LinearConstraint], int]:
        """Constraints on the free counts, and on the minutes of those with known lengths.

        The same for every solution: no bound changes once the solver is made.
        """
        free = self._low < self._high
        fixed = np.where(free, 0.0, self._low)
        program = self._program
        timed = [each for each in program.lengths if program.minutes]
        place = {each: number for number, each in enumerate(timed)}
        rows = self._equal[:, free]
        values = self._values - self._equal @ fixed
        is_row = np.diff(rows.indptr) > 0
        blank = csr_array((int(is_row.sum()), len(timed)))
        found = [LinearConstraint(hstack([rows[is_row], blank]), values[is_row], values[is_row])]
        for plus, minus, least, most in self._other_rows():
            sums = _matrix(plus, self._count) - _matrix(minus, self._count)
            blank = csr_array((len(plus), len(timed)))
            known = sums @ fixed
            found.append(
                LinearConstraint(hstack([sums[:, free], blank]), least - known, most - known)
            )
        if program.long:
            found.append(self._long_rows(free, fixed, len(timed)))
        if timed:
            found += self._minute_rows(free, fixed, timed, place)
        return found, len(timed)

    def _other_rows(self) -> Iterator[tuple[Any, Any, Floats, Floats]]:
        """Yield constraints as sums, sums to subtract from them, lower and upper limits."""
        if rows := self._program.at_least:
            least = np.array(list(rows.values()), dtype=np.float64)
            yield list(rows), [frozenset()] * len(rows), least, np.full(len(rows), np.inf)
        if ties := self._program.ties:
            plus, minus, is_equal = zip(*ties, strict=True)
            zero = np.zeros(len(ties))
            yield plus, minus, zero, np.where(is_equal, zero, np.inf)

    def _long_rows(self, free: Any, fixed: Floats, others: int) -> LinearConstraint:
        """Return the constraint that bookings are long enough to fill their rooms' booked time."""
        rows = self._program.long
        least = np.array(list(rows.values()), dtype=np.float64)
        weights = _matrix(list(rows), self._count).toarray()
        lengths = self._program.lengths
        longest = np.array(
            [lengths[each][1] if each in lengths else 0 for each in range(self._count)]
        )
        weights = np.minimum(weights * longest, least[:, None])
        blank = csr_array((len(least), others))
        sums = csr_array(weights[:, free])
        return LinearConstraint(hstack([sums, blank]), least - weights @ fixed, np.inf)

    def _minute_rows(
        self, free: Any, fixed: Floats, timed: list[int], place: dict[int, int]
    ) -> list[LinearConstraint]:
        program = self._program
        unit = eye_array(len(timed), format="csr")
        counts = _matrix([frozenset({each}) for each in timed], self._count)
        limits = []
        for end, sign in ((0, 1.0), (1, -1.0)):
            lengths = np.array([program.lengths[each][end] for each in timed], dtype=np.float64)
            scaled = csr_array(counts.multiply(sign * lengths[:, None]))
            limits.append(
                LinearConstraint(hstack([-scaled[:, free], sign * unit]), scaled @ fixed, np.inf)
            )
        told = [frozenset(place[each] for each in row) for row in program.minutes]
        sums = _matrix(told, len(timed))
        values = np.array(list(program.minutes.values()), dtype=np.float64)
        blank = csr_array((len(told), int(free.sum())))
        return [*limits, LinearConstraint(hstack([blank, sums]), values, values)]


def _matrix(rows: Sequence[Unknowns], columns: int) -> csr_array:
    """Return a matrix with a row per set: 1 in the columns of the set, else 0."""
    ends = np.cumsum([0, *(len(each) for each in rows)])
    places = np.array([each for row in rows for each in sorted(row)], dtype=np.int64)
    return csr_array((np.ones(len(places)), places, ends), shape=(len(rows), columns))


__all__ = ["Attack", "Finding", "attack"]
