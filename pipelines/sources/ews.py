"""Reads room calendars over Exchange Web Services: ``read``, its ``_rows``, their ``_request``.

Belongs here: how a window becomes requests (split until no view is cut short, joined without
duplicates, one mailbox only), and the two services that are requested.
Does not belong here: whether and when a request is sent (``session.py``), exchangelib's
connection and refusals (``ews_protocol.py``), XML (``ews_xml.py``), bytes (``wire.py``).

exchangelib's own parsing takes half a second of CPU for 1,000 items, mends cut XML into a
silently shorter list, and requests a shortened view again for ever. The hooks are internals of the
library: pyproject.toml pins its minor version, and the tests hold them.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from exchangelib import EWSDateTime
from exchangelib.errors import MalformedResponseError, SOAPError
from exchangelib.fields import FieldPath
from exchangelib.items import ID_ONLY, SHALLOW, CalendarItem
from exchangelib.properties import CalendarView, DistinguishedFolderId, Mailbox
from exchangelib.services import FindItem, GetItem
from exchangelib.util import MNS
from lxml import etree

from pipelines.settings import EwsExchange, Secrets
from pipelines.sources.base import ReadError, Window, malformed
from pipelines.sources.ews_protocol import UTC_ZONE, OneSession, RoomAccount, StrictService
from pipelines.sources.ews_xml import (
    CALENDAR_ITEM,
    STATED,
    TYPES,
    Row,
    invitees_of,
    is_true,
    rows_of,
    with_invitees,
)
from pipelines.sources.session import Session, Throttle
from pipelines.sources.views import SteadyView, rows_by_id
from pipelines.sources.wire import Clock
from transforms.raw import RawInvitee, RawItem

_LONGEST_VIEW: Final = timedelta(days=365)  # Exchange refuses more than two years
_SHORTEST_VIEW: Final = timedelta(minutes=1)
_OVERLAP: Final = timedelta(seconds=1)  # an item of no length on a seam may be in neither view
_ITEMS_A_REQUEST: Final = 100
_TRIES_OF_AN_ITEM: Final = 3
_VIEW_CUT_SHORT: Final = "ViewCutShort"
_TOO_MUCH: Final = frozenset(
    {_VIEW_CUT_SHORT, "ErrorExceededFindCountLimit", "ErrorCalendarViewRangeTooBig"}
)
_BUSY: Final = frozenset(
    {"ErrorServerBusy", "ErrorTooManyObjectsOpened", "ErrorExceededConnectionCount"}
)


class EwsSource:
    """A ``CalendarSource`` over EWS: one worker, one connection.

    ``with_invitees`` False never requests anyone's name or address. Connects when the
    first room is read. ``throttle`` is shared by the workers of an exchange.

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
            # Deleted in between, or withheld: the view knows which.
            again = SteadyView[Row]()
            while gone and not again.is_steady:
                again.take(*self._rows(account, window))
            still = {row[0] for row in again.rows}
            return items + [with_invitees(row[2], None, 1) for row in gone if row[0] in still]
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = ReadError.of(error)
        raise failure

    def close(self) -> None:
        """Close the connection."""
        self._protocol.close()

    def _rows(self, account: RoomAccount, window: Window) -> tuple[list[Row], int]:
        """Return the rows, and how many views it took for each to be whole.

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
                self._session.throttle.owners.refuse_other_mailbox(address.casefold(), folders)
                rows.update(rows_by_id(found))
        return [row for same in rows.values() for row in same], views

    def _items_with_invitees(
        self, account: RoomAccount, rows: Sequence[Row]
    ) -> tuple[list[RawItem], list[Row]]:
        """Return the items with who was invited, and the rows that the server no longer finds.

        An item that alone is refused stays a booking without details, however often.
        """
        service = InviteeService(account=account)
        items: list[RawItem] = []
        gone: list[Row] = []
        for start in range(0, len(rows), _ITEMS_A_REQUEST):
            part: Sequence[Row] = rows[start : start + _ITEMS_A_REQUEST]
            for again in range(_TRIES_OF_AN_ITEM):
                found = self._request(service, details_of(row[0] for row in part))
                refused = []
                for row, invitees in zip(part, found, strict=True):
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
        """Return what a service answers to the arguments of its ``call``, after bounded retries.

        Raises:
            ReadError: the request failed, or less came than was requested.
        """
        found: list[Any] = []
        for attempt in self._session.attempts():
            with attempt, self._session.sending():
                try:
                    found = list(service.call(**arguments))
                except (MalformedResponseError, SOAPError):
                    raise malformed() from None
                finally:  # exchangelib loses a session that it cannot make within a request
                    self._protocol.forget_lost_session()
                service.refuse_incomplete(found, arguments)
        return found


class CalendarViewService(StrictService, FindItem):  # type: ignore[misc]  # exchangelib has no types
    """``FindItem`` with a CalendarView: a ``Row`` for each item of one window, or a failure."""

    @staticmethod
    def _get_paging_values(elem: etree._Element) -> tuple[int, None]:
        items = elem.find(f"{TYPES}Items")
        came = 0 if items is None else len(items)
        is_whole = is_true(elem.get("IncludesLastItemInRange"))
        if not is_whole or elem.get("TotalItemsInView") != str(came):
            raise ReadError(_VIEW_CUT_SHORT)
        return came, None

    @classmethod
    def _get_elements_in_container(cls, container: etree._Element) -> list[Row]:
        return rows_of(container)

    def _elem_to_obj(self, elem: Row) -> Row:
        return elem


class InviteeService(StrictService, GetItem):  # type: ignore[misc]  # exchangelib has no types
    """``GetItem`` for nothing but who was invited.

    Finds for each id, in order, the invitees (None for a meeting whose invitees the server does
    not tell), or the item's refusal.
    """

    ERRORS_TO_CATCH_IN_RESPONSE = (ReadError,)
    WARNINGS_TO_CATCH_IN_RESPONSE = (ReadError,)

    def refuse_incomplete(self, found: Sequence[Any], arguments: Mapping[str, Any]) -> None:
        """Do nothing, unless the answer as a whole has to be requested again.

        Raises:
            ReadError: the server is busy, every item is refused for a reason that passes, or the
                count differs.
        """
        if len(found) != len(arguments["items"]):
            raise malformed()
        passing = [each for each in found if isinstance(each, ReadError) and each.is_transient]
        busy = [each for each in passing if each.code in _BUSY]
        if busy or (len(passing) == len(found) > 1):
            raise (busy or passing)[0]

    def get_payload(self, items: Sequence[str], additional_fields: list[Any], shape: str) -> Any:
        """Return the request; the library's way to add ids costs as much as parsing the answer."""
        payload = super().get_payload([], additional_fields, shape)
        ids = payload.find(f"{{{MNS}}}ItemIds")
        for item_id in items:
            etree.SubElement(ids, f"{TYPES}ItemId", Id=item_id)
        return payload

    def _elem_to_obj(self, elem: etree._Element | bool) -> tuple[RawInvitee, ...] | None:
        if isinstance(elem, bool) or elem.tag != CALENDAR_ITEM:
            raise malformed()
        return invitees_of(elem)


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

    The folder is named, never resolved: a resolved one may lose its mailbox.
    """
    folder = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=address))
    view = CalendarView(start=_ews_instant(window.starts_at), end=_ews_instant(window.ends_at))
    return {
        "folders": [folder],
        "additional_fields": _ITEM_FIELDS,
        "restriction": None,
        "order_fields": None,
        "shape": ID_ONLY,
        "query_string": None,
        "depth": SHALLOW,
        "calendar_view": view,
        "max_items": None,
        "offset": 0,
    }


def details_of(item_ids: Iterable[str]) -> dict[str, Any]:
    """Return the arguments of an ``InviteeService``."""
    return {"items": list(item_ids), "additional_fields": _INVITEE_FIELDS, "shape": ID_ONLY}


def _ews_instant(instant: datetime) -> EWSDateTime:
    return EWSDateTime.from_datetime(instant.astimezone(UTC).replace(tzinfo=UTC_ZONE))


def _halves(window: Window) -> list[Window]:
    """Return the later and the earlier half, which share a second."""
    middle = window.starts_at + (window.ends_at - window.starts_at) / 2
    middle = middle.replace(microsecond=0)
    return [Window(middle - _OVERLAP, window.ends_at), Window(window.starts_at, middle)]
