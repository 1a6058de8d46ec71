"""The operations of the simulated Exchange: from a request to the body of an answer.

Belongs here: what each operation does and what it refuses.
Does not belong here: the wire (``wire.py``), windows and limits (``calendar_view.py``), rights
(``access.py``), rooms and ids (``directory_operations.py``).
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from pipelines.sandbox.access import CALENDAR, Folder, caller_of, check_right, folder_of
from pipelines.sandbox.calendar_view import parse_view, render_view
from pipelines.sandbox.call import Answer, Call, items_fragment, part
from pipelines.sandbox.directory_operations import convert_id, get_room_lists, get_rooms
from pipelines.sandbox.fields import Render
from pipelines.sandbox.folders import folder_properties, render_folder
from pipelines.sandbox.ids import parse_item_id
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.properties import render
from pipelines.sandbox.shapes import item_properties
from pipelines.sandbox.soap import (
    Element,
    M,
    ResponseError,
    SoapFaultError,
    SoapRequest,
    error_message,
    success_message,
)

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
