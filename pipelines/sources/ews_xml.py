"""EWS answers: a strict parser, refusals by their code, the few elements that an item needs.

Belongs here: bytes to XML, what every service shares, what EWS response codes and SOAP faults
mean, XML to ``RawItem`` and ``RawInvitee``.
Does not belong here: requests, and whether a view is whole (``ews.py``), HTTP statuses
(``wire.py``), the sentences for operators (``remedies.py``).

Exchange's texts hold people's names, so only what looks like a response code is kept of them.
``rows_of`` is the hot path of a run.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import repeat
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from exchangelib.services import FindItem, GetItem
from exchangelib.util import ENS, MNS, SOAPNS, TNS
from lxml import etree

from pipelines.sources import Reach, ReadError, is_response_code, malformed, refuse_web_page
from pipelines.sources.session import TOO_BUSY
from transforms.raw import SERIES, RawInvitee, RawItem, Role

TYPES: Final = "{http://schemas.microsoft.com/exchange/services/2006/types}"
CALENDAR_ITEM: Final = f"{TYPES}CalendarItem"
STATED: Final = {"is_online": ("IsOnlineMeeting", "is_online_meeting")}
"""Columns stored exactly as Exchange states them: the EWS element, exchangelib's name for it."""
_FIELDS: Final = tuple(
    TYPES + name
    for name in (
        "ItemId",
        "ParentFolderId",
        "Start",
        "End",
        "DateTimeCreated",
        "IsAllDayEvent",
        "IsCancelled",
        "CalendarItemType",
        "LegacyFreeBusyStatus",
        "MyResponseType",
        "Sensitivity",
        *(element for element, _ in STATED.values()),
    )
)
_UNREADABLE: Final = (TypeError, ValueError, OverflowError)
_BOOLEANS: Final = {None: None, "true": True, "1": True, "false": False, "0": False}
is_true: Final = frozenset({"true", "1"}).__contains__
"""Tells whether an xs:boolean is true; a missing one counts as false."""
_LISTS: Final = frozenset({"PublicDL", "PrivateDL", "GroupMailbox"})
_REFERENCE: Final = re.compile(rb"&#(?:x([0-9a-fA-F]+)|([0-9]+));")
_MOST_DIGITS: Final = 20  # no character needs more, and Python does not parse thousands
_ROLES: Final[dict[str, Role]] = {
    f"{TYPES}Organizer": "organizer",
    f"{TYPES}RequiredAttendees": "required",
    f"{TYPES}OptionalAttendees": "optional",
    f"{TYPES}Resources": "resource",
}
_INVITED: Final = frozenset(_ROLES) - {f"{TYPES}Organizer"}
_IS_MEETING: Final = f"{TYPES}IsMeeting"
_MAILBOX: Final = f"{TYPES}Mailbox"
_ADDRESS: Final = f"{TYPES}EmailAddress"
_ROUTING: Final = f"{TYPES}RoutingType"
_MAILBOX_TYPE: Final = f"{TYPES}MailboxType"
# EWS's words to the contract's (R3 to R5). A missing or unknown word becomes a default.
_KINDS: Final[dict[str | None, str]] = {
    "Single": "single",
    "Occurrence": "occurrence",
    "Exception": "exception",
    "RecurringMaster": SERIES,
}
_SHOW_AS: Final[dict[str | None, str]] = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "elsewhere",
}
_RESPONSES: Final[dict[str | None, str]] = {
    "Organizer": "organizer",
    "Tentative": "tentative",
    "Accept": "accept",
    "Decline": "decline",
    "NoResponseReceived": "none",
}
_PUBLIC: Final = frozenset({None, "Normal", "Personal"})
_SENSITIVITIES: Final = _PUBLIC | {"Private", "Confidential"}
_ANSWERS: Final = _RESPONSES.keys() | {None, "Unknown"}
_TRANSIENT_CODES: Final = TOO_BUSY | {
    *("ErrorADOperation", "ErrorADUnavailable", "ErrorInsufficientResources"),
    *("ErrorNoRespondingCASInDestinationSite", "ErrorProxyRequestProcessingFailed"),
    *("ErrorBatchProcessingStopped", "ErrorConnectionFailed", "ErrorTimeoutExpired"),
    *("ErrorInternalServerError", "ErrorInternalServerTransientError", "ErrorMailboxFailover"),
    "ErrorMailboxStoreUnavailable",
}
_REACHES: Final = {
    "ErrorPasswordChangeRequired": Reach.EXCHANGE,
    "ErrorPasswordExpired": Reach.EXCHANGE,
    # The account that signs in, or the room's; the endpoint, or the server of the room's mailbox.
    "ErrorAccountDisabled": Reach.UNCLEAR,
    "ErrorInvalidServerVersion": Reach.UNCLEAR,
}
VIEW_CUT_SHORT: Final = "ViewCutShort"
_VALUES: Final = f"{{{TNS}}}Value"

