"""Reads room calendars over Microsoft Graph: ``read`` calls ``_rows``, which calls ``_request``.

Belongs here: how a window becomes calendar views, joined without duplicates; one request, which
link to a next page is followed, and what Graph's refusals mean; JSON to ``RawItem`` and
``RawInvitee``, in the contract's words.
Does not belong here: whether and when a request is sent (``session.py``), bytes and statuses
(``wire.py``), the sentences for operators (``remedies.py``).

Graph's messages quote addresses, so only a code is kept of them, if it looks like one of Exchange's
or is one of a few others. ``row_of`` is the hot path of a run. Subject, body and location come with
an event, but are never read. Instants are truncated to whole seconds, as EWS writes them.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

import requests

from pipelines.settings import GraphExchange, Secrets
from pipelines.sources import (
    Reach,
    ReadError,
    Window,
    is_response_code,
    malformed,
    refuse_web_page,
    status_failure,
)
from pipelines.sources.session import Session, SteadyView, Throttle, rows_by_id
from pipelines.sources.wire import Clock, secured
from transforms.raw import SERIES, RawInvitee, RawItem, Role

_HEADERS: Final = {"Accept": "application/json", "Prefer": 'outlook.timezone="UTC"'}
_LONGEST_VIEW: Final = timedelta(days=1800)  # Graph refuses more than 1,825 days
_OVERLAP: Final = timedelta(seconds=1)  # an item of no length between two views may be in neither
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
Row: TypeAlias = tuple[str, RawItem]
"""An event's id and the item; ids stay in memory."""

STATED: Final = {"is_online": "isOnlineMeeting"}
"""Columns stored exactly as Graph states them, with the property that states them."""
WITHOUT_PEOPLE: Final = ",".join(
    (
        *("id", "start", "end", "isAllDay", "isCancelled", "type", "showAs", "sensitivity"),
        *("responseStatus", *STATED.values()),
    )
)
"""The properties to request if no name or address may come. It lacks the time of creation: Graph
gives that only together with everything else."""

# Graph's words to the contract's (R3 to R5). A missing or unknown word becomes a default.
_KINDS: Final = {
    "singleInstance": "single",
    "occurrence": "occurrence",
    "exception": "exception",
    "seriesMaster": SERIES,
}
_SHOW_AS: Final = {
    "free": "free",
    "tentative": "tentative",
    "busy": "busy",
    "oof": "oof",
    "workingElsewhere": "elsewhere",
}
_RESPONSES: Final = {
    "organizer": "organizer",
    "tentativelyAccepted": "tentative",
    "accepted": "accept",
    "declined": "decline",
    "notResponded": "none",
}
_ANSWERS: Final = (*_RESPONSES, None, "none")
_PUBLIC: Final = (None, "normal", "personal")
_SENSITIVITIES: Final = (*_PUBLIC, "private", "confidential")
_ROLES: Final[Mapping[str, Role]] = {
    "required": "required",
    "optional": "optional",
    "resource": "resource",
}
_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC", "tzone://Microsoft/Utc"})
_USUAL_ENDS: Final = frozenset({".0000000", "Z", ""})
_from_iso: Final = datetime.fromisoformat
_MIDNIGHT: Final = datetime.min.time()


