"""One request in the hands of an operation.

Belongs here: what every operation needs to know about the request, and its answer.
Does not belong here: what operations do (``operations.py`` and its neighbours).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.sandbox.access import Caller
from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.fields import View
from pipelines.sandbox.ids import folder_id
from pipelines.sandbox.model import Item, Mailbox, Tenant
from pipelines.sandbox.soap import Element, M, ResponseError, SoapFaultError, SoapRequest

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
