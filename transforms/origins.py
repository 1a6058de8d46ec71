"""Where every stored column comes from, and what it is in data protection law.

Belongs here: for each column of the contract its fields in Exchange, its nature, and why; for
each table whether its rows are personal data. The record of processing is made from it.
Does not belong here: names, types and definitions (``contract``), how values are computed
(``rules.py``, ``warehouse/sql``).

Words: *pseudonymous* data are personal data, since room and start time are a key back to the
original as long as Exchange holds it. Only aggregates that the minimum group has suppressed are
called *anonymous*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Nature: TypeAlias = Literal["pseudonymous", "about the room", "technical", "computed", "anonymous"]


@dataclass(frozen=True, slots=True)
class Origin:
    """One column: the fields of Exchange's CalendarItem it is made of (none: not from Exchange)."""

    fields: tuple[str, ...]
    nature: Nature
    reason: str


@dataclass(frozen=True, slots=True)
class TableNature:
    """What the rows of a table are, and why."""

    nature: Nature
    reason: str


_INVITED: Final = ("Organizer", "RequiredAttendees", "OptionalAttendees", "Resources")


def _event(reason: str, *fields: str) -> Origin:
    return Origin(fields, "pseudonymous", reason)


def _room(reason: str) -> Origin:
    return Origin((), "about the room", reason)


def _technical(reason: str) -> Origin:
    return Origin((), "technical", reason)


def _computed(reason: str) -> Origin:
    return Origin((), "computed", reason)


_DIRECTORY: Final = _room("From the operator's room directory; describes a room, not a person.")
_TIME_MEASURE: Final = _computed("Minutes of rooms, from starts and ends of bookings.")
_BAND: Final = _computed("A band instead of a value, so that single values cannot be read off.")

ORIGINS: Final[Mapping[str, Origin]] = MappingProxyType(
    {
        # of a booking
        "room_id": _room("The operator's own short id; the mailbox address is not stored."),
        "starts_at": _event(
            "When a room was booked: with the room, the key back to Exchange.",
            "Start",
            "IsAllDayEvent",
        ),
        "ends_at": _event(
            "How long a room was booked; names nobody.", "End", "Start", "IsAllDayEvent"
        ),
        "is_all_day": _event("A flag of the booking; names nobody.", "IsAllDayEvent"),
        "is_cancelled": _event("A flag of the booking; names nobody.", "IsCancelled"),
        "is_private": _event("A flag; of private bookings no invitee is counted.", "Sensitivity"),
        "kind": _event("One of three words; the series' id is not stored.", "CalendarItemType"),
        "show_as": _event("One of six words; any other becomes unknown.", "LegacyFreeBusyStatus"),
        "response": _event("The room's own answer, one of six words.", "MyResponseType"),
        "status": _event(
            "One of four words, by rules R3 to R5.",
            *("LegacyFreeBusyStatus", "MyResponseType", "IsCancelled", "Start", "End"),
        ),
        "invited_headcount": _event(
            "A number: addresses are counted in memory and dropped.", *_INVITED, "Sensitivity"
        ),
        "headcount_is_lower_bound": _event(
            "A flag: whether a list was counted as one person.", *_INVITED, "Sensitivity"
        ),
        "has_external": _event(
            "A flag: domains are compared in memory and dropped.", *_INVITED, "Sensitivity"
        ),
        "is_online": _event("A flag; the link to the meeting is not read.", "IsOnlineMeeting"),
        "created_at": _event("For lead times; names nobody.", "DateTimeCreated"),
        "read_at": _technical("When the room was read; says nothing of a person."),
        "local_start_date": _event("The local date of starts_at.", "Start", "IsAllDayEvent"),
        # of a room
        "name": _room("The operator's name of the room; name no person in it."),
        "site": _DIRECTORY,
        "building": _DIRECTORY,
        "floor": _DIRECTORY,
        "country": _DIRECTORY,
        "subdivision": _DIRECTORY,
        "time_zone": _DIRECTORY,
        "capacity": _DIRECTORY,
        "capacity_band": _DIRECTORY,
        "room_type": _DIRECTORY,
        "open_hours": _DIRECTORY,
        "opened_on": _DIRECTORY,
        "closed_on": _DIRECTORY,
        "region": _technical("Where the data are processed and stored."),
        # of a reading
        "is_loaded": _technical("Whether a room could be read."),
        "error_code": _technical("A code of Exchange or the name of an error, never its text."),
        # measures of time
        "local_date": _computed("A date on the room's clock."),
        "local_hour": _computed("An hour on the room's clock."),
        "iso_week": _computed("A week instead of a date."),
        "weekday": _computed("A day of the week instead of a date."),
        "open_minutes": _computed("From opening hours, holidays and closures."),
        "booked_minutes": _TIME_MEASURE,
        "booked_minutes_outside_hours": _TIME_MEASURE,
        "held_minutes": _TIME_MEASURE,
        "overlap_minutes": _TIME_MEASURE,
        "gross_booked_minutes": _TIME_MEASURE,
        "fragmented_minutes": _TIME_MEASURE,
        "booked_utilization": _TIME_MEASURE,
        "bookings": _computed("A count of bookings."),
        "rooms": _computed("A count of rooms."),
        "rooms_loaded": _computed("A count of rooms."),
        "rooms_open": _computed("A count of rooms."),
        "peak_rooms_in_use": _computed("A count of rooms."),
        "p95_rooms_in_use": _computed("A count of rooms."),
        "min_free_rooms": _computed("A count of rooms."),
        "sold_out_minutes": _TIME_MEASURE,
        # measures of behaviour, only in cells that the minimum group lets through
        "duration_band": _BAND,
        "lead_time_band": _BAND,
        "headcount_band": _BAND,
        "external_bookings": _computed("A count of bookings with anyone from outside."),
        "external_known_bookings": _computed("A count of bookings where that could be told."),
        "seat_minutes_used": _computed("Headcount times minutes, summed over a cell."),
        "seat_minutes_offered": _computed("Capacity times minutes, summed over a cell."),
        # of a build
        "built_at": _technical("When the database was built."),
        "data_through": _technical("How far the figures go."),
        "code_version": _technical("Which program built it."),
        "contract_version": _technical("Which names and types it has."),
        "rooms_expected": _technical("A count of rooms."),
        "suppressed_cells": _technical("A count of cells that were left out."),
    }
)

