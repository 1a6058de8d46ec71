"""Alerts arrive over real TLS; a failure on the way is reported as a code, never an address."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.channels import Alert, send, try_channels
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import AlertSettings, EmailKeys, WebhookKeys
from tests.alerts.receivers import MailServer, Webhook

PARTIAL = Alert(
    region="EU",
    state="partial",
    night_date=date(2026, 11, 22),
    days=(date(2026, 11, 8), date(2027, 5, 21)),
    rooms_expected=40,
    rooms_loaded=38,
    failed_rooms={"harbour": "ErrorAccessDenied", "fjord": "HTTP503"},
)


def by_webhook(**keys: object) -> AlertSettings:
    return AlertSettings(webhook=WebhookKeys.model_validate(keys, strict=False))


def by_email(mail: MailServer, **changes: object) -> AlertSettings:
    keys = mail.settings() | changes
    return AlertSettings(email=EmailKeys.model_validate(keys, strict=False))


def test_a_webhook_gets_counts_rooms_and_codes_as_json(webhook: Webhook) -> None:
    assert send(by_webhook(**webhook.settings()), PARTIAL) == {}
    (got,) = webhook.got
    assert got.pop("text").splitlines()[0] == ("EU: partial night 2026-11-22: 38 of 40 rooms read")
    assert got == {
        "region": "EU",
        "state": "partial",
        "date": "2026-11-22",
        "days": ["2026-11-08", "2027-05-21"],
        "rooms_expected": 40,
        "rooms_loaded": 38,
        "failed_rooms": {"fjord": "HTTP503", "harbour": "ErrorAccessDenied"},
        "failed_by_code": {"ErrorAccessDenied": 1, "HTTP503": 1},
        "error_code": None,
        "last_read_at": None,
    }


def test_the_address_of_a_webhook_may_be_a_secret(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_HOOK", webhook.url)
    keys = {"url_env": "TEST_HOOK", "ca_file": str(webhook.authority.ca_file)}
    assert send(by_webhook(**keys), PARTIAL) == {}
    assert len(webhook.got) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_webhook_that_does_not_take_it_is_a_status(webhook: Webhook, status: int) -> None:
    webhook.status = status
    assert send(by_webhook(**webhook.settings()), PARTIAL) == {"webhook": f"HTTP{status}"}
    assert len(webhook.got) == 1


def test_a_certificate_that_is_not_trusted_is_never_accepted(
    webhook: Webhook, tmp_path: Path
) -> None:
    stranger = str(CertificateAuthority(tmp_path / "stranger").ca_file)
    for keys in ({"url": webhook.url, "ca_file": stranger}, {"url": webhook.url}):
        assert send(by_webhook(**keys), PARTIAL) == {"webhook": "SSLCertVerificationError"}
    assert webhook.got == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "TEST_HOOK is not set"),
        ("", "TEST_HOOK is not set"),
        ("http://localhost/secret-part", "TEST_HOOK holds no https:// address"),
        ("https://localhost:9/secret-part", "ConnectionError"),
    ],
)
def test_what_goes_wrong_names_no_address(
    monkeypatch: pytest.MonkeyPatch, value: str | None, told: str
) -> None:
    monkeypatch.delenv("TEST_HOOK", raising=False)
    if value is not None:
        monkeypatch.setenv("TEST_HOOK", value)
    assert send(by_webhook(url_env="TEST_HOOK"), PARTIAL) == {"webhook": told}


def test_a_mail_goes_to_everybody_over_tls_after_a_login(mail: MailServer) -> None:
    assert send(by_email(mail), PARTIAL) == {}
    (got,) = mail.got
    assert got["Subject"] == ("[room-insights] EU: partial night 2026-11-22: 38 of 40 rooms read")
    assert mail.recipients == [["it@contoso.example", "rooms@contoso.example"]]
    assert mail.logins[-1] == ("insights", "open sesame")
    lines = got.get_content().splitlines()
    assert "Days asked for: 2026-11-08 to 2027-05-21." in lines
    assert "fjord: HTTP503" in lines
    assert any(line.startswith("ErrorAccessDenied: ") for line in lines)


def test_a_wrong_password_is_a_code(mail: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "wrong")
    assert send(by_email(mail), PARTIAL) == {"email": "SMTPAuthenticationError"}
    monkeypatch.delenv("TEST_SMTP_PASSWORD")
    assert send(by_email(mail), PARTIAL) == {"email": "TEST_SMTP_PASSWORD is not set"}
    assert mail.got == []


def test_a_mail_server_that_is_not_trusted_gets_neither_password_nor_mail(
    mail: MailServer, tmp_path: Path
) -> None:
    stranger = str(CertificateAuthority(tmp_path / "stranger").ca_file)
    assert send(by_email(mail, ca_file=stranger), PARTIAL) == {"email": "SSLCertVerificationError"}
    assert (mail.got, mail.logins) == ([], [])


def test_a_refused_recipient_does_not_keep_the_mail_from_the_others(mail: MailServer) -> None:
    mail.refused = frozenset({"rooms@contoso.example"})
    assert send(by_email(mail), PARTIAL) == {"email": "1 of 2 recipients refused"}
    assert mail.recipients == [["it@contoso.example"]]


def test_one_channel_that_fails_does_not_keep_the_other_from_telling(
    webhook: Webhook, mail: MailServer
) -> None:
    nobody = by_webhook(url="https://localhost:9/hook").webhook
    both = AlertSettings(webhook=nobody, email=by_email(mail).email)
    assert send(both, PARTIAL) == {"webhook": "ConnectionError"}
    assert len(mail.got) == 1


def test_a_channel_is_tried_without_sending_anything(webhook: Webhook, mail: MailServer) -> None:
    both = AlertSettings(
        webhook=by_webhook(**webhook.settings()).webhook, email=by_email(mail).email
    )
    tried = try_channels(both, by_email(mail).email)
    assert tried == {"alerts.webhook": None, "alerts.email": None, "reports": None}
    assert (webhook.got, mail.got) == ([], [])
    assert mail.logins[-1] == ("insights", "open sesame")


def test_a_channel_that_would_fail_is_a_code(
    webhook: Webhook, mail: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = str(CertificateAuthority(tmp_path / "stranger").ca_file)
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "wrong")
    wrong = AlertSettings(
        webhook=by_webhook(url=webhook.url, ca_file=stranger).webhook, email=by_email(mail).email
    )
    assert try_channels(wrong, None) == {
        "alerts.webhook": "SSLCertVerificationError",
        "alerts.email": "SMTPAuthenticationError",
    }


def test_many_failed_rooms_are_counted_and_only_some_are_named() -> None:
    failed = {f"room-{number:04}": "HTTP503" for number in range(1000)}
    alert = Alert(
        region="EU",
        state="partial",
        night_date=date(2026, 11, 22),
        rooms_expected=1200,
        rooms_loaded=200,
        failed_rooms=failed,
    )
    assert alert.subject == "EU: partial night 2026-11-22: 200 of 1200 rooms read"
    assert "and 980 more; the table coverage has them all" in alert.text.splitlines()
    assert len(alert.text.splitlines()) < 30
    assert alert.as_json()["failed_by_code"] == {"HTTP503": 1000}


def test_silence_is_told_with_the_last_reading() -> None:
    alert = Alert(
        region="NA",
        state="stale",
        night_date=date(2026, 11, 22),
        last_read_at=datetime(2026, 11, 20, 2, 31, tzinfo=UTC),
    )
    assert alert.subject == "NA: nothing was read since 2026-11-20 02:31 UTC"
