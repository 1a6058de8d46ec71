"""The figures that a page carries are the database's, as sums that can be added up (R9)."""

from datetime import date
from typing import Any

import pytest

from tests.marts.scenario import ALWAYS, Room, book, days_from, scenario
from tests.page.conftest import MakePage
from tests.page.pages import Page
from warehouse.page.figures import read_figures

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
    found = summed(worked, "time", "room_days", "room_days_loaded", "open_minutes", "bookings")
    assert found == worked.database.row(
        "SELECT sum(rooms), sum(rooms_loaded), sum(open_minutes), sum(bookings) "
        f"FROM utilization WHERE {_NOT_PERSONAL}"
    )
    for table in ("time", "room_months"):
        assert summed(worked, table, "open_minutes", "booked_minutes") == worked.database.row(
            "SELECT sum(open_minutes), sum(booked_minutes) FROM room_days"
        )


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


def test_durations_lead_times_kinds_and_sizes_are_all_that_the_small_groups_leave(
    worked: Page,
) -> None:
    database = worked.database
    assert summed(worked, "durations", "bookings") == database.row(
        "SELECT sum(bookings) FROM booking_mix"
    )
    assert summed(worked, "lead_times", "bookings") == database.row(
        "SELECT sum(bookings) FROM booking_mix WHERE kind = 'single'"
    )
    assert summed(worked, "kinds", "recurring_bookings", "external_bookings") == database.row(
        "SELECT sum(bookings) FILTER (kind <> 'single'), sum(external_bookings) FROM booking_mix"
    )
    assert summed(worked, "seats", "seat_minutes_used", "seat_minutes_offered") == database.row(
        "SELECT sum(seat_minutes_used), sum(seat_minutes_offered) FROM size_fit"
    )
    assert database.row("SELECT suppressed_cells > 0 FROM build_info") == (True,)


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
    assert summed(page, "ahead", "booked_minutes", "bookings") == (12 * 120, 12)
    assert page.data["ahead"]["monday"] == ["2026-09-14", "2026-09-21", "2026-09-28"]
    assert summed(page, "time", "booked_minutes") == (60,)


def test_no_personal_room_is_named(worked: Page) -> None:
    names = worked.data["rooms"]["name"]
    assert len(names) == 7
    assert not [name for name in names if name.startswith("desk")]
    assert "desk-" not in worked.text
    (head,) = worked.rows("head")
    assert (head["rooms"], head["personal_rooms"]) == (13, 6)


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


def test_a_week_counts_to_the_month_of_its_thursday(make_page: MakePage) -> None:
    room = Room("oak", week=ALWAYS)
    dates = days_from(
        date(2026, 9, 21), 21
    )  # the week from 28 September has its Thursday in October
    bookings = [
        book(room, date(2026, 9, 28), f"{hour:02}:00", f"{hour:02}:30") for hour in range(6)
    ]
    page = make_page(scenario((room,), bookings, dates))
    assert page.data["months"]["month"] == ["2026-09", "2026-10"]
    assert page.data["durations"]["month"] == [1]
    assert summed(page, "durations", "bookings") == (6,)
    time = {row["slice"]: row["bookings"] for row in page.rows("time") if row["bookings"]}
    ((slice_number, bookings_then),) = time.items()
    assert bookings_then == 6
    assert page.rows("slices")[slice_number]["month"] == 0
    assert page.rows("slices")[slice_number]["week_month"] == 1


def test_more_buildings_than_the_page_has_room_for_stand_together_and_nothing_is_lost(
    worked: Page,
) -> None:
    cut = read_figures(worked.database.connection, place_months=8)
    assert cut["buildings"]["building"] == ["HQ", "3 other buildings"]
    for table in ("time", "room_months", "durations", "size_fit"):
        assert sum(cut[table]["bookings" if "bookings" in cut[table] else "booked_minutes"]) == sum(
            worked.data[table]["bookings" if "bookings" in cut[table] else "booked_minutes"]
        )
    assert cut["in_use"]["peak_rooms_in_use"] == worked.data["in_use"]["peak_rooms_in_use"]


def test_more_rooms_than_the_page_has_room_for_stand_one_by_one_in_the_latest_months_only(
    worked: Page,
) -> None:
    cut = read_figures(worked.database.connection, room_months=7)
    assert cut["head"]["first_room_month"] == [1]
    assert set(cut["room_months"]["month"]) == {1}
    assert worked.data["head"]["first_room_month"] == [0]
    assert cut["time"] == worked.data["time"]