class GraphSource:
    """A ``CalendarSource`` over Graph: one worker, one connection.

    With ``with_invitees`` False it never requests names or addresses, nor times of creation. It
    connects when the first room is read. The workers of an exchange share ``throttle``.

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
            ids = sorted(event_id for event_id, _ in view.rows)
            # Two are enough to know a calendar by, unless both changed since the other reading.
            some, owners = {*ids[:1], *ids[-1:]}, self._session.throttle.owners
            owners.refuse_others(address.casefold(), some, are_folders=False)
            return [item for _, item in view.rows]
        except Exception as error:  # noqa: BLE001  of any error only its code is kept
            failure = ReadError.of(error)
        raise failure

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _rows(self, address: str, window: Window) -> tuple[list[Row], int]:
        """Return the rows, and how many pages they came on.

        Raises:
            ReadError: a request or a link to the next page failed; ``MalformedItem``.
        """
        rows: dict[str, list[Row]] = {}
        count = 0
        # No $select if invitees are wanted too: Graph gives createdDateTime only without it.
        fields = "" if self._with_invitees else f"&$select={WITHOUT_PEOPLE}"
        starts_at, ends_at = window.starts_at, window.starts_at
        while ends_at < window.ends_at:
            ends_at = min(window.ends_at, starts_at + _LONGEST_VIEW)
            found: list[Row] = []
            pages = Pages(
                f"{self._root}/v1.0/users/{quote(address, safe='@')}/calendar/calendarView"
                f"?startDateTime={_written(starts_at)}&endDateTime={_written(ends_at)}"
                f"&$top={_PAGE}{fields}"
            )
            while pages.following is not None:
                events = self._request(pages)
                found += [row_of(event, with_invitees=self._with_invitees) for event in events]
                count += 1
            rows.update(rows_by_id(found))
            starts_at = ends_at - _OVERLAP
        return [row for same in rows.values() for row in same], count

    def _request(self, pages: "Pages") -> Sequence[Mapping[str, Any]]:
        """Return the entries of the next page, with bounded retries.

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


