"""The wire: TLS that always verifies, a deadline on every read, a token on every request.

Belongs here: the requests adapter that every request of a source goes through, its ssl context
and its deadline; the token of one app registration; silencing the loggers of libraries.
Does not belong here: the name of a failure (``__init__.py``), a protocol's own refusals
(``ews_xml.py``, ``graph.py``), retries (``session.py``).

The timeouts of ``requests`` apply to each read, so a server that sends a byte now and then never
times out. Here each socket read first checks the room's deadline. msal keeps the token in memory
and renews it before it expires, so the header is set anew on every request.
"""

import logging
import os
import re
import ssl
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import certifi
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from requests.adapters import HTTPAdapter

from pipelines.settings import ExchangeSettings, Secrets
from pipelines.sources import Reach, ReadError, failure_of, malformed, status_failure

_CONNECT_SECONDS: Final = 10.0
_REQUEST_ID: Final = "client-request-id"
_TOO_BUSY_TO_SIGN_IN: Final = re.compile(
    rb'"error"\s*:\s*"(?:temporarily_unavailable|server_error)"'  # Entra sends them with HTTP 400
)
_REMEMBERED: Final = 100
_MOST_BYTES: Final = 256 * 1024 * 1024  # unpacked; parsing takes several times that
_PART_BYTES: Final = 64 * 1024
_KEY: Final = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
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
"""At DEBUG these libraries log whole answers, the Authorization header and the client secret."""


class Clock(Protocol):
    """What tells the time and can wait; the module ``time`` is one."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Deadline:
    """The end of the time that a room may take; every wait is limited to what is left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = float("inf")

    def start(self, seconds: float) -> None:
        """Restart: from now on ``seconds`` are left."""
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
    """Return the TLS context of a connection; the arguments are those of ``TimedAdapter``.

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

    ``stall_seconds`` is how long the server may be silent. Only ``ca_file`` is trusted if it is
    given; else REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else the bundle that requests trusts. Each
    request has an id that Exchange, Graph and Entra repeat: on a connection that answers one
    request too late or twice, every answer would be taken for another room's.

    Raises:
        ReadError: ``CaFileUnreadable``.
    """

    def __init__(self, deadline: Deadline, stall_seconds: float, ca_file: Path | None) -> None:
        self._context = verified_context(deadline, stall_seconds, ca_file)
        self._sent_ids: deque[str] = deque(maxlen=_REMEMBERED)
        super().__init__(pool_connections=1, pool_maxsize=1, pool_block=False)

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate (DER) of the last server that was connected to."""
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
            ReadError: any failure below HTTP (``failure_of``); ``HttpsRequired``;
                ``AnswerTooLarge``; ``MalformedResponse`` for the answer to an earlier request.
        """
        if not (request.url or "").lower().startswith("https://"):
            raise ReadError("HttpsRequired", Reach.EXCHANGE)
        request_id = request.headers.setdefault(_REQUEST_ID, str(uuid.uuid4()))
        request.headers["return-client-request-id"] = "true"
        try:
            deadline = self._context.deadline
            limits = (deadline.limit(_CONNECT_SECONDS), deadline.limit(self._context.stall_seconds))
            response = super().send(request, timeout=limits, proxies=proxies)
            # Read the body now: if it breaks off, that is a ReadError too.
            response._content = _body_of(response)  # noqa: SLF001  as its property content does
        except (requests.RequestException, OSError, ValueError) as error:  # ValueError: odd chunks
            failure = failure_of(error)
        else:
            answered_id = response.headers.get(_REQUEST_ID, request_id)
            if answered_id == request_id or answered_id not in self._sent_ids:
                self._sent_ids.append(request_id)
                return response
            self.close()  # whatever else comes over this connection is late too
            failure = malformed()
        raise failure

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return the host, and this adapter's own context instead of what requests would use."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        """Leave trust to the context: add nothing, and switch nothing off."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None


