"""The tables of the page's what-if (R22): rooms booked at once, and a plan with few rooms.

The times in which a building's rooms are booked are packed into few rooms, for the days on which
the building had the rooms that it has now. Single bookings are never used, only the times from
where a room becomes booked to where it becomes free, so these tables tell no more than the minutes
of rooms do: not how many bookings there were, how long each was, or for how many people (R17).

Such a stretch stays together in one room with at least as many seats as its own, so the plan is
feasible whatever its bookings need. Rooms without a capacity are not part of it: their bookings
stay in them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from transforms.contract.database import TABLES
from warehouse.blocks import column, cut_at_hours, day_numbers
from warehouse.calendar import MINUTES_TO_1970, midnights
from warehouse.masks import Hours, minutes_of
from warehouse.what_if.placement import DAY, Building, Ints, minutes_of_days, pack

_ROOMS_AT_A_TIME: Final = 500
"""Rooms whose bookings are in memory together, or all rooms of one larger building."""
BOOKED: Final = pa.schema({"number": pa.int32(), "starts": pa.int32(), "minutes": pa.int32()})
"""When each room of the what-if is booked, in minutes since 1970."""
WHAT_IF: Final = ("what_if_rooms", "what_if_at_once", "what_if_plan")


def booked_in_pass(hours: Hours | None, rooms: pa.Table, days: pa.Table) -> pa.Table:
    """Return when the rooms of the what-if are booked on its days of a pass, schema ``BOOKED``.

    ``rooms`` and ``days`` are as in ``what_if_rooms_of.sql`` and ``what_if_days.sql``. An all-day
    booking fills its room's open time (R6), as everywhere in the statistics: if it filled the whole
    day, readers could count all-day bookings.
    """
    if hours is None or not len(rooms):
        return BOOKED.empty_table()
    calendar, every = hours.calendar, hours.rooms.every
    own = column(rooms, "room_no")
    number, place, phase = np.full((3, max(hours.rooms.count, int(own.max()) + 1)), -1)
    number[own], place[own] = column(rooms, "number"), column(rooms, "place")
    phase[own] = column(rooms, "phase_minutes") + MINUTES_TO_1970
    # One extra place and one extra day, for rooms and days that are not asked about.
    is_asked = np.zeros((int(place.max()) + 2, calendar.days + 1), np.bool_)
    day = day_numbers(days) - calendar.first_day
    is_here = (day >= 0) & (day < calendar.days)
    is_asked[column(days, "place")[is_here], day[is_here]] = True
    is_timed = every.is_booked & ~every.is_all_day & every.is_own
    is_timed &= (every.day >= 0) & (every.day < calendar.days)
    timed = np.flatnonzero(is_timed)
    place_of, day = place.take(every.room.take(timed)), every.day.take(timed)
    timed = timed.take(np.flatnonzero(is_asked[place_of, day]))
    room, starts, ends = (each.take(timed) for each in (every.room, every.starts, every.ends))
    if (all_day := np.flatnonzero(every.is_booked & every.is_all_day)).size:
        first = calendar.first_cell * 60
        of, cell, _ = cut_at_hours(
            every.starts[all_day] - first, every.ends[all_day] - first, calendar.cells
        )
        is_filled = np.zeros((hours.rooms.count, calendar.cells), np.bool_)
        is_filled[every.room[all_day][of], cell] = True
        names = ("room_no", "cell", "open_mask")
        of_mask, cell, open_mask = (column(hours.masks, name) for name in names)
        day = day_numbers(hours.masks) - calendar.first_day
        is_filled = is_filled[of_mask, cell - calendar.first_cell]
        kept = np.flatnonzero(is_filled & is_asked[place.take(of_mask), day])
        of_mask, cell, open_mask = of_mask[kept], cell[kept].astype(np.int64), open_mask[kept]
        after = open_mask << 1
        (of, opens), (_, closes) = map(minutes_of, (open_mask & ~after, ~open_mask & after))
        room = np.append(room, of_mask[of])
        starts = np.append(starts, cell[of] * 60 + opens)
        ends = np.append(ends, cell[of] * 60 + closes)
    number, phase = number.take(room), phase.take(room)
    starts, ends = starts - phase, ends - phase
    # Rows arrive sorted within each day, so a stable sort only has to merge runs.
    key = number * (int(np.ptp(starts)) + 1 if len(starts) else 1) + starts
    order = np.argsort(key, kind="stable")
    number, starts, ends = stretches(*(each.take(order) for each in (number, starts, ends)))
    return pa.table([number, starts, ends - starts], BOOKED.names).cast(BOOKED)


class Booked:
    """When the rooms of the what-if are booked, kept in a folder until all passes are over.

    Each pass is a file of three rows, those of ``BOOKED``, sorted by room: so few rooms are read
    without the others.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[Path] = []

    def keep(self, rows: pa.Table) -> None:
        """Keep what ``booked_in_pass`` returned for the next pass."""
        self._files.append(self._folder / f"booked-{len(self._files)}.npy")
        np.save(self._files[-1], np.stack([column(rows, name) for name in BOOKED.names]))

    def of_rooms(self, first: int, last: int) -> tuple[Ints, Ints, Ints]:
        """Return number, start and end of the stretches of some rooms, sorted by room and start.

        They have 32 bits, as in the files: half the memory.
        """
        found = [np.zeros((3, 0), np.int32)]
        for file in self._files:
            rows = np.load(file, mmap_mode="r")
            low, high = np.searchsorted(rows[0], (first, last + 1))
            found.append(np.array(rows[:, low:high]))
        number, starts, minutes = np.concatenate(found, axis=1)
        # Rows are sorted within each pass, so a stable sort only has to merge runs.
        order = np.argsort(number * np.int64(1 << 32) + starts, kind="stable")
        number, starts = number.take(order), starts.take(order)
        return number, starts, starts + minutes.take(order)


