"""EWS's SOAP, and one request: its caller, the folder it is for, and the faults that strike it.

Answers are built as strings: an object tree costs ten times as much, and a run reads millions
of items.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from lxml import etree

from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.model import (
    Item,
    Mailbox,
    Tenant,
    covers,
    folder_id,
    parse_folder_id,
    parse_item_id,
)

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES: Final = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES: Final = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS: Final = "http://schemas.microsoft.com/exchange/services/2006/errors"
Element: TypeAlias = etree._Element  # noqa: SLF001  lxml has no public name for its type
S, M, T = (f"{{{namespace}}}" for namespace in (SOAP, MESSAGES, TYPES))

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<s:Envelope xmlns:s="{SOAP}"><s:Header>'
    '<h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1748"'
    f' MinorBuildNumber="10" Version="V2017_07_11" xmlns:h="{TYPES}"/>'
    f'</s:Header><s:Body xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
)
_TAIL = "</s:Body></s:Envelope>"
_CONTROL = re.compile("[\x00-\x1f\ufffe\uffff]")
CALENDAR = "calendar"
_FOLDERS = (CALENDAR, "root", "msgfolderroot")
_FIND_LENGTH = 255


class ResponseError(Exception):
    """An error in one response message; the rest of the answer stays valid."""

    def __init__(self, code: str, values: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.values = dict(values or {})


class SoapFaultError(ResponseError):
    """An error that replaces the whole answer: HTTP 500."""


@dataclass(frozen=True)
class SoapRequest:
    """One operation that a client requests; ``impersonated`` is an address or None."""

    operation: str
    body: Element
    impersonated: str | None = None


def parse(data: bytes) -> SoapRequest:
    """Parse the request in an envelope."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        raise SoapFaultError("ErrorSchemaValidation") from None
    body = root.find(f"{S}Body")
    if body is None or len(body) != 1:
        raise SoapFaultError("ErrorSchemaValidation")
    sid = root.find(f"{S}Header/{T}ExchangeImpersonation/{T}ConnectingSID")
    address = sid[0].text if sid is not None and len(sid) else None
    return SoapRequest(etree.QName(body[0]).localname, body[0], address)


def envelope(body: str) -> bytes:
    """Return a complete answer with that content in its body."""
    return f"{_HEAD}{body}{_TAIL}".encode()


def fault(error: ResponseError) -> bytes:
    """Return a complete answer that is a SOAP fault."""
    code = error.code
    details = message_xml(error.values, "t", f' xmlns:t="{TYPES}"')
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault>'
        f'<faultcode xmlns:a="{TYPES}">a:{code}</faultcode>'
        f'<faultstring xml:lang="en-US">{_said(code)}</faultstring><detail>'
        f'<e:ResponseCode xmlns:e="{ERRORS}">{code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{ERRORS}">{_said(code)}</e:Message>{details}'
        "</detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


def error_message(tag: str, error: ResponseError, rest: str = "") -> str:
    """Return a response message that reports an error."""
    return (
        f'<m:{tag} ResponseClass="Error"><m:MessageText>{_said(error.code)}</m:MessageText>'
        f"<m:ResponseCode>{error.code}</m:ResponseCode>"
        f"<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{message_xml(error.values, 'm')}{rest}"
        f"</m:{tag}>"
    )


def success_message(tag: str, rest: str) -> str:
    """Return a response message that reports success."""
    return (
        f'<m:{tag} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{rest}</m:{tag}>'
    )


def message_xml(values: Mapping[str, str], prefix: str, declaration: str = "") -> str:
    """Return the XML of an error's named values (such as BackOffMilliseconds), or nothing."""
    if not values:
        return ""
    inner = "".join(
        f'<t:Value Name="{text(name)}">{text(value)}</t:Value>' for name, value in values.items()
    )
    return f"<{prefix}:MessageXml{declaration}>{inner}</{prefix}:MessageXml>"


def text(value: str) -> str:
    """Return a string escaped for XML.

    Characters that XML 1.0 forbids become references (``&#x1B;``), as real servers write them.
    """
    if "&" in value or "<" in value or ">" in value or '"' in value:
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        value = value.replace('"', "&quot;")
    if value.isprintable():
        return value
    return _CONTROL.sub(lambda found: f"&#x{ord(found.group()):X};", value)


def _said(code: str) -> str:
    """Return a sentence for a code; clients must not rely on its wording."""
    return f"The sandbox answers {code}."


@dataclass(frozen=True)
class Folder:
    """A folder of a mailbox, by its distinguished name."""

    mailbox: Mailbox
    name: str


