"""Graph's errors: which are retried, which fail a room, which stop an exchange."""

from typing import Any

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Mailbox, Tenant
from pipelines.sources import Reach, ReadError
from pipelines.sources.session import ATTEMPTS
from tests.conftest import StartExchange
from tests.sources.conftest import OTHER_ROOM, ROOM, WEEK, FakeTime, meetings, refused
from tests.sources.conftest import room as tenant_of
from tests.sources.graph_kit import OpenGraph, ReadGraph, open_graph, read_graph

__all__ = ["open_graph", "read_graph"]

VIEW = "CalendarView"
PASSING: dict[str, dict[str, Any]] = {
    "429": {"kind": "http", "status": 429, "retry_after": "7"},
    "500": {"kind": "http", "status": 500},
    "502": {"kind": "http", "status": 502},
    "503": {"kind": "http", "status": 503, "retry_after": "7"},
    "504": {"kind": "http", "status": 504},
    "520": {"kind": "http", "status": 520},
    "504 with a body": {"kind": "response_code", "status": 504, "code": "UnknownError"},
    "reset": {"kind": "reset"},
    "hang up": {"kind": "hang_up"},
    "cut": {"kind": "cut"},
    "empty": {"kind": "cut", "at_byte": 0},
}


def asked(tenant: Tenant) -> int:
    return tenant.log.operations().count(VIEW)


@pytest.mark.parametrize("name", PASSING)
def test_a_failure_that_passes_is_asked_again(read_graph: ReadGraph, name: str) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault(operation=VIEW, times=2, **PASSING[name]))
    assert len(read_graph(tenant)) == 3
    assert asked(tenant) == 3


@pytest.mark.parametrize("name", PASSING)
def test_a_failure_that_stays_is_asked_a_few_times_only(read_graph: ReadGraph, name: str) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault(operation=VIEW, **PASSING[name]))
    _, scope = refused(lambda: read_graph(tenant))
    assert scope is Reach.ROOM
    assert asked(tenant) == ATTEMPTS


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_graph_asks_for_is_kept(
    read_graph: ReadGraph, fake_time: FakeTime, status: int
) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault("http", operation=VIEW, status=status, retry_after="9", times=1))
    read_graph(tenant)
    assert 9.0 <= sum(fake_time.sleeps) <= 9.0 * 1.25


def test_a_wait_longer_than_the_room_may_take_fails_it_at_once(
    read_graph: ReadGraph, fake_time: FakeTime
) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault("http", operation=VIEW, status=429, retry_after="300"))
    assert refused(lambda: read_graph(tenant)) == ("HTTP429", Reach.ROOM)
    assert fake_time.sleeps == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "ErrorAccessDenied", "ErrorAccessDenied"),
        (403, "Authorization_RequestDenied", "Authorization_RequestDenied"),
        (403, "Ann Andersen is no room", "HTTP403"),
        (404, "ErrorInvalidUser", "ErrorInvalidUser"),
        (404, "MailboxNotEnabledForRESTAPI", "MailboxNotEnabledForRESTAPI"),
        (404, "itemNotFound", "HTTP404"),
        (400, "AnnAndersen", "HTTP400"),
    ],
)
def test_a_refusal_that_stays_is_one_rooms_and_asked_once(
    exchange: StartExchange, open_graph: OpenGraph, status: int, code: str, expected: str
) -> None:
    tenant = Tenant([Mailbox(ROOM, items=meetings(3)), Mailbox(OTHER_ROOM, items=meetings(2))])
    tenant.faults.add(Fault("response_code", room=ROOM, status=status, code=code))
    source = open_graph(exchange(tenant))
    assert refused(lambda: source.read(ROOM, WEEK)) == (expected, Reach.ROOM)
    assert asked(tenant) == 1
    assert len(source.read(OTHER_ROOM, WEEK)) == 2


def test_a_mailbox_outside_the_apps_scope_is_denied(read_graph: ReadGraph) -> None:
    tenant = tenant_of(meetings(3))
    tenant.app.calendars = {OTHER_ROOM}
    assert refused(lambda: read_graph(tenant)) == ("ErrorAccessDenied", Reach.ROOM)


def test_an_address_without_a_mailbox_is_named_by_its_code(read_graph: ReadGraph) -> None:
    assert refused(lambda: read_graph(Tenant([]))) == ("ErrorInvalidUser", Reach.ROOM)


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_refusal_that_is_not_graphs_may_be_about_the_room_or_the_exchange(
    read_graph: ReadGraph, status: int
) -> None:
    tenant = tenant_of([])
    tenant.faults.add(Fault("http", operation=VIEW, status=status))
    assert refused(lambda: read_graph(tenant)) == (f"HTTP{status}", Reach.UNCLEAR)


def test_a_redirect_is_not_followed(read_graph: ReadGraph) -> None:
    tenant = tenant_of([])
    elsewhere = {"Location": "https://elsewhere.example/"}
    tenant.faults.add(Fault("http", operation=VIEW, status=302, headers=elsewhere))
    assert refused(lambda: read_graph(tenant)) == ("HTTP302", Reach.UNCLEAR)
    assert asked(tenant) == 1


@pytest.mark.parametrize("key", ["endpoint", "authority"])
def test_only_https_is_spoken(exchange: StartExchange, open_graph: OpenGraph, key: str) -> None:
    server = exchange(tenant_of([]))
    plain = {key: "http://localhost:9"}
    assert refused(lambda: open_graph(server, **plain)) == ("HttpsRequired", Reach.EXCHANGE)


def test_nothing_but_a_code_leaves_the_source(read_graph: ReadGraph) -> None:
    tenant = tenant_of(meetings(1))
    tenant.faults.add(Fault("response_code", operation=VIEW, status=403, code="ErrorAccessDenied"))
    with pytest.raises(ReadError) as caught:
        read_graph(tenant)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert str(caught.value) == "ErrorAccessDenied"
