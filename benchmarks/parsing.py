"""Measure the CPU of reading a calendar: our parsing, plain exchangelib, bare lxml as the floor.

Belongs here: one run that prints milliseconds of CPU for 1,000 items, and the ratios to bare lxml
over the same bytes (goal: at most 2 for FindItem, at most 4 with invitees).
Does not belong here: network and waiting time; answers are recorded once and replayed from memory.

The services run as always, from the answer's bytes to rows, except that no request is made or sent.
Bare lxml parses strictly, reads every element's tag, text and attributes, and keeps nothing.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from exchangelib.services import FindItem, GetItem
from lxml import etree

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.ews import answer
from pipelines.sandbox.ews_soap import envelope, parse, subject_of
from pipelines.sandbox.model import Item, Mailbox, Tenant
from pipelines.settings import EwsExchange, Secrets
from pipelines.sources import Window
from pipelines.sources.ews import OneSession, RoomAccount, details_of, view_of, with_invitees
from pipelines.sources.ews_xml import CalendarViewService, InviteeService
from pipelines.sources.session import Session

ROOM = "room@contoso.example"
ITEMS = 1_000
CHUNK = 100
ROUNDS = 25
ROUNDS_OF_PLAIN = 3
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Recording:
    """The answers for one room, in the order of the requests."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._rest: Iterator[bytes] | None = None
        self.bodies: list[bytes] = []

    @property
    def is_replayed(self) -> bool:
        return self._rest is not None

    def rewind(self) -> None:
        self._rest = iter(self.bodies)

    def answer(self, request: bytes) -> bytes:
        parsed = parse(request)
        result = answer(self._tenant, parsed, subject_of(self._tenant, parsed))
        self.bodies.append(envelope(result.body))
        return self.bodies[-1]

    def next(self) -> bytes:
        assert self._rest is not None
        return next(self._rest)


class CannedResponse:
    """The parts of a response that the services use: all of it, or byte by byte (exchangelib)."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def iter_content(self) -> Iterator[bytes]:
        return (self.content[at : at + 1] for at in range(len(self.content)))

    def close(self) -> None: ...


class Recorded:
    """Gives a service recorded answers; makes no request while they are replayed."""

    recording: Recording

    def get_payload(self, *args: object, **kwargs: object) -> etree._Element | None:
        is_needed = not self.recording.is_replayed
        return super().get_payload(*args, **kwargs) if is_needed else None  # type: ignore[misc]

    def _get_response(self, payload: etree._Element | None, api_version: str) -> CannedResponse:
        if payload is None:
            return CannedResponse(self.recording.next())
        return CannedResponse(self.recording.answer(self.wrap(payload, api_version)))  # type: ignore[attr-defined]


class OurView(Recorded, CalendarViewService): ...


class OurInvitees(Recorded, InviteeService): ...


class PlainView(Recorded, FindItem): ...  # type: ignore[misc]


class PlainInvitees(Recorded, GetItem): ...  # type: ignore[misc]


class Ours:
    """Turns bytes into the items that a source hands over."""

    def __init__(self, account: RoomAccount, window: Window) -> None:
        self._view, self._invitees = OurView(account=account), OurInvitees(account=account)
        self._window = window

    def find(self) -> list[Any]:
        return list(self._view.call(**view_of(ROOM, self._window)))

    def find_and_get(self) -> None:
        rows = self.find()
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            arguments = details_of(item_id for item_id, _, _ in part)
            found = self._invitees.whole(list(self._invitees.call(**arguments)), arguments)
            for (_, _, item), invitees in zip(part, found, strict=True):
                assert isinstance(invitees, tuple)
                with_invitees(item, invitees)


class Plain:
    """exchangelib's own services and objects, on the same answers."""

    def __init__(self, account: RoomAccount, window: Window) -> None:
        self._view, self._invitees = PlainView(account=account), PlainInvitees(account=account)
        self._window = window

    def find(self) -> list[Any]:
        return list(self._view.call(**view_of(ROOM, self._window)))

    def find_and_get(self) -> None:
        ids = [item.id for item in self.find()]
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            assert len(list(self._invitees.call(**details_of(part)))) == len(part)


def a_room_of_one_view() -> tuple[Tenant, Window]:
    """Return a room with exactly ITEMS meetings, invented by the sandbox."""
    since = NOW - timedelta(days=300)
    items: list[Item] = []
    for mailbox in generated_tenant("EU", rooms=40, now=NOW).mailboxes.values():
        items += mailbox.items(since, NOW)
    assert len(items) >= ITEMS
    window = Window(since - timedelta(days=30), NOW + timedelta(days=30))
    return Tenant([Mailbox(ROOM, items=items[:ITEMS])]), window


def bare(bodies: list[bytes]) -> None:
    for body in bodies:
        for element in etree.fromstring(body, etree.XMLParser(resolve_entities=False)).iter():
            _ = element.tag, element.text, element.items()


def milliseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def measure() -> dict[str, list[float]]:
    """Return the CPU of bare lxml, ours and exchangelib, in milliseconds for 1,000 items."""
    tenant, window = a_room_of_one_view()
    recording = Recorded.recording = Recording(tenant)
    exchange = EwsExchange(
        kind="ews",
        endpoint="https://localhost/EWS/Exchange.asmx",
        auth="basic",
        username="a",
        password_env="B",
    )
    session = Session(exchange, Secrets("b"), None, "ErrorServerBusy", time)
    protocol = OneSession(exchange, Secrets("b"), session)
    account = RoomAccount(protocol, ROOM, "impersonation")
    ours, plain = Ours(account, window), Plain(account, window)
    ours.find_and_get()
    found, both = recording.bodies[:1], recording.bodies
    print(f"{len(found[0]):,} bytes of FindItem, {sum(map(len, both)):,} bytes with GetItem")
    gc.collect()
    gc.freeze()  # the sandbox's objects should not slow down collections while we parse
    return {
        "FindItem": _compare(recording, lambda: bare(found), ours.find, plain.find),
        "with invitees": _compare(
            recording, lambda: bare(both), ours.find_and_get, plain.find_and_get
        ),
    }


def _compare(recording: Recording, *ways: Callable[[], object]) -> list[float]:
    """Return the median of each way, bare lxml first; the ways alternate."""
    taken: list[list[float]] = [[] for _ in ways]
    for turn in range(ROUNDS):
        for way, times in zip(ways, taken, strict=True):
            if way is ways[-1] and turn >= ROUNDS_OF_PLAIN:
                continue  # it takes seconds, and its ratio is far from any goal
            recording.rewind()
            times.append(milliseconds(way))
    return [statistics.median(times) * 1000 / ITEMS for times in taken]


def main() -> None:
    print(f"{'CPU for 1,000 items':<30}{'ms':>10}{'x bare lxml':>14}")
    for what, costs in measure().items():
        for name, cost in zip(("bare lxml", "ours", "exchangelib"), costs, strict=True):
            print(f"{what + ', ' + name:<30}{cost:>10.1f}{cost / costs[0]:>14.1f}")


if __name__ == "__main__":
    main()
