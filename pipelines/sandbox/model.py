"""The data of the simulated Exchange: items, mailboxes, their one tenant, its one app.

Plain data, and the rights that the account and the app have on it. Every person is invented. Items
are a *room's copy* of a meeting, already expanded: occurrences and exceptions, never a recurring
master. Ids are opaque and case-sensitive; the server decodes them, so it stores none.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cryptography import x509

from pipelines.sandbox.faults import Faults, RequestLog

ACCOUNT = "svc-insights@contoso.example"
PASSWORD = "sandbox"  # noqa: S105  the simulation's only account; it opens nothing else
TENANT_ID = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "99999999-8888-7777-6666-555555555555"
CLIENT_SECRET = "sandbox"  # noqa: S105  the simulation's only app; it opens nothing else


@dataclass(frozen=True)
class Person:
    """A person, list or resource named in a meeting.

    With ``routing_type`` EX, the address is a legacy DN. ``mailbox_type`` is EWS's: Mailbox,
    PublicDL, PrivateDL, GroupMailbox, Contact, OneOff, …
    """

    name: str
    address: str
    routing_type: str = "SMTP"
    mailbox_type: str = "Mailbox"


@dataclass(frozen=True)
class Item:
    """One expanded calendar item: the room's copy. Instants are aware.

    ``subject`` None shows the organizer's name, as rooms do by default. Items of a series share
    ``series_id``. ``item_id`` is unique among a mailbox's items with the same start; a mailbox made
    from a list numbers items without one. ``start_time_zone`` is a Windows zone id, or whatever
    nonsense a real calendar holds. Answers leave out None and empty values. If ``is_meeting`` is
    None, the item is a meeting if anybody is invited.
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

    @property
    def shown_subject(self) -> str:
        """The subject that the room's calendar shows."""
        return self.organizer.name if self.subject is None else self.subject

    @property
    def has_invitees(self) -> bool:
        """Whether answers call it a meeting."""
        if self.is_meeting is not None:
            return self.is_meeting
        return bool(self.required or self.optional or self.resources)

    def id_in(self, number: int) -> str:
        """Return its id in the mailbox of that number; as in Exchange, a move changes it."""
        return _encode(f"AAMkI|{number}|{int(self.starts_at.timestamp())}|{self.item_id}")

    def uid(self, number: int) -> str:
        """Return the iCalendar id, one per series; ``number`` is that of the mailbox."""
        return self.series_id or f"040000008200E000{number:04X}{self.item_id}"

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at", "created_at"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is not UTC:
                object.__setattr__(self, name, instant.astimezone(UTC))


@dataclass(frozen=True)
class ItemKey:
    """The parts of an item id: the mailbox's number, the start, the id among equal starts."""

    number: int
    starts_at: datetime
    item_id: str


@dataclass(frozen=True)
class FolderKey:
    """The parts of a folder id: the mailbox's number and the folder's distinguished name."""

    number: int
    name: str


def folder_id(number: int, name: str) -> str:
    """Return the id of a folder of a mailbox."""
    return _encode(f"AAMkF|{number}|{name}")


def parse_item_id(text: str) -> ItemKey | None:
    """Return the parts of an item id, or None if it is malformed."""
    match _decode(text).split("|", 3):
        case ["AAMkI", number, seconds, key] if _is_number(number) and _is_number(seconds):
            return ItemKey(int(number), datetime.fromtimestamp(int(seconds), UTC), key)
    return None


def parse_folder_id(text: str) -> FolderKey | None:
    """Return the parts of a folder id, or None if it is malformed."""
    match _decode(text).split("|", 2):
        case ["AAMkF", number, name] if _is_number(number):
            return FolderKey(int(number), name)
    return None


def utc(written: str) -> datetime:
    """Parse an instant that a client sent; without an offset it is in UTC."""
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


@dataclass
class App:
    """An app with application permissions.

    ``calendars`` are the mailboxes that ``Calendars.Read`` is scoped to; None means all.
    ``entra_roles`` are the grants in Entra, which tokens list and which have no scope.
    ``token_seconds`` is the stated lifetime of a token; it works until the tenant forgets it.
    """

    tenant_id: str = TENANT_ID
    client_id: str = CLIENT_ID
    client_secret: str | None = CLIENT_SECRET
    certificates: list[x509.Certificate] = field(default_factory=list)
    calendars: Set[str] | None = None
    may_read_places: bool = True
    entra_roles: tuple[str, ...] = ("Place.Read.All",)
    token_seconds: int = 3599


