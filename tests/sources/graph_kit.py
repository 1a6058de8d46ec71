"""What the tests of Graph's source start from.

Belongs here: opening a source on a sandbox, with the clock that only sleeping moves.
Does not belong here: what goes wrong; each test turns that on itself.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from pipelines.sandbox.model import Tenant
from pipelines.sources import Window
from pipelines.sources.graph import GraphSource
from tests.conftest import StartExchange
from tests.parity.both_ways import graph_settings
from tests.sources.conftest import ROOM, WEEK, FakeTime, opener

OpenGraph: TypeAlias = Callable[..., GraphSource]
ReadGraph: TypeAlias = Callable[..., Any]


@pytest.fixture
def open_graph(fake_time: FakeTime) -> Iterator[OpenGraph]:
    """``open_graph(server, **settings)``: a source with the fake clock; closed with the test."""
    with opener(GraphSource, graph_settings, fake_time, with_invitees=True) as start:
        yield start


@pytest.fixture
def read_graph(exchange: StartExchange, open_graph: OpenGraph) -> ReadGraph:
    """``read_graph(tenant, **settings)``: read ROOM's week from a server of its own."""

    def start(tenant: Tenant, window: Window = WEEK, **settings: Any) -> Any:
        return open_graph(exchange(tenant), **settings).read(ROOM, window)

    return start
