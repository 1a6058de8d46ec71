"""The schemas of the lake's files.

Belongs here: names, types, units and definitions of what is stored of a booking, a room and a
reading. Does not belong here: the database's tables (``database.py``), files (``warehouse``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from transforms.contract.columns import INSTANT, column, required, table

ROOM_ID = required("room_id", pa.string(), "The operator's own short id of the room.")

BOOKINGS: Final = table(
    "One booking a row: a single meeting, or one occurrence or exception of a series (R10).",
    ROOM_ID,
    required("starts_at", INSTANT, "Start of the booking; local midnight if all-day (R6)."),
    required("ends_at", INSTANT, "End of the booking, exclusive; local midnight if all-day (R6)."),
    required("is_all_day", pa.bool_(), "Whether the booking covers whole local dates (R6)."),
    required("is_cancelled", pa.bool_(), "Whether the organizer cancelled the meeting."),
    required("is_private", pa.bool_(), "Sensitivity Private or Confidential (R16)."),
    required("kind", pa.string(), "single, occurrence, or exception (of a series)."),
    required("show_as", pa.string(), "Free/busy: busy, tentative, oof, free, elsewhere, unknown."),
    required(
        "response",
        pa.string(),
        "The room's answer: accept, organizer, tentative, decline, none, unknown.",
    ),
    required("status", pa.string(), "booked, held, not_booked or cancelled (R3 to R5)."),
    column(
        "invited_headcount",
        pa.int32(),
        "Distinct people invited, organizer included, rooms left out; null if unknown (R11).",
        "people",
    ),
    required(
        "headcount_is_lower_bound",
        pa.bool_(),
        "Whether a distribution list was counted as one person (R11).",
    ),
    column(
        "has_external",
        pa.bool_(),
        "Whether anyone invited is outside the accepted domains; null if unknown (R12).",
    ),
    column("is_online", pa.bool_(), "Whether it is an online meeting too; null if unknown."),
    column("created_at", INSTANT, "When the meeting was created; null if unknown."),
    required("read_at", INSTANT, "When this row was read from Exchange."),
)

LOCAL_START_DATE = required(
    "local_start_date", pa.date32(), "Date of the start in the room's zone (R10)."
)

STAGED: Final = table(
    "Bookings on their way to the lake, with the partition key, which no file holds.",
    *BOOKINGS,
    LOCAL_START_DATE,
)

ROOMS: Final = table(
    "One room a row: the room directory without mailbox addresses.",
    ROOM_ID,
    column("name", pa.string(), "The operator's name of the room."),
    column("site", pa.string(), "Site (campus, city) that the room belongs to."),
    column("building", pa.string(), "Building that the room is in."),
    column("floor", pa.string(), "Floor that the room is on."),
    column("country", pa.string(), "ISO 3166-1 country, for public holidays."),
    column("subdivision", pa.string(), "ISO 3166-2 subdivision, for public holidays."),
    required("time_zone", pa.string(), "IANA time zone; local days and hours come from it (R1)."),
    column("capacity", pa.int32(), "Seats; null where unknown.", "seats"),
    required("room_type", pa.string(), "conference, auditorium, desk, …; other if not given."),
    required("open_hours", pa.string(), "Weekly opening hours in the room's zone (R2)."),
    column("opened_on", pa.date32(), "First local date that the room was in use (R2)."),
    column("closed_on", pa.date32(), "First local date that the room was out of use (R2)."),
)

COVERAGE: Final = table(
    "One row for every room of the directory on every day that a run asked for (R13).",
    ROOM_ID,
    required("is_loaded", pa.bool_(), "Whether the last attempt to read the room succeeded."),
    column("read_at", INSTANT, "The last good reading of the room-day; null if none."),
    column(
        "error_code", pa.string(), "Code of the last attempt if it failed, never a text; else null."
    ),
)

LAKE: Final[Mapping[str, pa.Schema]] = MappingProxyType(
    {"bookings": BOOKINGS, "rooms": ROOMS, "coverage": COVERAGE}
)
