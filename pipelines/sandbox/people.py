"""The invented people of a region: colleagues, guests, lists, and those who left.

Belongs here: names and addresses from Faker with a fixed seed.
Does not belong here: who meets whom and when (``schedule.py``).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from faker import Faker

from pipelines.sandbox.model import Person

DOMAIN = "contoso.example"
_GUEST_DOMAINS = ("fabrikam.example", "northwind.example", "tailspin.example", "adatum.example")
_LOCALES = {"EU": ("da_DK", "en_GB", "pt_PT", "de_DE"), "NA": ("en_US", "en_CA", "fr_CA")}
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
    faker = Faker(list(_LOCALES[region]), use_weighting=False)
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
