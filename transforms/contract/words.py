"""The words that columns draw from: regions, room types, vocabularies."""

import re
from typing import Final, Literal, TypeAlias, get_args

Region: TypeAlias = str
"""A name in ``insights.yaml``, such as EU or APAC."""
_REGION: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", re.ASCII)
_LONGEST_REGION: Final = 30
_CATALOGS: Final = ("MAIN", "MEMORY", "SYSTEM", "TEMP")
"""DuckDB's own: a region becomes the name of a catalog (``eu.utilization``)."""
REGION_REMEDY: Final = "write capital letters, digits and single underscores, such as EU or APAC"


def is_region(name: str) -> bool:
    """Return whether a name can be a region's.

    It becomes part of file names, catalogs, asset keys and environment variables, so it is plain
    ASCII; without a hyphen, ``insights-eu-statistics`` cannot be the database of a region.
    """
    is_plain = _REGION.fullmatch(name) is not None and len(name) <= _LONGEST_REGION
    return is_plain and name not in _CATALOGS


RoomType: TypeAlias = Literal[
    "conference",
    "auditorium",
    "executive",
    "lecture",
    "group_study",
    "workshop",
    "video",
    "desk",
    "office",
    "other",
]
ROOM_TYPES: Final[tuple[RoomType, ...]] = get_args(RoomType)
PERSONAL_ROOM_TYPES: Final = ("desk", "office", "executive")

KINDS: Final = ("single", "occurrence", "exception")
SHOW_AS: Final = ("busy", "tentative", "oof", "free", "elsewhere", "unknown")
RESPONSES: Final = ("accept", "organizer", "tentative", "decline", "none", "unknown")
STATUSES: Final = ("booked", "held", "not_booked", "cancelled")
CHANGE_WORDS: Final = ("new", "cancelled", "moved", "resized")
