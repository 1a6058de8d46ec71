"""The small company that the tests of a night work with."""

import shutil
from pathlib import Path

import pytest

from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.night.workplace import GUEST, MONDAY, Company, found_company, meeting


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
    return found_company(
        tmp_path,
        authority,
        exchange,
        {
            "fjord": [meeting(MONDAY, 7, 8), meeting(MONDAY, 9, 11, required=(GUEST,))],
            "harbour": [meeting(MONDAY, 12, 13)],
        },
    )
