"""Whole invented regions: what is booked in each room on a day, the same for each request.

Each (seed, room, date) has its own random generator, so that a window costs only its own days.
A booking is visible from its creation on, so days ahead fill up as they come nearer. People are
drawn from separate generators, for visible bookings only.
"""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from math import pi, sin
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from pipelines.sandbox.directory import (
    DOMAIN,
    Meeting,
    People,
    Room,
    Site,
    draw_meeting,
    invent_people,
    invent_rooms,
)
from pipelines.sandbox.model import Item, Mailbox, Tenant
from transforms.contract import Region
from transforms.local_time import public_holidays, zone

SEED = 20261122
_LOOK_BACK_DAYS = 7  # more than the longest booking, plus a move to the next day
_CACHED_DAYS = 4000  # the windows of about 20 rooms: GetItem needs what FindItem listed
_QUARTER = timedelta(minutes=15)
_TREND_DAYS = 730  # the period of a site's slow rise and fall
_FAR_ZONES: Final = (
    ("America/New_York", "Eastern Standard Time"),
    ("Asia/Tokyo", "Tokyo Standard Time"),
    ("Europe/Berlin", "W. Europe Standard Time"),
    ("America/Los_Angeles", "Pacific Standard Time"),
)
# Weights of local starting hours from 7 to 18 on a working day: peaks at 10 and 14.
_BY_HOUR = (1, 4, 10, 15, 9, 3, 9, 14, 10, 7, 3, 1)
_CUMULATED = list(accumulate(_BY_HOUR))

LENGTHS: Final = (1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 6, 6, 8, 12, 16)
"""Lengths of single meetings in quarters of an hour, repeated by their frequency."""

_BY_WEEKDAY = (1.0, 1.1, 1.15, 1.05, 0.75, 0.04, 0.02)

# Share in per mille; LegacyFreeBusyStatus, MyResponseType, IsCancelled, Sensitivity.
_STATUSES: Final = (
    (600, ("Busy", "Accept", False, "Normal")),
    (220, ("Busy", "Unknown", False, "Normal")),
    (10, ("Busy", "Organizer", False, "Normal")),
    (10, ("Busy", "NoResponseReceived", False, "Normal")),
    (30, ("Tentative", "Tentative", False, "Normal")),
    (10, ("Tentative", "NoResponseReceived", False, "Normal")),
    (10, ("Busy", "Tentative", False, "Normal")),
    (15, ("Free", "Decline", False, "Normal")),
    (5, ("Busy", "Decline", False, "Normal")),
    (10, ("Free", "Accept", False, "Normal")),
    (5, ("OOF", "Accept", False, "Normal")),
    (3, ("WorkingElsewhere", "Accept", False, "Normal")),
    (2, ("NoData", "Unknown", False, "Normal")),
    (25, ("Free", "Accept", True, "Normal")),
    (5, ("Busy", "Accept", True, "Normal")),
    (25, ("Busy", "Accept", False, "Private")),
    (7, ("Busy", "Unknown", False, "Confidential")),
    (8, ("Busy", "Accept", False, "Personal")),
)
_BY_CHANCE = [each for share, each in _STATUSES for _ in range(share)]

# Cumulated chance; least and most minutes between creation and start.
_LEADS: Final = (
    (0.12, 0, 15),
    (0.28, 15, 120),
    (0.50, 120, 1440),
    (0.76, 1440, 7 * 1440),
    (0.93, 7 * 1440, 30 * 1440),
    (0.99, 30 * 1440, 100 * 1440),
    (1.00, 100 * 1440, 180 * 1440),
)
_LEAD_LIMITS = [limit for limit, _, _ in _LEADS]
_PLANNED = 0.50  # whole days are booked at least a day ahead: later, hours of them are taken

ERA_DAYS = 182
_SHARE = 0.42  # of series among the bookings of a usual room
_CROWDED = 10  # bookings a day above which people book without looking whether it is free
_CROWDED_SHARE = 0.75


