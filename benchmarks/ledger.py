"""Compare the ledger's changes with those made to simulated calendars (R19).

``python -m benchmarks.ledger`` simulates 10,000 room-nights; a test simulates fewer. Bookings have
ids here, which the ledger never sees; comparing a booking at the last good reading with itself now
gives the expected change. Nights fail for some rooms, are repeated, and are killed. Kinds are
compared only as single or not: the ledger cannot tell two series bookings at one time apart.
"""

import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa

from transforms.contract.lake import CHANGES, ROOMS
from transforms.local_time import day_start, local_date, zone
from transforms.raw import RawItem
from transforms.redact import RoomContext, redact
from warehouse.lake import Lake
from warehouse.nightly import apply_night, staging
from warehouse.storage.disk import DiskStorage

Change: TypeAlias = tuple[Any, ...]

_FIRST_NIGHT: Final = date(2026, 10, 12)  # clocks go back in both zones within the nights
_TRAILING, _AHEAD = 3, 30
_ZONES: Final = ("Europe/Copenhagen", "America/New_York")
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_OPENS, _CLOSES = 8, 18
_BLOCKS: Final = frozenset({"busy", "oof", "tentative"})


@dataclass(frozen=True)
class Booking:
    """A booking of a simulated calendar."""

    number: int
    series: int | None
    created_at: datetime | None
    kind: str
    starts_at: datetime
    ends_at: datetime
    show_as: str = "busy"
    response: str = "accept"
    is_cancelled: bool = False

    @property
    def blocks(self) -> bool:
        """Whether it holds the room."""
        is_shown = self.show_as in _BLOCKS and self.response != "decline"
        return is_shown and not self.is_cancelled and self.ends_at > self.starts_at

    @property
    def item(self) -> RawItem:
        """The booking in the form that a source hands over."""
        times, words = (self.starts_at, self.ends_at), (self.kind, self.show_as, self.response)
        stated = {"is_online": None}
        return RawItem(
            *times, False, self.is_cancelled, *words, False, self.created_at, None, stated
        )


@dataclass
class Room:
    """A simulated room: its calendar now, and at the last good reading."""

    room_id: str
    zone: ZoneInfo
    bookings: dict[int, Booking] = field(default_factory=dict)
    seen: dict[int, Booking] = field(default_factory=dict)
    read_at: datetime | None = None
    last_day_read: date = date.min
    touched: set[int] = field(default_factory=set)


class PowerCut(BaseException):
    """Simulates the sudden end of the process."""