READ_AND_DROPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Organizer": "Counted as one person and compared with the accepted domains.",
        "RequiredAttendees": "Counted, and compared with the accepted domains.",
        "OptionalAttendees": "Counted, and compared with the accepted domains.",
        "Resources": "Left out of the count: they are no people.",
        "ItemId": "Tells items apart while a room is read.",
        "ParentFolderId": "Shows that an answer is of the room that was asked for.",
    }
)
"""What is read from Exchange, used in memory while a room is read, and stored nowhere."""

_ROOMS_NATURE: Final = TableNature("about the room", "The directory, without mailbox addresses.")
_BOOKINGS_NATURE: Final = TableNature(
    "pseudonymous", "Rows of single bookings: room and start are a key back to Exchange."
)
_COVERAGE_NATURE: Final = TableNature("technical", "What could be read, and when.")
_ROOM_GRAIN: Final = TableNature(
    "pseudonymous", "Sums of one room: a day or hour may hold a single booking."
)
_ABOUT_ROOMS: Final = TableNature(
    "computed",
    "Use of rooms, not behaviour of people; a cell may be one room, so it is not called anonymous.",
)
_SUPPRESSED: Final = TableNature(
    "anonymous",
    "Cells under the minimum group are left out, and cells that would reveal them: anonymous where "
    "it is given without the table bookings.",
)

LAKE_NATURES: Final[Mapping[str, TableNature]] = MappingProxyType(
    {"bookings": _BOOKINGS_NATURE, "rooms": _ROOMS_NATURE, "coverage": _COVERAGE_NATURE}
)
TABLE_NATURES: Final[Mapping[str, TableNature]] = MappingProxyType(
    {
        "rooms": _ROOMS_NATURE,
        "bookings": _BOOKINGS_NATURE,
        "coverage": _COVERAGE_NATURE,
        "room_hours": _ROOM_GRAIN,
        "room_days": _ROOM_GRAIN,
        "room_days_ahead": _ROOM_GRAIN,
        "utilization": _ABOUT_ROOMS,
        "hour_of_week": _ABOUT_ROOMS,
        "rooms_in_use": _ABOUT_ROOMS,
        "booking_mix": _SUPPRESSED,
        "size_fit": _SUPPRESSED,
        "build_info": TableNature("technical", "One row about the build."),
    }
)
