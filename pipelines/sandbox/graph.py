"""A connection that serves Microsoft Graph and its sign-in service: paths, rights, tokens, JSON."""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from time import time
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pipelines.sandbox.faults import Entry
from pipelines.sandbox.graph_events import GraphError, Page, SignInError, calendar_view, list_rooms
from pipelines.sandbox.model import App, Tenant
from pipelines.sandbox.wire import Wire

_PATHS: Final = (
    ("CalendarView", "GET", r"/v1\.0/users/(?P<mailbox>[^/]+)/(?:calendar/)?calendarView"),
    ("Places", "GET", r"/v1\.0/places/microsoft\.graph\.room"),
    ("Token", "POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token"),
    ("Discovery", "GET", r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"),
)

_OPEN: Final = ("Token", "Discovery")  # of the sign-in service; they need no token


@dataclass(frozen=True)
class GraphRequest:
    """One request; ``mailbox`` is the lower-case address it is for, empty if none.

    ``base`` is the server's own URL, ``options`` the query's parameters, ``form`` the body's.
    """

    operation: str
    mailbox: str
    tenant_id: str
    base: str
    options: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class GraphAnswer:
    """An answer's JSON, and what the request log records about it."""

    content: Mapping[str, Any]
    count: int = 0
    status: int = 200
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def request_of(
    method: str, target: str, headers: Mapping[str, str], data: bytes
) -> GraphRequest | None:
    """Parse a request; None if it is for neither Graph nor the sign-in service."""
    parts = urlsplit(target)
    for operation, its_method, path in _PATHS:
        found = re.fullmatch(path, parts.path, re.IGNORECASE)
        if found is None or method != its_method:
            continue
        named = found.groupdict()
        return GraphRequest(
            operation=operation,
            mailbox=unquote(named.get("mailbox") or "").casefold(),
            tenant_id=unquote(named.get("tenant") or ""),
            base=f"https://{headers.get('host', 'localhost')}",
            options=_single(parts.query),
            headers=headers,
            form=_single(data.decode()),
        )
    return None


def answer(tenant: Tenant, request: GraphRequest) -> GraphAnswer:
    """Carry out a request.

    Raises:
        GraphError: Graph or the sign-in service refuses the request.
    """
    own = f"{request.base}/{request.tenant_id}"
    match request.operation:
        case "CalendarView":
            mailbox = tenant.mailbox(request.mailbox)
            if mailbox is None:
                raise GraphError(404, "ErrorInvalidUser")
            if not tenant.app.may_read(request.mailbox):
                raise GraphError(403, "ErrorAccessDenied")
            swap = tenant.faults.take("other_mailbox", request.mailbox, request.operation)
            if swap is not None:
                mailbox = tenant.mailboxes[swap.mailbox.casefold()]
            page = Page.of(request.options, request.headers)
            path = f"{request.base}/v1.0/users/{request.mailbox}/calendar/calendarView"
            content = calendar_view(tenant, mailbox, page, path)
            return GraphAnswer(content, len(content["value"]))
        case "Places":
            if not tenant.app.may_read_places:
                raise GraphError(403, "Authorization_RequestDenied")
            content = list_rooms(tenant, request.options, f"{request.base}/v1.0/places")
            return GraphAnswer(content, len(content["value"]))
        case "Token":
            endpoint = f"{own}/oauth2/v2.0/token"
            token = issue_token(tenant.app, request.tenant_id, endpoint, request.form)
            tenant.bearer_tokens.add(str(token["access_token"]))
            return GraphAnswer(token)
        case _:
            return GraphAnswer(
                {
                    "issuer": f"{own}/v2.0",
                    "authorization_endpoint": f"{own}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{own}/oauth2/v2.0/token",
                }
            )


def _single(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}


_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SHA256: Final = hashes.SHA256()
_PADDINGS: Final[Mapping[str, padding.AsymmetricPadding]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH),
}


def issue_token(
    app: App, tenant_id: str, endpoint: str, form: Mapping[str, str]
) -> Mapping[str, Any]:
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
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = request_of(self.command, self.path, headers, data)
        if request is None:
            self.send(HTTPStatus.NOT_FOUND)
            return
        with self.tenant.log.serving():
            if self.is_broken_off(request.operation, request.mailbox):
                return
            try:
                self._raise_refusals(request)
                found = answer(self.tenant, request)
            except GraphError as error:
                found = GraphAnswer(error.content(), 0, error.status, error.code, error.headers)
            entry = Entry(request.operation, request.mailbox, found.count, found.status, found.code)
            body = json.dumps(found.content, ensure_ascii=False, separators=(",", ":"))
            self.reply(entry, body.encode(), _JSON, found.headers)

    def _raise_refusals(self, request: GraphRequest) -> None:
        """Refuse requests without a valid token, and those that a fault strikes."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        is_known = kind.casefold() == "bearer" and token in self.tenant.bearer_tokens
        if request.operation not in _OPEN and not is_known:
            raise GraphError(401, "InvalidAuthenticationToken", {"WWW-Authenticate": _BEARER})
        about = (request.mailbox, request.operation)
        found = self.tenant.faults.take("response_code", *about)
        if found is not None:
            raise GraphError(found.status, found.code)
        found = self.tenant.faults.limit_at_once(*about, self.tenant.log.now)
        if found is not None:
            wait = {} if found.retry_after is None else {"Retry-After": found.retry_after}
            raise GraphError(429, "ApplicationThrottled", wait)
