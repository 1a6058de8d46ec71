"""Opens the source that an exchange's settings ask for.

Belongs here: from the words of ``insights.yaml`` to a source, one branch a ``kind``.
Does not belong here: what a source does.
"""

from pipelines.settings_exchange import ExchangeSettings, Secrets
from pipelines.sources.base import CalendarSource
from pipelines.sources.ews import EwsSettings, EwsSource
from pipelines.sources.pace import Pace


def open_source(
    exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, pace: Pace
) -> CalendarSource:
    """Return a source of its own for one worker; it connects when the first room is read.

    The workers of an exchange share a ``pace``.

    Raises:
        SourceError: the settings cannot be used (a CA file that vanished, say).
    """
    return EwsSource(ews_settings(exchange, secrets), with_invitees=with_invitees, pace=pace)


def ews_settings(exchange: ExchangeSettings, secrets: Secrets) -> EwsSettings:
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
