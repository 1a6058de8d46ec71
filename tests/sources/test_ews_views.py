"""A window is read completely or not at all, whatever the server leaves out."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sources import Reach, ReadError, Window
from pipelines.sources.ews import EwsSource
from tests.conftest import StartExchange
from tests.sources.conftest import HOUR, MONDAY, ROOM, WEEK, Open, meeting, meetings, refused, room

Read = Callable[..., Any]
ITEM_FIELDS = {
    *("item:ParentFolderId", "item:Sensitivity", "item:DateTimeCreated"),
    *("calendar:Start", "calendar:End", "calendar:IsAllDayEvent", "calendar:IsCancelled"),
    *("calendar:LegacyFreeBusyStatus", "calendar:CalendarItemType", "calendar:MyResponseType"),
    "calendar:IsOnlineMeeting",
}
INVITEE_FIELDS = {
    *("calendar:Organizer", "calendar:RequiredAttendees", "calendar:OptionalAttendees"),
    "calendar:Resources",
    "calendar:IsMeeting",
}
YEAR = Window(MONDAY, MONDAY + timedelta(days=365))


def starts(items: Any) -> list[Any]:
    return sorted(item.starts_at for item in items)


def starts_or_code(source: EwsSource) -> Any:
    try:
        return starts(source.read(ROOM, WEEK))
    except ReadError as error:
        return error.code


def test_a_room_is_read_with_one_request_and_nothing_is_probed(read: Read) -> None:
    tenant = room(meetings(5))
    assert len(read(tenant)) == 5
    assert tenant.log.operations() == ["FindItem"]


def test_every_field_arrives_in_the_words_of_the_contract(read: Read) -> None:
    tenant = room(
        [
            meeting(
                is_all_day=True,
                is_cancelled=True,
                sensitivity="Private",
                item_type="Occurrence",
                free_busy="OOF",
                my_response="Tentative",
                is_online=True,
                created_at=MONDAY,
            )
        ]
    )
    (item,) = read(tenant)
    assert (item.starts_at, item.ends_at) == (MONDAY + 9 * HOUR, MONDAY + 10 * HOUR)
    assert item.is_all_day
    assert item.is_cancelled
    assert item.stated == {"is_online": True}
    assert (item.kind, item.show_as) == ("occurrence", "oof")
    assert (item.response, item.is_private) == ("tentative", True)
    assert item.created_at == MONDAY
    assert item.invitees is None


def test_an_empty_room_is_empty_not_an_error(read: Read) -> None:
    assert list(read(room([]))) == []


def test_more_items_than_exchange_returns_at_once_are_all_read(read: Read) -> None:
    tenant = room(meetings(2_300, apart=timedelta(hours=3)))
    items = read(tenant, YEAR)
    assert starts(items) == [MONDAY + number * 3 * HOUR for number in range(2_300)]
    assert any(entry.code == "ErrorExceededFindCountLimit" for entry in tenant.log)


def test_a_window_over_two_years_is_split_before_it_is_asked(read: Read) -> None:
    tenant = room(meetings(100, apart=timedelta(days=10)))
    assert len(read(tenant, Window(MONDAY, MONDAY + timedelta(days=1_100)))) == 100
    assert all(entry.code == "" for entry in tenant.log)


@pytest.mark.parametrize("kind", ["short_list", "silent_short_list"])
def test_a_view_cut_short_is_split_until_each_part_is_whole(read: Read, kind: Any) -> None:
    tenant = room(meetings(40))
    tenant.faults.add(Fault(kind, limit=6))
    assert starts(read(tenant)) == [MONDAY + number * HOUR for number in range(40)]


@pytest.mark.parametrize("kind", ["short_list", "silent_short_list"])
def test_a_view_cut_short_however_small_fails_the_room(read: Read, kind: Any) -> None:
    tenant = room([meeting() for _ in range(3)])
    tenant.faults.add(Fault(kind, limit=2))
    assert refused(lambda: read(tenant)) == ("ViewCutShort", Reach.ROOM)


def test_an_item_across_the_seam_of_two_views_comes_once(read: Read) -> None:
    tenant = room([meeting(MONDAY, timedelta(days=7)), *meetings(30)])
    tenant.faults.add(Fault("short_list", limit=8))
    assert len(read(tenant)) == 31


def test_an_item_without_length_on_a_seam_is_not_lost(read: Read) -> None:
    middle = WEEK.starts_at + (WEEK.ends_at - WEEK.starts_at) / 2
    tenant = room([*meetings(10), meeting(middle, timedelta(0))])
    tenant.faults.add(Fault("short_list", limit=9, times=1))
    assert middle in starts(read(tenant))


@pytest.mark.parametrize("kind", ["shuffle", "inclusive_edges", "duplicates"])
def test_disorder_and_repetition_change_nothing(read: Read, kind: Any) -> None:
    tenant = room(meetings(20))
    tenant.faults.add(Fault(kind))
    assert starts(read(tenant)) == [MONDAY + number * HOUR for number in range(20)]


def test_a_nonsense_time_zone_in_an_item_does_not_matter(read: Read) -> None:
    tenant = room([meeting(start_time_zone="tzone://Microsoft/Custom", is_all_day=True)])
    (item,) = read(tenant)
    assert item.starts_at == MONDAY + 9 * HOUR


def test_characters_that_xml_forbids_do_not_fail_a_room(read: Read) -> None:
    tenant = room([meeting(required=(meeting().organizer,))])
    tenant.faults.add(Fault("invalid_characters"))
    (item,) = read(tenant, with_invitees=True)
    assert len(item.invitees) == 2


def test_a_cut_answer_gives_the_whole_list_or_an_error_never_a_shorter_list(
    exchange: StartExchange, open_source: Open
) -> None:
    tenant = room(meetings(3))
    source = open_source(exchange(tenant))
    whole = starts(source.read(ROOM, WEEK))
    for at_byte in range(0, 3_000, 37):
        tenant.faults.clear()
        tenant.faults.add(Fault("cut", at_byte=at_byte))
        assert starts_or_code(source) in (whole, "MalformedResponse"), at_byte


@pytest.mark.parametrize("kind", ["cut", "hang_up"])
def test_an_answer_that_is_cut_once_is_asked_for_again(read: Read, kind: Any) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(Fault(kind, times=1))
    assert len(read(tenant)) == 3


@pytest.mark.parametrize(
    ("with_invitees", "asked"),
    [(False, ITEM_FIELDS), (True, ITEM_FIELDS | INVITEE_FIELDS)],
)
def test_only_the_fields_that_are_needed_are_asked_for(
    exchange: StartExchange,
    open_source: Open,
    sent: list[bytes],
    with_invitees: bool,
    asked: set[str],
) -> None:
    source = open_source(exchange(room(meetings(1))), with_invitees=with_invitees)
    source.read(ROOM, WEEK)
    assert set(re.findall(r'FieldURI="([^"]+)"', b"".join(sent).decode())) == asked
    assert b"BaseShape>IdOnly<" in sent[0]
