"""Graph on a connection: paths, the app's rights, JSON, errors in Graph's words."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from pipelines.sandbox.faults import Entry
from pipelines.sandbox.graph import GraphError
from pipelines.sandbox.graph.sign_in import describe, issue_token
from pipelines.sandbox.graph.view import Page, calendar_view, list_rooms
from pipelines.sandbox.model import Mailbox, Tenant
from pipelines.sandbox.wire import Wire

_Answer: TypeAlias = Callable[[Tenant, "GraphRequest"], "GraphAnswer"]
_PATHS: Final = (
    ("CalendarView", "GET", r"/v1\.0/users/(?P<mailbox>[^/]+)/(?:calendar/)?calendarView"),
    ("Places", "GET", r"/v1\.0/places/microsoft\.graph\.room"),
    ("Token", "POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token"),
    ("Discovery", "GET", r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"),
)


@dataclass(frozen=True)
class GraphRequest:
    """One request; ``mailbox`` is the lower-case address it is about, empty if none.

    ``base`` is the server's own address, ``options`` are the query's, ``form`` the body's.
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
    """An answer's JSON, and what the request log keeps of it."""

    content: Mapping[str, Any]
    count: int = 0
    status: int = 200
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def request_of(
    method: str, target: str, headers: Mapping[str, str], data: bytes
) -> GraphRequest | None:
    """Return what is asked for, or None if it is none of Graph's or of the sign-in service's."""
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


def is_sign_in(request: GraphRequest) -> bool:
    """Tell whether a request is the sign-in service's, which no token opens."""
    return request.operation in ("Token", "Discovery")


def answer(tenant: Tenant, request: GraphRequest) -> GraphAnswer:
    """Carry out a request whose token is good.

    Raises:
        GraphError: where Graph, or the sign-in service, refuses.
    """
    _raise_faults(tenant, request)
    return _ANSWERS[request.operation](tenant, request)


def refusal(error: GraphError) -> GraphAnswer:
    """Return the answer that an error is."""
    return GraphAnswer(error.content(), 0, error.status, error.code, error.headers)


def _raise_faults(tenant: Tenant, request: GraphRequest) -> None:
    about = (request.mailbox, request.operation)
    found = tenant.faults.take("response_code", *about)
    if found is not None:
        raise GraphError(found.status, found.code)
    found = tenant.faults.limit_at_once(*about, tenant.log.now)
    if found is not None:
        wait = {} if found.retry_after is None else {"Retry-After": found.retry_after}
        raise GraphError(429, "ApplicationThrottled", wait)


def _calendar_view(tenant: Tenant, request: GraphRequest) -> GraphAnswer:
    mailbox = _readable(tenant, request.mailbox)
    swap = tenant.faults.take("other_mailbox", request.mailbox, request.operation)
    if swap is not None:
        mailbox = tenant.mailboxes[swap.mailbox.casefold()]
    page = Page.of(request.options, request.headers)
    path = f"{request.base}/v1.0/users/{request.mailbox}/calendar/calendarView"
    content = calendar_view(tenant, mailbox, page, path)
    return GraphAnswer(content, len(content["value"]))


def _readable(tenant: Tenant, address: str) -> Mailbox:
    mailbox = tenant.mailbox(address)
    if mailbox is None:
        raise GraphError(404, "ErrorInvalidUser")
    if not tenant.app.may_read(address):
        raise GraphError(403, "ErrorAccessDenied")
    return mailbox


def _places(tenant: Tenant, request: GraphRequest) -> GraphAnswer:
    if not tenant.app.may_read_places:
        raise GraphError(403, "Authorization_RequestDenied")
    content = list_rooms(tenant, request.options, f"{request.base}/v1.0/places")
    return GraphAnswer(content, len(content["value"]))


def _token(tenant: Tenant, request: GraphRequest) -> GraphAnswer:
    endpoint = f"{request.base}/{request.tenant_id}/oauth2/v2.0/token"
    token = issue_token(tenant.app, request.tenant_id, endpoint, request.form)
    tenant.bearer_tokens.add(str(token["access_token"]))
    return GraphAnswer(token)


def _discovery(_tenant: Tenant, request: GraphRequest) -> GraphAnswer:
    return GraphAnswer(describe(f"{request.base}/{request.tenant_id}"))


_ANSWERS: Final[Mapping[str, _Answer]] = {
    "CalendarView": _calendar_view,
    "Places": _places,
    "Token": _token,
    "Discovery": _discovery,
}


def _single(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}


JSON = "application/json; odata.metadata=minimal; charset=utf-8"
_BEARER = 'Bearer realm="", authorization_uri="https://localhost/common/oauth2/authorize"'


class GraphConnection(Wire):
    """Serves Graph and tokens; what is neither of them is not found."""

    def serve_graph(self, data: bytes = b"") -> None:
        """Serve one request, whatever its method."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = request_of(self.command, self.path, headers, data)
        if request is None:
            self.send(HTTPStatus.NOT_FOUND)
            return
        with self.tenant.log.serving():
            if not self.is_broken_off(request.operation, request.mailbox):
                self._answer(request)

    def _answer(self, request: GraphRequest) -> None:
        try:
            if not is_sign_in(request):
                self._check_bearer()
            found = answer(self.tenant, request)
        except GraphError as error:
            found = refusal(error)
        entry = Entry(request.operation, request.mailbox, found.count, found.status, found.code)
        self.reply(entry, _json(found), JSON, found.headers)

    def _check_bearer(self) -> None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind.casefold() != "bearer" or token not in self.tenant.bearer_tokens:
            raise GraphError(401, "InvalidAuthenticationToken", {"WWW-Authenticate": _BEARER})


def _json(found: GraphAnswer) -> bytes:
    return json.dumps(found.content, ensure_ascii=False, separators=(",", ":")).encode()
