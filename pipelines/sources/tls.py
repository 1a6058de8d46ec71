"""The connection: TLS that always verifies, a clock on every byte, and one word for each failure.

Belongs here: the requests adapter that every request of a source goes through, its ssl context,
and the naming of what can go wrong below HTTP.
Does not belong here: HTTP statuses (``ews_failures.py``, ``graph_failures.py``), asking again
(``session.py``).

Timeouts of ``requests`` hold per read, so a server that sends a byte now and then is never timed
out. Here each read of the socket asks the room's deadline first.
"""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import certifi
import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError

from pipelines.sources.base import Scope
from pipelines.sources.session import Deadline, Failure

_CONNECT_SECONDS: Final = 10.0
_Kinds = tuple[type[BaseException], ...]
_LOGIN_WANTED: Final = "Tunnel connection failed: 407"  # http.client has no type for it
_NAMES: Final[tuple[tuple[_Kinds, str, Scope, bool], ...]] = (
    # The first that is among an error's causes names it; passing ones are asked again.
    ((ssl.SSLCertVerificationError,), "CertificateNotTrusted", Scope.EXCHANGE, False),
    ((exceptions.ProxyError,), "ProxyError", Scope.EXCHANGE, True),
    ((NameResolutionError, socket.gaierror), "NameResolutionError", Scope.EXCHANGE, True),
    ((ConnectionRefusedError, exceptions.ConnectTimeout), "CannotConnect", Scope.EXCHANGE, True),
    ((TimeoutError, exceptions.Timeout), "ReadTimeout", Scope.ROOM, True),
    (
        (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError),
        "ConnectionBroken",
        Scope.ROOM,
        True,
    ),
    ((ssl.SSLError,), "TlsRefused", Scope.EXCHANGE, False),
    ((exceptions.InvalidURL, exceptions.InvalidSchema), "EndpointInvalid", Scope.EXCHANGE, False),
)


class _Socket(ssl.SSLSocket):
    """A TLS socket that never waits past its context's deadline."""

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002  the base's name
        self._set_timeout()
        return super().read(len, buffer)

    def send(self, data: Any, flags: int = 0) -> int:
        self._set_timeout()
        return super().send(data, flags)

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        if isinstance(self.context, _Context):
            self.context.peer_certificate = self.getpeercert(binary_form=True)

    def _set_timeout(self) -> None:
        context = self.context
        if isinstance(context, _Context):
            self.settimeout(context.deadline.limit(context.stall_seconds))


class _Context(ssl.SSLContext):
    """TLS 1.2 or later, certificate and host name always checked."""

    sslsocket_class = _Socket
    deadline: Deadline
    stall_seconds: float
    peer_certificate: bytes | None = None


def verified_context(deadline: Deadline, stall_seconds: float, ca_file: Path | None) -> _Context:
    """Return the context of every connection: trust, versions and clock as in ``TimedAdapter``.

    Raises:
        Failure: ``CaFileUnreadable``.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.deadline = deadline
    context.stall_seconds = stall_seconds
    _trust(context, ca_file)
    return context


class TimedAdapter(HTTPAdapter):
    """Sends requests over verified TLS within the room's deadline; the body is read at once.

    ``stall_seconds`` is the longest silence of the server. ``ca_file`` is the only trust if it is
    given; else REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else the bundle that requests trusts.

    Raises:
        Failure: ``CaFileUnreadable``.
    """

    def __init__(self, deadline: Deadline, stall_seconds: float, ca_file: Path | None) -> None:
        self._context = verified_context(deadline, stall_seconds, ca_file)
        super().__init__(pool_connections=1, pool_maxsize=1, pool_block=False)

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate (DER) of the server that was met last."""
        return self._context.peer_certificate

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the whole answer.

        Raises:
            Failure: whatever went wrong below HTTP, by its own name.
        """
        if not (request.url or "").lower().startswith("https://"):
            raise Failure("HttpsRequired", scope=Scope.EXCHANGE)
        try:
            deadline = self._context.deadline
            limits = (deadline.limit(_CONNECT_SECONDS), deadline.limit(self._context.stall_seconds))
            response = super().send(request, timeout=limits, proxies=proxies)
            _ = response.content  # reads it: a body that breaks off fails here, not at the caller
        except (requests.RequestException, OSError) as error:
            failure = failure_of(error)
        else:
            return response
        raise failure

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return the host, and this adapter's own context instead of what requests would use."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        """Leave the trust to the context: nothing is added, nothing is switched off."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None


def secure(session: requests.Session, adapter: TimedAdapter) -> None:
    """Send everything of a session through the adapter; nothing else can be reached."""
    session.adapters.clear()
    session.mount("https://", adapter)


def _trust(context: ssl.SSLContext, ca_file: Path | None) -> None:
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    path = ca_file or Path(named or certifi.where())
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError:
        unreadable = True
    else:
        unreadable = False
    if unreadable:
        raise Failure("CaFileUnreadable", scope=Scope.EXCHANGE)


def failure_of(error: BaseException) -> Failure:
    """Return what may leave of anything that went wrong below HTTP."""
    causes = list(_causes(error))
    if any(type(cause) is OSError and str(cause).startswith(_LOGIN_WANTED) for cause in causes):
        return Failure("HTTP407", scope=Scope.EXCHANGE)
    for kinds, code, scope, is_transient in _NAMES:
        if any(isinstance(cause, kinds) for cause in causes):
            return Failure(code, scope=scope, is_transient=is_transient)
    return Failure("ConnectionBroken", is_transient=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything that it wraps, however requests and urllib3 wrapped it."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
