"""Who gets an alert about a failed night: the keys of ``alerts``, and what is refused."""

from typing import Any

import pytest

from tests.settings.company import Company

EMAIL = {
    "host": "smtp.contoso.example",
    "from": "room-insights@contoso.example",
    "to": ["it@contoso.example"],
}
WEBHOOK = {"url_env": "INSIGHTS_ALERT_URL"}


def test_without_alerts_nobody_is_told(company: Company) -> None:
    assert company.load().alerts is None


def test_both_channels_are_read_with_their_defaults(company: Company) -> None:
    company.values["alerts"] = {"webhook": WEBHOOK, "email": EMAIL}
    alerts = company.load().alerts
    assert alerts is not None
    assert alerts.stale_after_hours == 30
    assert alerts.webhook is not None
    assert alerts.webhook.url_env == "INSIGHTS_ALERT_URL"
    assert alerts.email is not None
    assert (alerts.email.tls, alerts.email.port, alerts.email.username) == ("starttls", None, None)
    assert alerts.email.recipients == ["it@contoso.example"]


def test_addresses_of_people_and_webhooks_are_not_printed(company: Company) -> None:
    webhook = {"url": "https://hooks.contoso.example/secret-part"}
    company.values["alerts"] = {"webhook": webhook, "email": EMAIL}
    shown = repr(company.load())
    assert "@" not in shown
    assert "secret-part" not in shown


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        ({}, "alerts: is missing or empty; add it"),
        ("it@contoso.example", "alerts: must be keys and values, indented"),
        ({"stale_after_hours": 30}, "alerts: names nobody to tell; add webhook or email"),
        ({"webhook": WEBHOOK, "mail": EMAIL}, "alerts.mail: unknown key; did you mean email?"),
        ({"webhook": {}}, "alerts.webhook: is missing or empty; add it"),
        (
            {"webhook": {"url": "http://hooks.contoso.example/x"}},
            (
                "alerts.webhook.url: must be an address that begins with https://, "
                "without an account in it"
            ),
        ),
        (
            {"webhook": WEBHOOK | {"url": "https://hooks.contoso.example/x"}},
            "alerts.webhook.url_env: is needed, or url; name one of the two",
        ),
        (
            {"email": EMAIL | {"password": "hunter2"}},
            (
                "alerts.email.password: a secret is never written here; set an environment "
                "variable to it, and name that variable in password_env"
            ),
        ),
        (
            {"email": EMAIL | {"username": "insights"}},
            "alerts.email.password_env: goes with username; name both or none",
        ),
        ({"email": EMAIL | {"tls": "none"}}, "alerts.email.tls: must be 'starttls' or 'implicit'"),
        ({"email": EMAIL | {"to": []}}, "alerts.email.to: is empty; fill it in"),
        (
            {"email": EMAIL | {"host": "smtp.contoso.example:25"}},
            "alerts.email.host: must be a host's name alone, such as smtp.contoso.example",
        ),
        (
            {"email": EMAIL | {"from": "Room Insights"}},
            "alerts.email.from: is no mailbox address (value not shown); write it like name@domain",
        ),
        (
            {"webhook": WEBHOOK, "stale_after_hours": 0},
            "alerts.stale_after_hours: must be at least 1",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_file_key_and_remedy(
    company: Company, alerts: Any, told: str
) -> None:
    company.values["alerts"] = alerts
    assert company.problems() == [f"insights.yaml: {told}"]
