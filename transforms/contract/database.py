"""The tables of the database: every column, and what tells a table's rows apart."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from transforms.contract.bands import CAPACITY_BANDS, FEW, LEAD_TIME_BANDS, MEASURES, Band
from transforms.contract.columns import INSTANT, Column, Nature, Origin, Table
from transforms.contract.lake import LAKE, LOCAL_START_DATE, ROOM_ID

_ROOMS = LAKE["rooms"]
_COVERAGE = LAKE["coverage"]
_BAND: Final = Origin("A band instead of a value, so that single values cannot be read off.")
_TIME: Final = Origin("Minutes of rooms, from starts and ends of bookings.")
_ROOM_COUNT: Final = Origin("A count of rooms.")
_BOOKING_COUNT: Final = Origin("A count of bookings.")


def _computed(  # noqa: PLR0913 - a column has so many parts
    name: str,
    kind: pa.DataType,
    text: str,
    origin: str | Origin,
    *,
    unit: str = "",
    nullable: bool = False,
) -> Column:
    made = origin if isinstance(origin, Origin) else Origin(origin)
    return Column(name, kind, text, made, "computed", unit, nullable)


def _technical(
    name: str, kind: pa.DataType, text: str, origin: str, *, nullable: bool = False
) -> Column:
    return Column(name, kind, text, Origin(origin), "technical", nullable=nullable)


def _minutes(  # noqa: PLR0913 - a column has so many parts
    name: str,
    text: str,
    *,
    wide: bool = False,
    nullable: bool = False,
    origin: Origin = _TIME,
    is_for_everybody: bool = True,
) -> Column:
    kind = pa.int64() if wide else pa.int32()
    made = _computed(name, kind, text, origin, unit="minutes", nullable=nullable)
    return replace(made, is_for_everybody=is_for_everybody)


def _rooms(name: str, text: str) -> Column:
    return _computed(name, pa.int32(), text, _ROOM_COUNT)


def _labels(bands: Iterable[Band]) -> str:
    return ", ".join(band.label for band in bands)


_REGION = _technical(
    "region",
    pa.string(),
    "Where the data are processed and stored, such as EU.",
    "Where the data are processed and stored.",
)
_LOCAL_DATE = _computed(
    "local_date",
    pa.date32(),
    "Date in the room's own time zone (R1).",
    "A date on the room's clock.",
)
_LOCAL_HOUR = _computed(
    "local_hour",
    pa.int32(),
    "Local hour, 0 to 23; a repeated hour of a clock change is one row.",
    "An hour on the room's clock.",
)
_ISO_WEEK = _computed(
    "iso_week",
    pa.string(),
    "ISO week of the local date, such as 2026-W43.",
    "A week instead of a date.",
)
_WEEKDAY = _computed(
    "weekday",
    pa.int32(),
    "Local day of the week, 1 = Monday to 7 = Sunday.",
    "A day of the week instead of a date.",
)
_SITE = _ROOMS["site"].defined_as("Site (campus, city) of the rooms.")
_BUILDING = _ROOMS["building"].defined_as("Building of the rooms.")
_FLOOR = _ROOMS["floor"].defined_as("Floor of the rooms.")
_CAPACITY_BAND = Column(
    "capacity_band",
    pa.string(),
    f"Capacity band of the room: {_labels(CAPACITY_BANDS)}; null where unknown.",
    _ROOMS["capacity"].origin,
    "about the room",
    nullable=True,
)
_OPEN: Final = Origin("From opening hours, holidays and closures.")
_TIMES = (
    _minutes(
        "open_minutes",
        "Open time: weekly hours minus holidays and closures (R2).",
        origin=_OPEN,
    ),
    _minutes("booked_minutes", "Union of the booked time within open time (R3, R8)."),
    _minutes(
        "booked_minutes_outside_hours",
        "Union of the booked time outside open time, all-day bookings left out (R6, R7).",
    ),
    _minutes("held_minutes", "Held open time that is not also booked (R4, R8)."),
    _minutes("overlap_minutes", "Open time with two or more bookings at once (R8)."),
)
_ROOM_DAY = (
    *(_REGION, ROOM_ID, _LOCAL_DATE, *_TIMES),
    _minutes(
        "gross_booked_minutes",
        "Sum of the durations of the bookings that start that day, unclipped and unmerged.",
        wide=True,
        # Beside the minutes of a room, a number of bookings would give their durations away.
        is_for_everybody=False,
    ),
    replace(
        _computed(
            "bookings",
            pa.int32(),
            "Bookings (status booked) that start that day (R15).",
            _BOOKING_COUNT,
        ),
        is_for_everybody=False,
    ),
    _minutes(
        "fragmented_minutes",
        "Free time in gaps under 30 minutes between two bookings of one open interval.",
    ),
)
_BOOKED_UTILIZATION = _computed(
    "booked_utilization",
    pa.float64(),
    "booked_minutes over open_minutes, each summed first; null without open time (R9).",
    _TIME,
    unit="ratio",
    nullable=True,
)
_OPEN_SUM = _minutes(
    "open_minutes", "Open time of the rooms that were read (R2, R13).", wide=True, origin=_OPEN
)
_BOOKED_SUM = _minutes("booked_minutes", "Booked time within that open time (R8).", wide=True)
_BOOKINGS_SUM = _computed(
    "bookings",
    pa.int64(),
    "Bookings (status booked) by local start date (R15).",
    _BOOKING_COUNT,
)
_WHOLE_DURATIONS = _minutes(
    "booked_minutes",
    "Sum of the whole durations of these bookings (R15); null for durations, for sizes of a "
    "building and in cells of fewer than 200 bookings: it would tell how long a few are.",
    wide=True,
    nullable=True,
)
_IN_USE = (
    _rooms("rooms_open", "Rooms read that are open at any minute of the day."),
    _rooms("peak_rooms_in_use", "Most open rooms booked at one minute."),
    _rooms(
        "p95_rooms_in_use",
        "Rooms booked at once: nearest-rank 95th percentile of the minutes with any open.",
    ),
    _rooms("min_free_rooms", "Fewest rooms open and not booked at one minute."),
    _minutes(
        "sold_out_minutes",
        "Minutes with rooms open and none free; null if the cell has fewer than two rooms.",
        nullable=True,
    ),
)
_CELL: Final = ("region", "building", "capacity_band", "iso_week")


def _of_one_room(text: str, columns: tuple[Column, ...], *more: str) -> Table:
    return Table(
        text,
        columns,
        ("region", "room_id", "local_date", *more),
        "pseudonymous",
        "Sums of one room: a day or hour may hold a single booking.",
    )


def _of_rooms(text: str, columns: tuple[Column, ...], grain: tuple[str, ...]) -> Table:
    why = "Use of rooms, not behaviour of people; a cell may be one room, so it is not called "
    return Table(text, columns, grain, "computed", f"{why}anonymous.")


def _forecast(name: str, percentile: str) -> Column:
    return _minutes(
        name,
        f"Booked time to expect: that so far, and the {percentile} percentile of what equal "
        "weekdays still gained or lost; null where the past is too short.",
        wide=True,
        nullable=True,
    )


def _error(name: str, forecast: str) -> Column:
    return _computed(
        name,
        pa.float64(),
        f"How far {forecast} was off the booked time, on average; null of few days.",
        _TIME,
        unit="minutes",
        nullable=True,
    )


def _suppressed(text: str, columns: tuple[Column, ...], grain: tuple[str, ...]) -> Table:
    nature: Nature = "anonymous"
    why = (
        "Cells under the minimum group are left out, and cells that would reveal them: anonymous "
        "where it is given without the table bookings."
    )
    return Table(text, columns, grain, nature, why)


_PLACE: Final = (
    _technical(
        "level",
        pa.string(),
        "What a cell is of: region, site, building, or building_size (building and size).",
        "Which rooms a cell is of.",
    ),
    *(_SITE, _BUILDING),
)
_MONTH: Final = _computed(
    "month",
    pa.string(),
    "Closed month, such as 2026-10; null: all closed months that are kept.",
    "A month instead of a date.",
    nullable=True,
)
_PROFILE_CELL: Final = (
    *(*_PLACE, _CAPACITY_BAND, _MONTH),
    _technical(
        "measure",
        pa.string(),
        f"What the bands are of: {', '.join(MEASURES)}.",
        "Which of five measures a band is of.",
    ),
    _computed(
        "band",
        pa.string(),
        f"Band of the measure, or {FEW}: bands of fewer bookings than the minimum group, and what "
        "hides them; null where unknown, and for the lead time of series.",
        _BAND,
        nullable=True,
    ),
)

_WHAT_IF_MINUTES: Final = _minutes(
    "booked_minutes",
    "Booked time on those days, open or not, all-day bookings while open; twice booked is once.",
    wide=True,
)

TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "rooms": Table(
            "One room of the directory a row.",
            (
                *(_REGION, ROOM_ID, _ROOMS["name"], _ROOMS["site"], _ROOMS["building"]),
                *(_ROOMS["floor"], _ROOMS["country"], _ROOMS["time_zone"], _ROOMS["capacity"]),
                *(_CAPACITY_BAND, _ROOMS["room_type"]),
            ),
            ("region", "room_id"),
            _ROOMS.nature,
            _ROOMS.reason,
        ),
        "rooms_as_of": Table(
            "Rooms as the directory had them, a row for each span of days without a change (R18).",
            (
                *(_REGION, ROOM_ID),
                _ROOMS["valid_from"].defined_as("First day on which the row counts."),
                _technical(
                    "valid_to",
                    pa.date32(),
                    "First day on which it counts no more; 9999-12-31 if it still does.",
                    "Until when.",
                ),
                *(_ROOMS["site"], _ROOMS["building"], _ROOMS["floor"], _ROOMS["capacity"]),
                *(_ROOMS["room_type"], _ROOMS["part_of"]),
            ),
            ("region", "room_id", "valid_from"),
            _ROOMS.nature,
            _ROOMS.reason,
            is_for_everybody=False,
        ),
        "bookings": Table(
            "One booking a row, up to data_through, without personal rooms.",
            (_REGION, *LAKE["bookings"], LOCAL_START_DATE),
            (),  # a booking has no id: two of a room may be alike
            LAKE["bookings"].nature,
            LAKE["bookings"].reason,
            is_for_everybody=False,
        ),
        "coverage": Table(
            "What was read: a row for every room on every day that a run asked for (R13).",
            (
                *(_REGION, ROOM_ID, _LOCAL_DATE),
                _COVERAGE["is_loaded"],
                # When and why not is for the operators.
                replace(_COVERAGE["read_at"], is_for_everybody=False),
                replace(_COVERAGE["error_code"], is_for_everybody=False),
            ),
            ("region", "room_id", "local_date"),
            _COVERAGE.nature,
            _COVERAGE.reason,
        ),
        "room_hours": replace(
            _of_one_room(
                "Every local hour of a room that is open or booked, up to data_through.",
                (_REGION, ROOM_ID, _LOCAL_DATE, _LOCAL_HOUR, *_TIMES),
                "local_hour",
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
        "utilization": _of_rooms(
            "Utilization by site, building, floor, room type, capacity band and day (R9).",
            (
                *(_REGION, _SITE, _BUILDING, _FLOOR),
                _ROOMS["room_type"].defined_as("Type of the rooms."),
                *(_CAPACITY_BAND, _LOCAL_DATE),
                _rooms("rooms", "Rooms of the cell that are open that day."),
                _rooms("rooms_loaded", "Rooms open that day that were ever read (R13)."),
                _OPEN_SUM.defined_as(
                    "Open time of the rooms read (R2); null if none was.", nullable=True
                ),
                _BOOKED_SUM.defined_as(
                    "Booked time within that open time (R8); null if none was read.",
                    nullable=True,
                ),
                _minutes(
                    "held_minutes",
                    "Held open time not also booked (R4); null if none was read.",
                    wide=True,
                    nullable=True,
                ),
                replace(
                    _BOOKINGS_SUM.defined_as(
                        "Bookings that start that day (R15); null if no room was read.",
                        nullable=True,
                    ),
                    is_for_everybody=False,  # as of room_days: a cell may be one room
                ),
                _BOOKED_UTILIZATION,
            ),
            (
                *("region", "site", "building", "floor"),
                *("room_type", "capacity_band", "local_date"),
            ),
        ),
        "hour_of_week": _of_rooms(
            "The heat map of the week: utilization by building, capacity band, week and hour.",
            (
                *(_REGION, _BUILDING, _CAPACITY_BAND, _ISO_WEEK, _WEEKDAY, _LOCAL_HOUR),
                *(_OPEN_SUM, _BOOKED_SUM, _BOOKED_UTILIZATION),
            ),
            (*_CELL, "weekday", "local_hour"),
        ),
        "rooms_in_use": _of_rooms(
            "How many rooms are booked at once, over the minutes of a day with any room open.",
            (*(_REGION, _SITE, _BUILDING, _CAPACITY_BAND, _LOCAL_DATE), *_IN_USE),
            ("region", "site", "building", "capacity_band", "local_date"),
        ),
        "rooms_in_use_by_place": _of_rooms(
            "The same for a whole floor, a whole building, a whole site, of rooms of all sizes.",
            (
                _REGION,
                _technical(
                    "level",
                    pa.string(),
                    "What is counted together: floor, building or site.",
                    "Which rooms a cell is of.",
                ),
                *(_SITE, _BUILDING.defined_as("Building; null for a site.")),
                _FLOOR.defined_as("Floor; null for a building and a site."),
                *(_LOCAL_DATE, *_IN_USE),
            ),
            ("region", "level", "site", "building", "floor", "local_date"),
        ),
        "booking_profile": _suppressed(
            "How bookings spread over the bands of one measure; small bands are merged (R17).",
            (
                *(_REGION, *_PROFILE_CELL, _BOOKINGS_SUM, _WHOLE_DURATIONS),
                _computed(
                    "cell_bookings",
                    pa.int64(),
                    "All bookings of the cell, whatever their band.",
                    _BOOKING_COUNT,
                ),
            ),
            ("region", *(column.name for column in _PROFILE_CELL)),
        ),
        "booking_profile_shown": replace(
            _suppressed(
                "What the profiles showed in the last thirty nights, so that no difference "
                "between two versions gives a small count (R17).",
                (
                    *(_REGION, *_PROFILE_CELL, _BOOKINGS_SUM),
                    _technical(
                        "last_shown_on",
                        pa.date32(),
                        "Date (UTC) of the last build that showed the number.",
                        "When a number was last shown.",
                    ),
                ),
                ("region", *(column.name for column in _PROFILE_CELL), "bookings"),
            ),
            is_for_everybody=False,
        ),
        "change_profile": _suppressed(
            "Changes of bookings of closed months, by notice; small bands are merged (R19, R20).",
            (
                *(_REGION, *_PLACE, _MONTH),
                LAKE["changes"]["change"],
                _computed(
                    "notice_band",
                    pa.string(),
                    "Start minus the reading that saw it, a lower bound: "
                    f"{_labels(LEAD_TIME_BANDS)}, or {FEW}.",
                    _BAND,
                ),
                _computed("changes", pa.int64(), "Changes of that kind.", _BOOKING_COUNT),
                _minutes(
                    "minutes_given_back",
                    "Open minutes that they set free before they began (R20).",
                    wide=True,
                ),
                _minutes(
                    "minutes_booked_again",
                    "Those of them that were booked when they came (R20).",
                    wide=True,
                ),
                _computed(
                    "bookings_kept",
                    pa.int64(),
                    "All bookings of the place and month in the end; cancelled / (cancelled + "
                    "bookings_kept) is the cancellation rate. Null where they are under the "
                    "minimum group, or where the month began before the first reading that changes "
                    "are known from: the rate would be too small.",
                    _BOOKING_COUNT,
                    nullable=True,
                ),
            ),
            ("region", "level", "site", "building", "month", "change", "notice_band"),
        ),
        "what_if_rooms": Table(
            "The rooms that the page's what-if knows: of buildings with two or more, each with its "
            "seats and none combined, on the days on which they had these rooms (R22).",
            (
                *(_REGION, ROOM_ID),
                _computed(
                    "days",
                    pa.int32(),
                    "Days on which all rooms of the building were read and open or booked.",
                    "A count of days.",
                ),
                _WHAT_IF_MINUTES,
            ),
            ("region", "room_id"),
            "pseudonymous",
            "A sum of one room, over all of those days.",
        ),
        "what_if_at_once": _of_rooms(
            "How long how many rooms of a building were booked at once, at any hour of those days.",
            (
                *(_REGION, _SITE, _BUILDING),
                _rooms("rooms", "So many rooms, and no more, were booked at once."),
                _minutes("booked_minutes", "Minutes during which they were.", wide=True),
            ),
            ("region", "site", "building", "rooms"),
        ),
        "what_if_plan": _of_rooms(
            "A plan that needs few rooms: the booked time of a building's rooms, each stretch "
            "without a gap in one room, the largest first, each in the first that is free (R22).",
            (
                *(_REGION, _SITE, _BUILDING),
                _rooms("room_no", "Room of the plan, from 1."),
                _computed(
                    "seats", pa.int32(), "Seats of the rooms that the time is of.", "About a room."
                ),
                _WHAT_IF_MINUTES,
            ),
            ("region", "site", "building", "room_no", "seats"),
        ),
        "changes": Table(
            "What people changed, as two good readings of a room differ; no personal rooms (R19).",
            (_REGION, *LAKE["changes"]),
            (),  # two bookings of a room may be alike, and so may their changes
            LAKE["changes"].nature,
            LAKE["changes"].reason,
            is_for_everybody=False,
        ),
        "busy_ahead": _of_rooms(
            "The four weeks after data_through: what is booked, and what to expect (R23).",
            (
                _REGION,
                _BUILDING,
                _LOCAL_DATE,
                _OPEN_SUM,
                _minutes("booked_minutes", "Booked time so far within that open time.", wide=True),
                _forecast("low", "20th"),
                _forecast("median", "50th"),
                _forecast("high", "80th"),
            ),
            ("region", "building", "local_date"),
        ),
        "busy_ahead_check": _of_rooms(
            "How such ranges did on past days, from what was known before them (R23).",
            (
                _REGION,
                _BUILDING,
                _technical(
                    "days_ahead",
                    pa.int32(),
                    "Days from data_through to the day: 1 is the day of the build.",
                    "How far ahead a forecast is.",
                ),
                _computed("days", pa.int32(), "Past days that were tested.", "A count of days."),
                _computed(
                    "share_within",
                    pa.float64(),
                    "Share of them that came between low and high; 0.6 is expected; null of few.",
                    _TIME,
                    unit="ratio",
                    nullable=True,
                ),
                _error("median_error", "the median"),
                _error("naive_error", "the mean of the last four equal weekdays"),
            ),
            ("region", "building", "days_ahead"),
        ),
        "series_to_ask": Table(
            "Series that may only hold a room: a question to ask, never a finding (R21).",
            (
                *(_REGION, ROOM_ID),
                _technical(
                    "series_no",
                    pa.int32(),
                    "Number of the series in its room.",
                    "Tells rows apart.",
                ),
                _computed(
                    "created_month",
                    pa.string(),
                    "Month (UTC) in which the series was created, such as 2026-03.",
                    "A month instead of an instant.",
                ),
                _WEEKDAY.defined_as("Its usual local day of the week, 1 = Monday to 7 = Sunday."),
                _LOCAL_HOUR.defined_as("Its usual local hour, 0 to 23."),
                _computed(
                    "occurrences_ahead",
                    pa.int32(),
                    "Booked occurrences in the four weeks after data_through.",
                    _BOOKING_COUNT,
                ),
                _minutes("minutes_ahead", "Sum of their whole durations.", wide=True),
                _computed(
                    "is_headcount_known",
                    pa.bool_(),
                    "Whether it is known of each that nobody is invited beside the organizer.",
                    "Whether headcounts are known.",
                ),
            ),
            ("region", "room_id", "series_no"),
            "pseudonymous",
            "One series of one room: its organizer could be found in Exchange.",
            is_for_everybody=False,
        ),
        "build_info": Table(
            "One row: when and from what this database was built.",
            (
                _REGION,
                _technical(
                    "built_at", INSTANT, "When the build began.", "When the database was built."
                ),
                _technical(
                    "data_through",
                    pa.date32(),
                    "Latest local date read and over in every zone (R14).",
                    "How far the figures go.",
                    nullable=True,
                ),
                _technical(
                    "code_version",
                    pa.string(),
                    "Version of the project that built it.",
                    "Which program built it.",
                ),
                _technical(
                    "contract_version",
                    pa.string(),
                    "Version of the names and types.",
                    "Which names and types it has.",
                ),
                _computed("bookings", pa.int64(), "Rows of the table bookings.", _BOOKING_COUNT),
                _technical(
                    "rooms_expected",
                    pa.int32(),
                    "Rooms that the last run asked for.",
                    "A count of rooms.",
                ),
                _rooms("rooms_loaded", "Rooms that the last run could read."),
                _technical(
                    "suppressed_cells",
                    pa.int64(),
                    "Cells left out by the minimum group.",
                    "A count of cells that were left out.",
                ),
                _technical(
                    "restated_from",
                    pa.date32(),
                    "First day for which an operator let a later room directory count (R18); null "
                    "if never.",
                    "Since when the past was restated.",
                    nullable=True,
                ),
            ),
            ("region",),
            "technical",
            "One row about the build.",
        ),
    }
)

STATISTICS: Final[Mapping[str, Table]] = MappingProxyType(
    {
        name: replace(table, columns=tuple(column for column in table if column.is_for_everybody))
        for name, table in TABLES.items()
        if table.is_for_everybody
    }
)
"""What may be shown to everybody: no single bookings, and no rooms of one person."""
