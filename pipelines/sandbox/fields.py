"""How values are written in XML: flags, words, texts, instants, people.

Belongs here: writers that any property can be made of, and what they are told about the answer.
Does not belong here: which properties there are (``properties.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from pipelines.sandbox.model import Item, Person
from pipelines.sandbox.soap import text


@dataclass(frozen=True)
class View:
    """What items are rendered for: the folder they lie in, and the length strings are cut at.

    ``longest`` is 255 in FindItem, None (uncut) in GetItem.
    """

    number: int
    parent_id: str
    longest: int | None = None

    @property
    def is_find(self) -> bool:
        """Whether strings are cut and invitees and bodies left out."""
        return self.longest is not None


Render: TypeAlias = Callable[[Item, View], str]


def instant(value: datetime) -> str:
    """Return an instant in UTC as EWS writes it."""
    return f"{value.isoformat()[:19]}Z"


def flag_field(tag: str, is_true: Callable[[Item], bool | None]) -> Render:
    """Write a boolean; None is left out."""
    written = {True: f"<t:{tag}>true</t:{tag}>", False: f"<t:{tag}>false</t:{tag}>", None: ""}
    return lambda item, _view: written[is_true(item)]


def word_field(tag: str, word: Callable[[Item], str | None]) -> Render:
    """Write a word of EWS's own vocabulary, or a number: nothing to escape."""

    def render_word(item: Item, _view: View) -> str:
        value = word(item)
        return "" if value is None else f"<t:{tag}>{value}</t:{tag}>"

    return render_word


def text_field(tag: str, value: Callable[[Item], str]) -> Render:
    """Write free text, cut as the view says; none is left out."""

    def render_text(item: Item, view: View) -> str:
        content = value(item)
        return f"<t:{tag}>{text(content[: view.longest])}</t:{tag}>" if content else ""

    return render_text


def instant_field(tag: str, value: Callable[[Item], datetime | None]) -> Render:
    """Write an instant; None is left out."""

    def render_instant(item: Item, _view: View) -> str:
        moment = value(item)
        return "" if moment is None else f"<t:{tag}>{instant(moment)}</t:{tag}>"

    return render_instant


def get_only(inner: Render) -> Render:
    """Leave a property out of FindItem, which carries neither bodies nor invitees."""
    return lambda item, view: "" if view.is_find else inner(item, view)


@lru_cache(maxsize=50_000)
def address_xml(person: Person) -> str:
    """Return what an EmailAddressType element holds; what is empty is left out."""
    name = f"<t:Name>{text(person.name)}</t:Name>" if person.name else ""
    mailbox_type = f"<t:MailboxType>{person.mailbox_type}</t:MailboxType>"
    if not person.address:
        return name + mailbox_type
    address = f"<t:EmailAddress>{text(person.address)}</t:EmailAddress>"
    return f"{name}{address}<t:RoutingType>{person.routing_type}</t:RoutingType>{mailbox_type}"


@lru_cache(maxsize=50_000)
def _attendee_xml(person: Person) -> str:
    return (
        f"<t:Attendee><t:Mailbox>{address_xml(person)}</t:Mailbox>"
        "<t:ResponseType>Unknown</t:ResponseType></t:Attendee>"
    )


def organizer(item: Item, _view: View) -> str:
    """Write the organizer, unless the item has lost it."""
    if not (item.organizer.name or item.organizer.address):
        return ""
    return f"<t:Organizer><t:Mailbox>{address_xml(item.organizer)}</t:Mailbox></t:Organizer>"


def attendees_field(tag: str, people: Callable[[Item], tuple[Person, ...]]) -> Render:
    """Write invitees, in GetItem only."""

    def render_attendees(item: Item, view: View) -> str:
        invited = people(item)
        if not invited or view.is_find:
            return ""
        return f"<t:{tag}>{''.join(map(_attendee_xml, invited))}</t:{tag}>"

    return render_attendees
