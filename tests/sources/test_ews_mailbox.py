"""Only the calendar of the named room is ever read, whatever the account's rights."""

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import ACCOUNT, Mailbox, Tenant
from pipelines.sources import Reach
from pipelines.sources.session import Throttle
from tests.conftest import StartExchange
from tests.sources.conftest import HOUR, OTHER_ROOM, ROOM, WEEK, Open, meetings, refused, room

Read = Callable[..., Any]


def two_rooms() -> Tenant:
    return Tenant([Mailbox(ROOM, items=meetings(3)), Mailbox(OTHER_ROOM, items=meetings(5))])


def test_a_delegate_with_nothing_but_reviewer_reads_the_calendar(read: Read) -> None:
    tenant = room(meetings(3))
    tenant.impersonation, tenant.reviewer = frozenset(), {ROOM}
    assert len(read(tenant, access="delegate", with_invitees=True)) == 3
    assert tenant.log.operations() == ["FindItem", "GetItem"]


def test_impersonation_needs_no_right_on_the_folder(read: Read) -> None:
    tenant = room(meetings(3))
    tenant.impersonation, tenant.reviewer = {ROOM}, frozenset()
    assert len(read(tenant, with_invitees=True)) == 3


@pytest.mark.parametrize(
    ("access", "code"),
    [("delegate", "ErrorAccessDenied"), ("impersonation", "ErrorImpersonateUserDenied")],
)
def test_a_room_without_rights_is_refused_by_its_own_code(
    read: Read, access: str, code: str
) -> None:
    tenant = room(meetings(3))
    tenant.impersonation = tenant.reviewer = frozenset()
    assert refused(lambda: read(tenant, access=access)) == (code, Reach.ROOM)


@pytest.mark.parametrize("access", ["delegate", "impersonation"])
def test_every_request_names_the_room_and_no_other(
    exchange: StartExchange, open_source: Open, sent: list[bytes], access: str
) -> None:
    source = open_source(exchange(two_rooms()), access=access, with_invitees=True)
    source.read(ROOM, WEEK)
    find, _get = sent
    assert f'Id="calendar"><t:Mailbox><t:EmailAddress>{ROOM}<'.encode() in find
    assert (b"ExchangeImpersonation" in find) is (access == "impersonation")
    assert not [body for body in sent if ACCOUNT.encode() in body or OTHER_ROOM.encode() in body]


def test_a_folder_is_never_looked_up(exchange: StartExchange, open_source: Open) -> None:
    tenant = two_rooms()
    source = open_source(exchange(tenant), access="delegate")
    source.read(ROOM, WEEK)
    source.read(OTHER_ROOM, WEEK)
    assert tenant.log.operations() == ["FindItem", "FindItem"]
    assert {entry.mailbox for entry in tenant.log} == {ROOM, OTHER_ROOM}


def test_the_items_of_another_rooms_folder_are_refused(
    exchange: StartExchange, open_source: Open
) -> None:
    tenant = two_rooms()
    source = open_source(exchange(tenant))
    assert len(source.read(OTHER_ROOM, WEEK)) == 5
    tenant.faults.add(Fault("other_mailbox", room=ROOM, mailbox=OTHER_ROOM))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("OtherMailbox", Reach.ROOM)


def test_two_workers_see_that_two_rooms_are_one_calendar(
    exchange: StartExchange, open_source: Open
) -> None:
    tenant, throttle = two_rooms(), Throttle(2)
    tenant.faults.add(Fault("other_mailbox", room=OTHER_ROOM, mailbox=ROOM))
    server = exchange(tenant)
    first, second = (open_source(server, throttle=throttle) for _ in range(2))
    assert len(first.read(ROOM, WEEK)) == 3
    assert refused(lambda: second.read(OTHER_ROOM, WEEK)) == ("OtherMailbox", Reach.ROOM)
    assert throttle.owners.disputed == {ROOM, OTHER_ROOM}


def test_a_room_whose_folder_changes_is_refused(exchange: StartExchange, open_source: Open) -> None:
    tenant = room(meetings(3))
    source = open_source(exchange(tenant))
    source.read(ROOM, WEEK)
    tenant.faults.add(Fault("other_folder"))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("OtherMailbox", Reach.ROOM)


def test_parts_of_one_view_from_two_folders_are_refused(read: Read) -> None:
    tenant = room(meetings(20, apart=8 * HOUR))
    tenant.faults.add(Fault("short_list", limit=5, times=1))
    tenant.faults.add(Fault("other_folder", after=2))
    assert refused(lambda: read(tenant)) == ("OtherMailbox", Reach.ROOM)


def test_the_same_room_is_read_again_whatever_the_case_of_its_address(
    exchange: StartExchange, open_source: Open
) -> None:
    source = open_source(exchange(room(meetings(3))))
    assert len(source.read(ROOM, WEEK)) == len(source.read(ROOM.upper(), WEEK)) == 3
