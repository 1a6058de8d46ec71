"""How a folder looks on the wire.

Belongs here: the few properties of a root and a calendar folder that clients ask for.
Does not belong here: who may see them (``access.py``).
"""

from pipelines.sandbox.access import CALENDAR, Folder
from pipelines.sandbox.ids import folder_id
from pipelines.sandbox.soap import Element, SoapFaultError, T

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
