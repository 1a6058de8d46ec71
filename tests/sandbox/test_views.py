"""The sandbox refuses what Exchange refuses, and shapes answers as Exchange does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.model import Item, parse_item_id
from tests.conftest import StartExchange
from tests.sandbox.client import (
    OWN_CALENDAR,
    TIMES,
    Client,
    connected,
    find_item,
)
from tests.sandbox.rooms import (
    ANN,
    DAY,
    HOUR,
    MONDAY,
    NINE,
    ROOM,
    meeting,
    rich_meeting,
    tenant,
)

MINUTE = timedelta(minutes=1)
STARTS = "//t:Start"


def starts(client: Client, *window: object) -> list[str]:
    first, last = window
    reply = client.find(first, last, *TIMES, folder=OWN_CALENDAR, as_=ROOM)  # type: ignore[arg-type]
    return reply.texts(STARTS)


def crowded(count: int) -> list[Item]:
    return [meeting(MONDAY + number * MINUTE, MINUTE) for number in range(count)]


def test_a_view_of_1000_items_is_whole(exchange: StartExchange) -> None:
    with connected(exchange(tenant(*crowded(1000)))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM)
    assert len(reply.texts("//t:ItemId/@Id")) == 1000
    assert reply.texts("//m:RootFolder/@IncludesLastItemInRange") == ["true"]


def test_a_view_of_1001_items_is_refused(exchange: StartExchange) -> None:
    with connected(exchange(tenant(*crowded(1001)))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM)
    assert reply.codes == ["ErrorExceededFindCountLimit"]


def test_max_entries_returned_cuts_the_list_and_says_so(exchange: StartExchange) -> None:
    with connected(exchange(tenant(*crowded(1001)))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM, most="10")
    assert len(reply.texts("//t:ItemId/@Id")) == 10
    assert reply.texts("//m:RootFolder/@IncludesLastItemInRange") == ["false"]
    assert reply.texts("//m:RootFolder/@TotalItemsInView") == ["1001"]


def test_a_view_of_two_years_is_answered_and_a_longer_one_refused(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        two = client.find(MONDAY, MONDAY + 731 * DAY, folder=OWN_CALENDAR, as_=ROOM)
        more = client.find(MONDAY, MONDAY + 732 * DAY, folder=OWN_CALENDAR, as_=ROOM)
    assert two.codes == ["NoError"]
    assert more.codes == ["ErrorCalendarViewRangeTooBig"]


def test_a_view_matches_by_overlap_and_is_half_open(exchange: StartExchange) -> None:
    around = meeting(NINE - HOUR, 3 * HOUR)
    touching = (meeting(NINE - HOUR, HOUR), meeting(NINE + HOUR, HOUR))
    empty = meeting(NINE, timedelta(0))
    with connected(exchange(tenant(around, *touching, empty))) as client:
        found = starts(client, NINE, NINE + HOUR)
    assert found == ["2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"]


def test_a_view_that_ends_before_it_starts_is_refused(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        reply = client.find(NINE, MONDAY, folder=OWN_CALENDAR, as_=ROOM)
    assert reply.codes == ["ErrorCalendarEndDateIsEarlierThanStartDate"]


@pytest.mark.parametrize("most", ["0", "-1"])
def test_a_list_of_no_items_cannot_be_asked_for(exchange: StartExchange, most: str) -> None:
    with connected(exchange(tenant(meeting()))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM, most=most)
    assert reply.codes == ["ErrorInvalidPagingMaxRows"]


@pytest.mark.parametrize(
    "start", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
)
def test_a_view_at_the_end_of_time_is_answered_and_not_hung_up_on(
    exchange: StartExchange, start: datetime
) -> None:
    held = generated_tenant("EU", rooms=1)
    with connected(exchange(held)) as client:
        room = next(iter(held.mailboxes))
        reply = client.find(start, start + HOUR, folder=OWN_CALENDAR, as_=room)
    assert (reply.status, reply.codes) == (500, ["ErrorInternalServerError"])


def test_only_the_properties_asked_for_are_returned(exchange: StartExchange) -> None:
    with connected(exchange(tenant(rich_meeting()))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, "calendar:End", folder=OWN_CALENDAR, as_=ROOM)
    (item,) = reply.root.iterfind(".//{*}CalendarItem")
    assert [str(child.tag).partition("}")[2] for child in item] == ["ItemId", "End"]


def test_find_item_cuts_strings_and_carries_neither_invitees_nor_bodies(
    exchange: StartExchange,
) -> None:
    item = replace(rich_meeting(), subject="x" * 300, location="y" * 300)
    fields = (
        "item:Subject",
        "item:Body",
        "calendar:Location",
        "calendar:UID",
        "calendar:RequiredAttendees",
    )
    with connected(exchange(tenant(item))) as client:
        found = client.find(MONDAY, MONDAY + DAY, *fields, folder=OWN_CALENDAR, as_=ROOM)
        got = client.get(found.texts("//t:ItemId/@Id"), *fields, as_=ROOM)
    assert found.texts("//t:Subject") == ["x" * 255]
    assert found.texts("//t:Location") == ["y" * 255]
    assert found.texts("//t:UID") == [item.series_id]
    assert found.texts("//t:Body | //t:Attendee") == []
    assert got.texts("//t:Subject") == ["x" * 300]
    assert got.texts("//t:Body") == [item.body]
    assert len(got.texts("//t:Attendee")) == 2


def test_the_subject_is_the_organizers_name_unless_the_room_keeps_subjects(
    exchange: StartExchange,
) -> None:
    items = (meeting(), replace(meeting(NINE + HOUR), subject="Planning"))
    with connected(exchange(tenant(*items))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, "item:Subject", folder=OWN_CALENDAR, as_=ROOM)
    assert reply.texts("//t:Subject") == [ANN.name, "Planning"]


def test_plain_find_item_without_a_calendar_view_is_a_fault(exchange: StartExchange) -> None:
    content = find_item(MONDAY, NINE, (), OWN_CALENDAR)
    view_at = content.index("<m:CalendarView")
    content = content[:view_at] + content[content.index("<m:ParentFolderIds") :]
    with connected(exchange(tenant())) as client:
        reply = client.ask(content, ROOM)
    assert (reply.status, reply.codes) == (500, ["ErrorInvalidOperation"])


@pytest.mark.parametrize("operation", ["CreateItem", "DeleteItem", "SyncFolderItems"])
def test_any_other_operation_is_a_fault(exchange: StartExchange, operation: str) -> None:
    with connected(exchange(tenant())) as client:
        reply = client.ask(f"<m:{operation}/>")
    assert (reply.status, reply.codes) == (500, ["ErrorInvalidOperation"])


@pytest.mark.parametrize("data", [b"", b"<a/>", b"not xml", b"<m:FindItem xmlns:m='x'/>"])
def test_what_is_no_soap_request_is_a_fault(exchange: StartExchange, data: bytes) -> None:
    with connected(exchange(tenant())) as client:
        reply = client.post(data)
    assert (reply.status, reply.codes) == (500, ["ErrorSchemaValidation"])


def test_item_ids_are_case_sensitive_and_change_when_the_item_moves(
    exchange: StartExchange,
) -> None:
    held = tenant(meeting())
    with connected(exchange(held)) as client:
        (before,) = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM).texts(
            "//t:ItemId/@Id"
        )
        room = held.mailbox(ROOM)
        assert room is not None
        room.list[0] = replace(meeting(NINE + HOUR))
        (after,) = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM).texts(
            "//t:ItemId/@Id"
        )
        codes = client.get([before, after, after.swapcase()], as_=ROOM).codes
    assert codes == ["ErrorItemNotFound", "NoError", "ErrorInvalidIdMalformed"]


def test_ids_hold_no_address(exchange: StartExchange) -> None:
    with connected(exchange(tenant(meeting()))) as client:
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM)
    key = parse_item_id(reply.texts("//t:ItemId/@Id")[0])
    assert key is not None
    assert (key.starts_at, key.item_id) == (NINE, "0")
