"""What a build's SQL gets besides the lake: rooms, calendars, dates, settings."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract import (
    CAPACITY_BANDS,
    CONTRACT_VERSION,
    INSTANT,
    PERSONAL_ROOM_TYPES,
    Region,
    band_of,
)
from transforms.contract.lake import ROOMS
from transforms.local_time import Closure, day_start, local_date, zone
from warehouse.blocks import Ints
from warehouse.calendar import (
    Profile,
    calendar_rows,
    phase_minutes,
    profile_of,
    zone_clock,
)
from warehouse.engine import BuildError


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the configuration decides about a region's database.

    ``minimum_group`` is k of R17, and ``trailing_days`` says when a month is closed. A month that
    begins before ``kept_from``, the first day that retention keeps, shows no profile: statistics of
    two nights would tell the bookings of a deleted day.
    ``closures`` are all of the region's; each says which rooms it covers. With ``export_parquet``
    the tables are published as Parquet too, with ``is_parquet`` as nothing else; with ``is_copied``
    readers get plain copies instead of symlinks. ``threads`` None means one for each core. DuckDB
    keeps to ``memory_limit``; ``room_days_per_pass`` bounds the arrays beside it.
    """

    minimum_group: int = 5
    count_held_as_booked: bool = False
    keep_versions: int = 7
    export_parquet: bool = True
    is_parquet: bool = False
    is_copied: bool = False
    closures: tuple[Closure, ...] = ()
    trailing_days: int = 14
    kept_from: date = date.min
    threads: int | None = None
    memory_limit: str = "400MB"
    room_days_per_pass: int = 150_000


