"""Random small offices, and the best placement of their bookings, found by a solver.

Belongs here: an office in minutes and plain lists, and its optimum by CP-SAT.
Does not belong here: the bounds that are compared with it; the two share no code.
"""

from dataclasses import dataclass, replace
from itertools import combinations, product
from random import Random
from typing import Final

import numpy as np

from warehouse.what_if.placement import Building, minutes_of_days

_FIRST: Final = 29_000_000
_LENGTHS: Final = (1440, 1440, 1380, 1500)  # the clocks change: days of 23 and 25 hours


@dataclass(frozen=True)
class Booking:
    """Start and end in minutes; ``own`` is the booking's room, None if that was removed.

    ``invited`` may exceed ``need``: any other room then needs that many seats.
    """

    own: int | None
    start: int
    end: int
    need: int
    invited: int = 0

    @property
    def room(self) -> int:
        """The number of its room, -1 if that was removed."""
        return -1 if self.own is None else self.own


@dataclass(frozen=True)
class Office:
    """Rooms as seats, the numbers of the days on which each can be used, and bookings.

    ``parts`` has the combined rooms with the rooms they consist of (R25). A room that changes its
    size (R18) is here twice, with different days.
    """

    seats: tuple[int, ...]
    open_days: tuple[frozenset[int], ...]
    midnights: tuple[int, ...]
    bookings: tuple[Booking, ...]
    parts: tuple[tuple[int, tuple[int, ...]], ...] = ()

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
        is_own = room == booking.own
        return is_open and (is_own or self.seats[room] >= max(booking.need, booking.invited))

    def takes(self, room: int) -> set[int]:
        """Return the rooms that are blocked while a room is taken, itself included."""
        return {room, *dict(self.parts).get(room, ())}

    def as_arrays(self) -> Building:
        """Return the office as the bounds expect it."""
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
            combined=self.parts,
        )


def random_office(seed: int) -> Office:
    """Return an office of up to seven rooms and sixteen bookings, some without a room.

    Some rooms change their size on a day, some are combined from others.
    """
    random = Random(seed)
    first = random.randrange(len(_LENGTHS))
    midnights = [_FIRST]
    for length in (_LENGTHS * 2)[first : first + random.randint(1, 3)]:
        midnights.append(midnights[-1] + length)
    days = range(len(midnights) - 1)
    count = random.randint(0, 5)
    open_days = [{day for day in days if random.random() < 0.85} for _ in range(count)]
    sizes = [random.choice((1, 2, 4, 6, 8)) for _ in range(count)]
    if count and random.random() < 0.3:  # R18: another size from some day on
        since = random.choice(days)
        open_days.append({day for day in open_days[-1] if day >= since})
        open_days[-2] -= open_days[-1]
        sizes.append(random.choice((1, 2, 4, 6, 8)))
    together: list[int] = []
    if len(sizes) > 1 and random.random() < 0.4:  # R25: the last room combines these
        together = random.sample(range(len(sizes)), min(len(sizes), random.randint(2, 3)))
        sizes.append(sum(sizes[room] for room in together))
        open_days.append(set())
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    parts = ((order.index(len(sizes) - 1), tuple(map(order.index, together))),) if together else ()
    seats = tuple(sizes[room] for room in order)
    grain = random.choice((1, 5, 30))
    bookings = tuple(
        _booking(random, seats, midnights, grain) for _ in range(random.randint(0, 16))
    )
    office = Office(seats, (), tuple(midnights), bookings, parts)
    is_open = [open_days[room] for room in order]
    for booking in bookings:  # a room is open on days when it is booked, and so are its parts
        for room in office.takes(booking.own) if booking.own is not None else ():
            is_open[room] |= office.days(booking)
    for whole, rooms in parts:
        is_open[whole] = set.intersection(*(is_open[room] for room in rooms))
    return replace(office, open_days=tuple(map(frozenset, is_open)))


def _booking(random: Random, seats: tuple[int, ...], midnights: list[int], grain: int) -> Booking:
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
    from ortools.sat.python import cp_model  # importing takes a second in each worker of pytest

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
            for room, second_room in product(range(len(office.seats)), repeat=2):
                is_choice = (one, room) in choice and (other, second_room) in choice
                if is_choice and office.takes(room) & office.takes(second_room):
                    model.add_bool_or(~choice[one, room], ~choice[other, second_room])
    weights = [booking.end - booking.start if by_minutes else 1 for _, booking in bookings]
    model.maximize(sum(weights[number] * each for (number, _), each in choice.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)