def what_if_of(
    region: str, rooms: pa.Table, dates: pa.Table, booked: Booked
) -> dict[str, pa.Table]:
    """Return the tables of the page's what-if, computed some buildings at a time.

    ``rooms`` and ``dates`` are as in ``what_if_now.sql`` and ``what_if_days.sql``.
    """
    days: dict[int, list[date]] = {}
    for row in dates.sort_by([("place", "ascending"), ("local_date", "ascending")]).to_pylist():
        days.setdefault(row["place"], []).append(row["local_date"])
    of_places: dict[int, list[dict[str, Any]]] = {}
    for room in rooms.sort_by("number").to_pylist():
        of_places.setdefault(room["place"], []).append(room)
    made: dict[str, list[pa.Table]] = {
        name: [TABLES[name].schema.empty_table()] for name in WHAT_IF
    }
    for places in _chunks(of_places):
        numbers = of_places[places[0]][0]["number"], of_places[places[-1]][-1]["number"]
        room_no, starts, ends = booked.of_rooms(*numbers)
        for place in (place for place in places if place in days):
            own = of_places[place]
            low, high = np.searchsorted(room_no, (own[0]["number"], own[-1]["number"] + 1))
            columns = (each[low:high].astype(np.int64) for each in (room_no, starts, ends))
            tables = what_if_tables(own, days[place], *columns)
            for name, rows in tables.items():
                listed = [{"region": region} | row for row in rows]
                made[name].append(pa.Table.from_pylist(listed, TABLES[name].schema))
        del room_no, starts, ends  # or memory would hold them beside the next ones
    return {name: pa.concat_tables(tables) for name, tables in made.items()}


def _chunks(of_places: Mapping[int, Sequence[object]]) -> Iterator[list[int]]:
    """Yield the places that are processed together."""
    places: list[int] = []
    count = 0
    for place, rooms in of_places.items():
        places.append(place)
        count += len(rooms)
        if count >= _ROOMS_AT_A_TIME:
            yield places
            places, count = [], 0
    if places:
        yield places


