"""Reads room calendars over Exchange Web Services.

Belongs here: the settings of an EWS exchange, and how a window becomes requests: split until no
view is cut short, joined without duplicates, one mailbox only.
Does not belong here: the wire (``tls.py``, ``ews_protocol.py``), XML (``ews_services.py``), what
failures mean (``ews_failures.py``).
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeVar
from urllib.parse import urlsplit

import requests
from exchangelib.credentials import Credentials

from pipelines.sources.base import Scope, Window
from pipelines.sources.ews_failures import as_failure
from pipelines.sources.ews_protocol import OneSession, RoomAccount
from pipelines.sources.ews_services import VIEW_CUT_SHORT, CalendarViewService, InviteeService
from pipelines.sources.ews_xml import Row, with_invitees
from pipelines.sources.oauth import AppRegistration, Token
from pipelines.sources.session import (
    OTHER_MAILBOX,
    Deadline,
    Failure,
    Requester,
    Retry,
    Throttle,
    ending_in_a_code,
    refuse_series,
    rows_by_id,
    steady_rows,
)
from pipelines.sources.statuses import silence_loggers
from pipelines.sources.tls import TimedAdapter, secure
from transforms.raw import RawItem

T = TypeVar("T")

_LONGEST_VIEW: Final = timedelta(days=365)  # Exchange refuses more than two years
_SHORTEST_VIEW: Final = timedelta(minutes=1)
_OVERLAP: Final = timedelta(seconds=1)  # an item of no length on a seam may be in neither view
_ITEMS_A_REQUEST: Final = 100
_TRIES_OF_AN_ITEM: Final = 3
_SILENCES: Final = 3  # a server that stops answering is given up so often within a deadline
_TOO_MUCH: Final = frozenset(
    {VIEW_CUT_SHORT, "ErrorExceededFindCountLimit", "ErrorCalendarViewRangeTooBig"}
)


@dataclass(frozen=True, slots=True)
class EwsSettings:
    """One exchange that speaks EWS; the words are those of ``insights.yaml``."""

    endpoint: str
    auth: Literal["basic", "ntlm", "oauth"]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    access: Literal["impersonation", "delegate"] = "impersonation"
    ca_file: Path | None = None
    room_deadline_seconds: float = 120.0
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    certificate_file: Path | None = None
    certificate_password: str | None = field(default=None, repr=False)
    authority: str = "https://login.microsoftonline.com"


class EwsSource:
    """A ``CalendarSource`` over EWS: one worker, one connection.

    ``with_invitees`` False never asks Exchange for anyone's name or address. Connects when the
    first room is read. ``throttle`` is shared by the workers of an exchange. ``clock`` and
    ``sleep`` are for tests.

    Raises:
        SourceError: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(
        self,
        settings: EwsSettings,
        *,
        with_invitees: bool,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        silence_loggers()
        self._settings = settings
        self._with_invitees = with_invitees
        deadline = Deadline(clock)
        self._throttle = throttle or Throttle(1, clock)
        self._protocol, token = ending_in_a_code(lambda: _connect(settings, deadline), as_failure)
        self._requester = Requester(
            deadline,
            Retry(deadline, sleep),
            self._throttle,
            sleep,
            token,
            as_failure,
            patience="ErrorServerBusy",
        )

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every item of the room that touches the window; see ``CalendarSource``."""
        return ending_in_a_code(lambda: self._read(address, window), as_failure)

    def close(self) -> None:
        """Close the connection."""
        self._protocol.close()

    def _read(self, address: str, window: Window) -> list[RawItem]:
        self._requester.begin(self._settings.room_deadline_seconds)
        account = RoomAccount(self._protocol, address, self._settings.access)
        view = CalendarViewService(account=account)
        rows = steady_rows(partial(self._rows, view, address, window))
        refuse_series(row[-1] for row in rows)
        if not self._with_invitees:
            return [item for _, _, item in rows]
        items, gone = self._items_with_invitees(InviteeService(account=account), rows)
        if gone:
            # Deleted in between, or withheld: the view knows which.
            still = {row[0] for row in steady_rows(partial(self._rows, view, address, window))}
            items += [with_invitees(row[2], None, 1) for row in gone if row[0] in still]
        return items

    def _rows(
        self, service: CalendarViewService, address: str, window: Window
    ) -> tuple[list[Row], int]:
        """Return the rows, and how many views it took for each to be whole."""
        rows: dict[str, list[Row]] = {}
        waiting = [window]
        views = 0
        while waiting:
            part = waiting.pop()
            if part.ends_at - part.starts_at > _LONGEST_VIEW:
                waiting += _halves(part)
                continue
            try:
                found = self._ask(partial(service.rows, address, part))
            except Failure as failure:
                if failure.code not in _TOO_MUCH or part.ends_at - part.starts_at <= _SHORTEST_VIEW:
                    raise
                waiting += _halves(part)
            else:
                views += 1
                self._check_mailbox(address, found)
                rows.update(rows_by_id(found))
        return [row for same in rows.values() for row in same], views

    def _check_mailbox(self, address: str, rows: Iterable[Row]) -> None:
        """Refuse items that lie in more than one folder, or in a folder of another room.

        Raises:
            Failure: ``OtherMailbox``.
        """
        if not self._throttle.owners.is_only(address.casefold(), {folder for _, folder, _ in rows}):
            raise Failure(OTHER_MAILBOX)

    def _items_with_invitees(
        self, service: InviteeService, rows: Sequence[Row]
    ) -> tuple[list[RawItem], list[Row]]:
        """Return the items with who was invited, and the rows that the server no longer finds.

        An item that alone is refused stays a booking without details, however often.
        """
        items: list[RawItem] = []
        gone: list[Row] = []
        for start in range(0, len(rows), _ITEMS_A_REQUEST):
            part: Sequence[Row] = rows[start : start + _ITEMS_A_REQUEST]
            for again in range(_TRIES_OF_AN_ITEM):
                found = self._ask(partial(service.invitees, [row[0] for row in part]))
                refused = []
                for row, invitees in zip(part, found, strict=True):
                    if not isinstance(invitees, Failure):
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

    def _ask(self, request: Callable[[], T]) -> T:
        return self._requester.send(partial(self._send, request))

    def _send(self, request: Callable[[], T]) -> T:
        """Send a request once; exchangelib loses a session that it cannot make within a request."""
        try:
            return request()
        except Exception:
            self._protocol.forget_lost_session()
            raise


def _connect(settings: EwsSettings, deadline: Deadline) -> tuple[OneSession, Token | None]:
    urls = [settings.endpoint, *([settings.authority] if settings.auth == "oauth" else [])]
    if any(urlsplit(url).scheme.lower() != "https" for url in urls):
        raise Failure("HttpsRequired", scope=Scope.EXCHANGE)
    silence = settings.room_deadline_seconds / _SILENCES
    adapter = TimedAdapter(deadline, silence, settings.ca_file)
    if settings.auth == "oauth":
        credentials, token = None, _token(settings, adapter)
    else:
        credentials, token = Credentials(settings.username or "", settings.password or ""), None
    return OneSession(settings.endpoint, settings.auth, credentials, adapter, token), token


def _token(settings: EwsSettings, adapter: TimedAdapter) -> Token:
    def open_session() -> requests.Session:
        session = requests.Session()
        secure(session, adapter)
        return session

    app = AppRegistration(
        settings.authority,
        settings.tenant_id or "",
        settings.client_id or "",
        settings.client_secret,
        settings.certificate_file,
        settings.certificate_password,
    )
    # The resource is the host of the endpoint: outlook.office365.com, or a national cloud's.
    return Token(app, f"https://{urlsplit(settings.endpoint).hostname}/.default", open_session)


def _halves(window: Window) -> list[Window]:
    """Return the later and the earlier half, which share a second."""
    middle = window.starts_at + (window.ends_at - window.starts_at) / 2
    middle = middle.replace(microsecond=0)
    return [Window(middle - _OVERLAP, window.ends_at), Window(window.starts_at, middle)]
