"""The masks of a pass, against sets of minutes."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, TypeAlias

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.local_time import parse_open_hours
from warehouse.calendar import Profile, calendar_rows, zone_clock
from warehouse.masks import hours_of

Row: TypeAlias = dict[str, Any]
MASKS = ("open_mask", "booked_mask", "outside_mask", "held_mask", "overlap_mask")

# Lord Howe cuts an hour in two on the second day; the other zone has a different local day.
FIRST, LAST = date(2026, 10, 3), date(2026, 10, 5)
PROFILES = [
    Profile(
        "Australia/Lord_Howe", parse_open_hours("Mon-Sun 01:10-02:50, 09:00-12:00"), None, None, ()
    ),
    Profile("Europe/Copenhagen", parse_open_hours("Sat-Sun 00:00-24:00"), None, None, ()),
]
CLOCKS = {each.time_zone: zone_clock(each.time_zone, 0, FIRST, LAST) for each in PROFILES}
CALENDAR = calendar_rows(PROFILES, CLOCKS, FIRST, LAST)
FIRST_MINUTE = min(clock.first_cell for clock in CLOCKS.values()) * 60
ROOMS = 3

bookings = st.builds(
    lambda room, starts, minutes, is_all_day, is_booked: {
        "room_no": room,
        "starts_minute": FIRST_MINUTE + starts,
        "ends_minute": FIRST_MINUTE + starts + minutes,
        "is_all_day": is_all_day,
        "is_booked": is_booked,
        "is_own": True,
        "local_start_date": FIRST + timedelta(days=starts // 1440),
        "known_from": 0,
    },
    st.integers(0, ROOMS),
    st.integers(-600, 0) | st.integers(0, 4 * 1440),
    st.integers(1, 90) | st.integers(300, 6000),
    st.booleans(),
    st.booleans(),
)
room_dates = st.lists(
    st.builds(
        lambda room, day, is_in_use: {
            "room_no": room,
            "local_date": FIRST + timedelta(days=day),
            "profile": room % 2,
            "is_in_use": is_in_use,
            "is_whole": False,
        },
        st.integers(0, ROOMS - 1),
        st.integers(0, 2),
        st.sampled_from([True, True, False]),
    ),
    min_size=2,
    unique_by=lambda row: (row["room_no"], row["local_date"]),
)
BOOKINGS = pa.schema(
    {
        "room_no": pa.int32(),
        "starts_minute": pa.int64(),
        "ends_minute": pa.int64(),
        "is_all_day": pa.bool_(),
        "is_booked": pa.bool_(),
        "is_own": pa.bool_(),
        "local_start_date": pa.date32(),
        "known_from": pa.int64(),
    }
)
ROOM_DATES = pa.schema(
    {
        "room_no": pa.int32(),
        "local_date": pa.date32(),
        "profile": pa.int32(),
        "is_in_use": pa.bool_(),
        "is_whole": pa.bool_(),
    }
)


def masks_of(booked: list[Row], days: list[Row], threads: int = 1, per_block: int = 2) -> pa.Table:
    found = hours_of(
        pa.Table.from_pylist(booked, BOOKINGS),
        pa.Table.from_pylist(days, ROOM_DATES),
        CALENDAR,
        threads,
        per_block * ((LAST - FIRST).days + 1),
    )
    assert found is not None
    return found.masks


def expected(booked: list[Row], days: list[Row]) -> Iterator[Row]:
    """Count the minutes of each room one by one."""
    for day in days:
        lines = [
            line
            for line in CALENDAR.to_pylist()
            if (line["profile"], line["local_date"]) == (day["profile"], day["local_date"])
        ]
        for line in lines:
            timed, counted, held = set(), Counter[int](), set()
            for each in booked:
                if each["room_no"] != day["room_no"]:
                    continue
                minutes = {
                    bit
                    for bit in range(60)
                    if each["starts_minute"] <= line["cell"] * 60 + bit < each["ends_minute"]
                }
                if each["is_booked"]:
                    counted.update(minutes)
                    timed |= set() if each["is_all_day"] else minutes
                else:
                    held |= minutes
            of_line = {bit for bit in range(60) if line["part_mask"] >> bit & 1}
            is_open = {
                bit for bit in range(60) if line["open_mask"] >> bit & 1 and day["is_in_use"]
            }
            found = {
                "open_mask": is_open,
                "booked_mask": is_open & set(counted),
                "outside_mask": (timed & of_line) - is_open,
                "held_mask": (held & is_open) - set(counted),
                "overlap_mask": {bit for bit in is_open if counted[bit] > 1},
            }
            if found["open_mask"] or found["outside_mask"]:
                place = {
                    name: line[name] for name in ("local_date", "local_hour", "cell", "is_split")
                }
                bits = {name: sum(1 << bit for bit in found[name]) for name in MASKS}
                yield {"room_no": day["room_no"]} | place | bits


def _sorted(rows: list[Row]) -> list[list[tuple[str, object]]]:
    return sorted([sorted(row.items()) for row in rows], key=repr)


@given(
    st.lists(bookings, min_size=3, max_size=25),
    room_dates,
    st.integers(1, 2),
    st.integers(1, ROOMS + 1),
)
def test_masks_are_the_minutes_counted_one_by_one_whatever_the_blocks(
    booked: list[Row], days: list[Row], threads: int, per_block: int
) -> None:
    found = masks_of(booked, days, threads, per_block)
    assert _sorted(found.to_pylist()) == _sorted(list(expected(booked, days)))


@given(st.lists(bookings, min_size=3, max_size=25), room_dates)
def test_the_order_of_masks_depends_on_nothing_but_the_rows(
    booked: list[Row], days: list[Row]
) -> None:
    assert masks_of(booked, days, threads=2) == masks_of(booked[::-1], days[::-1])


@given(st.lists(bookings, min_size=3, max_size=25), room_dates)
def test_masks_stand_by_block_then_what_is_held_or_shared_then_what_is_outside_then_by_time(
    booked: list[Row], days: list[Row]
) -> None:
    places = [
        (
            row["room_no"] // 2,
            2 if row["outside_mask"] else 1 if row["held_mask"] | row["overlap_mask"] else 0,
            row["local_date"],
            row["local_hour"],
            row["booked_mask"].bit_count(),
        )
        for row in masks_of(booked, days).to_pylist()
    ]
    assert places == sorted(places)
