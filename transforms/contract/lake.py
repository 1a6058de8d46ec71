"""The files of the lake: every column of a booking, a room and a reading, one entry each.

A new flag of a booking needs one entry here (``_stated``) and one in each source's ``STATED``.
In files written before that, it reads as null.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from transforms.contract import CAPACITY_BANDS, INSTANT, Column, Origin, Table, labels

_INVITED: Final = ("Organizer", "RequiredAttendees", "OptionalAttendees", "Resources")
_DIRECTORY: Final = Origin("From the operator's room directory; describes a room, not a person.")


def _event(  # noqa: PLR0913 - a column has so many parts
    name: str,
    kind: pa.DataType,
    text: str,
    why: str,
    *fields: str,
    unit: str = "",
    nullable: bool = False,
) -> Column:
    return Column(name, kind, text, Origin(why, fields), "pseudonymous", unit, nullable)


def _stated(name: str, text: str, why: str, field: str) -> Column:
    """Return a flag that is stored as the source states it."""
    return replace(_event(name, pa.bool_(), text, why, field, nullable=True), is_stated=True)


def _room(
    name: str, kind: pa.DataType, text: str, *, unit: str = "", nullable: bool = True
) -> Column:
    return Column(name, kind, text, _DIRECTORY, "about the room", unit, nullable)


ROOM_ID: Final = Column(
    "room_id",
    pa.string(),
    "The operator's own short id of the room.",
    Origin("The operator's own short id; the mailbox address is not stored."),
    "about the room",
)
READ_AT: Final = Column(
    "read_at",
    INSTANT,
    "When this row was read from Exchange.",
    Origin("When the room was read; says nothing of a person."),
    "technical",
)
LOCAL_START_DATE: Final = _event(
    "local_start_date",
    pa.date32(),
    "Date of the start in the room's zone (R10).",
    "The local date of starts_at.",
    *("Start", "IsAllDayEvent"),
)
_BOOKINGS: Final = Table(
    "One booking a row: a single meeting, or one occurrence or exception of a series (R10).",
    (),  # a booking has no id: two of a room may be alike
    (
        ROOM_ID,
        _event(
            "starts_at",
            INSTANT,
            "Start of the booking; local midnight if all-day (R6).",
            "When a room was booked: with the room, the key back to Exchange.",
            *("Start", "IsAllDayEvent"),
        ),
        _event(
            "ends_at",
            INSTANT,
            "End of the booking, exclusive; local midnight if all-day (R6).",
            "How long a room was booked; names nobody.",
            *("End", "Start", "IsAllDayEvent"),
        ),
        _event(
            "is_all_day",
            pa.bool_(),
            "Whether the booking covers whole local dates (R6).",
            "A flag of the booking; names nobody.",
            "IsAllDayEvent",
        ),
        _event(
            "is_cancelled",
            pa.bool_(),
            "Whether the organizer cancelled the meeting.",
            "A flag of the booking; names nobody.",
            "IsCancelled",
        ),
        _event(
            "is_private",
            pa.bool_(),
            "Sensitivity Private or Confidential (R16).",
            "A flag; of private bookings no invitee is counted.",
            "Sensitivity",
        ),
        _event(
            "kind",
            pa.string(),
            "single, occurrence, or exception (of a series).",
            "One of three words; the series' id is not stored.",
            "CalendarItemType",
        ),
        _event(
            "show_as",
            pa.string(),
            "Free/busy: busy, tentative, oof, free, elsewhere, unknown.",
            "One of six words; any other becomes unknown.",
            "LegacyFreeBusyStatus",
        ),
        _event(
            "response",
            pa.string(),
            "The room's answer: accept, organizer, tentative, decline, none, unknown.",
            "The room's own answer, one of six words.",
            "MyResponseType",
        ),
        _event(
            "status",
            pa.string(),
            "booked, held, not_booked or cancelled (R3 to R5).",
            "One of four words, by rules R3 to R5.",
            *("LegacyFreeBusyStatus", "MyResponseType", "IsCancelled", "Start", "End"),
        ),
        _event(
            "invited_headcount",
            pa.int32(),
            "Distinct people invited, organizer included, rooms left out; null if unknown (R11).",
            "A number: addresses are counted in memory and dropped.",
            *(*_INVITED, "Sensitivity"),
            unit="people",
            nullable=True,
        ),
        _event(
            "headcount_is_lower_bound",
            pa.bool_(),
            "Whether a distribution list was counted as one person (R11).",
            "A flag: whether a list was counted as one person.",
            *(*_INVITED, "Sensitivity"),
        ),
        _event(
            "has_external",
            pa.bool_(),
            "Whether anyone invited is outside the accepted domains; null if unknown (R12).",
            "A flag: domains are compared in memory and dropped.",
            *(*_INVITED, "Sensitivity"),
            nullable=True,
        ),
        _stated(
            "is_online",
            "Whether it is an online meeting too; null if unknown.",
            "A flag; the link to the meeting is not read.",
            "IsOnlineMeeting",
        ),
        _event(
            "created_at",
            INSTANT,
            "When the meeting was created; null if unknown.",
            "For lead times; names nobody.",
            "DateTimeCreated",
            nullable=True,
        ),
        READ_AT,
    ),
    "pseudonymous",
    "Rows of single bookings: room and start are a key back to Exchange.",
)
_ROOMS: Final = Table(
    "One room a row: the room directory without mailbox addresses.",
    (ROOM_ID,),
    (
        Column(
            "name",
            pa.string(),
            "The operator's name of the room.",
            Origin("The operator's name of the room; name no person in it."),
            "about the room",
            nullable=True,
        ),
        _room("site", pa.string(), "Site (campus, city) that the room belongs to."),
        _room("building", pa.string(), "Building that the room is in."),
        _room("floor", pa.string(), "Floor that the room is on."),
        _room("country", pa.string(), "ISO 3166-1 country, for public holidays."),
        _room("subdivision", pa.string(), "ISO 3166-2 subdivision, for public holidays."),
        _room(
            "time_zone",
            pa.string(),
            "IANA time zone; local days and hours come from it (R1).",
            nullable=False,
        ),
        _room("capacity", pa.int32(), "Seats; null where unknown.", unit="seats"),
        _room(
            "room_type",
            pa.string(),
            "conference, auditorium, desk, …; other if not given.",
            nullable=False,
        ),
        _room(
            "open_hours",
            pa.string(),
            "Weekly opening hours in the room's zone (R2).",
            nullable=False,
        ),
        _room("opened_on", pa.date32(), "First local date that the room was in use (R2)."),
        _room("closed_on", pa.date32(), "First local date that the room was out of use (R2)."),
        _room("part_of", pa.string(), "Room that this one can be combined to (R25)."),
        _room("equipment", pa.string(), "Words for what the room has, between semicolons."),
        _room("valid_from", pa.date32(), "Day from which the row counts, if the CSV names one."),
    ),
    "about the room",
    "The directory, without mailbox addresses.",
)
_CHANGES: Final = Table(
    "What two successful readings of a room differ in, a file a night (R19).",
    (),  # two bookings of a room may be alike, and so may their changes
    (
        ROOM_ID,
        _event(
            "change",
            pa.string(),
            "new, cancelled, moved or resized.",
            "One of four words, from two readings of the room's calendar.",
            *("Start", "End", "DateTimeCreated", "CalendarItemType", "LegacyFreeBusyStatus"),
            *("MyResponseType", "IsCancelled"),
        ),
        _BOOKINGS["kind"],
        _BOOKINGS["starts_at"].defined_as("Start before the change; of a new booking its start."),
        _BOOKINGS["ends_at"].defined_as("End before the change; of a new booking its end."),
        _BOOKINGS["starts_at"].defined_as(
            "Start after a booking was moved or resized; else null.", "new_starts_at", nullable=True
        ),
        _BOOKINGS["ends_at"].defined_as(
            "End after a booking was moved or resized; else null.", "new_ends_at", nullable=True
        ),
        _BOOKINGS["created_at"],
        READ_AT.defined_as("The last good reading before the change.", "seen_after"),
        READ_AT.defined_as("The reading that saw the change.", "seen_at"),
        Column(
            "given_back_minutes",
            pa.int32(),
            "Open minutes that were set free after seen_at, whoever booked them since (R20).",
            Origin("Minutes of a room, from two readings and its opening hours."),
            "computed",
            unit="minutes",
        ),
    ),
    "pseudonymous",
    _BOOKINGS.reason,
)
_COVERAGE: Final = Table(
    "One row for every room of the directory on every day that a run asked for (R13).",
    (ROOM_ID,),
    (
        Column(
            "is_loaded",
            pa.bool_(),
            "Whether the last attempt to read the room succeeded.",
            Origin("Whether a room could be read."),
            "technical",
        ),
        READ_AT.defined_as("The last good reading of the room-day; null if none.", nullable=True),
        Column(
            "error_code",
            pa.string(),
            "Code of the last attempt if it failed, never a text; else null.",
            Origin("A code of Exchange or the name of an error, never its text."),
            "technical",
            nullable=True,
        ),
    ),
    "technical",
    "What could be read, and when.",
)

SITE = _ROOMS["site"].defined_as("Site (campus, city) of the rooms.")
BUILDING = _ROOMS["building"].defined_as("Building of the rooms.")
CAPACITY_BAND = Column(
    "capacity_band",
    pa.string(),
    f"Capacity band of the room: {labels(CAPACITY_BANDS)}; null where unknown.",
    _ROOMS["capacity"].origin,
    "about the room",
    nullable=True,
)

LAKE: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "bookings": _BOOKINGS,
        "coverage": _COVERAGE,
        "changes": _CHANGES,
        "rooms": _ROOMS,
        "directory": replace(
            _ROOMS, text="The room directory as it was from the day of the file on (R18)."
        ),
    }
)
BOOKINGS: Final = _BOOKINGS.schema
ROOMS: Final = _ROOMS.schema
COVERAGE: Final = _COVERAGE.schema
CHANGES: Final = _CHANGES.schema
STAGED: Final = BOOKINGS.append(LOCAL_START_DATE.field)
"""Bookings before they reach the lake: with the partition key, which files do not hold."""

READ_AND_DROPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Organizer": "Counted as one person and compared with the accepted domains.",
        "RequiredAttendees": "Counted, and compared with the accepted domains.",
        "OptionalAttendees": "Counted, and compared with the accepted domains.",
        "Resources": "Left out of the count: they are no people.",
        "IsMeeting": "Tells nobody invited from invitees that the server did not state.",
        "ItemId": "Tells items apart while a room is read.",
        "ParentFolderId": "Shows that an answer is of the room that was asked for.",
    }
)
"""What is read from Exchange and used in memory while a room is read, but never stored."""
