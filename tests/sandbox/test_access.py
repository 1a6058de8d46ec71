"""Who may read what: impersonation, delegates, and the mailbox that a request names."""

from datetime import timedelta

from pipelines.sandbox.model import Mailbox
from tests.conftest import StartExchange
from tests.sandbox.client import (
    OWN_CALENDAR,
    TIMES,
    calendar_of,
    connected,
    get_folder,
)
from tests.sandbox.rooms import (
    DAY,
    HOUR,
    MONDAY,
    NINE,
    OTHER_ROOM,
    ROOM,
    meeting,
    tenant,
)

MINUTE = timedelta(minutes=1)
STARTS = "//t:Start"


def test_an_impersonated_user_reads_its_own_calendar(exchange: StartExchange) -> None:
    server = exchange(tenant(meeting()))
    with connected(server) as client:
        found = client.find(MONDAY, MONDAY + DAY, *TIMES, folder=OWN_CALENDAR, as_=ROOM)
        assert found.texts(STARTS) == ["2026-11-23T09:00:00Z"]
        client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=OTHER_ROOM)
    assert [(entry.mailbox, entry.count) for entry in server.tenant.log] == [
        (ROOM, 1),
        (OTHER_ROOM, 0),
    ]


def test_impersonating_without_the_right_is_a_fault(exchange: StartExchange) -> None:
    with connected(exchange(tenant(impersonation={OTHER_ROOM}))) as client:
        reply = client.find(MONDAY, NINE, folder=OWN_CALENDAR, as_=ROOM)
    assert (reply.status, reply.codes) == (500, ["ErrorImpersonateUserDenied"])


def test_impersonating_nobody_is_a_fault(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        reply = client.find(MONDAY, NINE, folder=OWN_CALENDAR, as_="nobody@contoso.example")
    assert (reply.status, reply.codes) == (500, ["ErrorNonExistentMailbox"])


def test_an_impersonated_user_may_not_read_another_calendar(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        reply = client.find(MONDAY, NINE, folder=calendar_of(OTHER_ROOM), as_=ROOM)
    assert reply.codes == ["ErrorAccessDenied"]


def test_a_reviewer_reads_the_calendar_but_not_the_root(exchange: StartExchange) -> None:
    with connected(exchange(tenant(meeting()))) as client:
        found = client.find(MONDAY, MONDAY + DAY, *TIMES, folder=calendar_of(ROOM.upper()))
        root = client.ask(get_folder(calendar_of(ROOM, "root")))
    assert found.texts(STARTS) == ["2026-11-23T09:00:00Z"]
    assert root.codes == ["ErrorAccessDenied"]


def test_a_delegate_without_rights_is_denied_the_calendar_and_its_items(
    exchange: StartExchange,
) -> None:
    held = tenant(meeting())
    with connected(exchange(held)) as client:
        ids = client.find(MONDAY, MONDAY + DAY, folder=calendar_of(ROOM)).texts("//t:ItemId/@Id")
        held.reviewer = {OTHER_ROOM}
        codes = [
            *client.find(MONDAY, MONDAY + DAY, folder=calendar_of(ROOM)).codes,
            *client.get(ids).codes,
        ]
    assert codes == ["ErrorAccessDenied", "ErrorAccessDenied"]


def test_a_mailbox_that_does_not_exist_is_named_by_its_code(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        reply = client.find(MONDAY, NINE, folder=calendar_of("nobody@contoso.example"))
    assert reply.codes == ["ErrorNonExistentMailbox"]


def test_without_a_mailbox_the_accounts_own_calendar_is_read(exchange: StartExchange) -> None:
    held = tenant(meeting())
    held.add(Mailbox(held.account, items=[meeting(NINE + HOUR)], is_room=False))
    with connected(exchange(held)) as client:
        reply = client.find(MONDAY, MONDAY + DAY, *TIMES, folder=OWN_CALENDAR)
    assert reply.texts(STARTS) == ["2026-11-23T10:00:00Z"]


def test_items_name_the_folder_that_get_folder_names(exchange: StartExchange) -> None:
    with connected(exchange(tenant(meeting()))) as client:
        folder = client.ask(get_folder(calendar_of(ROOM)))
        found = client.find(MONDAY, MONDAY + DAY, "item:ParentFolderId", folder=calendar_of(ROOM))
        (by_id,) = folder.texts("//t:FolderId/@Id")
        again = client.find(MONDAY, MONDAY + DAY, *TIMES, folder=f'<t:FolderId Id="{by_id}"/>')
    assert found.texts("//t:ParentFolderId/@Id") == [by_id]
    assert again.texts(STARTS) == ["2026-11-23T09:00:00Z"]


def test_convert_id_names_the_mailbox_that_an_id_belongs_to(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        (by_id,) = client.ask(get_folder(calendar_of(OTHER_ROOM))).texts("//t:FolderId/@Id")

        def convert(written: str, form: str, target: str) -> str:
            reply = client.ask(
                f'<m:ConvertId DestinationFormat="{target}"><m:SourceIds><t:AlternateId'
                f' Format="{form}" Id="{written}" Mailbox="{ROOM}"/></m:SourceIds></m:ConvertId>'
            )
            assert reply.texts("//m:AlternateId/@Mailbox") == [OTHER_ROOM]
            return reply.texts("//m:AlternateId/@Id")[0]

        there = convert(by_id, "EwsId", "HexEntryId")
        assert convert(there, "HexEntryId", "OwaId") != by_id
        assert convert(there, "HexEntryId", "EwsId") == by_id


def test_room_lists_name_rooms_and_nothing_about_them(exchange: StartExchange) -> None:
    held = tenant(room_lists={"rooms@contoso.example": (ROOM, OTHER_ROOM)})
    with connected(exchange(held)) as client:
        lists = client.ask("<m:GetRoomLists/>")
        rooms = client.ask(
            "<m:GetRooms><m:RoomList><t:EmailAddress>ROOMS@contoso.example</t:EmailAddress>"
            "</m:RoomList></m:GetRooms>"
        )
    assert lists.texts("//t:Address/t:EmailAddress") == ["rooms@contoso.example"]
    assert rooms.texts("//t:Room/t:Id/t:EmailAddress") == [ROOM, OTHER_ROOM]
