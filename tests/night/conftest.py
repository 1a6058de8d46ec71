"""The small company that the tests of a night work with."""

import shutil
from pathlib import Path

import pytest

from pipelines.sandbox.model import Item
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.night.workplace import GUEST, MONDAY, Company, first_night, found_company, meeting


def calendars() -> dict[str, list[Item]]:
    return {
        "fjord": [meeting(MONDAY, 7, 8), meeting(MONDAY, 9, 11, required=(GUEST,))],
        "harbour": [meeting(MONDAY, 12, 13)],
    }


@pytest.fixture
def company(
    tmp_path: Path,
    empty_history: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
    monkeypatch: pytest.MonkeyPatch,
) -> Company:
    """Two rooms: one with two meetings on Monday, one with one; Copenhagen, open 8 to 18."""
    monkeypatch.setenv("TEST_PASSWORD", "sandbox")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("INSIGHTS_REGIONS", raising=False)
    shutil.copytree(empty_history, tmp_path / ".dagster")
    return found_company(tmp_path, authority, exchange, calendars())


@pytest.fixture(scope="session")
def monday_night(
    tmp_path_factory: pytest.TempPathFactory, empty_history: Path, authority: CertificateAuthority
) -> Path:
    """What a night over Monday leaves in ``company``'s folder."""
    return first_night(tmp_path_factory.mktemp("monday"), empty_history, authority, calendars())


@pytest.fixture
def read_company(company: Company, monday_night: Path) -> Company:
    """``company`` after a night over Monday."""
    company.take_over(monday_night)
    return company
