"""In a browser the page shows the database's figures, and its filters change them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.marts.scenario import ALWAYS, Room, Scenario, all_day, book, days_from, scenario
from tests.marts.test_bad_input import MONDAY, NOW
from tests.page.browser import Browser, Tab
from tests.page.conftest import MakePage
from tests.page.pages import Page, choose, figure, seats, table_in, words_of

_PLACED = "FROM room_days JOIN rooms USING (room_id) WHERE "
_CHOICES: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "true"),
    ({"building": "HQ"}, "building = 'HQ'"),
    ({"size": seats("5-8")}, "building = 'HQ' AND capacity_band = '5-8'"),
    (
        {"period": "October 2026"},
        "building = 'HQ' AND capacity_band = '5-8' AND local_date < '2026-11-01'",
    ),
    (
        {"building": "All buildings", "size": "Size unknown"},
        "capacity_band IS NULL AND local_date < '2026-11-01'",
    ),
)


def assert_shows(tab: Tab, page: Page, where: str) -> None:
    """Compare what the page shows with the database, for the rooms and days of ``where``."""
    row = page.database.row
    open_minutes, booked, bookings = row(
        f"SELECT sum(open_minutes), sum(booked_minutes), sum(bookings) {_PLACED}{where}"
    )
    assert figure(tab, "booked_utilization") == pytest.approx(booked / open_minutes)
    assert figure(tab, "bookings") == bookings
    used, open_days = row(
        "SELECT count(*) FILTER (booked_minutes > 0), count(*) "
        f"{_PLACED}{where} AND open_minutes > 0"
    )
    assert figure(tab, "used_day_share") == pytest.approx(used / open_days)
    assert figure(tab, "dormant_rooms") == len(
        page.database.rows(
            f"SELECT room_id {_PLACED}{where} GROUP BY ALL "
            "HAVING sum(open_minutes) > 0 AND sum(booked_minutes) = 0"
        )
    )
    assert week_in(tab) == {
        (hour, weekday): pytest.approx(share)
        for hour, weekday, share in page.database.rows(
            "SELECT local_hour, isodow(local_date), sum(booked_minutes) / sum(open_minutes) "
            f"FROM room_hours JOIN rooms USING (room_id) WHERE {where} "
            "GROUP BY ALL HAVING sum(open_minutes) > 0"
        )
    }
    anywhere = where.replace("building = 'HQ'", "true")
    assert buildings_in(tab) == dict(
        page.database.rows(f"SELECT building, sum(booked_minutes) {_PLACED}{anywhere} GROUP BY ALL")
    )
    assert peaks_in(tab) == page.database.row(
        "SELECT sum(rooms_open), sum(peak) FROM (SELECT max(rooms_open) AS rooms_open, "
        f"max(peak_rooms_in_use) AS peak FROM rooms_in_use WHERE {where} "
        "GROUP BY site, building, capacity_band)"
    )


def week_in(tab: Tab) -> dict[tuple[int, int], float]:
    return {
        (int(hour[:2]), weekday): float(share)
        for hour, *shares in table_in(tab, "week")
        for weekday, share in enumerate(shares, start=1)
        if share
    }


def buildings_in(tab: Tab) -> dict[str, int]:
    return {name: int(booked) for name, _, booked, _ in table_in(tab, "buildings")}


def peaks_in(tab: Tab) -> tuple[int, int]:
    rows = table_in(tab, "in-use")
    return sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)


def test_the_page_shows_the_databases_figures_for_every_choice_and_complains_of_nothing(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    for chosen, where in _CHOICES:
        choose(tab, **chosen)
        assert_shows(tab, worked, where)
    assert tab.complaints() == []
    assert {url.partition(":")[0] for url in tab.requests()} <= {"file", "data"}


def test_bookings_by_size_duration_and_lead_time_are_those_that_may_be_shown(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path, "#building=HQ")
    where = "building = 'HQ'"
    for section, query in (
        ("durations", f"SELECT sum(bookings) FROM booking_mix WHERE {where}"),
        (
            "lead-times",
            f"SELECT sum(bookings) FROM booking_mix WHERE {where} AND kind = 'single'",
        ),
    ):
        counted = sum(int(row[1]) for row in table_in(tab, section))
        assert (counted,) == worked.database.row(query)
    sizes: dict[str, Any] = {
        row[0]: (int(row[-2]), float(row[-1])) for row in table_in(tab, "size-fit")
    }
    assert sizes == {
        seats(band): (bookings, pytest.approx(fill))
        for band, bookings, fill in worked.database.rows(
            "SELECT capacity_band, sum(bookings), "
            "sum(seat_minutes_used) / sum(seat_minutes_offered) "
            f"FROM size_fit WHERE {where} GROUP BY ALL"
        )
    }
    (all_bookings,) = worked.database.row(f"SELECT sum(bookings) {_PLACED}{where}")
    (shown,) = worked.database.row(f"SELECT sum(bookings) FROM booking_mix WHERE {where}")
    left_out = f"Small groups left out: {all_bookings - shown} of {all_bookings} bookings."
    assert left_out in words_of(tab, "durations")


def test_peaks_are_added_over_buildings_and_a_size_without_a_free_room_is_sold_out(
    make_page: MakePage, browser: Browser
) -> None:
    rooms = tuple(
        Room(f"{building}-{number}", building=building, week=ALWAYS)
        for building in ("East", "West")
        for number in range(2)
    )
    tuesday = MONDAY + timedelta(days=1)
    bookings = [book(room, MONDAY, "09:00", "10:00") for room in rooms[:2]]
    bookings += [book(rooms[2], tuesday, "09:00", "12:00")]
    tab = browser.open(make_page(scenario(rooms, bookings, [MONDAY, tuesday])).path)
    assert table_in(tab, "in-use") == [[seats("5-8"), "4", "3", "1.5", "1", "60"]]
    assert f"1 of 4 rooms with {seats('5-8')} stood free" in words_of(tab, "in-use")
    choose(tab, building="East")
    assert table_in(tab, "in-use") == [[seats("5-8"), "2", "2", "1", "1", "60"]]
    choose(tab, building="West")
    assert table_in(tab, "in-use") == [[seats("5-8"), "2", "1", "0.5", "0", "0"]]


def answers_in(tab: Tab) -> dict[str, str]:
    found: list[list[str]] = tab.value(
        """[...document.querySelectorAll(".answers .card")].map((card) =>
          [...card.querySelectorAll("h2, strong, p")].map((each) => each.textContent))"""
    )
    return {question: f"{answer}: {words}" for question, answer, words in found}


def test_what_a_facility_manager_asks_first_is_answered_in_a_line_each(
    make_page: MakePage, browser: Browser
) -> None:
    rooms = tuple(
        Room(f"{building.lower()}-{number}", building=building, week=ALWAYS)
        for building, number in (("East", 0), ("East", 1), ("West", 0))
    )
    bookings = [
        replace(book(room, MONDAY, f"{hour:02}:00", f"{hour + 1:02}:00"), invited_headcount=2)
        for room in rooms[:2]
        for hour in range(8, 13)
    ]
    tab = browser.open(make_page(scenario(rooms, bookings, [MONDAY])).path)
    size = seats("5-8")
    assert answers_in(tab) == {
        "Too few?": f"East, {size}: All of them taken at some time on 1 of 1 day, 5 h in all.",
        "Too big?": "All: of 10 bookings shown invite fewer people than 60% of the "
        f"seats. Most in rooms of {size}: 100%.",
        "Never used?": "1 room: west-0 (West).",
    }
    choose(tab, building="West")
    told = answers_in(tab)
    assert told["Too few?"].startswith("Not known: Needs a building with two open rooms")
    assert told["Too big?"].startswith("Not known: ")
    tab.value("document.querySelector('.answers button').click()")
    assert tab.value("document.activeElement.id") == "in-use-title"
    assert tab.value("location.hash") == "#building=West"


@pytest.mark.parametrize(
    ("scene", "shown"),
    [
        (Scenario((), (), (), NOW), "names no room yet"),
        (Scenario((Room("oak"),), (), (), NOW), "No day has been read and is over yet"),
        (Scenario((Room("desk", room_type="desk"),), (), (), NOW), "There is no room to show"),
        (
            scenario((Room("oak", week=((),) * 7),), [], [MONDAY]),
            "No room was open and none was booked",
        ),
        (
            scenario(
                (Room("oak", week=((),) * 7),),
                [book(Room("oak"), MONDAY, "09:00", "10:00")],
                [MONDAY],
            ),
            "No room was open in this period",
        ),
        (
            scenario(
                (Room("oak", building=None, capacity=None, site=None, floor=None),), [], [MONDAY]
            ),
            "1 room without a capacity",
        ),
    ],
)
def test_a_page_with_little_or_nothing_to_show_says_what_is_missing(
    scene: Scenario, shown: str, make_page: MakePage, browser: Browser
) -> None:
    tab = browser.open(make_page(scene).path)
    text = tab.value("document.body.innerText")
    assert shown in text
    for nonsense in ("NaN", "undefined", "null", "Infinity"):
        assert nonsense not in text
    assert tab.complaints() == []


def test_a_month_without_open_time_has_no_utilization_and_the_others_theirs(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("oak", week=ALWAYS, opened_on=date(2026, 9, 1))
    dates = days_from(date(2026, 8, 30), 5)
    bookings = [book(room, day, "09:00", "15:00") for day in dates]
    tab = browser.open(make_page(scenario((room,), bookings, dates)).path)
    choose(tab, period="August 2026")
    assert figure(tab, "booked_utilization") is None
    assert figure(tab, "bookings") == 2
    assert words_of(tab, "week") == "No room was open in this period."
    choose(tab, period="September 2026")
    assert figure(tab, "booked_utilization") == 0.25
    assert tab.complaints() == []


def test_what_small_groups_leave_out_is_told_by_the_months_of_the_weeks(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("oak", week=ALWAYS)
    last_monday_of_september = date(2026, 9, 28)  # its Thursday is in October
    ends = ("15",) * 2 + ("30",) * 6 + ("59",) * 3
    bookings = [
        book(room, last_monday_of_september, f"{hour:02}:00", f"{hour:02}:{end}")
        for hour, end in enumerate(ends)
    ]
    tab = browser.open(make_page(scenario((room,), bookings, days_from(MONDAY, 40))).path)
    choose(tab, period="October 2026")
    assert [row[1] for row in table_in(tab, "durations")] == ["0", "6", "0", "0", "0", "0", "0"]
    assert "Small groups left out: 5 of 11 bookings." in words_of(tab, "durations")
    assert "none shown" in tab.value("document.querySelector('#durations table').textContent")
    assert figure(tab, "recurring_share") is None
    choose(tab, period="September 2026")
    assert "large enough to be shown" in words_of(tab, "durations")


def test_names_are_shown_as_they_are_and_never_run(make_page: MakePage, browser: Browser) -> None:
    hostile = "<img src=x onerror='window.hostile = 1'></script><script>window.hostile = 2</script>"
    room = Room(hostile, building=hostile, week=ALWAYS)
    other = Room("oak", week=ALWAYS)
    page = make_page(scenario((room, other), [all_day(room, MONDAY)], [MONDAY]))
    tab = browser.open(page.path)
    choose(tab, building=hostile)
    tab.value("""echarts.getInstanceByDom(document.querySelector("#time .picture"))
      .dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: 0 })""")
    tab.value("new Promise((done) => setTimeout(done, 100))")
    assert hostile in tab.value("document.querySelector('#rooms').textContent")
    assert hostile in tab.value("document.querySelector('#time .picture').textContent")
    assert tab.value("[typeof window.hostile, document.querySelectorAll('img').length]") == [
        "undefined",
        0,
    ]
