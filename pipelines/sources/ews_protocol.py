"""exchangelib as this house uses it: one connection, strict answers, refusals by their code.

Belongs here: sessions, credentials and headers, without anything that probes or waits; what every
service shares; what EWS response codes and SOAP faults mean.
Does not belong here: what is requested (``ews.py``, ``ews_check.py``), items (``ews_xml.py``),
HTTP statuses (``wire.py``), the sentences for operators (``remedies.py``).

exchangelib keeps protocols in a cache, fills a pool of sessions and waits for one for ever. Here
each source has a protocol of its own with one session, made when it is needed. Its texts and
Exchange's carry names and whole answers: only a response code that looks like one is taken over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests
from exchangelib import EWSTimeZone
from exchangelib.account import Identity
from exchangelib.configuration import Configuration
from exchangelib.credentials import IMPERSONATION, Credentials
from exchangelib.protocol import CachingProtocol, FailFast, Protocol
from exchangelib.transport import BASIC, NOAUTH, NTLM
from exchangelib.util import ENS, SOAPNS, TNS
from exchangelib.version import EXCHANGE_2013_SP1, Version
from lxml import etree
from requests.auth import HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from requests_ntlm.requests_ntlm import _get_certificate_hash

from pipelines.settings import EwsExchange, Secrets
from pipelines.sources.base import Reach, ReadError, is_response_code, malformed
from pipelines.sources.ews_xml import parse_strictly
from pipelines.sources.session import Session
from pipelines.sources.wire import TimedAdapter, secured, status_failure

UTC_ZONE: Final = EWSTimeZone("UTC")
# Every server that speaks EWS today takes it: 2013 SP1 and later, Exchange Online included.
_VERSION: Final = Version(build=EXCHANGE_2013_SP1)
_AUTH_TYPES: Final = {"basic": BASIC, "ntlm": NTLM, "oauth": NOAUTH}
_TRANSIENT_CODES: Final = frozenset(
    {
        "ErrorBatchProcessingStopped",
        "ErrorConnectionFailed",
        "ErrorExceededConnectionCount",
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorMailboxFailover",
        "ErrorMailboxStoreUnavailable",
        "ErrorServerBusy",
        "ErrorTimeoutExpired",
        "ErrorTooManyObjectsOpened",
    }
)
_CODES_OF_THE_ACCOUNT: Final = frozenset(
    {
        "ErrorAccountDisabled",
        "ErrorInvalidServerVersion",
        "ErrorPasswordChangeRequired",
        "ErrorPasswordExpired",
    }
)
_RANDOM_OUTAGE: Final = "/ews/genericerrorpage.htm"
_VALUES: Final = f"{{{TNS}}}Value"


class _Uncached(CachingProtocol):  # type: ignore[misc]  # exchangelib has no types
    """Makes a new protocol each time: two workers must not share one."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(self, *args, **kwargs)


class OneSession(Protocol, metaclass=_Uncached):  # type: ignore[misc]  # exchangelib has no types
    """A protocol with one session, over the adapter of a worker's ``Session``."""

    def __init__(self, exchange: EwsExchange, secrets: Secrets, session: Session) -> None:
        name, password = exchange.username or "", secrets.password or ""
        super().__init__(
            config=Configuration(
                credentials=None if session.token else Credentials(name, password),
                service_endpoint=exchange.endpoint,
                auth_type=_AUTH_TYPES[exchange.auth],
                version=_VERSION,
                retry_policy=_NoSecondTry(),
                max_connections=1,
            )
        )
        self._adapter = session.adapter
        self._token = session.token

    def create_session(self) -> Any:
        """Return a session that reaches nothing but this adapter's HTTPS."""
        session = secured(super().create_session(), self._adapter)
        if self._token is not None:
            session.auth = self._token
            return session
        name, password = self.credentials.username, self.credentials.password
        if isinstance(session.auth, HttpNtlmAuth):
            session.auth = _BoundNtlm(name, password, self._adapter)
        else:  # requests would refuse what is not Latin-1
            session.auth = HTTPBasicAuth(name.encode(), password.encode())
        return session

    def retire_session(self, session: requests.Session) -> None:
        """Close a session and put none in its place: making one may fail, and lose the place."""
        self.close_session(session)
        self._session_pool_size -= 1

    def forget_lost_session(self) -> None:
        """Make room for a new session if the last one was never given back."""
        self._session_pool_size = self._session_pool.qsize()


