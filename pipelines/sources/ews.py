"""Reads room calendars over EWS: ``read`` calls ``_rows``, which calls ``_request``.

Belongs here: how a window becomes requests (split until no view is cut short, joined without
duplicates, one mailbox only), the calls of the two services, and exchangelib's connection:
credentials and headers, without anything that probes or waits.
Does not belong here: whether and when a request is sent (``session.py``), XML and refusals
(``ews_xml.py``), bytes (``wire.py``).

exchangelib's own parser takes half a second of CPU for 1,000 items, silently repairs truncated XML
into a shorter list, and repeats forever the request for a view that was cut short. The library also
caches protocols, fills a pool of sessions, and may wait for one forever: here each source has its
own protocol with one session, created when needed. The methods overridden here are internals of
the library: pyproject.toml pins its minor version, and tests cover them.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Final

import requests
from exchangelib import EWSDateTime, EWSTimeZone
from exchangelib.account import Identity
from exchangelib.configuration import Configuration
from exchangelib.credentials import IMPERSONATION
from exchangelib.errors import MalformedResponseError, SOAPError
from exchangelib.fields import FieldPath
from exchangelib.items import ID_ONLY, SHALLOW, CalendarItem
from exchangelib.properties import CalendarView, DistinguishedFolderId, Mailbox
from exchangelib.protocol import CachingProtocol, FailFast, Protocol
from exchangelib.transport import NOAUTH
from exchangelib.version import EXCHANGE_2013_SP1, Version
from requests.auth import HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from requests_ntlm.requests_ntlm import _get_certificate_hash

from pipelines.settings import EwsExchange, Secrets
from pipelines.sources import ReadError, Window, malformed, status_failure
from pipelines.sources.ews_xml import (
    STATED,
    VIEW_CUT_SHORT,
    CalendarViewService,
    InviteeService,
    Row,
)
from pipelines.sources.session import Session, SteadyView, Throttle, rows_by_id
from pipelines.sources.wire import Clock, TimedAdapter, secured
from transforms.raw import RawInvitee, RawItem

UTC_ZONE: Final = EWSTimeZone("UTC")
# Every server that speaks EWS today accepts it: 2013 SP1 and later, Exchange Online included.
_VERSION: Final = Version(build=EXCHANGE_2013_SP1)
_RANDOM_OUTAGE: Final = "/ews/genericerrorpage.htm"
_LONGEST_VIEW: Final = timedelta(days=365)  # Exchange refuses more than two years
_SHORTEST_VIEW: Final = timedelta(minutes=1)
_OVERLAP: Final = timedelta(seconds=1)  # an item of no length between two views may be in neither
_ITEMS_A_REQUEST: Final = 100
_TRIES_OF_AN_ITEM: Final = 3
_TOO_MUCH: Final = frozenset(
    {VIEW_CUT_SHORT, "ErrorExceededFindCountLimit", "ErrorCalendarViewRangeTooBig"}
)


class _Uncached(CachingProtocol):  # type: ignore[misc]  # exchangelib has no types
    """Creates a new protocol each time: two workers must not share one."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return type.__call__(self, *args, **kwargs)


class OneSession(Protocol, metaclass=_Uncached):  # type: ignore[misc]  # exchangelib has no types
    """A protocol with one session, over the adapter of a worker's ``Session``."""

    def __init__(self, exchange: EwsExchange, secrets: Secrets, session: Session) -> None:
        super().__init__(
            config=Configuration(
                service_endpoint=exchange.endpoint,
                auth_type=NOAUTH,
                version=_VERSION,
                retry_policy=_NoSecondTry(),
                max_connections=1,
            )
        )
        self._auth = exchange.auth
        self._name, self._password = exchange.username or "", secrets.password or ""
        self._session = session

    def create_session(self) -> Any:
        """Return a session that signs in, and sends only HTTPS, through the worker's adapter."""
        session = secured(super().create_session(), self._session.adapter)
        if self._session.token is not None:
            session.auth = self._session.token
        elif self._auth == "ntlm":
            session.auth = _BoundNtlm(self._name, self._password, self._session.adapter)
        else:  # bytes, since requests refuses text that is not Latin-1
            session.auth = HTTPBasicAuth(self._name.encode(), self._password.encode())
        return session

    def retire_session(self, session: requests.Session) -> None:
        """Close a session without replacing it: creating one may fail and lose its pool slot."""
        self.close_session(session)
        self._session_pool_size -= 1

    def forget_lost_session(self) -> None:
        """Make room for a new session if the last one was never given back."""
        self._session_pool_size = self._session_pool.qsize()


