"""R19, R20: the ledger in the lake, over nights that fail, are repeated or killed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tests.lake.rows import SATURDAY, booking, coverage, staged, stored
from tests.object_stores import EVERYWHERE
from transforms.contract.lake import CHANGES, ROOMS
from transforms.local_time import Closure
from warehouse.calendar import open_minutes, profile_of
from warehouse.erase import Erasure, erase, find
from warehouse.lake import Lake
from warehouse.nightly import apply_night, retain, staging

MONDAY = date(2026, 11, 23)
MADE = datetime(2026, 10, 1, 8, tzinfo=UTC)
DAYS = [MONDAY + timedelta(days=offset) for offset in range(4)]


def read_at(night: int) -> datetime:
    return datetime(2026, 11, 22 + night, 1, tzinfo=UTC)


def at(hour: int, day: date = MONDAY, room_id: str = "a", **changes: Any) -> dict[str, Any]:
    return booking(room_id, day, hour, **({"created_at": MADE} | changes))


def night(
    lake: Lake,
    number: int,
    *rows: Mapping[str, Any],
    failed: str = "",
    days: list[date] | None = None,
    closures: tuple[Closure, ...] = (),
) -> list[tuple[Any, ...]]:
    """Read rooms a and b; return what the night's file holds afterwards."""
    loaded = {room_id: read_at(number) for room_id in "ab" if room_id not in failed}
    begins_at = datetime.combine((days or DAYS)[0], datetime.min.time(), UTC)
    span = (begins_at, begins_at + timedelta(days=len(days or DAYS)))
    seen_on = read_at(number).date()
    with lake.exclusive(), staging(lake) as run:
        run.add(staged(*({**row, "read_at": read_at(number)} for row in rows)))
        apply_night(
            *(lake, run, days or DAYS, "ab", loaded, dict.fromkeys(failed, "HTTP503")),
            *(dict.fromkeys(loaded, span), closures, seen_on),
        )
    return ledger(lake, seen_on)


def ledger(lake: Lake, seen_on: date) -> list[tuple[Any, ...]]:
    table = lake.read("changes", seen_on)
    assert table is not None
    return [
        (row["room_id"], row["change"], row["starts_at"].hour, row["given_back_minutes"])
        for row in table.to_pylist()
    ]


@pytest.fixture(autouse=True)
def rooms(lake: Lake) -> None:
    row = {"time_zone": "UTC", "room_type": "other", "open_hours": "Mon-Fri 09:00-17:00"}
    rows = [row | {"room_id": room_id} for room_id in "ab"]
    lake.replace("rooms", None, pa.Table.from_pylist(rows, ROOMS))


def test_the_first_reading_of_a_day_is_no_change(lake: Lake) -> None:
    assert night(lake, 0, at(9)) == []


def test_a_change_lies_between_the_two_readings(lake: Lake) -> None:
    night(lake, 0, at(9), at(10, room_id="b"))
    assert night(lake, 1, at(10, room_id="b")) == [("a", "cancelled", 9, 45)]
    table = lake.read("changes", read_at(1).date())
    assert table is not None
    assert table.schema.equals(CHANGES)
    (row,) = table.to_pylist()
    assert (row["seen_after"], row["seen_at"]) == (read_at(0), read_at(1))


def test_a_move_to_another_day_of_the_window_is_a_move(lake: Lake) -> None:
    night(lake, 0, at(9))
    assert night(lake, 1, at(14, DAYS[3])) == [("a", "moved", 9, 45)]


def test_a_booking_on_a_day_that_is_read_for_the_first_time_is_no_change(lake: Lake) -> None:
    night(lake, 0, at(9))
    later = [day + timedelta(days=1) for day in DAYS]
    assert night(lake, 1, at(9), at(9, later[-1], kind="occurrence"), days=later) == []


def test_a_booking_that_moved_to_a_day_read_for_the_first_time_is_a_move(lake: Lake) -> None:
    night(lake, 0, at(9, DAYS[1]))
    later = [day + timedelta(days=1) for day in DAYS]
    assert night(lake, 1, at(14, later[-1]), days=later) == [("a", "moved", 9, 45)]


