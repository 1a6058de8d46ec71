"""R23: minutes of a past day booked by each day before it, against a replay of the readings."""

import tempfile
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.marts.oracle import PERSONAL
from tests.marts.oracle_minutes import Readings, ceil_minute, floor_minute, wall
from tests.marts.scenario import Booking, Scenario, write_lake
from tests.marts.scenarios import scenarios
from tests.needs import DEPTH
from warehouse.build import LakeRows, survey
from warehouse.engine import building
from warehouse.lake import Lake
from warehouse.publish import build_rooms

Minutes: TypeAlias = dict[tuple[str | None, date], list[int]]
"""By building and day: open minutes, then booked minutes at each distance from 0 to 28."""

DAY = timedelta(days=1)
_BACK = (st.integers(-1440, 1440) | st.integers(-2 * 1440, 40 * 1440)).map(
    lambda minutes: timedelta(minutes=minutes)
)


@st.composite
def changed(draw: st.DrawFn) -> Scenario:
    """Return a scenario with days that were read once they were over, and a ledger."""
    scenario = draw(scenarios())
    coverage = [
        replace(
            each,
            read_at=each.read_at
            and datetime.combine(each.day, each.read_at.timetz())
            + draw(st.sampled_from((0, 2, 2, 2, 2, 3))) * DAY,
        )
        for each in scenario.coverage
    ]
    ledger = [draw(changes(each)) for each in scenario.bookings if draw(st.booleans())]
    return replace(scenario, coverage=tuple(coverage), changes=tuple(ledger))


@st.composite
def changes(draw: st.DrawFn, booking: Booking) -> dict[str, Any]:
    """Return a change that removed a booking near this one, or that brought this one here."""
    seen_at = booking.starts_at - draw(_BACK)
    shift = draw(st.sampled_from((timedelta(0), timedelta(minutes=20), -DAY)))
    span = (booking.starts_at + shift, max(booking.starts_at, booking.ends_at) + shift)
    here = (booking.starts_at, booking.ends_at)
    change, is_here = draw(
        st.sampled_from(
            (
                ("cancelled", False),
                ("cancelled", False),
                ("moved", True),
                ("resized", False),
                ("new", True),
            )
        )
    )
    old, new = (span, here) if is_here else (here, span)
    return {
        "room_id": booking.room_id,
        "change": change,
        "kind": booking.kind,
        "starts_at": old[0],
        "ends_at": max(old),
        "new_starts_at": new[0] if change in ("moved", "resized") else None,
        "new_ends_at": new[1] if change in ("moved", "resized") else None,
        "created_at": booking.created_at,
        "seen_after": seen_at - DAY,
        "seen_at": seen_at,
        "given_back_minutes": 0,
    }


class Past(Readings):
    """Looks up for every minute which booking existed at each reading."""

    def known(self) -> Minutes:
        found: Minutes = defaultdict(lambda: [0] * 30)
        for each in self.scenario.coverage:
            if (each.room_id, each.day) not in self.read or not self.is_past(each.day):
                continue
            room = self.on(each.room_id, each.day)
            is_final = each.read_at is not None and each.read_at.date() > each.day + DAY
            if not is_final or room.room_type in PERSONAL:
                continue
            minutes = self.room_days[each.room_id, each.day]
            row = found[room.building, each.day]
            row[0] += len(minutes.open)
            spans = self.spans(each.room_id, room.part_of)
            for distance in range(29) if minutes.open else ():
                instant = self.instant(room.time_zone, each.day, distance)
                booked = {
                    minute
                    for starts, ends, came, went in spans
                    if (went is None if not distance else came <= instant)
                    and (went is None or (distance and instant < went))
                    for minute in range(
                        max(starts, min(minutes.open)), min(ends, max(minutes.open) + 1)
                    )
                }
                row[distance + 1] += len(booked & minutes.open)
        return {key: row for key, row in found.items() if row[0]}

    def instant(self, time_zone: str, day: date, distance: int) -> int:
        assert self.data_through is not None
        read_at = max(each.read_at for each in self.scenario.coverage if each.read_at)
        late = floor_minute(read_at) - midnight(time_zone, self.data_through + DAY)
        return midnight(time_zone, day) + late - (distance - 1) * 1440

    def spans(self, *room_ids: str | None) -> list[tuple[int, int, int, int | None]]:
        """Return start, end, and the minutes at which each booking came and went, if it did."""
        spans: list[tuple[int, int, int, int | None]] = []
        for b in self.scenario.bookings:
            if b.room_id in room_ids and self.status(b) == "booked":
                came = self.came(b.room_id, b.starts_at, b.ends_at, b.created_at)
                spans.append((floor_minute(b.starts_at), ceil_minute(b.ends_at), came, None))
        for change in self.scenario.changes:
            starts_at, ends_at = change["starts_at"], change["ends_at"]
            if (
                change["room_id"] not in room_ids
                or change["change"] == "new"
                or starts_at == ends_at
            ):
                continue
            went = middle(change)
            came = self.came(change["room_id"], starts_at, ends_at, change["created_at"], went)
            spans.append((floor_minute(starts_at), ceil_minute(ends_at), came, went))
        return spans

    def came(
        self, room_id: str, starts_at: datetime, ends_at: datetime,
        created_at: datetime | None, before: int = 2**60,
    ) -> int:  # fmt: skip
        if created_at is None:
            return 0
        key = (room_id, starts_at, ends_at, created_at)
        moves = [
            middle(each)
            for each in self.scenario.changes
            if (each["room_id"], each["new_starts_at"], each["new_ends_at"], each["created_at"])
            == key
        ]
        return max((move for move in moves if move < before), default=floor_minute(created_at))


def middle(change: dict[str, Any]) -> int:
    return (floor_minute(change["seen_after"]) + floor_minute(change["seen_at"])) // 2


@cache
def midnight(time_zone: str, day: date) -> int:
    """Return the first minute of the local date."""
    first = (day.toordinal() - 2) * 1440
    return next(
        minute for minute in range(first, first + 4320) if wall(time_zone, minute)[0] == day
    )


def known_days(scenario: Scenario, folder: Path) -> Minutes:
    lake = Lake(folder / "lake", "EU")
    write_lake(lake, scenario)
    with building(folder / "built.duckdb", 2, "400MB") as engine, LakeRows(lake) as rows:
        with engine.transaction():
            found = survey(engine, lake, rows, scenario.options, scenario.now)
        build_rooms(engine, rows, found, scenario.options)
        return {
            (building, day): [opened, *known]
            for building, day, opened, known in engine.rows(
                "SELECT building, local_date, open_minutes, known "
                "FROM known_days JOIN ahead_buildings USING (building_no)"
            )
        }


@settings(deadline=None, max_examples=6 * DEPTH, suppress_health_check=list(HealthCheck))
@given(changed())
def test_r23_what_was_booked_before_a_day_is_what_its_readings_would_have_seen(
    scenario: Scenario,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert known_days(scenario, Path(folder)) == Past(scenario).known()