def pick_quarter(random: Random) -> int:
    """Return a start within the working day, in quarters of an hour from local midnight."""
    hour = 7 + bisect(_CUMULATED, random.random() * _CUMULATED[-1])
    part = random.random()
    return hour * 4 + (0 if part < 0.62 else 2 if part < 0.9 else 1 if part < 0.95 else 3)


@lru_cache(maxsize=20_000)
def season_of(site: Site, day: date, seed: int) -> float:
    """Return how busy a site is on a date, as a factor of usual days of that weekday.

    Close to nothing on public holidays and over Christmas, less in July and in four weeks a year
    of each site's own. A slow trend makes years busier or quieter.
    """
    if day in public_holidays(site.country or None, site.subdivision or None, [day.year]):
        return 0.03
    if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
        return 0.1
    year, week, _ = day.isocalendar()
    quiet = Random(f"{seed}/{site.code}/{year}/quiet weeks").sample(range(1, 53), 4)  # noqa: S311
    phase = Random(f"{seed}/{site.code}/trend").random()  # noqa: S311  invented meetings
    trend = 1 + 0.25 * sin(2 * pi * (day.toordinal() / _TREND_DAYS + phase))
    return trend * (0.6 if day.month == 7 or week in quiet else 1.0)


def lead_time(random: Random, least_chance: float = 0.0) -> timedelta:
    """Draw how long before its start a meeting was created, to the second."""
    chance = least_chance + (1 - least_chance) * random.random()
    _, least, most = _LEADS[bisect(_LEAD_LIMITS, chance)]
    return timedelta(seconds=int((least + random.random() * (most - least)) * 60))


@dataclass(frozen=True)
class Series:
    """A meeting every week or two on some weekdays, at a local time, between two dates.

    ``quarter`` is its start and ``quarters`` its length, both in quarters of an hour.
    """

    uid: str
    weekdays: frozenset[int]
    weeks: int
    first_date: date
    last_date: date
    quarter: int
    quarters: int
    created_at: datetime
    meeting: Meeting

    def meets(self, day: date) -> bool:
        """Tell whether there is an occurrence on a local date (one of its weekdays)."""
        return (
            self.first_date <= day <= self.last_date
            and (day - self.first_date).days // 7 % self.weeks == 0
        )


