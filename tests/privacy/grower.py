"""Answers generated from Exchange's schemas, with a token in every field that they allow.

Belongs here: growing an element of a type with everything that the type can hold, so that fields
that a later schema adds get a token without being named here.
Does not belong here: reading the schemas (``schemas.py``), serving what was grown
(``hostile.py``), looking for it (``search.py``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from tests.privacy.schemas import NAMESPACES, XSD, Schemas
from tests.privacy.tokens import Tokens

_FULL_DEPTH: Final = 4

Override = Callable[[str], "str | list[etree._Element] | None"]
"""Given a path below the grown element, the content to use instead of a token; None for none."""


@dataclass
class Grower:
    """Grows elements with a token in every field.

    With ``is_lying``, fields that are not text (numbers, dates, enumerated words) hold a token too,
    which no real server would send.
    """

    schemas: Schemas
    tokens: Tokens
    is_lying: bool = False
    fields: set[tuple[str, str]] = field(default_factory=set)
    _grown: set[str] = field(default_factory=set)

    def grow(self, name: str, type_name: str, override: Override) -> etree._Element:
        """Return an element of a type with everything that it can hold, each field planted.

        ``override`` is asked for the content of every path first.
        """
        self._grown.clear()
        return self._element(name, type_name, name.partition(":")[2], (), override)

    def _element(
        self, name: str, type_name: str, path: str, stack: tuple[str, ...], override: Override
    ) -> etree._Element:
        prefix, _, local = name.partition(":")
        element = etree.Element(f"{{{NAMESPACES[prefix]}}}{local}")
        content = override(path)
        if isinstance(content, list):
            element.extend(content)
        elif content is not None:
            element.text = content
        elif (node := self.schemas.find("complexType", type_name)) is None:
            element.text = self._text(type_name, path)
        elif not self._is_enough(type_name, stack):
            self._grown.add(type_name)
            self._fill(element, node, path, (*stack, type_name), override)
        return element

    def _is_enough(self, type_name: str, stack: tuple[str, ...]) -> bool:
        return type_name in stack or (len(stack) >= _FULL_DEPTH and type_name in self._grown)

    def _text(self, type_name: str, path: str) -> str:
        if not self.is_lying and not self.schemas.is_text(type_name):
            return self.schemas.sample(type_name)
        token = self.tokens.new(path)
        return f"{token}@{token}.example" if path.endswith("EmailAddress") else token

    def _fill(
        self,
        element: etree._Element,
        node: etree._Element,
        path: str,
        stack: tuple[str, ...],
        override: Override,
        owner: str = "",
    ) -> None:
        """Add everything that a definition, or one that it extends or refers to, can hold."""
        owner = node.get("name") or owner or path
        for part in parts_of(node):
            kind = part.tag.removeprefix(XSD)
            if kind in ("extension", "restriction"):
                self._extend(element, part, path, stack, override, owner)
            elif kind in ("group", "attributeGroup"):
                referred = self.schemas.find(kind, part.get("ref", ""))
                if referred is not None:
                    self._fill(element, referred, path, stack, override)
            elif kind == "attribute" and part.get("name"):
                self._attribute(element, part, path, owner, override)
            elif kind == "element":
                for child in self._children(part, path, owner, stack, override):
                    element.append(child)
            elif kind == "any":
                anything = etree.SubElement(element, "{urn:anything}Anything")
                anything.text = self.tokens.new(f"{path}/any")
                anything.set(self.tokens.new(f"{path}/@any"), self.tokens.new(f"{path}/@any"))

    def _extend(
        self,
        element: etree._Element,
        part: etree._Element,
        path: str,
        stack: tuple[str, ...],
        override: Override,
        owner: str,
    ) -> None:
        base = self.schemas.find("complexType", part.get("base", ""))
        if base is not None:
            self._fill(element, base, path, stack, override)
        elif part.getparent().tag == f"{XSD}simpleContent":  # type: ignore[union-attr]  # it has one
            element.text = self._text(part.get("base", ""), path)
        self._fill(element, part, path, stack, override, owner)

    def _attribute(
        self,
        element: etree._Element,
        part: etree._Element,
        path: str,
        owner: str,
        override: Override,
    ) -> None:
        name = part.get("name", "")
        self.fields.add((owner, f"@{name}"))
        content = override(f"{path}/@{name}")
        value = self._text(part.get("type", "xs:string"), f"{path}/@{name}")
        element.set(name, content if isinstance(content, str) else value)

    def _children(
        self,
        part: etree._Element,
        path: str,
        owner: str,
        stack: tuple[str, ...],
        override: Override,
    ) -> Iterator[etree._Element]:
        for name, definition in self._candidates(part):
            local = name.partition(":")[2]
            self.fields.add((owner, local))
            below = f"{path}/{local}"
            inline = definition.find(f"{XSD}complexType")
            if inline is None:
                type_name = definition.get("type", "xs:string")
                yield self._element(name, type_name, below, stack, override)
            else:
                yield self._inline(name, inline, below, stack, override)

    def _inline(
        self,
        name: str,
        node: etree._Element,
        path: str,
        stack: tuple[str, ...],
        override: Override,
    ) -> etree._Element:
        prefix, _, local = name.partition(":")
        element = etree.Element(f"{{{NAMESPACES[prefix]}}}{local}")
        content = override(path)
        if isinstance(content, list):
            element.extend(content)
        else:
            self._fill(element, node, path, stack, override)
        return element

    def _candidates(self, part: etree._Element) -> Iterator[tuple[str, etree._Element]]:
        if part.get("name"):
            yield f"{self.schemas.prefix(part)}:{part.get('name')}", part
            return
        for name in self.schemas.members(part.get("ref", "")):
            definition = self.schemas.find("element", name)
            if definition is not None:
                yield name, definition


def parts_of(node: etree._Element) -> Iterator[etree._Element]:
    """Yield the parts of a definition: it descends into sequences and choices, not elements."""
    for child in node:
        if not isinstance(child.tag, str):
            continue
        kind = child.tag.removeprefix(XSD)
        if kind in ("sequence", "choice", "all", "complexContent", "simpleContent"):
            yield from parts_of(child)
        elif kind not in ("annotation", "anyAttribute"):
            yield child
