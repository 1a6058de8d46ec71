"""The tables that sum up many bookings (profiles, changes, what-if, forecasts), and ``build_info``.

``build_info`` has one row, about the build itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from transforms.contract import (
    BOOKING_COUNT,
    BOOKINGS_SUM,
    FEW,
    INSTANT,
    LEAD_TIME_BANDS,
    LOCAL_DATE,
    LOCAL_HOUR,
    MEASURES,
    OPEN_SUM,
    REGION,
    TIME,
    WEEKDAY,
    Column,
    Origin,
    Table,
    computed,
    labels,
    minutes,
    of_rooms,
    rooms,
    technical,
)
from transforms.contract.lake import BUILDING, CAPACITY_BAND, LAKE, ROOM_ID, SITE

_BAND: Final = Origin("A band instead of a value, so that single values cannot be read off.")
_WHOLE_DURATIONS = minutes(
    "booked_minutes",
    "Sum of the whole durations of these bookings (R15); null for durations, for sizes of a "
    "building and in cells of fewer than 200 bookings: it would tell how long a few are.",
    wide=True,
    nullable=True,
)


def _forecast(name: str, percentile: str) -> Column:
    return minutes(
        name,
        f"Booked time to expect: that so far, and the {percentile} percentile of what days like "
        "it still gained or lost; null where the past is too short.",
        wide=True,
        nullable=True,
    )


def _error(name: str, forecast: str) -> Column:
    return computed(
        name,
        pa.float64(),
        f"How far {forecast} was off the booked time, on average; null of few days.",
        TIME,
        unit="minutes",
        nullable=True,
    )


def _suppressed(text: str, keys: tuple[Column, ...], others: tuple[Column, ...]) -> Table:
    why = (
        "Cells under the minimum group are left out, and cells that would reveal them: anonymous "
        "where it is given without the table bookings."
    )
    return Table(text, keys, others, "anonymous", why)


_PLACE: Final = (
    technical(
        "level",
        pa.string(),
        "What a cell is of: region, site, building, or building_size (building and size).",
        "Which rooms a cell is of.",
    ),
    *(SITE, BUILDING),
)
_MONTH: Final = computed(
    "month",
    pa.string(),
    "Closed month, such as 2026-10; null: all closed months that are kept.",
    "A month instead of a date.",
    nullable=True,
)
_PROFILE_CELL: Final = (
    *(*_PLACE, CAPACITY_BAND, _MONTH),
    technical(
        "measure",
        pa.string(),
        f"What the bands are of: {', '.join(MEASURES)}.",
        "Which of five measures a band is of.",
    ),
    computed(
        "band",
        pa.string(),
        f"Band of the measure, or {FEW}: bands of fewer bookings than the minimum group, and what "
        "hides them (of a region or site also a few of other bands); null where unknown, and for "
        "the lead time of series.",
        _BAND,
        nullable=True,
    ),
)

_WHAT_IF_MINUTES: Final = minutes(
    "booked_minutes",
    "Booked time on those days, open or not, all-day bookings while open; twice booked is once.",
    wide=True,
)

PROFILE_TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "booking_profile": _suppressed(
            "How bookings spread over the bands of one measure; small bands are merged (R17).",
            (REGION, *_PROFILE_CELL),
            (
                *(BOOKINGS_SUM, _WHOLE_DURATIONS),
                computed(
                    "cell_bookings",
                    pa.int64(),
                    "All bookings of the cell, whatever their band.",
                    BOOKING_COUNT,
                ),
            ),
        ),
        "booking_profile_shown": replace(
            _suppressed(
                "What the profiles showed in the last thirty nights, so that no difference "
                "between two versions gives a small count (R17).",
                (REGION, *_PROFILE_CELL, BOOKINGS_SUM),
                (
                    technical(
                        "last_shown_on",
                        pa.date32(),
                        "Date (UTC) of the last build that showed the number; the day before, if "
                        "another build followed on that date.",
                        "When a number was last shown.",
                    ),
                ),
            ),
            is_for_everybody=False,
        ),
        "change_profile": _suppressed(
            "Changes of bookings of closed months, by notice; small bands are merged (R19, R20).",
            (
                *(REGION, *_PLACE, _MONTH),
                LAKE["changes"]["change"],
                computed(
                    "notice_band",
                    pa.string(),
                    "Start minus the reading that saw it, a lower bound: "
                    f"{labels(LEAD_TIME_BANDS)}, or {FEW}.",
                    _BAND,
                ),
            ),
            (
                computed("changes", pa.int64(), "Changes of that kind.", BOOKING_COUNT),
                minutes(
                    "minutes_given_back",
                    "Open minutes that they set free before they began (R20).",
                    wide=True,
                ),
                minutes(
                    "minutes_booked_again",
                    "Those of them that were booked when they came (R20).",
                    wide=True,
                ),
                computed(
                    "bookings_kept",
                    pa.int64(),
                    "All bookings of the place and month in the end; cancelled / (cancelled + "
                    "bookings_kept) is the cancellation rate. Null where they are under the "
                    "minimum group, or where the month began before the first reading that changes "
                    "are known from: the rate would be too small.",
                    BOOKING_COUNT,
                    nullable=True,
                ),
            ),
        ),
        "what_if_rooms": Table(
            "The rooms that the page's what-if knows: of buildings with two or more, each with its "
            "seats and none combined, on the days on which they had these rooms (R22).",
            (REGION, ROOM_ID),
            (
                computed(
                    "days",
                    pa.int32(),
                    "Days on which all rooms of the building were read and open or booked.",
                    "A count of days.",
                ),
                _WHAT_IF_MINUTES,
            ),
            "pseudonymous",
            "A sum of one room, over all of those days.",
        ),
        "what_if_at_once": of_rooms(
            "How long how many rooms of a building were booked at once, at any hour of those days.",
            (
                *(REGION, SITE, BUILDING),
                rooms("rooms", "So many rooms, and no more, were booked at once."),
            ),
            (minutes("booked_minutes", "Minutes during which they were.", wide=True),),
        ),
        "what_if_plan": of_rooms(
            "A plan that needs few rooms: the booked time of a building's rooms, each stretch "
            "without a gap in one room, the largest first, each in the first that is free (R22).",
            (
                *(REGION, SITE, BUILDING),
                rooms("room_no", "Room of the plan, from 1."),
                computed(
                    "seats", pa.int32(), "Seats of the rooms that the time is of.", "About a room."
                ),
            ),
            (_WHAT_IF_MINUTES,),
        ),
        "changes": replace(
            LAKE["changes"],
            text="What people changed, as two good readings of a room differ; no personal rooms "
            "(R19).",
            others=(REGION, *LAKE["changes"]),
            is_for_everybody=False,
        ),
        "busy_ahead": of_rooms(
            "The four weeks after data_through: what is booked, and what to expect (R23).",
            (REGION, BUILDING, LOCAL_DATE),
            (
                OPEN_SUM,
                minutes("booked_minutes", "Booked time so far within that open time.", wide=True),
                _forecast("low", "20th"),
                _forecast("median", "50th"),
                _forecast("high", "80th"),
            ),
        ),
        "busy_ahead_check": of_rooms(
            "How such ranges did on past days, from what was known before them (R23).",
            (
                REGION,
                BUILDING,
                technical(
                    "days_ahead",
                    pa.int32(),
                    "Days from data_through to the day: 1 is the day of the build.",
                    "How far ahead a forecast is.",
                ),
            ),
            (
                computed("days", pa.int32(), "Past days that were tested.", "A count of days."),
                computed(
                    "share_within",
                    pa.float64(),
                    "Share of them that came between low and high; 0.6 is expected; null of few.",
                    TIME,
                    unit="ratio",
                    nullable=True,
                ),
                _error("median_error", "the median"),
                _error("naive_error", "the mean of the last four equal weekdays"),
            ),
        ),
        "series_to_ask": Table(
            "Series that may only hold a room: a question to ask, never a finding (R21).",
            (
                *(REGION, ROOM_ID),
                technical(
                    "series_no",
                    pa.int32(),
                    "Number of the series in its room.",
                    "Tells rows apart.",
                ),
            ),
            (
                computed(
                    "created_month",
                    pa.string(),
                    "Month (UTC) in which the series was created, such as 2026-03.",
                    "A month instead of an instant.",
                ),
                WEEKDAY.defined_as("Its usual local day of the week, 1 = Monday to 7 = Sunday."),
                LOCAL_HOUR.defined_as("Its usual local hour, 0 to 23."),
                computed(
                    "occurrences_ahead",
                    pa.int32(),
                    "Booked occurrences in the four weeks after data_through.",
                    BOOKING_COUNT,
                ),
                minutes("minutes_ahead", "Sum of their whole durations.", wide=True),
                computed(
                    "is_headcount_known",
                    pa.bool_(),
                    "Whether it is known of each that nobody is invited beside the organizer.",
                    "Whether headcounts are known.",
                ),
            ),
            "pseudonymous",
            "One series of one room: its organizer could be found in Exchange.",
            is_for_everybody=False,
        ),
        "build_info": Table(
            "One row: when and from what this database was built.",
            (REGION,),
            (
                technical(
                    "built_at", INSTANT, "When the build began.", "When the database was built."
                ),
                technical(
                    "data_through",
                    pa.date32(),
                    "Latest local date read and over in every zone (R14).",
                    "How far the figures go.",
                    nullable=True,
                ),
                technical(
                    "code_version",
                    pa.string(),
                    "Version of the project that built it.",
                    "Which program built it.",
                ),
                technical(
                    "contract_version",
                    pa.string(),
                    "Version of the names and types.",
                    "Which names and types it has.",
                ),
                replace(
                    computed("bookings", pa.int64(), "Rows of the table bookings.", BOOKING_COUNT),
                    # From night to night it tells how many bookings a new day has: in a region of
                    # one room that is a number beside their minutes, as in room_days.
                    is_for_everybody=False,
                ),
                technical(
                    "rooms_expected",
                    pa.int32(),
                    "Rooms that the last run asked for.",
                    "A count of rooms.",
                ),
                rooms("rooms_loaded", "Rooms that the last run could read."),
                technical(
                    "suppressed_cells",
                    pa.int64(),
                    f"Rows of {FEW} in both profiles, and cells of open personal rooms that "
                    "utilization leaves out.",
                    "A count of cells, as the directory and the other tables tell it too.",
                ),
                technical(
                    "restated_from",
                    pa.date32(),
                    "First day for which an operator let a later room directory count, with "
                    "--restate-from, or a new valid_from, opened_on or closed_on in the past "
                    "(R18); null if never.",
                    "Since when the past was restated.",
                    nullable=True,
                ),
            ),
            "technical",
            "One row about the build.",
        ),
    }
)
