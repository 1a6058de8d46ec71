"""The steps of one exchange, from its name in DNS to a mailbox that it must not let us read.

What is below HTTP (name, port, TLS, certificate) is checked with the same trust and proxies as
every request. The steps of one protocol only are in ``pipelines/sources``.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID
from requests.utils import get_environ_proxies, select_proxy
from urllib3.util import make_headers

from pipelines.settings import ExchangeSettings, Room, Secrets
from pipelines.sources import (
    Listing,
    Reach,
    ReadError,
    State,
    Step,
    Window,
    failure_of,
    printable,
)
from pipelines.sources.session import Throttle, open_check, open_source
from pipelines.sources.wire import Deadline, verified_context
from transforms.contract import Region

SCOPE_TOO_WIDE: Final = "ScopeTooWide"
SCOPE_UNPROVED: Final = "ScopeUnproved"
_SCOPE: Final = "scope"
_SOON: Final = timedelta(days=14)
_DENIALS: Final = frozenset(
    {
        "Authorization_RequestDenied",
        "ErrorAccessDenied",
        "ErrorFolderNotFound",
        "ErrorImpersonateUserDenied",
        "ErrorImpersonationDenied",
        "ErrorItemNotFound",
        "HTTP403",  # sign-in worked before, so it is about this mailbox
    }
)
# A minute long past: it shows whether a mailbox can be read, without reading anybody's meetings.
_PROBED: Final = Window(
    datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=1)
)
_SECONDS: Final = 10.0
_HTTPS: Final = 443
_REASONS: Final = {  # by OpenSSL's error number: its texts quote the certificate
    9: "it is not valid yet; compare this machine's clock",
    10: "it has expired",
    18: "it is signed by itself",
    19: "its chain ends in a root that is not trusted",
    20: "its issuer is not trusted, or the server does not send the chain",
    21: "its issuer is not trusted, or the server does not send the chain",
    62: "it is for another host name",
    64: "it is for another address",
}


@dataclass(frozen=True)
class Target:
    """One exchange of one region, with the rooms that the directory has on it."""

    region: Region
    exchange: ExchangeSettings
    rooms: Sequence[Room]

    @property
    def title(self) -> str:
        """The region and the name of the exchange."""
        return f"{self.region} {self.exchange.name}"


class ExchangeCheck:
    """Checks one exchange, step by step, and holds everything found about it.

    After ``run`` has ended, ``listing`` has the listed rooms. ``items`` counts next week's items of
    each room that could be read; ``failed`` has the code of each other room. ``directory`` has all
    rooms of the region, whichever exchange they are on.
    """

    def __init__(self, target: Target, secrets: Secrets, directory: Sequence[Room]) -> None:
        self.target = target
        self.steps: list[Step] = []
        self.listing = Listing()
        self.items: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        self._exchange = target.exchange
        self._secrets = secrets
        self._directory = directory

    @property
    def failed_step(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.state is State.FAILED), None)

    @property
    def stop_code(self) -> str | None:
        """Why no room can be read; None if they can, whatever the scope of the account."""
        step = self.failed_step
        return step.code if step and step.name != _SCOPE else None

    @property
    def is_readable(self) -> bool:
        """Whether the exchange passed, and every one of its rooms is readable."""
        return self.failed_step is None and not self.failed

    def run(self) -> Iterator[Step]:
        """Yield each step as it ends; a step that failed is the last one."""
        for step in self._run():
            self.steps.append(step)
            yield step

    def _run(self) -> Iterator[Step]:
        for look in (self._name, self._tls):
            yield look()
            if self.stop_code is not None:
                return
        exchange, rooms = self._exchange, self.target.rooms
        try:
            check = open_check(exchange, self._secrets, rooms, self._directory)
        except ReadError as error:
            yield _failed("sign-in", "cannot be tried", error.code)
            return
        for step in check.steps():
            self.listing = check.listing
            yield step
        if self.stop_code is None:
            yield self._scope(exchange.scope_probe)

    def _name(self) -> Step:
        try:
            host, addresses = resolve(self._exchange.endpoint)
        except ReadError as error:
            host = urlsplit(self._exchange.endpoint).hostname or ""
            return _failed("DNS", f"{host} has no address", error.code)
        is_proxied = proxy_of(self._exchange.endpoint) is not None
        through = "through the proxy " if is_proxied else ""
        return Step("DNS", State.OK, f"{through}{host} is {', '.join(addresses)}")

    def _tls(self) -> Step:
        try:
            made = shake_hands(self._exchange.endpoint, self._exchange.ca_file)
        except UntrustedError as error:
            text = f"the certificate is refused: {error.reason}"
            return _failed("TLS", text, "CertificateNotTrusted")
        except ReadError as error:
            is_old = error.code == "TlsRefused"
            text = "TLS 1.2 or later is not spoken" if is_old else "no connection"
            return _failed("TLS", text, error.code)
        if made is None:
            return Step("TLS", State.NOTE, "not looked at through this kind of proxy")
        left = made.expires_at - datetime.now(UTC)
        text = f"{made.version}, certificate by {printable(made.issuer)}, {left.days} days left"
        if left < _SOON:
            return Step("TLS", State.NOTE, f"{text}: renew it soon")
        return Step("TLS", State.OK, text)

    def _scope(self, mailbox: str | None) -> Step:
        if mailbox is None:
            text = "not tried: name a mailbox that must not be readable in scope_probe"
            return Step(_SCOPE, State.NOTE, text)
        try:
            source = open_source(self._exchange, self._secrets, False, Throttle(1))
            with closing(source):
                source.read(mailbox, _PROBED)
        except ReadError as error:
            if error.code in _DENIALS:
                return Step(_SCOPE, State.OK, "the mailbox outside the scope is denied")
            text = f"neither read nor denied ({error.code})"
            return _failed(_SCOPE, text, SCOPE_UNPROVED)
        return _failed(_SCOPE, "the mailbox outside the scope can be read", SCOPE_TOO_WIDE)


def _failed(name: str, text: str, code: str) -> Step:
    return Step(name, State.FAILED, text, code)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A TLS handshake that succeeded: its version, and the certificate that was trusted."""

    version: str
    issuer: str = field(repr=False)
    expires_at: datetime


