"""A company whose figures docs/questions.md shows: twenty rooms, a summer and the weeks ahead.

Belongs here: realistic rooms and bookings, the same on every machine.
Does not belong here: the queries (``docs/questions.md``).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import yaml

from tests.marts.scenario import Booking, Room, Scenario, at, book, days_from, read_all, write_lake
from transforms.contract.lake import CHANGES
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

FIRST: Final = date(2026, 7, 6)
PAST_DAYS: Final = 106
AHEAD_DAYS: Final = 28
FIRST_NIGHT: Final = datetime.combine(FIRST, time(2, 30), UTC) - timedelta(days=8)
NOW: Final = datetime(2026, 10, 20, 3, tzinfo=UTC)
_BUSY_BY_HOUR: Final = (3, 7, 9, 7, 3, 7, 8, 7, 4, 2)  # chance in tenths, from 8:00 on
_BUSY_BY_WEEKDAY: Final = (0.75, 1.0, 1.1, 0.95, 0.5)
_LEADS: Final = (0.1, 1.0, 8.0, 60.0, 300.0, 900.0)  # hours


def _rooms() -> Iterator[Room]:
    for floor, sizes in (("1", (4, 4, 6, 8)), ("2", (4, 6, 8, 12)), ("3", (6, 20))):
        for number, seats in enumerate(sizes):
            room_id = f"hq-{floor}0{number + 1}"
            yield Room(room_id, site="Copenhagen", building="HQ", floor=floor, capacity=seats)
    for number, seats in enumerate((4, 4, 8, 16)):
        room_id = f"annex-10{number + 1}"
        yield Room(room_id, site="Copenhagen", building="Annex", floor="1", capacity=seats)
    for number, seats in enumerate((4, 4, 6, 8, 10, 30)):
        yield Room(
            f"pier-10{number + 1}",
            time_zone="Europe/Lisbon",
            site="Lisbon",
            building="Pier",
            floor="1",
            capacity=seats,
        )


ROOMS: Final = tuple(_rooms())
_POPULARITY: Final = {"HQ": 1.0, "Annex": 0.55, "Pier": 0.75}


def publish_company(folder: Path) -> None:
    """Publish the company's databases below a folder, and write their ``insights.yaml``."""
    past, ahead = days_from(FIRST, PAST_DAYS), days_from(FIRST, PAST_DAYS + AHEAD_DAYS)[PAST_DAYS:]
    random = Random(20261020)
    bookings = [
        booking
        for room in ROOMS
        for day in (*past, *ahead)
        if day.isoweekday() <= 5
        for booking in _day(random, room, day)
        if booking.created_at is None or booking.created_at < NOW
    ]
    options = PublishOptions(trailing_days=14)
    changes = list(_changes(random, bookings))
    read = tuple(
        replace(each, read_at=min(NOW, at(ROOMS[0], each.day) + timedelta(days=14)))
        for each in read_all(ROOMS, [*past, *ahead])
    )
    company = Scenario(ROOMS, tuple(bookings), read, NOW, options)
    lake = Lake(folder / "eu/lake", "EU")
    write_lake(lake, company)
    with lake.exclusive():
        for night in {FIRST_NIGHT.date(), *(each["seen_at"].date() for each in changes)}:
            seen = [each for each in changes if each["seen_at"].date() == night]
            lake.replace("changes", night, pa.Table.from_pylist(seen, CHANGES))
    publish(lake, folder / "eu/warehouse", company.options, company.now)
    _write_configuration(folder)


def _day(random: Random, room: Room, day: date) -> Iterator[Booking]:
    """Yield a day's bookings: busier mid-week and in HQ, a little more each month."""
    months = (day - FIRST).days / 30
    weight = (
        _POPULARITY[room.building or ""] * _BUSY_BY_WEEKDAY[day.weekday()] * (1 + 0.05 * months)
    )
    for offset, busy in enumerate(_BUSY_BY_HOUR):
        if random.random() * 10 >= busy * weight:
            continue
        start = at(room, day, f"{8 + offset:02}:00")
        lead = timedelta(hours=random.choice(_LEADS) * random.uniform(0.5, 1.5))
        details: dict[str, Any] = {
            "kind": random.choice(("single", "single", "occurrence", "occurrence", "exception")),
            "created_at": start - lead,
            "invited_headcount": max(1, round(random.triangular(1, (room.capacity or 1) * 1.1, 3))),
            "has_external": random.random() < (0.3 if room.building == "Pier" else 0.12),
            "status": random.choices(("booked", "cancelled", "held"), (90, 7, 3))[0],
        }
        minutes = random.choice((30, 45, 60, 60, 90))
        clock = f"{8 + offset + minutes // 60:02}:{minutes % 60:02}"
        yield book(room, day, f"{8 + offset:02}:00", clock, **details)


def _changes(random: Random, bookings: list[Booking]) -> Iterator[dict[str, Any]]:
    """Yield the cancellations that the nights saw, from the end of June on."""
    for booking in bookings:
        if booking.status != "cancelled" or booking.created_at is None:
            continue
        made_at = max(booking.created_at, FIRST_NIGHT)
        if made_at > booking.starts_at:
            continue
        gone_at = made_at + random.random() * (booking.starts_at - made_at)
        nights = (gone_at - FIRST_NIGHT) // timedelta(days=1)
        seen_after = FIRST_NIGHT + timedelta(days=nights)
        seen_at = seen_after + timedelta(days=1)
        length = (booking.ends_at - max(booking.starts_at, seen_at)) // timedelta(minutes=1)
        if seen_at <= NOW:
            yield dict.fromkeys(CHANGES.names) | {
                "room_id": booking.room_id,
                "change": "cancelled",
                "kind": booking.kind,
                "starts_at": booking.starts_at,
                "ends_at": booking.ends_at,
                "created_at": booking.created_at,
                "seen_after": seen_after,
                "seen_at": seen_at,
                "given_back_minutes": max(length, 0),
            }


def _write_configuration(folder: Path) -> None:
    (folder / "rooms.csv").write_text("room_id,address,time_zone\nx,x@contoso.example,UTC\n")
    exchange = {
        "kind": "ews",
        "endpoint": "https://mail.contoso.example/EWS/Exchange.asmx",
        "auth": "basic",
        "username": "svc-insights@contoso.example",
        "password_env": "INSIGHTS_EU_PASSWORD",
    }
    region = {
        "time_zone": "Europe/Copenhagen",
        "nightly_at": "02:30",
        "lake": "eu/lake",
        "warehouse": "eu/warehouse",
        "rooms": "rooms.csv",
        "exchanges": {"headquarters": exchange},
    }
    text = yaml.safe_dump({"regions": {"EU": region}}, sort_keys=False)
    (folder / "insights.yaml").write_text(text, encoding="utf-8")
