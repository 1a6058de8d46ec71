"""Receivers of alerts that stop when their test ends, and a company whose nights can fail."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.sandbox.model import Item
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.sources import DayRange
from tests.alerts.receivers import MailServer, Webhook, mail_server, webhook_receiver
from tests.conftest import StartExchange
from tests.night.conftest import lake_only
from tests.night.workplace import MONDAY, Company, first_night, found_company, meeting

__all__ = ["lake_only"]


@pytest.fixture
def webhook(authority: CertificateAuthority) -> Iterator[Webhook]:
    with webhook_receiver(authority) as receiver:
        yield receiver


@pytest.fixture(params=["starttls", "implicit"])
def mail(
    request: pytest.FixtureRequest,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MailServer]:
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "open sesame")
    with mail_server(authority, request.param) as server:
        yield server


OCTOBER = DayRange(date(2026, 10, 1), date(2026, 10, 31))


def calendars() -> dict[str, list[Item]]:
    return {"fjord": [meeting(MONDAY, 7, 8)], "harbour": [meeting(MONDAY, 12, 13)]}


@pytest.fixture
def company(
    workplace: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
    webhook: Webhook,
) -> Company:
    """Two rooms with a meeting each; alerts go to the webhook."""
    company = found_company(workplace, authority, exchange, calendars())
    company.write(settings={"alerts": {"webhook": webhook.settings()}})
    return company


@pytest.fixture(scope="session")
def october_night(
    tmp_path_factory: pytest.TempPathFactory, empty_history: Path, authority: CertificateAuthority
) -> Path:
    """The folder of ``company`` after a night over October, to be copied."""
    folder = tmp_path_factory.mktemp("october")
    return first_night(folder, empty_history, authority, calendars(), OCTOBER)


@pytest.fixture
def read_company(company: Company, october_night: Path) -> Company:
    """``company`` after a night over October."""
    company.take_over(october_night)
    return company
