"""The wire: TLS that always verifies, a clock on every byte, and one code for each failure.

Belongs here: the requests adapter that every request of a source goes through, its ssl context
and its deadline; what can go wrong below HTTP, and what an HTTP status means whatever the
protocol; the silence of the libraries underneath.
Does not belong here: a protocol's own refusals (``ews_xml.py``, ``graph.py``), sending
again (``session.py``).

Timeouts of ``requests`` hold per read, so a server that sends a byte now and then is never timed
out. Here each read of the socket looks at the room's deadline first. EWS and Graph take the same
status for the same reach: a rule that only one of them kept let one room's trouble end the night
of all.
"""

import codecs
import logging
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, Protocol

import certifi
import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError

from pipelines.sources.base import Reach, ReadError

_CONNECT_SECONDS: Final = 10.0
_Kinds = tuple[type[BaseException], ...]
_LOGIN_WANTED: Final = "Tunnel connection failed: 407"  # http.client has no type for it
_NAMES: Final[tuple[tuple[_Kinds, str, Reach, bool], ...]] = (
    # The first that is among an error's causes names it; the last value is is_transient.
    ((ssl.SSLCertVerificationError,), "CertificateNotTrusted", Reach.EXCHANGE, False),
    ((exceptions.ProxyError,), "ProxyError", Reach.EXCHANGE, True),
    ((NameResolutionError, socket.gaierror), "NameResolutionError", Reach.EXCHANGE, True),
    ((ConnectionRefusedError, exceptions.ConnectTimeout), "CannotConnect", Reach.EXCHANGE, True),
    ((TimeoutError, exceptions.Timeout), "ReadTimeout", Reach.ROOM, True),
    (
        (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError),
        "ConnectionBroken",
        Reach.ROOM,
        True,
    ),
    ((ssl.SSLError,), "TlsRefused", Reach.EXCHANGE, False),
    ((exceptions.InvalidURL, exceptions.InvalidSchema), "EndpointInvalid", Reach.EXCHANGE, False),
)

TRANSIENT_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504, 509})
_STATUSES_OF_THE_ACCOUNT: Final = frozenset({401, 407, 456})
# One mailbox may be refused, and a front end may know no way to one: HTTP does not say which.
_STATUSES_OF_ROOM_OR_EXCHANGE: Final = frozenset({403, 404, 405})
_WEB_PAGE: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html)\b", re.IGNORECASE)
_HALF_A_SECOND: Final = timedelta(seconds=0.5)  # a Date header is cut to whole seconds
LIBRARIES: Final = (
    "exchangelib",
    "msal",
    "oauthlib",
    "requests",
    "requests_ntlm",
    "requests_oauthlib",
    "spnego",
    "urllib3",
)
_NEVER: Final = logging.CRITICAL + 1
"""At DEBUG these libraries write whole answers, the Authorization header and the client secret."""


class Clock(Protocol):
    """What tells the time and lets it pass; the module ``time`` is one."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Deadline:
    """The end of the time that a room may take; whatever waits looks how much is left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = float("inf")

    def start(self, seconds: float) -> None:
        """Begin anew: from now on ``seconds`` are left."""
        self._ends_at = self._clock() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, negative when the time is up."""
        return self._ends_at - self._clock()

    def limit(self, seconds: float) -> float:
        """Return how long one wait of at most ``seconds`` may take.

        Raises:
            TimeoutError: the time is up.
        """
        remaining = self.remaining()
        if remaining <= 0:
            raise TimeoutError
        return min(seconds, remaining)


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
        ReadError: ``CaFileUnreadable``.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.deadline = deadline
    context.stall_seconds = stall_seconds
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    path = ca_file or Path(named or certifi.where())
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError:
        pass  # raised below, without a cause
    else:
        return context
    raise ReadError("CaFileUnreadable", Reach.EXCHANGE)


class TimedAdapter(HTTPAdapter):
    """Sends requests over verified TLS within the room's deadline; the body is read at once.

    ``stall_seconds`` is the longest silence of the server. ``ca_file`` is the only trust if it is
    given; else REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else the bundle that requests trusts.

    Raises:
        ReadError: ``CaFileUnreadable``.
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
            ReadError: whatever went wrong below HTTP, by its own name.
        """
        if not (request.url or "").lower().startswith("https://"):
            raise ReadError("HttpsRequired", Reach.EXCHANGE)
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


def secured(session: requests.Session, adapter: TimedAdapter) -> requests.Session:
    """Return the session; it sends everything through the adapter, and reaches nothing else."""
    session.adapters.clear()
    session.mount("https://", adapter)
    return session


def failure_of(error: BaseException) -> ReadError:
    """Return what may leave of anything that went wrong below HTTP."""
    causes = list(_causes(error))
    if any(type(cause) is OSError and str(cause).startswith(_LOGIN_WANTED) for cause in causes):
        return ReadError("HTTP407", Reach.EXCHANGE)
    for kinds, code, reach, is_transient in _NAMES:
        if any(isinstance(cause, kinds) for cause in causes):
            return ReadError(code, reach, is_transient=is_transient)
    return ReadError("ConnectionBroken", is_transient=True)


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


def status_failure(status: int, headers: Mapping[str, str]) -> ReadError:
    """Return the failure of an answer of which nothing but its status can be understood."""
    is_unclear = status in _STATUSES_OF_ROOM_OR_EXCHANGE or 300 <= status < 400
    of_one = Reach.UNCLEAR if is_unclear else Reach.ROOM
    return ReadError(
        f"HTTP{status}",
        Reach.EXCHANGE if status in _STATUSES_OF_THE_ACCOUNT else of_one,
        is_transient=status in TRANSIENT_STATUSES,
        retry_after=retry_after(headers.get("Retry-After")),
    )


def refuse_web_page(content: bytes) -> None:
    """Do nothing, unless the answer is a page that a person was meant to see.

    Raises:
        ReadError: ``WebPage``.
    """
    if _WEB_PAGE.match(content.removeprefix(codecs.BOM_UTF8)):
        raise ReadError("WebPage", Reach.UNCLEAR, is_transient=True)


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return max(0.0, wait.total_seconds())


def clock_offset(date: str | None, now: datetime) -> timedelta | None:
    """Return the server's clock minus ours by its Date header; None if it has none."""
    try:
        server_at = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return server_at.replace(tzinfo=server_at.tzinfo or UTC) + _HALF_A_SECOND - now


def silence_loggers() -> None:
    """Silence every logger of the libraries, those that exist and those that are yet to come."""
    for name in LIBRARIES:
        _silence(logging.getLogger(name))
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in LIBRARIES and isinstance(logger, logging.Logger):
            _silence(logger)


def _silence(logger: logging.Logger) -> None:
    logger.handlers = [logging.NullHandler()]  # without one, warnings go to stderr
    logger.setLevel(_NEVER)
    logger.propagate = False
    logger.disabled = True
