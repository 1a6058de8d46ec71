"""The best possible placement lies within the bracket, and the one found is feasible (R22)."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.needs import DEPTH
from tests.what_if.offices import Booking, Office, best, random_office
from warehouse.what_if.bounds import at_most, small_mix
from warehouse.what_if.placement import Building, place, place_anew, served

OFFICES = range(50 * DEPTH)


def overlapping(
    building: Building, office: Office, rooms: npt.NDArray[np.integer]
) -> list[tuple[int, int]]:
    return [
        (one, other)
        for one, other in combinations(np.flatnonzero(rooms >= 0).tolist(), 2)
        if office.takes(int(rooms[one])) & office.takes(int(rooms[other]))
        and building.starts[one] < building.ends[other]
        and building.starts[other] < building.ends[one]
    ]


@pytest.mark.hypothesis
@pytest.mark.parametrize("hundred", range(4 * DEPTH))
def test_a_solver_finds_the_best_placement_within_the_bracket(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        office = random_office(seed)
        building = office.as_arrays()
        (placed,), most = place([building]), at_most(building)
        bookings, minutes = best(office, by_minutes=False), best(office, by_minutes=True)
        in_place, least = (served(building, rooms)[0] for rooms in placed[:2])
        assert in_place <= least <= bookings <= most[0], seed
        whole = at_most(building, np.unique(building.day[placed.most_bookings < 0]))
        assert most[0] <= whole[0], seed
        assert served(building, placed.most_minutes)[1] <= minutes <= most[1], seed


def test_the_most_are_no_fewer_than_if_all_invited_needed_a_seat_in_any_other_room() -> None:
    stricter = 0
    for seed in range(100):
        office = random_office(seed)
        full = tuple(
            replace(each, invited=each.need + 3)
            if each.own is not None and each.need == office.seats[each.own]
            else each
            for each in office.bookings
        )
        found = best(replace(office, bookings=full), by_minutes=False)
        assert found <= at_most(office.as_arrays())[0], seed
        stricter += found < best(office, by_minutes=False)
    assert stricter


@pytest.mark.hypothesis
@pytest.mark.parametrize("seed", OFFICES)
def test_no_room_is_too_small_closed_or_taken_twice(seed: int) -> None:
    office = random_office(seed)
    building = office.as_arrays()
    for rooms in (*place([building])[0], *place_anew(building)):
        placed = rooms >= 0
        assert (building.seats[rooms[placed]] >= building.need[placed]).all()
        first, last = building.starts // 1500, (building.ends - 1) // 1500
        for booking in np.flatnonzero(placed):
            days = slice(first[booking], last[booking] + 1)
            assert building.is_available[days, rooms[booking]].all()
        assert not overlapping(building, office, rooms)


@pytest.mark.hypothesis
@pytest.mark.parametrize("seed", OFFICES)
def test_a_booking_keeps_its_room_unless_another_is_there(seed: int) -> None:
    office = random_office(seed)
    building = office.as_arrays()
    rooms = place([building])[0].in_place
    for booking in np.flatnonzero((building.room >= 0) & (rooms != building.room)):
        taken = office.takes(int(building.room[booking]))
        others = [bool(taken & office.takes(int(room))) for room in building.room]
        others &= rooms == building.room
        meets = (building.starts < building.ends[booking]) & (
            building.starts[booking] < building.ends
        )
        assert (others & meets).any()


@given(
    spans=st.lists(st.tuples(st.integers(0, 280), st.integers(1, 60)), max_size=40),
    rooms=st.integers(1, 6),
)
def test_rooms_of_one_size_leave_nothing_open(spans: list[tuple[int, int]], rooms: int) -> None:
    # For bookings of one day in equal rooms, a sweep serves as many as possible.
    bookings = tuple(Booking(None, start * 5, (start + length) * 5, 3) for start, length in spans)
    kept = tuple(each for each in bookings if each.end <= 1440)
    office = Office((4,) * rooms, (frozenset({0}),) * rooms, (0, 1440), kept)
    building = office.as_arrays()
    assert served(building, place([building])[0].most_bookings)[0] == at_most(building)[0]


def test_a_larger_room_serves_a_smaller_booking_and_never_the_other_way_round() -> None:
    need_four, need_eight = (Booking(None, 600, 660, need) for need in (4, 8))

    def most(seats: tuple[int, ...], *bookings: Booking) -> int:
        office = Office(seats, (frozenset({0}),) * len(seats), (0, 1440), bookings)
        return at_most(office.as_arrays())[0]

    assert most((8,), need_four) == 1
    assert most((4,), need_eight) == 0
    assert most((4, 8), need_four, need_four) == 2
    assert most((4, 8), need_four, need_eight) == 2
    assert most((4, 8), need_eight, need_eight) == 1
    assert most((4, 8), need_four, need_four, need_four) == 2


@pytest.mark.parametrize("seed", range(40))
def test_a_suggested_mix_serves_its_share_and_no_smaller_one_is_promised_to_fail_wrongly(
    seed: int,
) -> None:
    office = random_office(seed)
    building = office.as_arrays()
    if not len(building.seats) or (building.need > building.seats.max()).any():
        return
    mix = small_mix(building, 0.9)
    wanted = -(-len(office.bookings) * 9 // 10)
    assert served(mix.building, mix.placed.most_bookings)[0] >= wanted
    assert mix.fewest_rooms <= len(mix.building.seats)
    days = frozenset(range(len(office.midnights) - 1))
    if mix.fewest_rooms:  # even of the largest rooms, one fewer is too few for a solver
        count = mix.fewest_rooms - 1
        large = (int(building.seats.max()),) * count
        homeless = tuple(Booking(None, each.start, each.end, each.need) for each in office.bookings)
        fewer = Office(large, (days,) * count, office.midnights, homeless)
        assert best(fewer, by_minutes=False) < wanted


def test_a_suggested_mix_has_no_room_that_could_be_left_out() -> None:
    times = ((570, 630, 4), (600, 660, 2), (630, 720, 2), (660, 720, 4))
    bookings = tuple(Booking(None, *each) for each in times)
    office = Office((2, 4), (frozenset({0}),) * 2, (0, 1440), bookings)
    assert small_mix(office.as_arrays(), 0.99).building.seats.tolist() == [4, 4]
