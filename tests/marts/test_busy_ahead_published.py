"""R23: the published range and its back-test, from the lake on, against sets of minutes."""

import statistics
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.marts.scenario import (
    Booking,
    Coverage,
    Database,
    Room,
    Scenario,
    at,
    days_from,
    write_lake,
)
from tests.marts.test_busy_ahead import Plain
from tests.marts.test_known_days import Past
from tests.needs import DEPTH
from transforms.contract.lake import CHANGES
from warehouse import connect
from warehouse.ahead import Days
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

Rows: TypeAlias = dict[tuple[Any, ...], tuple[Any, ...]]

FIRST = date(2026, 7, 6)
PAST, AHEAD = 112, 28  # the clocks change on a Sunday among them
ROOMS = (
    Room("oak"),
    Room("elm", week=(((540, 720), (780, 1020)),) * 6 + ((),)),
    Room("ash", building="Annex", time_zone="America/New_York"),
    Room("desk", room_type="desk"),
)
DAY = timedelta(days=1)
NIGHT = datetime.combine(FIRST + PAST * DAY, time(9, 30), UTC)
"""The latest reading: the last of the past days is over in every zone."""


def story(seed: int) -> Scenario:
    """Return sixteen weeks of bookings, some of which moved, came late or went, and four ahead."""
    random = Random(seed)
    days = days_from(FIRST, PAST + AHEAD)
    bookings: list[Booking] = []
    changes: list[dict[str, Any]] = []
    for room in ROOMS:
        for day in days:
            for _ in range(random.choice((0, 1, 1, 2)) if day.isoweekday() < 6 else 0):
                starts_at = at(room, day) + timedelta(minutes=15 * random.randint(30, 70))
                ends_at = starts_at + timedelta(minutes=random.choice((30, 45, 60, 120, 241)))
                created_at = starts_at - timedelta(hours=random.randint(1, 40 * 24))
                if created_at > NIGHT:
                    continue
                spans = {"starts_at": starts_at, "ends_at": ends_at}
                booking = Booking(room.room_id, starts_at, ends_at, day, created_at=created_at)
                bookings.append(booking)
                seen_at = created_at + (starts_at - created_at) * random.random()
                if random.random() < 0.3 and seen_at < NIGHT:  # it went, or came from elsewhere
                    change = random.choice(("cancelled", "cancelled", "moved"))
                    new: tuple[datetime | None, ...] = (None, None)
                    if change == "moved":
                        new, shift = (starts_at, ends_at), timedelta(hours=random.choice((-2, 1)))
                        spans = {"starts_at": starts_at + shift, "ends_at": ends_at + shift}
                    else:
                        bookings.pop()
                    changes.append(
                        {"room_id": room.room_id, "change": change, "kind": "single", **spans}
                        | {"new_starts_at": new[0], "new_ends_at": new[1]}
                        | {"created_at": created_at, "given_back_minutes": 0}
                        | {"seen_after": seen_at - DAY, "seen_at": seen_at}
                    )
    coverage = tuple(
        Coverage(room.room_id, day, read_at=min(NIGHT, later))
        for day in days
        for later in [datetime.combine(day + 3 * DAY, time(9), UTC)]
        for room in ROOMS
        if random.random() < 0.98 or day >= NIGHT.date() - DAY
    )
    return Scenario(
        ROOMS, tuple(bookings), coverage, NIGHT, PublishOptions(), changes=tuple(changes)
    )


