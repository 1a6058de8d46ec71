"""Which bookings would find a room if rooms were added or removed; which rooms are needed (R22).

A booking stays in its building. It needs a seat for each person invited, but never more seats than
its room has: it was held there, and not everybody invited comes. Otherwise a booking with more
people invited than any room has seats would find none, though it had one; and the page, which may
not know how many were invited, could not answer the same question. If no headcount is known, it
needs as many seats as its room has. A room without a capacity counts as large as the largest party
that it had. A room takes other rooms' bookings on days on which it was read and is open or booked.
Personal rooms (desk, office, executive) are left out.

Besides analysts, only this module reads single bookings: it opens ``insights-<region>.duckdb``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from transforms.contract import Region
from warehouse.connect import Warehouse, connect
from warehouse.what_if.bounds import at_most, small_mix
from warehouse.what_if.days import (
    Bookings,
    BuildingDays,
    Room,
    WhatIfError,
    parts_of,
    read_bookings,
    read_rooms,
)
from warehouse.what_if.placement import Building, Placed, place, served

__all__ = ["Seats", "WhatIf", "WhatIfError", "what_if"]

_SERVED_BY_A_MIX: Final = 0.99
_THREADS: Final = 2
_TOGETHER: Final = 2
"""Buildings placed together: more fit neither into the cache nor evenly onto the threads."""


@dataclass(frozen=True, slots=True)
class Seats:
    """A number of rooms of a size (or of bookings that need that size)."""

    seats: int
    count: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer: truth lies between at least and at most. ``rooms`` are those of the question.

    ``served_in_place`` counts bookings served if every booking with a room stays in it.
    ``not_placed`` are the bookings, by the seats that they need, that found no room in the
    placement that was made. ``fewest_rooms``: no mix of fewer rooms can serve 99 %; 0 if no mix was
    asked for. ``over_seats`` counts those that invite more people than their room has seats.
    ``unknown`` are the rooms whose capacity is not known, by the seats that they count as.
    """

    region: Region
    building: str | None
    first_date: date
    last_date: date
    bookings: int
    minutes: int
    served_at_least: int
    served_at_most: int
    minutes_served_at_least: int
    minutes_served_at_most: int
    served_in_place: int
    rooms: tuple[Seats, ...]
    not_placed: tuple[Seats, ...]
    fewest_rooms: int
    over_seats: int
    unknown: tuple[Seats, ...] = ()


def what_if(  # noqa: PLR0913 - a question has so many parts
    region: Region,
    *,
    building: str | None = None,
    add: Mapping[int, int] | None = None,
    remove: Sequence[str] = (),
    suggest: bool = False,
    first_date: date | None = None,
    last_date: date | None = None,
    warehouse: Warehouse | None = None,
) -> WhatIf:
    """Answer for a region or one of its buildings; ``add`` maps seats to the number of new rooms.

    ``suggest`` looks for a small mix of rooms that serves 99 %, instead of the existing rooms.
    Dates are local and inclusive; by default, all past days that were read.

    Raises:
        WhatIfError: an unknown building or room, days never read, or rooms added to no building.
        VersionError: nothing was published yet, or an earlier version of this program did it.
    """
    added = dict(add or {})
    if suggest and (added or remove):
        raise WhatIfError("a mix is suggested for the bookings alone: leave out add and remove")
    if any(seats < 1 or count < 1 for seats, count in added.items()):
        raise WhatIfError("rooms that are added have 1 seat or more, and are 1 or more")
    with connect(region, bookings=True, warehouse=warehouse) as connection:
        rooms = read_rooms(connection, region)
        groups = _groups(region, rooms, building)
        _check_removed(region, groups, rooms, remove)
        if added and len(groups) > 1:
            names = ", ".join(sorted({rooms[group[0]].building for group in groups} - {""}))
            text = f"name the building that gets the rooms: {names}"
            if building is not None or not names:  # nothing that can be written names it
                text = "rooms go to one building; give each a name of its own in the room CSV"
            raise WhatIfError(f"{region}: {text}")
        bookings = read_bookings(connection, region, rooms, first_date, last_date)
    parts = parts_of(rooms)

    def answer(some: Sequence[Sequence[int]]) -> list[_Answer]:
        days = [BuildingDays(group, rooms, parts, bookings) for group in some]
        if suggest:
            mixes = [small_mix(each.building({}, ()), _SERVED_BY_A_MIX) for each in days]
            return [
                _answer(mix.building, mix.placed)._replace(
                    fewest_rooms=mix.fewest_rooms, over_seats=each.over_seats
                )
                for each, mix in zip(days, mixes, strict=True)
            ]
        found = [each.building(added, remove) for each in days]
        found_answers = []
        for each, one, placed in zip(days, found, place(found), strict=True):
            known, unknown = each.stay_now(remove)
            by_seats = Counter(added) + known + unknown
            own = _answer(one, placed)._replace(rooms=by_seats, unknown=unknown)
            found_answers.append(own._replace(over_seats=each.over_seats))
        return found_answers

    firsts = range(0, len(groups), _TOGETHER)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(answer, (groups[first : first + _TOGETHER] for first in firsts))
        answers = [each for some in found for each in some]
    return _sum(region, building, bookings, answers)


