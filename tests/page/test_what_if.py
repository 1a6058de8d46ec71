"""The brackets of the page's what-if and of the command both contain the true value (R22)."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.marts.scenario import (
    ALWAYS,
    Booking,
    Room,
    Scenario,
    all_day,
    at,
    book,
    days_from,
    publish_scenario,
    scenario,
)
from tests.page.browser import Browser, Tab
from tests.page.conftest import MakePage
from tests.page.pages import Page, table_in, words_of
from tests.what_if.offices import Booking as Offered
from tests.what_if.offices import Office, best
from warehouse import what_if
from warehouse.what_if.plan import what_if_tables

MONDAY = date(2026, 9, 7)
DAYS = days_from(MONDAY, 10)
SEATS = (2, 4, 4, 8, 8, 12)
ROOMS = tuple(
    Room(f"room-{number}", week=ALWAYS, capacity=seats, floor=str(number % 3))
    for number, seats in enumerate(SEATS)
)


def busy_office() -> Scenario:
    """Return rooms that are never double-booked, often have no gap, and sometimes pass midnight."""
    random = Random(5)
    bookings: list[Booking] = []
    for room in ROOMS:
        for day in DAYS[:-1]:
            minute = 480
            while minute < 1080:
                length = random.choice((30, 60, 90))
                if random.random() < 0.7:
                    starts_at = at(room, day) + timedelta(minutes=minute)
                    ends_at = starts_at + timedelta(minutes=length)
                    invited = random.choice((None, 1, 2, 3, 5, 9))
                    bookings.append(
                        Booking(room.room_id, starts_at, ends_at, day, invited_headcount=invited)
                    )
                minute += length
    late = at(ROOMS[3], DAYS[2]) + timedelta(hours=22)
    bookings.append(Booking("room-3", late, late + timedelta(hours=5), DAYS[2]))
    return scenario(ROOMS, bookings, DAYS)


def ask(tab: Tab, remove: tuple[str, ...] = (), add: tuple[int, int] = (0, 8)) -> list[int]:
    """Return the page's answer: minutes served at least, at most, and booked."""
    tab.value(
        f"""(() => {{
          const gone = {list(remove)!r};
          document.querySelectorAll("#what-if fieldset input").forEach((box) => {{
            box.checked = gone.includes(box.value);
          }});
          document.getElementById("what-if-add").value = {add[0]};
          document.getElementById("what-if-seats").value = {add[1]};
          document.getElementById("what-if-seats")
            .dispatchEvent(new Event("input", {{ bubbles: true }}));
        }})()"""
    )
    found: dict[str, str] = tab.value(
        '({ ...document.querySelector("#what-if .answered strong").dataset })'
    )
    return [int(found[name]) for name in ("least", "most", "booked")]


def test_the_pages_bracket_holds_the_truth_that_the_command_brackets(
    make_page: MakePage, browser: Browser
) -> None:
    page = make_page(busy_office())
    tab = browser.open(page.path)
    questions: tuple[tuple[tuple[str, ...], tuple[int, int]], ...] = (
        ((), (0, 8)),
        (("room-0",), (0, 8)),
        (("room-5",), (0, 8)),
        (("room-1", "room-4"), (0, 8)),
        (("room-5", "room-4"), (2, 12)),
        (tuple(room.room_id for room in ROOMS), (3, 12)),
        (tuple(room.room_id for room in ROOMS), (0, 12)),
    )
    for remove, (count, seats) in questions:
        least, most, booked = ask(tab, remove, (count, seats))
        added = {seats: count} if count else {}
        found = what_if("EU", building="HQ", remove=remove, add=added, warehouse=page.path.parent)
        assert booked == found.minutes
        # Each least is a real placement, so it cannot exceed the other's most.
        assert least <= found.minutes_served_at_most <= most, remove
    assert tab.complaints() == []


