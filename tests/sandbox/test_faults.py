"""Every fault switch does what it says, for the room and the number of times that it names."""

import http.client
import socket
import ssl
from contextlib import ExitStack
from threading import Thread
from time import sleep

import pytest
from lxml import etree

from pipelines.sandbox.faults import Fault, Faults, Kind
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.server import SandboxExchange
from tests.conftest import StartExchange
from tests.sandbox.client import IDS, calendar_of, connected, envelope, find_day, get_folder
from tests.sandbox.rooms import MONDAY, NINE, OTHER_ROOM, ROOM

BREAKS = (OSError, http.client.HTTPException)


def test_a_fault_strikes_its_room_so_many_times_after_letting_some_pass(
    server: SandboxExchange, held: Tenant
) -> None:
    held.faults.add(Fault("http", room=ROOM.upper(), after=1, times=2))
    with connected(server) as client:
        statuses = [find_day(client).status for _ in range(5)]
        other = find_day(client, OTHER_ROOM).status
    assert statuses == [200, 503, 503, 200, 200]
    assert other == 200


def test_a_fault_can_be_about_one_operation(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("http", operation="GetItem"))
    with connected(server) as client:
        ids = find_day(client).texts(IDS)
        assert client.get(ids, as_=ROOM).status == 503


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_an_http_fault_answers_with_its_status(
    server: SandboxExchange, held: Tenant, status: int
) -> None:
    held.faults.add(Fault("http", status=status, retry_after="7"))
    with connected(server) as client:
        reply = find_day(client)
    assert (reply.status, reply.headers["Retry-After"]) == (status, "7")
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    assert [entry.status for entry in held.log] == [status]


def test_a_stale_answer_is_the_one_before_it(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("stale", after=1, times=1))
    with connected(server) as client:
        first, stale, own = find_day(client), find_day(client, OTHER_ROOM), find_day(client)
    assert first.texts(IDS) == stale.texts(IDS) == own.texts(IDS) != []


def test_a_soap_fault_carries_the_back_off(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("soap_fault", back_off_milliseconds=1500))
    with connected(server) as client:
        reply = find_day(client)
    assert (reply.status, reply.codes) == (500, ["ErrorServerBusy"])
    assert reply.texts("//t:Value[@Name='BackOffMilliseconds']") == ["1500"]


def test_a_response_code_comes_with_http_200(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("response_code", back_off_milliseconds=1500))
    with connected(server) as client:
        reply = find_day(client)
    assert (reply.status, reply.codes) == (200, ["ErrorServerBusy"])
    assert reply.texts("//t:Value[@Name='BackOffMilliseconds']") == ["1500"]


@pytest.mark.parametrize("code", ["ErrorAccessDenied", "ErrorCannotFindUser", "ErrorItemCorrupt"])
@pytest.mark.parametrize("operation", ["<m:GetRoomLists/>", "find"])
def test_any_code_can_be_reported_by_any_operation(
    server: SandboxExchange, held: Tenant, code: str, operation: str
) -> None:
    held.faults.add(Fault("response_code", code=code))
    with connected(server) as client:
        reply = find_day(client) if operation == "find" else client.ask(operation)
    assert reply.codes == [code]


@pytest.mark.parametrize("kind", ["reset", "hang_up"])
def test_a_broken_connection_can_be_opened_again(
    server: SandboxExchange, held: Tenant, kind: Kind
) -> None:
    held.faults.add(Fault(kind, times=1))
    with connected(server) as client, pytest.raises(BREAKS):
        find_day(client)
    with connected(server) as client:
        assert find_day(client).status == 200


def test_a_reset_is_one_on_the_wire(exchange: StartExchange, held: Tenant) -> None:
    held.faults.add(Fault("reset"))
    # Python's ssl reports a reset as an end; with TLS 1.2, no other data waits on the socket.
    server = exchange(held, maximum_tls=ssl.TLSVersion.TLSv1_2)
    context = ssl.create_default_context(cafile=str(server.authority.ca_file))
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        data = envelope(get_folder(calendar_of(ROOM)))
        head = f"POST /EWS/Exchange.asmx HTTP/1.1\r\nContent-Length: {len(data)}\r\n\r\n"
        secured.sendall(head.encode() + data)
        with pytest.raises(ConnectionResetError):
            socket.socket.recv(secured, 1)


