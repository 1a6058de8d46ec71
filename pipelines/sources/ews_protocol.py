"""One connection to one Exchange, and the little that exchangelib's services ask of an account.

Belongs here: sessions, credentials and headers, without anything that probes or waits.
Does not belong here: what is asked (``ews_services.py``), what a failure means
(``ews_failures.py``).

exchangelib keeps protocols in a cache, fills a pool of sessions and waits for one for ever. Here
each source has a protocol of its own with one session, made when it is needed.
"""

from dataclasses import dataclass
from typing import Any, Final

import requests
from exchangelib.account import Identity
from exchangelib.configuration import Configuration
from exchangelib.credentials import IMPERSONATION, Credentials
from exchangelib.protocol import CachingProtocol, Protocol
from exchangelib.transport import BASIC, NOAUTH, NTLM
from exchangelib.version import EXCHANGE_2013_SP1, Version
from requests.auth import HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from requests_ntlm.requests_ntlm import _get_certificate_hash

from pipelines.sources.ews_failures import NoSecondTry
from pipelines.sources.ews_services import UTC_ZONE
from pipelines.sources.oauth import Token
from pipelines.sources.session import Failure
from pipelines.sources.tls import TimedAdapter, secure

# Every server that speaks EWS today takes it: 2013 SP1 and later, Exchange Online included.
_VERSION: Final = Version(build=EXCHANGE_2013_SP1)
_AUTH_TYPES: Final = {"basic": BASIC, "ntlm": NTLM, "oauth": NOAUTH}


class _Uncached(CachingProtocol):  # type: ignore[misc]  # exchangelib has no types
    """Makes a new protocol each time: two workers must not share one."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(self, *args, **kwargs)


class OneSession(Protocol, metaclass=_Uncached):  # type: ignore[misc]  # exchangelib has no types
    """A protocol with one session, over the given adapter.

    ``token`` signs the requests where there are no credentials.
    """

    def __init__(
        self,
        endpoint: str,
        auth: str,
        credentials: Credentials | None,
        adapter: TimedAdapter,
        token: Token | None,
    ) -> None:
        super().__init__(
            config=Configuration(
                credentials=credentials,
                service_endpoint=endpoint,
                auth_type=_AUTH_TYPES[auth],
                version=_VERSION,
                retry_policy=NoSecondTry(),
                max_connections=1,
            )
        )
        self._adapter = adapter
        self._token = token

    def create_session(self) -> Any:
        """Return a session that reaches nothing but this adapter's HTTPS."""
        session = super().create_session()
        secure(session, self._adapter)
        if self._token is not None:
            session.auth = self._token
            return session
        name, password = self.credentials.username, self.credentials.password
        if isinstance(session.auth, HttpNtlmAuth):
            session.auth = BoundNtlm(name, password, self._adapter)
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


class BoundNtlm(HttpNtlmAuth):
    """Signs a connection in, bound to the certificate that the adapter met."""

    def __init__(self, username: str, password: str, adapter: TimedAdapter) -> None:
        super().__init__(username, password)
        self._adapter = adapter

    def retry_using_http_NTLM_auth(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: N802  the library's
        """Return the answer to the signed request; a refusal is its 401.

        Raises:
            Failure: ``MalformedResponse`` if no challenge came; the password was not used.
        """
        try:
            return super().retry_using_http_NTLM_auth(*args, **kwargs)
        except (KeyError, PermissionError):  # raised below, without the library's text
            failure = Failure("MalformedResponse", is_transient=True)
        raise failure

    def _get_server_cert(self, response: requests.Response) -> bytes | None:
        certificate = self._adapter.peer_certificate
        return None if certificate is None else _get_certificate_hash(certificate)