class Schedules:
    """The calendars of every room of a tenant: ``provider(room)`` is a mailbox's items."""

    def __init__(self, people: People, seed: int, now: datetime) -> None:
        self._people = people
        self._seed = seed
        self._now = now
        self._series = lru_cache(maxsize=_CACHED_DAYS // 20)(self._series_of_era)
        self._day = lru_cache(maxsize=_CACHED_DAYS)(self._items_of_day)

    def provider(self, room: Room) -> Callable[[datetime, datetime], Iterator[Item]]:
        """Return a room's provider: it yields all items that touch [start, end), and more."""
        local = zone(room.site.time_zone)

        def items(start: datetime, end: datetime) -> Iterator[Item]:
            first = start.astimezone(local).toordinal() - _LOOK_BACK_DAYS
            last = end.astimezone(local).toordinal() + 1
            for ordinal in range(first, last + 1):
                yield from self._day(room, ordinal)

        return items

    def _series_of_era(self, room: Room, era: int) -> Sequence[Sequence[Series]]:
        """Return, by weekday, the series that begin in the ``era``-th half-year (``ERA_DAYS``)."""
        random = Random(f"{self._seed}/{room.address}/series/{era}")  # noqa: S311  invented meetings
        is_crowded = room.popularity > _CROWDED
        wanted = round(room.popularity * 8 * (_CROWDED_SHARE if is_crowded else _SHARE))
        by_weekday: list[list[Series]] = [[] for _ in range(7)]
        taken = [0] * 7
        for _ in range(wanted):
            weekdays = frozenset(range(5))
            if random.random() >= 0.04:
                weekdays = frozenset({random.randrange(5)})
            first = date.fromordinal(era * ERA_DAYS + random.randrange(ERA_DAYS))
            noon = datetime.combine(first, time(12), zone(room.site.time_zone)).astimezone(UTC)
            series = Series(
                uid=f"040000008200E00074C5B7101A82E008{random.getrandbits(128):032X}",
                weekdays=weekdays,
                weeks=random.choice((1, 1, 1, 2)),
                first_date=first,
                last_date=first + timedelta(days=random.randint(21, ERA_DAYS - 1)),
                quarter=pick_quarter(random),
                quarters=random.choice((2, 2, 2, 4, 4, 4, 6, 8)),
                created_at=noon - timedelta(minutes=random.randint(60, 45 * 1440)),
                meeting=draw_meeting(room, self._people, random),
            )
            mask = (1 << series.quarters) - 1 << series.quarter
            if not is_crowded and any(taken[weekday] & mask for weekday in series.weekdays):
                continue
            for weekday in series.weekdays:
                taken[weekday] |= mask
                by_weekday[weekday].append(series)
        return by_weekday

    def _items_of_day(self, room: Room, ordinal: int) -> tuple[Item, ...]:
        """Return the items planned for a local date (a few start the day before or after)."""
        if room.popularity == 0:
            return ()
        day = _Day(room, self._people, date.fromordinal(ordinal), self._seed, self._now)
        era, weekday = ordinal // ERA_DAYS, (ordinal - 1) % 7
        for each in (era - 1, era):
            for series in self._series(room, each)[weekday]:
                if series.meets(day.date):
                    day.add_occurrence(series)
        day.add_singles()
        day.add_oddity()
        return tuple(day.items)


class _Day:
    """One room's local date while it is filled; ``_taken`` has a bit for each quarter-hour."""

    def __init__(self, room: Room, people: People, day: date, seed: int, now: datetime) -> None:
        self.date = day
        self.items: list[Item] = []
        self._room = room
        self._people = people
        self._now = now
        self._zone = zone(room.site.time_zone)
        self._random = Random(f"{seed}/{room.address}/{day}")  # noqa: S311  invented meetings
        self._season = season_of(room.site, day, seed)
        self._taken = 0
        self._drawn = 0

    def add_occurrence(self, series: Series) -> None:
        """Add a series' occurrence on this date: as planned or moved; or nothing, if deleted."""
        quarter, kind, day, chance = series.quarter, "Occurrence", self.date, self._random.random()
        if chance < 0.05 or self._random.random() > self._season:
            return
        if chance < 0.12:
            quarter, kind = max(28, quarter + self._random.choice((-8, -4, 4, 8))), "Exception"
        elif chance < 0.13:
            day, kind = day + timedelta(days=1), "Exception"
        self._taken |= (1 << series.quarters) - 1 << quarter
        starts_at = self._at(quarter, day)
        length = series.quarters * _QUARTER
        self._add(starts_at, length, series.created_at, kind=kind, series=series)

    def add_singles(self) -> None:
        """Add single meetings where the room is free; a few may overlap others."""
        expected = self._room.popularity * 0.85 * _BY_WEEKDAY[self.date.weekday()] * self._season
        for _ in range(int(expected + self._random.random())):
            quarter, quarters = pick_quarter(self._random), self._random.choice(LENGTHS)
            mask = (1 << quarters) - 1 << quarter
            if self._taken & mask and self._random.random() > 0.06:
                continue
            self._taken |= mask
            self._add_single(self._at(quarter, self.date), quarters * _QUARTER)

    def add_oddity(self) -> None:
        """Add, on few days, a booking that breaks naive arithmetic."""
        chance = self._random.random() * 100 / min(1.0, self._room.popularity)
        if chance < 0.8:
            days = self._random.choice((1, 1, 2, 3))
            self._add_all_day(self._zone, self._room.site.windows_zone, days)
        elif chance < 1.3:
            name, windows_zone = self._random.choice(_FAR_ZONES)
            self._add_all_day(zone(name), windows_zone, 1)
        elif chance < 1.8:  # across midnight
            quarter = self._random.choice((88, 90, 92))
            self._add_single(self._at(quarter, self.date), timedelta(hours=3))
        elif chance < 2.1:  # several days
            length = timedelta(days=self._random.randint(1, 4), hours=7)
            self._add_single(self._at(36, self.date), length, _PLANNED)
        elif chance < 2.2:  # no length at all
            self._add_single(self._at(40, self.date), timedelta(0))

    def _at(self, quarter: int, day: date) -> datetime:
        wall = datetime.combine(day, time(), self._zone) + quarter * _QUARTER
        return wall.astimezone(UTC)

    def _add_single(
        self, starts_at: datetime, length: timedelta, least_chance: float = 0.0
    ) -> None:
        created_at = starts_at - lead_time(self._random, least_chance)
        self._add(starts_at, length, created_at)

    def _add_all_day(self, dated_in: ZoneInfo, windows_zone: str, days: int) -> None:
        first = datetime.combine(self.date, time(), dated_in)
        starts_at = first.astimezone(UTC)
        length = (first + timedelta(days=days)).astimezone(UTC) - starts_at
        created_at = starts_at - lead_time(self._random, _PLANNED) - timedelta(hours=10)
        self._add(starts_at, length, created_at, all_day_zone=windows_zone)

    def _add(  # noqa: PLR0913 - what is known of a booking before people are drawn for it
        self,
        starts_at: datetime,
        length: timedelta,
        created_at: datetime,
        *,
        kind: str = "Single",
        series: Series | None = None,
        all_day_zone: str = "",
    ) -> None:
        """Add a booking's item, unless it has not been created yet; a single one has no series.

        Either way it draws the same random numbers, so bookings never depend on ``now``.
        """
        self._drawn += 1
        chance, own_seed = self._random.random(), self._random.getrandbits(62)
        if created_at > self._now:
            return
        if series is not None:
            meeting = series.meeting
        else:
            own = Random(own_seed)  # noqa: S311  invented people
            meeting = draw_meeting(self._room, self._people, own)
        status = _BY_CHANCE[int(chance * len(_BY_CHANCE))]
        free_busy, response, is_cancelled, sensitivity = status
        if sensitivity == "Private" and not self._room.keeps_details:
            sensitivity = "Normal"
        item = Item(
            starts_at=starts_at,
            ends_at=starts_at + length,
            is_all_day=bool(all_day_zone),
            is_cancelled=is_cancelled,
            sensitivity=sensitivity,
            item_type=kind,
            free_busy=free_busy,
            my_response=response,
            created_at=created_at,
            series_id=series.uid if series else None,
            item_id=f"{self.date.toordinal():x}.{self._drawn:x}",
            start_time_zone=all_day_zone or self._room.site.windows_zone,
            **meeting,
        )
        self.items.append(item)


def generated_tenant(
    region: Region, rooms: int = 40, seed: int = SEED, now: datetime | None = None
) -> Tenant:
    """Return a region with that many rooms, whose calendars are generated on request.

    The same arguments give the same calendars. Bookings created after ``now`` (default: this
    moment) do not exist yet.
    """
    now = now or datetime.now(UTC)
    people = invent_people(region, staff=min(3000, 150 + 8 * rooms), seed=seed)
    schedules = Schedules(people, seed, now)
    directory = invent_rooms(region, rooms, seed, now.date())
    mailboxes, lists = [], dict[str, tuple[str, ...]]()
    for number, room in enumerate(directory):
        mailbox = Mailbox(room.address, room.name, provider=schedules.provider(room))
        mailbox.directory = room.row()
        mailboxes.append(mailbox)
        # One list for each building; every tenth room is in none, as in real companies.
        slug = room.building.lower().replace(" ", "-")
        address = f"rooms.{room.site.code.lower()}.{slug}@{DOMAIN}"
        lists[address] = lists.get(address, ()) + ((room.address,) if number % 10 != 9 else ())
    return Tenant(mailboxes, room_lists=lists)


def directory_rows(tenant: Tenant) -> list[dict[str, str]]:
    """Return the tenant's rooms as rows of the operator's CSV, in its columns.

    ``exchange`` is empty. Rooms made by hand have only room_id, address, name and time_zone.
    """
    return [
        mailbox.directory
        or {
            "room_id": mailbox.address.partition("@")[0],
            "address": mailbox.address,
            "name": mailbox.name,
            "time_zone": "UTC",
        }
        for mailbox in tenant.mailboxes.values()
        if mailbox.is_room
    ]
