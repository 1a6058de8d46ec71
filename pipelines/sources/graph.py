"""Reads room calendars over Microsoft Graph: ``read``, its ``_rows``, their ``_request``.

Belongs here: how a window becomes calendar views, joined without duplicates; one request, which
link to a next page is followed, and what Graph's refusals mean.
Does not belong here: whether and when a request is sent (``session.py``), JSON of events
(``graph_events.py``), bytes and statuses (``wire.py``), the sentences for operators
(``remedies.py``).

Messages of Graph quote addresses: only a code that looks like one of Exchange's, or is one of the
few others that are known, is taken over.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

import requests

from pipelines.settings import GraphExchange, Secrets
from pipelines.sources.base import Reach, ReadError, Window, is_response_code, malformed
from pipelines.sources.graph_events import WITHOUT_PEOPLE, Row, row_of
from pipelines.sources.session import Session, Throttle
from pipelines.sources.views import SteadyView, rows_by_id
from pipelines.sources.wire import Clock, refuse_web_page, secured, status_failure
from transforms.raw import RawItem

_HEADERS: Final = {"Accept": "application/json", "Prefer": 'outlook.timezone="UTC"'}
_LONGEST_VIEW: Final = timedelta(days=1800)  # Graph refuses more than 1,825 days
_OVERLAP: Final = timedelta(seconds=1)  # an item of no length on a seam may be in neither view
_PAGE: Final = 1_000
_MOST_PAGES: Final = 1_000
_NEXT: Final = "@odata.nextLink"
_KNOWN_CODES: Final = frozenset(
    {
        "Authorization_RequestDenied",
        "MailboxNotEnabledForRESTAPI",
        "MailboxNotSupportedForRESTAPI",
        "ResourceNotFound",
        "Request_ResourceNotFound",
    }
)


class GraphSource:
    """A ``CalendarSource`` over Graph: one worker, one connection.

    ``with_invitees`` False never requests anyone's name or address; nor then for when an item was
    created. Connects when the first room is read. ``throttle`` is shared by the workers of an
    exchange.

    Raises:
        ReadError: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(
        self,
        exchange: GraphExchange,
        secrets: Secrets,
        *,
        with_invitees: bool,
        throttle: Throttle | None = None,
        clock: Clock = time,
    ) -> None:
        self._root = exchange.endpoint.rstrip("/")
        self._with_invitees = with_invitees
        self._session = Session(exchange, secrets, throttle, "HTTP429", clock)
        self._http = secured(requests.Session(), self._session.adapter)
        self._http.auth = self._session.token
        self._http.headers.update(_HEADERS)
        self._last_date: str | None = None

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every item of the room that touches the window; see ``CalendarSource``."""
        try:
            self._session.begin()
            view = SteadyView[Row]()
            while not view.is_steady:
                view.take(*self._rows(address, window))
            return [item for _, item in view.rows]
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = ReadError.of(error)
        raise failure

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _rows(self, address: str, window: Window) -> tuple[list[Row], int]:
        """Return the rows, and how many pages they came on.

        Raises:
            ReadError: a request failed, or its links to the next page did; ``MalformedItem``.
        """
        rows: dict[str, list[Row]] = {}
        count = 0
        for part in _parts(window):
            found: list[Row] = []
            pages = Pages(self._view(address, part))
            while pages.following is not None:
                events = self._request(pages)
                found += [row_of(event, with_invitees=self._with_invitees) for event in events]
                count += 1
            rows.update(rows_by_id(found))
        return [row for same in rows.values() for row in same], count

    def _request(self, pages: "Pages") -> Sequence[Mapping[str, Any]]:
        """Return what the next page holds, after bounded retries.

        Raises:
            ReadError: the request failed; as ``Pages.take``.
        """
        values: Sequence[Mapping[str, Any]] = ()
        for attempt in self._session.attempts():
            with attempt, self._session.sending():
                response = self._http.get(pages.following or "", allow_redirects=False)
                self._last_date = response.headers.get("Date")
                values = pages.take(_content_of(response))
        return values

    def _view(self, address: str, window: Window) -> str:
        # No $select where everything may come: createdDateTime is given only without it.
        fields = "" if self._with_invitees else f"&$select={WITHOUT_PEOPLE}"
        return (
            f"{self._root}/v1.0/users/{quote(address, safe='@')}/calendar/calendarView"
            f"?startDateTime={_written(window.starts_at)}&endDateTime={_written(window.ends_at)}"
            f"&$top={_PAGE}{fields}"
        )


class Pages:
    """The pages of a collection; ``following`` is the one to request next, None after the last."""

    def __init__(self, url: str) -> None:
        self.following: str | None = url
        self._home = _host(urlsplit(url))
        self._seen: set[str] = set()

    def take(self, content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return what a page holds, and find the next one.

        Raises:
            ReadError: ``MalformedResponse`` for what is no page; ``RepeatedPage``,
                ``TooManyPages``, ``OtherHost`` for links that lead in circles, on and on, or away.
        """
        values, link = content.get("value"), content.get(_NEXT)
        if not isinstance(values, list) or not (link is None or isinstance(link, str)):
            raise malformed()
        if link is not None and not self._is_at_home(link):
            raise ReadError("OtherHost")  # the token is for this host alone
        self._seen.add(self.following or "")
        if link in self._seen:
            raise ReadError("RepeatedPage")
        if link is not None and len(self._seen) == _MOST_PAGES:
            raise ReadError("TooManyPages")
        self.following = link
        return values

    def _is_at_home(self, link: str) -> bool:
        try:
            parts = urlsplit(link)
            return "@" not in parts.netloc and _host(parts) == self._home
        except ValueError:
            return False


def _host(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme.lower(), parts.hostname, parts.port or 443


def _content_of(response: requests.Response) -> Mapping[str, Any]:
    """Return the JSON of an answer.

    Raises:
        ReadError: a refusal by its code or status; ``MalformedResponse``; ``WebPage``.
    """
    if response.status_code != 200:
        raise _refusal(response)
    refuse_web_page(response.content)
    try:
        content = json.loads(response.content)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise malformed()
    return content


def _refusal(response: requests.Response) -> ReadError:
    failure = status_failure(response.status_code, response.headers)
    if failure.is_transient or failure.reach is Reach.EXCHANGE:
        return failure
    try:
        named = json.loads(response.content)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        named = None
    if not isinstance(named, str):
        return failure
    # Graph itself answered, about this mailbox.
    may_be_shown = named in _KNOWN_CODES or is_response_code(named)
    return ReadError(named if may_be_shown else failure.code)


def _parts(window: Window) -> Iterator[Window]:
    """Yield windows that Graph answers, each a second into the one before."""
    starts_at = window.starts_at
    while window.ends_at - starts_at > _LONGEST_VIEW:
        yield Window(starts_at, starts_at + _LONGEST_VIEW)
        starts_at += _LONGEST_VIEW - _OVERLAP
    yield Window(starts_at, window.ends_at)


def _written(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
