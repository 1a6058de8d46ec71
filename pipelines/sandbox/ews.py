"""The operations of EWS, and the connection that receives them: basic or bearer authentication."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from pipelines.sandbox.ews_items import address_xml, item_properties, render, selected
from pipelines.sandbox.ews_soap import (
    CALENDAR,
    Answer,
    Call,
    Element,
    Folder,
    M,
    ResponseError,
    SoapFaultError,
    SoapRequest,
    T,
    envelope,
    error_message,
    fail,
    fault,
    parse,
    subject_of,
    success_message,
    text,
)
from pipelines.sandbox.faults import Entry
from pipelines.sandbox.model import (
    Person,
    Tenant,
    folder_id,
    parse_folder_id,
    parse_item_id,
    utc,
)
from pipelines.sandbox.wire import Wire

MOST_ITEMS: Final = 1000
LONGEST_VIEW: Final = timedelta(days=731)
"""Two years, one of them a leap year."""

_One: TypeAlias = Callable[[Element], tuple[str, int]]
"""Answers one folder or item: returns XML and the number of things in it."""
_FOLDER_DEFAULT = ("FolderId", "DisplayName", "TotalCount", "ChildFolderCount")
_RIGHTS = (
    "<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated>"
    "<t:CreateContents>false</t:CreateContents><t:CreateHierarchy>false</t:CreateHierarchy>"
    "<t:Delete>false</t:Delete><t:Modify>false</t:Modify><t:Read>true</t:Read>"
    "</t:EffectiveRights>"
)
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
PATH = "/EWS/Exchange.asmx"


def answer(tenant: Tenant, request: SoapRequest, mailbox: str) -> Answer:
    """Carry out a request for a mailbox (its address in lower case).

    Raises:
        SoapFaultError: Exchange would answer with a fault.
    """
    faults, now = tenant.faults, tenant.log.now
    struck = faults.take("soap_fault", mailbox, request.operation)
    struck = struck or faults.take("too_many_at_once", mailbox, request.operation, now=now)
    if struck is not None:
        raise SoapFaultError(struck.code, struck.values())
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        raise SoapFaultError("ErrorInvalidOperation")
    return operation(Call(tenant, request, mailbox))


@dataclass(frozen=True)
class _View:
    """A window [starts_at, ends_at) in UTC, and how many items to return at most."""

    starts_at: datetime
    ends_at: datetime
    most: int | None

    @classmethod
    def of(cls, body: Element) -> "_View":
        """Return the CalendarView of a FindItem request, the only kind of list supported."""
        element = body.find(f"{M}CalendarView")
        if element is None:
            raise SoapFaultError("ErrorInvalidOperation")
        most = element.get("MaxEntriesReturned")
        try:
            starts_at, ends_at = (utc(element.get(f"{edge}Date", "")) for edge in ("Start", "End"))
            return cls(starts_at, ends_at, None if most is None else int(most))
        except ValueError:
            raise SoapFaultError("ErrorSchemaValidation") from None

    def check(self) -> None:
        """Refuse what Exchange refuses."""
        if self.most is not None and self.most < 1:
            raise ResponseError("ErrorInvalidPagingMaxRows")
        if self.ends_at < self.starts_at:
            raise ResponseError("ErrorCalendarEndDateIsEarlierThanStartDate")
        if self.ends_at - self.starts_at > LONGEST_VIEW:
            raise ResponseError("ErrorCalendarViewRangeTooBig")


def find_item(call: Call) -> Answer:
    """List the items of a view by start, unless a fault changes them."""
    view = _View.of(call.body)
    properties = item_properties(call.body.find(f"{M}ItemShape"))

    def one(element: Element) -> tuple[str, int]:
        folder = call.folder(element)
        if folder.name != CALENDAR:
            raise ResponseError("ErrorCalendarFolderIsInvalidForCalendarView")
        view.check()
        swap = call.fault("other_mailbox")
        mailbox = call.tenant.mailboxes[swap.mailbox.casefold()] if swap else folder.mailbox
        find = mailbox.touching if call.fault("inclusive_edges") else mailbox.items
        items = sorted(find(view.starts_at, view.ends_at), key=lambda item: item.starts_at)
        if call.fault("duplicates"):
            items = [item for item in items for _ in range(2)]
        if shuffle := call.fault("shuffle"):
            Random(shuffle.struck).shuffle(items)  # noqa: S311  disorder needs no secrecy
        if len(items) > MOST_ITEMS and (view.most is None or view.most > MOST_ITEMS):
            raise ResponseError("ErrorExceededFindCountLimit")
        listed = items[: view.most]
        if honest := call.fault("short_list"):
            listed = listed[: honest.limit]
        is_whole = len(listed) == len(items)
        if silent := call.fault("silent_short_list"):
            listed, is_whole = listed[: silent.limit], True
        content = call.joined(render(listed, properties, call.view(mailbox)))
        last = "true" if is_whole else "false"
        root = f'<m:RootFolder TotalItemsInView="{len(items)}" IncludesLastItemInRange="{last}">'
        return f"{root}<t:Items>{content}</t:Items></m:RootFolder>", len(listed)

    return _each(call, call.part("ParentFolderIds"), one)


def get_item(call: Call) -> Answer:
    """Return items by their ids."""
    properties = item_properties(call.body.find(f"{M}ItemShape"))

    def one(element: Element) -> tuple[str, int]:
        key = parse_item_id(element.get("Id", ""))
        mailbox = call.tenant.numbered(key.number) if key else None
        if key is None or mailbox is None:
            raise ResponseError("ErrorInvalidIdMalformed")
        call.check_right(Folder(mailbox, CALENDAR))
        found = [item for item in mailbox.starting_at(key.starts_at) if item.item_id == key.item_id]
        if not found:
            raise ResponseError("ErrorItemNotFound")
        fail(call.fault("item_refused", found[0]))
        content = call.joined(render(found[:1], properties, call.view(mailbox)))
        return f"<m:Items>{content}</m:Items>", 1

    return _each(call, call.part("ItemIds"), one, on_error="<m:Items/>")


def get_folder(call: Call) -> Answer:
    """Return folders, with their ids."""
    bases = {
        "IdOnly": frozenset({"folder:FolderId"}),
        "Default": frozenset(f"folder:{name}" for name in _FOLDER_DEFAULT),
        "AllProperties": None,
    }
    wanted = selected(call.body.find(f"{M}FolderShape"), bases)

    def one(element: Element) -> tuple[str, int]:
        folder = call.folder(element)
        number, is_calendar = call.tenant.number(folder.mailbox), folder.name == CALENDAR
        own = folder_id(number, folder.name)
        parent = folder_id(number, "msgfolderroot" if is_calendar else "root")
        shown = "Calendar" if is_calendar else "Root"
        name = f"<t:DistinguishedFolderId>{folder.name}</t:DistinguishedFolderId>"
        properties = {  # in the order of the schema
            "FolderId": f'<t:FolderId Id="{own}" ChangeKey="AgAAABQAAAA0"/>',
            "ParentFolderId": f'<t:ParentFolderId Id="{parent}" ChangeKey="AgAAABQAAAA0"/>',
            "FolderClass": "<t:FolderClass>IPF.Appointment</t:FolderClass>" * is_calendar,
            "DisplayName": f"<t:DisplayName>{shown}</t:DisplayName>",
            "TotalCount": "<t:TotalCount>0</t:TotalCount>",
            "ChildFolderCount": "<t:ChildFolderCount>0</t:ChildFolderCount>",
            "EffectiveRights": _RIGHTS,
            "DistinguishedFolderId": name,
        }
        kept = (
            xml for key, xml in properties.items() if wanted is None or f"folder:{key}" in wanted
        )
        tag = "CalendarFolder" if is_calendar else "Folder"
        return f"<m:Folders><t:{tag}>{''.join(kept)}</t:{tag}></m:Folders>", 1

    return _each(call, call.part("FolderIds"), one, on_error="<m:Folders/>")


def _each(call: Call, elements: Element, one: _One, on_error: str = "") -> Answer:
    """Answer each element with its own response message."""
    tag, parts, count, code = f"{call.operation}ResponseMessage", [], 0, ""
    failing = call.fault("response_code")
    for element in elements:
        try:
            fail(failing)
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
    return Answer(f"<m:{call.operation}Response>{body}</m:{call.operation}Response>", count, code)


def get_room_lists(call: Call) -> Answer:
    """List the tenant's room lists."""
    lists = [
        Person(address.partition("@")[0], address, mailbox_type="PublicDL")
        for address in call.tenant.room_lists
    ]
    inner = "".join(f"<t:Address>{address_xml(each)}</t:Address>" for each in lists)
    return _whole(call, "GetRoomListsResponse", f"<m:RoomLists>{inner}</m:RoomLists>", len(lists))


