"""A company with a token to search for in every personal field."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.sandbox.model import Item, Person
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.night.workplace import MONDAY, Company, at, first_night, found_company

TOKEN = "Zq7Kx41Pers"  # every planted field holds it, followed by the field's name


def person(role: str, **details: str) -> Person:
    """Return a person with a token in name and address."""
    details.setdefault("address", f"{TOKEN}Addr{role}@{TOKEN}Domain.example")
    return Person(f"{TOKEN}Name{role}", **details)


def planted_item() -> Item:
    """Return an item with a token in every personal field."""
    return Item(
        at(MONDAY, 9),
        at(MONDAY, 10),
        person("Organizer"),
        subject=f"{TOKEN}Subject",
        body=f"<p>{TOKEN}Body</p>",
        location=f"{TOKEN}Location",
        categories=(f"{TOKEN}Category",),
        required=(
            person("Required"),
            person("Dn", address=f"/o=Org/cn={TOKEN}Dn", routing_type="EX"),
        ),
        optional=(person("Optional"), person("List", mailbox_type="PublicDL")),
        resources=(person("Resource"),),
        item_id=f"{TOKEN}Id",
        series_id=f"{TOKEN}Uid",
        start_time_zone=f"tzone://{TOKEN}Zone",
        last_modified_name=f"{TOKEN}Modified",
        attachments=(f"{TOKEN}Attachment.pdf",),
        join_url=f"https://meet.example/{TOKEN}Join",
    )


def planted_calendars() -> dict[str, list[Item]]:
    """Return calendars of two rooms: a single item, a private, an all-day and a cancelled one."""
    item = planted_item()
    items = [
        item,
        replace(item, starts_at=at(MONDAY, 11), ends_at=at(MONDAY, 12), sensitivity="Private"),
        replace(
            item,
            starts_at=at(MONDAY, 0) - timedelta(hours=2),
            ends_at=at(MONDAY, 22),
            is_all_day=True,
        ),
        replace(item, starts_at=at(MONDAY, 13), ends_at=at(MONDAY, 14), is_cancelled=True),
    ]
    return {"fjord": items, "harbour": items[:2]}


@pytest.fixture
def planted(
    workplace: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
) -> Company:
    """Two rooms with tokens in their items: single, private, all-day and cancelled ones."""
    calendars = planted_calendars()
    return found_company(workplace, authority, exchange, calendars, export_parquet=True)


@pytest.fixture(scope="session")
def planted_night(
    tmp_path_factory: pytest.TempPathFactory, empty_history: Path, authority: CertificateAuthority
) -> Path:
    """The folder of ``planted`` after a night over Monday, to be copied."""
    folder = tmp_path_factory.mktemp("planted")
    calendars = planted_calendars()
    return first_night(folder, empty_history, authority, calendars, export_parquet=True)


@pytest.fixture
def read_planted(planted: Company, planted_night: Path) -> Company:
    """``planted`` after a night over Monday."""
    planted.take_over(planted_night)
    return planted
