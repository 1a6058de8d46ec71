"""NTLM: the handshake of ``requests_ntlm``, over an adapter that reads every answer at once.

Belongs here: where the handshake finds the server's certificate, and what becomes of a handshake
that the server breaks off.
Does not belong here: the connection (``tls.py``), what a 401 means (``ews_failures.py``).

The library looks for the certificate in the socket of an answer that is not read yet. Exchange
with Extended Protection lets nobody in whose handshake is not bound to that certificate.
"""

from typing import Any

import requests
from requests_ntlm import HttpNtlmAuth
from requests_ntlm.requests_ntlm import _get_certificate_hash

from pipelines.sources.retry import Failure
from pipelines.sources.tls import TimedAdapter


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