def test_a_night_that_is_run_twice_adds_nothing_and_a_second_change_is_added(lake: Lake) -> None:
    night(lake, 0, at(9), at(11))
    once = night(lake, 1, at(11))
    assert night(lake, 1, at(11)) == once
    assert night(lake, 1) == [("a", "cancelled", 9, 45), ("a", "cancelled", 11, 45)]


def test_a_room_that_failed_is_compared_with_its_last_good_reading(lake: Lake) -> None:
    night(lake, 0, at(9, DAYS[2]))
    assert night(lake, 1, failed="a") == []
    assert night(lake, 2, at(11, DAYS[2])) == [("a", "moved", 9, 45)]
    table = lake.read("changes", read_at(2).date())
    assert table is not None
    assert table["seen_after"].to_pylist() == [read_at(0)]


def test_a_long_booking_that_began_before_the_window_and_is_cancelled(lake: Lake) -> None:
    long = at(9, SATURDAY, ends_at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert night(lake, 0, long) == []
    assert night(lake, 1) == [("a", "cancelled", 9, 180)]


@pytest.mark.parametrize(
    ("number", "minutes"), [(1, 45), (2, 0)], ids=["before it began", "afterwards"]
)
def test_r20_only_what_had_not_begun_is_given_back(lake: Lake, number: int, minutes: int) -> None:
    night(lake, 0, at(10))
    assert night(lake, number) == [("a", "cancelled", 10, minutes)]


def test_r20_minutes_are_clipped_to_open_time(lake: Lake) -> None:
    ends_at = at(16)["starts_at"] + timedelta(hours=3)
    night(lake, 0, at(16, ends_at=ends_at), at(16, DAYS[1], ends_at=ends_at + timedelta(days=1)))
    closed = Closure(DAYS[1], DAYS[1])
    assert night(lake, 1, closures=(closed,)) == [
        ("a", "cancelled", 16, 60),
        ("a", "cancelled", 16, 0),
    ]


@pytest.mark.parametrize(
    ("changes", "minutes"),
    [
        ({}, 8 * 60),
        ({"closures": (Closure(MONDAY, MONDAY),)}, 0),
        ({"closures": (Closure(MONDAY, MONDAY, room_id="b"),)}, 8 * 60),
        ({"country": "DK", "day": date(2026, 12, 25)}, 0),
        ({"day": SATURDAY}, 0),
        ({"opened_on": MONDAY + timedelta(days=1)}, 0),
        ({"opened_on": MONDAY}, 8 * 60),
        ({"closed_on": MONDAY}, 0),
        ({"closed_on": MONDAY + timedelta(days=1)}, 8 * 60),
    ],
)
def test_r2_a_room_is_open_in_its_hours_but_for_holidays_closures_and_days_out_of_use(
    changes: dict[str, Any], minutes: int
) -> None:
    day = changes.get("day", MONDAY)
    room: dict[str, Any] = {"room_id": "a", "time_zone": "UTC"}
    room["open_hours"] = "Mon-Fri 09:00-17:00"
    room |= dict.fromkeys(("site", "building", "subdivision"))
    room |= {"country": changes.get("country")}
    span = (datetime.combine(day, time(), UTC), datetime.combine(day, time(23, 59), UTC))
    in_use = (changes.get("opened_on"), changes.get("closed_on"))
    assert open_minutes(profile_of(room, changes.get("closures", ())), in_use, span) == minutes


def test_r2_the_repeated_hour_of_a_clock_change_is_open_twice_and_the_missing_one_never() -> None:
    room = {"room_id": "a", "time_zone": "Europe/Copenhagen", "open_hours": "Sun 01:00-04:00"}
    profile = profile_of(room | dict.fromkeys(("site", "building", "country", "subdivision")), ())
    for day, hours in ((date(2026, 10, 25), 4), (date(2026, 3, 29), 2), (date(2026, 11, 1), 3)):
        starts_at = datetime.combine(day, time(), UTC) - timedelta(hours=6)
        span = (starts_at, starts_at + timedelta(hours=20))
        assert open_minutes(profile, (None, None), span) == hours * 60


def test_r20_what_another_booking_still_holds_is_not_given_back(lake: Lake) -> None:
    long = at(10, ends_at=at(12)["starts_at"])
    night(lake, 0, long, at(10))
    assert night(lake, 1, at(10)) == [("a", "cancelled", 10, 75)]


def test_r20_minutes_that_somebody_else_took_by_the_next_reading_were_given_back(
    lake: Lake,
) -> None:
    night(lake, 0, at(10))
    other = at(10, created_at=read_at(0) + timedelta(hours=1))
    assert night(lake, 1, other) == [("a", "cancelled", 10, 45), ("a", "new", 10, 0)]


def test_r20_a_move_gives_back_what_it_does_not_hold_itself(lake: Lake) -> None:
    starts_at = at(10)["starts_at"] + timedelta(minutes=15)
    night(lake, 0, at(10))
    moved = at(10, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))
    assert night(lake, 1, moved) == [("a", "moved", 10, 15)]


