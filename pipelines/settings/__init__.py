"""``insights.yaml`` and the room directories, read and checked.

Belongs here: what an operator writes: every key, every room, and every way to get it wrong.
Does not belong here: using any of it.
"""

from pipelines.settings.exchange import ExchangeSettings, Secrets, read_secrets
from pipelines.settings.loading import Settings, load_settings, regions_to_load, rooms_table
from pipelines.settings.problems import SettingsError
from pipelines.settings.regions import RegionSettings
from pipelines.settings.rooms import Room

__all__ = [
    "ExchangeSettings",
    "RegionSettings",
    "Room",
    "Secrets",
    "Settings",
    "SettingsError",
    "load_settings",
    "read_secrets",
    "regions_to_load",
    "rooms_table",
]
