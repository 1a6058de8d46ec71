"""Recurring meetings of an invented room, as rules: no past has to be generated to know them.

Belongs here: which series a room has in a half-year, and what their occurrences share.
Does not belong here: what becomes of one occurrence on its day (``schedule.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from pipelines.sandbox.directory import Room
from pipelines.sandbox.gathering import Gathering, gather, pick_quarter
from pipelines.sandbox.people import People
from transforms.zones import zone

ERA_DAYS = 182
_SHARE = 0.42  # of the bookings of a usual room
_CROWDED = 10  # bookings a day: whoever books there does not ask whether it is free
_CROWDED_SHARE = 0.75


@dataclass(frozen=True)
class Series:
    """A meeting every week or two on some weekdays, at a local time, between two dates.

    ``quarter`` is its start and ``quarters`` its length, in quarters of an hour.
    """

    uid: str
    weekdays: frozenset[int]
    weeks: int
    first_date: date
    last_date: date
    quarter: int
    quarters: int
    created_at: datetime
    gathering: Gathering

    def meets(self, day: date) -> bool:
        """Tell whether the rule has an occurrence on a local date of one of its weekdays."""
        return (
            self.first_date <= day <= self.last_date
            and (day - self.first_date).days // 7 % self.weeks == 0
        )


def series_of_era(room: Room, people: People, seed: int, era: int) -> Sequence[Sequence[Series]]:
    """Return, by weekday, the series that begin in a half-year (the ``era``-th ``ERA_DAYS``)."""
    random = Random(f"{seed}/{room.address}/series/{era}")  # noqa: S311  invented meetings
    is_crowded = room.popularity > _CROWDED
    wanted = round(room.popularity * 8 * (_CROWDED_SHARE if is_crowded else _SHARE))
    by_weekday: list[list[Series]] = [[] for _ in range(7)]
    taken = [0] * 7
    for _ in range(wanted):
        series = _draw(room, people, random, era * ERA_DAYS)
        mask = (1 << series.quarters) - 1 << series.quarter
        if not is_crowded and any(taken[weekday] & mask for weekday in series.weekdays):
            continue
        for weekday in series.weekdays:
            taken[weekday] |= mask
            by_weekday[weekday].append(series)
    return by_weekday


def _draw(room: Room, people: People, random: Random, first_ordinal: int) -> Series:
    weekdays = frozenset(range(5)) if random.random() < 0.04 else frozenset({random.randrange(5)})
    first = date.fromordinal(first_ordinal + random.randrange(ERA_DAYS))
    noon = datetime.combine(first, time(12), zone(room.site.time_zone)).astimezone(UTC)
    return Series(
        uid=f"040000008200E00074C5B7101A82E008{random.getrandbits(128):032X}",
        weekdays=weekdays,
        weeks=random.choice((1, 1, 1, 2)),
        first_date=first,
        last_date=first + timedelta(days=random.randint(21, ERA_DAYS - 1)),
        quarter=pick_quarter(random),
        quarters=random.choice((2, 2, 2, 4, 4, 4, 6, 8)),
        created_at=noon - timedelta(minutes=random.randint(60, 45 * 1440)),
        gathering=gather(room, people, random),
    )
