"""One tenant, read over EWS and over Graph.

Belongs here: opening both sources on one sandbox, reading a room and redacting its items.
Does not belong here: calendars (``calendars.py``), what must be equal (the tests).
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from pipelines.sandbox.model import ACCOUNT, CLIENT_ID, CLIENT_SECRET, PASSWORD, TENANT_ID, Mailbox
from pipelines.sandbox.server import SandboxExchange
from pipelines.settings import EwsExchange, GraphExchange, Secrets
from pipelines.sources import CalendarSource, Window
from pipelines.sources.ews import EwsSource
from pipelines.sources.graph import GraphSource
from transforms.local_time import day_start, zone
from transforms.redact import RoomContext, redact

ROOM = "aurora@contoso.example"
OTHER_ROOM = "basalt@contoso.example"
READ_AT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class BothWays:
    """A server, and a source of each kind that reads it."""

    server: SandboxExchange
    ews: CalendarSource
    graph: CalendarSource

    def hold(self, items: list[Any]) -> None:
        """Replace the items of ROOM's calendar."""
        self.server.tenant.add(Mailbox(ROOM, items=items))

    def tables(
        self, first: date, last: date, time_zone: str, address: str = ROOM
    ) -> tuple[pa.Table, pa.Table]:
        """Return a room's redacted rows of some days, read over EWS and over Graph."""
        context = RoomContext(
            room_id="aurora",
            address=address,
            zone=zone(time_zone),
            directory_addresses=frozenset({address, OTHER_ROOM}),
            accepted_domains=frozenset({"contoso.example"}),
        )
        after = day_start(last + timedelta(days=1), context.zone)
        window = Window(day_start(first, context.zone), after)
        ews, graph = (
            redact(source.read(address, window), context, READ_AT, first, last)
            for source in (self.ews, self.graph)
        )
        return ews, graph

    def rows(
        self, first: date, last: date, time_zone: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return ROOM's rows as ``tables`` does, by column name."""
        ews, graph = self.tables(first, last, time_zone)
        return ews.to_pylist(), graph.to_pylist()


def ews_settings(server: SandboxExchange, **changes: Any) -> tuple[EwsExchange, Secrets]:
    """Return the settings of a source that reads a sandbox over EWS; they are not validated."""
    usual: dict[str, Any] = {
        "kind": "ews",
        "endpoint": server.url,
        "auth": "basic",
        "username": ACCOUNT,
        "password": PASSWORD,
        "ca_file": server.authority.ca_file,
    }
    given = usual | changes
    return EwsExchange.model_construct(**given), _secrets(given)


def graph_settings(server: SandboxExchange, **changes: Any) -> tuple[GraphExchange, Secrets]:
    """Return the settings of a source that reads a sandbox over Graph; they are not validated."""
    usual: dict[str, Any] = {
        "kind": "graph",
        "endpoint": server.base_url,
        "authority": server.base_url,
        "tenant_id": TENANT_ID,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "ca_file": server.authority.ca_file,
    }
    given = usual | changes
    return GraphExchange.model_construct(**given), _secrets(given)


def _secrets(given: dict[str, Any]) -> Secrets:
    return Secrets(**{each.name: given.get(each.name) for each in fields(Secrets)})


@dataclass(frozen=True)
class Hasty:
    """This machine's clock, but its sleeps are shorter."""

    times: float

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        time.sleep(seconds / self.times)


@contextmanager
def both_ways(server: SandboxExchange, *, with_invitees: bool = True) -> Iterator[BothWays]:
    """Open a source of each kind until the block ends."""
    ews = EwsSource(*ews_settings(server), with_invitees=with_invitees)
    graph = GraphSource(*graph_settings(server), with_invitees=with_invitees)
    with ExitStack() as closing:
        closing.callback(ews.close)
        closing.callback(graph.close)
        yield BothWays(server, ews, graph)
