"""People, calendar items and their ids, as a room's mailbox holds them.

Every person is invented. Items are a *room's copy* of a meeting, already expanded: occurrences
and exceptions, never a recurring master. Ids are opaque and case-sensitive; the server resolves
them without keeping any.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Person:
    """Someone, or something, that a meeting names.

    With ``routing_type`` EX the address is a legacy DN. ``mailbox_type`` is EWS's word: Mailbox,
    PublicDL, PrivateDL, GroupMailbox, Contact, OneOff, …
    """

    name: str
    address: str
    routing_type: str = "SMTP"
    mailbox_type: str = "Mailbox"


@dataclass(frozen=True)
class Item:
    """One expanded calendar item, as the room's copy holds it. Instants are aware.

    ``subject`` None is the organizer's name, as rooms keep it by default. Items of a series
    share ``series_id``. ``item_id`` is unique among the items of a mailbox that start at one
    instant; a mailbox made from a list numbers those that have none. ``start_time_zone`` is a
    Windows zone id, or whatever nonsense a real calendar holds. What is None or empty is left
    out of answers; ``is_meeting`` None is whether anybody is invited.
    """

    starts_at: datetime
    ends_at: datetime
    organizer: Person
    subject: str | None = None
    body: str = ""
    location: str = ""
    categories: tuple[str, ...] = ()
    required: tuple[Person, ...] = ()
    optional: tuple[Person, ...] = ()
    resources: tuple[Person, ...] = ()
    is_all_day: bool = False
    is_cancelled: bool = False
    sensitivity: str | None = "Normal"
    item_type: str | None = "Single"
    free_busy: str | None = "Busy"
    my_response: str | None = "Accept"
    is_online: bool | None = False
    created_at: datetime | None = None
    series_id: str | None = None
    item_id: str = ""
    start_time_zone: str = "UTC"
    last_modified_name: str | None = None
    attachments: tuple[str, ...] = ()
    join_url: str = ""
    is_meeting: bool | None = None

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at", "created_at"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is not UTC:
                object.__setattr__(self, name, instant.astimezone(UTC))


@dataclass(frozen=True)
class ItemKey:
    """What an item id stands for: the mailbox's number, the start, the id among equal starts."""

    number: int
    starts_at: datetime
    item_id: str


@dataclass(frozen=True)
class FolderKey:
    """What a folder id stands for: the mailbox's number, and the folder's distinguished name."""

    number: int
    name: str


def item_id(number: int, starts_at: datetime, key: str) -> str:
    """Return the id of an item: it changes when the item moves, as a real one does."""
    return _encode(f"AAMkI|{number}|{int(starts_at.timestamp())}|{key}")


def folder_id(number: int, name: str) -> str:
    """Return the id of a folder of a mailbox."""
    return _encode(f"AAMkF|{number}|{name}")


def parse_item_id(text: str) -> ItemKey | None:
    """Return what an item id stands for, or None if it is malformed."""
    match _decode(text).split("|", 3):
        case ["AAMkI", number, seconds, key] if _is_number(number) and _is_number(seconds):
            return ItemKey(int(number), datetime.fromtimestamp(int(seconds), UTC), key)
    return None


def parse_folder_id(text: str) -> FolderKey | None:
    """Return what a folder id stands for, or None if it is malformed."""
    match _decode(text).split("|", 2):
        case ["AAMkF", number, name] if _is_number(number):
            return FolderKey(int(number), name)
    return None


def utc(written: str) -> datetime:
    """Return an instant that a client wrote; without an offset it is in UTC."""
    moment = datetime.fromisoformat(written)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal() and len(text) < 12
