"""What lies below EWS: the name, the port, TLS and the certificate.

Belongs here: one look at each, with the same trust and the same proxies as every request.
Does not belong here: HTTP (``pipelines/sources``), words for the operator (``exchange.py``).
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID
from requests.utils import get_environ_proxies, select_proxy
from urllib3.util import make_headers

from pipelines.sources.base import Reach, ReadError
from pipelines.sources.wire import Deadline, failure_of, verified_context

_SECONDS: Final = 10.0
_HTTPS: Final = 443
_REASONS: Final = {  # OpenSSL's numbers: its texts quote the certificate
    9: "it is not valid yet; compare this machine's clock",
    10: "it has expired",
    18: "it is signed by itself",
    19: "its chain ends in a root that is not trusted",
    20: "its issuer is not trusted, or the server does not send the chain",
    21: "its issuer is not trusted, or the server does not send the chain",
    62: "it is for another host name",
    64: "it is for another address",
}


@dataclass(frozen=True, slots=True)
class Handshake:
    """A connection that was made: the version, and the certificate that was trusted."""

    version: str
    issuer: str = field(repr=False)
    expires_at: datetime


class UntrustedError(Exception):
    """A certificate that was refused; ``reason`` is one of a few sentences."""

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
    """Connect to an endpoint, and hang up as soon as the certificate is trusted.

    None through a proxy that is not spoken to in plain HTTP.

    Raises:
        UntrustedError: the certificate is refused.
        ReadError: anything else; ``TlsRefused`` where TLS 1.2 is not spoken.
    """
    proxy = proxy_of(endpoint)
    if proxy is not None and proxy.scheme != "http":
        return None
    deadline = Deadline()
    deadline.start(2 * _SECONDS)
    with _named_failures():
        connection = _connection(endpoint, proxy, verified_context(deadline, _SECONDS, ca_file))
        try:
            connection.connect()
            return _handshake(connection.sock)
        finally:
            connection.close()


def _connection(
    endpoint: str, proxy: SplitResult | None, context: ssl.SSLContext
) -> HTTPSConnection:
    parts = urlsplit(endpoint)
    if proxy is None:
        return HTTPSConnection(
            parts.hostname or "", _port(parts), timeout=_SECONDS, context=context
        )
    connection = HTTPSConnection(
        proxy.hostname or "", _port(proxy), timeout=_SECONDS, context=context
    )
    login: dict[str, str] = {}
    if proxy.username:
        account = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        login = dict(make_headers(proxy_basic_auth=account))
    connection.set_tunnel(parts.hostname or "", _port(parts), login)
    return connection


def _port(parts: SplitResult) -> int:
    return parts.port or (80 if parts.scheme == "http" else _HTTPS)


def _handshake(connected: ssl.SSLSocket) -> Handshake:
    certificate = x509.load_der_x509_certificate(connected.getpeercert(binary_form=True) or b"")
    names = [
        *certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME),
        *certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME),
    ]
    issuer = str(names[0].value) if names else "an unnamed issuer"
    return Handshake(connected.version() or "TLS", issuer, certificate.not_valid_after_utc)


@contextmanager
def _named_failures() -> Iterator[None]:
    """Let nothing out but a code, or why a certificate is refused."""
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
        # http.client's word for a tunnel that the proxy refuses
        is_tunnel = type(error) is OSError and error.errno is None
        is_refused = is_tunnel and code == "ConnectionBroken"
        raised = ReadError("ProxyError" if is_refused else code, Reach.EXCHANGE)
    else:
        return
    raise raised
