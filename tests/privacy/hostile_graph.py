"""A Graph with tokens everywhere: in every property of an event, and in every error.

Belongs here: its JSON, its sign-in service, and the mood in which it answers a request.
Does not belong here: the server's HTTP (``hostile.py``), running nights (``nights.py``).

No schema of Graph's events is available here. Their properties are those of the simulated Graph,
each with some unknown properties beside it.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from pipelines.sandbox.graph_events import event
from pipelines.sandbox.model import Item, Person
from tests.privacy.tokens import Tokens

GRAPH_MOODS: Final = (
    "graph-good",  # a token in every text of an event
    "graph-lying",  # tokens also in place of words, flags and numbers
    "graph-garbled",  # a token instead of an instant
    "graph-refused",  # an error whose message quotes values
    "graph-strange",  # an error with an unknown code
    "graph-broken",  # HTTP 500 with a page of HTML
    "graph-no-json",  # plain text
    "graph-away",  # a link to a next page on another host
)
SIGN_IN: Final = "sign-in"
SIGN_IN_REFUSED: Final = "refused-sign-in"
_WORDS: Final = ("sensitivity", "showAs", "type", "importance", "response", "contentType")
_PERSON: Final = Person("somebody", "somebody@contoso.example")
Answer = tuple[int, bytes]


class GraphBook:
    """Graph's answers; ``served`` has the moods in which it has answered."""

    def __init__(self, tokens: Tokens, starts_at: datetime, served: set[str]) -> None:
        self._tokens = tokens
        self._starts_at = starts_at
        self.served = served

    def get(self, path: str, root: str) -> Answer:
        """Answer a GET: the description of the sign-in service, or a calendar view."""
        if "openid-configuration" in path:
            base = path.partition("/v2.0")[0].strip("/")
            return _said(200, {"issuer": f"{root}/{base}/v2.0"} | _endpoints(f"{root}/{base}"))
        address = unquote(path.partition("/users/")[2].partition("/")[0])
        mood = address.partition("@")[0]
        self.served.add(mood)
        return _ANSWERS.get(mood, GraphBook.events)(self, mood)

    def sign_in(self, path: str) -> Answer:
        """Answer a POST for a token."""
        if SIGN_IN_REFUSED not in path:
            token = self._token("access token")
            return _said(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token})
        self.served.add(SIGN_IN_REFUSED)
        names = ("error_description", "error_uri", "trace_id", "correlation_id")
        return _said(401, {"error": "invalid_client"} | {n: self._token(n) for n in names})

    def events(self, mood: str) -> Answer:
        """Return a view of one event."""
        created_at = self._starts_at - timedelta(days=3)
        item = Item(
            self._starts_at,
            self._starts_at + timedelta(hours=1),
            _PERSON,
            location="somewhere",
            required=(_PERSON,),
            optional=(_PERSON,),
            resources=(_PERSON,),
            created_at=created_at,
            item_id=self._token("event/id"),
        )
        planted = self._planted(event(item, 1), "event", is_lying=mood == "graph-lying")
        if mood == "graph-garbled":
            planted["start"]["dateTime"] = self._token("event/start/dateTime")
        page = {"@odata.context": self._token("@odata.context"), "value": [planted]}
        if mood == "graph-away":
            page["@odata.nextLink"] = f"https://{self._token('nextLink')}.example/next"
        return _said(200, page)

    def refused(self, mood: str) -> Answer:
        """Return an error with a token in every text."""
        strange = mood == "graph-strange"
        error = {name: self._token(f"error/{name}") for name in ("message", "target")}
        error["code"] = f"Error{self._token('error/code')}" if strange else "ErrorAccessDenied"
        inner = {name: self._token(f"innerError/{name}") for name in ("code", "request-id")}
        return _said(400 if strange else 403, {"error": error | {"innerError": inner}})

    def broken(self, _mood: str) -> Answer:
        """Return a page of HTML."""
        return 500, f"<html>{self._token('Graph error page')}".encode()

    def no_json(self, _mood: str) -> Answer:
        """Return a text."""
        return 200, self._token("answer that is no JSON").encode()

    def _token(self, place: str) -> str:
        return self._tokens.new(f"Graph {place}")

    def _planted(self, value: Any, path: str, *, is_lying: bool) -> Any:
        """Replace every text in JSON by a token, and add unknown properties."""
        if isinstance(value, dict):
            planted = {
                name: self._planted(inner, f"{path}/{name}", is_lying=is_lying)
                for name, inner in value.items()
            }
            return planted | {self._token(f"{path}/unknown"): self._token(f"{path}/unknown")}
        if isinstance(value, list):
            value = value or ["nothing"]
            return [self._planted(inner, path, is_lying=is_lying) for inner in value]
        name = path.rpartition("/")[2]
        if path in _KEPT or (not is_lying and (_is_no_text(value) or name in _WORDS)):
            return value
        token = self._token(path)
        return f"{token}@{token}.example" if name == "address" else token


_KEPT: Final = frozenset(
    {
        *(f"event/{edge}/{name}" for edge in ("start", "end") for name in ("dateTime", "timeZone")),
        *("event/createdDateTime", "event/attendees/type"),
    }
)
_ANSWERS: Final[Mapping[str, Callable[[GraphBook, str], Answer]]] = {
    "graph-refused": GraphBook.refused,
    "graph-strange": GraphBook.refused,
    "graph-broken": GraphBook.broken,
    "graph-no-json": GraphBook.no_json,
}


def _is_no_text(value: object) -> bool:
    return isinstance(value, bool | int)


def _endpoints(base: str) -> dict[str, str]:
    names = ("authorization_endpoint", "token_endpoint")
    return {name: f"{base}/oauth2/v2.0/{name.partition('_')[0]}" for name in names}


def _said(status: int, content: Mapping[str, Any]) -> Answer:
    return status, json.dumps(content).encode()