def get_rooms(call: Call) -> Answer:
    """List the rooms of one room list: name and address only, as Exchange does."""
    wanted = (call.part("RoomList").findtext(f"{T}EmailAddress") or "").casefold()
    lists = {address.casefold(): rooms for address, rooms in call.tenant.room_lists.items()}
    if wanted not in lists:
        error = ResponseError("ErrorNameResolutionNoResults")
        return Answer(error_message("GetRoomsResponse", error), 0, error.code)
    known = [call.tenant.mailbox(address) for address in lists[wanted]]
    rooms = [Person(room.name, room.address) for room in known if room is not None]
    inner = "".join(f"<t:Room><t:Id>{address_xml(room)}</t:Id></t:Room>" for room in rooms)
    return _whole(call, "GetRoomsResponse", f"<m:Rooms>{inner}</m:Rooms>", len(rooms))


def _whole(call: Call, tag: str, content: str, count: int) -> Answer:
    try:
        fail(call.fault("response_code"))
    except ResponseError as error:
        return Answer(error_message(tag, error), 0, error.code)
    return Answer(success_message(tag, content), count)


def convert_id(call: Call) -> Answer:
    """Convert ids to another format; the answer names the mailbox that each belongs to."""
    target = call.body.get("DestinationFormat", "")

    def one(source: Element) -> tuple[str, int]:
        given, form = source.get("Id", ""), source.get("Format", "")
        try:
            if form == "HexEntryId":
                plain = binascii.unhexlify(given)
            else:
                plain = b64decode(unquote(given) if form == "OwaId" else given, validate=True)
        except (binascii.Error, ValueError):
            raise ResponseError("ErrorInvalidIdMalformed") from None
        ews_id = b64encode(plain).decode()
        match target:
            case "HexEntryId":
                written = plain.hex().upper()
            case "OwaId":
                written = quote(ews_id, safe="")
            case "EwsId" | "EwsLegacyId" | "EntryId" | "StoreId":
                written = ews_id
            case _:
                raise SoapFaultError("ErrorSchemaValidation")
        key = parse_item_id(ews_id) or parse_folder_id(ews_id)
        owner = call.tenant.numbered(key.number) if key else None
        if owner is None:
            raise ResponseError("ErrorInvalidIdMalformed")
        content = (
            f'<m:AlternateId {_XSI} xsi:type="t:AlternateIdType" Format="{target}"'
            f' Id="{text(written)}" Mailbox="{text(owner.address)}"/>'
        )
        return content, 1

    return _each(call, call.part("SourceIds"), one)


