"""``insights.yaml`` and the room directories, read and checked.

Belongs here: what an operator writes: every key, every room, and every way to get it wrong.
Does not belong here: using any of it. Others import from this package alone, not its modules.
"""

from pipelines.settings.loading import (
    ROOM_COLUMNS,
    directory_table,
    load_settings,
    regions_to_load,
    rooms_table,
)
from pipelines.settings.model import (
    MOST_DAYS,
    AlertSettings,
    EmailKeys,
    EwsExchange,
    ExchangeSettings,
    GraphExchange,
    RegionSettings,
    Room,
    Secrets,
    Settings,
    SparkKeys,
    WebhookKeys,
    read_all_secrets,
    read_secrets,
    secret_of,
)
from pipelines.settings.problems import SettingsError, did_you_mean
from pipelines.settings.values import (
    Domain,
    HttpsUrl,
    Identifier,
    Label,
    Mailbox,
    Text,
    VariableName,
    ZoneName,
    is_webhook_url,
)

__all__ = [
    "MOST_DAYS",
    "ROOM_COLUMNS",
    "AlertSettings",
    "Domain",
    "EmailKeys",
    "EwsExchange",
    "ExchangeSettings",
    "GraphExchange",
    "HttpsUrl",
    "Identifier",
    "Label",
    "Mailbox",
    "RegionSettings",
    "Room",
    "Secrets",
    "Settings",
    "SettingsError",
    "SparkKeys",
    "Text",
    "VariableName",
    "WebhookKeys",
    "ZoneName",
    "did_you_mean",
    "directory_table",
    "is_webhook_url",
    "load_settings",
    "read_all_secrets",
    "read_secrets",
    "regions_to_load",
    "rooms_table",
    "secret_of",
]
