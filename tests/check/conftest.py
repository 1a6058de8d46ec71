"""The company that the tests of ``insights check`` use."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.sandbox.model import Item, Person
from pipelines.sandbox.wire import CertificateAuthority
from tests.check.asking import Checked, CheckNow
from tests.conftest import StartExchange
from tests.night.workplace import Company, address_of, found_company

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)


def soon(**details: Any) -> Item:
    """Return a meeting of one hour tomorrow."""
    organizer = Person("Anna Andersen", "anna@contoso.example")
    return Item(TOMORROW, TOMORROW + HOUR, organizer, **details)


@pytest.fixture
def company(
    tmp_path: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
    monkeypatch: pytest.MonkeyPatch,
) -> Company:
    """Two rooms in one room list: fjord with two meetings tomorrow, harbour with none."""
    monkeypatch.setenv("TEST_PASSWORD", "sandbox")
    monkeypatch.delenv("INSIGHTS_REGIONS", raising=False)
    founded = found_company(
        tmp_path, authority, exchange, {"fjord": [soon(), soon()], "harbour": []}
    )
    founded.tenant.room_lists["hq@contoso.example"] = (address_of("fjord"), address_of("harbour"))
    return founded


@pytest.fixture
def check(company: Company, capsys: pytest.CaptureFixture[str]) -> CheckNow:
    """Run ``insights check`` with options, and return its result."""

    def run(*arguments: str) -> Checked:
        code = company.insights("check", *arguments)
        captured = capsys.readouterr()
        lines = json.loads(captured.out) if "--json" in arguments and code < 2 else []
        return Checked(code, captured.out, captured.err, lines)

    return run
