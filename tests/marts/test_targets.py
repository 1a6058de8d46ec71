"""Seats used as a target: an upper bound from the published bands, never too low."""

from dataclasses import replace
from datetime import date
from random import Random

from tests.marts.conftest import Publish
from tests.marts.scenario import Booking, Database, Room, book, closed_month, days_from
from warehouse.targets import Target, TargetResult, evaluate

QUARTER = days_from(date(2026, 7, 1), 92)
ROOMS = tuple(
    Room(f"{building}-{seats}", building=building, capacity=seats)
    for building in ("north", "south")
    for seats in (4, 7, 8, 12)
)


def judged(
    published: Publish, rooms: tuple[Room, ...], bookings: list[Booking], *targets: Target
) -> list[TargetResult]:
    database: Database = published(closed_month(rooms, bookings, QUARTER))
    return evaluate(database.connection, targets)


def seats_used(limit: int, building: str | None = None, band: str | None = None) -> Target:
    return Target("seats_used_percent_at_least", limit, building, band)


def test_the_bound_is_never_under_the_mean_of_the_bookings(published: Publish) -> None:
    chance = Random(1)
    bookings = []
    for room in ROOMS:
        for day in QUARTER[::2]:
            people = chance.choice([None, 1, 2, 2, 3, 3, 5, 6, 9, 15])
            bookings.append(book(room, day, "09:00", "10:00", invited_headcount=people))
    places = [("north", None), ("south", "5-8"), (None, "9-14"), ("north", "2-4")]
    found = judged(published, ROOMS, bookings, *(seats_used(1, *place) for place in places))
    sizes = {"2-4": (4,), "5-8": (7, 8), "9-14": (12,), None: (4, 7, 8, 12)}
    for result, (building, band) in zip(found, places, strict=True):
        capacities = {
            room.room_id: room.capacity
            for room in ROOMS
            if building in (None, room.building) and room.capacity in sizes[band]
        }
        shares = [
            min(1, each.invited_headcount / (capacities[each.room_id] or 1))
            for each in bookings
            if each.room_id in capacities and each.invited_headcount is not None
        ]
        assert result.value is not None
        assert 100 * sum(shares) / len(shares) <= result.value <= 100
        assert not result.is_missed


def test_a_quarter_whose_seats_stay_empty_is_missed_and_one_without_people_is_not_judged(
    published: Publish,
) -> None:
    (room,) = (room for room in ROOMS if room.room_id == "north-8")
    pairs = [book(room, day, "09:00", "10:00", invited_headcount=2) for day in QUARTER[::3]]
    (missed,) = judged(published, (room,), pairs, seats_used(50, "north"))
    assert (missed.value, missed.is_missed) == (40, True)  # two people on five seats at least
    assert missed.sentence == (
        "north, all rooms: invited people fill at most 40 % of the seats in quarter 3 of 2026; "
        "the target is at least 50 %."
    )
    unknown = [replace(each, invited_headcount=None) for each in pairs]
    (unjudged,) = judged(published, (room,), unknown, seats_used(50, "north"))
    assert (unjudged.value, unjudged.is_missed) == (None, False)


def test_a_quarter_with_a_month_of_too_few_bookings_is_not_judged(published: Publish) -> None:
    (room,) = (room for room in ROOMS if room.room_id == "north-8")
    days = [day for day in QUARTER[::3] if day.month != 8]
    pairs = [book(room, day, "09:00", "10:00", invited_headcount=2) for day in days]
    (result,) = judged(published, (room,), pairs, seats_used(50, "north"))
    assert result.value is None


def test_a_quarter_is_not_judged_where_one_in_ten_room_days_was_not_read(
    published: Publish,
) -> None:
    target = Target("utilization_percent_at_least", 90, "north")
    bookings = [book(ROOMS[0], day, "09:00", "10:00") for day in QUARTER]
    whole = closed_month(ROOMS, bookings, QUARTER)
    for unread, is_missed in ((2, True), (10, False)):
        never = set(QUARTER[:unread])
        found = tuple(
            replace(each, is_loaded=False, read_at=None)
            if each.room_id.startswith("north") and each.day in never and each.room_id != "north-4"
            else each
            for each in whole.coverage
        )
        (result,) = evaluate(published(replace(whole, coverage=found)).connection, [target])
        assert result.is_missed is is_missed
        assert (result.value is not None) is is_missed