def test_a_floor_is_left_out_at_once_and_the_command_is_there_to_copy(
    make_page: MakePage, browser: Browser
) -> None:
    tab = browser.open(make_page(busy_office()).path)
    assert "--suggest" in tab.value("document.querySelector('#what-if code').textContent")
    tab.value(
        """(() => {
          const floor = document.getElementById("what-if-floor");
          floor.value = "2";
          floor.dispatchEvent(new Event("change", { bubbles: true }));
        })()"""
    )
    said = tab.value("document.querySelector('#what-if code').textContent")
    assert said == "insights what-if --region EU --building HQ --remove room-2 --remove room-5"
    assert "find one of 4 rooms" in words_of(tab, "what-if")
    now = {row[0]: (row[1], row[2]) for row in table_in(tab, "what-if")}
    assert now == {"2": ("1", "1"), "4": ("2", "1"), "8": ("2", "2"), "12": ("1", "0")}


def test_where_nothing_is_left_out_the_hours_that_find_a_room_are_no_range(
    make_page: MakePage, browser: Browser
) -> None:
    said = words_of(browser.open(make_page(busy_office()).path), "what-if")
    assert " h would find one of 6 rooms." in said
    assert " to " not in said


def test_the_smallest_mix_serves_what_it_says_and_fewer_rooms_cannot(
    make_page: MakePage, browser: Browser
) -> None:
    page = make_page(busy_office())
    tab = browser.open(page.path)
    rows = [row for row in table_in(tab, "what-if") if int(row[3])]
    mix = {int(seats): int(count) for seats, _, _, count in rows}
    everything = [room.room_id for room in ROOMS]
    found = what_if("EU", building="HQ", remove=everything, add=mix, warehouse=page.path.parent)
    assert found.minutes_served_at_most >= 0.99 * found.minutes
    words = tab.value("document.querySelector('#what-if .answered p').textContent")
    fewest = int(words.partition("Fewer than ")[2].split()[0])
    assert fewest <= sum(mix.values())
    _, most, booked = ask(tab, tuple(everything), (fewest - 1, 99))
    assert most < 0.99 * booked


def random_building(seed: int) -> tuple[Office, Office, dict[str, Any], list[str], list[int]]:
    """Return a building after a question, and the question in the form of the page's script.

    The building comes twice: each booking needs all seats of its room, or needs one seat.
    """
    random = Random(seed)
    seats = [random.choice((2, 4, 4, 8, 12)) for _ in range(random.randint(2, 5))]
    days = days_from(MONDAY, 2)
    first = int(datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=UTC).timestamp()) // 60
    booked = []
    for room in range(len(seats)):
        minute = first + random.choice((480, 540, 1380))
        for _ in range(random.randint(0, 4)):
            length = random.choice((30, 60, 90, 240))
            if minute + length <= first + 2 * 1440:
                booked.append((room, minute, minute + length))
            minute += length + random.choice((0, 0, 15, 60))
    rooms = [
        {"room_id": f"room-{number}", "number": number, "seats": each, "time_zone": "UTC"}
        | {"site": None, "building": "HQ"}
        for number, each in enumerate(seats)
    ]
    columns = np.array(booked, np.int64).reshape(-1, 3).T
    found = what_if_tables(rooms, days, *columns)
    plan: dict[int, list[dict[str, int]]] = {}
    for row in found["what_if_plan"]:
        planned = {"seats": row["seats"], "minutes": row["booked_minutes"]}
        plan.setdefault(row["room_no"], []).append(planned)
    place = {
        "rooms": [
            {"id": row["room_id"], "seats": each, "minutes": row["booked_minutes"]}
            for row, each in zip(found["what_if_rooms"], seats, strict=True)
        ],
        "levels": [
            {"count": row["rooms"], "minutes": row["booked_minutes"]}
            for row in found["what_if_at_once"]
        ],
        "plan": list(plan.values()),
    }
    gone = {room for room in range(len(seats)) if random.random() < 0.4}
    added = random.choices((2, 4, 8, 12), k=random.choice((0, 0, 1, 2, 4)))
    stays = sorted((seats[room], room) for room in range(len(seats)) if room not in gone)
    after = sorted([*(each for each, _ in stays), *added])
    midnights = tuple(first + 1440 * day for day in range(3))
    offices = [
        Office(
            tuple(after),
            (frozenset(range(2)),) * len(after),
            midnights,
            tuple(
                Offered(None, start, end, seats[room] if is_choosy else 1)
                for room, start, end in booked
            ),
        )
        for is_choosy in (True, False)
    ]
    return offices[0], offices[1], place, [f"room-{room}" for room in gone], added


