"""Statistics of two lakes that differ only in what R17 hides: no other table tells them apart."""

from datetime import date
from pathlib import Path
from typing import Final

import duckdb
import pytest

from tests.marts.scenario import (
    Booking,
    Room,
    Rows,
    Scenario,
    book,
    closed_month,
    days_from,
    publish_scenario,
    scenario,
)
from transforms.contract.database import STATISTICS
from warehouse.versions import pointer

ROOM: Final = Room("oak")
MONDAY: Final = date(2026, 9, 7)
SATURDAY: Final = date(2026, 9, 12)


def told(folder: Path, scene: Scenario, *only: str) -> dict[str, Rows]:
    """Publish a lake, and return every row that everybody may see, but for the profile."""
    publish_scenario(folder, scene).close()
    path = pointer(folder / "warehouse", "EU")
    tables = only or [name for name in STATISTICS if name != "booking_profile"]
    with duckdb.connect(str(path.with_stem(f"{path.stem}-statistics")), read_only=True) as database:
        return {name: database.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in tables}


def test_nothing_tells_that_rooms_of_one_person_were_booked_while_closed(tmp_path: Path) -> None:
    own = [Room(kind, room_type=kind) for kind in ("desk", "office", "executive")]
    rooms = (ROOM, *own)
    bookings = [book(room, SATURDAY, "09:00", "10:00") for room in own]
    free = told(tmp_path / "free", scenario(rooms, [], days_from(MONDAY, 7)))
    assert told(tmp_path / "booked", scenario(rooms, bookings, days_from(MONDAY, 7))) == free


def test_nothing_tells_how_many_bookings_a_room_had_on_a_day(tmp_path: Path) -> None:
    one = [book(ROOM, MONDAY, "09:00", "11:00")]
    two = [book(ROOM, MONDAY, "09:00", "10:00"), book(ROOM, MONDAY, "10:00", "11:00")]
    of_one = told(tmp_path / "one", scenario((ROOM,), one, [MONDAY]))
    assert told(tmp_path / "two", scenario((ROOM,), two, [MONDAY])) == of_one


def test_nothing_tells_which_of_the_hidden_counts_are_0(tmp_path: Path) -> None:
    def invited(*headcounts: int) -> Scenario:
        days = days_from(MONDAY, 5)
        bookings: list[Booking] = [
            book(ROOM, day, f"{hour:02}:00", f"{hour + 1:02}:00", invited_headcount=people)
            for day, people in zip(days, headcounts, strict=True)
            for hour in (9, 11)
        ]
        return closed_month((ROOM,), bookings, days)

    few = told(tmp_path / "few", invited(4, 4, 4, 1, 2))
    assert told(tmp_path / "more", invited(4, 4, 1, 2, 6)) == few


@pytest.mark.parametrize(("a_day", "bookings"), [(1, None), (2, 4 + 2 * 5)])
def test_a_region_has_no_total_if_the_days_on_which_its_rooms_are_used_tell_its_parts(
    tmp_path: Path, a_day: int, bookings: int | None
) -> None:
    """Each room is used on too few days; days tell one booking, or the second one right after."""
    rooms = (Room("oak", building="A"), Room("elm", building="B"))
    made = [book(rooms[0], day, "09:00", "10:00") for day in days_from(MONDAY, 4)]
    made += [
        book(rooms[1], day, f"{9 + number:02}:00", f"{10 + number:02}:00")
        for day in days_from(MONDAY, 5)
        for number in range(a_day)
    ]
    found = told(tmp_path, closed_month(rooms, made, days_from(MONDAY, 5)), "booking_profile")
    names = STATISTICS["booking_profile"].schema.names
    rows = [dict(zip(names, row, strict=True)) for row in found["booking_profile"]]
    totals = {row["cell_bookings"] for row in rows if row["level"] == "region"}
    assert totals == ({bookings} - {None})
