"""One EWS request: who sends it, for whose folder, whether Exchange would allow it, its faults."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from pipelines.sandbox.ews.items import View
from pipelines.sandbox.ews.soap import Element, M, ResponseError, SoapFaultError, SoapRequest, T
from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.items import folder_id, parse_folder_id, parse_item_id
from pipelines.sandbox.model import Item, Mailbox, Tenant

CALENDAR = "calendar"
_FOLDERS = (CALENDAR, "root", "msgfolderroot")
_FIND_LENGTH = 255


@dataclass(frozen=True)
class Folder:
    """A folder of a mailbox, by its distinguished name."""

    mailbox: Mailbox
    name: str


@dataclass(frozen=True)
class Answer:
    """The content of a SOAP body, and what the request log keeps of it."""

    body: str
    count: int = 0
    code: str = ""


class Call:
    """One request; ``mailbox`` is the lower-case address it is about, empty if none.

    It acts as the account, or as the mailbox that it impersonates.
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
        if request.impersonated and not tenant.may_impersonate(address):
            raise SoapFaultError("ErrorImpersonateUserDenied")
        self._caller = caller

    def part(self, name: str) -> Element:
        """Return a child that a request must have, and that must name something."""
        found = self.body.find(f"{M}{name}")
        if found is None or len(found) == 0:
            raise SoapFaultError("ErrorSchemaValidation")
        return found

    def folder(self, element: Element) -> Folder:
        """Return the folder that a FolderId or DistinguishedFolderId names, if it may be read."""
        folder = self._named_folder(element)
        self.check_right(folder)
        if folder.name not in _FOLDERS:
            raise ResponseError("ErrorFolderNotFound")
        return folder

    def _named_folder(self, element: Element) -> Folder:
        if etree.QName(element).localname == "DistinguishedFolderId":
            address = element.findtext(f"{T}Mailbox/{T}EmailAddress")
            mailbox = self.tenant.mailbox(address) if address else self._caller
            if mailbox is None:
                raise ResponseError("ErrorNonExistentMailbox")
            return Folder(mailbox, element.get("Id", ""))
        key = parse_folder_id(element.get("Id", ""))
        mailbox = self.tenant.numbered(key.number) if key else None
        if key is None or mailbox is None:
            raise ResponseError("ErrorInvalidIdMalformed")
        return Folder(mailbox, key.name)

    def check_right(self, folder: Folder) -> None:
        """Refuse what the caller may not read: a Reviewer reads calendars, nothing else."""
        if folder.mailbox is self._caller:
            return
        is_delegate = self._caller is self.tenant.mailbox(self.tenant.account)
        may_review = folder.name == CALENDAR and self.tenant.may_review(folder.mailbox.address)
        if not (is_delegate and may_review):
            raise ResponseError("ErrorAccessDenied")

    def fault(self, kind: Kind, item: Item | None = None) -> Fault | None:
        """Return the fault of a kind that strikes this request, or this item of it."""
        return self.tenant.faults.take(kind, self._mailbox, self.operation, item)

    def view(self, mailbox: Mailbox) -> View:
        """Return what a mailbox's items are rendered for: FindItem cuts strings."""
        number = self.tenant.number(mailbox)
        folder = "elsewhere" if self.fault("other_folder") else CALENDAR
        longest = _FIND_LENGTH if self.operation == "FindItem" else None
        return View(number, folder_id(number, folder), longest)

    def joined(self, items: Sequence[str]) -> str:
        """Join rendered items, spoilt if a fault says so."""
        content = "".join(items)
        if self.fault("invalid_characters"):
            for tag in ("<t:Name>", "<t:Subject>"):
                content = content.replace(tag, f"{tag}&#x1B;")
        return content


def fail(fault: Fault | None) -> None:
    """Raise what a fault says, if there is one."""
    if fault is not None:
        raise ResponseError(fault.code, fault.values())


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
