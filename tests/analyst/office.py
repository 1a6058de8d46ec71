"""A small office whose figures the README shows: four weeks of two buildings, seeded.

Belongs here: realistic rooms and bookings, the same on every machine.
Does not belong here: the queries (the README).
"""

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final

from tests.marts.scenario import Booking, Room, book, days_from, scenario, write_lake
from warehouse.lake import Lake
from warehouse.publish import publish

FIRST: Final = date(2026, 10, 5)
DAYS: Final = 28
ROOMS: Final = (
    Room("fjord", building="HQ", capacity=8),
    Room("harbour", building="HQ", capacity=8),
    Room("lighthouse", building="HQ", capacity=16),
    Room("pier", building="Annex", capacity=4),
    Room("quay", building="Annex", capacity=4),
)
_BUSY_BY_HOUR: Final = (4, 7, 8, 6, 2, 6, 7, 6, 4, 2)  # chance in tenths, from 8:00 on


def publish_office(directory: Path) -> None:
    """Publish the office's database where the demo has that of the EU: ``demo/eu/warehouse``."""
    random = Random(11)
    days = days_from(FIRST, DAYS)
    bookings = [
        meeting
        for room in ROOMS
        for day in days
        if day.isoweekday() <= 5
        for meeting in _day(random, room, day)
    ]
    office = scenario(ROOMS, bookings, days, trailing_days=1)
    lake = Lake(directory / "demo/eu/lake", "EU")
    write_lake(lake, office)
    publish(lake, directory / "demo/eu/warehouse", office.options, office.now)


def _day(random: Random, room: Room, day: date) -> list[Booking]:
    """Return a day's meetings: busier mid-week, and in HQ."""
    weight = 1.0 if room.building == "HQ" else 0.6
    weight *= 0.6 if day.isoweekday() in (1, 5) else 1.0
    found = []
    for offset, busy in enumerate(_BUSY_BY_HOUR):
        if random.random() * 10 < busy * weight:
            start = timedelta(hours=8 + offset)
            end = start + timedelta(minutes=random.choice((30, 45, 60)))
            kind = random.choice(("single", "occurrence"))
            found.append(book(room, day, _clock(start), _clock(end), kind=kind))
    return found


def _clock(since_midnight: timedelta) -> str:
    hours, seconds = divmod(int(since_midnight.total_seconds()), 3600)
    return f"{hours:02}:{seconds // 60:02}"