def test_hanging_up_leaves_what_was_sent(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("hang_up", at_byte=100))
    with connected(server) as client, pytest.raises(http.client.IncompleteRead) as caught:
        find_day(client)
    assert len(caught.value.partial) == 100


def test_a_stalled_body_outlasts_the_clients_patience(
    server: SandboxExchange, held: Tenant
) -> None:
    held.faults.add(Fault("stall", times=1))
    with connected(server, timeout=0.2) as client, pytest.raises(TimeoutError):
        find_day(client)


def test_stopping_the_server_ends_a_stall_and_a_delay(
    exchange: StartExchange, held: Tenant
) -> None:
    server = exchange(held)
    held.faults.add(Fault("stall", seconds=3600, times=1))
    held.faults.add(Fault("latency", room=OTHER_ROOM, seconds=3600, times=1))
    broken: list[str] = []

    def ask(room: str) -> None:
        with connected(server, timeout=60) as client:
            try:
                find_day(client, room)
            except BREAKS as error:
                broken.append(type(error).__name__)

    threads = [Thread(target=ask, args=(room,)) for room in (ROOM, OTHER_ROOM)]
    for thread in threads:
        thread.start()
    while held.log.now < 2:
        sleep(0.01)
    server.stop()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert len(broken) >= 1


@pytest.mark.parametrize("at_byte", [0, 1, 500])
def test_cut_xml_ends_where_it_says_and_looks_whole_to_http(
    server: SandboxExchange, held: Tenant, at_byte: int
) -> None:
    with connected(server) as client:
        whole = find_day(client)
        held.faults.add(Fault("cut", at_byte=at_byte, times=1))
        reply = find_day(client)
        assert reply.data == whole.data[:at_byte]
        assert find_day(client).data == whole.data
    with pytest.raises(etree.XMLSyntaxError):
        assert reply.root is not None


def test_latency_delays_the_answer(server: SandboxExchange, held: Tenant) -> None:
    held.faults.add(Fault("latency", seconds=3600, times=1))
    with connected(server, timeout=0.2) as client, pytest.raises(TimeoutError):
        find_day(client)
    with connected(server) as client:
        assert find_day(client).status == 200


def test_too_many_requests_at_once_are_refused(server: SandboxExchange, held: Tenant) -> None:
    stall = held.faults.add(Fault("stall", seconds=3600, times=1))
    held.faults.add(Fault("too_many_at_once", limit=1, back_off_milliseconds=10))
    with connected(server, timeout=0.2) as client, pytest.raises(TimeoutError):
        find_day(client)
    with connected(server) as client:
        assert find_day(client).codes == ["ErrorServerBusy"]
    assert (stall.struck, held.log.most_at_once) == (1, 2)


def test_a_delegates_request_is_about_the_mailbox_that_it_names(
    server: SandboxExchange, held: Tenant
) -> None:
    held.faults.add(Fault("response_code", room=ROOM))
    with connected(server) as client:
        codes = [
            *client.find(MONDAY, NINE, folder=calendar_of(ROOM)).codes,
            *client.find(MONDAY, NINE, folder=calendar_of(OTHER_ROOM)).codes,
        ]
    assert codes == ["ErrorServerBusy", "NoError"]


def test_without_switches_nothing_strikes() -> None:
    faults = Faults()
    faults.add(Fault("reset"))
    faults.clear()
    assert faults.take("reset", ROOM, "FindItem") is None


def test_nothing_hangs_when_many_connections_are_open(
    exchange: StartExchange, held: Tenant
) -> None:
    server = exchange(held)
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(20)]
        assert {find_day(client).status for client in clients} == {200}
        server.stop()
        with pytest.raises(BREAKS):
            find_day(clients[0])
