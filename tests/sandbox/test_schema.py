"""What the sandbox sends is valid against Microsoft's published schemas."""

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.ews_items import PROPERTIES
from pipelines.sandbox.model import Item, Person
from pipelines.sandbox.server import SandboxExchange
from tests.conftest import StartExchange
from tests.sandbox.client import (
    OWN_CALENDAR,
    calendar_of,
    connected,
    find_item,
    get_folder,
    get_item,
)
from tests.sandbox.conftest import Validate
from tests.sandbox.rooms import DAY, MONDAY, NINE, ROOM, meeting, rich_meeting, tenant

EVERYTHING = tuple(PROPERTIES)
LIST = "rooms@contoso.example"


@pytest.fixture
def server(exchange: StartExchange) -> SandboxExchange:
    items = (meeting(), rich_meeting(), rich_meeting(NINE + DAY))
    return exchange(tenant(*items, room_lists={LIST: (ROOM,)}))


@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_find_item_is_valid_in_every_shape(
    server: SandboxExchange, validate: Validate, base: str
) -> None:
    with connected(server) as client:
        content = find_item(MONDAY, MONDAY + 7 * DAY, (), OWN_CALENDAR, base=base)
        reply = client.ask(content, ROOM)
    assert len(reply.texts("//t:CalendarItem/t:ItemId/@Id")) == 3
    validate(reply.content)


@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_get_item_is_valid_in_every_shape(
    server: SandboxExchange, validate: Validate, base: str
) -> None:
    with connected(server) as client:
        found = client.find(MONDAY, MONDAY + 7 * DAY, folder=OWN_CALENDAR, as_=ROOM)
        ids = [*found.texts("//t:ItemId/@Id"), "bm9uc2Vuc2U="]
        reply = client.ask(get_item(ids, (), base), ROOM)
    assert reply.codes == ["NoError", "NoError", "NoError", "ErrorInvalidIdMalformed"]
    validate(reply.content)


def test_every_property_that_the_sandbox_has_can_be_added_to_a_shape(
    server: SandboxExchange, validate: Validate
) -> None:
    with connected(server) as client:
        found = client.find(MONDAY, MONDAY + 7 * DAY, *EVERYTHING, folder=OWN_CALENDAR, as_=ROOM)
        got = client.get(found.texts("//t:ItemId/@Id"), *EVERYTHING, as_=ROOM)
    validate(found.content)
    validate(got.content)
    richest = max(got.root.iterfind(".//{*}CalendarItem"), key=len)
    assert len(richest) == len(EVERYTHING)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(get_folder(calendar_of(ROOM), "AllProperties"), id="calendar"),
        pytest.param(get_folder(calendar_of(ROOM, "root")), id="denied"),
        pytest.param(get_folder(calendar_of("nobody@contoso.example")), id="nobody"),
        pytest.param("<m:GetRoomLists/>", id="room lists"),
        pytest.param(
            f"<m:GetRooms><m:RoomList><t:EmailAddress>{LIST}</t:EmailAddress></m:RoomList>"
            "</m:GetRooms>",
            id="rooms",
        ),
        pytest.param(
            "<m:GetRooms><m:RoomList><t:EmailAddress>no@x.example</t:EmailAddress></m:RoomList>"
            "</m:GetRooms>",
            id="no such list",
        ),
        pytest.param(
            '<m:ConvertId DestinationFormat="HexEntryId"><m:SourceIds><t:AlternateId'
            f' Format="EwsId" Id="QUFNa0Z8MXxjYWxlbmRhcg==" Mailbox="{ROOM}"/><t:AlternateId'
            f' Format="EwsId" Id="bm9uc2Vuc2U=" Mailbox="{ROOM}"/></m:SourceIds></m:ConvertId>',
            id="convert",
        ),
    ],
)
def test_the_other_operations_are_valid(
    server: SandboxExchange, validate: Validate, content: str
) -> None:
    with connected(server) as client:
        reply = client.ask(content)
    assert reply.status == 200
    validate(reply.content)


def test_what_an_item_lacks_is_left_out_and_the_rest_is_valid(
    exchange: StartExchange, validate: Validate
) -> None:
    nobody = Person("", "")
    broken = Item(
        NINE,
        NINE,
        nobody,
        required=(nobody, Person("No address", "")),
        sensitivity=None,
        item_type=None,
        free_busy=None,
        my_response=None,
        is_online=None,
    )
    with connected(exchange(tenant(broken))) as client:
        found = client.find(MONDAY, MONDAY + DAY, *EVERYTHING, folder=OWN_CALENDAR, as_=ROOM)
        got = client.get(found.texts("//t:ItemId/@Id"), *EVERYTHING, as_=ROOM)
    validate(got.content)
    assert got.texts("//t:Organizer | //t:LegacyFreeBusyStatus | //t:IsOnlineMeeting") == []
    assert len(got.texts("//t:Attendee")) == 2


def test_a_refused_view_is_valid(server: SandboxExchange, validate: Validate) -> None:
    with connected(server) as client:
        reply = client.find(MONDAY, MONDAY + 3 * 366 * DAY, folder=OWN_CALENDAR, as_=ROOM)
    assert reply.codes == ["ErrorCalendarViewRangeTooBig"]
    validate(reply.content)


@pytest.mark.parametrize("region", ["EU", "NA"])
def test_generated_calendars_are_valid(
    exchange: StartExchange, validate: Validate, region: str
) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    region_tenant = generated_tenant("EU" if region == "EU" else "NA", rooms=10, now=now)
    server = exchange(region_tenant)
    with connected(server) as client:
        for room in list(region_tenant.mailboxes)[:10]:
            start = now - timedelta(days=20)
            found = client.find(start, now, *EVERYTHING, folder=OWN_CALENDAR, as_=room)
            validate(found.content)
            ids = found.texts("//t:ItemId/@Id")[:50]
            if ids:
                validate(client.get(ids, *EVERYTHING, as_=room).content)
    assert sum(entry.count for entry in region_tenant.log) > 300
