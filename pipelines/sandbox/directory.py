"""The invented rooms of a region (place, size, popularity), and the people who meet in them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Final, TypeAlias

import yaml
from faker import Faker

from pipelines.sandbox.model import Person

DOMAIN = "contoso.example"
_TWO_PARTS: Final = "Mon-Fri 08:00-12:00, 13:00-18:00; Sat 09:00-12:00"


@dataclass(frozen=True, eq=False)
class Site:
    """A place with buildings; ``windows_zone`` is Exchange's name for its time zone."""

    code: str
    name: str
    buildings: Sequence[str]
    time_zone: str
    windows_zone: str
    country: str = ""
    subdivision: str = ""
    open_hours: str = ""


_COMPANY: Final[dict[str, Any]] = yaml.safe_load(
    files("pipelines.sandbox").joinpath("company.yaml").read_text("utf-8")
)
_SITES: Final = {
    region: [Site(**site) for site in its["sites"]] for region, its in _COMPANY["regions"].items()
}
_NAMES: Final[list[str]] = _COMPANY["room_names"]
_RARE_TYPES: Final[dict[int, str]] = {
    number: kind for kind, numbers in _COMPANY["rare_types"].items() for number in numbers
}
_SHARES = (0, 1, 0, 2, 3, 0, 1, 0, 2, 0)  # the site of each of ten rooms


@dataclass(frozen=True, eq=False)
class Room:
    """A room of the directory. ``popularity`` is its number of bookings on a usual working day.

    ``capacity`` is None where the operator's list lacks it, though the room does have ``seats``.
    ``keeps_details``: the room keeps subjects, comments and the private flag, which Exchange
    removes by default.
    """

    room_id: str
    address: str
    name: str
    site: Site
    building: str
    floor: int
    capacity: int | None
    seats: int
    room_type: str
    open_hours: str
    popularity: float
    keeps_details: bool
    opened_on: date | None = None
    closed_on: date | None = None

    def row(self) -> dict[str, str]:
        """Return the room as a row of the operator's CSV; ``exchange`` is left empty."""
        return {
            "room_id": self.room_id,
            "address": self.address,
            "exchange": "",
            "name": self.name,
            "site": self.site.name,
            "building": self.building,
            "floor": str(self.floor),
            "country": self.site.country,
            "subdivision": self.site.subdivision,
            "time_zone": self.site.time_zone,
            "capacity": "" if self.capacity is None else str(self.capacity),
            "room_type": self.room_type,
            "open_hours": self.open_hours,
            "opened_on": self.opened_on.isoformat() if self.opened_on else "",
            "closed_on": self.closed_on.isoformat() if self.closed_on else "",
        }


def invent_rooms(region: str, rooms: int, seed: int, today: date) -> list[Room]:
    """Return the rooms of a region; the first is crowded, the second never booked."""
    sites = _SITES.get(region) or _SITES["elsewhere"]
    invented = []
    for number in range(rooms):
        random = Random(f"{seed}/{region}/room/{number}")  # noqa: S311  invented rooms need no secrecy
        site = sites[_SHARES[number % len(_SHARES)] % len(sites)]
        building = random.choice(site.buildings)
        floor = random.randint(0, 6)
        kind = _RARE_TYPES.get(number % 23, "conference")
        seats = random.choice(_COMPANY["seats"][kind])
        name = f"{_NAMES[number % len(_NAMES)]} {number // len(_NAMES) + 1}"
        slug = f"{site.code}-{floor}{number:03d}".lower()
        usual = random.betavariate(2, 2.2) * 7.5
        usual *= 0.35 if kind in ("desk", "auditorium", "lecture") else 1.0
        room = Room(
            room_id=f"{site.code}-{building[:3].upper()}-{number:04d}",
            address=f"room.{name.partition(' ')[0].lower()}.{slug}@{DOMAIN}",
            name=name,
            site=site,
            building=building,
            floor=floor,
            capacity=None if number % 11 == 5 else seats,
            seats=seats,
            room_type=kind,
            open_hours=_TWO_PARTS if number % 10 == 2 else site.open_hours,
            popularity=usual if number > 1 else (14.0, 0.0)[number],
            keeps_details=number % 4 == 3,
            opened_on=today - timedelta(days=60) if number % 29 == 8 else None,
            closed_on=today + timedelta(days=45) if number % 31 == 10 else None,
        )
        invented.append(room)
    return invented


_LEGACY = "/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS"
_LIST_TYPES = ("PublicDL", "GroupMailbox", "PrivateDL")


@dataclass(frozen=True)
class People:
    """Everybody who may be in a meeting, and the words that they use."""

    staff: Sequence[Person]
    guests: Sequence[Person]
    lists: Sequence[Person]
    leavers: Sequence[Person]
    """Organizers that Exchange knows only by a legacy DN."""
    subjects: Sequence[str]
    notes: Sequence[str]


def invent_people(region: str, staff: int, seed: int) -> People:
    """Return the people of a region; the same arguments give the same people."""
    regions = _COMPANY["regions"]
    faker = Faker(regions.get(region, regions["elsewhere"])["locales"], use_weighting=False)
    faker.seed_instance(f"{seed}/{region}")
    random = Random(f"{seed}/{region}/people")  # noqa: S311  invented people need no secrecy
    words = Faker("en_US")
    words.seed_instance(f"{seed}/{region}/words")
    return People(
        staff=[_person(faker.name(), number, DOMAIN) for number in range(staff)],
        guests=[
            _person(faker.name(), number, random.choice(_COMPANY["guest_domains"]))
            for number in range(max(20, staff // 4))
        ],
        lists=[
            Person(
                f"All {name}s",
                f"all.{_slug(name)}.{number}@{DOMAIN}",
                mailbox_type=_LIST_TYPES[number % len(_LIST_TYPES)],
            )
            for number in range(12)
            for name in [words.job()]
        ],
        leavers=[
            Person(
                name,
                f"{_LEGACY}/CN={number:032X}-{_slug(name).upper()}",
                routing_type="EX",
                mailbox_type="OneOff",
            )
            for number in range(8)
            for name in [faker.name()]
        ],
        subjects=[words.catch_phrase() for _ in range(150)],
        notes=[words.paragraph() for _ in range(60)],
    )


def _person(name: str, number: int, domain: str) -> Person:
    kind = "Mailbox" if domain == DOMAIN else "OneOff"
    return Person(name, f"{_slug(name)}.{number}@{domain}", mailbox_type=kind)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return ".".join("".join(filter(str.isalnum, word)) for word in plain.split() if word.strip("."))


Meeting: TypeAlias = dict[str, Any]
"""The fields of an item other than times: people and words."""


def draw_meeting(room: Room, people: People, random: Random) -> Meeting:
    """Draw the people and words of one meeting in a room."""
    staff, chance = people.staff, random.random()
    first, step = random.randrange(len(staff)), random.randrange(1, 12)
    # Mostly fewer people than seats, sometimes more.
    drawn = random.triangular(1, room.seats * 1.15, room.seats * 0.4)
    size = max(1, min(150, round(drawn)))
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
