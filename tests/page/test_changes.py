"""In a browser the page shows what changed: the period before, and what was cancelled."""

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.marts.scenario import ALWAYS, Room, book, days_from, scenario
from tests.marts.worked import cancelled
from tests.page.browser import Browser, Tab
from tests.page.conftest import MakePage
from tests.page.pages import EN_DASH, choose, seats, table_in, words_of

AUGUST = "August 2026"


def test_a_period_is_compared_with_as_many_whole_weeks_before_it(
    make_page: MakePage, browser: Browser
) -> None:
    rooms = tuple(Room(f"oak of {name}", building=name) for name in ("Same", "New", "Late"))
    new = Room("new", building="New", opened_on=date(2026, 9, 1))
    # In both periods, but not from the start.
    late = Room("late", building="Late", opened_on=date(2026, 8, 24))
    days = days_from(date(2026, 6, 29), 94)  # from a Monday to the end of September
    bookings = [
        book(room, day, "08:00", "13:00" if day < date(2026, 8, 10) else "11:00")
        for room in rooms
        for day in days
        if day.weekday() < 5
    ]
    tab = browser.open(make_page(scenario((*rooms, new, late), bookings, days)).path)
    choose(tab, building="Same")
    assert "Choose a shorter period" in compared_in(tab)
    choose(tab, period="August 2026")
    # Whole weeks of August 2026: from the 3rd to the 30th; before them, from 6 July on.
    assert "the 4 weeks from 6 Jul 2026 to 2 Aug 2026" in compared_in(tab)
    assert "In the month before it was Mon 08:00 with 100%." in words_of(tab, "week")
    before = tab.value("document.querySelector('.headlines .before').textContent")
    assert before == "50% before (-15 points)"
    choose(tab, period="July 2026")
    assert compared_in(tab) == "Nothing is compared: there are no 3 whole weeks before this period."
    choose(tab, period="September 2026", building="New")
    assert "other rooms were open" in compared_in(tab)
    choose(tab, building="Late")
    assert "other rooms were open" in compared_in(tab)
    choose(tab, period="All days", building="New")
    assert "other rooms than before are open from September 2026" in words_of(tab, "time")


def test_r24_months_are_compared_though_one_has_more_weekends_than_the_other(
    make_page: MakePage, browser: Browser
) -> None:
    # August 2026 has 21 weekdays in 31 days, September 22 in 30.
    rooms = (*(Room(f"oak-{number}") for number in range(9)), Room("hall", week=ALWAYS))
    days = days_from(date(2026, 8, 1), 61)
    bookings = [book(rooms[0], day, "09:00", "10:00") for day in days]
    tab = browser.open(make_page(scenario(rooms, bookings, days)).path)
    choose(tab, period="September 2026")
    assert "other rooms were open" not in compared_in(tab)
    assert "In the month before it was" in words_of(tab, "week")


def test_rooms_stood_free_only_if_they_were_open_when_the_others_were_taken(
    make_page: MakePage, browser: Browser
) -> None:
    # Two of two rooms are taken on Monday; a third one opens on Tuesday, when one is taken.
    rooms = (Room("oak"), Room("elm"), Room("new", opened_on=date(2026, 9, 8)))
    days = days_from(date(2026, 9, 7), 2)
    bookings = [book(room, days[0], "09:00", "10:00") for room in rooms[:2]]
    bookings.append(book(rooms[2], days[1], "09:00", "10:00"))
    tab = browser.open(make_page(scenario(rooms, bookings, days)).path)
    assert words_of(tab, "in-use").startswith("Every size at some time had all its rooms")
    assert "without a free room: 5" in words_of(tab, "in-use")
    spare = [book(rooms[1], days[0], "09:00", "10:00")]
    tab = browser.open(make_page(scenario(rooms, spare, days)).path)
    assert f"At any time at least 1 of 3 rooms with {seats('5-8')} stood free." in words_of(
        tab, "in-use"
    )


def compared_in(tab: Tab) -> str:
    return str(tab.value("document.getElementById('compared').textContent"))