class UntrustedError(Exception):
    """A certificate that was refused; ``reason`` is one of a few fixed texts."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def proxy_of(endpoint: str) -> SplitResult | None:
    """Return the proxy that the environment names for an endpoint, as requests would use it."""
    url = select_proxy(endpoint, get_environ_proxies(endpoint))
    return urlsplit(url if "://" in url else f"http://{url}") if url else None


def resolve(endpoint: str) -> tuple[str, list[str]]:
    """Return the host that is connected to (a proxy's, if there is one) and its IP addresses.

    Raises:
        ReadError: ``NameResolutionError``.
    """
    parts = proxy_of(endpoint) or urlsplit(endpoint)
    host = parts.hostname or ""
    with _named_failures():
        found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    return host, list(dict.fromkeys(str(each[4][0]) for each in found))


def shake_hands(endpoint: str, ca_file: Path | None) -> Handshake | None:
    """Connect to an endpoint, and disconnect as soon as the certificate is trusted.

    Return None if there is a proxy whose own URL is not http://.

    Raises:
        UntrustedError: the certificate is refused.
        ReadError: anything else; ``TlsRefused`` where TLS 1.2 is not spoken.
    """
    parts, proxy = urlsplit(endpoint), proxy_of(endpoint)
    if proxy is not None and proxy.scheme != "http":
        return None
    deadline, peer = Deadline(), proxy or parts
    deadline.start(2 * _SECONDS)
    with _named_failures():
        context = verified_context(deadline, _SECONDS, ca_file)
        connection = HTTPSConnection(
            peer.hostname or "", _port(peer), timeout=_SECONDS, context=context
        )
        if proxy is not None:
            account = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
            login = dict(make_headers(proxy_basic_auth=account)) if proxy.username else {}
            connection.set_tunnel(parts.hostname or "", _port(parts), login)
        try:
            connection.connect()
            version = connection.sock.version() or "TLS"
            written = connection.sock.getpeercert(binary_form=True) or b""
        finally:
            connection.close()
        certificate = x509.load_der_x509_certificate(written)
    names = [
        *certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME),
        *certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME),
    ]
    issuer = str(names[0].value) if names else "an unnamed issuer"
    return Handshake(version, issuer, certificate.not_valid_after_utc)


def _port(parts: SplitResult) -> int:
    return parts.port or (80 if parts.scheme == "http" else _HTTPS)


@contextmanager
def _named_failures() -> Iterator[None]:
    """Turn any error into one with a code, or with the reason why a certificate is refused."""
    raised: UntrustedError | ReadError
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        reason = _REASONS.get(error.verify_code, "see the certificate in a browser")
        raised = UntrustedError(reason)
    except ReadError as failure:
        raised = ReadError.of(failure)
    except UnicodeError:  # a label of the host is too long for DNS, or empty
        raised = ReadError("NameResolutionError", Reach.EXCHANGE)
    except (OSError, HTTPException) as error:
        code = failure_of(error).code
        # http.client raises a plain OSError if the proxy refuses the tunnel
        is_tunnel = type(error) is OSError and error.errno is None
        is_refused = is_tunnel and code == "ConnectionBroken"
        raised = ReadError("ProxyError" if is_refused else code, Reach.EXCHANGE)
    else:
        return
    raise raised
