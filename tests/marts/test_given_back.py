"""R20: minutes given back and booked again, against a replay of the nights in sets of minutes."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.marts.oracle_labels import lead_time_band
from tests.marts.oracle_minutes import Readings, ceil_minute, floor_minute
from tests.marts.scenario import (
    OFFICE_WEEK,
    Booking,
    Room,
    Scenario,
    at,
    days_from,
    read_all,
    write_lake,
)
from tests.needs import DEPTH
from transforms.contract.lake import BOOKINGS
from warehouse import connect
from warehouse.directory import as_of_days
from warehouse.lake import Lake
from warehouse.ledger import Ledger
from warehouse.publish import PublishOptions, publish

Calendar: TypeAlias = dict[int, Booking]
"""What a room's calendar holds at a reading, by a number that a booking keeps when it moves."""

FIRST = date(2026, 10, 23)  # the clocks change on Sunday
DAYS = days_from(FIRST, 4)
NIGHTS = 6
WEEKS = (OFFICE_WEEK, (((480, 720), (780, 1080)),) * 7, (((0, 1440),),) * 7)
ZONES = ("Europe/Copenhagen", "America/New_York", "Asia/Kathmandu")


def read_at(night: int) -> datetime:
    """Return the instant of a reading: the last ones see days that have begun."""
    return datetime(2026, 10, 20, 7, 30, tzinfo=UTC) + night * timedelta(hours=25)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Room, list[Calendar]]:
    """Draw a room, and its calendar at each reading: booked, held, moved, resized, cancelled."""
    room = Room("oak", draw(st.sampled_from(ZONES)), draw(st.sampled_from(WEEKS)))
    quarters = st.integers(32, 52).map(lambda quarter: timedelta(minutes=15 * quarter))
    lengths = st.sampled_from((30, 30, 60, 60, 90, 121)).map(
        lambda minutes: timedelta(minutes=minutes)
    )

    def place(created_at: datetime, status: str) -> Booking:
        day = draw(st.sampled_from(DAYS[:3]))
        starts_at = at(room, day) + draw(quarters)
        return Booking(
            room.room_id, starts_at, starts_at + draw(lengths), day,
            created_at=created_at, status=status,
        )  # fmt: skip

    readings: list[Calendar] = [{}]
    number = 0
    for night in range(NIGHTS):
        calendar = dict(readings[-1])
        for kept, booking in list(calendar.items()):
            fate = draw(st.sampled_from(("stays",) * 6 + ("cancelled", "moved", "moved")))
            if fate == "cancelled":
                del calendar[kept]
            elif fate == "moved" and booking.created_at:
                calendar[kept] = place(booking.created_at, booking.status)
        for _ in range(draw(st.integers(0, 4 if night < 3 else 2))):
            number += 1
            status = draw(st.sampled_from(("booked", "booked", "booked", "held")))
            created_at = read_at(night) - timedelta(hours=2, seconds=number)
            calendar[number] = place(created_at, status)
        readings.append(calendar)
    return room, readings[1:]


def nights(lake: Lake, scene: Scenario, readings: list[Calendar]) -> Iterator[dict[str, Any]]:
    """Store each reading in the lake; yield the changes that the ledger finds, with the night."""
    (room,) = scene.rooms
    write_lake(lake, scene)
    directory = as_of_days(lake)
    for night, calendar in enumerate(readings):
        ledger = Ledger({room.room_id: read_at(night)})
        for day in DAYS:
            rows = [each.row() for each in calendar.values() if each.day == day]
            new = pa.Table.from_pylist(rows, BOOKINGS)
            new = new.set_column(
                new.column_names.index("read_at"),
                BOOKINGS.field("read_at"),
                pa.array([read_at(night)] * len(rows), BOOKINGS.field("read_at").type),
            )
            before = lake.read("coverage", day) if night else None
            ledger.compare(lake.read("bookings", day), new, before)
            with lake.exclusive():
                lake.replace("bookings", day, new)
        found = ledger.changes(directory, (), read_at(99))
        lake.replace("changes", read_at(night).date(), found)
        yield from (row | {"night": night} for row in found.to_pylist())


def minutes_of(booking: Booking) -> set[int]:
    return set(range(floor_minute(booking.starts_at), ceil_minute(booking.ends_at)))


def set_free(row: dict[str, Any], readings: list[Calendar], opened: set[int]) -> set[int]:
    """Return the open minutes that a change set free: not its own now, nobody's all along."""
    before, after = readings[row["night"] - 1], readings[row["night"]]
    (number,) = (key for key, each in before.items() if each.created_at == row["created_at"])
    ahead = set(range(ceil_minute(row["seen_at"]), max(opened, default=0) + 1))
    stood = [each for key, each in before.items() if key != number and after.get(key) == each]
    own = [after[number]] if number in after else []
    taken = set[int]().union(*map(minutes_of, [*stood, *own]))
    return minutes_of(before[number]) & opened & ahead - taken


@settings(deadline=None, max_examples=8 * DEPTH, suppress_health_check=list(HealthCheck))
@given(stories())
def test_r20_minutes_given_back_and_booked_again_are_those_of_a_replay(
    story: tuple[Room, list[Calendar]],
) -> None:
    room, readings = story
    last = date(2026, 10, 31)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    read = read_all((room,), [*DAYS, last])
    scene = Scenario((room,), (), read, now, PublishOptions(minimum_group=1))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake", "EU")
        changes = list(nights(lake, scene, readings))
        publish(lake, Path(folder) / "warehouse", scene.options, now)
        with connect("EU", warehouse=Path(folder) / "warehouse") as connection:
            shown = connection.execute(
                "SELECT change, notice_band, minutes_given_back, minutes_booked_again "
                "FROM change_profile WHERE level = 'region' AND month IS NULL "
                "AND minutes_given_back > 0"
            ).fetchall()
    final = Readings(replace(scene, bookings=tuple(readings[-1].values()))).room_days.values()
    opened, booked = (
        set[int]().union(*(getattr(day, kind) for day in final)) for kind in ("open", "booked")
    )
    given_back, again = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in changes:
        if row["change"] == "new":
            continue
        free = set_free(row, readings, opened)
        lead = Booking("", row["starts_at"], row["ends_at"], FIRST, created_at=row["seen_at"])
        key = (row["change"], str(lead_time_band(lead)))
        given_back[key] += len(free)
        again[key] += len(free & booked)
    assert {row[:2]: row[2:] for row in shown} == {
        key: (minutes, again[key]) for key, minutes in given_back.items() if minutes
    }