Row: TypeAlias = tuple[str, str, RawItem]
"""An item's id, its folder's id, and the item; ids stay in memory."""


def parse_strictly(data: bytes) -> etree._Element:
    """Return the root of an XML document that is whole and well-formed.

    References to characters that XML forbids are dropped first: real servers write them.

    Raises:
        ReadError: ``MalformedResponse``; ``WebPage`` if it is one.
    """
    refuse_web_page(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    if b"&#" in data:
        data = _REFERENCE.sub(_if_allowed, data)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # stubs
        raise malformed()
    return root


def _if_allowed(match: re.Match[bytes]) -> bytes:
    digits, base = (match[1], 16) if match[1] else (match[2], 10)
    number = int(digits, base) if len(digits) <= _MOST_DIGITS else -1
    is_allowed = (
        number in (0x9, 0xA, 0xD)
        or 0x20 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )
    return match[0] if is_allowed else b""


class StrictService:
    """What every service here shares: strict parsing, and refusals without their texts."""

    def whole(self, found: list[Any], _arguments: Mapping[str, Any]) -> list[Any]:
        """Return the answer, or raise if it is not what the arguments of the call asked for."""
        return found

    @classmethod
    def _get_soap_parts(cls, response: Any) -> tuple[None, etree._Element]:
        """Return the body, and no header, so that exchangelib never negotiates the version."""
        body = parse_strictly(response.content).find(f"{{{SOAPNS}}}Body")
        if body is None:
            raise malformed()
        return None, body

    @classmethod
    def _raise_soap_errors(cls, fault: etree._Element) -> None:
        code = fault.findtext(f"detail/{{{ENS}}}ResponseCode")
        if code is None:  # a fault before the request was parsed has only a fault code
            code = (fault.findtext("faultcode") or "").rpartition(":")[2]
        raise cls._get_exception(code.strip(), "", fault.find(f"detail/{{{TNS}}}MessageXml"))

    @staticmethod
    def _get_exception(
        code: str | None, text: str, msg_xml: etree._Element | None = None, rule_errors: Any = None
    ) -> ReadError:
        """Return the failure for a response code and its MessageXml."""
        found = () if msg_xml is None else msg_xml.iter(_VALUES)
        values = {each.get("Name", ""): (each.text or "").strip() for each in found}
        back_off = values.get("BackOffMilliseconds", "")
        codes = (values.get("InnerErrorResponseCode") or "", code or "")
        known = next(filter(is_response_code, codes), "UnknownCode")
        return ReadError(
            known,
            _REACHES.get(known, Reach.ROOM),
            is_transient=known in _TRANSIENT_CODES,
            retry_after=float(back_off) / 1000 if back_off.isdecimal() else None,
        )


class CalendarViewService(StrictService, FindItem):  # type: ignore[misc]  # exchangelib has no types
    """``FindItem`` with a CalendarView: a ``Row`` for each item of one window, or a failure."""

    @staticmethod
    def _get_paging_values(elem: etree._Element | bool) -> tuple[int, None]:
        if isinstance(elem, bool):  # no error, and no success either
            raise malformed()
        items = elem.find(f"{TYPES}Items")
        came = 0 if items is None else len(items)
        is_whole = is_true(elem.get("IncludesLastItemInRange"))
        if not is_whole or elem.get("TotalItemsInView") != str(came):
            raise ReadError(VIEW_CUT_SHORT)
        return came, None

    @classmethod
    def _get_elements_in_container(cls, container: etree._Element) -> list[Row]:
        return rows_of(container)

    def _elem_to_obj(self, elem: Row) -> Row:
        return elem


class InviteeService(StrictService, GetItem):  # type: ignore[misc]  # exchangelib has no types
    """``GetItem`` for invitees only: for each of the distinct ids, in the order asked for.

    They are None if the server does not list those of a meeting; a refused item has its refusal.
    """

    ERRORS_TO_CATCH_IN_RESPONSE = (ReadError,)
    WARNINGS_TO_CATCH_IN_RESPONSE = (ReadError,)

    def whole(self, found: list[Any], arguments: Mapping[str, Any]) -> list[Any]:
        """Return the answers in the order of the ids asked for, whatever order they came in.

        A server that gives none of these ids back, but ids of its own, answers in order.

        Raises:
            ReadError: the server is busy, every item is refused for a transient reason, or an
                answer is missing, double, unknown, or a refusal that may be of either of two items.
        """
        asked: list[str] = arguments["items"]
        given = [each[0] for each in found if not isinstance(each, ReadError)]
        if len(found) == len(asked) and not {*given} & {*asked}:
            in_order = zip(asked, found, strict=True)
            found = [
                each if isinstance(each, ReadError) else (own, each[1]) for own, each in in_order
            ]
        named = dict(each for each in found if not isinstance(each, ReadError))
        # A refusal names no item: it is of one of those left, by its place if others keep theirs.
        refusals = [each for each in found if isinstance(each, ReadError)]
        left = [item_id for item_id in asked if item_id not in named]
        is_clear = [*named] == [each for each in asked if each in named] or len(refusals) <= 1
        if len(found) != len(asked) or len(left) != len(refusals) or not is_clear:
            raise malformed()
        passing = [each for each in refusals if each.is_transient]
        busy = [each for each in passing if each.code in TOO_BUSY]
        if busy or (len(passing) == len(found) > 1):
            raise (busy or passing)[0]
        named |= zip(left, refusals, strict=True)
        return [named[item_id] for item_id in asked]

    def get_payload(self, items: Sequence[str], additional_fields: list[Any], shape: str) -> Any:
        """Return the request; adding ids with exchangelib costs as much as parsing the answer."""
        payload = super().get_payload([], additional_fields, shape)
        ids = payload.find(f"{{{MNS}}}ItemIds")
        for item_id in items:
            etree.SubElement(ids, f"{TYPES}ItemId", Id=item_id)
        return payload

    def _elem_to_obj(self, elem: etree._Element | bool) -> tuple[str, Any]:
        if isinstance(elem, bool) or elem.tag != CALENDAR_ITEM:
            raise malformed()
        item_id = elem.find(_FIELDS[0])
        return "" if item_id is None else item_id.get("Id", ""), invitees_of(elem)


def rows_of(items: etree._Element) -> list[Row]:
    """Return the items of a view.

    It reads column by column, which halves the cost; item by item if only some items have a
    field, since the columns would then not line up.

    Raises:
        ReadError: ``MalformedResponse`` for an item without ids, ``MalformedItem`` without times.
    """
    count = len(items)
    columns = [[each.text or each.get("Id") for each in items.iter(tag)] for tag in _FIELDS]
    if any(len(column) not in (0, count) for column in columns):
        apart = [{child.tag: child.text or child.get("Id") for child in item} for item in items]
        columns = [[values.get(tag) for values in apart] for tag in _FIELDS]
    item_ids, folder_ids, *rest = (column or [None] * count for column in columns)
    if None in item_ids or None in folder_ids:
        raise malformed()
    try:
        built = _items(*rest)
    except _UNREADABLE:
        built = None
    if built is None:
        raise ReadError("MalformedItem")
    return list(zip(item_ids, folder_ids, built, strict=True))  # type: ignore[arg-type]  # checked


def _items(*columns: list[str | None]) -> list[RawItem]:
    """Return the items; the columns are those of ``_FIELDS`` after the ids.

    Raises:
        TypeError: a start or end is missing.
        ValueError: a start or end cannot be read.
        OverflowError: a start or end is outside the years of a ``datetime``, in UTC.
    """
    starts, ends, created, is_all_day, is_cancelled, *more = columns
    kinds, show_as, responses, sensitivities, *stated = more
    created_at: Sequence[datetime | None]
    try:
        created_at = _instants(created)
    except _UNREADABLE:
        created_at = [_instant_or_none(text) for text in created]
    unreadable: Iterable[int] = repeat(0)
    words = [(_ANSWERS, responses), (_SENSITIVITIES, sensitivities)]
    words += [(_BOOLEANS.keys(), flags) for flags in stated]
    odd = [(known, column) for known, column in words if not known >= set(column)]
    if odd or None in created_at:
        unreadable = [
            (created[row] is not None and instant is None)
            + sum(column[row] not in known for known, column in odd)
            for row, instant in enumerate(created_at)
        ]
    return list(
        map(
            RawItem,
            _instants(starts),
            _instants(ends),
            map(is_true, is_all_day),
            map(is_true, is_cancelled),
            [_KINDS.get(word, "single") for word in kinds],
            [_SHOW_AS.get(word, "unknown") for word in show_as],
            [_RESPONSES.get(word, "unknown") for word in responses],
            [word not in _PUBLIC for word in sensitivities],  # unknown counts as private
            created_at,
            repeat(None),
            map(_stated, zip(*stated, strict=True)),
            repeat(None),
            unreadable,
        )
    )


@cache  # few combinations of flags, many items
def _stated(flags: tuple[str | None, ...]) -> Mapping[str, bool | None]:
    return MappingProxyType(dict(zip(STATED, map(_BOOLEANS.get, flags), strict=True)))


def invitees_of(elem: etree._Element) -> tuple[RawInvitee, ...] | None:
    """Return everyone whom a CalendarItem names; None for a meeting without a list of invitees.

    The server did not give such a list, and the organizer alone would be taken for everyone.
    """
    if is_true(elem.findtext(_IS_MEETING)) and not any(each.tag in _INVITED for each in elem):
        return None
    found = []
    for holder in elem:
        role = _ROLES.get(holder.tag)
        if role is None:
            continue
        for mailbox in holder.iter(_MAILBOX):
            values = {child.tag: child.text for child in mailbox}
            address, is_list = values.get(_ADDRESS) or None, values.get(_MAILBOX_TYPE) in _LISTS
            if address and (values.get(_ROUTING) == "EX" or address[0] == "/"):
                found.append(RawInvitee(role, None, address, is_list))
            else:
                found.append(RawInvitee(role, address, None, is_list))
    return tuple(found)


def _instants(texts: Iterable[str | None]) -> list[datetime]:
    """Return instants in UTC, truncated to whole seconds as over Graph.

    A time without a zone is in UTC, the request's TimeZoneContext.
    """
    found = map(datetime.fromisoformat, texts)  # type: ignore[arg-type]  # raises on None
    return [
        instant if instant.tzinfo is UTC and not instant.microsecond else _in_utc(instant)
        for instant in found
    ]


def _in_utc(instant: datetime) -> datetime:
    instant = instant.replace(microsecond=0)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _instant_or_none(text: str | None) -> datetime | None:
    try:
        return _instants([text])[0]
    except _UNREADABLE:
        return None
