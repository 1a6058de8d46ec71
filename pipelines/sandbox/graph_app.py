"""The tenant's one app registration: how it proves itself, and what it may read.

Belongs here: plain data and the rights on it, as RBAC for Applications gives them.
Does not belong here: tokens on the wire (``graph_sign_in.py``).
"""

from collections.abc import Set
from dataclasses import dataclass, field

from cryptography import x509

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
