"""The same faults over both protocols have the same reach, and keep the same rows.

The kinds of fault: a problem of one mailbox stops all; only one protocol follows a rule; an
optional field fails the whole room; a short list passes as complete (a series in place of its
occurrences, an item lost between two pages, two items with one id).
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Item, Mailbox, Person, Tenant
from pipelines.sources import CalendarSource, Reach
from pipelines.sources.graph import row_of
from pipelines.sources.remedies import remedy_for
from pipelines.sources.session import Throttle
from tests.conftest import StartExchange
from tests.sources.conftest import (
    ANN,
    HOUR,
    MONDAY,
    OTHER_ROOM,
    ROOM,
    WEEK,
    Open,
    meetings,
    refused,
    room,
)
from tests.sources.graph_kit import OpenGraph, open_graph

__all__ = ["open_graph"]

PAGE = b"<!DOCTYPE html><html><body>Sign in, Ann</body></html>"
REFUSALS: dict[str, tuple[dict[str, Any], str, Reach]] = {
    "bare 404": ({"status": 404}, "HTTP404", Reach.UNCLEAR),
    "a page with 404": ({"status": 404, "body": PAGE}, "HTTP404", Reach.UNCLEAR),
    "bare 403": ({"status": 403}, "HTTP403", Reach.UNCLEAR),
    "bare 405": ({"status": 405}, "HTTP405", Reach.UNCLEAR),
    "302": (
        {"status": 302, "headers": {"Location": "https://x.example"}},
        "HTTP302",
        Reach.UNCLEAR,
    ),
    "a page with 200": ({"status": 200, "body": PAGE}, "WebPage", Reach.UNCLEAR),
    "429": ({"status": 429, "retry_after": "1"}, "HTTP429", Reach.ROOM),
    "503": ({"status": 503}, "HTTP503", Reach.ROOM),
    "401": ({"status": 401}, "HTTP401", Reach.EXCHANGE),
    "407": ({"status": 407}, "HTTP407", Reach.EXCHANGE),
}
VIEWS = {"ews": "FindItem", "graph": "CalendarView"}

OpenEither = Callable[[Tenant], CalendarSource]


@pytest.fixture(params=["ews", "graph"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_either(
    kind: str, exchange: StartExchange, open_source: Open, open_graph: OpenGraph
) -> OpenEither:
    def start(tenant: Tenant) -> CalendarSource:
        server = exchange(tenant)
        if kind == "graph":
            return open_graph(server, with_invitees=True)
        return open_source(server, with_invitees=True)

    return start


def two_rooms() -> Tenant:
    return Tenant([Mailbox(ROOM, items=meetings(3)), Mailbox(OTHER_ROOM, items=meetings(2))])


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_reaches_as_far_over_either_protocol(
    open_either: OpenEither, kind: str, name: str
) -> None:
    how, code, reach = REFUSALS[name]
    tenant = two_rooms()
    tenant.faults.add(Fault("http", operation=VIEWS[kind], room=ROOM, **how))
    source = open_either(tenant)
    assert refused(lambda: source.read(ROOM, WEEK)) == (code, reach)
    tenant.faults.clear()
    if reach is not Reach.EXCHANGE:
        assert len(source.read(OTHER_ROOM, WEEK)) == 2


@pytest.mark.parametrize("at_byte", [0, 200, None])
def test_a_cut_answer_fails_the_room_alone(
    open_either: OpenEither, kind: str, at_byte: int | None
) -> None:
    tenant = two_rooms()
    tenant.faults.add(Fault("cut", operation=VIEWS[kind], room=ROOM, at_byte=at_byte))
    source = open_either(tenant)
    assert refused(lambda: source.read(ROOM, WEEK)) == ("MalformedResponse", Reach.ROOM)
    assert len(source.read(OTHER_ROOM, WEEK)) == 2


def test_an_answer_that_unpacks_to_far_too_much_fails_the_room_alone(
    open_either: OpenEither, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sources.wire._MOST_BYTES", 1_000_000)
    tenant = two_rooms()
    packed = {"Content-Encoding": "gzip"}
    body = gzip.compress(b" " * 10_000_000)
    tenant.faults.add(
        Fault("http", operation=VIEWS[kind], room=ROOM, status=200, body=body, headers=packed)
    )
    source = open_either(tenant)
    assert refused(lambda: source.read(ROOM, WEEK)) == ("AnswerTooLarge", Reach.ROOM)
    assert tenant.log.operations(ROOM) == [VIEWS[kind]]
    assert len(source.read(OTHER_ROOM, WEEK)) == 2


def test_the_answer_to_an_earlier_request_is_not_taken_for_this_rooms(
    open_either: OpenEither, kind: str
) -> None:
    tenant = two_rooms()
    source = open_either(tenant)
    assert len(source.read(OTHER_ROOM, WEEK)) == 2
    tenant.faults.add(Fault("stale", operation=VIEWS[kind], room=ROOM, times=1))
    assert len(source.read(ROOM, WEEK)) == 3


def test_two_rooms_with_one_calendar_are_both_disputed(
    exchange: StartExchange, kind: str, open_source: Open, open_graph: OpenGraph
) -> None:
    tenant, throttle = two_rooms(), Throttle(2)
    tenant.faults.add(Fault("other_mailbox", room=OTHER_ROOM, mailbox=ROOM))
    start: Callable[..., CalendarSource] = open_graph if kind == "graph" else open_source
    source = start(exchange(tenant), with_invitees=False, throttle=throttle)
    for _ in range(2):
        assert len(source.read(ROOM, WEEK)) == 3
    assert refused(lambda: source.read(OTHER_ROOM, WEEK)) == ("OtherMailbox", Reach.ROOM)
    assert throttle.owners.disputed == {ROOM, OTHER_ROOM}


LATE: dict[str, tuple[tuple[int, ...], bool]] = {
    "one 401": ((401,), True),
    "a second 401 is believed": ((401, 401), False),
    "busy, then one 401": ((503, 401), True),
    "busy between two": ((401, 503, 401), False),
}
"""Refusals of one request after rooms were read, and whether a retry succeeds."""


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("worker", ["the same worker", "another worker"])
def test_a_late_401_is_asked_once_more_by_whichever_worker_and_over_either_protocol(
    exchange: StartExchange,
    kind: str,
    open_source: Open,
    open_graph: OpenGraph,
    name: str,
    worker: str,
) -> None:
    statuses, is_answered = LATE[name]
    tenant = two_rooms()
    server, throttle = exchange(tenant), Throttle(2)
    start: Callable[..., CalendarSource] = open_graph if kind == "graph" else open_source
    first = source = start(server, with_invitees=True, throttle=throttle)
    first.read(OTHER_ROOM, WEEK)
    if worker == "another worker":
        source = start(server, with_invitees=True, throttle=throttle)
    tenant.log.clear()
    for status in statuses:
        tenant.faults.add(Fault("http", operation=VIEWS[kind], status=status, times=1))
    if is_answered:
        assert len(source.read(ROOM, WEEK)) == 3
    else:
        assert refused(lambda: source.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
        assert refused(lambda: first.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    asked = tenant.log.operations().count(VIEWS[kind])
    assert asked == len(statuses) + is_answered


def test_a_series_in_place_of_its_occurrences_is_no_empty_room(open_either: OpenEither) -> None:
    series = Item(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR, ANN, item_type="RecurringMaster")
    source = open_either(Tenant([Mailbox(ROOM, items=[series])]))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("SeriesNotExpanded", Reach.ROOM)


def test_two_bookings_of_one_id_are_two_rows(open_either: OpenEither) -> None:
    one, other = (
        Item(MONDAY + hours * HOUR, MONDAY + (hours + 1) * HOUR, ANN, item_id="the-same")
        for hours in (9, 33)
    )
    found = open_either(Tenant([Mailbox(ROOM, items=[one, other])])).read(ROOM, WEEK)
    assert sorted(item.starts_at for item in found) == [one.starts_at, other.starts_at]


def test_an_item_that_moves_between_two_parts_of_a_view_is_not_lost(
    open_either: OpenEither, kind: str
) -> None:
    calendar = [
        replace(item, item_id=f"item-{number}")
        for number, item in enumerate(meetings(1_500, apart=timedelta(minutes=6)))
    ]
    late = calendar[-1]
    reads = 0

    def provider(start: Any, end: Any) -> list[Item]:
        nonlocal reads
        reads += 1
        moved = Item(MONDAY, MONDAY + HOUR, ANN, item_id=late.item_id)
        return calendar if reads <= 2 else [*calendar[:-1], moved]

    source = open_either(Tenant([Mailbox(ROOM, provider=provider)]))
    found = source.read(ROOM, WEEK)
    assert len(found) == 1_500
    assert reads > 3


@pytest.mark.parametrize(
    "code",
    [
        *("HTTP404", "HTTP405", "HTTP302", "HTTP403", "HTTP429", "HTTP501", "HTTP503", "HTTP520"),
        *("WebPage", "ErrorAccessDenied", "ErrorMailboxStoreUnavailable", "Odd"),
    ],
)
def test_a_remedy_speaks_of_the_protocol_in_use(kind: str, code: str) -> None:
    text = remedy_for(code, kind)
    of_a_server = ("Get-WebServicesVirtualDirectory", "Get-HealthReport", "Get-MailboxDatabase")
    foreign = ("EWS", *of_a_server) if kind == "graph" else ("Graph",)
    assert not [word for word in foreign if word in text]


EVENT: dict[str, Any] = {
    "id": "x",
    "start": {"dateTime": "2026-10-02T08:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-10-02T09:00:00.0000000", "timeZone": "UTC"},
    "type": "singleInstance",
    "showAs": "busy",
    "attendees": [],
}


@pytest.mark.parametrize(
    ("changes", "unreadable"),
    [
        ({"createdDateTime": ""}, 1),
        ({"createdDateTime": 7}, 1),
        ({"createdDateTime": "2026-10-01T08:00:00+00:00"}, 0),
        ({"responseStatus": 3}, 1),
        ({"isOnlineMeeting": "yes"}, 1),
        ({"responseStatus": {"response": "none"}}, 0),
        ({"responseStatus": {"response": "maybe"}}, 1),
        ({"sensitivity": "confidential"}, 0),
        ({"sensitivity": "secret"}, 1),
        ({"sensitivity": ["private"]}, 1),
        ({"attendees": [1]}, 1),
        ({"attendees": "Ann"}, 1),
        ({"attendees": 0}, 1),
        ({"attendees": [{"type": ["required"]}]}, 1),
        ({"organizer": {"emailAddress": {"address": ["/O=EXCH"]}}}, 1),
        ({"type": 5}, 0),
    ],
)
def test_what_a_booking_can_be_without_never_fails_the_room(
    changes: dict[str, Any], unreadable: int
) -> None:
    event = json.loads(json.dumps(EVENT | changes))
    _, item = row_of(event, with_invitees=True)
    assert item.unreadable == unreadable
    is_without_invitees = unreadable and {"attendees", "organizer"} & changes.keys()
    assert (item.invitees is None) == bool(is_without_invitees)
    assert (item.created_at is None) == (changes.get("createdDateTime", "") in ("", 7))


@pytest.mark.parametrize(
    ("start", "is_read"),
    [
        ({"dateTime": "2026-10-02T08:00:00", "timeZone": "tzone://Microsoft/Custom"}, False),
        ({"dateTime": "2026-10-02T08:00:00Z", "timeZone": "tzone://Microsoft/Custom"}, True),
        ({"dateTime": "2026-10-02T08:00:00", "timeZone": "Romance Standard Time"}, False),
        ({"dateTime": "2026-10-02T08:00:00+00:00", "timeZone": "Romance Standard Time"}, True),
    ],
)
def test_a_zone_that_cannot_be_understood_matters_only_where_the_instant_needs_it(
    start: dict[str, str], is_read: bool
) -> None:
    event = EVENT | {"start": start}
    if is_read:
        assert row_of(event, with_invitees=True)[1].starts_at.hour == 8
    else:
        with pytest.raises(Exception, match="UnknownTimeZone"):
            row_of(event, with_invitees=True)
        assert "zone" in remedy_for("UnknownTimeZone", "graph")
        assert "proxy" not in remedy_for("UnknownTimeZone", "graph").partition(";")[0]


def test_a_meeting_whose_invitees_the_server_withholds_has_no_headcount(
    open_either: OpenEither, kind: str
) -> None:
    if kind == "graph":
        event = {key: value for key, value in EVENT.items() if key != "attendees"}
        assert row_of(event, with_invitees=True)[1].invitees is None
        return
    alone = Item(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR, ANN, is_meeting=True)
    (item,) = open_either(Tenant([Mailbox(ROOM, items=[alone])])).read(ROOM, WEEK)
    assert item.invitees is None


@pytest.mark.parametrize(
    ("details", "is_private", "unreadable"),
    [
        ({"sensitivity": "Confidential"}, True, 0),
        ({"sensitivity": "Personal"}, False, 0),
        ({"sensitivity": "Whatever"}, True, 1),
        ({"my_response": "Unknown"}, False, 0),
        ({"my_response": "Perhaps"}, False, 1),
        ({"sensitivity": "Whatever", "my_response": "Perhaps"}, True, 2),
    ],
)
def test_a_word_that_nobody_knows_is_counted_and_an_unknown_sensitivity_is_private(
    open_either: OpenEither, details: dict[str, Any], is_private: bool, unreadable: int
) -> None:
    items = [*meetings(2), Item(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR, ANN, **details)]
    found = open_either(Tenant([Mailbox(ROOM, items=items)])).read(ROOM, WEEK)
    item = max(found, key=lambda each: each.starts_at)
    assert (item.is_private, item.unreadable) == (is_private, unreadable)
    assert sum(each.unreadable for each in found) == unreadable
    assert item.response in ("unknown", "accept")


def test_a_booking_whose_invitees_cannot_be_read_stays_one_without_a_headcount(
    open_either: OpenEither, kind: str
) -> None:
    bo = Person("Bo", ["bo"] if kind == "graph" else "bo@contoso.example")  # type: ignore[arg-type]
    tenant = room([*meetings(2), Item(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR, ANN, required=(bo,))])
    if kind == "ews":
        fault = Fault(
            "item_refused", code="ErrorItemCorrupt", which=lambda item: bool(item.required)
        )
        tenant.faults.add(fault)
    found = open_either(tenant).read(ROOM, WEEK)
    without = [item for item in found if item.invitees is None]
    assert len(found) == 3
    assert [(item.starts_at.hour, item.unreadable) for item in without] == [(9, 1)]


def test_an_appointment_of_one_person_has_a_headcount(open_either: OpenEither) -> None:
    alone = Item(MONDAY + 9 * HOUR, MONDAY + 10 * HOUR, Person("Bo", "bo@contoso.example"))
    (item,) = open_either(Tenant([Mailbox(ROOM, items=[alone])])).read(ROOM, WEEK)
    assert item.invitees is not None
    assert len(item.invitees) == 1