def test_bookings_of_closed_months_are_compared_with_as_many_months_before(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("oak", week=ALWAYS)
    days = days_from(date(2026, 6, 1), 130)
    bookings = [
        book(room, day, f"{hour:02}:00", f"{hour:02}:30")
        for day in days
        for hour in range(1 if day < date(2026, 7, 1) else 3)
    ]
    tab = browser.open(make_page(scenario((room,), bookings, days, trailing_days=1)).path)
    choose(tab, period="Last 3 months")  # of which October is not closed
    shown = (
        "[...document.getElementById('figure-bookings').parentElement.children]"
        ".map((each) => each.textContent)"
    )
    assert tab.value(shown) == [
        "Bookings",
        str(3 * 61),
        "August 2026 to September 2026",
        str(30 + 3 * 31) + " in the 2 months before",
    ]
    half_hours = next(row for row in table_in(tab, "durations") if row[0] == f"16{EN_DASH}30 min")
    assert half_hours[1:] == [str(3 * 61), "1", "1"]


def test_r24_bookings_are_not_compared_with_a_month_read_in_part_or_of_other_rooms(
    make_page: MakePage, browser: Browser
) -> None:
    rooms = tuple(Room(f"oak of {name}", building=name) for name in ("Same", "New"))
    new = Room("new", building="New", opened_on=date(2026, 8, 3))
    days = days_from(date(2026, 6, 17), 76)  # to the end of August
    bookings = [
        book(room, day, start, end)
        for room in rooms
        for day in days
        if day.weekday() < 5
        for start, end in (("09:00", "10:00"), ("11:00", "11:30"))
    ]
    tab = browser.open(make_page(scenario((*rooms, new), bookings, days, trailing_days=1)).path)
    before = "document.querySelector('#figure-bookings ~ .before')?.textContent"
    months_before = "document.querySelector('#rooms thead').textContent.includes('Month before')"
    for building, period, shown, are_rooms_compared in (
        ("Same", "July 2026", None, False),
        ("Same", "August 2026", "46 in the month before", True),
        ("New", "August 2026", None, True),
    ):
        choose(tab, period=period, building=building)
        assert tab.value(before) == shown
        assert ("In the month before" in words_of(tab, "week")) is (shown is not None)
        assert "those whose Thursday lies in the period" in words_of(tab, "week")
        assert tab.value(months_before) is are_rooms_compared


def test_r24_a_building_is_not_compared_with_the_days_when_a_room_of_another_was_its_own(
    make_page: MakePage, browser: Browser
) -> None:
    here, away = Room("oak"), Room("oak", building="West")
    others = (Room("elm"), Room("fir", building="West"))
    days = days_from(date(2026, 8, 31), 61)
    scene = scenario((away, *others), [], days)
    history = ((days[0], (here, *others)), (date(2026, 10, 12), (away, *others)))
    tab = browser.open(make_page(replace(scene, history=history)).path)
    choose(tab, period="October 2026", building="HQ")
    assert "other rooms were open in the period before" in compared_in(tab)
    choose(tab, building="All buildings")
    assert "Before: the 3 weeks" in compared_in(tab)


def test_two_rooms_that_changed_places_are_seen_in_both_buildings(
    make_page: MakePage, browser: Browser
) -> None:
    before = (Room("oak"), Room("elm", building="West"), Room("fir", building="East"))
    after = (Room("oak", building="West"), Room("elm"), before[2])
    days = days_from(date(2026, 8, 31), 61)
    history = ((days[0], before), (date(2026, 10, 12), after))
    page = make_page(replace(scenario(after, [], days), history=history))
    tab = browser.open(page.path)
    for building, have_moved in (("HQ", True), ("West", True), ("East", False)):
        choose(tab, period="October 2026", building=building)
        told = "other rooms than before are open from October 2026" in words_of(tab, "time")
        is_compared = "other rooms were open in the period before" not in compared_in(tab)
        has_used_days = tab.value("Boolean(document.getElementById('figure-used_day_share'))")
        assert (told, is_compared, has_used_days) == (have_moved, not have_moved, not have_moved)


def test_rooms_that_were_hardly_read_are_not_compared(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("oak")
    days = days_from(date(2026, 6, 29), 94)
    scene = scenario((room,), [book(room, days[0], "09:00", "10:00")], days)
    unread = tuple(
        replace(each, is_loaded=False, read_at=None)
        if date(2026, 7, 6) <= each.day <= date(2026, 7, 8)
        else each
        for each in scene.coverage
    )
    tab = browser.open(make_page(replace(scene, coverage=unread)).path)
    choose(tab, period="August 2026")
    assert "read on fewer than 95% of their days" in compared_in(tab)
    assert tab.value("document.querySelector('.headlines .before')") is None


def test_cancellations_are_shown_by_notice_with_what_they_gave_back(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("oak", week=ALWAYS)
    days = days_from(date(2026, 8, 1), 40)
    scene = scenario((room,), [book(room, days[0], "09:00", "10:00")], days, trailing_days=1)
    changes = tuple(
        cancelled(room, datetime(2026, 8, 2 + number, 12, tzinfo=UTC)) for number in range(20)
    )
    page = make_page(replace(scene, changes=changes))
    (count, given_back) = page.database.row(
        "SELECT sum(changes), sum(minutes_given_back) FROM change_profile "
        "WHERE level = 'region' AND month IS NULL AND change = 'cancelled'"
    )
    assert count == 20
    tab = browser.open(page.path)
    assert sum(int(row[1]) for row in table_in(tab, "cancelled")) == count
    assert f"20 cancellations seen from one nightly reading to the next, {AUGUST}: " in words_of(
        tab, "cancelled"
    )
    assert f"{given_back // 60} h of open time given back" in words_of(tab, "cancelled")
    assert "bookings were cancelled" not in words_of(tab, "cancelled")  # August is not known whole
    choose(tab, size=seats("5-8"))
    assert "not by size" in words_of(tab, "cancelled")
    choose(tab, size="All sizes", period="September 2026")
    assert "No cancellations to show" in words_of(tab, "cancelled")
    assert tab.complaints() == []


def test_a_cancellation_rate_is_of_all_bookings_that_were_made(
    make_page: MakePage, browser: Browser
) -> None:
    room = Room("oak", week=ALWAYS)
    days = days_from(date(2026, 7, 31), 41)
    kept = [book(room, day, "09:00", "10:00") for day in days[1:31]]
    scene = scenario((room,), kept, days, trailing_days=1)
    seen_after = datetime(2026, 7, 31, 1, tzinfo=UTC)
    changes = tuple(
        cancelled(room, datetime(2026, 8, 2 + number, 12, tzinfo=UTC)) | {"seen_after": seen_after}
        for number in range(10)
    )
    tab = browser.open(make_page(replace(scene, changes=changes)).path)
    assert words_of(tab, "cancelled").startswith("25% of 40 bookings were cancelled. 10 canc")
