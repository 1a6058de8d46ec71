"""Answers that look right but are wrong: each switch does what it says."""

from dataclasses import replace

import pytest
from lxml import etree

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Tenant, folder_id
from pipelines.sandbox.server import SandboxExchange
from tests.conftest import StartExchange
from tests.sandbox.client import IDS, OWN_CALENDAR, TIMES, connected, find_day
from tests.sandbox.rooms import HOUR, NINE, OTHER_ROOM, ROOM, meeting, tenant


def test_a_short_list_says_that_it_is_short(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("short_list", limit=3))
    with connected(server) as client:
        reply = find_day(client)
    assert len(reply.texts(IDS)) == 3
    assert reply.texts("//m:RootFolder/@*") == ["4", "false"]


def test_a_silent_short_list_differs_from_the_total_only(
    server: SandboxExchange, held: Tenant
) -> None:
    held.faults.add(Fault("silent_short_list", limit=3))
    with connected(server) as client:
        reply = find_day(client)
    assert len(reply.texts(IDS)) == 3
    assert reply.texts("//m:RootFolder/@*") == ["4", "true"]


def test_shuffled_items_are_the_same_items(server: SandboxExchange, held: Tenant) -> None:
    with connected(server) as client:
        ordered = find_day(client).texts(IDS)
        held.faults.add(Fault("shuffle"))
        answers = [find_day(client).texts(IDS) for _ in range(5)]
    assert all(sorted(ids) == sorted(ordered) for ids in answers)
    assert any(ids != ordered for ids in answers)


def test_inclusive_edges_return_items_that_only_touch(
    server: SandboxExchange, held: Tenant
) -> None:
    held.faults.add(Fault("inclusive_edges", times=1))
    with connected(server) as client:
        window = (NINE + HOUR, NINE + 2 * HOUR)
        touching = client.find(*window, *TIMES, folder=OWN_CALENDAR, as_=ROOM)
        exact = client.find(*window, *TIMES, folder=OWN_CALENDAR, as_=ROOM)
    assert len(touching.texts(IDS)) == 3
    assert len(exact.texts(IDS)) == 1


def test_duplicates_are_the_same_items_twice(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("duplicates"))
    with connected(server) as client:
        ids = find_day(client).texts(IDS)
    assert (len(ids), len(set(ids))) == (8, 4)


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorItemCorrupt"])
def test_get_item_refuses_the_items_that_are_picked(
    server: SandboxExchange, held: Tenant, code: str
) -> None:
    held.faults.add(
        Fault("item_refused", code=code, which=lambda item: item.starts_at == NINE + HOUR)
    )
    with connected(server) as client:
        reply = client.get(find_day(client).texts(IDS), as_=ROOM)
    assert reply.codes == ["NoError", code, "NoError", "NoError"]


def test_another_folder_shows_in_the_items_parent(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("other_folder", times=1))
    with connected(server) as client:
        wrong = find_day(client, ROOM, "item:ParentFolderId")
        right = find_day(client, ROOM, "item:ParentFolderId")
    parent = "//t:ParentFolderId/@Id"
    assert set(right.texts(parent)) == {folder_id(1, "calendar")}
    assert set(wrong.texts(parent)).isdisjoint(right.texts(parent))


def test_another_mailboxs_items_carry_its_folder(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("other_mailbox", room=OTHER_ROOM, mailbox=ROOM))
    with connected(server) as client:
        reply = find_day(client, OTHER_ROOM, "item:ParentFolderId")
    assert set(reply.texts("//t:ParentFolderId/@Id")) == {folder_id(1, "calendar")}


def test_forbidden_characters_come_as_references(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("invalid_characters", times=1))
    with connected(server) as client:
        reply = find_day(client, ROOM, "item:Subject")
    assert b"<t:Subject>&#x1B;" in reply.data
    with pytest.raises(etree.XMLSyntaxError):
        assert reply.root is not None


def test_a_control_character_in_the_model_is_written_as_a_reference(
    exchange: StartExchange,
) -> None:
    with connected(exchange(tenant(replace(meeting(), subject="a\x1bb")))) as client:
        assert b"<t:Subject>a&#x1B;b" in find_day(client, ROOM, "item:Subject").data
