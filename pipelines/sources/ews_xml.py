"""EWS answers as rows: a strict parser, and the few elements that a calendar item needs.

Belongs here: bytes to XML, XML to ``RawItem`` and ``RawInvitee``.
Does not belong here: requests (``ews.py``), whether an answer is whole or a refusal.

This is the hot path of a run: tags are compared whole, each child is visited once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import repeat
from types import MappingProxyType
from typing import Final, TypeAlias

from lxml import etree

from pipelines.sources.base import ReadError, malformed
from pipelines.sources.wire import refuse_web_page
from transforms.raw import SERIES, RawInvitee, RawItem, Role

TYPES: Final = "{http://schemas.microsoft.com/exchange/services/2006/types}"
CALENDAR_ITEM: Final = f"{TYPES}CalendarItem"
STATED: Final = {"is_online": ("IsOnlineMeeting", "is_online_meeting")}
"""Columns that are stored as stated: the element of EWS, and exchangelib's name of it."""
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
_TRUE: Final = frozenset({"true", "1"})
_BOOLEANS: Final = {None: None, "true": True, "1": True, "false": False, "0": False}
is_true: Final = _TRUE.__contains__
"""Tells whether an xs:boolean is true; what is left out is false."""
_LISTS: Final = frozenset({"PublicDL", "PrivateDL", "GroupMailbox"})
_REFERENCE: Final = re.compile(rb"&#(?:x([0-9a-fA-F]+)|([0-9]+));")
_MOST_DIGITS: Final = 20  # no character needs so many, and Python refuses thousands
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
# EWS's words to the contract's (R3 to R5). What is left out or unknown is as the default says.
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


Row: TypeAlias = tuple[str, str, RawItem]
"""An item's id, the id of the folder that it lies in, and the item; ids stay in memory."""


def parse_strictly(data: bytes) -> etree._Element:
    """Return the root of an XML document that is whole and well-formed.

    References to characters that XML forbids are dropped first: real servers write them.

    Raises:
        ReadError: ``MalformedResponse``; ``WebPage`` for a page that a person was meant to see.
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


def rows_of(items: etree._Element) -> list[Row]:
    """Return the items of a view.

    Read column by column, which halves the cost; item by item where a field is left out here
    and there, so that the columns do not match.

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
    """Return the items of the columns of ``_FIELDS`` after the ids.

    Raises:
        TypeError: a start or end is left out.
        ValueError: a start or end cannot be read.
        OverflowError: a start or end lies before or after all years, in UTC.
    """
    starts, ends, created, is_all_day, is_cancelled, *more = columns
    kinds, show_as, responses, sensitivities, *stated = more
    created_at = _instants_or_none(created)
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
            [word not in _PUBLIC for word in sensitivities],  # an unknown word too: the safe side
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
    """Return everyone that a CalendarItem names.

    None for a meeting that comes without any list of invitees: the server did not tell them, and
    its organizer alone would pass for everyone.
    """
    if is_true(elem.findtext(_IS_MEETING)) and not any(each.tag in _INVITED for each in elem):
        return None
    return tuple(_invitees(elem))


def with_invitees(
    item: RawItem, invitees: tuple[RawInvitee, ...] | None, unreadable: int = 0
) -> RawItem:
    """Return the item with who was invited, and so many fields more that could not be read."""
    return RawItem(
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


def _instants(texts: Iterable[str | None]) -> list[datetime]:
    return [
        instant if instant.tzinfo is UTC else _in_utc(instant)
        for instant in map(datetime.fromisoformat, texts)  # type: ignore[arg-type]  # raises on None
    ]


def _instants_or_none(texts: Sequence[str | None]) -> Sequence[datetime | None]:
    """Return the instants, None where one is left out or cannot be read."""
    try:
        return _instants(texts)
    except _UNREADABLE:
        return [_instant_or_none(text) for text in texts]


def _instant_or_none(text: str | None) -> datetime | None:
    try:
        return _instants([text])[0]
    except _UNREADABLE:
        return None


def _in_utc(instant: datetime) -> datetime:
    """Return the instant in UTC; one without a zone is in that of the request's TimeZoneContext."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _invitees(elem: etree._Element) -> Iterator[RawInvitee]:
    for holder in elem:
        role = _ROLES.get(holder.tag)
        if role is not None:
            for mailbox in holder.iter(_MAILBOX):
                yield _invitee(role, {child.tag: child.text for child in mailbox})


def _invitee(role: Role, mailbox: dict[str, str | None]) -> RawInvitee:
    address = mailbox.get(_ADDRESS)
    is_list = mailbox.get(_MAILBOX_TYPE) in _LISTS
    if address and (mailbox.get(_ROUTING) == "EX" or address[0] == "/"):
        return RawInvitee(role, None, address, is_list)
    return RawInvitee(role, address or None, None, is_list)
