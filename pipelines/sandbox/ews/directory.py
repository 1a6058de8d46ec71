"""Operations beside calendars: GetRoomLists, GetRooms, ConvertId."""

import binascii
from base64 import b64decode, b64encode
from urllib.parse import quote, unquote

from pipelines.sandbox.ews.items import address_xml
from pipelines.sandbox.ews.request import Answer, Call, part
from pipelines.sandbox.ews.soap import (
    ResponseError,
    SoapFaultError,
    T,
    error_message,
    success_message,
    text,
)
from pipelines.sandbox.items import parse_folder_id, parse_item_id
from pipelines.sandbox.model import Person

_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def get_room_lists(call: Call) -> Answer:
    """Name the tenant's room lists."""
    lists = [
        Person(address.partition("@")[0], address, mailbox_type="PublicDL")
        for address in call.tenant.room_lists
    ]
    inner = "".join(f"<t:Address>{address_xml(each)}</t:Address>" for each in lists)
    return _whole(call, "GetRoomListsResponse", f"<m:RoomLists>{inner}</m:RoomLists>", len(lists))


def get_rooms(call: Call) -> Answer:
    """Name the rooms of one room list: name and address, as Exchange does, and no more."""
    wanted = (part(call.body, "RoomList").findtext(f"{T}EmailAddress") or "").casefold()
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
        call.fail(call.strikes("response_code"))
    except ResponseError as error:
        return Answer(error_message(tag, error), 0, error.code)
    return Answer(success_message(tag, content), count)


def convert_id(call: Call) -> Answer:
    """Write ids in another format; the answer names the mailbox that an id belongs to."""
    target, parts, code = call.body.get("DestinationFormat", ""), [], ""
    for source in part(call.body, "SourceIds").iterfind(f"{T}AlternateId"):
        try:
            plain = _read(source.get("Id", ""), source.get("Format", ""))
            written, owner = text(_write(plain, target)), text(_owner(call, plain))
        except ResponseError as error:
            code = code or error.code
            parts.append(error_message("ConvertIdResponseMessage", error))
        else:
            content = (
                f'<m:AlternateId {_XSI} xsi:type="t:AlternateIdType" Format="{target}"'
                f' Id="{written}" Mailbox="{owner}"/>'
            )
            parts.append(success_message("ConvertIdResponseMessage", content))
    messages = f"<m:ResponseMessages>{''.join(parts)}</m:ResponseMessages>"
    return Answer(f"<m:ConvertIdResponse>{messages}</m:ConvertIdResponse>", len(parts), code)


def _read(written: str, form: str) -> bytes:
    try:
        if form == "HexEntryId":
            return binascii.unhexlify(written)
        return b64decode(unquote(written) if form == "OwaId" else written, validate=True)
    except (binascii.Error, ValueError):
        raise ResponseError("ErrorInvalidIdMalformed") from None


def _write(plain: bytes, form: str) -> str:
    match form:
        case "HexEntryId":
            return plain.hex().upper()
        case "OwaId":
            return quote(b64encode(plain).decode(), safe="")
        case "EwsId" | "EwsLegacyId" | "EntryId" | "StoreId":
            return b64encode(plain).decode()
    raise SoapFaultError("ErrorSchemaValidation")


def _owner(call: Call, plain: bytes) -> str:
    ews_id = b64encode(plain).decode()
    key = parse_item_id(ews_id) or parse_folder_id(ews_id)
    mailbox = call.tenant.numbered(key.number) if key else None
    if mailbox is None:
        raise ResponseError("ErrorInvalidIdMalformed")
    return mailbox.address