class Pages:
    """The pages of a collection; ``following`` is the one to request next, None after the last."""

    def __init__(self, url: str) -> None:
        self.following: str | None = url
        self._home = _host(url)
        self._seen: set[str] = set()

    def take(self, content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return the entries of a page, and keep its link to the next one.

        Raises:
            ReadError: ``MalformedResponse`` if it is not a page; ``RepeatedPage``, ``TooManyPages``
                or ``OtherHost`` if links lead in a circle, never end, or leave this host.
        """
        values, link = content.get("value"), content.get(_NEXT)
        if not isinstance(values, list) or not (link is None or isinstance(link, str)):
            raise malformed()
        if link is not None and (_host(link) != self._home or "@" in urlsplit(link).netloc):
            raise ReadError("OtherHost")  # the token must not go to another host
        self._seen.add(self.following or "")
        if link in self._seen:
            raise ReadError("RepeatedPage")
        if link is not None and len(self._seen) == _MOST_PAGES:
            raise ReadError("TooManyPages")
        self.following = link
        return values


def _host(url: str) -> tuple[str, str | None, int] | None:
    """Return the scheme, host and port of a URL; None if it cannot be parsed."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.hostname, parts.port or 443
    except ValueError:
        return None


def _content_of(response: requests.Response) -> Mapping[str, Any]:
    """Return the JSON of an answer.

    Raises:
        ReadError: a refusal by its code or status; ``MalformedResponse``; ``WebPage``.
    """
    is_answer = response.status_code == 200
    failure = malformed() if is_answer else status_failure(response.status_code, response.headers)
    if is_answer:
        refuse_web_page(response.content)
    elif failure.is_transient or failure.reach is Reach.EXCHANGE:
        raise failure
    try:
        content = json.loads(response.content)
    except (ValueError, RecursionError):
        content = None
    if is_answer and isinstance(content, dict):
        return content
    named = content.get("error") if isinstance(content, dict) else None
    named = named.get("code") if isinstance(named, dict) else None
    if isinstance(named, str):  # Graph itself answered, about this mailbox
        may_be_shown = named in _KNOWN_CODES or is_response_code(named)
        failure = ReadError(named if may_be_shown else failure.code)
    raise failure


def _written(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def row_of(event: Mapping[str, Any], *, with_invitees: bool) -> Row:
    """Return an event as a row.

    Raises:
        ReadError: ``UnknownTimeZone`` for an event that is not in UTC; ``MalformedItem`` for one
            whose properties cannot be read; ``MalformedResponse`` for one without an id.
    """
    try:
        event_id, start, end = event["id"], event["start"], event["end"]
        is_in_utc = _is_in_utc(start) and _is_in_utc(end)
        item = (
            _item(event, start["dateTime"], end["dateTime"], with_invitees) if is_in_utc else None
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        event_id, is_in_utc, item = "", True, None
    if not is_in_utc:
        raise ReadError("UnknownTimeZone")
    if item is None:
        raise ReadError("MalformedItem")
    if not event_id or not isinstance(event_id, str):
        raise malformed()
    return event_id, item


def _is_in_utc(moment: Mapping[str, Any]) -> bool:
    """Tell whether a time is an instant in UTC, by its zone's name or by its own suffix."""
    return moment["timeZone"] in _UTC_NAMES or moment["dateTime"].endswith(("Z", "+00:00"))


def _item(event: Mapping[str, Any], start: str, end: str, with_invitees: bool) -> RawItem:
    find = event.get
    starts_at, ends_at = _instant(start), _instant(end)
    is_all_day = find("isAllDay") is True
    created, created_at, unreadable = find("createdDateTime"), None, 0
    try:
        created_at = None if created is None else _instant(created)
    except (TypeError, ValueError):  # optional
        unreadable = 1
    stated = {name: find(word) for name, word in STATED.items()}
    unreadable += sum(not isinstance(flag, bool | None) for flag in stated.values())
    response = find("responseStatus")
    response = response.get("response") if isinstance(response, dict) else response
    sensitivity = find("sensitivity")
    unreadable += (response not in _ANSWERS) + (sensitivity not in _SENSITIVITIES)
    invitees = None
    if with_invitees and "attendees" in event:
        try:
            invitees = tuple(_invitees(event))
        except (TypeError, AttributeError):  # optional
            unreadable += 1
    # If an all-day event starts and ends at 00:00, Graph states its dates. Any other time is the
    # instant of midnight in somebody's zone, as over EWS, and is left to R6.
    has_dates = is_all_day and starts_at.time() == ends_at.time() == _MIDNIGHT
    return RawItem(
        starts_at,
        ends_at,
        is_all_day,
        find("isCancelled") is True,
        _word(_KINDS, find("type"), "single"),
        _SHOW_AS.get(find("showAs", ""), "unknown"),
        _word(_RESPONSES, response, "unknown"),
        sensitivity not in _PUBLIC,  # an unknown word counts as private (R16)
        created_at,
        invitees,
        stated,
        (starts_at.date(), ends_at.date()) if has_dates else None,
        unreadable,
    )


def _word(words: Mapping[str, str], word: object, default: str) -> str:
    return words.get(word, default) if isinstance(word, str) else default


def _instant(text: str) -> datetime:
    """Return an instant in UTC, truncated to whole seconds as over EWS."""
    rest = text[19:]
    if rest not in _USUAL_ENDS and rest.strip(".0123456789") not in ("", "Z", "+00:"):
        raise ValueError
    return _from_iso(text[:19] + "Z")


def _invitees(event: Mapping[str, Any]) -> Iterator[RawInvitee]:
    """Yield everyone whom an event names.

    Graph gives no mailbox types: a distribution list cannot be told from a person.

    Raises:
        TypeError, AttributeError: the organizer or the attendees cannot be read.
    """
    organizer = (event.get("organizer") or {}).get("emailAddress") or {}
    if organizer.get("address") or organizer.get("name"):
        yield _invitee("organizer", organizer.get("address"))
    attendees = event["attendees"]
    if not isinstance(attendees, list | None):
        raise TypeError
    for attendee in attendees or ():
        role = _ROLES.get(attendee.get("type"), "required")
        yield _invitee(role, (attendee.get("emailAddress") or {}).get("address"))


def _invitee(role: Role, address: str | None) -> RawInvitee:
    if not isinstance(address, str | None):
        raise TypeError
    if address and address[0] == "/":
        return RawInvitee(role, None, address)
    return RawInvitee(role, address or None)
