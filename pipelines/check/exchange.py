"""The steps of one exchange, from its name in DNS to what it must not let us read.

Belongs here: the order of the steps, where to stop, what each result is called, and the rooms that
Exchange lists against the room directory, both ways.
Does not belong here: sockets (``network.py``), EWS and Graph (``pipelines/sources``), reading rooms
(``run.py``), writing a directory (``write_rooms.py``).

Addresses of rooms that the directory does not know stay on the terminal: they have no room_id.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from pipelines.check import network
from pipelines.check.results import SCOPE_TOO_WIDE, SCOPE_UNPROVED, Listing, State, Step, Target
from pipelines.night import OpenSource
from pipelines.settings import EwsExchange, GraphExchange, Room, Secrets
from pipelines.sources.base import ListedRoom, Reach, ReadError, Window
from pipelines.sources.ews_check import Build, DirectorySource, ServerInfo
from pipelines.sources.graph_check import GraphDirectory
from pipelines.sources.session import Throttle
from pipelines.texts import counted

_ONLINE: Final = (15, 20)
_EDITIONS: Final[tuple[tuple[tuple[int, ...], str], ...]] = (  # the first that fits
    (_ONLINE, "Exchange Online"),
    ((15, 2, 2562), "Exchange Server SE"),
    ((15, 2), "Exchange Server 2019"),
    ((15, 1), "Exchange Server 2016"),
    ((15, 0), "Exchange Server 2013"),
)
_LONGEST: Final = 80
_SHOWN: Final = 10
_FAILURES: Final = 3
_AN_APP: Final = "an app asks on behalf of a room: put one into the directory first"
_HOW_TO_LIST: Final = (
    "a list lets people and this check find rooms: "
    "New-DistributionGroup 'Rooms of a building' -RoomList -Members <rooms>"
)
_PLACES: Final = "places"
_HOW_TO_LIST_PLACES: Final = (
    "only --write-rooms needs them: grant the app Place.Read.All (application) in Entra"
)
_WIDE: Final = (
    "that grant in Entra adds up with the scope and undoes it: remove it there, and give the app "
    "the role Application Calendars.Read for this region's rooms"
)
_UNPROBED: Final = Step(
    "scope",
    State.NOTE,
    "not tried: name a mailbox that must not be readable in scope_probe",
)
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


def edition(build: Build) -> str:
    """Return the product's name with its build."""
    fitting = (name for first, name in _EDITIONS if build[:2] == first[:2] and build >= first)
    return f"{next(fitting, 'Exchange')} ({'.'.join(map(str, build))})"


def is_online(build: Build) -> bool:
    """Tell whether a build is Exchange Online's, where EWS ends."""
    return build[:2] == _ONLINE


def printable(text: str) -> str:
    """Return a server's text without what would steer a terminal, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def read_rooms_of(source: DirectorySource, listing: Listing) -> Listing:
    """Return the listing with the rooms of each of its lists; gives up after a few failures."""
    rooms: dict[str, ListedRoom] = {}
    codes = list(listing.codes)
    for room_list in listing.lists or ():
        if len(codes) == _FAILURES:
            break
        try:
            found = source.rooms(room_list)
        except ReadError as error:
            codes.append(error.code)
        else:
            rooms.update((room.address.casefold(), room) for room in found)
    return Listing(listing.lists, rooms, codes)


def comparison(target: Target, directory: Sequence[Room], listing: Listing) -> Step:
    """Say how far lists and directory agree; a difference is a note: many rooms are in no list."""
    if listing.lists is None:
        text = f"could not be asked ({', '.join(listing.codes)})"
        exchange = target.exchange
        is_app = exchange.kind == "ews" and exchange.auth == "oauth"
        is_unknown_app = is_app and not target.rooms
        return Step("room lists", State.NOTE, text, details=(_AN_APP,) * is_unknown_app)
    if not listing.lists:
        return Step("room lists", State.NOTE, "there are none", details=(_HOW_TO_LIST,))
    text = f"{counted(len(listing.lists), 'list')} with {counted(len(listing.rooms), 'room')}"
    details = tuple(differences(target, directory, listing, "in no list"))
    if not details:
        return Step("room lists", State.OK, f"{text}, the same as in the directory")
    return Step("room lists", State.NOTE, text, details=details)


def differences(
    target: Target, directory: Sequence[Room], listing: Listing, unlisted_are: str
) -> Iterator[str]:
    """Yield what only the listing or only the directory has, a sentence each."""
    known = {room.address.casefold() for room in directory}
    unknown = [room for address, room in listing.rooms.items() if address not in known]
    if unknown:
        text = f"{len(unknown)} not in the directory: {_some([room.address for room in unknown])}"
        yield f"{text} (--write-rooms FILE writes them down; another region's may be among them)"
    unlisted = [room for room in target.rooms if room.address.casefold() not in listing.rooms]
    if listing.codes:
        yield f"not all could be read, so rooms may be missing: {', '.join(listing.codes)}"
    elif unlisted:
        yield f"{len(unlisted)} {unlisted_are}: {_some([room.room_id for room in unlisted])}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    return shown + (f" and {more} more" if more > 0 else "")


def _app_sign_in(source: GraphDirectory, authority: str) -> Step:
    """Try whether the app gets a token from the sign-in service."""
    try:
        grants = source.sign_in()
    except ReadError as error:
        text = f"the app gets no token from {urlsplit(authority).hostname}"
        return Step("sign-in", State.FAILED, text, error.code)
    if grants:
        text = f"the app has a token, and {', '.join(sorted(grants))} for every mailbox"
        return Step("sign-in", State.NOTE, text, details=(_WIDE,))
    return Step("sign-in", State.OK, "the app has a token")


def _list_places(
    target: Target, directory: Sequence[Room], source: GraphDirectory
) -> tuple[Step, Listing]:
    """Ask for the rooms; that they may not be listed is a note, since no night needs it."""
    try:
        rooms = source.rooms()
    except ReadError as error:
        listing = Listing(None, codes=(error.code,))
        if error.reach is Reach.EXCHANGE:
            return Step(_PLACES, State.FAILED, "could not be asked", error.code), listing
        text = f"could not be asked ({error.code})"
        return Step(_PLACES, State.NOTE, text, details=(_HOW_TO_LIST_PLACES,)), listing
    listing = Listing((_PLACES,), {room.address.casefold(): room for room in rooms})
    details = tuple(differences(target, directory, listing, "not among the places"))
    text = counted(len(rooms), "room")
    if not details:
        return Step(_PLACES, State.OK, f"{text}, the same as in the directory"), listing
    return Step(_PLACES, State.NOTE, text, details=details), listing


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
            yield self._needed(_app_sign_in(source, exchange.authority))
            if self.stop_code is not None:
                return
            step, self.listing = _list_places(self._target, self._directory, source)
            self.stop_code = step.code
            yield step
        if self.stop_code is not None:
            return
        yield _clock(ServerInfo(None, source.clock_offset))
        yield self._scope(exchange.scope_probe)

    def _ews_steps(self, exchange: EwsExchange) -> Iterator[Step]:
        rooms, is_app = self._target.rooms, exchange.auth == "oauth"
        act_as = rooms[0].address if is_app and rooms else None
        source = DirectorySource(exchange, self._secrets, act_as)
        with closing(source):
            yield self._needed(self._sign_in(exchange.auth, source))
            if self.stop_code is not None:
                return
            server = source.server or ServerInfo(None, None)
            yield _version(server)
            yield _clock(server)
            self.listing = read_rooms_of(source, self.listing)
            yield comparison(self._target, self._directory, self.listing)
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