def published(scenario: Scenario, folder: Path, first_night: date) -> tuple[Rows, Rows]:
    """Publish; return the rows of busy_ahead and of busy_ahead_check by building and day."""
    lake = Lake(folder / "lake", "EU")
    write_lake(lake, replace(scenario, changes=()))
    nights: dict[date, list[dict[str, Any]]] = {first_night: []}
    for change in scenario.changes:
        nights.setdefault(max(first_night, change["seen_at"].date()), []).append(change)
    for night, rows in nights.items():
        lake.replace("changes", night, pa.Table.from_pylist(rows, CHANGES))
    publish(lake, folder / "warehouse", scenario.options, scenario.now)
    database = Database(connect("EU", warehouse=folder / "warehouse"))
    tables = [
        {row[:2]: row[2:] for row in database.rows(f"SELECT * EXCLUDE region FROM {table}")}
        for table in ("busy_ahead", "busy_ahead_check")
    ]
    database.close()
    return tables[0], tables[1]


def number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def expected(scenario: Scenario, first_night: date) -> tuple[Rows, Rows]:
    """Return the same rows from sets of minutes and the plain forecast."""
    past = Past(scenario)
    assert past.data_through is not None
    through, known = number(past.data_through), past.known()
    ahead: Rows = {}
    check: Rows = {}
    for building in ("Annex", "HQ"):
        days = {number(day): row for (of, day), row in known.items() if of == building}
        coming: dict[int, list[int]] = {}
        for (room_id, day), minutes in past.room_days.items():
            room, is_ahead = past.on(room_id, day), through < number(day) <= through + AHEAD
            is_counted = is_ahead and room.building == building and room.room_type != "desk"
            if is_counted and minutes.open:
                row = coming.setdefault(number(day), [0, 0])
                row[0] += len(minutes.open)
                row[1] += len(minutes.booked)
        rows = sorted(days.items()) + [
            (day, [row[0], *[row[1]] * 29]) for day, row in sorted(coming.items())
        ]
        every = Days(
            np.array([day for day, _ in rows]),
            np.array([row[0] for _, row in rows]),
            np.array([row[1:] for _, row in rows]),
        )
        plain = Plain(every, number(first_night), through)
        for distance in range(1, AHEAD + 1):
            tested = [
                (ranges, days[day][1], statistics.fmean(days[each][1] for each in last))
                for day in days
                if plain.is_known(day, distance)
                for ranges in [plain.expected(day, distance)]
                for last in [plain.over(day - distance, day % 7)[-4:]]
                if ranges is not None
            ]
            is_told = len(tested) >= 10
            errors: tuple[float | None, ...] = (None, None, None)
            if is_told:
                errors = (
                    statistics.fmean(low <= truth <= high for (low, _, high), truth, _ in tested),
                    statistics.fmean(abs(each[0][1] - each[1]) for each in tested),
                    statistics.fmean(abs(each[2] - each[1]) for each in tested),
                )
            check[building, distance] = (len(tested), *errors)
            if (then := through + distance) in coming:
                ranges = plain.expected(then, distance) if is_told else None
                on = date(1970, 1, 1) + timedelta(days=then)
                ahead[building, on] = (*coming[then], *(ranges or (None,) * 3))
    return ahead, check


# A story has one seed: a smaller seed is no smaller story.
@settings(
    deadline=None,
    max_examples=DEPTH,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(st.integers(0, 2**32 - 1), st.integers(0, 30))
def test_r23_what_is_published_of_the_days_ahead_is_what_sets_of_minutes_tell(
    seed: int, nights_before: int
) -> None:
    scenario, first_night = story(seed), FIRST + timedelta(days=nights_before)
    with tempfile.TemporaryDirectory() as folder:
        found = published(scenario, Path(folder), first_night)
    ahead, check = expected(scenario, first_night)
    assert found[0].keys() == ahead.keys()
    assert found[1].keys() == check.keys()
    assert any(row[-1] is not None for row in found[0].values())
    # A gain between two values may round to the next minute: once, or in or out of a range.
    for key, row in found[0].items():
        assert row == pytest.approx(ahead[key], abs=1.01), key
    for key, (days, share, *errors) in found[1].items():
        assert days == check[key][0]
        assert share == pytest.approx(check[key][1], abs=1.01 / max(days, 1)), key
        assert errors == pytest.approx(check[key][2:], abs=0.51), key
