"""The small company that the tests of a night work with."""

from pathlib import Path

import pytest

from pipelines.sandbox.model import Item
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.night.workplace import (
    GUEST,
    MONDAY,
    Company,
    end_at_the_lake,
    first_night,
    found_company,
    meeting,
)


def calendars() -> dict[str, list[Item]]:
    return {
        "fjord": [meeting(MONDAY, 7, 8), meeting(MONDAY, 9, 11, required=(GUEST,))],
        "harbour": [meeting(MONDAY, 12, 13)],
    }


@pytest.fixture
def company(
    workplace: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
) -> Company:
    """Two rooms: one with two meetings on Monday, one with one; Copenhagen, open 8 to 18."""
    return found_company(workplace, authority, exchange, calendars())


@pytest.fixture
def lake_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights end at the lake, for tests that look at nothing after it."""
    end_at_the_lake(monkeypatch)


@pytest.fixture(scope="session")
def monday_night(
    tmp_path_factory: pytest.TempPathFactory, empty_history: Path, authority: CertificateAuthority
) -> Path:
    """The folder of ``company`` after a night over Monday, to be copied."""
    return first_night(tmp_path_factory.mktemp("monday"), empty_history, authority, calendars())


@pytest.fixture
def read_company(company: Company, monday_night: Path) -> Company:
    """``company`` after a night over Monday."""
    company.take_over(monday_night)
    return company
