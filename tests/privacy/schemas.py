"""Exchange's own schemas.

Belongs here: reading them.
Does not belong here: growing elements of their types (``grower.py``).

The schemas are Microsoft's ``types.xsd`` and ``messages.xsd``; every Exchange serves them beside
its endpoint (``/EWS/types.xsd``).
"""

from pathlib import Path
from typing import Final

from lxml import etree

XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
NAMESPACES: Final = {
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
}
_FILES: Final = {"t": "types.xsd", "m": "messages.xsd"}
_TEXTS: Final = ("string", "anyURI", "base64Binary", "hexBinary", "language", "token", "anyType")
_SAMPLES: Final = {
    "boolean": "true",
    "dateTime": "2026-01-05T09:00:00Z",
    "date": "2026-01-05",
    "time": "09:00:00",
    "duration": "PT1H",
}


class Schemas:
    """The named types, elements and groups of both schemas, by prefixed name (``t:ItemType``)."""

    def __init__(self, folder: Path) -> None:
        self._named: dict[tuple[str, str], etree._Element] = {}
        self._members: dict[str, list[str]] = {}
        self._prefixes: dict[etree._Element, str] = {}
        for prefix, name in _FILES.items():
            root = etree.parse(folder / name).getroot()
            self._prefixes[root] = prefix
            for each in root:
                if isinstance(each.tag, str) and each.get("name"):
                    self._named[each.tag.removeprefix(XSD), f"{prefix}:{each.get('name')}"] = each
                if head := each.get("substitutionGroup"):
                    self._members.setdefault(head, []).append(f"{prefix}:{each.get('name')}")

    def find(self, kind: str, name: str) -> etree._Element | None:
        """Return the definition of a complexType, simpleType, element, group or attributeGroup."""
        return self._named.get((kind, name))

    def prefix(self, node: etree._Element) -> str:
        """Return the prefix of the schema that contains a node."""
        return self._prefixes[node.getroottree().getroot()]

    def members(self, element: str) -> list[str]:
        """Return the elements that may substitute an element; if none may, the element."""
        return self._members.get(element, [element])

    def is_text(self, type_name: str) -> bool:
        """Tell whether a simple type can hold any text."""
        if type_name.startswith("xs:"):
            return type_name.removeprefix("xs:") in _TEXTS
        node = self.find("simpleType", type_name)
        if node is None:
            return False
        restriction = node.find(f"{XSD}restriction")
        if restriction is None or restriction.find(f"{XSD}enumeration") is not None:
            return False
        return self.is_text(restriction.get("base", ""))

    def sample(self, type_name: str) -> str:
        """Return a valid value of a type that is not text."""
        node = self.find("simpleType", type_name)
        if node is None:
            return _SAMPLES.get(type_name.removeprefix("xs:"), "1")
        for each in node.iter(f"{XSD}enumeration"):
            return each.get("value", "")
        base = node.find(f"{XSD}restriction")
        return self.sample(base.get("base", "")) if base is not None else "1"