class Inputs:
    """The room directory of one build, with a number for each version, zone and calendar.

    ``rooms`` is the directory as it is now (``listed``), ``versions`` the result of
    ``room_versions``. Both are Arrow tables: as Python's rows, those of 80,000 rooms took 150 MB.

    Raises:
        BuildError: the time zone, country or opening hours of a room are invalid.
    """

    def __init__(
        self,
        region: Region,
        rooms: pa.Table,
        versions: pa.Table,
        closures: Sequence[Closure],
        now: datetime,
    ) -> None:
        self.region, self.now = region, now
        self.listed, self.versions = rooms, versions
        self._numbers: dict[Profile, int] = {}
        numbers = []
        for batch in versions.to_batches(_ROOMS_AT_A_TIME):
            for room in batch.to_pylist():
                try:
                    profile = profile_of(room, closures)
                except ValueError as error:
                    raise BuildError(
                        f"room {room['room_id']}: {error}: correct it in the room directory"
                    ) from None
                numbers.append(self._numbers.setdefault(profile, len(self._numbers)))
        self._profile = pa.array(numbers, pa.int32())
        names = sorted({profile.time_zone for profile in self._numbers})
        # Any date will do: if the phase differs on other dates, cells are only split in two.
        self._phases = {name: phase_minutes(name, now.date()) for name in names}

    @property
    def rooms(self) -> int:
        """How many rooms the directory has; a room that changed counts once for each version."""
        return len(self.versions)

    def data_through(self, read: Iterable[date]) -> date | None:
        """Return the latest of the dates that is over in every room's zone (R14)."""
        todays = [local_date(self.now, zone(name)) for name in self._phases]
        return max((day for day in read if all(day < today for today in todays)), default=None)

    def directory(self) -> pa.Table:
        """Return the versions of the rooms with their numbers (R18)."""
        zones = list(self._phases)
        names = [profile.time_zone for profile in self._numbers]
        zone_no = pa.array([zones.index(name) for name in names], pa.int32())
        phase = pa.array([self._phases[name] for name in names], pa.int32())
        rows = _with_kind(self.versions).append_column("room_no", _numbers_of(self.versions))
        rows = rows.append_column("zone_no", zone_no.take(self._profile))
        rows = rows.append_column("phase_minutes", phase.take(self._profile))
        return rows.append_column("profile", self._profile)

    def current_rooms(self) -> pa.Table:
        """Return the rooms as they are now, in order."""
        return _with_kind(self.listed).append_column("room_order", _numbers_of(self.listed))

    def settings(
        self, data_through: date | None, options: PublishOptions, restated_from: date | None
    ) -> pa.Table:
        """Return the one row that steps join; ``through_date`` is never null.

        Months that begin on ``profile_from_date`` or later and end before ``profile_before_date``
        are closed (R17).
        """
        closed_before = self.now.date() - timedelta(days=options.trailing_days)
        columns = {
            "region": pa.array([self.region]),
            "built_at": pa.array([self.now.astimezone(UTC)], INSTANT),
            "data_through": pa.array([data_through], pa.date32()),
            "through_date": pa.array([data_through or date.min]),
            "minimum_group": pa.array([options.minimum_group]),
            "count_held_as_booked": pa.array([options.count_held_as_booked]),
            "code_version": pa.array([code_version()]),
            "contract_version": pa.array([CONTRACT_VERSION]),
            "restated_from": pa.array([restated_from], pa.date32()),
            "profile_from_date": pa.array([options.kept_from]),
            "profile_before_date": pa.array([closed_before]),
        }
        return pa.table(columns)

    def read_late(self, data_through: date | None, read_at: datetime | None) -> Ints:
        """Return, by profile, the minutes from the start of the day after data_through to read_at.

        Negative where read_at is earlier than that.
        """
        if data_through is None or read_at is None:
            return np.zeros(len(self._numbers), np.int64)
        next_day = data_through + timedelta(days=1)
        return np.array(
            [
                (read_at - day_start(next_day, zone(profile.time_zone))) // timedelta(minutes=1)
                for profile in self._numbers
            ],
            np.int64,
        )

    def calendar(self, first_date: date, last_date: date) -> tuple[pa.Table, pa.Table]:
        """Return the calendar of those dates, and the first cell of each zone."""
        try:
            clocks = {
                name: zone_clock(name, phase, first_date, last_date)
                for name, phase in self._phases.items()
            }
        except OverflowError:
            raise BuildError(
                f"lake: no calendar reaches from {first_date} to {last_date}: "
                "delete the coverage of days that no calendar has"
            ) from None
        zones = [
            {"zone_no": number, "first_cell": clock.first_cell}
            for number, clock in enumerate(clocks.values())
        ]
        rows = calendar_rows(list(self._numbers), clocks, first_date, last_date)
        return rows, pa.Table.from_pylist(zones, _PASS_ZONES)


def room_versions(rooms: pa.Table, as_of: pa.Table, first_asked: Mapping[str, date]) -> pa.Table:
    """Return one row for each room and span of days in which it did not change (R18).

    Each counts from ``valid_from`` to the day before ``valid_to``; neither is null. Name, time zone
    and the days of opening and closing are today's. If a run tried to read a room for days before
    it was added (``first_asked``), the room counts from there, unless the directory says since
    when: a room that could not be read must show as missing (R13).
    """
    listed = rooms.to_pylist()
    spans: dict[str, list[dict[str, Any]]] = {room["room_id"]: [] for room in listed}
    for span in as_of.to_pylist():
        if span["room_id"] in spans:
            spans[span["room_id"]].append(span)
    versions: list[dict[str, Any]] = []
    for room in listed:
        own = spans[room["room_id"]] or [{**room, "valid_from": date.min, "valid_to": None}]
        if room["valid_from"] is None:
            day = own[0]["valid_from"]
            own[0]["valid_from"] = min(day, first_asked.get(room["room_id"], day))
        kept = {name: room[name] for name in ("name", "time_zone", "opened_on", "closed_on")}
        for span in own:
            versions += _in_use(span | kept | {"valid_to": span["valid_to"] or date.max})
    return pa.Table.from_pylist(versions, VERSIONS)


