"""In a browser the page shows the database's figures, and its filters change them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.marts.scenario import ALWAYS, Room, Scenario, all_day, book, days_from, scenario
from tests.marts.test_bad_input import MONDAY, NOW
from tests.page.browser import Browser, Tab
from tests.page.conftest import MakePage
from tests.page.pages import EN_DASH, Page, choose, figure, seats, table_in, words_of

CREATED = datetime(2026, 7, 1, tzinfo=UTC)
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
    open_minutes, booked = row(f"SELECT sum(open_minutes), sum(booked_minutes) {_PLACED}{where}")
    assert figure(tab, "booked_utilization") == pytest.approx(booked / open_minutes)
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
    return {name: int(booked) for name, booked, *_ in table_in(tab, "buildings")}


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


def test_each_distribution_is_of_the_whole_of_what_it_names(worked: Page, browser: Browser) -> None:
    row = worked.database.row
    tab = browser.open(worked.path)
    for chosen, where, rooms in (
        ({}, "level = 'region'", "true"),
        ({"building": "HQ"}, "building = 'HQ'", "building = 'HQ'"),
    ):
        choose(tab, **chosen)
        level = f"{where} AND month IS NULL AND level IN ('region', 'building')"
        (bookings,) = row(f"SELECT DISTINCT cell_bookings FROM booking_profile WHERE {level}")
        assert figure(tab, "bookings") == bookings
        assert sum(int(each[1]) for each in table_in(tab, "durations")) == bookings
        assert f"Of {bookings} bookings, October 2026" in words_of(tab, "durations")
        (singles,) = row(
            f"SELECT sum(bookings) FROM booking_profile WHERE {level} "
            "AND measure = 'lead_time' AND band IS NOT NULL"
        )
        assert sum(int(each[1]) for each in table_in(tab, "lead-times")) == singles
        assert f"Of {singles} single bookings" in words_of(tab, "lead-times")
        sizes = [int(each) for each in table_in(tab, "size-fit")[-1][1:]]
        (in_sizes,) = row(
            "SELECT sum(bookings) FROM booking_profile WHERE level = 'building_size' "
            f"AND month IS NULL AND measure = 'headcount' AND {rooms}"
        )
        assert sum(sizes) == in_sizes


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
    page = make_page(scenario(rooms, bookings, days_from(MONDAY, 31), trailing_days=1))
    tab = browser.open(page.path)
    size = seats("5-8")
    assert answers_in(tab) == {
        "Too few?": f"East, {size}: All of them taken at some time on 1 of 31 days, 5 h in all.",
        "Too big?": "All: of 10 bookings in closed months invite fewer people than 60% of the "
        f"seats. Most in rooms of {size}: at least 100%.",
        "Never used?": "1 room: west-0 (West). 2 others booked for less than a tenth of open time.",
    }
    assert "booked for less than 10% of open time, 1 of them never." in words_of(tab, "rooms")
    choose(tab, building="West")
    told = answers_in(tab)
    assert told["Too few?"].startswith("Not known: This needs a building with two open rooms")
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
    assert words_of(tab, "week") == "No room was open in this period."
    choose(tab, period="September 2026")
    assert figure(tab, "booked_utilization") == 0.25
    assert tab.complaints() == []


def test_bands_too_small_to_show_have_a_bar_of_their_own_and_too_little_is_said_in_words(
    make_page: MakePage, browser: Browser
) -> None:
    oak, elm = Room("oak", week=ALWAYS), Room("elm", week=ALWAYS, building="East", site="East")
    days = days_from(date(2026, 8, 1), 70)
    bookings = [book(oak, days[n % 31], "09:00", "09:30", created_at=CREATED) for n in range(60)]
    bookings += [book(oak, days[n], "11:00", end) for n, end in enumerate(("13:00", "11:10") * 3)]
    bookings += [
        book(elm, days[n], "09:00", end) for n, end in enumerate(("09:30", "10:30", "09:10"))
    ]
    tab = browser.open(make_page(scenario((oak, elm), bookings, days, trailing_days=1)).path)
    shown = {name: int(bookings) for name, bookings, *_ in table_in(tab, "durations")}
    assert sum(shown.values()) == 69
    assert shown["others"] >= 5
    assert shown[f"16{EN_DASH}30 min"] <= 63
    choose(tab, building="East")
    assert "Too few bookings to show how they spread" in words_of(tab, "durations")
    assert tab.value("document.querySelector('#durations .picture').checkVisibility()") is False
    choose(tab, building="All buildings", size=seats("5-8"))
    assert "choose a building too" in words_of(tab, "durations")
    choose(tab, size="All sizes", period="October 2026")
    assert "No month of this period is closed yet" in words_of(tab, "durations")


def test_r13_nothing_is_told_of_rooms_that_were_never_read(
    make_page: MakePage, browser: Browser
) -> None:
    days = days_from(date(2026, 9, 7), 5)
    read, unread = Room("oak"), Room("elm")
    scene = scenario((read, unread), [book(read, day, "09:00", "10:00") for day in days], days)
    coverage = tuple(
        replace(each, is_loaded=False, read_at=None) if each.room_id == "elm" else each
        for each in scene.coverage
    )
    tab = browser.open(make_page(replace(scene, coverage=coverage)).path)
    told = answers_in(tab)
    assert told["Too few?"].startswith("Not known: ")
    assert told["Never used?"] == "None: Every open room that was read was booked."
    assert "all its rooms that were read in use" in words_of(tab, "in-use")


def test_r25_a_combined_room_is_not_counted_beside_its_parts(
    make_page: MakePage, browser: Browser
) -> None:
    hall, *parts = Room("hall"), Room("hall-a", part_of="hall"), Room("hall-b", part_of="hall")
    days = days_from(date(2026, 9, 7), 5)
    bookings = [book(hall, day, "09:00", "10:00") for day in days]
    tab = browser.open(make_page(scenario((hall, *parts), bookings, days)).path)
    assert tab.value("document.getElementById('figure-rooms').dataset.value") == "2"


def test_each_table_is_saved_as_csv_with_its_figures_unrounded(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("=1+2", week=ALWAYS, building='Plan "B"')
    page = make_page(scenario((room,), [book(room, MONDAY, "09:00", "10:30")], [MONDAY]))
    tab = browser.open(page.path)
    saved = tab.value(
        """(() => {
          const kept = [];
          URL.createObjectURL = (blob) => { kept.push(blob); return "data:,"; };
          HTMLAnchorElement.prototype.click = function click() { kept.push(this.download); };
          document.querySelector("#rooms .save").click();
          return kept[0].text().then((text) => [kept[1], text]);
        })()"""
    )
    assert saved == [
        "Busiest.csv",
        (
            '"Room","Building","Seats","Days used","Utilization"\r\n'
            '"\'=1+2","Plan ""B""",6,1,0.0625\r\n'
        ),
    ]
    assert tab.value(
        """[...document.querySelectorAll("main table")].every((table) =>
          table.closest(".saved").querySelector("button.save"))"""
    )