def _body_of(response: requests.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(_PART_BYTES):
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            response.close()
            raise ReadError("AnswerTooLarge")
    return b"".join(parts)


def secured(session: requests.Session, adapter: TimedAdapter) -> requests.Session:
    """Return the session, which from now on sends only https://, through the adapter."""
    session.adapters.clear()
    session.mount("https://", adapter)
    return session


class Token(requests.auth.AuthBase):
    """Puts a valid bearer token on each request, and gets it through a session of its own.

    The exchange names the app and its credential: a secret, or a certificate file with key and
    certificate, as PEM or PKCS #12 (``.pfx``, ``.p12``).
    """

    def __init__(
        self, exchange: ExchangeSettings, secrets: Secrets, scope: str, adapter: TimedAdapter
    ) -> None:
        self._exchange = exchange
        self._secrets = secrets
        self._scope = scope
        self._adapter = adapter
        self._client: Any = None

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request.

        Raises:
            ReadError: the token endpoint cannot be reached, refuses the app, or is not one.
        """
        try:
            if self._client is None:
                exchange = self._exchange
                self._client = msal.ConfidentialClientApplication(
                    exchange.client_id,
                    authority=f"{exchange.authority.rstrip('/')}/{exchange.tenant_id}",
                    client_credential=_credential(exchange.certificate_file, self._secrets),
                    http_client=secured(_TokenEndpoint(), self._adapter),
                    instance_discovery=False,  # it would ask the public cloud about a national one
                )
            answer = self._client.acquire_token_for_client([self._scope])
        except ReadError:
            raise
        except ValueError:  # a tenant that msal cannot use
            answer = {}
        except Exception:  # noqa: BLE001  an answer that msal cannot use: its texts quote it
            answer = None
        if not isinstance(answer, dict):
            raise ReadError("SignInAnswerUnknown", Reach.EXCHANGE)
        if "access_token" not in answer:
            raise ReadError("TokenRefused", Reach.EXCHANGE)
        token = answer["access_token"]
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            raise ReadError("SignInAnswerUnknown", Reach.EXCHANGE)
        r.headers["Authorization"] = f"Bearer {token}"
        return r

    def renew(self) -> None:
        """Drop the token: the next request is signed with a new one."""
        self._client = None


class _TokenEndpoint(requests.Session):
    """The session through which msal sends.

    It raises on an outage, or on a web page in place of JSON: msal would cache the outage for a
    while, and take the page for a refusal. Any failure here concerns every room.
    """

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        wait = None
        try:
            # An auth of its own, which adds nothing: requests would add a login from ~/.netrc.
            own = {"allow_redirects": False, "auth": lambda unsigned: unsigned}
            response = super().request(*args, **kwargs | own)
        except ReadError as failure:
            if failure.reach is Reach.EXCHANGE:
                raise
        else:
            meant = status_failure(response.status_code, response.headers)
            is_down = meant.is_transient or _TOO_BUSY_TO_SIGN_IN.search(response.content)
            is_page = response.ok and not response.content.lstrip().startswith(b"{")
            if not (is_down or is_page):
                return response
            wait = meant.retry_after
        raise ReadError(
            "TokenEndpointUnavailable", Reach.EXCHANGE, is_transient=True, retry_after=wait
        )


def _credential(certificate_file: Path | None, secrets: Secrets) -> str | dict[str, str]:
    if certificate_file is None:
        return secrets.client_secret or ""
    secret = secrets.certificate_password
    password = secret.encode() if secret else None
    key: PrivateKeyTypes | None = None
    certificate: x509.Certificate | None = None
    try:
        data = certificate_file.read_bytes()
        if certificate_file.suffix.lower() in (".pfx", ".p12"):
            key, certificate, _ = pkcs12.load_key_and_certificates(data, password)
        elif block := _KEY.search(data):
            key = serialization.load_pem_private_key(block[0], password)
            certificate = x509.load_pem_x509_certificate(data)
    except (OSError, ValueError, TypeError):  # missing, damaged, or a wrong password
        key = None
    if not isinstance(key, RSAPrivateKey) or certificate is None:  # Entra takes no other key
        raise ReadError("CertificateFileUnreadable", Reach.EXCHANGE)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    public = certificate.public_bytes(pem)
    return {"private_key": private.decode(), "public_certificate": public.decode()}


def silence_loggers() -> None:
    """Silence every logger of the libraries, those that exist and those created later."""
    known = list(logging.root.manager.loggerDict)
    for name in (*LIBRARIES, *(each for each in known if each.partition(".")[0] in LIBRARIES)):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]  # without one, warnings go to stderr
        logger.setLevel(_NEVER)
        logger.propagate = False
        logger.disabled = True
