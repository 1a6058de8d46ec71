"""One EWS request: who sends it, for whose folder, and whether Exchange would allow it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from pipelines.sandbox.ews.items import View
from pipelines.sandbox.ews.soap import Element, M, ResponseError, SoapFaultError, SoapRequest, T
from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.items import folder_id, parse_folder_id, parse_item_id
from pipelines.sandbox.model import Item, Mailbox, Tenant

CALENDAR = "calendar"
ROOT = "root"


@dataclass(frozen=True)
class Caller:
    """The mailbox as whose user a request acts: the account's own, or the impersonated one."""

    mailbox: Mailbox


@dataclass(frozen=True)
class Folder:
    """A folder of a mailbox, by its distinguished name."""

    mailbox: Mailbox
    name: str


def caller_of(tenant: Tenant, request: SoapRequest) -> Caller:
    """Return as whom a request acts.

    Raises:
        SoapFaultError: ErrorNonExistentMailbox, ErrorImpersonateUserDenied.
    """
    address = request.impersonated or tenant.account
    mailbox = tenant.mailbox(address)
    if mailbox is None:
        raise SoapFaultError("ErrorNonExistentMailbox")
    if request.impersonated and not tenant.may_impersonate(address):
        raise SoapFaultError("ErrorImpersonateUserDenied")
    return Caller(mailbox)


def folder_of(tenant: Tenant, caller: Caller, element: Element) -> Folder:
    """Return the folder that a FolderId or DistinguishedFolderId names, if it may be read.

    Raises:
        ResponseError: ErrorNonExistentMailbox, ErrorAccessDenied, ErrorFolderNotFound,
            ErrorInvalidIdMalformed.
    """
    folder = _named_folder(tenant, caller, element)
    check_right(tenant, caller, folder)
    if folder.name not in (CALENDAR, ROOT, "msgfolderroot"):
        raise ResponseError("ErrorFolderNotFound")
    return folder


def _named_folder(tenant: Tenant, caller: Caller, element: Element) -> Folder:
    if etree.QName(element).localname == "DistinguishedFolderId":
        address = element.findtext(f"{T}Mailbox/{T}EmailAddress")
        mailbox = tenant.mailbox(address) if address else caller.mailbox
        if mailbox is None:
            raise ResponseError("ErrorNonExistentMailbox")
        return Folder(mailbox, element.get("Id", ""))
    key = parse_folder_id(element.get("Id", ""))
    mailbox = tenant.numbered(key.number) if key else None
    if key is None or mailbox is None:
        raise ResponseError("ErrorInvalidIdMalformed")
    return Folder(mailbox, key.name)


def check_right(tenant: Tenant, caller: Caller, folder: Folder) -> None:
    """Refuse what the caller may not read: a Reviewer reads calendars, nothing else.

    Raises:
        ResponseError: ErrorAccessDenied.
    """
    if folder.mailbox is caller.mailbox:
        return
    is_delegate = caller.mailbox is tenant.mailbox(tenant.account)
    if is_delegate and folder.name == CALENDAR and tenant.may_review(folder.mailbox.address):
        return
    raise ResponseError("ErrorAccessDenied")


def subject_of(tenant: Tenant, request: SoapRequest) -> str:
    """Return the lower-case address of the mailbox that a request is about, empty if none."""
    address = request.body.findtext(f".//{T}DistinguishedFolderId/{T}Mailbox/{T}EmailAddress")
    if not address:
        address = request.body.findtext(f"{M}RoomList/{T}EmailAddress")
    if not address:
        address = _address_of_id(tenant, request) or request.impersonated
    return (address or "").casefold()


def _address_of_id(tenant: Tenant, request: SoapRequest) -> str | None:
    for tag, parse in (("ItemId", parse_item_id), ("FolderId", parse_folder_id)):
        element = request.body.find(f".//{T}{tag}")
        key = parse(element.get("Id", "")) if element is not None else None
        mailbox = tenant.numbered(key.number) if key else None
        if mailbox is not None:
            return mailbox.address
    return None


_FIND_LENGTH = 255


@dataclass(frozen=True)
class Call:
    """One request; ``mailbox`` is the lower-case address it is about, empty if none."""

    tenant: Tenant
    request: SoapRequest
    caller: Caller
    mailbox: str

    @property
    def body(self) -> Element:
        """The element of the operation."""
        return self.request.body

    def strikes(self, kind: Kind, item: Item | None = None) -> Fault | None:
        """Return the fault of a kind that strikes this request, or this item of it."""
        return self.tenant.faults.take(kind, self.mailbox, self.request.operation, item)

    @staticmethod
    def fail(fault: Fault | None) -> None:
        """Raise what a fault says, if there is one.

        Raises:
            ResponseError: the fault's code.
        """
        if fault is not None:
            raise ResponseError(fault.code, fault.values())

    def view(self, mailbox: Mailbox) -> View:
        """Return what a mailbox's items are rendered for: FindItem cuts strings."""
        number = self.tenant.number(mailbox)
        is_find = self.request.operation == "FindItem"
        folder = "elsewhere" if self.strikes("other_folder") else "calendar"
        return View(number, folder_id(number, folder), _FIND_LENGTH if is_find else None)


@dataclass(frozen=True)
class Answer:
    """The content of a SOAP body, and what the request log keeps of it."""

    body: str
    count: int = 0
    code: str = ""


def part(body: Element, name: str) -> Element:
    """Return a child that a request must have, and that must name something.

    Raises:
        SoapFaultError: ErrorSchemaValidation.
    """
    found = body.find(f"{M}{name}")
    if found is None or len(found) == 0:
        raise SoapFaultError("ErrorSchemaValidation")
    return found


def items_fragment(call: Call, items: Sequence[str]) -> str:
    """Join rendered items, spoilt if a fault says so."""
    content = "".join(items)
    if call.strikes("invalid_characters"):
        for tag in ("<t:Name>", "<t:Subject>"):
            content = content.replace(tag, f"{tag}&#x1B;")
    return content
