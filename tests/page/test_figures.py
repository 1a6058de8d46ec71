"""The figures embedded in a page are the database's, as sums that can be added up (R9)."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.marts.scenario import ALWAYS, Room, book, days_from, scenario
from tests.marts.week import MONDAY
from tests.page.browser import Browser
from tests.page.conftest import MakePage
from tests.page.pages import Page, words_of
from warehouse import connect
from warehouse.page.document import read_figures

_NOT_PERSONAL = "room_type NOT IN ('desk', 'office', 'executive')"


def summed(page: Page, table: str, *names: str) -> tuple[int, ...]:
    return tuple(sum(page.data[table][name]) for name in names)


def by_building_and_band(page: Page, table: str, name: str) -> dict[tuple[Any, Any], int]:
    sums: dict[tuple[Any, Any], int] = {}
    for row in page.rows(table):
        building = page.data["buildings"]["building"][row["building"]]
        key = (building, page.data["bands"][row["band"]])
        sums[key] = sums.get(key, 0) + row[name]
    return sums


def test_time_is_that_of_utilization_and_of_the_rooms_without_personal_ones(worked: Page) -> None:
    found = summed(worked, "time", "room_days", "room_days_loaded", "open_minutes")
    assert found == worked.database.row(
        "SELECT sum(rooms), sum(rooms_loaded), sum(open_minutes) "
        f"FROM utilization WHERE {_NOT_PERSONAL}"
    )
    assert summed(worked, "time", "open_days", "used_days") == worked.database.row(
        "SELECT count(*) FILTER (open_minutes > 0), count(*) FILTER (booked_minutes > 0) "
        "FROM room_days"
    )
    assert summed(worked, "time", "open_days") == summed(worked, "time", "room_days_loaded")
    for table in ("time", "room_months"):
        assert summed(worked, table, "open_minutes", "booked_minutes") == worked.database.row(
            "SELECT sum(open_minutes), sum(booked_minutes) FROM room_days"
        )


def test_time_stays_in_the_building_where_a_room_was(make_page: MakePage) -> None:
    before, after = (Room("oak", week=ALWAYS, building=name) for name in ("Old", "New"))
    dates = days_from(date(2026, 6, 1), 60)
    scene = scenario((after,), [book(after, day, "09:00", "10:00") for day in dates], dates)
    moved_on = date(2026, 7, 1)
    history = ((dates[0], (before,)), (moved_on, (after,)))
    page = make_page(replace(scene, history=history))
    assert page.data["buildings"]["building"] == ["New", "Old"]
    assert by_building_and_band(page, "time", "booked_minutes") == {
        ("New", "5-8"): 30 * 60,
        ("Old", "5-8"): 30 * 60,
    }
    assert summed(page, "time", "used_days", "room_days_loaded") == (60, 60)


def test_bookings_ahead_count_in_the_building_to_which_a_room_will_have_moved(
    make_page: MakePage,
) -> None:
    before, after = (Room("oak", week=ALWAYS, building=name) for name in ("Old", "New"))
    other = Room("elm", week=ALWAYS, building="New")
    dates = days_from(date(2026, 6, 1), 20)
    now, moves_on = datetime(2026, 6, 10, 12, tzinfo=UTC), date(2026, 6, 15)
    bookings = [book(before, day, "09:00", "10:00") for day in dates]
    scene = scenario((before, other), bookings, dates)
    history = ((dates[0], (before, other)), (moves_on, (after, other)))
    page = make_page(replace(scene, now=now, history=history))
    days_old, days_new = (moves_on - now.date()).days, (dates[-1] - moves_on).days + 1
    day = 24 * 60
    assert by_building_and_band(page, "ahead", "booked_minutes") == {
        ("Old", "5-8"): 60 * days_old,
        ("New", "5-8"): 60 * days_new,
    }
    assert by_building_and_band(page, "ahead", "open_minutes") == {
        ("Old", "5-8"): day * days_old,
        ("New", "5-8"): day * (days_old + 2 * days_new),
    }
    assert page.database.rows(
        "SELECT building, sum(booked_minutes) FROM busy_ahead GROUP BY building ORDER BY building"
    ) == [("New", 60 * days_new), ("Old", 60 * days_old)]


def test_every_building_and_band_has_its_own_sums(worked: Page) -> None:
    assert by_building_and_band(worked, "time", "booked_minutes") == {
        (building, band): minutes
        for building, band, minutes in worked.database.rows(
            f"SELECT building, capacity_band, sum(booked_minutes) FROM utilization "
            f"WHERE {_NOT_PERSONAL} GROUP BY ALL"
        )
    }


def test_the_week_is_that_of_hour_of_week(worked: Page) -> None:
    found: dict[int, list[int]] = {}
    for row in worked.rows("hours"):
        for hour, open_minutes, booked in zip(
            row["hours"], row["open_minutes"], row["booked_minutes"], strict=True
        ):
            sums = found.setdefault(hour, [0, 0])
            sums[0] += open_minutes
            sums[1] += booked
    assert found == {
        hour: [open_minutes, booked]
        for hour, open_minutes, booked in worked.database.rows(
            "SELECT (weekday - 1) * 24 + local_hour, sum(open_minutes), sum(booked_minutes) "
            "FROM hour_of_week GROUP BY ALL HAVING sum(open_minutes) > 0"
        )
    }


def test_the_profile_is_that_of_the_database_cell_by_cell(worked: Page) -> None:
    measures = list(worked.data["measures"].items())
    buildings, months = worked.data["buildings"]["building"], worked.data["months"]["month"]
    found = {
        (
            measures[row["measure"]][0],
            None if row["building"] < 0 else buildings[row["building"]],
            None if row["band"] < 0 else (worked.data["bands"][row["band"]],),
            None if row["month"] < 0 else months[row["month"]],
            measures[row["measure"]][1][place],
        ): bookings
        for row in worked.rows("profile")
        for place, bookings in zip(row["labels"], row["bookings"], strict=True)
    }
    assert found == {
        (measure, building, (band,) if level == "building_size" else None, month, label): bookings
        for level, measure, building, band, month, label, bookings in worked.database.rows(
            "SELECT level, measure, building, capacity_band, month, band, bookings "
            "FROM booking_profile WHERE level <> 'site'"
        )
    }
    assert len(found) > 100


def test_peaks_are_the_highest_and_the_sum_of_the_days_peaks(worked: Page) -> None:
    found = {
        (row["building"], row["band"], row["month"]): (row["peak_rooms_in_use"], row["days"])
        for row in worked.rows("in_use")
    }
    names = worked.data["buildings"]["building"]
    months = worked.data["months"]["month"]
    expected = {
        (names.index(building), worked.data["bands"].index(band), months.index(month)): (peak, days)
        for building, band, month, peak, days in worked.database.rows(
            "SELECT building, capacity_band, strftime(local_date, '%Y-%m'), "
            "max(peak_rooms_in_use), count(*) FROM rooms_in_use GROUP BY ALL"
        )
    }
    assert found == expected
    assert summed(worked, "in_use", "peaks_summed", "shared_days") == worked.database.row(
        "SELECT sum(peak_rooms_in_use), count(sold_out_minutes) FROM rooms_in_use"
    )
    assert summed(worked, "time", "shared_days", "sold_out_days") == worked.database.row(
        "SELECT count(sold_out_minutes), count(*) FILTER (sold_out_minutes > 0) FROM rooms_in_use"
    )


def test_what_lies_ahead_is_room_days_ahead(make_page: MakePage) -> None:
    room = Room("oak", week=ALWAYS)
    first = date(2026, 9, 1)
    scene = scenario((room,), [book(room, first, "09:00", "10:00")], days_from(first, 3))
    ahead = [book(room, day, "09:00", "11:00") for day in days_from(date(2026, 9, 20), 12)]
    later = scenario((room,), ahead, days_from(date(2026, 9, 20), 12))
    page = make_page(
        type(scene)(
            scene.rooms,
            scene.bookings + later.bookings,
            scene.coverage + later.coverage,
            scene.now,
            scene.options,
        )
    )
    assert summed(page, "ahead", "booked_minutes") == (12 * 120,)
    assert page.data["ahead"]["monday"] == ["2026-09-14", "2026-09-21", "2026-09-28"]
    assert summed(page, "time", "booked_minutes") == (60,)


def test_no_personal_room_is_named(worked: Page) -> None:
    names = worked.data["rooms"]["name"]
    assert len(names) == 7
    assert not [name for name in names if name.startswith("desk")]
    assert "desk-" not in worked.text


@pytest.mark.parametrize(("days", "slices"), [(30, 30), (120, 21)])
def test_few_days_are_points_of_their_own_and_many_are_weeks_that_no_month_shares(
    days: int, slices: int, make_page: MakePage
) -> None:
    room = Room("oak", week=ALWAYS)
    dates = days_from(date(2026, 6, 1), days)
    page = make_page(scenario((room,), [book(room, dates[-1], "09:00", "10:00")], dates))
    assert len(page.rows("slices")) == slices
    for row in page.rows("slices"):
        month = page.data["months"]["month"][row["month"]]
        assert row["first_date"].startswith(month)
    by_month = [0] * len(page.data["months"]["month"])
    for row in page.rows("time"):
        by_month[page.data["slices"]["month"][row["slice"]]] += row["open_minutes"]
    assert by_month == [
        minutes
        for (minutes,) in page.database.rows(
            "SELECT sum(open_minutes) FROM room_days GROUP BY date_trunc('month', local_date) "
            "ORDER BY date_trunc('month', local_date)"
        )
    ]


def test_the_hours_of_a_week_count_to_the_month_of_its_thursday(make_page: MakePage) -> None:
    room = Room("oak", week=ALWAYS)
    dates = days_from(date(2026, 9, 21), 21)
    monday = date(2026, 9, 28)  # of a week that has its Thursday in October
    page = make_page(scenario((room,), [book(room, monday, "09:00", "10:00")], dates))
    assert page.data["months"]["month"] == ["2026-09", "2026-10"]
    booked = {row["month"]: sum(row["booked_minutes"]) for row in page.rows("hours")}
    assert booked == {0: 0, 1: 60}
    in_time = {
        page.rows("slices")[row["slice"]]["month"]: row["booked_minutes"]
        for row in page.rows("time")
        if row["booked_minutes"]
    }
    assert in_time == {0: 60}


def test_more_buildings_than_the_page_has_room_for_stand_together_and_nothing_is_lost(
    worked: Page,
) -> None:
    with connect("EU", warehouse=worked.path.parent) as statistics:
        cut = read_figures(statistics, place_months=8)
    assert cut["buildings"]["building"] == ["HQ", "3 other buildings"]
    for table in ("time", "room_months"):
        assert sum(cut[table]["booked_minutes"]) == sum(worked.data[table]["booked_minutes"])
    for figures in (cut, worked.data):
        assert (
            sum(map(sum, figures["profile"]["bookings"]))
            == worked.database.row(
                "SELECT sum(bookings) FROM booking_profile WHERE level <> 'site'"
            )[0]
        )
    assert cut["in_use"]["peak_rooms_in_use"] == worked.data["in_use"]["peak_rooms_in_use"]


def test_more_rooms_than_the_page_has_room_for_stand_one_by_one_in_the_latest_months_only(
    worked: Page,
) -> None:
    with connect("EU", warehouse=worked.path.parent) as statistics:
        cut = read_figures(statistics, room_months=7)
    assert cut["head"]["first_room_month"] == [1]
    assert set(cut["room_months"]["month"]) == {1}
    assert worked.data["head"]["first_room_month"] == [0]
    assert cut["time"] == worked.data["time"]


def test_a_database_from_before_the_forecast_gives_the_same_page_without_it(
    worked: Page, tmp_path: Path
) -> None:
    older = tmp_path / "older.duckdb"
    shutil.copyfile(worked.path.parent / "insights-eu-statistics.duckdb", older)
    with duckdb.connect(str(older)) as connection:
        before = read_figures(connection)
        for table in ("busy_ahead", "busy_ahead_check", "rooms_as_of"):
            connection.execute(f"DROP TABLE {table}")
    with duckdb.connect(str(older), read_only=True) as connection:
        after = read_figures(connection)
    assert before["busy"]["day"]
    assert after["busy"] == {name: [] for name in before["busy"]}
    assert after | {"busy": []} == before | {"busy": []}


def test_a_small_lower_bound_is_a_figure(make_page: MakePage, browser: Browser) -> None:
    room = Room("oak", week=ALWAYS)
    days = days_from(date(2026, 8, 1), 45)
    bookings = [
        replace(
            book(room, day, f"{hour:02}:00", f"{hour:02}:30"),
            invited_headcount=12 if hour == 0 and day.day > 26 else 6,
        )
        for day in days[:31]
        for hour in range(24)
    ]
    tab = browser.open(make_page(scenario((room,), bookings, days)).path)
    assert "at least 0.6% have more people than seats" in words_of(tab, "size-fit")


def test_the_page_says_what_a_room_that_is_too_small_means(
    make_page: MakePage, browser: Browser
) -> None:
    small = Room("small", week=ALWAYS)
    bookings = [
        book(small, MONDAY, f"{hour:02}:00", f"{hour + 1:02}:00", invited_headcount=invited)
        for invited, hours in ((2, range(5)), (12, range(8, 13)))
        for hour in hours
    ]
    page = make_page(scenario((small,), bookings, days_from(MONDAY, 31), trailing_days=1))
    told = browser.open(page.path).value("document.querySelector('.answers').textContent")
    assert "At least 50% invite more people than the room has seats." in told
