"""How an alert is sent: as JSON to a webhook, as a mail over SMTP; TLS is always verified.

Belongs here: the two protocols, with a limit on every wait, and naming what went wrong by class
or status only: an address may be a secret.
Does not belong here: what is told (``message.py``), whether it was told before (``telling.py``).
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from pathlib import Path
from typing import Final

import requests

from pipelines.alerts.message import Alert
from pipelines.settings.alerts import (
    AlertSettings,
    EmailKeys,
    WebhookKeys,
    is_webhook_url,
    secret_of,
)

_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 20.0
_PORTS: Final = {"starttls": 587, "implicit": 465}


class _NotSentError(Exception):
    """A channel did not take the alert; the text is a code or names a variable, no value."""


def send(alerts: AlertSettings, alert: Alert) -> dict[str, str]:
    """Send an alert by every channel; return those that did not take it, each with a code."""
    channels: dict[str, Callable[[], None]] = {}
    if (webhook := alerts.webhook) is not None:
        channels["webhook"] = lambda: _post(webhook, alert)
    if (email := alerts.email) is not None:
        channels["email"] = lambda: _mail(email, alert)
    not_sent: dict[str, str] = {}
    for name, channel in channels.items():
        try:
            channel()
        except _NotSentError as error:
            not_sent[name] = str(error)
        except Exception as error:  # noqa: BLE001 - its text may hold the address, which may be a secret
            not_sent[name] = _class_of(error)
    return not_sent


def _post(webhook: WebhookKeys, alert: Alert) -> None:
    url = webhook.url or _needed(webhook.url_env)
    if not is_webhook_url(url):
        raise _NotSentError(f"{webhook.url_env} holds no https:// address")
    answer = requests.post(
        url,
        json=alert.as_json(),
        timeout=(_CONNECT_SECONDS, _READ_SECONDS),
        allow_redirects=False,
        verify=str(webhook.ca_file) if webhook.ca_file else True,
        stream=True,  # its answer's body is never read
    )
    answer.close()
    if not 200 <= answer.status_code < 300:
        raise _NotSentError(f"HTTP{answer.status_code}")


def _mail(email: EmailKeys, alert: Alert) -> None:
    password = _needed(email.password_env) if email.password_env else None
    with _connected(email) as server:
        if email.username and password:
            server.login(email.username, password)
        refused = server.send_message(_message(email, alert))
    if refused:
        raise _NotSentError(f"{len(refused)} of {len(email.recipients)} recipients refused")


@contextmanager
def _connected(email: EmailKeys) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=_text(email.ca_file))
    port = email.port or _PORTS[email.tls]
    if email.tls == "implicit":
        with smtplib.SMTP_SSL(email.host, port, timeout=_READ_SECONDS, context=context) as server:
            yield server
    else:
        with smtplib.SMTP(email.host, port, timeout=_READ_SECONDS) as server:
            server.starttls(context=context)
            yield server


def _message(email: EmailKeys, alert: Alert) -> EmailMessage:
    message = EmailMessage()
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message["Subject"] = f"[room-insights] {alert.subject}"
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=email.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(alert.lines()) + "\n")
    return message


def _needed(variable: str | None) -> str:
    secret = secret_of(variable)
    if secret is None:
        raise _NotSentError(f"{variable} is not set")
    return secret


def _class_of(error: BaseException) -> str:
    """Return the class of what was at the bottom of it: ``requests`` wraps everything twice."""
    seen = [error]
    while (cause := seen[-1].__cause__ or seen[-1].__context__) and cause not in seen:
        seen.append(cause)
    certificate = [each for each in seen if isinstance(each, ssl.SSLCertVerificationError)]
    return type(certificate[0] if certificate else error).__name__


def _text(path: Path | None) -> str | None:
    return str(path) if path else None
