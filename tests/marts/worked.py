"""One worked scenario with a bit of everything, for tests that need a full database."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Room,
    Scenario,
    all_day,
    at,
    book,
    days_from,
    read_all,
)
from transforms.contract.lake import CHANGES
from warehouse.publish import PublishOptions

FIRST = date(2026, 10, 19)
DAYS = 16
ROOMS = (
    Room("north-1", country="DK"),
    Room("north-2", capacity=4),
    Room("north-3", capacity=12, floor="2"),
    Room("east-1", time_zone="Asia/Kolkata", building="East", country="IN", subdivision="MH"),
    Room("west-1", time_zone="America/New_York", building="West", week=ALWAYS, capacity=20),
    Room("west-2", time_zone="America/New_York", building="West", capacity=None),
    Room("howe-1", time_zone="Australia/Lord_Howe", building="Howe", week=ALWAYS),
    *(Room(f"desk-{n}", room_type="desk", capacity=1) for n in range(6)),
)


def everything() -> Scenario:
    """Return two weeks across both autumn clock changes, with past and future bookings, seeded."""
    random = Random(7)
    bookings: list[Booking] = []
    days = days_from(FIRST, DAYS)
    for room in ROOMS:
        for day in days:
            bookings += [_one(random, room, day) for _ in range(random.randint(0, 5))]
        bookings.append(all_day(room, FIRST + timedelta(days=random.randint(0, 12)), 2))
    bookings.append(book(ROOMS[0], FIRST, "09:00", "24:00", kind="occurrence"))
    now = datetime(2026, 11, 3, 2, tzinfo=UTC)
    ahead = days_from(FIRST + timedelta(days=DAYS), 28)
    created_at = datetime(2026, 2, 1, tzinfo=UTC)
    since = {"seen_after": datetime(2026, 9, 20, tzinfo=UTC)}  # October is known whole
    series = {"kind": "occurrence", "created_at": created_at, "invited_headcount": 1}
    bookings += [book(ROOMS[1], day, "15:00", "16:00", **series) for day in ahead[::7]]
    return Scenario(
        ROOMS,
        tuple(bookings),
        read_all(ROOMS, [*days, *ahead]),
        now,
        PublishOptions(minimum_group=2, trailing_days=2),
        changes=tuple(cancelled(ROOMS[0], now - timedelta(days=7)) | since for _ in range(4)),
    )


def cancelled(room: Room, now: datetime) -> dict[str, Any]:
    """Return a change as the lake stores it: yesterday's noon booking, cancelled a day before."""
    starts_at = now - timedelta(hours=14)
    row: dict[str, Any] = dict.fromkeys(CHANGES.names)
    return row | {
        "room_id": room.room_id,
        "change": "cancelled",
        "kind": "single",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "seen_after": starts_at - timedelta(days=2),
        "seen_at": starts_at - timedelta(days=1),
        "given_back_minutes": 60,
    }


def _one(random: Random, room: Room, day: date) -> Booking:
    starts_at = at(room, day) + timedelta(minutes=5 * random.randint(84, 220))
    kind = random.choice(("single", "single", "occurrence", "exception"))
    return Booking(
        room.room_id,
        starts_at,
        starts_at + timedelta(minutes=random.choice((15, 25, 30, 45, 60, 60, 90, 180))),
        day,
        kind=kind,
        status=random.choice(("booked",) * 8 + ("held", "cancelled", "not_booked")),
        invited_headcount=random.choice((None, 2, 3, 4, 5, 8, 15)),
        has_external=random.choice((None, True, False)),
        created_at=starts_at - timedelta(minutes=random.choice((5, 60, 600, 5000, 20000, 60000))),
    )
