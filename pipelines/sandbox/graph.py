"""A connection that serves Microsoft Graph and its sign-in service: paths, rights, tokens, JSON."""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from time import time
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pipelines.sandbox.faults import Entry
from pipelines.sandbox.graph_events import GraphError, Page, SignInError, calendar_view, list_rooms
from pipelines.sandbox.model import App, covers
from pipelines.sandbox.wire import Wire

_PATHS: Final = (
    ("CalendarView", "GET", r"/v1\.0/users/(?P<mailbox>[^/]+)/(?:calendar/)?calendarView"),
    ("Places", "GET", r"/v1\.0/places/microsoft\.graph\.room"),
    ("Token", "POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token"),
    ("Discovery", "GET", r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"),
)

_OPEN: Final = ("Token", "Discovery")  # of the sign-in service; they need no token


_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SHA256: Final = hashes.SHA256()
_PADDINGS: Final[Mapping[str, padding.AsymmetricPadding]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH),
}


def issue_token(app: App, tenant_id: str, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return a new token if the client proves to be the app."""
    if tenant_id != app.tenant_id:
        raise SignInError(400, "invalid_request")
    if form.get("grant_type") != "client_credentials":
        raise SignInError(400, "unsupported_grant_type")
    if not form.get("scope", "").split(" ")[0].endswith("/.default"):
        raise SignInError(400, "invalid_scope")
    if form.get("client_id") != app.client_id:
        raise SignInError(400, "unauthorized_client")
    is_secret = app.client_secret is not None and form.get("client_secret") == app.client_secret
    if not (is_secret or _has_certificate(app, endpoint, form)):
        raise SignInError(401, "invalid_client")
    # It looks like Entra's, but it is valid only because the tenant remembers it.
    head = {"typ": "JWT", "alg": "none"}
    claims = {"appid": app.client_id, "roles": app.entra_roles, "uti": secrets.token_urlsafe(24)}
    parts = (json.dumps(each).encode() for each in (head, claims))
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return {
        "token_type": "Bearer",
        "expires_in": app.token_seconds,
        "ext_expires_in": app.token_seconds,
        "access_token": ".".join([*encoded, "sandbox"]),
    }


def _has_certificate(app: App, endpoint: str, form: Mapping[str, str]) -> bool:
    """Tell whether the assertion is signed by the app, for this endpoint, and not expired."""
    if form.get("client_assertion_type") != _ASSERTION:
        return False
    signed, _, signature = form.get("client_assertion", "").rpartition(".")
    try:
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        is_meant = (claims["iss"], claims["sub"]) == (app.client_id, app.client_id)
        is_valid = is_meant and claims["aud"] == endpoint and claims["exp"] > time()
        padded, written = _PADDINGS[head["alg"]], _decoded(signature)
    except (ValueError, KeyError, TypeError):
        return False
    for key in (certificate.public_key() for certificate in app.certificates if is_valid):
        with suppress(InvalidSignature):
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(written, signed.encode(), padded, _SHA256)
                return True
    return False


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("not base64") from None


_JSON: Final = "application/json; odata.metadata=minimal; charset=utf-8"
_BEARER: Final = 'Bearer realm="", authorization_uri="https://localhost/common/oauth2/authorize"'


class GraphConnection(Wire):
    """Serves Graph and tokens; any other path is not found."""

    def serve_graph(self, data: bytes = b"") -> None:
        """Serve one request, whatever its method."""
        requested = self._requested()
        if requested is None:
            self.send(HTTPStatus.NOT_FOUND)
            return
        operation, named = requested
        mailbox = named.get("mailbox", "").casefold()
        with self.tenant.log.serving():
            if self.is_broken_off(operation, mailbox):
                return
            try:
                self._raise_refusals(operation, mailbox)
                if operation in _OPEN:
                    content = self._sign_in(operation, named["tenant"], _single(data.decode()))
                else:
                    content = self._page(operation, mailbox, _single(urlsplit(self.path).query))
            except GraphError as error:
                content, headers = error.content(), error.headers
                entry = Entry(operation, mailbox, 0, error.status, error.code)
            else:
                headers, entry = {}, Entry(operation, mailbox, len(content.get("value", ())))
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
            self.reply(entry, body.encode(), _JSON, headers)

    def _requested(self) -> tuple[str, dict[str, str]] | None:
        """Return the operation, and the mailbox or tenant that its path names."""
        path = urlsplit(self.path).path
        for operation, method, pattern in _PATHS:
            found = re.fullmatch(pattern, path, re.IGNORECASE)
            if found is not None and method == self.command:
                return operation, {name: unquote(text) for name, text in found.groupdict().items()}
        return None

    @property
    def _base(self) -> str:
        return f"https://{self.headers.get('Host', 'localhost')}"

    def _raise_refusals(self, operation: str, mailbox: str) -> None:
        """Refuse requests without a valid token, and those that a fault strikes."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        is_known = kind.casefold() == "bearer" and token in self.tenant.bearer_tokens
        if operation not in _OPEN and not is_known:
            raise GraphError(401, "InvalidAuthenticationToken", {"WWW-Authenticate": _BEARER})
        found = self.fault("response_code", operation, mailbox)
        if found is not None:
            raise GraphError(found.status, found.code)
        found = self.tenant.faults.take(
            "too_many_at_once", mailbox, operation, now=self.tenant.log.now
        )
        if found is not None:
            wait = {} if found.retry_after is None else {"Retry-After": found.retry_after}
            raise GraphError(429, "ApplicationThrottled", wait)

    def _sign_in(self, operation: str, tenant_id: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer as the sign-in service: a token, or where to get one."""
        own = f"{self._base}/{tenant_id}"
        endpoint = f"{own}/oauth2/v2.0/token"
        if operation == "Token":
            token = issue_token(self.tenant.app, tenant_id, endpoint, form)
            self.tenant.bearer_tokens.add(str(token["access_token"]))
            return token
        return {
            "issuer": f"{own}/v2.0",
            "authorization_endpoint": f"{own}/oauth2/v2.0/authorize",
            "token_endpoint": endpoint,
        }

    def _page(self, operation: str, address: str, options: Mapping[str, str]) -> dict[str, Any]:
        """Answer as Graph: a page of events, or of rooms."""
        tenant = self.tenant
        if operation == "Places":
            if not tenant.app.may_read_places:
                raise GraphError(403, "Authorization_RequestDenied")
            return list_rooms(tenant, options, f"{self._base}/v1.0/places")
        mailbox = tenant.mailbox(address)
        if mailbox is None:
            raise GraphError(404, "ErrorInvalidUser")
        if not covers(tenant.app.calendars, address):
            raise GraphError(403, "ErrorAccessDenied")
        swap = self.fault("other_mailbox", operation, address)
        if swap is not None:
            mailbox = tenant.mailboxes[swap.mailbox.casefold()]
        page = Page.of(options, self.headers.get("Prefer", ""))
        path = f"{self._base}/v1.0/users/{address}/calendar/calendarView"
        return calendar_view(tenant, mailbox, page, path)


def _single(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
