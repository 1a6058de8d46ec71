"""The calendar operations of EWS: from a request to the body of an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeAlias

from pipelines.sandbox.ews.directory import convert_id, get_room_lists, get_rooms
from pipelines.sandbox.ews.items import Render, item_properties, render
from pipelines.sandbox.ews.request import (
    CALENDAR,
    Answer,
    Call,
    Folder,
    caller_of,
    check_right,
    folder_of,
    items_fragment,
    part,
)
from pipelines.sandbox.ews.soap import (
    Element,
    M,
    ResponseError,
    SoapFaultError,
    SoapRequest,
    T,
    error_message,
    success_message,
)
from pipelines.sandbox.items import folder_id, parse_item_id
from pipelines.sandbox.model import Item, Mailbox, Tenant

MOST_ITEMS: Final = 1000
LONGEST_VIEW: Final = timedelta(days=731)
"""Two years, one of them a leap year."""


@dataclass(frozen=True)
class CalendarView:
    """A window [starts_at, ends_at) in UTC, and how many items to return at most."""

    starts_at: datetime
    ends_at: datetime
    most: int | None


def parse_view(body: Element) -> CalendarView:
    """Return the CalendarView of a FindItem request.

    Raises:
        SoapFaultError: ErrorInvalidOperation without one (the sandbox holds no recurring masters to
            list), ErrorSchemaValidation if it is malformed.
    """
    element = body.find(f"{M}CalendarView")
    if element is None:
        raise SoapFaultError("ErrorInvalidOperation")
    most = element.get("MaxEntriesReturned")
    try:
        return CalendarView(
            _instant(element.get("StartDate", "")),
            _instant(element.get("EndDate", "")),
            None if most is None else int(most),
        )
    except ValueError:
        raise SoapFaultError("ErrorSchemaValidation") from None


def _instant(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def render_view(
    call: Call, mailbox: Mailbox, view: CalendarView, properties: Sequence[Render]
) -> tuple[str, int]:
    """Return the RootFolder element of a view, and how many items it lists.

    Raises:
        ResponseError: ErrorInvalidPagingMaxRows, ErrorCalendarEndDateIsEarlierThanStartDate,
            ErrorCalendarViewRangeTooBig, ErrorExceededFindCountLimit.
    """
    if view.most is not None and view.most < 1:
        raise ResponseError("ErrorInvalidPagingMaxRows")
    if view.ends_at < view.starts_at:
        raise ResponseError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if view.ends_at - view.starts_at > LONGEST_VIEW:
        raise ResponseError("ErrorCalendarViewRangeTooBig")
    swap = call.strikes("other_mailbox")
    if swap is not None:
        mailbox = call.tenant.mailboxes[swap.mailbox.casefold()]
    items = _found(call, mailbox, view)
    total = len(items)
    if total > MOST_ITEMS and (view.most is None or view.most > MOST_ITEMS):
        raise ResponseError("ErrorExceededFindCountLimit")
    listed, is_whole = _shortened(call, items[: view.most], total)
    content = items_fragment(call, render(listed, properties, call.view(mailbox)))
    last = "true" if is_whole else "false"
    folder = f'<m:RootFolder TotalItemsInView="{total}" IncludesLastItemInRange="{last}">'
    return f"{folder}<t:Items>{content}</t:Items></m:RootFolder>", len(listed)


def _found(call: Call, mailbox: Mailbox, view: CalendarView) -> list[Item]:
    """Return the items of a view by start, or as a fault has them."""
    is_inclusive = call.strikes("inclusive_edges") is not None
    find = mailbox.touching if is_inclusive else mailbox.items
    items = sorted(find(view.starts_at, view.ends_at), key=lambda item: item.starts_at)
    if call.strikes("duplicates"):
        items = [item for item in items for _ in range(2)]
    shuffle = call.strikes("shuffle")
    if shuffle is not None:
        Random(shuffle.struck).shuffle(items)  # noqa: S311  disorder needs no secrecy
    return items


def _shortened(call: Call, items: list[Item], total: int) -> tuple[list[Item], bool]:
    """Return the items to list, and whether the answer says that they are all."""
    honest = call.strikes("short_list")
    if honest is not None:
        items = items[: honest.limit]
    silent = call.strikes("silent_short_list")
    if silent is not None:
        return items[: silent.limit], True
    return items, len(items) == total


_BASES = {
    "IdOnly": frozenset({"folder:FolderId"}),
    "Default": frozenset(
        {
            "folder:FolderId",
            "folder:DisplayName",
            "folder:TotalCount",
            "folder:ChildFolderCount",
        }
    ),
}
_RIGHTS = (
    "<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated>"
    "<t:CreateContents>false</t:CreateContents><t:CreateHierarchy>false</t:CreateHierarchy>"
    "<t:Delete>false</t:Delete><t:Modify>false</t:Modify><t:Read>true</t:Read>"
    "</t:EffectiveRights>"
)


def folder_properties(shape: Element | None) -> frozenset[str] | None:
    """Return the field URIs that a FolderShape asks for; None is all of them.

    Raises:
        SoapFaultError: ErrorSchemaValidation.
    """
    base = shape.findtext(f"{T}BaseShape") if shape is not None else None
    if base == "AllProperties":
        return None
    if shape is None or base not in _BASES:
        raise SoapFaultError("ErrorSchemaValidation")
    added = shape.iterfind(f"{T}AdditionalProperties/{T}FieldURI")
    return _BASES[base] | {element.get("FieldURI", "") for element in added}


def render_folder(folder: Folder, number: int, wanted: frozenset[str] | None) -> str:
    """Return the folder's element with the properties asked for, in the order of the schema."""
    is_calendar = folder.name == CALENDAR
    own = folder_id(number, folder.name)
    parent = folder_id(number, "msgfolderroot" if is_calendar else "root")
    everything = {
        "folder:FolderId": f'<t:FolderId Id="{own}" ChangeKey="AgAAABQAAAA0"/>',
        "folder:ParentFolderId": f'<t:ParentFolderId Id="{parent}" ChangeKey="AgAAABQAAAA0"/>',
        "folder:FolderClass": "<t:FolderClass>IPF.Appointment</t:FolderClass>"
        if is_calendar
        else "",
        "folder:DisplayName": f"<t:DisplayName>{'Calendar' if is_calendar else 'Root'}"
        "</t:DisplayName>",
        "folder:TotalCount": "<t:TotalCount>0</t:TotalCount>",
        "folder:ChildFolderCount": "<t:ChildFolderCount>0</t:ChildFolderCount>",
        "folder:EffectiveRights": _RIGHTS,
        "folder:DistinguishedFolderId": "<t:DistinguishedFolderId>"
        f"{folder.name}</t:DistinguishedFolderId>",
    }
    tag = "CalendarFolder" if is_calendar else "Folder"
    inner = "".join(xml for uri, xml in everything.items() if wanted is None or uri in wanted)
    return f"<t:{tag}>{inner}</t:{tag}>"


