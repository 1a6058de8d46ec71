"""An alert (counts, room ids, codes and dates only), and sending it by webhook or e-mail.

TLS is always verified, and every wait has a limit. A failure is reported by its class or status
only: its text may hold the address, which may be a secret.
"""

import smtplib
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import Any, Final, Literal

import requests

from pipelines.settings import AlertSettings, EmailKeys, WebhookKeys, secret_of
from pipelines.settings.values import is_webhook_url
from pipelines.sources.remedies import remedies_for
from pipelines.texts import render
from transforms.contract import Region

_ROOMS_NAMED: Final = 20

State = Literal["failed", "partial", "stale"]
_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 20.0
_PORTS: Final = {"starttls": 587, "implicit": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that a person must know.

    ``night_date`` is the region's local date; ``days`` are the first and last local day requested,
    if any; ``rooms_expected`` and ``rooms_loaded`` are None if the run ended before reading;
    ``last_read_at`` is when a room was last read (stale only); ``kinds`` are the kinds of the
    failed rooms' exchanges, which decide the protocols that the remedies name.
    """

    region: Region
    state: State
    night_date: date
    days: tuple[date, date] | None = None
    rooms_expected: int | None = None
    rooms_loaded: int | None = None
    failed_rooms: Mapping[str, str] = field(default_factory=dict)
    error_code: str | None = None
    last_read_at: datetime | None = None
    kinds: frozenset[str] = frozenset({"ews"})

    @property
    def subject(self) -> str:
        """What happened, in one line."""
        if self.last_read_at is not None:
            return f"{self.region}: nothing was read since {self.last_read_at:%Y-%m-%d %H:%M} UTC"
        line = f"{self.region}: {self.state} night {self.night_date}"
        if self.rooms_expected is not None:
            line += f": {self.rooms_loaded} of {self.rooms_expected} rooms read"
        return line + (f" ({self.error_code})" if self.error_code else "")

    @property
    def rooms_named(self) -> Mapping[str, str]:
        """The first 20 failed rooms by room_id, each with its code."""
        return dict(sorted(self.failed_rooms.items())[:_ROOMS_NAMED])

    @property
    def text(self) -> str:
        """The whole text: what happened, the rooms, and the meaning and remedy of each code."""
        remedies = remedies_for(self.failed_rooms.values(), self.kinds)
        return render("alert.txt.j2", alert=self, remedies=remedies).strip()

    def as_json(self) -> dict[str, object]:
        """Return the JSON that a webhook receives; chat services show its ``text``."""
        return {
            "text": self.text,
            "region": self.region,
            "state": self.state,
            "date": self.night_date.isoformat(),
            "days": [day.isoformat() for day in self.days] if self.days else None,
            "rooms_expected": self.rooms_expected,
            "rooms_loaded": self.rooms_loaded,
            "failed_rooms": self.rooms_named,
            "failed_by_code": dict(sorted(Counter(self.failed_rooms.values()).items())),
            "error_code": self.error_code,
            "last_read_at": self.last_read_at.isoformat() if self.last_read_at else None,
        }


class NotSentError(Exception):
    """A channel did not take a message; the text names a code or a variable, never a value."""

    def __init__(self, text: str, *, is_partly_sent: bool = False) -> None:
        super().__init__(text)
        self.is_partly_sent = is_partly_sent


def send(alerts: AlertSettings, alert: Alert) -> dict[str, str]:
    """Send an alert over every channel; return the channels that did not take it, with a code."""
    not_sent: dict[str, str] = {}
    if alerts.webhook is not None:
        with _noting(not_sent, "webhook"):
            status = _request(alerts.webhook, "POST", alert.as_json())
            if not 200 <= status < 300:
                raise NotSentError(f"HTTP{status}")
    if alerts.email is not None:
        with _noting(not_sent, "email"):
            send_mail(alerts.email, f"[room-insights] {alert.subject}", alert.text)
    return not_sent


def try_channels(alerts: AlertSettings | None, reports: EmailKeys | None) -> dict[str, str | None]:
    """Connect to every channel without sending anything; return a code for each that fails.

    The others have None. Keys are as configured: ``alerts.webhook``, ``alerts.email``, ``reports``.
    """
    tried: dict[str, str | None] = {}
    webhook, email = (alerts.webhook, alerts.email) if alerts else (None, None)
    if webhook is not None:
        tried["alerts.webhook"] = None
        with _noting(tried, "alerts.webhook"):
            _request(webhook, "HEAD")  # any status proves that it was reached
    for name, keys in (("alerts.email", email), ("reports", reports)):
        if keys is not None:
            tried[name] = None
            with _noting(tried, name), _signed_in(keys):
                pass
    return tried


@contextmanager
def _noting(not_sent: MutableMapping[str, Any], channel: str) -> Iterator[None]:
    try:
        with _coded():
            yield
    except NotSentError as error:
        not_sent[channel] = str(error)


@contextmanager
def _coded() -> Iterator[None]:
    """Report an error by its class, or by a certificate error's, which ``requests`` wraps twice."""
    try:
        yield
    except NotSentError:
        raise
    except Exception as error:  # noqa: BLE001 - its text may hold the address, which may be a secret
        seen: list[BaseException] = [error]
        while (cause := seen[-1].__cause__ or seen[-1].__context__) and cause not in seen:
            seen.append(cause)
        certificate = [each for each in seen if isinstance(each, ssl.SSLCertVerificationError)]
        raise NotSentError(type(certificate[0] if certificate else error).__name__) from None


def _request(webhook: WebhookKeys, method: str, content: object = None) -> int:
    """Return the status of a webhook's answer; its body is never read."""
    url = webhook.url or _needed(webhook.url_env)
    if not is_webhook_url(url):
        raise NotSentError(f"{webhook.url_env} holds no https:// address")
    answer = requests.request(
        method,
        url,
        json=content,
        timeout=(_CONNECT_SECONDS, _READ_SECONDS),
        allow_redirects=False,
        verify=str(webhook.ca_file) if webhook.ca_file else True,
        stream=True,
    )
    answer.close()
    return answer.status_code


@_coded()
def send_mail(email: EmailKeys, subject: str, text: str, html: str | None = None) -> None:
    """Send a mail to every recipient, as plain text and, if given, as HTML too.

    Raises:
        NotSentError: the server or a recipient did not take it.
    """
    message = EmailMessage()
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message["Subject"] = subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=email.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text + "\n")
    if html is not None:
        message.add_alternative(html, subtype="html")
    with _signed_in(email) as server:
        refused = server.send_message(message)
    if refused:
        text = f"{len(refused)} of {len(email.recipients)} recipients refused"
        raise NotSentError(text, is_partly_sent=True)


@contextmanager
def _signed_in(email: EmailKeys) -> Iterator[smtplib.SMTP]:
    password = _needed(email.password_env) if email.password_env else None
    context = ssl.create_default_context(cafile=email.ca_file)
    port = email.port or _PORTS[email.tls]
    with (
        smtplib.SMTP_SSL(email.host, port, timeout=_READ_SECONDS, context=context)
        if email.tls == "implicit"
        else smtplib.SMTP(email.host, port, timeout=_READ_SECONDS)
    ) as server:
        if email.tls == "starttls":
            server.starttls(context=context)
        if email.username and password:
            server.login(email.username, password)
        yield server


def _needed(variable: str | None) -> str:
    secret = secret_of(variable)
    if secret is None:
        raise NotSentError(f"{variable} is not set")
    return secret