class Simulation:
    """Calendars that people change by day and nights read; all random numbers have one seed."""

    def __init__(self, folder: Path, rooms: int, seed: int) -> None:
        self.random = Random(seed)
        self.lake = Lake(folder / "lake", "EU")
        self.numbers = itertools.count()
        self.done: Counter[str] = Counter()
        self.expected: Counter[Change] = Counter()
        self.rooms = [
            Room(f"room-{number:04}", zone(_ZONES[number % len(_ZONES)])) for number in range(rooms)
        ]
        row = {"room_type": "other", "open_hours": f"Mon-Fri {_OPENS:02}:00-{_CLOSES}:00"}
        rows = [row | {"room_id": each.room_id, "time_zone": each.zone.key} for each in self.rooms]
        self.lake.replace("rooms", None, pa.Table.from_pylist(rows, ROOMS))
        for room in self.rooms:
            for _ in range(12):
                self._book(room, _FIRST_NIGHT)
            for _ in range(3):
                self._book_series(room)

    def run(self, nights: int) -> dict[str, Any]:
        """Simulate that many nights; return counts of changes made, found, missed and invented."""
        begun, taken = time.monotonic(), 0.0
        for number in range(nights):
            today = _FIRST_NIGHT + number * _DAY
            if number:
                for room in self.rooms:
                    for _ in range(self.random.randrange(3)):
                        self._change(room, today)
            before = time.monotonic()
            self._read(today, datetime(today.year, today.month, today.day, 1, 30, tzinfo=UTC))
            taken += time.monotonic() - before
        found = self._found()
        kinds = Counter(change[1] for change in found.elements())
        return {
            "room_nights": nights * len(self.rooms),
            "done": dict(sorted(self.done.items())),
            "found": dict(sorted(kinds.items())),
            "missed": (self.expected - found).total(),
            "invented": (found - self.expected).total(),
            "seconds": round(time.monotonic() - begun, 1),
            "seconds_of_nights": round(taken, 1),
        }

    def _found(self) -> Counter[Change]:
        found: Counter[Change] = Counter()
        for night in self.lake.days("changes"):
            table = self.lake.read("changes", night)
            rows = table.to_pylist() if table is not None else []
            for row in rows:
                row["kind"] = row["kind"] == "single"
                found[tuple(row[name] for name in CHANGES.names)] += 1
        return found

    def _read(self, today: date, read_at: datetime) -> None:
        """Read all rooms; now and then kill a night first, or repeat it afterwards."""
        if self.random.random() < 0.25:
            with self._killed():
                self._night(today, read_at)
            with self.lake.exclusive():
                pass
            self._note_if_counted(read_at)
            read_at += timedelta(minutes=20)
        self._night(today, read_at)
        self._note_if_counted(read_at)
        if self.random.random() < 0.2:
            self.done["repeated night"] += 1
            self._night(today, read_at + timedelta(minutes=40))
            self._note_if_counted(read_at + timedelta(minutes=40))

    def _night(self, today: date, read_at: datetime) -> None:
        days = [today + offset * _DAY for offset in range(-_TRAILING, _AHEAD + 1)]
        self._days = days
        failed = {room.room_id for room in self.rooms if self.random.random() < 0.08}
        self._reading = [room for room in self.rooms if room.room_id not in failed]
        self.done["failed room"] += len(failed)
        loaded = {room.room_id: read_at for room in self._reading}
        spans = {
            room.room_id: (day_start(days[0], room.zone), day_start(days[-1] + _DAY, room.zone))
            for room in self.rooms
        }
        with self.lake.exclusive(), staging(self.lake) as run:
            for room in self._reading:
                context = RoomContext(room.room_id, "", room.zone, frozenset(), frozenset())
                items = [booking.item for booking in room.bookings.values()]
                run.add(redact(items, context, read_at, days[0], days[-1]))
            apply_night(
                *(self.lake, run, days, [room.room_id for room in self.rooms], loaded),
                *(dict.fromkeys(failed, "HTTP503"), spans, (), today),
            )

    @contextmanager
    def _killed(self) -> Iterator[None]:
        """Simulate a kill at one of the steps on the disk."""
        steps, last = itertools.count(), self.random.randrange(240)
        kept = {name: getattr(DiskStorage, name) for name in ("put", "move")}

        def cut(step: Callable[..., None]) -> Callable[..., None]:
            def either(*arguments: object) -> None:
                if next(steps) >= last:
                    raise PowerCut
                step(*arguments)

            return either

        for name, step in kept.items():
            setattr(DiskStorage, name, cut(step))
        try:
            yield
        except PowerCut:
            self.done["killed night"] += 1
        finally:
            for name, step in kept.items():
                setattr(DiskStorage, name, step)

    def _note_if_counted(self, read_at: datetime) -> None:
        """For rooms whose reading is in the lake, note the changes that it must have found."""
        coverage = self.lake.read("coverage", self._days[0])
        rows = coverage.to_pylist() if coverage is not None else []
        counted = {row["room_id"] for row in rows if row["read_at"] == read_at}
        for room in self._reading:
            if room.room_id in counted and room.read_at != read_at:
                self._expect(room, read_at)
                room.seen, room.read_at = dict(room.bookings), read_at
                room.last_day_read = self._days[-1]
                room.touched.clear()

    def _expect(self, room: Room, read_at: datetime) -> None:
        if room.read_at is None:
            return
        for number in {*room.seen, *room.bookings}:
            old, new = (each.get(number) for each in (room.seen, room.bookings))
            was, is_now = self._held(room, old, room.last_day_read), self._held(room, new)
            keeps = []
            if was and is_now and old and new:
                keeps = [old.starts_at == new.starts_at, old.ends_at == new.ends_at]
            if keeps and old and new and old.created_at is not None:
                if not all(keeps):
                    self._add(room, "resized" if any(keeps) else "moved", old, new, read_at)
            elif not keeps or not all(keeps):
                if was and old:
                    self._add(room, "cancelled", old, None, read_at)
                if is_now and new and self._day(room, new) <= room.last_day_read:
                    self._add(room, "new", new, None, read_at)

    def _held(self, room: Room, booking: Booking | None, last_day: date = date.max) -> bool:
        """Tell whether a reading up to ``last_day`` saw the booking, and it holds the room."""
        if booking is None or not booking.blocks:
            return False
        return self._days[0] <= self._day(room, booking) <= min(last_day, self._days[-1])

    def _add(
        self, room: Room, change: str, old: Booking, new: Booking | None, read_at: datetime
    ) -> None:
        given_back = 0 if change == "new" else self._given_back(room, old, read_at)
        times = (new.starts_at, new.ends_at) if new else (None, None)
        told = (room.room_id, change, old.kind == "single", old.starts_at, old.ends_at, *times)
        self.expected[*told, old.created_at, room.read_at, read_at, given_back] += 1

    def _given_back(self, room: Room, old: Booking, read_at: datetime) -> int:
        """Count the open minutes, one by one, that no other booking held before and still does."""
        others = [
            each
            for number, each in room.bookings.items()
            if each.blocks and (number == old.number or self._is_as_before(room, each))
        ]
        near = [b for b in others if b.starts_at < old.ends_at and b.ends_at > old.starts_at]
        minute, count = max(old.starts_at, read_at), 0
        while minute < old.ends_at:
            wall = minute.astimezone(room.zone)
            is_open = wall.weekday() < 5 and _OPENS <= wall.hour < _CLOSES
            count += is_open and not any(b.starts_at <= minute < b.ends_at for b in near)
            minute += timedelta(minutes=1)
        return count

    def _is_as_before(self, room: Room, booking: Booking) -> bool:
        if booking.created_at is None:
            return True  # the ledger cannot know otherwise
        old = room.seen.get(booking.number)
        return (
            old is not None
            and old.blocks
            and (old.created_at, old.starts_at, old.ends_at)
            == (booking.created_at, booking.starts_at, booking.ends_at)
        )

    def _day(self, room: Room, booking: Booking) -> date:
        return local_date(booking.starts_at, room.zone)

    # What people do.

    def _change(self, room: Room, today: date) -> None:
        do = self.random.choices(
            (self._book_one, self._cancel, self._move, self._resize, self._confirm, self._cut),
            (5, 4, 4, 4, 1, 1),
        )[0]
        do(room, today)

    def _book_one(self, room: Room, today: date) -> None:
        self._book(room, today)
        self.done["booked"] += 1

    def _book(self, room: Room, today: date) -> None:
        number = next(self.numbers)
        starts_at = self._moment(room, today)
        created_at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(seconds=number)
        booking = Booking(
            number,
            None,
            created_at if self.random.random() > 0.04 else None,
            "single",
            starts_at,
            starts_at + self.random.choice((1, 2, 4)) * _HOUR / 2,
            self.random.choice(("busy", "busy", "oof", "tentative")),
        )
        room.bookings[number] = booking

    def _book_series(self, room: Room) -> None:
        series, hour = next(self.numbers), self.random.randrange(9, 17)
        created_at = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(seconds=series)
        first = _FIRST_NIGHT - timedelta(days=self.random.randrange(10))
        for place in range(120 if self.random.random() < 0.5 else 18):
            step = 1 if place and series % 2 else 7
            day = first + place * step * _DAY
            starts_at = datetime(day.year, day.month, day.day, hour, tzinfo=room.zone)
            number, starts_at = next(self.numbers), starts_at.astimezone(UTC)
            room.bookings[number] = Booking(
                number, series, created_at, "occurrence", starts_at, starts_at + _HOUR
            )

    def _moment(self, room: Room, today: date) -> datetime:
        day = today + timedelta(days=self.random.randrange(2, _AHEAD - 12))
        hour, minute = self.random.randrange(7, 20), self.random.choice((0, 15, 30))
        wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=room.zone)
        return wall.astimezone(UTC)

    def _pick(self, room: Room, today: date) -> Booking | None:
        """Return a future booking that has not changed since the last good reading."""
        ahead = [
            booking
            for booking in room.bookings.values()
            if today + _DAY < self._day(room, booking) < today + timedelta(days=_AHEAD - 12)
            if booking.blocks and not {booking.number, booking.series} & room.touched
        ]
        if not ahead:
            return None
        chosen = self.random.choice(ahead)
        room.touched |= {chosen.number} if chosen.series is None else {chosen.series}
        return chosen

    def _cancel(self, room: Room, today: date) -> None:
        if booking := self._pick(room, today):
            is_kept = {"is_cancelled": True}, {"response": "decline"}, {"show_as": "free"}
            if changed := self.random.choice(({}, *is_kept)):
                room.bookings[booking.number] = replace(booking, **changed)
            else:
                del room.bookings[booking.number]
            self.done["cancelled"] += 1

    def _move(self, room: Room, today: date) -> None:
        if booking := self._pick(room, today):
            starts_at = self._moment(room, today)
            ends_at = starts_at + (booking.ends_at - booking.starts_at)
            self._edit(room, booking, "moved", starts_at=starts_at, ends_at=ends_at)

    def _resize(self, room: Room, today: date) -> None:
        if booking := self._pick(room, today):
            by = self.random.choice((-1, 1)) * _HOUR / 4
            end = self.random.choice(("ends_at", "starts_at"))
            self._edit(room, booking, "resized", **{end: getattr(booking, end) + by})

    def _confirm(self, room: Room, today: date) -> None:
        if booking := self._pick(room, today):
            self._edit(room, booking, "edited in place", show_as="busy")

    def _edit(self, room: Room, booking: Booking, what: str, **changed: object) -> None:
        kind = "single" if booking.series is None else "exception"
        room.bookings[booking.number] = replace(booking, **changed, kind=kind)  # type: ignore[arg-type]
        self.done[what] += 1

    def _cut(self, room: Room, today: date) -> None:
        booking = self._pick(room, today)
        if booking is None or booking.series is None:
            return
        for each in list(room.bookings.values()):
            if each.series == booking.series and each.starts_at >= booking.starts_at:
                del room.bookings[each.number]
        self.done["series cut"] += 1


def main(rooms: int = 200, nights: int = 50, seed: int = 1) -> int:
    """Simulate and print the figures; return 1 if a change was missed or invented."""
    setattr(os, "fsync", _no_wait)  # noqa: B010 - only processes are killed, so the disk may lag behind
    with tempfile.TemporaryDirectory() as folder:
        figures = Simulation(Path(folder), rooms, seed).run(nights)
    print(json.dumps(figures, indent=2))
    return 1 if figures["missed"] or figures["invented"] else 0


def _no_wait(_: object) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
