"""Generated calendars are realistic, and the same every time."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sandbox.calendars import directory_rows, generated_tenant
from pipelines.sandbox.model import Item, Mailbox, Tenant
from tests.sandbox.rooms import WINDOWS_ZONES
from transforms.contract import ROOM_TYPES, Region

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PAST = (NOW - timedelta(days=365), NOW)


@cache
def tenant(region: Region) -> Tenant:
    return generated_tenant(region, rooms=24, now=NOW)


@cache
def rooms() -> list[Mailbox]:
    return [mailbox for mailbox in tenant("EU").mailboxes.values() if mailbox.is_room]


def busy() -> Mailbox:
    return rooms()[9]


@cache
def last_weeks(*regions: Region) -> list[tuple[Mailbox, Item]]:
    return [
        (mailbox, item)
        for region in regions
        for mailbox in tenant(region).mailboxes.values()
        for item in mailbox.items(NOW - timedelta(days=60), NOW)
    ]


def items() -> list[Item]:
    return [item for _, item in last_weeks("EU", "NA")]


def test_the_same_arguments_give_the_same_calendars() -> None:
    again = generated_tenant("EU", rooms=24, now=NOW)
    assert list(again.mailboxes) == list(tenant("EU").mailboxes)
    assert list(again.mailboxes[busy().address].items(*PAST)) == list(busy().items(*PAST))


def test_another_seed_gives_another_calendar() -> None:
    other = list(generated_tenant("EU", rooms=24, seed=7, now=NOW).mailboxes.values())[9]
    assert {item.starts_at for item in other.items(*PAST)} != {
        item.starts_at for item in busy().items(*PAST)
    }


def test_a_room_does_not_depend_on_how_many_rooms_there_are() -> None:
    few = list(generated_tenant("NA", rooms=5, now=NOW).mailboxes)
    assert few[:5] == list(tenant("NA").mailboxes)[:5]


@settings(deadline=None, max_examples=40)
@given(start=st.integers(-400, 200), middle=st.integers(1, 60), end=st.integers(1, 60))
def test_a_window_holds_what_its_parts_hold(start: int, middle: int, end: int) -> None:
    first = NOW + timedelta(days=start)
    cut = first + timedelta(hours=7 * middle)
    last = cut + timedelta(hours=7 * end)
    whole = {item.item_id for item in busy().items(first, last)}
    parts = {item.item_id for item in (*busy().items(first, cut), *busy().items(cut, last))}
    assert whole == parts


def test_an_item_is_found_by_its_start() -> None:
    for item in busy().items(*PAST):
        assert item in list(busy().starting_at(item.starts_at))


def test_item_ids_are_unique_in_a_room() -> None:
    counts = Counter(item.item_id for item in rooms()[0].items(*PAST))
    assert counts.most_common(1)[0][1] == 1


def test_nothing_was_created_later_than_now_and_days_ahead_thin_out() -> None:
    def ahead(days: int) -> int:
        start = NOW + timedelta(days=days)
        return sum(len(list(room.items(start, start + timedelta(days=28)))) for room in rooms())

    assert all(item.created_at is not None and item.created_at <= NOW for item in items())
    assert ahead(-30) > ahead(7) > ahead(60) > ahead(150) > 0


def test_what_is_visible_today_was_not_changed_by_waiting() -> None:
    later = generated_tenant("EU", rooms=24, now=NOW + timedelta(days=3))
    window = (NOW, NOW + timedelta(days=30))
    now_ids = {item.item_id: item for item in busy().items(*window)}
    later_ids = {item.item_id: item for item in later.mailboxes[busy().address].items(*window)}
    assert now_ids.items() <= later_ids.items()
    assert len(later_ids) > len(now_ids)


def test_one_room_is_empty_and_one_has_over_1000_items_in_a_year() -> None:
    assert len(list(rooms()[0].items(*PAST))) > 1000
    assert list(rooms()[1].items(*PAST)) == []


def test_working_days_peak_in_the_late_morning_and_early_afternoon() -> None:
    zone = ZoneInfo("Europe/Copenhagen")
    hours = Counter(
        item.starts_at.astimezone(zone).hour
        for room, item in last_weeks("EU")
        if room.directory.get("time_zone") == zone.key and not item.is_all_day
    )
    assert min(hours[10], hours[14]) > max(hours[8], hours[12], hours[17])


def test_the_weekend_is_quiet() -> None:
    days = Counter(item.starts_at.weekday() for item in items())
    assert days[5] + days[6] < days[2] / 5


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("item_type", {"Single", "Occurrence", "Exception"}),
        ("free_busy", {"Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData"}),
        (
            "my_response",
            {"Accept", "Unknown", "Tentative", "Decline", "Organizer", "NoResponseReceived"},
        ),
        ("sensitivity", {"Normal", "Personal", "Private", "Confidential"}),
        ("is_cancelled", {True, False}),
        ("is_online", {True, False}),
        ("is_all_day", {True, False}),
    ],
)
def test_every_value_that_exchange_knows_occurs(field: str, values: set[object]) -> None:
    assert {getattr(item, field) for item in items()} == values


def test_rooms_with_exchanges_defaults_keep_no_subject_comment_or_private_flag() -> None:
    keeping = {room.address for room, item in last_weeks("EU") if item.subject or item.body}
    others = [item for room, item in last_weeks("EU") if room.address not in keeping]
    assert 0 < len(keeping) < 8
    assert "Private" not in {item.sensitivity for item in others}


def test_series_share_an_id_and_have_moved_and_deleted_occurrences() -> None:
    series: dict[str, list[Item]] = {}
    for item in busy().items(*PAST):
        if item.series_id:
            series.setdefault(item.series_id, []).append(item)
    longest = max(series.values(), key=len)
    zone = ZoneInfo(busy().directory["time_zone"])
    times = Counter(item.starts_at.astimezone(zone).time() for item in longest)
    gaps = Counter((b.starts_at - a.starts_at).days for a, b in pairwise(longest))
    assert len(longest) >= 8
    assert times.most_common(1)[0][1] > len(longest) / 2
    assert len(gaps) > 1
    assert any(item.item_type == "Exception" for items in series.values() for item in items)


def test_all_day_items_are_midnight_to_midnight_in_the_organizers_zone() -> None:
    elsewhere = 0
    for room, item in last_weeks("EU", "NA"):
        if item.is_all_day:
            zone = ZoneInfo(WINDOWS_ZONES[item.start_time_zone])
            assert item.starts_at.astimezone(zone).time() == time()
            assert item.ends_at.astimezone(zone).time() == time()
            elsewhere += item.starts_at.astimezone(ZoneInfo(room.directory["time_zone"])).hour != 0
    assert elsewhere > 0


def test_a_room_for_whole_days_is_taken_a_day_ahead_or_more() -> None:
    whole = [item for item in items() if item.ends_at - item.starts_at >= timedelta(hours=8)]
    assert any(item.is_all_day for item in whole)
    assert not all(item.is_all_day for item in whole)
    for item in whole:
        assert item.created_at is not None
        assert item.starts_at - item.created_at >= timedelta(days=1)


def test_the_odd_cases_occur() -> None:
    def spans_midnight(room: Mailbox, item: Item) -> bool:
        zone = ZoneInfo(room.directory["time_zone"])
        first, last = (each.astimezone(zone).date() for each in (item.starts_at, item.ends_at))
        return first < last and not item.is_all_day

    timed = [item for item in items() if not item.is_all_day]
    leads = [item.starts_at - item.created_at for item in items() if item.created_at]
    people = [person for item in items() for person in item.required]
    assert any(spans_midnight(*each) for each in last_weeks("EU", "NA"))
    assert any(item.ends_at - item.starts_at > timedelta(days=1) for item in timed)
    assert any(item.ends_at == item.starts_at for item in timed)
    assert any(lead < timedelta(minutes=15) for lead in leads)
    assert any(lead > timedelta(days=60) for lead in leads)
    assert any(not person.address.endswith("@contoso.example") for person in people)
    assert {"PublicDL", "PrivateDL", "GroupMailbox"} <= {person.mailbox_type for person in people}
    assert any(item.organizer.routing_type == "EX" for item in items())


def test_bookings_overlap_and_touch_now_and_then() -> None:
    items = sorted(busy().items(*PAST), key=lambda item: item.starts_at)
    pairs = list(pairwise(items))
    assert any(a.ends_at > b.starts_at for a, b in pairs)
    assert any(a.ends_at == b.starts_at for a, b in pairs)


def test_the_regions_have_several_zones_one_with_a_half_hour() -> None:
    eu, na = (
        {row["time_zone"] for row in directory_rows(each)} for each in (tenant("EU"), tenant("NA"))
    )
    assert eu == {"Europe/Copenhagen", "Europe/London", "Europe/Lisbon", "Europe/Helsinki"}
    assert "America/St_Johns" in na
    assert {"America/New_York", "America/Vancouver"} < na


def test_the_directory_has_the_columns_of_the_contract() -> None:
    written = io.StringIO()
    rows = directory_rows(tenant("EU"))
    writer = csv.DictWriter(written, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    assert written.getvalue().splitlines()[0] == (
        "room_id,address,exchange,name,site,building,floor,country,subdivision,time_zone,"
        "capacity,room_type,open_hours,opened_on,closed_on"
    )
    assert len({row["room_id"] for row in rows}) == len({row["address"] for row in rows}) == 24


def test_the_directory_has_the_gaps_and_oddities_of_a_real_one() -> None:
    rows = [*directory_rows(tenant("EU")), *directory_rows(tenant("NA"))]
    assert {row["room_type"] for row in rows} <= set(ROOM_TYPES)
    assert {"desk", "office", "executive", "conference"} <= {row["room_type"] for row in rows}
    assert any(not row["capacity"] for row in rows)
    assert any("Sat" in row["open_hours"] for row in rows)
    assert any("12:00, 13:00" in row["open_hours"] for row in rows)
    assert any(row["opened_on"] for row in rows)
    assert any(row["closed_on"] for row in rows)


def test_room_lists_leave_a_room_out() -> None:
    listed = {address for rooms in tenant("EU").room_lists.values() for address in rooms}
    assert listed < {room.address for room in rooms()}


def test_a_room_made_by_hand_has_a_directory_row_too() -> None:
    (row,) = directory_rows(Tenant([Mailbox("a@contoso.example", "A")]))
    assert row == {
        "room_id": "a",
        "address": "a@contoso.example",
        "name": "A",
        "time_zone": "UTC",
    }