def _groups(region: Region, rooms: Sequence[Room], building: str | None) -> list[list[int]]:
    """Return the numbers of the rooms asked about, by building: no booking leaves its building.

    Rooms without a building are together by their time zone: in two zones, they are in two places.
    """
    known = sorted({room.building for room in rooms if room.building})
    if building is not None and building not in known:
        raise WhatIfError(
            f"{region}: no building {building!r}; there are: {', '.join(known) or 'none'}"
        )
    groups: dict[tuple[str, str], list[int]] = {}
    for number, room in enumerate(rooms):
        if building in (None, room.building) and not room.is_personal:
            place = f"building {room.building}" if room.building else f"clock {room.time_zone}"
            groups.setdefault((room.site, place), []).append(number)
    if not groups:
        raise WhatIfError(f"{region}: there are no rooms but personal ones")
    return list(groups.values())


def _check_removed(
    region: Region, groups: Sequence[Sequence[int]], rooms: Sequence[Room], remove: Sequence[str]
) -> None:
    """Refuse to remove a room that is not part of the question."""
    usable = {rooms[number].room_id for group in groups for number in group}
    known = {room.room_id: room for room in rooms}  # its latest version
    for room_id in remove:
        if room_id not in known:
            raise WhatIfError(
                f"{region}: no room {room_id!r} in the directory; write the room_id of one"
            )
        if room_id not in usable:
            room = known[room_id]
            where = "a personal room" if room.is_personal else f"in building {room.building!r}"
            raise WhatIfError(f"{region}: room {room_id!r} is {where}; leave it out")


class _Answer(NamedTuple):
    """What was found for one building; pairs are bookings and minutes."""

    asked: tuple[int, int]
    at_least: tuple[int, int]
    at_most: tuple[int, int]
    in_place: int
    rooms: Counter[int]
    not_placed: Counter[int]
    unknown: Counter[int]
    fewest_rooms: int = 0
    over_seats: int = 0


def _answer(building: Building, placed: Placed) -> _Answer:
    bookings, _ = served(building, placed.most_bookings)
    missing = (placed.most_bookings < 0) | (placed.most_minutes < 0)
    _, minutes = served(building, placed.most_minutes)
    return _Answer(
        asked=(len(building.room), int(building.minutes.sum())),
        at_least=(bookings, minutes),
        at_most=at_most(building, np.unique(building.day[missing])),
        in_place=served(building, placed.in_place)[0],
        rooms=Counter(building.seats.tolist()),
        not_placed=Counter(building.need[placed.most_bookings < 0].tolist()),
        unknown=Counter(),
    )


def _sum(
    region: Region, building: str | None, bookings: Bookings, answers: Sequence[_Answer]
) -> WhatIf:
    """Add up the answers for the buildings of a question."""
    counts = [
        tuple(map(sum, zip(*pairs, strict=True)))
        for pairs in zip(
            *((each.asked, each.at_least, each.at_most) for each in answers), strict=True
        )
    ]
    (total, minutes), (least, minutes_least), (most, minutes_most) = counts
    return WhatIf(
        region=region,
        building=building,
        first_date=bookings.first_date,
        last_date=bookings.last_date,
        bookings=total,
        minutes=minutes,
        served_at_least=least,
        served_at_most=most,
        minutes_served_at_least=minutes_least,
        minutes_served_at_most=minutes_most,
        served_in_place=sum(each.in_place for each in answers),
        rooms=_by_seats(each.rooms for each in answers),
        not_placed=_by_seats(each.not_placed for each in answers),
        fewest_rooms=sum(each.fewest_rooms for each in answers),
        over_seats=sum(each.over_seats for each in answers),
        unknown=_by_seats(each.unknown for each in answers),
    )


def _by_seats(counters: Iterable[Counter[int]]) -> tuple[Seats, ...]:
    return tuple(Seats(*pair) for pair in sorted(sum(counters, Counter[int]()).items()))
