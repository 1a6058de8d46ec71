"""The tables with a row for each room or place and hour or day: how much it was used.

And what the SQL that fills them shares: minutes of instants, and bands, as macros of DuckDB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from transforms.contract import (
    BOOKING_COUNT,
    BOOKINGS_SUM,
    DURATION_BANDS,
    HEADCOUNT_BANDS,
    LEAD_TIME_BANDS,
    LOCAL_DATE,
    LOCAL_HOUR,
    MEASURES,
    OPEN,
    OPEN_SUM,
    REGION,
    TIME,
    WEEKDAY,
    Band,
    Column,
    Table,
    computed,
    minutes,
    of_rooms,
    rooms,
    technical,
)
from transforms.contract.lake import BUILDING, CAPACITY_BAND, LAKE, LOCAL_START_DATE, ROOM_ID, SITE
from transforms.contract.profiles import PROFILE_TABLES

_ROOMS = LAKE["rooms"]
_COVERAGE = LAKE["coverage"]
_ISO_WEEK = computed(
    "iso_week",
    pa.string(),
    "ISO week of the local date, such as 2026-W43.",
    "A week instead of a date.",
)
_FLOOR = _ROOMS["floor"].defined_as("Floor of the rooms.")
_TIMES = (
    minutes(
        "open_minutes",
        "Open time: weekly hours minus holidays and closures (R2).",
        origin=OPEN,
    ),
    minutes("booked_minutes", "Union of the booked time within open time (R3, R8)."),
    minutes(
        "booked_minutes_outside_hours",
        "Union of the booked time outside open time, all-day bookings left out (R6, R7).",
    ),
    minutes("held_minutes", "Held open time that is not also booked (R4, R8)."),
    minutes("overlap_minutes", "Open time with two or more bookings at once (R8)."),
)
_ROOM_DAY = (
    *_TIMES,
    minutes(
        "gross_booked_minutes",
        "Sum of the durations of the bookings that start that day, unclipped and unmerged.",
        wide=True,
        # Next to the minutes of a room, a number of bookings would reveal their durations.
        is_for_everybody=False,
    ),
    replace(
        computed(
            "bookings",
            pa.int32(),
            "Bookings (status booked) that start that day (R15).",
            BOOKING_COUNT,
        ),
        is_for_everybody=False,
    ),
    minutes(
        "fragmented_minutes",
        "Free time in gaps under 30 minutes between two bookings of one open interval.",
    ),
)
_BOOKED_UTILIZATION = computed(
    "booked_utilization",
    pa.float64(),
    "booked_minutes over open_minutes, each summed first; null without open time (R9).",
    TIME,
    unit="ratio",
    nullable=True,
)
_BOOKED_SUM = minutes("booked_minutes", "Booked time within that open time (R8).", wide=True)
_IN_USE = (
    rooms("rooms_open", "Rooms read that are open at any minute of the day."),
    rooms("peak_rooms_in_use", "Most open rooms booked at one minute."),
    rooms(
        "p95_rooms_in_use",
        "Rooms booked at once: nearest-rank 95th percentile of the minutes with any open.",
    ),
    rooms("min_free_rooms", "Fewest rooms open and not booked at one minute."),
    minutes(
        "sold_out_minutes",
        "Minutes with rooms open and none free; null if the cell has fewer than two rooms, "
        "or one that is open was not read (R13).",
        nullable=True,
    ),
)


def _of_one_room(text: str, others: tuple[Column, ...], *more_keys: Column) -> Table:
    return Table(
        text,
        (REGION, ROOM_ID, LOCAL_DATE, *more_keys),
        others,
        "pseudonymous",
        "Sums of one room: a day or hour may hold a single booking.",
    )


TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "rooms": replace(
            _ROOMS,
            text="One room of the directory a row.",
            keys=(REGION, ROOM_ID),
            others=(
                *(_ROOMS["name"], _ROOMS["site"], _ROOMS["building"], _ROOMS["floor"]),
                *(_ROOMS["country"], _ROOMS["time_zone"], _ROOMS["capacity"]),
                *(CAPACITY_BAND, _ROOMS["room_type"]),
            ),
        ),
        "rooms_as_of": replace(
            _ROOMS,
            text="Rooms as the directory had them, a row for each span of days without a change "
            "(R18).",
            keys=(
                *(REGION, ROOM_ID),
                _ROOMS["valid_from"].defined_as(
                    "First day on which the row counts; 0001-01-01 (in a workbook an empty cell) "
                    "if there is no row before."
                ),
            ),
            others=(
                technical(
                    "valid_to",
                    pa.date32(),
                    "First day on which it counts no more; 9999-12-31 if it still does.",
                    "Until when.",
                ),
                *(_ROOMS["site"], _ROOMS["building"]),
                # Everybody may see where a room was, but not that it belonged to one person.
                replace(_ROOMS["floor"], is_for_everybody=False),
                replace(_ROOMS["capacity"], is_for_everybody=False),
                replace(_ROOMS["room_type"], is_for_everybody=False),
                replace(_ROOMS["part_of"], is_for_everybody=False),
                replace(_ROOMS["closed_on"], is_for_everybody=False),
            ),
        ),
        "bookings": replace(
            LAKE["bookings"],
            text="One booking a row, up to data_through, without personal rooms.",
            others=(REGION, *LAKE["bookings"], LOCAL_START_DATE),
            is_for_everybody=False,
        ),
        "coverage": replace(
            _COVERAGE,
            text="What was read: a row for every room on every day that a run asked for (R13).",
            keys=(REGION, ROOM_ID, LOCAL_DATE),
            others=(
                _COVERAGE["is_loaded"],
                # Only operators need to know when a room was not read, and why.
                replace(_COVERAGE["read_at"], is_for_everybody=False),
                replace(_COVERAGE["error_code"], is_for_everybody=False),
            ),
        ),
        "room_hours": replace(
            _of_one_room(
                "Every local hour of a room that is open or booked, up to data_through.",
                _TIMES,
                LOCAL_HOUR,
            ),
            is_for_everybody=False,
        ),
        "room_days": _of_one_room(
            "Every local day of a room that is open or has a booking, up to data_through.",
            _ROOM_DAY,
        ),
        "room_days_ahead": _of_one_room(
            "The days after data_through that were read: forward bookings (R14).", _ROOM_DAY
        ),
        "utilization": of_rooms(
            "Utilization by site, building, floor, room type, capacity band and day (R9).",
            (
                *(REGION, SITE, BUILDING, _FLOOR),
                _ROOMS["room_type"].defined_as("Type of the rooms."),
                *(CAPACITY_BAND, LOCAL_DATE),
            ),
            (
                rooms("rooms", "Rooms of the cell that are open that day."),
                rooms("rooms_loaded", "Rooms open that day that were ever read (R13)."),
                OPEN_SUM.defined_as(
                    "Open time of the rooms read (R2); null if none was.", nullable=True
                ),
                _BOOKED_SUM.defined_as(
                    "Booked time within that open time (R8); null if none was read.",
                    nullable=True,
                ),
                minutes(
                    "held_minutes",
                    "Held open time not also booked (R4); null if none was read.",
                    wide=True,
                    nullable=True,
                ),
                replace(
                    BOOKINGS_SUM.defined_as(
                        "Bookings that start that day (R15); null if no room was read.",
                        nullable=True,
                    ),
                    is_for_everybody=False,  # as of room_days: a cell may be one room
                ),
                _BOOKED_UTILIZATION,
            ),
        ),
        "hour_of_week": of_rooms(
            "The heat map of the week: utilization by building, capacity band, week and hour.",
            (REGION, BUILDING, CAPACITY_BAND, _ISO_WEEK, WEEKDAY, LOCAL_HOUR),
            (OPEN_SUM, _BOOKED_SUM, _BOOKED_UTILIZATION),
        ),
        "rooms_in_use": of_rooms(
            "How many rooms are booked at once, over the minutes of a day with any room open.",
            (REGION, SITE, BUILDING, CAPACITY_BAND, LOCAL_DATE),
            _IN_USE,
        ),
        "rooms_in_use_by_place": of_rooms(
            "Rooms booked at once of a whole floor, building or site, rooms of all sizes together.",
            (
                REGION,
                technical(
                    "level",
                    pa.string(),
                    "What is counted together: floor, building or site.",
                    "Which rooms a cell is of.",
                ),
                *(SITE, BUILDING.defined_as("Building; null for a site.")),
                _FLOOR.defined_as("Floor; null for a building and a site."),
                LOCAL_DATE,
            ),
            _IN_USE,
        ),
        **PROFILE_TABLES,
    }
)

STATISTICS: Final[Mapping[str, Table]] = MappingProxyType(
    {
        name: replace(table, others=tuple(each for each in table.others if each.is_for_everybody))
        for name, table in TABLES.items()
        if table.is_for_everybody
    }
)
"""What everybody may see: no single bookings, and no rooms that belong to one person."""

_YEAR_1: Final = 62_135_596_800_000_000
"""Microseconds from the year 1 to 1970: added so that years before 1970 work too."""
_MINUTE_US: Final = 60_000_000


def _number(bands: Sequence[Band], unit: int = 1) -> str:
    """Return the SQL for the number of the band of n, from 0 on.

    The unit of n is ``unit`` times as fine as that of the bands' limits.
    """
    limits = [band.at_most * unit for band in bands if band.at_most]
    cases = " ".join(f"WHEN n <= {limit} THEN {at}" for at, limit in enumerate(limits))
    return f"CASE WHEN n IS NULL THEN NULL {cases} ELSE {len(limits)} END"


_LABELS: Final = {
    measure: ", ".join("NULL" if band is None else f"'{band}'" for band in bands)
    for measure, bands in MEASURES.items()
}
_KINDS: Final = " ".join(f"WHEN '{kind}' THEN {at}" for at, kind in enumerate(MEASURES["kind"]))
_BITS_BEFORE: Final = "(CAST(1 AS BIGINT) << least(greatest({}, 0), 60))"
MACROS: Final = {
    "start_minute(t)": f"(epoch_us(t) + {_YEAR_1}) // {_MINUTE_US}",
    "end_minute(t)": f"(epoch_us(t) + {_YEAR_1 + _MINUTE_US - 1}) // {_MINUTE_US}",
    "minutes_between(a, b)": f"{_BITS_BEFORE.format('b')} - {_BITS_BEFORE.format('a')}",
    "headcount_number(n)": _number(HEADCOUNT_BANDS),
    "duration_number(n)": _number(DURATION_BANDS),
    "lead_time_number(n)": _number(LEAD_TIME_BANDS, _MINUTE_US),
    "kind_number(kind)": f"CASE kind {_KINDS} END",
    **{f"{measure}_of(n)": f"([{labels}])[n + 1]" for measure, labels in _LABELS.items()},
}
