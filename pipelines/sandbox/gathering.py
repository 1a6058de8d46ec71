"""Who meets, and in what words: the parts of an invented meeting that have no time.

Belongs here: organizer, invitees, subject and the like, drawn for one meeting or series.
Does not belong here: when it is (``schedule.py``, ``series.py``).
"""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from pipelines.sandbox.directory import Room
from pipelines.sandbox.model import Person
from pipelines.sandbox.people import People

# How meetings of a working day start, by local hour from 7 to 18: peaks at 10 and 14.
_BY_HOUR = (1, 4, 10, 15, 9, 3, 9, 14, 10, 7, 3, 1)
_CUMULATED = list(accumulate(_BY_HOUR))


@dataclass(frozen=True)
class Gathering:
    """People and words of a meeting; ``subject`` None is the organizer's name."""

    organizer: Person
    required: tuple[Person, ...]
    optional: tuple[Person, ...]
    resources: tuple[Person, ...]
    subject: str | None
    body: str
    location: str
    categories: tuple[str, ...]
    is_online: bool


def pick_quarter(random: Random) -> int:
    """Return a start within the working day, in quarters of an hour from local midnight."""
    hour = 7 + bisect(_CUMULATED, random.random() * _CUMULATED[-1])
    part = random.random()
    return hour * 4 + (0 if part < 0.62 else 2 if part < 0.9 else 1 if part < 0.95 else 3)


def gather(room: Room, people: People, random: Random) -> Gathering:
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
    return Gathering(
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
