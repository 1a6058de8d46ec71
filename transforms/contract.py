"""The one declaration of every schema: the lake's files and the database's tables.

Belongs here: column names, types, units and one-sentence definitions (DDL comments, Dagster's
table schemas, the README's dictionary and the tests are generated from them), and the
vocabularies and band labels that columns draw from.
Does not belong here: how a value is computed (``redact.py`` and ``warehouse/sql``).

A changed name or type breaks somebody's dashboard: raise ``CONTRACT_VERSION`` and say so in
the CHANGELOG.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import pyarrow as pa

CONTRACT_VERSION: Final = "1"

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

INSTANT: Final = pa.timestamp("us", tz="UTC")


def _column(
    name: str, kind: pa.DataType, description: str, unit: str = "", nullable: bool = True
) -> pa.Field:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def _table(description: str, *columns: pa.Field) -> pa.Schema:
    return pa.schema(columns, metadata={"description": description})


def _required(name: str, kind: pa.DataType, description: str, unit: str = "") -> pa.Field:
    return _column(name, kind, description, unit, nullable=False)


_ROOM_ID = _required("room_id", pa.string(), "The operator's own short id of the room.")
_BAND = "Capacity band of the room: 1, 2-4, 5-8, 9-14, 15-30, 31+; null where unknown."

# --- the lake -------------------------------------------------------------------------------

BOOKINGS: Final = _table(
    "One booking a row: a single meeting, or one occurrence or exception of a series (R10).",
    _ROOM_ID,
    _required("starts_at", INSTANT, "Start of the booking; local midnight if all-day (R6)."),
    _required("ends_at", INSTANT, "End of the booking, exclusive; local midnight if all-day (R6)."),
    _required("is_all_day", pa.bool_(), "Whether the booking covers whole local dates (R6)."),
    _required("is_cancelled", pa.bool_(), "Whether the organizer cancelled the meeting."),
    _required("is_private", pa.bool_(), "Sensitivity Private or Confidential (R16)."),
    _required("kind", pa.string(), "single, occurrence, or exception (of a series)."),
    _required("show_as", pa.string(), "Free/busy: busy, tentative, oof, free, elsewhere, unknown."),
    _required(
        "response",
        pa.string(),
        "The room's answer: accept, organizer, tentative, decline, none, unknown.",
    ),
    _required("status", pa.string(), "booked, held, not_booked or cancelled (R3 to R5)."),
    _column(
        "invited_headcount",
        pa.int32(),
        "Distinct people invited, organizer included, rooms left out; null if unknown (R11).",
        "people",
    ),
    _required(
        "headcount_is_lower_bound",
        pa.bool_(),
        "Whether a distribution list was counted as one person (R11).",
    ),
    _column(
        "has_external",
        pa.bool_(),
        "Whether anyone invited is outside the accepted domains; null if unknown (R12).",
    ),
    _column("is_online", pa.bool_(), "Whether it is an online meeting too; null if unknown."),
    _column("created_at", INSTANT, "When the meeting was created; null if unknown."),
    _required("read_at", INSTANT, "When this row was read from Exchange."),
)

_LOCAL_START_DATE = _required(
    "local_start_date", pa.date32(), "Date of the start in the room's zone (R10)."
)

STAGED: Final = _table(
    "Bookings on their way to the lake, with the partition key, which no file holds.",
    *BOOKINGS,
    _LOCAL_START_DATE,
)

ROOMS: Final = _table(
    "One room a row: the room directory without mailbox addresses.",
    _ROOM_ID,
    _column("name", pa.string(), "The operator's name of the room."),
    _column("site", pa.string(), "Site (campus, city) that the room belongs to."),
    _column("building", pa.string(), "Building that the room is in."),
    _column("floor", pa.string(), "Floor that the room is on."),
    _column("country", pa.string(), "ISO 3166-1 country, for public holidays."),
    _column("subdivision", pa.string(), "ISO 3166-2 subdivision, for public holidays."),
    _required("time_zone", pa.string(), "IANA time zone; local days and hours come from it (R1)."),
    _column("capacity", pa.int32(), "Seats; null where unknown.", "seats"),
    _required("room_type", pa.string(), "conference, auditorium, desk, …; other if not given."),
    _required("open_hours", pa.string(), "Weekly opening hours in the room's zone (R2)."),
    _column("opened_on", pa.date32(), "First local date that the room was in use (R2)."),
    _column("closed_on", pa.date32(), "First local date that the room was out of use (R2)."),
)

COVERAGE: Final = _table(
    "One row for every room of the directory on every day that a run asked for (R13).",
    _ROOM_ID,
    _required("is_loaded", pa.bool_(), "Whether the last attempt to read the room succeeded."),
    _column("read_at", INSTANT, "The last good reading of the room-day; null if none."),
    _column(
        "error_code", pa.string(), "Code of the last attempt if it failed, never a text; else null."
    ),
)

LAKE: Final[Mapping[str, pa.Schema]] = MappingProxyType(
    {"bookings": BOOKINGS, "rooms": ROOMS, "coverage": COVERAGE}
)

# --- the database ---------------------------------------------------------------------------

_REGION = _required("region", pa.string(), "EU or NA: where the data are processed and stored.")
_LOCAL_DATE = _required("local_date", pa.date32(), "Date in the room's own time zone (R1).")
_LOCAL_HOUR = _required(
    "local_hour",
    pa.int32(),
    "Local hour, 0 to 23; a repeated hour of a clock change is one row.",
)
_SITE = _column("site", pa.string(), "Site (campus, city) of the rooms.")
_BUILDING = _column("building", pa.string(), "Building of the rooms.")
_FLOOR = _column("floor", pa.string(), "Floor of the rooms.")
_CAPACITY_BAND = _column("capacity_band", pa.string(), _BAND)
_ISO_WEEK = _required("iso_week", pa.string(), "ISO week of the local date, such as 2026-W43.")


def _minutes(name: str, description: str, wide: bool, nullable: bool = False) -> pa.Field:
    kind = pa.int64() if wide else pa.int32()
    return _column(name, kind, description, "minutes", nullable)


def _time_columns(wide: bool) -> tuple[pa.Field, ...]:
    return (
        _minutes("open_minutes", "Open time: weekly hours minus holidays and closures (R2).", wide),
        _minutes("booked_minutes", "Union of the booked time within open time (R3, R8).", wide),
        _minutes(
            "booked_minutes_outside_hours",
            "Union of the booked time outside open time, all-day bookings left out (R6, R7).",
            wide,
        ),
        _minutes("held_minutes", "Held open time that is not also booked (R4, R8).", wide),
        _minutes("overlap_minutes", "Open time with two or more bookings at once (R8).", wide),
    )


_ROOM_DAY_COLUMNS = (
    _REGION,
    _ROOM_ID,
    _LOCAL_DATE,
    *_time_columns(wide=False),
    _minutes(
        "gross_booked_minutes",
        "Sum of the durations of the bookings that start that day, unclipped and unmerged.",
        wide=True,
    ),
    _required("bookings", pa.int32(), "Bookings (status booked) that start that day (R15)."),
    _minutes(
        "fragmented_minutes",
        "Free time in gaps under 30 minutes between two bookings of one open interval.",
        wide=False,
    ),
)

_BOOKED_UTILIZATION = _column(
    "booked_utilization",
    pa.float64(),
    "booked_minutes over open_minutes, each summed first; null without open time (R9).",
    "ratio",
)
_OPEN_SUM = _minutes("open_minutes", "Open time of the rooms that were read (R2, R13).", wide=True)
_BOOKED_SUM = _minutes("booked_minutes", "Booked time within that open time (R8).", wide=True)
_BOOKINGS_SUM = _required(
    "bookings", pa.int64(), "Bookings (status booked) by local start date (R15)."
)
_WHOLE_DURATIONS = _minutes(
    "booked_minutes", "Sum of the whole durations of these bookings (R15).", wide=True
)

TABLES: Final[Mapping[str, pa.Schema]] = MappingProxyType(
    {
        "rooms": _table(
            "One room of the directory a row.",
            _REGION,
            _ROOM_ID,
            *(
                ROOMS.field(name)
                for name in ("name", "site", "building", "floor", "country", "time_zone")
            ),
            ROOMS.field("capacity"),
            _CAPACITY_BAND,
            ROOMS.field("room_type"),
        ),
        "bookings": _table(
            "One booking a row, up to data_through, without personal rooms.",
            _REGION,
            *BOOKINGS,
            _LOCAL_START_DATE,
        ),
        "coverage": _table(
            "What was read: a row for every room on every day that a run asked for (R13).",
            _REGION,
            _ROOM_ID,
            _LOCAL_DATE,
            *(COVERAGE.field(name) for name in ("is_loaded", "read_at", "error_code")),
        ),
        "room_hours": _table(
            "Every local hour of a room that is open or booked, up to data_through.",
            _REGION,
            _ROOM_ID,
            _LOCAL_DATE,
            _LOCAL_HOUR,
            *_time_columns(wide=False),
        ),
        "room_days": _table(
            "Every local day of a room that is open or has a booking, up to data_through.",
            *_ROOM_DAY_COLUMNS,
        ),
        "room_days_ahead": _table(
            "The days after data_through that were read: forward bookings (R14).",
            *_ROOM_DAY_COLUMNS,
        ),
        "utilization": _table(
            "Utilization by site, building, floor, room type, capacity band and day (R9).",
            _REGION,
            _SITE,
            _BUILDING,
            _FLOOR,
            _required("room_type", pa.string(), "Type of the rooms."),
            _CAPACITY_BAND,
            _LOCAL_DATE,
            _required("rooms", pa.int32(), "Rooms of the cell that are open that day."),
            _required("rooms_loaded", pa.int32(), "Rooms open that day that were ever read (R13)."),
            _minutes(
                "open_minutes", "Open time of the rooms read (R2); null if none was.", True, True
            ),
            _minutes(
                "booked_minutes",
                "Booked time within that open time (R8); null if none was read.",
                True,
                True,
            ),
            _minutes(
                "held_minutes",
                "Held open time not also booked (R4); null if none was read.",
                True,
                True,
            ),
            _column(
                "bookings",
                pa.int64(),
                "Bookings that start that day (R15); null if no room was read.",
            ),
            _BOOKED_UTILIZATION,
        ),
        "hour_of_week": _table(
            "The heat map of the week: utilization by building, capacity band, week and hour.",
            _REGION,
            _BUILDING,
            _CAPACITY_BAND,
            _ISO_WEEK,
            _required("weekday", pa.int32(), "Local day of the week, 1 = Monday to 7 = Sunday."),
            _LOCAL_HOUR,
            _OPEN_SUM,
            _BOOKED_SUM,
            _BOOKED_UTILIZATION,
        ),
        "rooms_in_use": _table(
            "How many rooms are booked at once, over the minutes of a day with any room open.",
            _REGION,
            _SITE,
            _BUILDING,
            _CAPACITY_BAND,
            _LOCAL_DATE,
            _required(
                "rooms_open", pa.int32(), "Rooms read that are open at any minute of the day."
            ),
            _required("peak_rooms_in_use", pa.int32(), "Most open rooms booked at one minute."),
            _required(
                "p95_rooms_in_use",
                pa.int32(),
                "Rooms booked at once: nearest-rank 95th percentile of the minutes with any open.",
            ),
            _required(
                "min_free_rooms", pa.int32(), "Fewest rooms open and not booked at one minute."
            ),
            _column(
                "sold_out_minutes",
                pa.int32(),
                "Minutes with rooms open and none free; null if the cell has fewer than two rooms.",
                "minutes",
            ),
        ),
        "booking_mix": _table(
            "Bookings by kind, duration and lead time; cells under the minimum group are absent.",
            _REGION,
            _BUILDING,
            _CAPACITY_BAND,
            _ISO_WEEK,
            _required("kind", pa.string(), "single, occurrence, or exception (of a series)."),
            _required(
                "duration_band",
                pa.string(),
                "Minutes: 0-15, 16-30, 31-60, 61-120, 121-240, 241+, or all-day.",
            ),
            _column(
                "lead_time_band",
                pa.string(),
                "Start minus creation: 0-15m, 15m-2h, 2h-1d, 1d-7d, 7d-30d, 30d+; null "
                "where unknown, and for series.",
            ),
            _BOOKINGS_SUM,
            _WHOLE_DURATIONS,
            _required(
                "external_bookings", pa.int64(), "Bookings with anyone from outside invited (R12)."
            ),
            _required(
                "external_known_bookings",
                pa.int64(),
                "Bookings where it is known whether anyone is external (R12): the denominator.",
            ),
        ),
        "size_fit": _table(
            "Bookings by headcount against capacity; cells under the minimum group are absent.",
            _REGION,
            _BUILDING,
            _CAPACITY_BAND,
            _ISO_WEEK,
            _column(
                "headcount_band",
                pa.string(),
                "Invited headcount: 1, 2, 3-4, 5-6, 7-10, 11-20, 21+; null where unknown.",
            ),
            _BOOKINGS_SUM,
            _WHOLE_DURATIONS,
            _column(
                "seat_minutes_used",
                pa.int64(),
                "Sum of min(headcount, capacity) times minutes, where both are known.",
                "seat minutes",
            ),
            _column(
                "seat_minutes_offered",
                pa.int64(),
                "Sum of capacity times minutes, where both are known.",
                "seat minutes",
            ),
        ),
        "build_info": _table(
            "One row: when and from what this database was built.",
            _REGION,
            _required("built_at", INSTANT, "When the build began."),
            _column(
                "data_through", pa.date32(), "Latest local date read and over in every zone (R14)."
            ),
            _required("code_version", pa.string(), "Version of the project that built it."),
            _required("contract_version", pa.string(), "Version of the names and types."),
            _required("bookings", pa.int64(), "Rows of the table bookings."),
            _required("rooms_expected", pa.int32(), "Rooms that the last run asked for."),
            _required("rooms_loaded", pa.int32(), "Rooms that the last run could read."),
            _required("suppressed_cells", pa.int64(), "Cells left out by the minimum group."),
        ),
    }
)

_CELL = ("region", "building", "capacity_band", "iso_week")

GRAINS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rooms": ("region", "room_id"),
        "bookings": (),  # a booking has no id: two of a room may be alike
        "coverage": ("region", "room_id", "local_date"),
        "room_hours": ("region", "room_id", "local_date", "local_hour"),
        "room_days": ("region", "room_id", "local_date"),
        "room_days_ahead": ("region", "room_id", "local_date"),
        "utilization": (
            "region",
            "site",
            "building",
            "floor",
            "room_type",
            "capacity_band",
            "local_date",
        ),
        "hour_of_week": (*_CELL, "weekday", "local_hour"),
        "rooms_in_use": ("region", "site", "building", "capacity_band", "local_date"),
        "booking_mix": (*_CELL, "kind", "duration_band", "lead_time_band"),
        "size_fit": (*_CELL, "headcount_band"),
        "build_info": ("region",),
    }
)
"""The columns that tell a table's rows apart; null counts as a value of its own."""


def describe(field: pa.Field) -> str:
    """Return the one-sentence definition of a column of the contract, its unit last."""
    metadata: dict[bytes, bytes] = field.metadata or {}
    unit = metadata.get(b"unit", b"").decode()
    return metadata[b"description"].decode() + (f" [{unit}]" if unit else "")


def table_description(schema: pa.Schema) -> str:
    """Return the one-sentence definition of a table of the contract."""
    metadata: dict[bytes, bytes] = schema.metadata or {}
    return metadata[b"description"].decode()