class _NoSecondTry(FailFast):  # type: ignore[misc]  # exchangelib has no types
    """Turns HTTP statuses into failures; never retries by itself, least of all after a 401."""

    def raise_response_errors(self, response: Any) -> None:
        """Accept an answer that holds SOAP, and refuse any other.

        Raises:
            ReadError: ``HTTP503`` and the like.
        """
        status = response.status_code
        if status == 200 or (status == 500 and b"Envelope" in response.content[:1024]):
            return
        if status == 302 and _RANDOM_OUTAGE in response.headers.get("location", "").lower():
            raise ReadError(f"HTTP{status}", is_transient=True)
        raise status_failure(status, response.headers)


class _BoundNtlm(HttpNtlmAuth):
    """NTLM sign-in, bound to the server's certificate that the adapter received."""

    def __init__(self, username: str, password: str, adapter: TimedAdapter) -> None:
        super().__init__(username, password)
        self._adapter = adapter

    def retry_using_http_NTLM_auth(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: N802  the library's
        """Return the answer to the signed request; its status is 401 if sign-in was refused.

        Raises:
            ReadError: ``MalformedResponse`` if no challenge came; the password was not used.
        """
        try:
            return super().retry_using_http_NTLM_auth(*args, **kwargs)
        except (KeyError, PermissionError):  # raised below, without the library's text
            failure = malformed()
        raise failure

    def _get_server_cert(self, response: requests.Response) -> bytes | None:
        certificate = self._adapter.peer_certificate
        return None if certificate is None else _get_certificate_hash(certificate)


@dataclass
class RoomAccount:
    """The attributes of an account that the services need, without its folders and probing."""

    protocol: OneSession
    primary_smtp_address: str
    access_type: str

    affinity_cookie = None
    default_timezone = UTC_ZONE
    version = _VERSION

    @property
    def identity(self) -> Any:
        """The mailbox to impersonate; None if the access type is not impersonation."""
        is_needed = self.access_type == IMPERSONATION
        return Identity(primary_smtp_address=self.primary_smtp_address) if is_needed else None


class EwsSource:
    """A ``CalendarSource`` over EWS: one worker, one connection.

    With ``with_invitees`` False it never requests names or addresses. It connects when the first
    room is read. The workers of an exchange share ``throttle``.

    Raises:
        ReadError: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(
        self,
        exchange: EwsExchange,
        secrets: Secrets,
        *,
        with_invitees: bool,
        throttle: Throttle | None = None,
        clock: Clock = time,
    ) -> None:
        self._access = exchange.access
        self._with_invitees = with_invitees
        self._session = Session(exchange, secrets, throttle, "ErrorServerBusy", clock)
        self._protocol = OneSession(exchange, secrets, self._session)

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every item of the room that touches the window; see ``CalendarSource``."""
        try:
            self._session.begin()
            account = RoomAccount(self._protocol, address, self._access)
            view = SteadyView[Row]()
            while not view.is_steady:
                view.take(*self._rows(account, window))
            if not self._with_invitees:
                return [item for _, _, item in view.rows]
            items, gone = self._items_with_invitees(account, view.rows)
            # These were deleted meanwhile, or are withheld: a second view shows which.
            again = SteadyView[Row]()
            while gone and not again.is_steady:
                again.take(*self._rows(account, window))
            still = {row[0] for row in again.rows}
            return items + [with_invitees(row[2], None, 1) for row in gone if row[0] in still]
        except Exception as error:  # noqa: BLE001  of any error only its code is kept
            failure = ReadError.of(error)
        raise failure

    def close(self) -> None:
        """Close the connection."""
        self._protocol.close()

    def _rows(self, account: RoomAccount, window: Window) -> tuple[list[Row], int]:
        """Return the rows, and into how many views the window had to be split.

        Raises:
            ReadError: a view failed; ``OtherMailbox``.
        """
        service, address = CalendarViewService(account=account), account.primary_smtp_address
        rows: dict[str, list[Row]] = {}
        waiting = [window]
        views = 0
        while waiting:
            part = waiting.pop()
            if part.ends_at - part.starts_at > _LONGEST_VIEW:
                waiting += _halves(part)
                continue
            try:
                found = self._request(service, view_of(address, part))
            except ReadError as failure:
                if failure.code not in _TOO_MUCH or part.ends_at - part.starts_at <= _SHORTEST_VIEW:
                    raise
                waiting += _halves(part)
            else:
                views += 1
                folders = {folder for _, folder, _ in found}
                owners = self._session.throttle.owners
                owners.refuse_others(address.casefold(), folders, are_folders=True)
                rows.update(rows_by_id(found))
        return [row for same in rows.values() for row in same], views

    def _items_with_invitees(
        self, account: RoomAccount, rows: Sequence[Row]
    ) -> tuple[list[RawItem], list[Row]]:
        """Return the items with their invitees, and the rows that the server no longer finds.

        An item that is refused on its own stays a booking, without invitees.
        """
        service = InviteeService(account=account)
        items: list[RawItem] = []
        gone: list[Row] = []
        for start in range(0, len(rows), _ITEMS_A_REQUEST):
            part: Sequence[Row] = rows[start : start + _ITEMS_A_REQUEST]
            for again in range(_TRIES_OF_AN_ITEM):
                # Rows that differ may have one id, which is asked for once.
                asked = list(dict.fromkeys(row[0] for row in part))
                answers = self._request(service, details_of(asked))
                found = dict(zip(asked, answers, strict=True))
                refused = []
                for row in part:
                    invitees = found[row[0]]
                    if not isinstance(invitees, ReadError):
                        items.append(with_invitees(row[2], invitees))
                    elif invitees.code == "ErrorItemNotFound":
                        gone.append(row)
                    elif invitees.is_transient and again < _TRIES_OF_AN_ITEM - 1:
                        refused.append(row)
                    else:
                        items.append(with_invitees(row[2], None, 1))
                if not refused:
                    break
                part = refused
        return items, gone

    def _request(self, service: Any, arguments: Mapping[str, Any]) -> list[Any]:
        """Return a service's answer to the arguments of its ``call``, with bounded retries.

        Raises:
            ReadError: the request failed, or what came is not what was requested.
        """
        whole: list[Any] = []
        for attempt in self._session.attempts():
            with attempt, self._session.sending():
                try:
                    found = list(service.call(**arguments))
                except (MalformedResponseError, SOAPError):
                    raise malformed() from None
                finally:  # exchangelib loses a session that it fails to create during a request
                    self._protocol.forget_lost_session()
                whole = service.whole(found, arguments)
        return whole


def _paths(*names: str) -> list[Any]:
    return [FieldPath(field=CalendarItem.get_field_by_fieldname(name)) for name in names]


_ITEM_FIELDS: Final = _paths(
    "parent_folder_id",
    "sensitivity",
    "datetime_created",
    "start",
    "end",
    "is_all_day",
    "legacy_free_busy_status",
    "is_cancelled",
    "type",
    "my_response_type",
    *(name for _, name in STATED.values()),
)
_INVITEE_FIELDS: Final = _paths(
    "is_meeting", "organizer", "required_attendees", "optional_attendees", "resources"
)


def view_of(address: str, window: Window) -> dict[str, Any]:
    """Return the arguments of a ``CalendarViewService``.

    The folder is named, never resolved: a resolved folder may lose its mailbox.
    """
    folder = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=address))
    start, end = (
        EWSDateTime.from_datetime(instant.astimezone(UTC).replace(tzinfo=UTC_ZONE))
        for instant in (window.starts_at, window.ends_at)
    )
    return {
        "folders": [folder],
        "additional_fields": _ITEM_FIELDS,
        "restriction": None,
        "order_fields": None,
        "shape": ID_ONLY,
        "query_string": None,
        "depth": SHALLOW,
        "calendar_view": CalendarView(start=start, end=end),
        "max_items": None,
        "offset": 0,
    }


def details_of(item_ids: Iterable[str]) -> dict[str, Any]:
    """Return the arguments of an ``InviteeService``; no id may come twice."""
    return {"items": list(item_ids), "additional_fields": _INVITEE_FIELDS, "shape": ID_ONLY}


def with_invitees(
    item: RawItem, invitees: tuple[RawInvitee, ...] | None, unreadable: int = 0
) -> RawItem:
    """Return the item with its invitees, and ``unreadable`` more fields that could not be read."""
    return RawItem(  # dataclasses.replace takes twice as long as all other work on an item
        item.starts_at,
        item.ends_at,
        item.is_all_day,
        item.is_cancelled,
        item.kind,
        item.show_as,
        item.response,
        item.is_private,
        item.created_at,
        invitees,
        item.stated,
        item.all_day_dates,
        item.unreadable + unreadable,
    )


def _halves(window: Window) -> list[Window]:
    """Return the later and the earlier half, which overlap by one second."""
    middle = window.starts_at + (window.ends_at - window.starts_at) / 2
    middle = middle.replace(microsecond=0)
    return [Window(middle - _OVERLAP, window.ends_at), Window(window.starts_at, middle)]
