"""The expected rows of every mart, computed in plain Python minute by minute.

Belongs here: the rules of the dictionary, written as plainly as possible, however slow.
Does not belong here: anything shared with the code under test. No masks, no SQL, no calendar
table: a minute is an integer, a union is a set, local time is looked up for every minute.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from tests.marts.oracle_labels import (
    capacity_band,
    duration_band,
    headcount_band,
    iso_week,
    lead_time_band,
    ratio,
    whole_minutes,
)
from tests.marts.oracle_minutes import Readings
from tests.marts.scenario import Booking, Room, Rows

PERSONAL = {"desk", "office", "executive"}


class Oracle(Readings):
    """Every table of the database, as rows in the contract's order of columns."""

    def table(self, name: str) -> Rows:
        make: Callable[[], Rows] = getattr(self, name)
        return [("EU", *row) for row in make()]

    def rooms_table(self) -> Rows:
        return [
            (r.room_id, None, r.site, r.building, r.floor, r.country, r.time_zone, r.capacity,
             capacity_band(r.capacity), r.room_type)
            for r in self.all_rooms()
        ]  # fmt: skip

    def coverage_table(self) -> Rows:
        return [
            (c.room_id, c.day, c.is_loaded, c.read_at, c.error_code)
            for c in self.scenario.coverage
            if c.room_id in self.rooms
        ]

    def bookings_table(self) -> Rows:
        return [
            (*booking.row().values(), booking.day)
            for booking in self.scenario.bookings
            if (booking.room_id, booking.day) in self.read
            and self.is_past(booking.day)
            and not self._is_personal(booking.room_id, booking.day)
        ]

    def _is_personal(self, room_id: str, day: date) -> bool:
        return self.on(room_id, day).room_type in PERSONAL

    def room_hours(self) -> Rows:
        rows: Rows = []
        for (room_id, day), minutes in self.room_days.items():
            if self._is_personal(room_id, day) or not self.is_past(day):
                continue
            hours: dict[int, list[int]] = defaultdict(list)
            for minute, hour in minutes.hour_of.items():
                hours[hour].append(minute)
            for hour, here in sorted(hours.items()):
                five = minutes.five(here)
                if five[0] or five[2]:
                    rows.append((room_id, day, hour, *five))
        return rows

    def _day_row(self, room_id: str, day: date) -> tuple[Any, ...] | None:
        minutes, started = self.room_days[room_id, day], self.started(room_id, day)
        five = minutes.five(minutes.hour_of)
        gross = sum(whole_minutes(booking) for booking in started)
        if not (five[0] or five[2] or started):
            return None
        return (room_id, day, *five, gross, len(started), minutes.fragmented())

    def _day_rows(self, is_past: bool) -> Rows:
        rows = [
            self._day_row(room_id, day)
            for room_id, day in self.room_days
            if not self._is_personal(room_id, day) and self.is_past(day) == is_past
        ]
        return [row for row in rows if row is not None]

    def room_days_table(self) -> Rows:
        return self._day_rows(is_past=True)

    def room_days_ahead(self) -> Rows:
        return self._day_rows(is_past=False)

    def _utilization_cells(self) -> Rows:
        rows: Rows = []
        for day in filter(self.is_past, self.days):
            cells: dict[Hashable, list[Room]] = defaultdict(list)
            for r in (self.on(room_id, day) for room_id in self.rooms):
                band = capacity_band(r.capacity)
                cells[r.site, r.building, r.floor, r.room_type, band].append(r)
            for key, rooms in cells.items():
                open_rooms = [
                    r for r in rooms if self.opens_on(r, day) and not self.is_whole(r.room_id, day)
                ]
                read = [r for r in rooms if (r.room_id, day) in self.read]
                started = [b for r in read for b in self.started(r.room_id, day)]
                if not open_rooms and not started:
                    continue
                five = [self.room_days[r.room_id, day] for r in read]
                sums = (
                    sum(len(each.open) for each in five),
                    sum(len(each.booked) for each in five),
                    sum(len(each.held) for each in five),
                    len(started),
                )
                loaded = sum(1 for r in open_rooms if r in read)
                is_known = loaded > 0 or started
                measures = (*sums, ratio(sums[1], sums[0])) if is_known else (None,) * 5
                rows.append((*tuple(key), day, len(open_rooms), loaded, *measures))  # type: ignore[arg-type]  # key is a tuple
        return rows

    def _is_hidden(self, row: tuple[Any, ...]) -> bool:
        return row[3] in PERSONAL and (
            row[7] < self.scenario.options.minimum_group or row[7] < row[6]
        )

    def utilization(self) -> Rows:
        return [row for row in self._utilization_cells() if not self._is_hidden(row)]

    def hour_of_week(self) -> Rows:
        sums: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
        for room_id, day, hour, opened, booked, *_ in self.room_hours():
            room = self.on(room_id, day)
            key = (
                room.building,
                capacity_band(room.capacity),
                iso_week(day),
                day.isoweekday(),
                hour,
            )
            sums[key][0] += opened
            sums[key][1] += booked
        return [(*key, *pair, ratio(pair[1], pair[0])) for key, pair in sums.items()]  # type: ignore[misc]  # key is a tuple

    def rooms_in_use(self) -> Rows:
        return self._rows_in_use(
            lambda room: [(room.site, room.building, capacity_band(room.capacity))]
        )

    def rooms_in_use_by_place(self) -> Rows:
        def places(room: Room) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = []
            if room.site:
                found.append(("site", room.site, None, None))
            if room.building:
                found.append(("building", room.site, room.building, None))
            if room.building and room.floor:
                found.append(("floor", room.site, room.building, room.floor))
            return found

        return self._rows_in_use(places)

    def _rows_in_use(self, places: Callable[[Room], list[tuple[Any, ...]]]) -> Rows:
        rows = []
        for day in filter(self.is_past, self.days):
            groups: dict[tuple[Any, ...], list[Room]] = defaultdict(list)
            for room in self.rooms_on(day):
                for place in places(room) if room.room_type not in PERSONAL else ():
                    groups[place].append(room)
            rows += [self._concurrency(key, rooms, day) for key, rooms in groups.items()]
        return [row for row in rows if row is not None]

    def _concurrency(
        self, key: tuple[Any, ...], rooms: list[Room], day: date
    ) -> tuple[Any, ...] | None:
        read = [self.room_days[r.room_id, day] for r in rooms if (r.room_id, day) in self.read]
        opened = Counter(minute for each in read for minute in each.open)
        booked = Counter(minute for each in read for minute in each.booked)
        if not opened:
            return None
        in_use = sorted(booked[minute] for minute in opened)
        free = [opened[minute] - booked[minute] for minute in opened]
        p95 = in_use[-(-95 * len(in_use) // 100) - 1]
        is_all_read = all((r.room_id, day) in self.read for r in rooms if self.opens_on(r, day))
        sold_out = free.count(0) if len(rooms) >= 2 and is_all_read else None
        rooms_open = sum(1 for each in read if each.open)
        return (*key, day, rooms_open, max(in_use), p95, min(free), sold_out)

    def _counted(self) -> list[tuple[Room, Booking]]:
        return [
            (self.on(room_id, day), booking)
            for room_id, day in self.read
            if self.is_past(day) and not self._is_personal(room_id, day)
            for booking in self.started(room_id, day)
        ]

    def is_closed(self, month: str) -> bool:
        """R17: read to its last day, which is more than trailing_days before the build."""
        year, number = map(int, month.split("-"))
        last = date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)
        age = (self.scenario.now.date() - last).days
        return self.is_past(last) and age > self.scenario.options.trailing_days

    @cached_property
    def profile_cells(self) -> dict[tuple[Any, ...], dict[str | None, list[Booking]]]:
        """Every cell of booking_profile, by level, place, month and measure, band by band."""
        cells: dict[tuple[Any, ...], dict[str | None, list[Booking]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for room, b in self._counted():
            month = f"{b.day:%Y-%m}"
            if not self.is_closed(month):
                continue
            external = {True: "external", False: "internal", None: None}[b.has_external]
            size = capacity_band(room.capacity)
            bands = {
                "duration": duration_band(b),
                "lead_time": lead_time_band(b),
                "kind": b.kind,
                "headcount": headcount_band(b.invited_headcount),
                "external": external,
            }
            places: list[tuple[str | None, ...]] = [("region", None, None, None)]
            if room.site is not None:
                places.append(("site", room.site, None, None))
            if room.building is not None:
                places.append(("building", room.site, room.building, None))
                places.append(("building_size", room.site, room.building, size))
            for place in places:
                for of in (month, None):
                    for measure, band in bands.items():
                        cells[*place, of, measure][band].append(b)
        return cells

    def hidden_utilization_cells(self) -> int:
        return sum(1 for row in self._utilization_cells() if self._is_hidden(row))
