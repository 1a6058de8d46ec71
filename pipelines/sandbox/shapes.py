"""Which properties a request asks for: response shapes and additional properties.

Belongs here: IdOnly, Default, AllProperties, and what is added to them.
Does not belong here: how a property is written (``properties.py``).
"""

from pipelines.sandbox.fields import Render
from pipelines.sandbox.properties import PROPERTIES
from pipelines.sandbox.soap import Element, SoapFaultError, T

_DEFAULT = frozenset(
    {
        "item:ItemId",
        "item:ParentFolderId",
        "item:Subject",
        "item:HasAttachments",
        "calendar:Start",
        "calendar:End",
        "calendar:LegacyFreeBusyStatus",
        "calendar:Location",
        "calendar:IsRecurring",
        "calendar:CalendarItemType",
        "calendar:Organizer",
        "calendar:RequiredAttendees",
        "calendar:OptionalAttendees",
        "calendar:Resources",
    }
)
_BASES = {
    "IdOnly": frozenset({"item:ItemId"}),
    "Default": _DEFAULT,
    "AllProperties": frozenset(PROPERTIES),
}


def item_properties(shape: Element | None) -> list[Render]:
    """Return what an ItemShape asks for, in the order of the schema.

    A property that the sandbox's items do not have is left out, as Exchange leaves out what an
    item lacks.

    Raises:
        SoapFaultError: ErrorSchemaValidation if there is no shape, or one that is not known.
    """
    wanted = base_and_added(shape)
    return [write for uri, write in PROPERTIES.items() if uri in wanted]


def base_and_added(shape: Element | None) -> frozenset[str]:
    """Return the field URIs of a shape: its base's (of an item) and those added.

    Raises:
        SoapFaultError: ErrorSchemaValidation.
    """
    base = shape.findtext(f"{T}BaseShape") if shape is not None else None
    if shape is None or base not in _BASES:
        raise SoapFaultError("ErrorSchemaValidation")
    added = shape.iterfind(f"{T}AdditionalProperties/{T}FieldURI")
    return _BASES[base] | {element.get("FieldURI", "") for element in added}
