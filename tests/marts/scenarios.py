"""Random scenarios: every odd calendar, clock change and failed reading that the marts may meet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.marts.scenario import (
    ALWAYS,
    OFFICE_WEEK,
    Booking,
    Closure,
    Coverage,
    Room,
    Scenario,
    at,
    days_from,
)
from warehouse.publish import PublishOptions

# Days around the clock changes of Europe, America and Oceania, one at midnight, holidays that
# only some subdivisions have, and the turn of a year whose ISO weeks belong to another.
FIRST_DATES = (
    date(2026, 3, 27), date(2026, 10, 23), date(2026, 3, 6), date(2026, 10, 30),
    date(2026, 4, 2), date(2026, 10, 2), date(2026, 9, 4), date(2026, 1, 4), date(2026, 8, 13),
    date(2026, 12, 29), date(2026, 6, 30),
)  # fmt: skip
ZONES = (
    "Europe/Copenhagen", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Australia/Adelaide", "America/Santiago", "America/St_Johns",
    "Antarctica/Troll", "UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago",
)  # fmt: skip
_LUNCH = (((480, 720), (780, 1080)),)
_ODD = (((0, 95), (1403, 1440)),)
WEEKS = (
    OFFICE_WEEK,
    ALWAYS,
    (*_LUNCH * 5, ((540, 720),), ()),
    (*_ODD * 7,),
    (*(((60, 185),),) * 7,),
    ((),) * 7,
)
PLACES = (("DE", "BY"), ("DE", "SN"), ("DE", None), ("US", None), ("AU", "NSW"), (None, None))


@st.composite
def rooms(draw: st.DrawFn, room_id: str, first: date) -> Room:
    country, subdivision = draw(st.sampled_from(PLACES))
    days = st.none() | st.integers(-1, 6).map(lambda offset: first + timedelta(days=offset))
    return Room(
        room_id,
        time_zone=draw(st.sampled_from(ZONES)),
        week=draw(st.sampled_from(WEEKS)),
        site=draw(st.sampled_from(("North", None))),
        building=draw(st.sampled_from(("HQ", "HQ", None))),
        floor=draw(st.sampled_from(("1", "1", None))),
        country=country,
        subdivision=subdivision,
        capacity=draw(st.sampled_from((6, 6, 5, 1, 40, 0, None))),
        room_type=draw(st.sampled_from(("conference", "conference", "other", "desk"))),
        opened_on=draw(days),
        closed_on=draw(days),
    )


# Minutes are mostly round, so that bookings touch; seconds show floors and ceilings (R1).
_MOMENTS = st.one_of(
    st.integers(0, 96).map(lambda quarter: timedelta(minutes=15 * quarter)),
    st.integers(0, 288).map(lambda five: timedelta(minutes=5 * five)),
    st.integers(0, 1440 * 60).map(lambda second: timedelta(seconds=second)),
)
_LENGTHS = st.one_of(
    st.sampled_from((0, 15, 20, 30, 30, 45, 60, 60, 90, 120, 241)).map(
        lambda minutes: timedelta(minutes=minutes)
    ),
    st.integers(-7200, 7200).map(lambda second: timedelta(seconds=second)),
    st.integers(1, 4).map(lambda days: timedelta(days=days, hours=3)),
    st.sampled_from((timedelta(microseconds=1), timedelta(days=800), timedelta(days=-3))),
)
_STATUSES = st.sampled_from(("booked",) * 6 + ("held", "held", "cancelled", "not_booked"))
_LEADS = st.none() | st.sampled_from(
    (-60, 0, 900, 901, 7200, 7201, 86_400, 86_401, 604_800, 604_801, 2_592_000, 2_592_001)
)


@st.composite
def bookings(draw: st.DrawFn, room: Room, days: list[date]) -> Booking:
    day = draw(st.sampled_from(days))
    starts_at, is_all_day = at(room, day) + draw(_MOMENTS), False
    ends_at = starts_at + draw(_LENGTHS)
    if draw(st.integers(0, 9)) == 0:
        is_all_day, starts_at = True, at(room, day)
        ends_at = at(room, day + timedelta(days=draw(st.integers(1, 3))))
    lead = draw(_LEADS)
    return Booking(
        room.room_id,
        starts_at,
        ends_at,
        _local_day(room, starts_at),
        is_all_day=is_all_day,
        kind=draw(st.sampled_from(("single", "single", "occurrence", "exception"))),
        status=draw(_STATUSES),
        invited_headcount=draw(st.sampled_from((None, 0, 1, 2, 4, 4, 4, 6, 10, 20, 21))),
        has_external=draw(st.sampled_from((None, True, False))),
        created_at=None if lead is None else starts_at - timedelta(seconds=lead),
    )


def _local_day(room: Room, instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(room.time_zone)).date()


@st.composite
def coverage(draw: st.DrawFn, rooms: tuple[Room, ...], days: list[date]) -> list[Coverage]:
    """Draw coverage: most room-days read, some never, some not last time, some not asked for."""
    outcomes = st.sampled_from(("read",) * 15 + ("failed", "never", "not asked"))
    read_at = st.integers(0, 3).map(lambda hours: datetime(2026, 1, 1, hours, tzinfo=UTC))
    rows = []
    for day in days:
        for room in rooms:
            outcome = draw(outcomes)
            if outcome != "not asked":
                when = None if outcome == "never" else draw(read_at)
                is_loaded = outcome == "read"
                error_code = None if is_loaded else "ErrorAccessDenied"
                rows.append(Coverage(room.room_id, day, is_loaded, when, error_code))
    return rows


@st.composite
def combined(draw: st.DrawFn, all_rooms: tuple[Room, ...]) -> tuple[Room, ...]:
    """Make some rooms parts of the first one, in its time zone (R25)."""
    whole, *others = (replace(room, time_zone=all_rooms[0].time_zone) for room in all_rooms)
    parts = draw(st.integers(0, 2))
    return (
        whole,
        *(replace(room, part_of=whole.room_id) for room in others[:parts]),
        *others[parts:],
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    first = draw(st.sampled_from(FIRST_DATES))
    days = days_from(first, draw(st.integers(2, 6)))
    if len(days) > 3 and draw(st.booleans()):
        del days[2]
    count = draw(st.integers(3, 7))
    all_rooms = tuple(draw(rooms(f"room-{number}", first)) for number in range(count))
    history: tuple[tuple[date, tuple[Room, ...]], ...] = ()
    if draw(st.booleans()):
        changed_on = first + timedelta(days=draw(st.integers(-1, 5)))
        before = tuple(draw(rooms(f"room-{number}", first)) for number in range(count))
        all_rooms, before = draw(combined(all_rooms)), draw(combined(before))
        history = ((min(first, changed_on) - timedelta(days=9), before), (changed_on, all_rooms))
    booked: list[Booking] = []
    for room in all_rooms:
        booked += draw(
            st.lists(bookings(room, [first - timedelta(days=2), *days]), min_size=3, max_size=9)
        )
    now = datetime.combine(first, datetime.min.time(), UTC)
    now += timedelta(hours=draw(st.integers(24, 24 * 10)))
    return Scenario(
        all_rooms,
        tuple(booked),
        tuple(draw(coverage(all_rooms, days))),
        now,
        PublishOptions(**draw(_options(first))),
        history,
    )


def _options(first: date) -> st.SearchStrategy[dict[str, Any]]:
    closure = st.builds(
        lambda start, length, building, room_id: Closure(
            first + timedelta(days=start),
            first + timedelta(days=start + length),
            building=building,
            room_id=room_id,
        ),
        st.integers(-2, 4),
        st.integers(0, 2),
        st.sampled_from((None, "HQ")),
        st.sampled_from((None, None, "room-0")),
    )
    return st.fixed_dictionaries(
        {
            "minimum_group": st.sampled_from((1, 2, 3, 5)),
            "count_held_as_booked": st.booleans(),
            "trailing_days": st.sampled_from((0, 2, 14)),
            "closures": st.lists(closure, max_size=1).map(tuple),
            "room_days_per_pass": st.sampled_from((1, 7, 14, 310_000)),
        }
    )