def best_of_plan(plan: list[list[dict[str, int]]], seats: list[int]) -> int:
    """Return the most minutes of a plan that rooms with these seats serve, one plan room each."""
    from scipy.optimize import linear_sum_assignment  # importing takes half a second

    worth = np.zeros((len(plan), len(seats)), int)
    for (row, planned), (column, size) in product(enumerate(plan), enumerate(seats)):
        worth[row, column] = sum(each["minutes"] for each in planned if each["seats"] <= size)
    return int(worth[linear_sum_assignment(worth, maximize=True)].sum())


def test_a_solver_finds_no_placement_outside_of_the_pages_bracket(
    worked: Page, browser: Browser
) -> None:
    made = [random_building(seed) for seed in range(80)]
    asked = [(place, gone, added) for _, _, place, gone, added in made]
    script = files("warehouse.page").joinpath("client", "what_if.js").read_text("utf-8")
    answers = browser.open(worked.path).value(
        f"""(() => {{
          const sumOf = (numbers) => numbers.reduce((sum, each) => sum + each, 0);
          {script}
          return {json.dumps(asked)}.map(([place, gone, added]) =>
            ({{ ...whatIfAnswer(place, new Set(gone), added),
              planned: minutesOfPlan(place, added), part: added }}));
        }})()"""
    )
    contested = 0
    for place, found in zip([place for place, _, _ in asked], answers, strict=True):
        assert found["planned"] == best_of_plan(place["plan"], found["part"])
    for (choosy, easy, *_), found in zip(made, answers, strict=True):
        assert found["booked"] == sum(each.end - each.start for each in choosy.bookings)
        least, most = best(choosy, by_minutes=True), best(easy, by_minutes=True)
        assert found["least"] <= least <= most <= found["most"]
        contested += least < found["booked"]
    assert contested > 15


def tables(folder: Path, office: Scenario) -> list[list[Any]]:
    database = publish_scenario(folder, office)
    names = ("what_if_rooms", "what_if_at_once", "what_if_plan")
    found = [database.rows(f"FROM {name} ORDER BY ALL") for name in names]
    database.close()
    return found


def test_the_tables_know_the_minutes_of_rooms_and_nothing_of_bookings(tmp_path: Path) -> None:
    office = busy_office()
    cut = []
    for each in office.bookings:  # two in place of one, other people, of another kind
        middle = each.starts_at + (each.ends_at - each.starts_at) / 3
        cut.append(replace(each, ends_at=middle, invited_headcount=1, kind="occurrence"))
        cut.append(replace(each, starts_at=middle, invited_headcount=None))
    others = replace(office, bookings=tuple(cut))
    one, other = tables(tmp_path / "one", office), tables(tmp_path / "other", others)
    assert one == other
    assert all(one)


