"""Invented people and what they meet for: names, sizes, series, and how likely each thing is."""

import unicodedata
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from typing import Any, Final, TypeAlias

from faker import Faker

from pipelines.sandbox.directory import DOMAIN, Room
from pipelines.sandbox.model import Person
from transforms.local_time import zone

_GUEST_DOMAINS = ("fabrikam.example", "northwind.example", "tailspin.example", "adatum.example")
_LOCALES = {
    "EU": ("da_DK", "en_GB", "pt_PT", "de_DE"),
    "NA": ("en_US", "en_CA", "fr_CA"),
    "APAC": ("en_AU", "en_IN", "en_NZ"),
}
_ELSEWHERE = ("en_US", "en_GB")
_LIST_TYPES = ("PublicDL", "GroupMailbox", "PrivateDL")


@dataclass(frozen=True)
class People:
    """Whoever can be in a meeting, and the words that they use."""

    staff: Sequence[Person]
    guests: Sequence[Person]
    lists: Sequence[Person]
    leavers: Sequence[Person]
    """Organizers that Exchange knows by a legacy DN only."""
    subjects: Sequence[str]
    notes: Sequence[str]


def invent_people(region: str, staff: int, seed: int) -> People:
    """Return the people of a region, always the same for the same arguments."""
    faker = Faker(list(_LOCALES.get(region, _ELSEWHERE)), use_weighting=False)
    faker.seed_instance(f"{seed}/{region}")
    random = Random(f"{seed}/{region}/people")  # noqa: S311  invented people need no secrecy
    words = Faker("en_US")
    words.seed_instance(f"{seed}/{region}/words")
    return People(
        staff=[_person(faker.name(), number, DOMAIN) for number in range(staff)],
        guests=[
            _person(faker.name(), number, random.choice(_GUEST_DOMAINS))
            for number in range(max(20, staff // 4))
        ],
        lists=[_list(words.job(), number) for number in range(12)],
        leavers=[_leaver(faker.name(), number) for number in range(8)],
        subjects=[words.catch_phrase() for _ in range(150)],
        notes=[words.paragraph() for _ in range(60)],
    )


def _person(name: str, number: int, domain: str) -> Person:
    kind = "Mailbox" if domain == DOMAIN else "OneOff"
    return Person(name, f"{_slug(name)}.{number}@{domain}", mailbox_type=kind)


def _list(name: str, number: int) -> Person:
    kind = _LIST_TYPES[number % len(_LIST_TYPES)]
    return Person(f"All {name}s", f"all.{_slug(name)}.{number}@{DOMAIN}", mailbox_type=kind)


def _leaver(name: str, number: int) -> Person:
    legacy = (
        "/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS"
        f"/CN={number:032X}-{_slug(name).upper()}"
    )
    return Person(name, legacy, routing_type="EX", mailbox_type="OneOff")


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return ".".join("".join(filter(str.isalnum, word)) for word in plain.split() if word.strip("."))


# How meetings of a working day start, by local hour from 7 to 18: peaks at 10 and 14.
_BY_HOUR = (1, 4, 10, 15, 9, 3, 9, 14, 10, 7, 3, 1)
_CUMULATED = list(accumulate(_BY_HOUR))


Meeting: TypeAlias = dict[str, Any]
"""The fields of an item that have no time: people and words."""


def pick_quarter(random: Random) -> int:
    """Return a start within the working day, in quarters of an hour from local midnight."""
    hour = 7 + bisect(_CUMULATED, random.random() * _CUMULATED[-1])
    part = random.random()
    return hour * 4 + (0 if part < 0.62 else 2 if part < 0.9 else 1 if part < 0.95 else 3)


def draw_meeting(room: Room, people: People, random: Random) -> Meeting:
    """Draw the people and words of one meeting in a room."""
    staff, chance = people.staff, random.random()
    first, step = random.randrange(len(staff)), random.randrange(1, 12)
    size = _size(room, random)
    team = [staff[(first + step * number) % len(staff)] for number in range(size)]
    organizer = people.leavers[first % len(people.leavers)] if chance < 0.02 else team[0]
    invited = team[1:] if random.random() < 0.6 else team
    split = len(invited) - (len(invited) // 3 if random.random() < 0.3 else 0)
    required, optional = tuple(invited[:split]), tuple(invited[split:])
    if chance > 0.86:
        required += (people.guests[first % len(people.guests)],)
    if 0.80 < chance < 0.86:
        required += (people.lists[first % len(people.lists)],)
    return dict(  # noqa: C408 - fields
        organizer=organizer,
        required=required,
        optional=optional,
        resources=(Person(room.name, room.address),),
        subject=people.subjects[first % len(people.subjects)] if room.keeps_details else None,
        body=people.notes[step % len(people.notes)] if room.keeps_details and chance < 0.3 else "",
        location=f"{organizer.name}'s place" if 0.2 < chance < 0.22 else room.name,
        categories=(people.subjects[step],) if 0.3 < chance < 0.34 else (),
        is_online=random.random() < 0.55,
    )


def _size(room: Room, random: Random) -> int:
    """Draw how many meet: mostly fewer than there are seats, sometimes more."""
    return max(1, min(150, round(random.triangular(1, room.seats * 1.15, room.seats * 0.4))))


LENGTHS: Final = (1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 6, 6, 8, 12, 16)
"""Lengths of single meetings in quarters of an hour, as often as they are."""

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

# Chance below which; least and most minutes between creation and start.
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


def level_of(day: date) -> float:
    """Return how busy a date is, against a usual working day."""
    if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
        return _BY_WEEKDAY[day.weekday()] * 0.1
    return _BY_WEEKDAY[day.weekday()] * (0.6 if day.month == 7 else 1.0)


def draw_status(chance: float) -> tuple[str, str, bool, str]:
    """Return free/busy, response, whether it is cancelled, and sensitivity for a chance below 1."""
    return _BY_CHANCE[int(chance * len(_BY_CHANCE))]


def lead_time(random: Random) -> timedelta:
    """Draw how long before its start a meeting was created, to the second."""
    _, least, most = _LEADS[bisect(_LEAD_LIMITS, random.random())]
    return timedelta(seconds=int((least + random.random() * (most - least)) * 60))


ERA_DAYS = 182
_SHARE = 0.42  # of the bookings of a usual room
_CROWDED = 10  # bookings a day: whoever books there does not ask whether it is free
_CROWDED_SHARE = 0.75


@dataclass(frozen=True)
class Series:
    """A meeting every week or two on some weekdays, at a local time, between two dates.

    ``quarter`` is its start and ``quarters`` its length, in quarters of an hour.
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
        """Tell whether the rule has an occurrence on a local date of one of its weekdays."""
        return (
            self.first_date <= day <= self.last_date
            and (day - self.first_date).days // 7 % self.weeks == 0
        )


def series_of_era(room: Room, people: People, seed: int, era: int) -> Sequence[Sequence[Series]]:
    """Return, by weekday, the series that begin in a half-year (the ``era``-th ``ERA_DAYS``)."""
    random = Random(f"{seed}/{room.address}/series/{era}")  # noqa: S311  invented meetings
    is_crowded = room.popularity > _CROWDED
    wanted = round(room.popularity * 8 * (_CROWDED_SHARE if is_crowded else _SHARE))
    by_weekday: list[list[Series]] = [[] for _ in range(7)]
    taken = [0] * 7
    for _ in range(wanted):
        series = _draw(room, people, random, era * ERA_DAYS)
        mask = (1 << series.quarters) - 1 << series.quarter
        if not is_crowded and any(taken[weekday] & mask for weekday in series.weekdays):
            continue
        for weekday in series.weekdays:
            taken[weekday] |= mask
            by_weekday[weekday].append(series)
    return by_weekday


def _draw(room: Room, people: People, random: Random, first_ordinal: int) -> Series:
    weekdays = frozenset(range(5)) if random.random() < 0.04 else frozenset({random.randrange(5)})
    first = date.fromordinal(first_ordinal + random.randrange(ERA_DAYS))
    noon = datetime.combine(first, time(12), zone(room.site.time_zone)).astimezone(UTC)
    return Series(
        uid=f"040000008200E00074C5B7101A82E008{random.getrandbits(128):032X}",
        weekdays=weekdays,
        weeks=random.choice((1, 1, 1, 2)),
        first_date=first,
        last_date=first + timedelta(days=random.randint(21, ERA_DAYS - 1)),
        quarter=pick_quarter(random),
        quarters=random.choice((2, 2, 2, 4, 4, 4, 6, 8)),
        created_at=noon - timedelta(minutes=random.randint(60, 45 * 1440)),
        meeting=draw_meeting(room, people, random),
    )
