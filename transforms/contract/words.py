"""The words that columns of the contract draw from: regions, room types, vocabularies.

Belongs here: closed lists of words. Does not belong here: columns (``lake.py``, ``database.py``),
how Exchange's words become these (``transforms/rules.py``).
"""

from typing import Final, Literal, TypeAlias, get_args

Region: TypeAlias = Literal["EU", "NA"]
REGIONS: Final[tuple[Region, ...]] = get_args(Region)

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
