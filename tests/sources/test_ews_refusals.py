"""Which errors are retried, fail a room or stop an exchange; how often, and for how long."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Mailbox, Tenant
from pipelines.sources import Reach, ReadError
from pipelines.sources.ews import EwsSource
from pipelines.sources.session import ATTEMPTS, Throttle
from tests.conftest import StartExchange
from tests.parity.both_ways import ews_settings
from tests.sources.conftest import (
    OTHER_ROOM,
    ROOM,
    WEEK,
    FakeTime,
    Open,
    meetings,
    refused,
    room,
)

Read = Callable[..., Any]

PASSING = [
    Fault("http", status=503),
    Fault("http", status=503, retry_after="7"),
    Fault("http", status=429, retry_after="7"),
    Fault("http", status=502),
    Fault("http", status=504),
    Fault("http", status=520),
    Fault("soap_fault", code="ErrorServerBusy", back_off_milliseconds=9_000),
    Fault("response_code", code="ErrorServerBusy"),
    Fault("response_code", code="ErrorTimeoutExpired"),
    Fault("response_code", code="ErrorADUnavailable"),
    Fault("response_code", code="ErrorNoRespondingCASInDestinationSite"),
    Fault("response_code", code="ErrorMailboxStoreUnavailable"),
    Fault("response_code", code="ErrorInternalServerTransientError"),
    Fault("reset"),
    Fault("hang_up"),
    Fault("cut"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.code}")
def test_a_failure_that_passes_is_asked_again(read: Read, fault: Fault) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(Fault(fault.kind, **_options(fault), times=2))
    assert len(read(tenant)) == 3


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.code}")
def test_a_failure_that_stays_is_asked_a_few_times_only(
    read: Read, fault: Fault, sent: list[bytes]
) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(Fault(fault.kind, **_options(fault)))
    _, scope = refused(lambda: read(tenant))
    assert scope is Reach.ROOM
    assert len(sent) == ATTEMPTS


def _options(fault: Fault) -> dict[str, Any]:
    names = ("status", "retry_after", "code", "back_off_milliseconds")
    return {name: getattr(fault, name) for name in names}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("soap_fault", code="ErrorServerBusy", back_off_milliseconds=9_000, times=1),
        Fault("http", status=429, retry_after="9", times=1),
        Fault("http", status=503, retry_after="9", times=1),
    ],
    ids=lambda fault: fault.kind,
)
def test_the_wait_that_the_server_asks_for_is_kept(
    read: Read, fake_time: FakeTime, fault: Fault
) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(fault)
    read(tenant)
    (slept,) = fake_time.sleeps
    assert 9.0 <= slept <= 9.0 * 1.25


def test_a_wait_longer_than_the_room_may_take_fails_at_once(
    read: Read, fake_time: FakeTime
) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(Fault("soap_fault", back_off_milliseconds=300_000))
    assert refused(lambda: read(tenant)) == ("ErrorServerBusy", Reach.ROOM)
    assert fake_time.sleeps == []


@pytest.mark.parametrize(
    "code",
    ["ErrorAccessDenied", "ErrorItemCorrupt", "ErrorMailboxMoveInProgress", "ErrorCannotFindUser"],
)
@pytest.mark.parametrize("kind", ["response_code", "soap_fault"])
def test_an_error_that_stays_is_one_rooms_and_asked_once(
    exchange: StartExchange, open_source: Open, kind: Any, code: str
) -> None:
    tenant = Tenant([Mailbox(ROOM, items=meetings(3)), Mailbox(OTHER_ROOM, items=meetings(2))])
    tenant.faults.add(Fault(kind, room=ROOM, code=code))
    source = open_source(exchange(tenant))
    assert refused(lambda: source.read(ROOM, WEEK)) == (code, Reach.ROOM)
    assert tenant.log.operations(ROOM) == ["FindItem"]
    assert len(source.read(OTHER_ROOM, WEEK)) == 2


@pytest.mark.parametrize(
    ("code", "reach"),
    [
        ("ErrorPasswordExpired", Reach.EXCHANGE),
        ("ErrorAccountDisabled", Reach.UNCLEAR),
        ("ErrorInvalidServerVersion", Reach.UNCLEAR),
    ],
)
def test_what_may_be_said_of_one_mailbox_alone_stops_no_other_room(
    exchange: StartExchange, open_source: Open, code: str, reach: Reach
) -> None:
    tenant = Tenant([Mailbox(ROOM, items=meetings(3)), Mailbox(OTHER_ROOM, items=meetings(2))])
    tenant.faults.add(Fault("soap_fault", room=ROOM, code=code))
    source = open_source(exchange(tenant))
    assert refused(lambda: source.read(ROOM, WEEK)) == (code, reach)
    if reach is Reach.UNCLEAR:
        assert len(source.read(OTHER_ROOM, WEEK)) == 2
    else:
        assert refused(lambda: source.read(OTHER_ROOM, WEEK)) == (code, reach)


def test_a_room_without_a_mailbox_is_named_by_its_code(read: Read) -> None:
    tenant = Tenant([])
    assert refused(lambda: read(tenant)) == ("ErrorNonExistentMailbox", Reach.ROOM)


@pytest.mark.parametrize("code", ["Ann has no mailbox", "ErrorAnn1987", "Errorann"])
def test_a_response_code_that_is_none_is_not_repeated(read: Read, code: str) -> None:
    tenant = room([])
    tenant.faults.add(Fault("response_code", code=code))
    assert refused(lambda: read(tenant)) == ("UnknownCode", Reach.ROOM)


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_wrong_password_is_tried_exactly_once(
    exchange: StartExchange, open_source: Open, sent: list[bytes], auth: str
) -> None:
    source = open_source(exchange(room([])), auth=auth, password="wrong")
    assert refused(lambda: source.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    asked = len(sent)
    assert refused(lambda: source.read(OTHER_ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert len(sent) == asked == 1


def test_a_password_that_one_worker_was_refused_with_is_not_tried_by_another(
    exchange: StartExchange, open_source: Open, sent: list[bytes]
) -> None:
    server, throttle = exchange(room([])), Throttle(2)
    first, second = (open_source(server, password="wrong", throttle=throttle) for _ in range(2))
    assert refused(lambda: first.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert refused(lambda: second.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert len(sent) == 1


def test_a_password_may_hold_any_character(read: Read) -> None:
    tenant = room(meetings(3))
    tenant.password = "pässwörd-€-пароль"
    assert len(read(tenant, password=tenant.password)) == 3


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_refusal_of_http_may_be_one_rooms_and_is_asked_once(
    exchange: StartExchange, open_source: Open, sent: list[bytes], status: int
) -> None:
    tenant = Tenant([Mailbox(ROOM, items=meetings(3)), Mailbox(OTHER_ROOM, items=meetings(2))])
    tenant.faults.add(Fault("http", status=status, times=1))
    source = open_source(exchange(tenant))
    assert refused(lambda: source.read(ROOM, WEEK)) == (f"HTTP{status}", Reach.UNCLEAR)
    assert len(sent) == 1
    assert len(source.read(OTHER_ROOM, WEEK)) == 2


def test_a_redirect_is_not_followed(read: Read, sent: list[bytes]) -> None:
    tenant = room([])
    tenant.faults.add(Fault("http", status=302, headers={"Location": "https://elsewhere.example/"}))
    assert refused(lambda: read(tenant)) == ("HTTP302", Reach.UNCLEAR)
    assert len(sent) == 1


def test_a_server_that_is_not_there_ends_after_a_bounded_retry(
    exchange: StartExchange, open_source: Open, sent: list[bytes]
) -> None:
    server = exchange(room([]))
    source = open_source(server, endpoint="https://localhost:9/EWS/Exchange.asmx")
    assert refused(lambda: source.read(ROOM, WEEK)) == ("CannotConnect", Reach.EXCHANGE)
    assert len(sent) == ATTEMPTS


def test_a_host_without_an_address_is_said_to_be_that(
    exchange: StartExchange, open_source: Open
) -> None:
    source = open_source(exchange(room([])), endpoint="https://nowhere.invalid/EWS/Exchange.asmx")
    assert refused(lambda: source.read(ROOM, WEEK)) == ("NameResolutionError", Reach.EXCHANGE)


@pytest.mark.parametrize("at_byte", [0, 200])
def test_a_server_that_stops_in_the_middle_of_a_body_is_left_by_the_deadline(
    exchange: StartExchange, at_byte: int
) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(Fault("stall", at_byte=at_byte))
    server = exchange(tenant)
    settings = ews_settings(server, room_deadline_seconds=0.6)
    source = EwsSource(*settings, with_invitees=False)
    began = time.monotonic()
    code, scope = refused(lambda: source.read(ROOM, WEEK))
    assert code in {"DeadlineExceeded", "ReadTimeout"}
    assert scope is Reach.ROOM
    assert time.monotonic() - began < 10  # without a limit: never; the machine may be slow
    tenant.faults.clear()
    assert len(source.read(ROOM, WEEK)) == 3
    source.close()


def test_a_reset_does_not_lose_the_only_connection(
    exchange: StartExchange, open_source: Open
) -> None:
    tenant = room(meetings(3))
    source = open_source(exchange(tenant))
    tenant.faults.add(Fault("reset", times=ATTEMPTS))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("ConnectionBroken", Reach.ROOM)
    assert len(source.read(ROOM, WEEK)) == 3


def test_a_connection_that_is_never_given_back_does_not_block_the_next_room(
    exchange: StartExchange, open_source: Open
) -> None:
    source = open_source(exchange(room(meetings(3))))
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr("exchangelib.services.common.EWSService.wrap")  # after a session was taken
        assert refused(lambda: source.read(ROOM, WEEK)) == ("AttributeError", Reach.ROOM)
    assert len(source.read(ROOM, WEEK)) == 3


def test_nothing_but_a_code_leaves(read: Read) -> None:
    tenant = room([])
    tenant.faults.add(Fault("response_code", code="ErrorAccessDenied"))
    with pytest.raises(ReadError) as caught:
        read(tenant)
    error = caught.value
    assert error.args == ("ErrorAccessDenied",)
    assert error.__cause__ is None
    assert error.__context__ is None
