"""What the page's what-if answers from (R22): rooms booked at once, and a plan with few rooms.

Belongs here: the minutes in which rooms of a building are booked, packed into as few rooms as come
out, on the days on which the building had the rooms that it has now.
Does not belong here: single bookings. Of each room only the time from where it becomes booked to
where it becomes free is looked at, so these tables tell no more than the minutes of rooms do: not
how many bookings there were, how long each was, or for how many people (R17).

Such a stretch stays together in one room, which has no fewer seats than its own. So the plan could
be done, whatever the bookings in it need. Rooms without a capacity are no part of it: what is in
them stays in them.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from transforms.contract.database import TABLES
from transforms.local_time import day_start, zone
from warehouse.engine import Engine
from warehouse.placement import DAY, Building, Ints, minutes_of_days, pack, stable_order

_ROOMS_AT_A_TIME: Final = 1_000
"""Rooms whose bookings are in memory together, or those of one building that has more."""
_YEAR_1: Final = 62_135_596_800 // 60
"""Minutes from the year 1 to 1970."""
_TIMED: Final = """
SELECT n.number, start_minute(b.starts_at) AS starts, end_minute(b.ends_at) AS ends
FROM bookings AS b
JOIN what_if_now AS n ON n.room_id = b.room_id
JOIN what_if_days AS d ON d.place = n.place AND d.local_date = b.local_start_date
CROSS JOIN settings AS s
WHERE (b.status = 'booked' OR (b.status = 'held' AND s.count_held_as_booked))
  AND b.ends_at > b.starts_at AND NOT b.is_all_day AND n.place BETWEEN ? AND ?
"""
_ALL_DAY: Final = """
SELECT n.number, a.cell * 60 - a.phase_minutes AS hour, a.open_mask
FROM all_day_open AS a
JOIN what_if_now AS n ON n.room_id = a.room_id
JOIN what_if_days AS d ON d.place = n.place AND d.local_date = a.local_date
WHERE n.place BETWEEN ? AND ?
"""


def load_what_if(engine: Engine) -> None:
    """Fill the tables of the page's what-if, some buildings at a time."""
    for step in ("what_if_now", "what_if_days"):
        engine.run(f"after/{step}")
    region = engine.values("SELECT region FROM settings")[0]
    rooms = engine.table("what_if_now").to_pylist()
    days: dict[int, list[date]] = {}
    for place, day in engine.rows("SELECT place, local_date FROM what_if_days ORDER BY ALL"):
        days.setdefault(place, []).append(day)
    for first, last in _chunks([room["place"] for room in rooms]):
        found = _booked(engine, first, last)
        for place in range(first, last + 1):
            own = [room for room in rooms if room["place"] == place]
            low, high = np.searchsorted(found[0], (own[0]["number"], own[-1]["number"] + 1))
            bookings = tuple(each[low:high] for each in found)
            if place in days:
                tables = what_if_tables(own, days[place], *bookings)
                for name, rows in tables.items():
                    table = pa.Table.from_pylist(
                        [{"region": region} | row for row in rows], TABLES[name].schema
                    )
                    engine.insert(name, table)
        del found, bookings  # or the next ones would come beside them


def _booked(engine: Engine, first: int, last: int) -> tuple[Ints, Ints, Ints]:
    """Return room, start and end of what some places have booked, sorted by room and start.

    All-day bookings fill the open time of their room (R6), as everywhere in the statistics: with
    all hours of the day they could be counted.
    """
    timed = engine.columns(_TIMED, [first, last])
    columns = [timed["number"], timed["starts"] - _YEAR_1, timed["ends"] - _YEAR_1]
    if engine.has("all_day_open"):
        hours = engine.columns(_ALL_DAY, [first, last])
        is_open = (hours["open_mask"][:, None] >> np.arange(60) & 1).astype(np.int8)
        change = np.diff(is_open, axis=1, prepend=0, append=0)
        (row, opens), (_, closes) = np.nonzero(change == 1), np.nonzero(change == -1)
        hour = hours["hour"][row] - _YEAR_1
        all_day = (hours["number"][row], hour + opens, hour + closes)
        columns = [np.append(*each) for each in zip(columns, all_day, strict=True)]
    order = np.argsort(columns[1], kind="stable")  # bookings are nearly sorted by start
    order = order[stable_order(columns[0][order])]
    return columns[0][order], columns[1][order], columns[2][order]


def _chunks(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of places that are looked at together."""
    first, count = 0, 0
    for at, place in enumerate(places):
        if count >= _ROOMS_AT_A_TIME and place != places[at - 1]:
            yield first, places[at - 1]
            first, count = place, 0
        count += 1
    if places:
        yield first, places[-1]


def what_if_tables(
    rooms: Sequence[dict[str, Any]], days: Sequence[date], number: Ints, starts: Ints, ends: Ints
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one building; ``rooms`` and bookings stand in the same order."""
    room, starts, ends = stretches(number - rooms[0]["number"], starts, ends)
    minutes = ends - starts
    seats = np.array([each["seats"] or 0 for each in rooms], np.int64)
    planned = np.full(len(room), -1)
    if len(known := np.flatnonzero(seats[room] > 0)):
        midnights = _midnights(rooms[0]["time_zone"], days)
        placed = _plan(seats[room[known]], starts[known], ends[known], days, midnights)
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
    """Return room, start and end of each time from where a room becomes booked to where it is free.

    Bookings come sorted by room and start; those that overlap or touch are one stretch.
    """
    if not len(room):
        return room, starts, ends
    reach = int(ends.max() - starts.min()) + 2
    until = np.maximum.accumulate(room * reach + ends - starts.min())
    is_first = np.append(True, (room * reach + starts - starts.min())[1:] > until[:-1])
    first = np.flatnonzero(is_first)
    return room[first], starts[first], np.maximum.reduceat(ends, first)


def at_once(starts: Ints, ends: Ints) -> Ints:
    """Return for each number of rooms the minutes during which just so many are booked."""
    # The last bit tells what begins: at one minute what ends comes first.
    moments = np.sort(np.append(starts * 2 + 1, ends * 2))
    booked = np.cumsum(moments % 2 * 2 - 1)
    minutes: Ints = np.bincount(booked[:-1], np.diff(moments // 2)).astype(np.int64)
    return minutes


def _midnights(time_zone: str, days: Sequence[date]) -> Ints:
    """Return when each day from the first to the one after the last begins, in minutes."""
    own = zone(time_zone)
    count = (days[-1] - days[0]).days + 2
    begins = (day_start(days[0] + timedelta(day), own) for day in range(count))
    return np.array([int(each.timestamp()) // 60 for each in begins])


def _plan(seats: Ints, starts: Ints, ends: Ints, days: Sequence[date], midnights: Ints) -> Ints:
    """Return the room of the plan of each stretch, -1 where there is none.

    A stretch that lasts into a day that is not looked at has none: who knows if a room is free.
    """
    place = np.full(len(midnights), -1)
    place[[(day - days[0]).days for day in days]] = np.arange(len(days))
    is_inside = (starts >= midnights[0]) & (ends <= midnights[-1])
    minute, until = (
        minutes_of_days(np.clip(each, midnights[0], midnights[-1]), midnights)
        for each in (starts, ends - 1)
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