def _in_use(version: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a room's version, cut where a part of a combined room comes into use or goes.

    Out of use, it is no part: then the whole counts as a room again (R25).
    """
    first, last = version["opened_on"] or date.min, version["closed_on"] or date.max
    days = {version["valid_from"], version["valid_to"]}
    if version["part_of"] is not None:
        days |= {day for day in (first, last) if min(days) < day < max(days)}
    for valid_from, valid_to in pairwise(sorted(days)):
        is_part = first <= valid_from < last
        part_of = version["part_of"] if is_part else None
        yield version | {"valid_from": valid_from, "valid_to": valid_to, "part_of": part_of}


def _with_kind(rooms: pa.Table) -> pa.Table:
    personal = pc.is_in(rooms["room_type"], pa.array(sorted(PERSONAL_ROOM_TYPES)))
    bands = [band_of(CAPACITY_BANDS, seats) for seats in rooms["capacity"].to_pylist()]
    rooms = rooms.append_column("is_personal", personal)
    return rooms.append_column("capacity_band", pa.array(bands, pa.string()))


def _numbers_of(rows: pa.Table) -> pa.Array:
    return pa.array(range(len(rows)), pa.int32())


def date_rows(days: Collection[date], covered: Collection[date]) -> pa.Table:
    """Return ISO week and weekday (1 = Monday) of dates, and whether a run asked for each."""
    ordered, asked = sorted(days), frozenset(covered)
    iso = [day.isocalendar() for day in ordered]
    columns = {
        "local_date": pa.array(ordered, pa.date32()),
        "iso_week": pa.array([f"{each.year:04}-W{each.week:02}" for each in iso], pa.string()),
        "weekday": pa.array([each.weekday for each in iso], pa.int32()),
        "is_covered": pa.array([day in asked for day in ordered], pa.bool_()),
    }
    return pa.table(columns)


def pass_row(first_date: date, last_date: date) -> pa.Table:
    """Return the one row with the first and last date of a pass, inclusive."""
    return pa.table({"first_date": [first_date], "last_date": [last_date]})


@cache
def code_version() -> str:
    """Return the version of this program; ``unknown`` where it is not installed."""
    try:
        return version("room-insights")
    except PackageNotFoundError:
        return "unknown"


VERSIONS: Final = pa.schema([*ROOMS, pa.field("valid_to", pa.date32())])
"""The rows of ``room_versions``."""
_ROOMS_AT_A_TIME: Final = 1_000
_PASS_ZONES: Final = pa.schema({"zone_no": pa.int32(), "first_cell": pa.int64()})
BEFORE_PASSES: Final[Mapping[str, Mapping[str, pa.DataType]]] = {
    "live": {
        "room_no": pa.int32(),
        "local_start_date": pa.date32(),
        "starts_minute": pa.int64(),
        "ends_minute": pa.int64(),
        "is_all_day": pa.bool_(),
        "is_booked": pa.bool_(),
        "is_own": pa.bool_(),
        "known_from": pa.int64(),
    },
    "hidden_cells": {"cells": pa.int64()},
    "series_hours": {
        "room_id": pa.string(),
        "created_at": INSTANT,
        "weekday": pa.int32(),
        "local_hour": pa.int32(),
        "minutes": pa.int64(),
        "invited_headcount": pa.int32(),
        "headcount_is_lower_bound": pa.bool_(),
    },
    "change_days": {
        "change_no": pa.int64(),
        "local_date": pa.date32(),
        "site": pa.string(),
        "building": pa.string(),
    },
    "change_minutes": dict.fromkeys(
        ("change_no", "open_minutes", "booked_minutes", "left_minutes"), pa.int64()
    ),
    "ahead_days": {
        "building_no": pa.int32(),
        "local_date": pa.date32(),
        "open_minutes": pa.int64(),
        "known": pa.list_(pa.int64(), 1),
    },
    "told_bookings": {"room_no": pa.int32(), "month": pa.date32(), "told": pa.int64()},
    "what_if_days": {"place": pa.int32(), "local_date": pa.date32()},
}
"""The columns of SQL's work tables that are there, empty, before the first pass."""