def what_if_tables(
    rooms: Sequence[dict[str, Any]], days: Sequence[date], number: Ints, starts: Ints, ends: Ints
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one building; ``rooms`` and bookings are in the same order."""
    room, starts, ends = stretches(number - rooms[0]["number"], starts, ends)
    minutes = ends - starts
    seats = np.array([each["seats"] or 0 for each in rooms], np.int64)
    planned = np.full(len(room), -1)
    if len(known := np.flatnonzero(seats[room] > 0)):
        begins = midnights(rooms[0]["time_zone"], days[0], (days[-1] - days[0]).days + 2)
        placed = _plan(seats[room[known]], starts[known], ends[known], days, begins)
        planned[known] = placed
    place = {"site": rooms[0]["site"], "building": rooms[0]["building"]}
    of_room = np.bincount(room, minutes, len(rooms)).astype(np.int64)
    sizes, size = np.unique(seats, return_inverse=True)
    plan = np.zeros((len(rooms) + 1, len(sizes)), np.int64)
    np.add.at(plan, (planned[planned >= 0], size[room][planned >= 0]), minutes[planned >= 0])
    return {
        "what_if_rooms": [
            {"room_id": each["room_id"], "days": len(days), "booked_minutes": booked}
            for each, booked in zip(rooms, of_room.tolist(), strict=True)
        ],
        "what_if_at_once": [
            place | {"rooms": count, "booked_minutes": booked}
            for count, booked in enumerate(at_once(starts, ends).tolist())
            if count and booked
        ],
        "what_if_plan": [
            place
            | {
                "room_no": int(at) + 1,
                "seats": int(sizes[of]),
                "booked_minutes": int(plan[at, of]),
            }
            for at, of in zip(*np.nonzero(plan), strict=True)
        ],
    }


def stretches(room: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
    """Return room, start and end of each stretch during which a room is booked.

    Bookings must be sorted by room and start; those that overlap or touch are one stretch.
    """
    if not len(room):
        return room, starts, ends
    reach = int(ends.max() - starts.min()) + 2
    until = np.maximum.accumulate(room * reach + ends - starts.min())
    is_first = np.append(True, (room * reach + starts - starts.min())[1:] > until[:-1])
    first = np.flatnonzero(is_first)
    return room.take(first), starts.take(first), np.maximum.reduceat(ends, first)


def at_once(starts: Ints, ends: Ints) -> Ints:
    """Return, for each number of rooms, the minutes during which exactly that many are booked."""
    # The last bit marks a start, so that at one minute the ends come first.
    moments = np.sort(np.append(starts * 2 + 1, ends * 2), kind="stable")
    booked = np.cumsum((moments & 1) * 2 - 1)
    minutes: Ints = np.bincount(booked[:-1], np.diff(moments >> 1)).astype(np.int64)
    return minutes


def _plan(seats: Ints, starts: Ints, ends: Ints, days: Sequence[date], begins: Ints) -> Ints:
    """Return each stretch's room in the plan, -1 if it has none.

    A stretch that runs into a day outside ``days`` has none: a room may not be free then.
    """
    place = np.full(len(begins), -1)
    place[[(day - days[0]).days for day in days]] = np.arange(len(days))
    is_inside = (starts >= begins[0]) & (ends <= begins[-1])
    minute, until = (
        minutes_of_days(np.clip(each, begins[0], begins[-1]), begins) for each in (starts, ends - 1)
    )
    first, last = minute // DAY, until // DAY
    is_whole = (
        (place[first] >= 0) & (place[last] >= 0) & (place[last] - place[first] == last - first)
    )
    kept = np.flatnonzero(is_inside & is_whole)
    most = int(at_once(starts, ends).nonzero()[0].max())
    building = Building(
        seats=np.full(most, seats.max()),
        is_available=np.ones((len(days), most), np.bool_),
        midnights=np.arange(len(days) + 1) * DAY,
        room=np.full(len(kept), -1),
        starts=minute[kept] + (place[first] - first)[kept] * DAY,
        ends=until[kept] + 1 + (place[last] - last)[kept] * DAY,
        need=seats[kept],
    )
    planned = np.full(len(seats), -1)
    planned[kept] = pack(building)
    return planned
