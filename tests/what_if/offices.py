"""Random small offices, and the best placement of their bookings as a solver finds it.

Belongs here: an office in minutes and plain lists, and CP-SAT's optimum of it.
Does not belong here: the bounds that are held against it; the two share no line.
"""

from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Final

import numpy as np
from ortools.sat.python import cp_model

from warehouse.placement import Building, minutes_of_days

_FIRST: Final = 29_000_000
_LENGTHS: Final = (1440, 1440, 1380, 1500)  # an hour is skipped, and one comes twice


@dataclass(frozen=True)
class Booking:
    """Instants in minutes; ``own`` is the room that it has, None where that is gone."""

    own: int | None
    start: int
    end: int
    need: int

    @property
    def room(self) -> int:
        """The number of its room, -1 where that is gone."""
        return -1 if self.own is None else self.own


@dataclass(frozen=True)
class Office:
    """Rooms by seats, the days (by number) on which each can be used, and bookings."""

    seats: tuple[int, ...]
    open_days: tuple[frozenset[int], ...]
    midnights: tuple[int, ...]
    bookings: tuple[Booking, ...]

    def days(self, booking: Booking) -> set[int]:
        """Return the numbers of the days that a booking touches."""
        spans = zip(self.midnights, self.midnights[1:], strict=False)
        return {
            day
            for day, (first, last) in enumerate(spans)
            if booking.start < last and first < booking.end
        }

    def can_have(self, booking: Booking, room: int) -> bool:
        """Tell whether a room is large enough, and open on all of a booking's days."""
        is_open = self.days(booking) <= self.open_days[room]
        return is_open and self.seats[room] >= booking.need

    def as_arrays(self) -> Building:
        """Return the office as the bounds take it."""
        midnights = np.array(self.midnights)
        order = sorted(
            self.bookings, key=lambda each: (-1 if each.own is None else each.own, each.start)
        )
        starts, ends = (
            minutes_of_days(np.array([getattr(each, name) for each in order], int), midnights)
            for name in ("start", "end")
        )
        days = range(len(self.midnights) - 1)
        is_open = [[day in room for room in self.open_days] for day in days]
        return Building(
            seats=np.array(self.seats, int),
            is_available=np.array(is_open, bool).reshape(len(days), len(self.seats)),
            midnights=midnights,
            room=np.array([each.room for each in order], int),
            starts=starts,
            ends=ends,
            need=np.array([each.need for each in order], int),
        )


def random_office(seed: int) -> Office:
    """Return an office of up to five rooms and sixteen bookings, some of them out of a room."""
    random = Random(seed)
    first = random.randrange(len(_LENGTHS))
    midnights = [_FIRST]
    for length in (_LENGTHS * 2)[first : first + random.randint(1, 3)]:
        midnights.append(midnights[-1] + length)
    seats = sorted(random.choice((1, 2, 4, 6, 8)) for _ in range(random.randint(0, 5)))
    days = range(len(midnights) - 1)
    open_days = [{day for day in days if random.random() < 0.85} for _ in seats]
    grain = random.choice((1, 5, 30))
    bookings = [_booking(random, seats, midnights, grain) for _ in range(random.randint(0, 16))]
    office = Office(tuple(seats), (), tuple(midnights), tuple(bookings))
    for booking in bookings:
        if booking.own is not None:  # a room is open where it is booked
            open_days[booking.own] |= office.days(booking)
    return Office(tuple(seats), tuple(map(frozenset, open_days)), tuple(midnights), tuple(bookings))


def _booking(random: Random, seats: list[int], midnights: list[int], grain: int) -> Booking:
    length = random.choice((15, 30, 60, 60, 90, 240, 1440, 2000))
    busy = random.choice(midnights[:-1]) + random.choice((480, 540, 600, 840))
    start = min(busy + grain * (random.randrange(240) // grain), midnights[-1] - 1)
    if length == 1440:
        start = random.choice(midnights[:-1])
        length = midnights[midnights.index(start) + 1] - start
    end = min(start + length + random.randrange(2) * random.randrange(grain), midnights[-1])
    own = random.choice([None, *range(len(seats))])
    size = random.choice((1, 2, 3, 4, 6, 8)) if own is None else seats[own]
    return Booking(own, start, max(end, start + 1), random.randint(1, size))


def best(office: Office, *, by_minutes: bool) -> int:
    """Return the most bookings, or minutes, that any placement serves."""
    model = cp_model.CpModel()
    bookings = list(enumerate(office.bookings))
    choice = {
        (number, room): model.new_bool_var("")
        for number, booking in bookings
        for room in range(len(office.seats))
        if office.can_have(booking, room)
    }
    for number, _ in bookings:
        model.add_at_most_one(each for (of, _), each in choice.items() if of == number)
    for (one, first), (other, second) in combinations(bookings, 2):
        if first.start < second.end and second.start < first.end:
            for room in range(len(office.seats)):
                if (one, room) in choice and (other, room) in choice:
                    model.add_bool_or(~choice[one, room], ~choice[other, room])
    weights = [booking.end - booking.start if by_minutes else 1 for _, booking in bookings]
    model.maximize(sum(weights[number] * each for (number, _), each in choice.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)
