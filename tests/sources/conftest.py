"""A room, a clock that only sleeping moves, and a source that uses both.

Belongs here: the fixtures that every test of the sources starts from.
Does not belong here: faults; each test sets its own.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
import requests

from pipelines.sandbox.model import Item, Mailbox, Person, Tenant
from pipelines.sandbox.server import SandboxExchange
from pipelines.settings import Secrets
from pipelines.sources import Reach, ReadError, Window
from pipelines.sources.ews import EwsSource
from pipelines.sources.session import Throttle
from pipelines.sources.wire import TimedAdapter
from tests.conftest import StartExchange
from tests.parity.both_ways import ews_settings

ROOM = "aurora@contoso.example"
OTHER_ROOM = "basalt@contoso.example"
ANN = Person("Ann", "ann@contoso.example")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = Window(MONDAY, MONDAY + timedelta(days=7))

Open: TypeAlias = Callable[..., EwsSource]


def meeting(start: datetime = MONDAY + 9 * HOUR, length: timedelta = HOUR, **more: Any) -> Item:
    return Item(start, start + length, ANN, **more)


def meetings(count: int, start: datetime = MONDAY, apart: timedelta = HOUR) -> list[Item]:
    return [meeting(start + number * apart) for number in range(count)]


def room(items: list[Item], address: str = ROOM) -> Tenant:
    return Tenant([Mailbox(address, items=items)])


class FakeTime:
    """A clock whose seconds pass only during sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@contextmanager
def opener(
    source_of: Callable[..., Any],
    settings_of: Callable[..., tuple[Any, Secrets]],
    clock: FakeTime,
    *,
    with_invitees: bool,
) -> Iterator[Callable[..., Any]]:
    """Yield a function that opens sources with the fake clock; the block's end closes them."""
    with ExitStack() as sources:

        def start(
            server: SandboxExchange,
            *,
            with_invitees: bool = with_invitees,
            throttle: Throttle | None = None,
            **settings: Any,
        ) -> Any:
            exchange, secrets = settings_of(server, **settings)
            more: dict[str, Any] = {"throttle": throttle, "clock": clock}
            source = source_of(exchange, secrets, with_invitees=with_invitees, **more)
            sources.callback(source.close)
            return source

        yield start


@pytest.fixture
def open_source(fake_time: FakeTime) -> Iterator[Open]:
    """``open_source(server, **settings)``: a source with the fake clock, closed after the test."""
    with opener(EwsSource, ews_settings, fake_time, with_invitees=False) as start:
        yield start


@pytest.fixture
def read(exchange: StartExchange, open_source: Open) -> Callable[..., Any]:
    """``read(tenant, **settings)``: read ROOM's week from a new server."""

    def start(tenant: Tenant, window: Window = WEEK, **settings: Any) -> Any:
        return open_source(exchange(tenant), **settings).read(ROOM, window)

    return start


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of all requests that the sources send in this test."""
    bodies: list[bytes] = []
    send = TimedAdapter.send

    def spy(self: TimedAdapter, request: requests.PreparedRequest, **how: Any) -> Any:
        bodies.append(request.body if isinstance(request.body, bytes) else b"")
        return send(self, request, **how)

    monkeypatch.setattr(TimedAdapter, "send", spy)
    return bodies


def refused(work: Callable[[], object]) -> tuple[str, Reach]:
    """Return the code and scope of the ReadError that must be raised."""
    with pytest.raises(ReadError) as caught:
        work()
    return caught.value.code, caught.value.reach
