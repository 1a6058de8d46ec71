"""The two services that read a calendar, parsed straight into rows.

Belongs here: exchangelib's ``FindItem`` and ``GetItem`` with the hooks that make them strict
and lean, and the fields that are asked for.
Does not belong here: when to ask (``ews.py``), how (``ews_protocol.py``).

exchangelib's own parsing takes half a second of CPU for 1,000 items, mends cut XML into a
silently shorter list, and asks a shortened view again for ever. The hooks are internals of the
library: pyproject.toml pins its minor version, and the tests hold them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from exchangelib import EWSDateTime, EWSTimeZone
from exchangelib.fields import FieldPath
from exchangelib.items import ID_ONLY, SHALLOW, CalendarItem
from exchangelib.properties import CalendarView, DistinguishedFolderId, Mailbox
from exchangelib.services import FindItem, GetItem
from exchangelib.util import MNS, SOAPNS
from lxml import etree

from pipelines.sources.base import Window
from pipelines.sources.ews_failures import fault_refusal, message_values, refusal
from pipelines.sources.ews_xml import (
    CALENDAR_ITEM,
    STATED,
    TYPES,
    Row,
    invitees_of,
    is_true,
    malformed,
    parse_strictly,
    rows_of,
)
from pipelines.sources.session import Failure
from transforms.raw import RawInvitee

VIEW_CUT_SHORT: Final = "ViewCutShort"
UTC_ZONE: Final = EWSTimeZone("UTC")


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
_BUSY: Final = frozenset(
    {"ErrorServerBusy", "ErrorTooManyObjectsOpened", "ErrorExceededConnectionCount"}
)


class StrictService:
    """What every service here shares: strict parsing, and refusals without their texts."""

    @classmethod
    def _get_soap_parts(cls, response: Any) -> tuple[None, etree._Element]:
        """Return no header, so that the server's version is never negotiated, and the body."""
        body = parse_strictly(response.content).find(f"{{{SOAPNS}}}Body")
        if body is None:
            raise malformed()
        return None, body

    @classmethod
    def _raise_soap_errors(cls, fault: etree._Element) -> None:
        raise fault_refusal(fault)

    @staticmethod
    def _get_exception(
        code: str | None, text: str, msg_xml: etree._Element | None = None, rule_errors: Any = None
    ) -> Failure:
        return refusal(code, message_values(msg_xml))


class CalendarViewService(StrictService, FindItem):  # type: ignore[misc]  # exchangelib has no types
    """``FindItem`` with a CalendarView: all items of one window, or a failure."""

    def rows(self, address: str, window: Window) -> list[Row]:
        """Return every item that touches the window.

        The folder is named, never resolved: a resolved one may lose its mailbox.

        Raises:
            Failure: ``ViewCutShort`` if the server held items back.
        """
        folder = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=address))
        view = CalendarView(start=_ews_instant(window.starts_at), end=_ews_instant(window.ends_at))
        return list(
            self.call(
                folders=[folder],
                additional_fields=_ITEM_FIELDS,
                restriction=None,
                order_fields=None,
                shape=ID_ONLY,
                query_string=None,
                depth=SHALLOW,
                calendar_view=view,
                max_items=None,
                offset=0,
            )
        )

    @staticmethod
    def _get_paging_values(elem: etree._Element) -> tuple[int, None]:
        items = elem.find(f"{TYPES}Items")
        came = 0 if items is None else len(items)
        is_whole = is_true(elem.get("IncludesLastItemInRange"))
        if not is_whole or elem.get("TotalItemsInView") != str(came):
            raise Failure(VIEW_CUT_SHORT)
        return came, None

    @classmethod
    def _get_elements_in_container(cls, container: etree._Element) -> list[Row]:
        return rows_of(container)

    def _elem_to_obj(self, elem: Row) -> Row:
        return elem


class InviteeService(StrictService, GetItem):  # type: ignore[misc]  # exchangelib has no types
    """``GetItem`` for nothing but who was invited."""

    ERRORS_TO_CATCH_IN_RESPONSE = (Failure,)
    WARNINGS_TO_CATCH_IN_RESPONSE = (Failure,)

    def invitees(self, item_ids: Sequence[str]) -> list[tuple[RawInvitee, ...] | Failure | None]:
        """Return the invitees of each item, or its refusal, in the order asked; one request.

        None stands for a meeting whose invitees the server does not tell.

        Raises:
            Failure: the request failed, the server is busy, every item is refused for a reason
                that passes, or the count differs.
        """
        found = list(self.call(item_ids, additional_fields=_INVITEE_FIELDS, shape=ID_ONLY))
        if len(found) != len(item_ids):
            raise malformed()
        passing = [each for each in found if isinstance(each, Failure) and each.is_transient]
        busy = [each for each in passing if each.code in _BUSY]
        if busy or (len(passing) == len(found) > 1):
            raise (busy or passing)[0]
        return found

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


def _ews_instant(instant: datetime) -> EWSDateTime:
    return EWSDateTime.from_datetime(instant.astimezone(UTC).replace(tzinfo=UTC_ZONE))
