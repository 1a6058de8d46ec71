"""The steps of one exchange, from its name in DNS to what it must not let us read.

Belongs here: the steps that every protocol has, their order, and where to stop.
Does not belong here: sockets (``network.py``), the steps of EWS and Graph (``pipelines/sources``),
reading rooms (``run.py``), writing a directory (``write_rooms.py``).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from pipelines.check import network
from pipelines.check.results import SCOPE_TOO_WIDE, SCOPE_UNPROVED, Target
from pipelines.night import OpenSource
from pipelines.settings import Room, Secrets
from pipelines.sources.base import ReadError, Window
from pipelines.sources.factory import open_check
from pipelines.sources.session import Throttle
from pipelines.sources.steps import Listing, State, Step, printable

_UNPROBED: Final = Step(
    "scope",
    State.NOTE,
    "not tried: name a mailbox that must not be readable in scope_probe",
)
_SOON: Final = timedelta(days=14)
_DENIALS: Final = frozenset(
    {
        "Authorization_RequestDenied",
        "ErrorAccessDenied",
        "ErrorFolderNotFound",
        "ErrorImpersonateUserDenied",
        "ErrorImpersonationDenied",
        "ErrorItemNotFound",
        "HTTP403",  # the exchange itself let us in before
    }
)
# A minute long past: whether it may be read is known without reading anybody's meeting.
_PROBED: Final = Window(
    datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=1)
)


class ExchangeCheck:
    """Tries one exchange, step by step.

    After ``steps`` has ended, ``stop_code`` is why no room can be read (None if they can), and
    ``listing`` what the room lists hold. ``directory`` are all rooms of the region, whichever
    exchange they are on.
    """

    def __init__(
        self,
        target: Target,
        secrets: Secrets,
        directory: Sequence[Room],
        open_source: OpenSource,
    ) -> None:
        self.stop_code: str | None = None
        self.listing = Listing()
        self._target = target
        self._exchange = target.exchange
        self._secrets = secrets
        self._directory = directory
        self._open_source = open_source

    def steps(self) -> Iterator[Step]:
        """Yield each step as it ends; after one that failed nothing more is tried."""
        for look in (self._name, self._tls):
            yield self._needed(look())
            if self.stop_code is not None:
                return
        exchange, rooms = self._exchange, self._target.rooms
        try:
            check = open_check(exchange, self._secrets, rooms, self._directory)
        except ReadError as error:
            yield self._needed(_failed("sign-in", "cannot be tried", error.code))
            return
        for step in check.steps():
            self.listing = check.listing
            yield self._needed(step)
        if self.stop_code is None:
            yield self._scope(exchange.scope_probe)

    def _needed(self, step: Step) -> Step:
        self.stop_code = step.code
        return step

    def _name(self) -> Step:
        try:
            host, addresses = network.resolve(self._exchange.endpoint)
        except ReadError as error:
            host = urlsplit(self._exchange.endpoint).hostname or ""
            return _failed("DNS", f"{host} has no address", error.code)
        is_proxied = network.proxy_of(self._exchange.endpoint) is not None
        through = "through the proxy " if is_proxied else ""
        return Step("DNS", State.OK, f"{through}{host} is {', '.join(addresses)}")

    def _tls(self) -> Step:
        try:
            made = network.shake_hands(self._exchange.endpoint, self._exchange.ca_file)
        except network.UntrustedError as error:
            text = f"the certificate is refused: {error.reason}"
            return _failed("TLS", text, "CertificateNotTrusted")
        except ReadError as error:
            is_old = error.code == "TlsRefused"
            text = "TLS 1.2 or later is not spoken" if is_old else "no connection"
            return _failed("TLS", text, error.code)
        if made is None:
            return Step("TLS", State.NOTE, "not looked at through this kind of proxy")
        left = made.expires_at - datetime.now(UTC)
        text = f"{made.version}, certificate by {printable(made.issuer)}, {left.days} days left"
        if left < _SOON:
            return Step("TLS", State.NOTE, f"{text}: renew it soon")
        return Step("TLS", State.OK, text)

    def _scope(self, mailbox: str | None) -> Step:
        if mailbox is None:
            return _UNPROBED
        try:
            source = self._open_source(self._exchange, self._secrets, False, Throttle(1))
            with closing(source):
                source.read(mailbox, _PROBED)
        except ReadError as error:
            if error.code in _DENIALS:
                return Step("scope", State.OK, "the mailbox outside the scope is denied")
            text = f"neither read nor denied ({error.code})"
            return _failed("scope", text, SCOPE_UNPROVED)
        return _failed("scope", "the mailbox outside the scope can be read", SCOPE_TOO_WIDE)


def _failed(name: str, text: str, code: str) -> Step:
    return Step(name, State.FAILED, text, code)
