"""The exchange's own steps, from its name in DNS to what it must not let us read.

Belongs here: the order of the steps, where to stop, and what each result is called.
Does not belong here: sockets (``network.py``), EWS (``pipelines/sources``), rooms
(``rooms.py``).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from pipelines.check import graph, network
from pipelines.check.model import Listing, State, Step, Target
from pipelines.check.remedies import SCOPE_TOO_WIDE, SCOPE_UNPROVED
from pipelines.check.room_lists import comparison, read_rooms_of
from pipelines.check.words import edition, is_online, printable
from pipelines.night import OpenSource
from pipelines.settings import EwsExchange, GraphExchange, Room, Secrets
from pipelines.sources.base import Reach, ReadError, Window
from pipelines.sources.ews_check import DirectorySource, ServerInfo
from pipelines.sources.graph_check import GraphDirectory
from pipelines.sources.session import Throttle

_SOON: Final = timedelta(days=14)
_IN_STEP: Final = timedelta(seconds=60)
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
        """Yield each step as it ends; those before the version are needed by all after them."""
        for look in (self._name, self._tls):
            yield self._needed(look())
            if self.stop_code is not None:
                return
        exchange = self._exchange
        try:
            if exchange.kind == "graph":
                yield from self._graph_steps(exchange)
            else:
                yield from self._ews_steps(exchange)
        except ReadError as error:
            yield self._needed(_failed("sign-in", "cannot be tried", error.code))

    def _graph_steps(self, exchange: GraphExchange) -> Iterator[Step]:
        source = GraphDirectory(exchange, self._secrets)
        with closing(source):
            yield self._needed(graph.sign_in(source, exchange.authority))
            if self.stop_code is not None:
                return
            step, self.listing = graph.list_places(self._target, self._directory, source)
            self.stop_code = step.code
            yield step
        if self.stop_code is not None:
            return
        yield _clock(ServerInfo(None, source.clock_offset))
        yield self._scope(exchange.scope_probe)

    def _ews_steps(self, exchange: EwsExchange) -> Iterator[Step]:
        source = self._directory_source(exchange)
        with closing(source):
            yield self._needed(self._sign_in(exchange.auth, source))
            if self.stop_code is None:
                yield from self._signed_in_steps(source)

    def _signed_in_steps(self, source: DirectorySource) -> Iterator[Step]:
        server = source.server or ServerInfo(None, None)
        yield _version(server)
        yield _clock(server)
        self.listing = read_rooms_of(source, self.listing)
        yield comparison(self._target, self._directory, self.listing)
        yield self._scope(self._exchange.scope_probe)

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

    def _directory_source(self, exchange: EwsExchange) -> DirectorySource:
        rooms = self._target.rooms
        is_app = exchange.auth == "oauth"
        act_as = rooms[0].address if is_app and rooms else None
        return DirectorySource(exchange, self._secrets, act_as)

    def _sign_in(self, auth: str, source: DirectorySource) -> Step:
        """Ask for the room lists: the first request, after which a password is known to work."""
        try:
            self.listing = Listing(source.room_lists())
        except ReadError as error:
            if source.server is None or error.reach is Reach.EXCHANGE:
                text = f"{auth}, tried once and refused" if error.code == "HTTP401" else auth
                return _failed("sign-in", text, error.code)
            self.listing = Listing(None, codes=(error.code,))
        return Step("sign-in", State.OK, f"{auth}, accepted")

    def _scope(self, mailbox: str | None) -> Step:
        if mailbox is None:
            return graph.UNPROBED
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


def _version(server: ServerInfo) -> Step:
    if server.build is None:
        return Step("version", State.NOTE, "the server does not state its version")
    name = edition(server.build)
    if is_online(server.build):
        text = f"{name}: EWS ends there on 1 April 2027; plan the move to kind: graph"
        return Step("version", State.NOTE, text)
    return Step("version", State.OK, name)


def _clock(server: ServerInfo) -> Step:
    offset = server.clock_offset
    if offset is None:
        return Step("clock", State.NOTE, "the server does not state its time")
    seconds = round(abs(offset).total_seconds())
    if abs(offset) <= _IN_STEP:
        return Step("clock", State.OK, f"in step with this machine's, {seconds} s apart")
    which = "ahead of" if offset > timedelta(0) else "behind"
    text = (
        f"the server's clock is {seconds} s {which} this machine's: sign-in and which days "
        "are over depend on it; set both by NTP"
    )
    return Step("clock", State.NOTE, text)


def _failed(name: str, text: str, code: str) -> Step:
    return Step(name, State.FAILED, text, code)
