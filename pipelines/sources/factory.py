"""Opens the source that an exchange's settings ask for.

Belongs here: from the words of ``insights.yaml`` to a source, one branch a ``kind``.
Does not belong here: what a source does.
"""

from collections.abc import Callable, Sequence, Set
from typing import Final

from pipelines.settings import EwsExchange, ExchangeSettings, GraphExchange, Secrets
from pipelines.sources.base import CalendarSource, SourceError, Window
from pipelines.sources.ews import EwsSettings, EwsSource
from pipelines.sources.graph import GraphSource
from pipelines.sources.graph_client import GraphSettings
from pipelines.sources.session import Throttle
from transforms.raw import RawItem


def open_source(
    exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, throttle: Throttle
) -> CalendarSource:
    """Return a source of its own for one worker; it connects when the first room is read.

    The workers of an exchange share a ``throttle``.

    Raises:
        SourceError: the settings cannot be used (a CA file that vanished, say).
    """
    if exchange.kind == "graph":
        graph = graph_settings(exchange, secrets)
        return GraphSource(graph, with_invitees=with_invitees, throttle=throttle)
    return EwsSource(
        ews_settings(exchange, secrets), with_invitees=with_invitees, throttle=throttle
    )


def graph_settings(exchange: GraphExchange, secrets: Secrets) -> GraphSettings:
    """Return the settings of an exchange with ``kind: graph`` as its source takes them."""
    return GraphSettings(
        endpoint=exchange.endpoint,
        authority=exchange.authority,
        tenant_id=exchange.tenant_id,
        client_id=exchange.client_id,
        client_secret=secrets.client_secret,
        certificate_file=exchange.certificate_file,
        certificate_password=secrets.certificate_password,
        ca_file=exchange.ca_file,
        room_deadline_seconds=exchange.room_deadline_seconds,
    )


def ews_settings(exchange: EwsExchange, secrets: Secrets) -> EwsSettings:
    """Return the settings of an exchange with ``kind: ews`` as its source takes them."""
    return EwsSettings(
        endpoint=exchange.endpoint,
        auth=exchange.auth,
        username=exchange.username,
        password=secrets.password,
        access=exchange.access,
        ca_file=exchange.ca_file,
        room_deadline_seconds=exchange.room_deadline_seconds,
        tenant_id=exchange.tenant_id,
        client_id=exchange.client_id,
        client_secret=secrets.client_secret,
        certificate_file=exchange.certificate_file,
        certificate_password=secrets.certificate_password,
        authority=exchange.authority,
    )


OUTSIDE_THE_REGION: Final = "OutsideTheRegion"


class Fenced:
    """A ``CalendarSource`` that refuses addresses that are not among the given ones.

    ``addresses`` are casefolded.
    """

    def __init__(self, source: CalendarSource, addresses: Set[str]) -> None:
        self._source = source
        self._addresses = addresses

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return what the source returns; see ``CalendarSource``.

        Raises:
            SourceError: ``OutsideTheRegion``, and nothing was asked; or what the source raises.
        """
        if address.casefold() not in self._addresses:
            raise SourceError(OUTSIDE_THE_REGION)
        return self._source.read(address, window)

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def guarded(
    open_source: Callable[..., CalendarSource], addresses: Set[str]
) -> Callable[..., CalendarSource]:
    """Return an opener of sources that stay within the addresses."""
    return lambda *arguments: Fenced(open_source(*arguments), addresses)
