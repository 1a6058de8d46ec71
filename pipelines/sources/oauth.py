"""Tokens for OAuth: a client secret or a certificate, renewed while a run goes on.

Belongs here: the token of one app registration, and the header that carries it.
Does not belong here: what the token is shown to (``ews.py``, ``graph.py``).

msal keeps the token in memory and gets a new one before the old one ends, so the header is
made anew for every request.
"""

import re
from pathlib import Path
from typing import Any, Final

import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from pipelines.settings import ExchangeSettings, Secrets
from pipelines.sources.base import Reach, ReadError
from pipelines.sources.wire import TimedAdapter, secured

_KEY: Final = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)


class Token(requests.auth.AuthBase):
    """Puts a valid bearer token on each request, and gets it through a session of its own.

    The app and how it proves itself are those of the exchange: a secret, or a certificate file
    with key and certificate, as PEM or PKCS #12 (``.pfx``, ``.p12``).
    """

    def __init__(
        self, exchange: ExchangeSettings, secrets: Secrets, scope: str, adapter: TimedAdapter
    ) -> None:
        self._exchange = exchange
        self._secrets = secrets
        self._scope = scope
        self._adapter = adapter
        self._client: Any = None
        self._was_accepted = False

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request.

        Raises:
            ReadError: the token endpoint cannot be reached, or refuses the app.
        """
        try:
            if self._client is None:
                exchange = self._exchange
                self._client = msal.ConfidentialClientApplication(
                    exchange.client_id,
                    authority=f"{exchange.authority.rstrip('/')}/{exchange.tenant_id}",
                    client_credential=_credential(exchange.certificate_file, self._secrets),
                    http_client=_TokenEndpoint(secured(requests.Session(), self._adapter)),
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
        r.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return r

    def accept(self) -> None:
        """Remember that the server took the token."""
        self._was_accepted = True

    def renew(self) -> bool:
        """Drop a token that used to work; return False if it never did."""
        if not self._was_accepted:
            return False
        self._was_accepted, self._client = False, None
        return True


class _TokenEndpoint:
    """What msal sends through.

    An outage, or a web page in place of JSON, is raised here: msal would keep the one for a while
    and take the other for a refusal. Whatever is wrong with it is so for every room.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return self._send("POST", url, **kwargs)

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        return self._send("GET", url, **kwargs)

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        try:
            response = self._session.request(method, url, allow_redirects=False, **kwargs)
        except ReadError as failure:
            if failure.reach is Reach.EXCHANGE:
                raise
        else:
            is_down = response.status_code == 429 or response.status_code >= 500
            is_page = response.ok and not response.content.lstrip().startswith(b"{")
            if not (is_down or is_page):
                return response
        raise ReadError("TokenEndpointUnavailable", Reach.EXCHANGE, is_transient=True)


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
    except (OSError, ValueError, TypeError):  # missing, damaged, or another password
        key = None
    if not isinstance(key, RSAPrivateKey) or certificate is None:  # Entra takes no other key
        raise ReadError("CertificateFileUnreadable", Reach.EXCHANGE)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    public = certificate.public_bytes(pem)
    return {"private_key": private.decode(), "public_certificate": public.decode()}
