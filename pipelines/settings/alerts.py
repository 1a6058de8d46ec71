"""The ``alerts`` of ``insights.yaml``: who is told of a night that went wrong, and how.

Belongs here: the keys of the two channels, which go together, and reading their secrets at the
moment of use.
Does not belong here: what is told and when (``pipelines/alerts``).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pipelines.settings.exchange import Certificates
from pipelines.settings.keys import Keys, Mailbox, Text, VariableName
from pipelines.settings.problems import Problems, mapping, unknown_key, validated

_Section = TypeVar("_Section", bound=Keys)


def _webhook_url(value: str) -> str:
    if not is_webhook_url(value):
        raise ValueError("must be an address that begins with https://, without an account in it")
    return value


def _host(value: str) -> str:
    if not value.isprintable() or set(value) & set(" /:@"):
        raise ValueError("must be a host's name alone, such as smtp.contoso.example")
    return value


class WebhookKeys(Keys):
    """A receiver of JSON over HTTPS; many addresses of chat services are secrets: ``url_env``."""

    url: Annotated[str, AfterValidator(_webhook_url)] | None = Field(None, repr=False)
    url_env: VariableName | None = None
    ca_file: Certificates | None = None


class EmailKeys(Keys):
    """A mail server, with TLS in one of its two ways, and who writes to whom."""

    host: Annotated[Text, AfterValidator(_host)]
    port: int | None = Field(None, ge=1, le=65535)
    tls: Literal["starttls", "implicit"] = "starttls"
    sender: Mailbox = Field(alias="from", repr=False)
    recipients: list[Mailbox] = Field(alias="to", min_length=1, repr=False)
    username: Text | None = Field(None, repr=False)
    password_env: VariableName | None = None
    ca_file: Certificates | None = None


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The channels that are configured; a region counts as stale after so many hours."""

    webhook: WebhookKeys | None
    email: EmailKeys | None
    stale_after_hours: int


class _OwnKeys(Keys):
    stale_after_hours: int = Field(30, ge=1, le=24 * 365)


def is_webhook_url(value: str) -> bool:
    """Tell whether an address can be used: https, a host, no account, nothing unprintable."""
    try:
        parts = urlsplit(value)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = value.isprintable() and " " not in value and "@" not in parts.netloc
    return parts.scheme == "https" and is_whole and is_plain


def secret_of(variable: str | None) -> str | None:
    """Return what the environment holds under a name, None if nothing or no name is given."""
    return (os.environ.get(variable) or None) if variable else None


def read_alerts(value: object, file: Path, problems: Problems) -> AlertSettings | None:
    """Return the ``alerts`` of the YAML; None without any, or with every problem noted."""
    if value is None:
        return None
    origin = f"{file}: alerts"
    values = mapping(value, origin, problems)
    own = {key: inner for key, inner in values.items() if key not in ("webhook", "email")}
    for key in own.keys() - set(_OwnKeys.model_fields):
        known = ["webhook", "email", *_OwnKeys.model_fields]
        problems.add(f"{origin}.{key}", unknown_key(key, known))
        del own[key]
    keys = validated(_OwnKeys, own, f"{origin}.", problems)
    webhook = _section(WebhookKeys, values.get("webhook"), f"{origin}.webhook", file, problems)
    email = _section(EmailKeys, values.get("email"), f"{origin}.email", file, problems)
    if webhook and bool(webhook.url) == bool(webhook.url_env):
        problems.add(f"{origin}.webhook.url_env", "is needed, or url; name one of the two")
    _note_half_an_account(email, f"{origin}.email", problems)
    if values and "webhook" not in values and "email" not in values:
        problems.add(origin, "names nobody to tell; add webhook or email")
    return AlertSettings(webhook, email, keys.stale_after_hours) if keys else None


def read_reports(value: object, file: Path, problems: Problems) -> EmailKeys | None:
    """Return the ``reports`` of the YAML, whom the monthly mail goes to; None without any."""
    email = _section(EmailKeys, value, f"{file}: reports", file, problems)
    _note_half_an_account(email, f"{file}: reports", problems)
    return email


def _note_half_an_account(email: EmailKeys | None, where: str, problems: Problems) -> None:
    if email and bool(email.username) != bool(email.password_env):
        problems.add(f"{where}.password_env", "goes with username; name both or none")


def _section(
    model: type[_Section], value: object, where: str, file: Path, problems: Problems
) -> _Section | None:
    if value is None:
        return None
    values: Mapping[str, object] = mapping(value, where, problems)
    return validated(model, values, f"{where}.", problems, file.parent) if values else None
