"""The schemas of the database's tables.

Belongs here: names, types, units and definitions of every table, and what tells its rows apart.
Does not belong here: the lake's files (``lake.py``), how a figure is computed (``warehouse/sql``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from transforms.contract.columns import INSTANT, column, minutes, required, table
from transforms.contract.lake import BOOKINGS, COVERAGE, LOCAL_START_DATE, ROOM_ID, ROOMS

_BAND = "Capacity band of the room: 1, 2-4, 5-8, 9-14, 15-30, 31+; null where unknown."
_REGION = required("region", pa.string(), "Where the data are processed and stored, such as EU.")
_LOCAL_DATE = required("local_date", pa.date32(), "Date in the room's own time zone (R1).")
_LOCAL_HOUR = required(
    "local_hour",
    pa.int32(),
    "Local hour, 0 to 23; a repeated hour of a clock change is one row.",
)
_SITE = column("site", pa.string(), "Site (campus, city) of the rooms.")
_BUILDING = column("building", pa.string(), "Building of the rooms.")
_FLOOR = column("floor", pa.string(), "Floor of the rooms.")
_CAPACITY_BAND = column("capacity_band", pa.string(), _BAND)
_ISO_WEEK = required("iso_week", pa.string(), "ISO week of the local date, such as 2026-W43.")


def _time_columns(wide: bool) -> tuple[pa.Field, ...]:
    return (
        minutes("open_minutes", "Open time: weekly hours minus holidays and closures (R2).", wide),
        minutes("booked_minutes", "Union of the booked time within open time (R3, R8).", wide),
        minutes(
            "booked_minutes_outside_hours",
            "Union of the booked time outside open time, all-day bookings left out (R6, R7).",
            wide,
        ),
        minutes("held_minutes", "Held open time that is not also booked (R4, R8).", wide),
        minutes("overlap_minutes", "Open time with two or more bookings at once (R8).", wide),
    )


_ROOM_DAY_COLUMNS = (
    _REGION,
    ROOM_ID,
    _LOCAL_DATE,
    *_time_columns(wide=False),
    minutes(
        "gross_booked_minutes",
        "Sum of the durations of the bookings that start that day, unclipped and unmerged.",
        wide=True,
    ),
    required("bookings", pa.int32(), "Bookings (status booked) that start that day (R15)."),
    minutes(
        "fragmented_minutes",
        "Free time in gaps under 30 minutes between two bookings of one open interval.",
        wide=False,
    ),
)

_BOOKED_UTILIZATION = column(
    "booked_utilization",
    pa.float64(),
    "booked_minutes over open_minutes, each summed first; null without open time (R9).",
    "ratio",
)
_OPEN_SUM = minutes("open_minutes", "Open time of the rooms that were read (R2, R13).", wide=True)
_BOOKED_SUM = minutes("booked_minutes", "Booked time within that open time (R8).", wide=True)
_BOOKINGS_SUM = required(
    "bookings", pa.int64(), "Bookings (status booked) by local start date (R15)."
)
_WHOLE_DURATIONS = minutes(
    "booked_minutes", "Sum of the whole durations of these bookings (R15).", wide=True
)

TABLES: Final[Mapping[str, pa.Schema]] = MappingProxyType(
    {
        "rooms": table(
            "One room of the directory a row.",
            _REGION,
            ROOM_ID,
            *(
                ROOMS.field(name)
                for name in ("name", "site", "building", "floor", "country", "time_zone")
            ),
            ROOMS.field("capacity"),
            _CAPACITY_BAND,
            ROOMS.field("room_type"),
        ),
        "bookings": table(
            "One booking a row, up to data_through, without personal rooms.",
            _REGION,
            *BOOKINGS,
            LOCAL_START_DATE,
        ),
        "coverage": table(
            "What was read: a row for every room on every day that a run asked for (R13).",
            _REGION,
            ROOM_ID,
            _LOCAL_DATE,
            *(COVERAGE.field(name) for name in ("is_loaded", "read_at", "error_code")),
        ),
        "room_hours": table(
            "Every local hour of a room that is open or booked, up to data_through.",
            _REGION,
            ROOM_ID,
            _LOCAL_DATE,
            _LOCAL_HOUR,
            *_time_columns(wide=False),
        ),
        "room_days": table(
            "Every local day of a room that is open or has a booking, up to data_through.",
            *_ROOM_DAY_COLUMNS,
        ),
        "room_days_ahead": table(
            "The days after data_through that were read: forward bookings (R14).",
            *_ROOM_DAY_COLUMNS,
        ),
        "utilization": table(
            "Utilization by site, building, floor, room type, capacity band and day (R9).",
            _REGION,
            _SITE,
            _BUILDING,
            _FLOOR,
            required("room_type", pa.string(), "Type of the rooms."),
            _CAPACITY_BAND,
            _LOCAL_DATE,
            required("rooms", pa.int32(), "Rooms of the cell that are open that day."),
            required("rooms_loaded", pa.int32(), "Rooms open that day that were ever read (R13)."),
            minutes(
                "open_minutes", "Open time of the rooms read (R2); null if none was.", True, True
            ),
            minutes(
                "booked_minutes",
                "Booked time within that open time (R8); null if none was read.",
                True,
                True,
            ),
            minutes(
                "held_minutes",
                "Held open time not also booked (R4); null if none was read.",
                True,
                True,
            ),
            column(
                "bookings",
                pa.int64(),
                "Bookings that start that day (R15); null if no room was read.",
            ),
            _BOOKED_UTILIZATION,
        ),
        "hour_of_week": table(
            "The heat map of the week: utilization by building, capacity band, week and hour.",
            _REGION,
            _BUILDING,
            _CAPACITY_BAND,
            _ISO_WEEK,
            required("weekday", pa.int32(), "Local day of the week, 1 = Monday to 7 = Sunday."),
            _LOCAL_HOUR,
            _OPEN_SUM,
            _BOOKED_SUM,
            _BOOKED_UTILIZATION,
        ),
        "rooms_in_use": table(
            "How many rooms are booked at once, over the minutes of a day with any room open.",
            _REGION,
            _SITE,
            _BUILDING,
            _CAPACITY_BAND,
            _LOCAL_DATE,
            required(
                "rooms_open", pa.int32(), "Rooms read that are open at any minute of the day."
            ),
            required("peak_rooms_in_use", pa.int32(), "Most open rooms booked at one minute."),
            required(
                "p95_rooms_in_use",
                pa.int32(),
                "Rooms booked at once: nearest-rank 95th percentile of the minutes with any open.",
            ),
            required(
                "min_free_rooms", pa.int32(), "Fewest rooms open and not booked at one minute."
            ),
            column(
                "sold_out_minutes",
                pa.int32(),
                "Minutes with rooms open and none free; null if the cell has fewer than two rooms.",
                "minutes",
            ),
        ),
        "booking_mix": table(
            "Bookings by kind, duration and lead time; cells under the minimum group are absent.",
            _REGION,
            _BUILDING,
            _CAPACITY_BAND,
            _ISO_WEEK,
            required("kind", pa.string(), "single, occurrence, or exception (of a series)."),
            required(
                "duration_band",
                pa.string(),
                "Minutes: 0-15, 16-30, 31-60, 61-120, 121-240, 241+, or all-day.",
            ),
            column(
                "lead_time_band",
                pa.string(),
                "Start minus creation: 0-15m, 15m-2h, 2h-1d, 1d-7d, 7d-30d, 30d+; null "
                "where unknown, and for series.",
            ),
            _BOOKINGS_SUM,
            _WHOLE_DURATIONS,
            required(
                "external_bookings", pa.int64(), "Bookings with anyone from outside invited (R12)."
            ),
            required(
                "external_known_bookings",
                pa.int64(),
                "Bookings where it is known whether anyone is external (R12): the denominator.",
            ),
        ),
        "size_fit": table(
            "Bookings by headcount against capacity; cells under the minimum group are absent.",
            _REGION,
            _BUILDING,
            _CAPACITY_BAND,
            _ISO_WEEK,
            column(
                "headcount_band",
                pa.string(),
                "Invited headcount: 1, 2, 3-4, 5-6, 7-10, 11-20, 21+; null where unknown.",
            ),
            _BOOKINGS_SUM,
            _WHOLE_DURATIONS,
            column(
                "seat_minutes_used",
                pa.int64(),
                "Sum of min(headcount, capacity) times minutes, where both are known.",
                "seat minutes",
            ),
            column(
                "seat_minutes_offered",
                pa.int64(),
                "Sum of capacity times minutes, where both are known.",
                "seat minutes",
            ),
        ),
        "build_info": table(
            "One row: when and from what this database was built.",
            _REGION,
            required("built_at", INSTANT, "When the build began."),
            column(
                "data_through", pa.date32(), "Latest local date read and over in every zone (R14)."
            ),
            required("code_version", pa.string(), "Version of the project that built it."),
            required("contract_version", pa.string(), "Version of the names and types."),
            required("bookings", pa.int64(), "Rows of the table bookings."),
            required("rooms_expected", pa.int32(), "Rooms that the last run asked for."),
            required("rooms_loaded", pa.int32(), "Rooms that the last run could read."),
            required("suppressed_cells", pa.int64(), "Cells left out by the minimum group."),
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