@dataclass(frozen=True)
class View:
    """How items are rendered: the mailbox, its folder, and the length at which strings are cut.

    ``longest`` is 255 in FindItem, None (uncut) in GetItem.
    """

    number: int
    parent_id: str
    longest: int | None = None

    @property
    def is_find(self) -> bool:
        """Whether strings are cut, and invitees and bodies are left out."""
        return self.longest is not None


@dataclass(frozen=True)
class Answer:
    """The content of a SOAP body, and what the request log records about it."""

    body: str
    count: int = 0
    code: str = ""


class Call:
    """One request; ``mailbox`` is the lower-case address of its mailbox, empty if none.

    The caller is the account, or the mailbox that it impersonates.
    """

    def __init__(self, tenant: Tenant, request: SoapRequest, mailbox: str) -> None:
        self.tenant = tenant
        self.operation = request.operation
        self.body = request.body
        self._mailbox = mailbox
        address = request.impersonated or tenant.account
        caller = tenant.mailbox(address)
        if caller is None:
            raise SoapFaultError("ErrorNonExistentMailbox")
        if request.impersonated and not covers(tenant.impersonation, address):
            raise SoapFaultError("ErrorImpersonateUserDenied")
        self._caller = caller

    def part(self, name: str) -> Element:
        """Return a required child of the request, which must not be empty."""
        found = self.body.find(f"{M}{name}")
        if found is None or len(found) == 0:
            raise SoapFaultError("ErrorSchemaValidation")
        return found

    def folder(self, element: Element) -> Folder:
        """Return the folder that a FolderId or DistinguishedFolderId names, if it may be read."""
        if etree.QName(element).localname == "DistinguishedFolderId":
            address = element.findtext(f"{T}Mailbox/{T}EmailAddress")
            mailbox = self.tenant.mailbox(address) if address else self._caller
            if mailbox is None:
                raise ResponseError("ErrorNonExistentMailbox")
            folder = Folder(mailbox, element.get("Id", ""))
        else:
            key = parse_folder_id(element.get("Id", ""))
            mailbox = self.tenant.numbered(key.number) if key else None
            if key is None or mailbox is None:
                raise ResponseError("ErrorInvalidIdMalformed")
            folder = Folder(mailbox, key.name)
        self.check_right(folder)
        if folder.name not in _FOLDERS:
            raise ResponseError("ErrorFolderNotFound")
        return folder

    def check_right(self, folder: Folder) -> None:
        """Refuse folders that the caller may not read: a Reviewer may only read calendars."""
        if folder.mailbox is self._caller:
            return
        is_delegate = self._caller is self.tenant.mailbox(self.tenant.account)
        may_review = covers(self.tenant.reviewer, folder.mailbox.address)
        if not (is_delegate and may_review and folder.name == CALENDAR):
            raise ResponseError("ErrorAccessDenied")

    def fault(self, kind: Kind, item: Item | None = None) -> Fault | None:
        """Return the fault of a kind that strikes this request, or this item in it."""
        return self.tenant.faults.take(kind, self._mailbox, self.operation, item)

    def view(self, mailbox: Mailbox) -> View:
        """Return the view for a mailbox's items: FindItem cuts strings."""
        number = self.tenant.number(mailbox)
        folder = "elsewhere" if self.fault("other_folder") else CALENDAR
        longest = _FIND_LENGTH if self.operation == "FindItem" else None
        return View(number, folder_id(number, folder), longest)

    def joined(self, items: Sequence[str]) -> str:
        """Join rendered items; a fault may make them invalid XML."""
        content = "".join(items)
        if self.fault("invalid_characters"):
            for tag in ("<t:Name>", "<t:Subject>"):
                content = content.replace(tag, f"{tag}&#x1B;")
        return content


def fail(fault: Fault | None) -> None:
    """Raise the error of a fault, if there is one."""
    if fault is not None:
        raise ResponseError(fault.code, fault.values())


def subject_of(tenant: Tenant, request: SoapRequest) -> str:
    """Return the lower-case address of the mailbox that a request is for, empty if none."""
    address = request.body.findtext(f".//{T}DistinguishedFolderId/{T}Mailbox/{T}EmailAddress")
    if not address:
        address = request.body.findtext(f"{M}RoomList/{T}EmailAddress")
    for tag, parse in (("ItemId", parse_item_id), ("FolderId", parse_folder_id)):
        element = None if address else request.body.find(f".//{T}{tag}")
        key = parse(element.get("Id", "")) if element is not None else None
        if key is not None and (mailbox := tenant.numbered(key.number)) is not None:
            address = mailbox.address
    return (address or request.impersonated or "").casefold()
