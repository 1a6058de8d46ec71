"""Receivers of alerts that stop with their test, and a company whose nights can go wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sandbox.wire import CertificateAuthority
from tests.alerts.receivers import MailServer, Webhook, mail_server, webhook_receiver
from tests.conftest import StartExchange
from tests.night.workplace import MONDAY, Company, found_company, meeting


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


@pytest.fixture
def company(
    workplace: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
    webhook: Webhook,
) -> Company:
    """Two rooms with a meeting each; whoever is to be told has a webhook."""
    company = found_company(
        workplace,
        authority,
        exchange,
        {"fjord": [meeting(MONDAY, 7, 8)], "harbour": [meeting(MONDAY, 12, 13)]},
    )
    company.write(settings={"alerts": {"webhook": webhook.settings()}})
    return company
