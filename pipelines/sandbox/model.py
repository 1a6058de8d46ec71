"""What the simulated Exchange holds: mailboxes, the one tenant that has them, the one app.

Plain data, and the rights that its account and its app have on it.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from cryptography import x509

from pipelines.sandbox.faults import Faults, RequestLog
from pipelines.sandbox.items import Item, Person

TENANT_ID = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "99999999-8888-7777-6666-555555555555"
CLIENT_SECRET = "sandbox"  # noqa: S105  the simulation's only app; it opens nothing else


@dataclass
class App:
    """An app with application permissions.

    ``calendars`` are the mailboxes that ``Calendars.Read`` is scoped to, None every one.
    ``entra_roles`` are the grants in Entra, which tokens name and which have no scope.
    ``token_seconds`` is how long a token is said to last; it is taken until the tenant forgets it.
    """

    tenant_id: str = TENANT_ID
    client_id: str = CLIENT_ID
    client_secret: str | None = CLIENT_SECRET
    certificates: list[x509.Certificate] = field(default_factory=list)
    calendars: Set[str] | None = None
    may_read_places: bool = True
    entra_roles: tuple[str, ...] = ("Place.Read.All",)
    token_seconds: int = 3599

    def may_read(self, address: str) -> bool:
        """Tell whether a mailbox is in the app's scope."""
        if self.calendars is None:
            return True
        return address.casefold() in {each.casefold() for each in self.calendars}


__all__ = ["ACCOUNT", "PASSWORD", "Item", "Mailbox", "Person", "Provider", "Tenant"]

ACCOUNT = "svc-insights@contoso.example"
PASSWORD = "sandbox"  # noqa: S105  the simulation's only account; it opens nothing else


Provider: TypeAlias = Callable[[datetime, datetime], Iterable[Item]]
"""Items that touch [start, end); more than those is allowed, fewer is not."""


class Mailbox:
    """A mailbox with one calendar: a list that may be changed, or a lazy provider.

    A list is kept, not copied: whoever made it may cancel and move items at any time.
    ``directory`` is the room's row of the operator's CSV, if it has one.
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
        """Return the items that overlap [start, end); those of no length count as an instant."""
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
        """Return the items that overlap or only touch the window: both edges inclusive."""
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
    """Everything that one simulated server holds, and what its one account may do.

    ``impersonation`` and ``reviewer`` name the mailboxes that the account may impersonate, or
    read the calendar of as a delegate; None is every mailbox. ``room_lists`` maps the address
    of a room list to the addresses of its rooms. ``app`` is who asks over Graph.
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
        """Take in a mailbox (instead of one with the same address) and return it."""
        key = mailbox.address.casefold()
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        self._by_number[number] = key
        self.mailboxes[key] = mailbox
        return mailbox

    def mailbox(self, address: str) -> Mailbox | None:
        """Return the mailbox of an address, compared without case, or None."""
        return self.mailboxes.get(address.casefold())

    def number(self, mailbox: Mailbox) -> int:
        """Return the number that stands for a mailbox in ids."""
        return self._numbers[mailbox.address.casefold()]

    def numbered(self, number: int) -> Mailbox | None:
        """Return the mailbox that an id's number stands for, or None."""
        key = self._by_number.get(number)
        return None if key is None else self.mailboxes[key]

    def may_impersonate(self, address: str) -> bool:
        """Tell whether the account may act as this mailbox."""
        return _contains(self.impersonation, address)

    def may_review(self, address: str) -> bool:
        """Tell whether the account may read this mailbox's calendar as a delegate."""
        return _contains(self.reviewer, address)


def _contains(addresses: Set[str] | None, address: str) -> bool:
    if addresses is None:
        return True
    return address.casefold() in {each.casefold() for each in addresses}