def test_r20_minutes_given_back_have_the_opening_hours_of_their_own_local_days(lake: Lake) -> None:
    # From Tuesday on, the room opens an hour later; its Tuesday begins on Monday in UTC.
    row = {"room_id": "a", "time_zone": "Pacific/Auckland", "room_type": "other"}
    for day, hours in ((date(2026, 11, 1), "09:00-17:00"), (DAYS[1], "10:00-17:00")):
        rooms = [row | {"open_hours": f"Mon-Fri {hours}"}]
        lake.replace("directory", day, pa.Table.from_pylist(rooms, ROOMS))
    tuesday = at(20)["starts_at"]  # nine o'clock in Auckland
    two_hours = at(20, ends_at=tuesday + timedelta(hours=2))
    two_days = at(20, ends_at=tuesday + timedelta(hours=2), starts_at=tuesday - timedelta(days=1))
    night(lake, 0, two_hours, two_days)
    # The second reading is at two o'clock on Monday.
    assert [row[3] for row in night(lake, 1)] == [3 * 60 + 60, 60]


@EVERYWHERE
def test_retention_takes_changes_with_their_night_and_with_their_booking(lake: Lake) -> None:
    night(lake, 0, at(9), at(9, DAYS[3]))
    night(lake, 1)
    night(lake, 2, at(9, DAYS[3]))
    first_kept = read_at(2).date()
    retain(lake, first_kept + timedelta(days=30), 1)
    assert lake.days("changes") == [first_kept]
    assert ledger(lake, first_kept) == [("a", "new", 9, 0)]
    retain(lake, DAYS[3] + timedelta(days=32), 1)
    assert lake.days("changes") == []


def test_a_change_of_a_booking_past_its_retention_goes_though_its_night_is_kept(lake: Lake) -> None:
    night(lake, 0, at(9), at(9, DAYS[3]))
    night(lake, 3)
    retain(lake, DAYS[2] + timedelta(days=30), 1)
    assert ledger(lake, read_at(3).date()) == [("a", "cancelled", 9, 45)]


@EVERYWHERE
def test_erasure_reaches_the_ledger(lake: Lake) -> None:
    night(lake, 0, at(9), at(9, DAYS[2]), at(9, room_id="b"))
    night(lake, 1)
    of_a_day = Erasure(room_id="a", first_date=MONDAY, last_date=MONDAY)
    assert find(lake, of_a_day).changes == 1
    erase(lake, of_a_day)
    assert find(lake, of_a_day).changes == 0
    assert ledger(lake, read_at(1).date()) == [("a", "cancelled", 9, 45), ("b", "cancelled", 9, 45)]
    erase(lake, Erasure(last_date=MONDAY))
    assert ledger(lake, read_at(1).date()) == [("a", "cancelled", 9, 45)]


def test_an_erased_room_day_is_no_earlier_reading(lake: Lake) -> None:
    night(lake, 0, at(9))
    erase(lake, Erasure(room_id="a"))
    assert night(lake, 1, at(9)) == []


def test_a_day_without_a_good_reading_is_no_earlier_reading(lake: Lake) -> None:
    lake.replace("bookings", MONDAY, stored())
    lake.replace("coverage", MONDAY, coverage(("a", False, None, "HTTP503")))
    assert night(lake, 1, at(9)) == []