_One: TypeAlias = Callable[[Element], tuple[str, int]]
"""Answers one folder or item: XML and the number of things in it."""


def answer(tenant: Tenant, request: SoapRequest, mailbox: str) -> Answer:
    """Carry out a request that is about a mailbox (its address in lower case).

    Raises:
        SoapFaultError: where Exchange answers with a fault instead.
    """
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        raise SoapFaultError("ErrorInvalidOperation")
    return operation(Call(tenant, request, caller_of(tenant, request), mailbox))


def _find_item(call: Call) -> Answer:
    view = parse_view(call.body)
    properties = item_properties(call.body.find(f"{M}ItemShape"))

    def one(element: Element) -> tuple[str, int]:
        folder = folder_of(call.tenant, call.caller, element)
        if folder.name != CALENDAR:
            raise ResponseError("ErrorCalendarFolderIsInvalidForCalendarView")
        return render_view(call, folder.mailbox, view, properties)

    return _each(call, part(call.body, "ParentFolderIds"), one)


def _get_item(call: Call) -> Answer:
    properties = item_properties(call.body.find(f"{M}ItemShape"))

    def one(element: Element) -> tuple[str, int]:
        return f"<m:Items>{_one_item(call, element, properties)}</m:Items>", 1

    return _each(call, part(call.body, "ItemIds"), one, on_error="<m:Items/>")


def _one_item(call: Call, element: Element, properties: list[Render]) -> str:
    key = parse_item_id(element.get("Id", ""))
    mailbox = call.tenant.numbered(key.number) if key else None
    if key is None or mailbox is None:
        raise ResponseError("ErrorInvalidIdMalformed")
    check_right(call.tenant, call.caller, Folder(mailbox, CALENDAR))
    found = [item for item in mailbox.starting_at(key.starts_at) if item.item_id == key.item_id]
    if not found:
        raise ResponseError("ErrorItemNotFound")
    call.fail(call.strikes("item_refused", found[0]))
    return items_fragment(call, render(found[:1], properties, call.view(mailbox)))


def _get_folder(call: Call) -> Answer:
    wanted = folder_properties(call.body.find(f"{M}FolderShape"))

    def one(element: Element) -> tuple[str, int]:
        folder = folder_of(call.tenant, call.caller, element)
        content = render_folder(folder, call.tenant.number(folder.mailbox), wanted)
        return f"<m:Folders>{content}</m:Folders>", 1

    return _each(call, part(call.body, "FolderIds"), one, on_error="<m:Folders/>")


def _each(call: Call, elements: Element, one: _One, on_error: str = "") -> Answer:
    """Answer each element with a response message of its own."""
    operation = call.request.operation
    tag, parts, count, code = f"{operation}ResponseMessage", [], 0, ""
    failing = call.strikes("response_code")
    for element in elements:
        try:
            call.fail(failing)
            content, number = one(element)
        except SoapFaultError:
            raise
        except ResponseError as error:
            code = code or error.code
            parts.append(error_message(tag, error, on_error))
        else:
            count += number
            parts.append(success_message(tag, content))
    body = f"<m:ResponseMessages>{''.join(parts)}</m:ResponseMessages>"
    return Answer(f"<m:{operation}Response>{body}</m:{operation}Response>", count, code)


_OPERATIONS: Final[dict[str, Callable[[Call], Answer]]] = {
    "FindItem": _find_item,
    "GetItem": _get_item,
    "GetFolder": _get_folder,
    "GetRoomLists": get_room_lists,
    "GetRooms": get_rooms,
    "ConvertId": convert_id,
}
