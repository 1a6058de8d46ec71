"""Opens what an exchange's settings ask for, by the name of its kind.

Belongs here: ``SOURCES``, the one place that knows every kind of source.
Does not belong here: what a source does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.settings import ExchangeSettings, Room, Secrets
from pipelines.sources.base import CalendarSource, SourceCheck
from pipelines.sources.ews import EwsSource
from pipelines.sources.ews_check import EwsCheck
from pipelines.sources.graph import GraphSource
from pipelines.sources.graph_check import GraphCheck
from pipelines.sources.session import Throttle


@dataclass(frozen=True, slots=True)
class Kind:
    """What reads an exchange, and what checks it beside reading."""

    source: Callable[..., CalendarSource]
    check: Callable[..., SourceCheck]


SOURCES: Final[Mapping[str, Kind]] = {
    "ews": Kind(EwsSource, EwsCheck),
    "graph": Kind(GraphSource, GraphCheck),
}
"""By the ``kind`` of an exchange in ``insights.yaml``."""


def open_source(
    exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, throttle: Throttle
) -> CalendarSource:
    """Return a source of its own for one worker; it connects when the first room is read.

    The workers of an exchange share a ``throttle``.

    Raises:
        ReadError: the settings cannot be used (a CA file that vanished, say).
    """
    source = SOURCES[exchange.kind].source
    return source(exchange, secrets, with_invitees=with_invitees, throttle=throttle)


def open_check(
    exchange: ExchangeSettings, secrets: Secrets, rooms: Sequence[Room], directory: Sequence[Room]
) -> SourceCheck:
    """Return what checks an exchange; ``rooms`` are its own, ``directory`` the region's.

    Raises:
        ReadError: the settings cannot be used.
    """
    return SOURCES[exchange.kind].check(exchange, secrets, rooms, directory)
