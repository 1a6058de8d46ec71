"""The one declaration of every column: of the lake's files and of the database's tables.

Belongs here: name, type, unit and one-sentence definition of a column, where it comes from in
Exchange and what it is in data protection law; the vocabularies and bands that columns draw from.
DDL comments, Dagster's table schemas, the dictionary, the record of processing and the tests are
generated from it.
Does not belong here: how a value is computed (``redact.py`` and ``warehouse/sql``).

A new nullable column raises ``CONTRACT_VERSION``. A changed or removed one breaks somebody's
dashboard: it is a new dataset.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from transforms.contract.columns import (
    ALL_DAY,
    CAPACITY_BANDS,
    CHANGE_WORDS,
    DURATION_BANDS,
    FEW,
    HEADCOUNT_BANDS,
    INSTANT,
    KINDS,
    LEAD_TIME_BANDS,
    MEASURES,
    PERSONAL_ROOM_TYPES,
    REGION_REMEDY,
    RESPONSES,
    ROOM_TYPES,
    SHOW_AS,
    STATUSES,
    Band,
    Column,
    Nature,
    Origin,
    Region,
    RoomType,
    Table,
    band_of,
    is_region,
)
from transforms.contract.database import ROOM_TABLES
from transforms.contract.lake import (
    BOOKINGS,
    CHANGES,
    COVERAGE,
    LAKE,
    READ_AND_DROPPED,
    ROOMS,
    STAGED,
)
from transforms.contract.profiles import PROFILE_TABLES

CONTRACT_VERSION: Final = "2"

TABLES: Final[Mapping[str, Table]] = MappingProxyType({**ROOM_TABLES, **PROFILE_TABLES})
"""The tables of the database."""

STATISTICS: Final[Mapping[str, Table]] = MappingProxyType(
    {
        name: replace(table, columns=tuple(column for column in table if column.is_for_everybody))
        for name, table in TABLES.items()
        if table.is_for_everybody
    }
)
"""What may be shown to everybody: no single bookings, and no rooms of one person."""

__all__ = [
    "ALL_DAY",
    "BOOKINGS",
    "CAPACITY_BANDS",
    "CHANGES",
    "CHANGE_WORDS",
    "CONTRACT_VERSION",
    "COVERAGE",
    "DURATION_BANDS",
    "FEW",
    "HEADCOUNT_BANDS",
    "INSTANT",
    "KINDS",
    "LAKE",
    "LEAD_TIME_BANDS",
    "MEASURES",
    "PERSONAL_ROOM_TYPES",
    "READ_AND_DROPPED",
    "REGION_REMEDY",
    "RESPONSES",
    "ROOMS",
    "ROOM_TYPES",
    "SHOW_AS",
    "STAGED",
    "STATISTICS",
    "STATUSES",
    "TABLES",
    "Band",
    "Column",
    "Nature",
    "Origin",
    "Region",
    "RoomType",
    "Table",
    "band_of",
    "is_region",
]