_OPERATIONS: Final[dict[str, Callable[[Call], Answer]]] = {
    "FindItem": find_item,
    "GetItem": get_item,
    "GetFolder": get_folder,
    "GetRoomLists": get_room_lists,
    "GetRooms": get_rooms,
    "ConvertId": convert_id,
}


class EwsConnection(Wire):
    """Serves EWS requests."""

    def refuse_get(self) -> None:
        """Refuse a GET: EWS uses POST."""
        if self._is_authorized():
            self.send(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        else:
            self._demand_password()

    def serve_ews(self, data: bytes) -> None:
        """Serve one request."""
        with self.tenant.log.serving():
            try:
                request = parse(data)
            except SoapFaultError as error:
                self.reply(Entry("", "", 0, 500, error.code), fault(error))
                return
            operation, mailbox = request.operation, subject_of(self.tenant, request)
            if self.is_broken_off(operation, mailbox):
                return
            if not self._is_authorized():
                self.tenant.log.add(Entry(operation, mailbox, status=401))
                self._demand_password()
                return
            try:
                result = answer(self.tenant, request, mailbox)
            except (SoapFaultError, ArithmeticError, LookupError, ValueError) as error:
                # A request that the simulation cannot handle gets a fault, like a server's bug.
                internal = SoapFaultError("ErrorInternalServerError")
                told = error if isinstance(error, SoapFaultError) else internal
                self.reply(Entry(operation, mailbox, 0, 500, told.code), fault(told))
            else:
                entry = Entry(operation, mailbox, result.count, 200, result.code)
                self.reply(entry, envelope(result.body))

    def _is_authorized(self) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.casefold() == "bearer":
            return value in self.tenant.bearer_tokens
        try:
            name, _, password = b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        account = (self.tenant.account, self.tenant.password)
        return kind.casefold() == "basic" and (name, password) == account

    def _demand_password(self) -> None:
        self.send(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": self.challenge})
