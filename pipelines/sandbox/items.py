"""People and calendar items, as a room's mailbox holds them.

Belongs here: plain data about one meeting.
Does not belong here: mailboxes and the tenant (``model.py``), how an item looks on the wire
(``properties.py``, ``graph_events.py``).

Every person here is invented. Items are a *room's copy* of a meeting, already expanded:
occurrences and exceptions, never a recurring master.
"""

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
    out of answers.
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

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at", "created_at"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is not UTC:
                object.__setattr__(self, name, instant.astimezone(UTC))
