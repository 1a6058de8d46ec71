"""Opens the source that an exchange's settings ask for, by the name of its kind.

Belongs here: ``SOURCES``, the one place that knows every source.
Does not belong here: what a source does.
"""

from collections.abc import Callable, Mapping
from typing import Final

from pipelines.settings import ExchangeSettings, Secrets
from pipelines.sources.base import CalendarSource
from pipelines.sources.ews import EwsSource
from pipelines.sources.graph import GraphSource
from pipelines.sources.session import Throttle

SOURCES: Final[Mapping[str, Callable[..., CalendarSource]]] = {
    "ews": EwsSource,
    "graph": GraphSource,
}
"""By ``kind``: takes the exchange's settings and secrets, and who shares its throttle."""


def open_source(
    exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, throttle: Throttle
) -> CalendarSource:
    """Return a source of its own for one worker; it connects when the first room is read.

    The workers of an exchange share a ``throttle``.

    Raises:
        ReadError: the settings cannot be used (a CA file that vanished, say).
    """
    source = SOURCES[exchange.kind]
    return source(exchange, secrets, with_invitees=with_invitees, throttle=throttle)