def come_near(tab: Tab, section: str) -> None:
    """Scroll to a section whose chart is not drawn yet, and wait for it."""
    tab.value(
        f"""new Promise((done) => {{
          const picture = document.querySelector("#{section} .picture");
          new MutationObserver(done).observe(picture, {{ childList: true }});
          picture.scrollIntoView();
        }}).then(() => 0)"""
    )


def test_a_chart_is_drawn_once_a_reader_comes_near_it(worked: Page, browser: Browser) -> None:
    tab = browser.open(worked.path)
    choose(tab, building="HQ")
    assert tab.value("document.querySelector('#busy .picture svg')") is None
    words = words_of(tab, "busy")
    come_near(tab, "busy")
    assert tab.value("document.querySelectorAll('#busy .picture svg').length") == 1
    assert words_of(tab, "busy") == words
    assert tab.complaints() == []


def test_the_busiest_and_the_quietest_rooms_stand_in_order_and_none_at_both_ends(
    make_page: MakePage, browser: Browser
) -> None:
    many = [Room(f"many-{number:02}", capacity=8, week=ALWAYS) for number in range(25)]
    few = [Room(f"few-{number}", capacity=12, week=ALWAYS) for number in range(3)]
    bookings = [
        book(room, MONDAY, f"{hour:02}:00", f"{hour:02}:30")
        for place, room in enumerate((*many, *few))
        for hour in range(place % 6)  # many are used alike, some not at all
    ]
    page = make_page(scenario((*many, *few), bookings, [MONDAY]))
    tab = browser.open(page.path)
    for band, most in (("5-8", 10), ("9-14", 2)):
        choose(tab, size=seats(band))
        ranked = [
            name
            for (name,) in page.database.rows(
                f"SELECT room_id {_PLACED}capacity_band = '{band}' "
                "GROUP BY ALL ORDER BY sum(booked_minutes) DESC, room_id"
            )
        ]
        shown = tab.value(
            """[...document.querySelectorAll("#rooms .picture table")].map((table) =>
              [...table.tBodies[0].rows].map((row) => row.cells[0].textContent))"""
        )
        rest = min(most, len(ranked) - most)
        assert shown == [ranked[:most], ranked[::-1][:rest]]


@pytest.mark.parametrize("way", ["box.scrollTop = 400", "save.click()"])
def test_a_very_long_list_of_rooms_is_whole_once_it_is_scrolled_or_saved(
    way: str, make_page: MakePage, browser: Browser
) -> None:
    rooms = tuple(Room(f"room-{number:03}", week=ALWAYS) for number in range(90))
    tab = browser.open(make_page(scenario(rooms, [], [MONDAY])).path)
    table_in(tab, "rooms")
    shown = """[...document.querySelectorAll("#rooms .more tbody th")].map(
      (cell) => cell.textContent)"""
    assert tab.value(shown) == [room.room_id for room in rooms[:60]]
    assert tab.value("document.querySelector('#rooms .more table').ariaRowCount") == "91"
    tab.value(
        f"""new Promise((done) => {{
          const [box, save] = ["scrolling", "save"].map(
            (name) => document.querySelector(`#rooms .more .${{name}}`));
          new MutationObserver(done).observe(box.querySelector("tbody"), {{ childList: true }});
          box.scrollIntoView();
          {way};
        }}).then(() => 0)"""
    )
    assert tab.value(shown) == [room.room_id for room in rooms]


def test_names_are_shown_as_they_are_and_never_run(make_page: MakePage, browser: Browser) -> None:
    hostile = "<img src=x onerror='window.hostile = 1'></script><script>window.hostile = 2</script>"
    room = Room(hostile, building=hostile, week=ALWAYS)
    other = Room("oak", week=ALWAYS)
    page = make_page(scenario((room, other), [all_day(room, MONDAY)], [MONDAY]))
    tab = browser.open(page.path)
    choose(tab, building=hostile)
    come_near(tab, "time")
    tab.value("""echarts.getInstanceByDom(document.querySelector("#time .picture"))
      .dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: 0 })""")
    tab.value("new Promise((done) => setTimeout(done, 100))")
    assert hostile in tab.value("document.querySelector('#rooms').textContent")
    assert hostile in tab.value("document.querySelector('#time .picture').textContent")
    found = tab.value("[typeof window.hostile, document.querySelectorAll('img').length]")
    assert found == ["undefined", 0]
