"""One tenant, read over EWS and over Graph.

Belongs here: opening both sources on one sandbox, and reading a room through the redaction.
Does not belong here: calendars (``calendars.py``), what must be equal (the tests).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from pipelines.sandbox.model import ACCOUNT, CLIENT_ID, CLIENT_SECRET, PASSWORD, TENANT_ID, Mailbox
from pipelines.sandbox.server import SandboxExchange
from pipelines.sources.base import CalendarSource, Window
from pipelines.sources.ews import EwsSettings, EwsSource
from pipelines.sources.graph import GraphSource
from pipelines.sources.graph_client import GraphSettings
from transforms.redact import RoomContext, redact
from transforms.zones import day_start, zone

ROOM = "aurora@contoso.example"
OTHER_ROOM = "basalt@contoso.example"
READ_AT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class BothWays:
    """A server and a source of each kind on it."""

    server: SandboxExchange
    ews: CalendarSource
    graph: CalendarSource

    def hold(self, items: list[Any]) -> None:
        """Let ROOM's calendar hold these items, and no others."""
        self.server.tenant.add(Mailbox(ROOM, items=items))

    def tables(
        self, first: date, last: date, time_zone: str, address: str = ROOM
    ) -> tuple[pa.Table, pa.Table]:
        """Return a room's redacted rows of some days, as EWS and as Graph gives them."""
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


def graph_settings(server: SandboxExchange, **changes: Any) -> GraphSettings:
    """Return what a source needs to read a sandbox over Graph."""
    usual: dict[str, Any] = {
        "endpoint": server.base_url,
        "authority": server.base_url,
        "tenant_id": TENANT_ID,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "ca_file": server.authority.ca_file,
    }
    return GraphSettings(**usual | changes)


@contextmanager
def both_ways(server: SandboxExchange, *, with_invitees: bool = True) -> Iterator[BothWays]:
    """Open a source of each kind for as long as the block lasts."""
    ews = EwsSource(
        EwsSettings(server.url, "basic", ACCOUNT, PASSWORD, ca_file=server.authority.ca_file),
        with_invitees=with_invitees,
    )
    graph = GraphSource(graph_settings(server), with_invitees=with_invitees)
    with ExitStack() as closing:
        closing.callback(ews.close)
        closing.callback(graph.close)
        yield BothWays(server, ews, graph)