@pytest.mark.parametrize("case", ["combined", "single", "changed today"])
def test_what_cannot_be_answered_without_bookings_is_not(
    case: str, make_page: MakePage, browser: Browser
) -> None:
    rooms: tuple[Room, ...] = (Room("left"), Room("right"))
    if case == "single":
        rooms = rooms[:1]
    elif case == "combined":
        rooms = (*(replace(room, part_of="both") for room in rooms), Room("both", capacity=12))
    scene = scenario(rooms, [book(rooms[0], MONDAY, "09:00", "10:00")], [MONDAY])
    if case == "changed today":
        before = tuple(replace(room, capacity=4) for room in rooms)
        history = ((MONDAY, before), (MONDAY + timedelta(days=1), rooms))
        scene = replace(scene, history=history)
    page = make_page(scene)
    assert page.data["what_if"]["name"] == []
    tab = browser.open(page.path)
    assert "insights what-if answers from single bookings" in words_of(tab, "what-if")
    assert tab.complaints() == []


def test_what_stands_in_a_room_of_unknown_size_stays_there(
    make_page: MakePage, browser: Browser
) -> None:
    rooms = (Room("known", week=ALWAYS), Room("unknown", week=ALWAYS, capacity=None))
    booked = [
        book(rooms[1], MONDAY, "09:00", "10:00"),
        book(rooms[0], MONDAY, "09:00", "11:00"),
    ]
    tab = browser.open(make_page(scenario(rooms, booked, [MONDAY])).path)
    assert ask(tab) == [180, 180, 180]
    assert ask(tab, ("known",)) == [60, 120, 180]
    assert ask(tab, ("unknown",)) == [120, 120, 180]
    assert ask(tab, ("unknown",), (2, 20)) == [120, 180, 180]


def test_a_rooms_minutes_are_those_that_room_days_already_tells(make_page: MakePage) -> None:
    rooms = (*ROOMS[:3], Room("office-hours"))
    booked = [each for each in busy_office().bookings if each.room_id in {"room-0", "room-1"}]
    booked += [all_day(rooms[3], DAYS[0], 2), book(rooms[3], DAYS[3], "17:00", "19:00")]
    booked += [book(rooms[3], DAYS[4], "09:00", "11:00"), book(rooms[3], DAYS[4], "10:00", "12:00")]
    page = make_page(scenario(rooms, booked, DAYS))
    found = page.database.rows(
        "SELECT room_id, sum(booked_minutes + booked_minutes_outside_hours) FROM room_days "
        "WHERE isodow(local_date) < 6 GROUP BY ALL ORDER BY ALL"
    )
    told = page.database.rows("SELECT room_id, booked_minutes FROM what_if_rooms ORDER BY ALL")
    assert told == found
    assert ("office-hours", 2 * 600 + 120 + 180) in told


def test_an_all_day_booking_counts_with_open_time_or_it_could_be_counted(tmp_path: Path) -> None:
    lunch = (((480, 690), (750, 1080)),) * 5 + ((), ())
    rooms = tuple(Room(name, week=lunch, time_zone="Asia/Kolkata") for name in ("one", "two"))
    days = days_from(MONDAY, 3)
    booked = [all_day(rooms[0], MONDAY, 2), book(rooms[1], MONDAY, "09:00", "10:00")]
    timed = [
        *(book(rooms[0], day, "08:00", "11:30") for day in days[:2]),
        *(book(rooms[0], day, "12:30", "18:00") for day in days[:2]),
        booked[1],
    ]
    found = tables(tmp_path / "all-day", scenario(rooms, booked, days))
    assert found == tables(tmp_path / "timed", scenario(rooms, timed, days))
    assert [row[-1] for row in found[0]] == [1080, 60]


def test_r1_a_booking_of_seconds_is_a_minute_for_the_page_too(tmp_path: Path) -> None:
    starts_at = at(ROOMS[0], MONDAY) + timedelta(hours=10, seconds=10)
    short = Booking("room-0", starts_at, starts_at + timedelta(seconds=30), MONDAY)
    rooms, at_once, plan = tables(tmp_path, scenario(ROOMS, [short], DAYS))
    assert sum(row[-1] for row in rooms) == 1
    assert [row[-1] for row in at_once] == [row[-1] for row in plan] == [1]
