"""Helpers for the tests of Graph's source.

Belongs here: opening a source on a sandbox, with the clock that only sleeping moves.
Does not belong here: faults; each test sets its own.
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
    """``open_graph(server, **settings)``: a source with the fake clock, closed after the test."""
    with opener(GraphSource, graph_settings, fake_time, with_invitees=True) as start:
        yield start


@pytest.fixture
def read_graph(exchange: StartExchange, open_graph: OpenGraph) -> ReadGraph:
    """``read_graph(tenant, **settings)``: read ROOM's week from a new server."""

    def start(tenant: Tenant, window: Window = WEEK, **settings: Any) -> Any:
        return open_graph(exchange(tenant), **settings).read(ROOM, window)

    return start
