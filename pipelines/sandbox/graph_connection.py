"""Graph's and the sign-in service's requests on a connection.

Belongs here: from an HTTP request to one of Graph's, letting in or not, JSON on the wire.
Does not belong here: what an answer says (``graph.py``), broken bytes (``wire.py``).
"""

import json
from http import HTTPStatus

from pipelines.sandbox.graph import (
    GraphAnswer,
    GraphError,
    GraphRequest,
    answer,
    is_sign_in,
    refusal,
    request_of,
)
from pipelines.sandbox.request_log import Entry
from pipelines.sandbox.wire import Wire

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
