"""The list of planted fields comes from Exchange's schemas, so none can be forgotten."""

import re
from pathlib import Path

import pytest
from lxml import etree

from pipelines.sources.ews_xml import rows_of
from tests.needs import needs_schemas, schema_folder
from tests.privacy.grower import Grower
from tests.privacy.schemas import NAMESPACES, XSD, Schemas
from tests.privacy.tokens import Tokens

FOLDER = schema_folder()
pytestmark = needs_schemas
ITEM = ("t:CalendarItem", "t:CalendarItemType")


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    assert FOLDER is not None
    return Schemas(FOLDER)


def fields_within_reach(folder: Path) -> set[tuple[str, str]]:
    """Return every (type, field) that a calendar item can hold, found only by following names."""
    root = etree.parse(folder / "types.xsd").getroot()
    named = {each.get("name"): each for each in root if isinstance(each.tag, str)}
    reached: set[str] = set()
    waiting = ["CalendarItemType"]
    fields: set[tuple[str, str]] = set()
    while waiting:
        name = waiting.pop()
        node = named.get(name)
        if name in reached or node is None or node.tag == f"{XSD}simpleType":
            continue
        reached.add(name)
        for each in node.iter(f"{XSD}element", f"{XSD}attribute"):
            inline = any(up.tag == f"{XSD}element" for up in each.iterancestors())
            if each.get("name") and not inline and node.tag == f"{XSD}complexType":
                mark = "@" if each.tag == f"{XSD}attribute" else ""
                fields.add((name, f"{mark}{each.get('name')}"))
        for each in node.iter():
            for key in ("type", "base", "ref"):
                waiting += re.findall(r"^t:(\w+)$", each.get(key) or "")
    return fields


def test_every_field_that_a_calendar_item_can_hold_is_planted(schemas: Schemas) -> None:
    assert FOLDER is not None
    grower = Grower(schemas, Tokens())
    grower.grow(*ITEM, lambda _: None)
    expected = fields_within_reach(FOLDER)
    assert len(expected) > 700
    assert expected <= grower.fields


@pytest.mark.parametrize(
    "path",
    [
        "Subject",
        "Body",
        "LastModifiedName",
        "Organizer/Mailbox/EmailAddress",
        "RequiredAttendees/Attendee/Mailbox/Name",
        "Resources/Attendee/Mailbox/EmailAddress",
        "Location",
        "Categories/String",
        "StartTimeZone/@Name",
        "ExtendedProperty/Value",
        "ItemId/@ChangeKey",
        "InternetMessageHeaders/InternetMessageHeader/@HeaderName",
        "JoinOnlineMeetingUrl",
    ],
)
def test_fields_that_are_known_to_name_people_are_among_them(schemas: Schemas, path: str) -> None:
    tokens = Tokens()
    Grower(schemas, tokens).grow(*ITEM, lambda _: None)
    assert tokens.places()[f"CalendarItem/{path}"] == 1


def test_a_field_of_a_newer_schema_is_planted_without_being_named(tmp_path: Path) -> None:
    assert FOLDER is not None
    for name in ("types.xsd", "messages.xsd"):
        text = (FOLDER / name).read_text(encoding="utf-8-sig")
        uid = '<xs:element name="UID" type="xs:string" minOccurs="0" />'
        new = uid + '<xs:element name="NickName" type="xs:string" minOccurs="0" />'
        (tmp_path / name).write_text(text.replace(uid, new), encoding="utf-8")
    tokens = Tokens()
    Grower(Schemas(tmp_path), tokens).grow(*ITEM, lambda _: None)
    assert tokens.places()["CalendarItem/NickName"] == 1


def test_a_liar_puts_a_token_into_numbers_dates_and_words_too(schemas: Schemas) -> None:
    honest, lying = Tokens(), Tokens()
    Grower(schemas, honest).grow(*ITEM, lambda _: None)
    Grower(schemas, lying, is_lying=True).grow(*ITEM, lambda _: None)
    more = {"CalendarItem/Start", "CalendarItem/IsCancelled", "CalendarItem/LegacyFreeBusyStatus"}
    assert more <= lying.places().keys() - honest.places().keys()


def test_what_is_grown_is_an_item_that_the_source_understands(schemas: Schemas) -> None:
    needed = {f"CalendarItem/{name}": "2026-01-05T09:00:00Z" for name in ("Start", "End")}
    items = etree.Element(f"{{{NAMESPACES['t']}}}Items")
    items.append(Grower(schemas, Tokens()).grow(*ITEM, needed.get))
    assert len(rows_of(items)) == 1