Provider: TypeAlias = Callable[[datetime, datetime], Iterable[Item]]
"""Returns the items that touch [start, end); it may return more, but not fewer."""


class Mailbox:
    """A mailbox with one calendar: a mutable list, or a lazy provider.

    The list is not copied, so its owner may cancel and move items at any time.
    ``directory`` is the room's row in the operator's CSV, if it has one.
    """

    def __init__(
        self,
        address: str,
        name: str = "",
        items: Iterable[Item] = (),
        *,
        provider: Provider | None = None,
        is_room: bool = True,
    ) -> None:
        self.address = address
        self.name = name or address.partition("@")[0]
        self.list = items if isinstance(items, list) else list(items)
        self.is_room = is_room
        self.directory: dict[str, str] = {}
        self._provider = provider or self._from_list

    def items(self, start: datetime, end: datetime) -> Iterable[Item]:
        """Return the items that overlap [start, end); an item of no length is one instant."""
        return [
            item
            for item in self._provider(start, end)
            if item.starts_at < end and (item.ends_at > start or item.starts_at >= start)
        ]

    def starting_at(self, moment: datetime) -> Iterable[Item]:
        """Return the items that start at this instant (to the second)."""
        after = moment + timedelta(seconds=1)
        return [item for item in self._provider(moment, after) if moment <= item.starts_at < after]

    def touching(self, start: datetime, end: datetime) -> Iterable[Item]:
        """Return the items that overlap the window or touch either edge."""
        moment = timedelta(seconds=1)
        return [
            item
            for item in self._provider(start - moment, end + moment)
            if item.starts_at <= end and item.ends_at >= start
        ]

    def _from_list(self, _start: datetime, _end: datetime) -> Iterator[Item]:
        for position, item in enumerate(self.list):
            yield item if item.item_id else replace(item, item_id=str(position))


@dataclass
class Tenant:
    """Everything that one simulated server holds, and the rights of its one account.

    The account may impersonate the mailboxes in ``impersonation``, and as a delegate read the
    calendars of those in ``reviewer``; None means every mailbox. ``room_lists`` maps the address
    of a room list to the addresses of its rooms. ``app`` is the client of Graph.
    """

    rooms: Iterable[Mailbox] = ()
    account: str = ACCOUNT
    password: str = PASSWORD
    impersonation: Set[str] | None = None
    reviewer: Set[str] | None = None
    room_lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bearer_tokens: set[str] = field(default_factory=set)
    app: App = field(default_factory=App)
    clock_skew_seconds: float = 0
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)

    def __post_init__(self) -> None:
        self.mailboxes: dict[str, Mailbox] = {}
        self._numbers: dict[str, int] = {}
        self._by_number: dict[int, str] = {}
        for mailbox in self.rooms:
            self.add(mailbox)
        if self.account.casefold() not in self.mailboxes:
            self.add(Mailbox(self.account, "Insights service", is_room=False))

    def add(self, mailbox: Mailbox) -> Mailbox:
        """Add a mailbox, replacing one with the same address, and return it."""
        key = mailbox.address.casefold()
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        self._by_number[number] = key
        self.mailboxes[key] = mailbox
        return mailbox

    def mailbox(self, address: str) -> Mailbox | None:
        """Return the mailbox with an address (case-insensitive), or None."""
        return self.mailboxes.get(address.casefold())

    def number(self, mailbox: Mailbox) -> int:
        """Return the number that stands for a mailbox in ids."""
        return self._numbers[mailbox.address.casefold()]

    def numbered(self, number: int) -> Mailbox | None:
        """Return the mailbox that an id's number stands for, or None."""
        key = self._by_number.get(number)
        return None if key is None else self.mailboxes[key]


def covers(addresses: Set[str] | None, address: str) -> bool:
    """Tell whether a right on some mailboxes covers this one; None is a right on all of them."""
    if addresses is None:
        return True
    return address.casefold() in {each.casefold() for each in addresses}