class _NoSecondTry(FailFast):  # type: ignore[misc]  # exchangelib has no types
    """Turns HTTP statuses into failures; sends nothing again by itself, least of all after 401."""

    def raise_response_errors(self, response: Any) -> None:
        """Let answers pass that hold SOAP.

        Raises:
            ReadError: ``HTTP503`` and the like.
        """
        status = response.status_code
        if status == 200 or (status == 500 and b"Envelope" in response.content[:1024]):
            return
        if status == 302 and _RANDOM_OUTAGE in response.headers.get("location", "").lower():
            raise ReadError(f"HTTP{status}", is_transient=True)
        raise status_failure(status, response.headers)


class _BoundNtlm(HttpNtlmAuth):
    """Signs a connection in, bound to the certificate that the adapter met."""

    def __init__(self, username: str, password: str, adapter: TimedAdapter) -> None:
        super().__init__(username, password)
        self._adapter = adapter

    def retry_using_http_NTLM_auth(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: N802  the library's
        """Return the answer to the signed request; a refusal is its 401.

        Raises:
            ReadError: ``MalformedResponse`` if no challenge came; the password was not used.
        """
        try:
            return super().retry_using_http_NTLM_auth(*args, **kwargs)
        except (KeyError, PermissionError):  # raised below, without the library's text
            failure = malformed()
        raise failure

    def _get_server_cert(self, response: requests.Response) -> bytes | None:
        certificate = self._adapter.peer_certificate
        return None if certificate is None else _get_certificate_hash(certificate)


@dataclass
class RoomAccount:
    """What the services ask of an account, without its folders and its own probing."""

    protocol: OneSession
    primary_smtp_address: str
    access_type: str

    affinity_cookie = None
    default_timezone = UTC_ZONE
    version = _VERSION

    @property
    def identity(self) -> Any:
        """The mailbox to act as, where the access type is impersonation."""
        is_needed = self.access_type == IMPERSONATION
        return Identity(primary_smtp_address=self.primary_smtp_address) if is_needed else None


class StrictService:
    """What every service here shares: strict parsing, and refusals without their texts."""

    def refuse_incomplete(self, found: Sequence[Any], arguments: Mapping[str, Any]) -> None:
        """Do nothing, unless what was found is less than the arguments of the call asked for.

        Raises:
            ReadError: the request has to be sent again, or the room fails.
        """

    @classmethod
    def _get_soap_parts(cls, response: Any) -> tuple[None, etree._Element]:
        """Return no header, so that the server's version is never negotiated, and the body."""
        body = parse_strictly(response.content).find(f"{{{SOAPNS}}}Body")
        if body is None:
            raise malformed()
        return None, body

    @classmethod
    def _raise_soap_errors(cls, fault: etree._Element) -> None:
        code = fault.findtext(f"detail/{{{ENS}}}ResponseCode")
        if code is None:  # faults from before the request was understood name only a fault code
            code = (fault.findtext("faultcode") or "").rpartition(":")[2]
        raise cls._get_exception(code.strip(), "", fault.find(f"detail/{{{TNS}}}MessageXml"))

    @staticmethod
    def _get_exception(
        code: str | None, text: str, msg_xml: etree._Element | None = None, rule_errors: Any = None
    ) -> ReadError:
        """Return the failure of a response code and its MessageXml."""
        found = () if msg_xml is None else msg_xml.iter(_VALUES)
        values = {each.get("Name", ""): (each.text or "").strip() for each in found}
        inner, back_off = (
            values.get("InnerErrorResponseCode"),
            values.get("BackOffMilliseconds", ""),
        )
        codes = (each for each in (inner, code) if each and is_response_code(each))
        known = next(codes, "UnknownCode")
        return ReadError(
            known,
            Reach.EXCHANGE if known in _CODES_OF_THE_ACCOUNT else Reach.ROOM,
            is_transient=known in _TRANSIENT_CODES,
            retry_after=float(back_off) / 1000 if back_off.isdecimal() else None,
        )
