"""Opens the source that an exchange's settings ask for.

Belongs here: from the words of ``insights.yaml`` to a source, one branch a ``kind``.
Does not belong here: what a source does.
"""

from pipelines.settings import EwsExchange, ExchangeSettings, GraphExchange, Secrets
from pipelines.sources.base import CalendarSource
from pipelines.sources.ews import EwsSettings, EwsSource
from pipelines.sources.graph import GraphSource
from pipelines.sources.graph_client import GraphSettings
from pipelines.sources.pace import Pace


def open_source(
    exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, pace: Pace
) -> CalendarSource:
    """Return a source of its own for one worker; it connects when the first room is read.

    The workers of an exchange share a ``pace``.

    Raises:
        SourceError: the settings cannot be used (a CA file that vanished, say).
    """
    if exchange.kind == "graph":
        graph = graph_settings(exchange, secrets)
        return GraphSource(graph, with_invitees=with_invitees, pace=pace)
    return EwsSource(ews_settings(exchange, secrets), with_invitees=with_invitees, pace=pace)


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
