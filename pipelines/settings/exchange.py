"""An exchange of ``insights.yaml``, and the secrets that its keys name.

Belongs here: the keys of an exchange, which of them go together, and reading a secret from the
environment at the moment it is needed.
Does not belong here: connecting (``pipelines/sources``).
"""

import os
import ssl
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pipelines.settings.keys import ExistingFile, HttpsUrl, Keys, Mailbox, Text, VariableName
from pipelines.settings.problems import Problems, validated

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "basic": ("username", "password_env"),
    "ntlm": ("username", "password_env"),
    "oauth": ("tenant_id", "client_id"),
}
_CLOUDS: Final[Mapping[str, tuple[str, str]]] = {
    "global": ("https://graph.microsoft.com", "https://login.microsoftonline.com"),
    "usgov": ("https://graph.microsoft.us", "https://login.microsoftonline.us"),
    "dod": ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
    "china": ("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
"""Where Graph and its sign-in service are in each of Microsoft's clouds."""
_OAUTH_ONLY: Final = (
    "tenant_id",
    "client_id",
    "client_secret_env",
    "certificate_file",
    "certificate_password_env",
    "authority",
)
_KINDS: Final = ("ews", "graph")
_PASSWORD_ONLY: Final = ("username", "password_env")


def _certificates(value: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
    except (OSError, ssl.SSLError):
        raise ValueError("holds no certificate in PEM format; export the CA as PEM") from None
    return value


def _without_path(value: str) -> str:
    if urlsplit(value).path.strip("/"):
        raise ValueError("holds a path; name scheme and host alone, the rest is added")
    return value


Certificates: TypeAlias = Annotated[ExistingFile, AfterValidator(_certificates)]
HostUrl: TypeAlias = Annotated[HttpsUrl, AfterValidator(_without_path)]


class _CommonKeys(Keys):
    """What an exchange has whatever protocol it speaks."""

    ca_file: Certificates | None = None
    workers: int = Field(4, ge=1, le=27)
    room_deadline_seconds: int = Field(120, ge=1, le=3600)
    scope_probe: Mailbox | None = Field(None, repr=False)
    client_secret_env: VariableName | None = None
    certificate_file: ExistingFile | None = None
    certificate_password_env: VariableName | None = None


class EwsKeys(_CommonKeys):
    """An entry of a region's ``exchanges`` with ``kind: ews``; the words are those of the YAML."""

    kind: Literal["ews"]
    endpoint: HttpsUrl
    auth: Literal["basic", "ntlm", "oauth"]
    access: Literal["impersonation", "delegate"] = "impersonation"
    username: Text | None = Field(None, repr=False)
    password_env: VariableName | None = None
    tenant_id: Text | None = None
    client_id: Text | None = None
    authority: HttpsUrl = "https://login.microsoftonline.com"


class GraphKeys(_CommonKeys):
    """An entry with ``kind: graph``; ``endpoint`` and ``authority`` win over the cloud's own."""

    kind: Literal["graph"]
    tenant_id: Text
    client_id: Text
    cloud: Literal["global", "usgov", "dod", "china"] = "global"
    endpoint: HostUrl | None = None
    authority: HttpsUrl | None = None


class EwsExchange(EwsKeys):
    """One exchange that speaks EWS, ready for use: files are absolute and exist, secrets are named.

    ``name`` is its key in the YAML, ``origin`` the file and key for messages.
    """

    name: str
    origin: str


class GraphExchange(GraphKeys):
    """One exchange that speaks Graph, ready for use, as ``EwsExchange``; its hosts are known."""

    name: str
    origin: str
    endpoint: HttpsUrl
    authority: HttpsUrl


ExchangeSettings: TypeAlias = EwsExchange | GraphExchange


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the environment holds for one exchange; None where no variable is named."""

    password: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    certificate_password: str | None = field(default=None, repr=False)


def read_secrets(exchange: ExchangeSettings) -> Secrets:
    """Return the secrets of an exchange, from the environment, at the moment of use.

    Raises:
        SettingsError: naming file, key and variable of each that is not set.
    """
    problems = Problems()

    def read(key: str, variable: str | None) -> str | None:
        secret = os.environ.get(variable) if variable else None
        if variable and not secret:
            text = f"the environment variable {variable} is not set; set it to the secret"
            problems.add(f"{exchange.origin}.{key}", text)
        return secret

    secrets = Secrets(
        password=read("password_env", exchange.password_env if exchange.kind == "ews" else None),
        client_secret=read("client_secret_env", exchange.client_secret_env),
        certificate_password=read("certificate_password_env", exchange.certificate_password_env),
    )
    return problems.or_else(secrets)


def read_exchange(
    name: str, values: Mapping[str, object], origin: str, folder: Path, problems: Problems
) -> ExchangeSettings | None:
    """Return one exchange of the YAML; or None, with every problem noted."""
    kind = values.get("kind")
    if kind is not None and kind not in _KINDS:
        problems.add(f"{origin}.kind", "must be 'ews' or 'graph'")
        return None
    about_auth = _graph_problems(values) if kind == "graph" else _auth_problems(values)
    for key, text in about_auth:
        problems.add(f"{origin}.{key}", text)
    if kind == "graph":
        graph = validated(GraphKeys, values, f"{origin}.", problems, folder)
        return _graph_exchange(graph, name, origin) if graph else None
    ews = validated(EwsKeys, values, f"{origin}.", problems, folder)
    return EwsExchange.model_construct(**dict(ews), name=name, origin=origin) if ews else None


def _graph_exchange(keys: GraphKeys, name: str, origin: str) -> GraphExchange:
    endpoint, authority = _CLOUDS[keys.cloud]
    hosts = {"endpoint": keys.endpoint or endpoint, "authority": keys.authority or authority}
    return GraphExchange.model_construct(**dict(keys) | hosts, name=name, origin=origin)


def _graph_problems(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    named = {key for key, value in values.items() if value is not None}
    yield from _certificate_problems(named, "kind: graph")


def _auth_problems(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    auth = values.get("auth")
    if not isinstance(auth, str) or auth not in _NEEDED:
        return
    named = {key for key, value in values.items() if value is not None}
    for key in _NEEDED[auth]:
        if key not in named:
            yield key, f"is missing; auth: {auth} needs it"
    for key in _PASSWORD_ONLY if auth == "oauth" else _OAUTH_ONLY:
        if key in named:
            yield key, f"does not go with auth: {auth}; remove it"
    if auth == "oauth":
        yield from _certificate_problems(named, "auth: oauth")


def _certificate_problems(named: Set[str], needed_by: str) -> Iterator[tuple[str, str]]:
    has_secret, has_certificate = "client_secret_env" in named, "certificate_file" in named
    if has_secret and has_certificate:
        yield "client_secret_env", "stands beside certificate_file; keep one of them"
    if not has_secret and not has_certificate:
        yield "client_secret_env", f"is missing; {needed_by} needs it, or certificate_file"
    if "certificate_password_env" in named and not has_certificate:
        yield "certificate_password_env", "needs certificate_file; add it, or remove this"
