"""Invitees are requested only if headcounts are wanted, and never cost a row.

The kind of fault: a short list passes as complete. An item that GetItem does not find is looked up
in the view again.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelines.sandbox import ews
from pipelines.sandbox.ews_soap import Answer, Call
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Item, Person
from pipelines.sources import Reach
from pipelines.sources.session import Throttle
from tests.sources.conftest import (
    ANN,
    HOUR,
    MONDAY,
    ROOM,
    FakeTime,
    meeting,
    meetings,
    refused,
    room,
)

Read = Callable[..., Any]


def test_without_headcounts_no_invitee_is_ever_asked_for(read: Read, sent: list[bytes]) -> None:
    tenant = room([meeting(required=(ANN,))])
    (item,) = read(tenant, with_invitees=False)
    assert item.invitees is None
    assert tenant.log.operations() == ["FindItem"]
    assert not [body for body in sent if b"Attendee" in body or b"Organizer" in body]


def test_invitees_come_with_role_address_and_kind(read: Read) -> None:
    leaver = Person("Lea", "/O=EXCH/CN=LEA", "EX", "OneOff")
    team = Person("Sellers", "sellers@contoso.example", mailbox_type="PublicDL")
    desk = Person("Aurora", "aurora@contoso.example")
    tenant = room([meeting(required=(leaver,), optional=(team,), resources=(desk,))])
    (item,) = read(tenant, with_invitees=True)
    assert [(each.role, each.address, each.legacy_dn, each.is_list) for each in item.invitees] == [
        ("organizer", "ann@contoso.example", None, False),
        ("required", None, "/O=EXCH/CN=LEA", False),
        ("optional", "sellers@contoso.example", None, True),
        ("resource", "aurora@contoso.example", None, False),
    ]


def test_invitees_are_asked_for_in_hundreds(read: Read) -> None:
    tenant = room(meetings(150))
    items = read(tenant, with_invitees=True)
    assert len(items) == 150
    assert all(len(item.invitees) == 1 for item in items)
    assert [entry.count for entry in tenant.log] == [150, 100, 50]


def test_an_item_deleted_in_between_is_left_out(read: Read) -> None:
    tenant = room([replace(item, item_id=f"item-{n}") for n, item in enumerate(meetings(5))])
    mailbox = tenant.mailbox(ROOM)
    assert mailbox is not None
    calendar = mailbox.list

    def delete(item: Item) -> bool:
        if item.starts_at.hour != 2:
            return False
        calendar[:] = [each for each in calendar if each.starts_at.hour != 2]
        return True

    tenant.faults.add(Fault("item_refused", code="ErrorItemNotFound", which=delete))
    items = read(tenant, with_invitees=True)
    assert sorted(item.starts_at.hour for item in items) == [0, 1, 3, 4]
    assert tenant.log.operations() == ["FindItem", "GetItem", "FindItem"]


def test_an_item_that_is_not_found_but_still_in_the_view_stays_a_booking(read: Read) -> None:
    tenant = room(meetings(5))
    tenant.faults.add(
        Fault("item_refused", code="ErrorItemNotFound", which=lambda item: item.starts_at.hour == 2)
    )
    items = read(tenant, with_invitees=True)
    assert sorted((item.starts_at.hour, item.unreadable) for item in items) == [
        *((0, 0), (1, 0), (2, 1), (3, 0), (4, 0))
    ]


@pytest.mark.parametrize("code", ["ErrorInternalServerError", "ErrorItemCorrupt"])
def test_one_item_refused_every_time_does_not_cost_the_room(read: Read, code: str) -> None:
    tenant = room(meetings(5))
    tenant.faults.add(Fault("item_refused", code=code, which=lambda item: item.starts_at.hour == 2))
    items = read(tenant, with_invitees=True)
    assert {item.starts_at.hour for item in items if item.invitees is None} == {2}
    assert sum(item.unreadable for item in items) == 1


def test_items_that_are_all_refused_for_a_passing_reason_fail_the_room(read: Read) -> None:
    tenant = room(meetings(5))
    tenant.faults.add(Fault("item_refused", code="ErrorInternalServerError"))
    assert refused(lambda: read(tenant, with_invitees=True)) == (
        "ErrorInternalServerError",
        Reach.ROOM,
    )


@pytest.mark.parametrize("code", ["ErrorItemCorrupt", "ErrorAccessDenied", "ErrorNobodyKnows"])
def test_an_item_refused_for_another_reason_stays_without_invitees(read: Read, code: str) -> None:
    tenant = room(meetings(5))
    tenant.faults.add(Fault("item_refused", code=code, times=1, after=2))
    items = read(tenant, with_invitees=True)
    assert [item.invitees is None for item in items] == [False, False, True, False, False]
    assert items[2].starts_at.hour == 2


def test_an_item_refused_for_a_passing_reason_is_asked_again(read: Read) -> None:
    tenant = room(meetings(5))
    tenant.faults.add(Fault("item_refused", code="ErrorServerBusy", times=1))
    assert all(item.invitees for item in read(tenant, with_invitees=True))
    assert tenant.log.operations() == ["FindItem", "GetItem", "GetItem"]


def test_a_failure_of_the_second_request_fails_the_room(read: Read, fake_time: FakeTime) -> None:
    tenant = room(meetings(5))
    tenant.faults.add(Fault("soap_fault", operation="GetItem", code="ErrorServerBusy"))
    assert refused(lambda: read(tenant, with_invitees=True)) == ("ErrorServerBusy", Reach.ROOM)
    assert fake_time.now > 0


def test_each_item_keeps_its_own_invitees(read: Read) -> None:
    people = [Person(f"P{number}", f"p{number}@contoso.example") for number in range(120)]
    items = [
        meeting(MONDAY + number * HOUR, required=(person,)) for number, person in enumerate(people)
    ]
    for item in read(room(items), with_invitees=True):
        hours = (item.starts_at - MONDAY) // HOUR
        assert item.invitees[1].address == f"p{hours}@contoso.example"


@pytest.fixture
def rearranged(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[list[str]], list[str]]], None]:
    """``rearranged(change)``: the messages of every GetItem come as ``change`` has them."""

    def arrange(change: Callable[[list[str]], list[str]]) -> None:
        def answer(call: Call) -> Answer:
            whole = get_item(call)
            head, *messages = re.split("(?=<m:GetItemResponseMessage )", whole.body)
            messages[-1], end = messages[-1].split("</m:ResponseMessages>")
            body = f"{head}{''.join(change(messages))}</m:ResponseMessages>{end}"
            return replace(whole, body=body)

        get_item = ews._OPERATIONS["GetItem"]
        monkeypatch.setitem(ews._OPERATIONS, "GetItem", answer)

    return arrange


def test_each_item_keeps_its_own_invitees_in_whatever_order_they_come(
    read: Read, rearranged: Callable[..., None]
) -> None:
    rearranged(lambda messages: messages[::-1])
    people = [Person(f"P{number}", f"p{number}@contoso.example") for number in range(5)]
    items = [
        meeting(MONDAY + number * HOUR, required=(person,)) for number, person in enumerate(people)
    ]
    for item in read(room(items), with_invitees=True):
        hours = (item.starts_at - MONDAY) // HOUR
        assert item.invitees[1].address == f"p{hours}@contoso.example"


@pytest.mark.parametrize("own", [' Id="x', ' Other="'])
def test_where_no_id_is_given_back_answers_are_in_the_order_of_the_request(
    read: Read, rearranged: Callable[..., None], own: str
) -> None:
    rearranged(lambda messages: [each.replace(' Id="', own) for each in messages])
    people = [Person(f"P{number}", f"p{number}@contoso.example") for number in range(3)]
    items = [
        meeting(MONDAY + number * HOUR, required=(person,)) for number, person in enumerate(people)
    ]
    for item in read(room(items), with_invitees=True):
        hours = (item.starts_at - MONDAY) // HOUR
        assert item.invitees[1].address == f"p{hours}@contoso.example"


@pytest.mark.parametrize(
    "change",
    [
        lambda messages: messages[:-1],
        lambda messages: [*messages[:-1], messages[0]],
        lambda messages: [*messages, messages[0]],
        lambda messages: [*messages[:-1], messages[-1].replace(' Id="', ' Id="x')],
        lambda messages: [*messages[:-1], re.sub("<t:ItemId [^>]*>", "", messages[-1])],
    ],
    ids=["missing", "double", "one more", "unknown", "no id"],
)
def test_an_answer_that_is_not_one_for_each_item_fails_the_room(
    read: Read, rearranged: Callable[..., None], change: Callable[[list[str]], list[str]]
) -> None:
    rearranged(change)
    found = refused(lambda: read(room(meetings(5)), with_invitees=True))
    assert found == ("MalformedResponse", Reach.ROOM)


def test_two_refusals_among_items_in_another_order_fail_the_room_and_one_does_not(
    read: Read, rearranged: Callable[..., None]
) -> None:
    rearranged(lambda messages: messages[::-1])
    tenant = room(meetings(5))
    tenant.faults.add(
        Fault("item_refused", code="ErrorItemCorrupt", which=lambda item: item.starts_at.hour == 2)
    )
    items = read(tenant, with_invitees=True)
    assert {item.starts_at.hour for item in items if item.invitees is None} == {2}
    tenant.faults.add(
        Fault("item_refused", code="ErrorAccessDenied", which=lambda item: item.starts_at.hour == 3)
    )
    assert refused(lambda: read(tenant, with_invitees=True)) == ("MalformedResponse", Reach.ROOM)


def test_one_item_of_a_busy_server_slows_every_worker_down(read: Read, fake_time: FakeTime) -> None:
    throttle = Throttle(4, fake_time.monotonic)
    tenant = room(meetings(3))
    tenant.faults.add(Fault("item_refused", code="ErrorServerBusy", times=1))
    found = read(tenant, with_invitees=True, throttle=throttle)
    assert [item.invitees is None for item in found] == [False] * 3
    assert throttle.limit == 2
    assert len(fake_time.sleeps) == 1
