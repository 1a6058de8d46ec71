"""The one declaration of every schema: the lake's files and the database's tables.

Belongs here: column names, types, units and one-sentence definitions (DDL comments, Dagster's
table schemas, the README's dictionary and the tests are generated from them), and the
vocabularies and band labels that columns draw from.
Does not belong here: how a value is computed (``redact.py`` and ``warehouse/sql``).

A changed name or type breaks somebody's dashboard: raise ``CONTRACT_VERSION`` and say so in
the CHANGELOG.
"""

from typing import Final

from transforms.contract.bands import (
    ALL_DAY,
    CAPACITY_BANDS,
    DURATION_BANDS,
    HEADCOUNT_BANDS,
    LEAD_TIME_BANDS,
    Band,
)
from transforms.contract.columns import INSTANT, describe, table_description
from transforms.contract.database import GRAINS, TABLES
from transforms.contract.lake import BOOKINGS, COVERAGE, LAKE, ROOMS, STAGED
from transforms.contract.words import (
    KINDS,
    PERSONAL_ROOM_TYPES,
    REGION_REMEDY,
    RESPONSES,
    ROOM_TYPES,
    SHOW_AS,
    STATUSES,
    Region,
    RoomType,
    is_region,
)

CONTRACT_VERSION: Final = "1"

__all__ = [
    "ALL_DAY",
    "BOOKINGS",
    "CAPACITY_BANDS",
    "CONTRACT_VERSION",
    "COVERAGE",
    "DURATION_BANDS",
    "GRAINS",
    "HEADCOUNT_BANDS",
    "INSTANT",
    "KINDS",
    "LAKE",
    "LEAD_TIME_BANDS",
    "PERSONAL_ROOM_TYPES",
    "REGION_REMEDY",
    "RESPONSES",
    "ROOMS",
    "ROOM_TYPES",
    "SHOW_AS",
    "STAGED",
    "STATUSES",
    "TABLES",
    "Band",
    "Region",
    "RoomType",
    "describe",
    "is_region",
    "table_description",
]
