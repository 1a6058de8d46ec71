"""What ``insights check`` requests from EWS besides calendars: version, clock and room lists."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from exchangelib.account import Identity
from exchangelib.properties import RoomList
from exchangelib.services import GetRoomLists, GetRooms
from exchangelib.util import SOAPNS
from lxml import etree

from pipelines.settings import EwsExchange, Room, Secrets
from pipelines.sources import (
    ListedRoom,
    Listing,
    Reach,
    ReadError,
    SourceCheck,
    State,
    Step,
    clock_offset,
    clock_step,
)
from pipelines.sources.ews import EwsSource
from pipelines.sources.ews_xml import TYPES, StrictService, parse_strictly
from pipelines.texts import counted

Build: TypeAlias = tuple[int, int, int, int]

_ONLINE: Final = (15, 20)
_EDITIONS: Final[tuple[tuple[tuple[int, ...], str], ...]] = (  # the first that fits
    (_ONLINE, "Exchange Online"),
    ((15, 2, 2562), "Exchange Server SE"),
    ((15, 2), "Exchange Server 2019"),
    ((15, 1), "Exchange Server 2016"),
    ((15, 0), "Exchange Server 2013"),
)
_FAILURES: Final = 3
_AN_APP: Final = "an app asks on behalf of a room: put one into the directory first"
_HOW_TO_LIST: Final = (
    "a list lets people and this check find rooms: "
    "New-DistributionGroup 'Rooms of a building' -RoomList -Members <rooms>"
)
_VERSION_PARTS: Final = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")


class EwsCheck(SourceCheck):
    """The check of an exchange that speaks EWS."""

    def __init__(
        self,
        exchange: EwsExchange,
        secrets: Secrets,
        rooms: Sequence[Room],
        directory: Sequence[Room],
    ) -> None:
        super().__init__(rooms, directory)
        self._auth = exchange.auth
        act_as = rooms[0].address if exchange.auth == "oauth" and rooms else None
        self._source = DirectorySource(exchange, secrets, act_as)

    def steps(self) -> Iterator[Step]:
        """Yield each step as it ends; a step that failed is the last one."""
        with closing(self._source) as source:
            # The first request is for the room lists; any answer in EWS proves the sign-in.
            try:
                self.listing = Listing(source.room_lists())
            except ReadError as error:
                if source.server is None or error.reach is Reach.EXCHANGE:
                    is_refused = error.code == "HTTP401"
                    text = f"{self._auth}, tried once and refused" if is_refused else self._auth
                    yield Step("sign-in", State.FAILED, text, error.code)
                    return
                self.listing = Listing(None, codes=(error.code,))
            yield Step("sign-in", State.OK, f"{self._auth}, accepted")
            server = source.server or ServerInfo(None, None)
            if server.build is None:
                text = "the server does not state its version"
                yield Step("version", State.NOTE, text)
            elif is_online(server.build):
                name = edition(server.build)
                text = f"{name}: EWS ends there on 1 April 2027; plan the move to kind: graph"
                yield Step("version", State.NOTE, text)
            else:
                yield Step("version", State.OK, edition(server.build))
            yield clock_step(server.clock_offset)
            yield self._room_lists()

    def _room_lists(self) -> Step:
        """Request the rooms of each list, and compare them with the directory."""
        lists, codes = self.listing.lists, list(self.listing.codes)
        if lists is None:
            text = f"could not be asked ({', '.join(codes)})"
            is_unknown_app = self._auth == "oauth" and not self._rooms
            return Step("room lists", State.NOTE, text, details=(_AN_APP,) * is_unknown_app)
        if not lists:
            return Step("room lists", State.NOTE, "there are none", details=(_HOW_TO_LIST,))
        rooms: dict[str, ListedRoom] = {}
        for room_list in lists:
            if len(codes) == _FAILURES:
                break
            try:
                found = self._source.rooms(room_list)
            except ReadError as error:
                codes.append(error.code)
            else:
                rooms.update((room.address.casefold(), room) for room in found)
        self.listing = Listing(lists, rooms, codes)
        text = f"{counted(len(lists), 'list')} with {counted(len(rooms), 'room')}"
        return self.compared("room lists", text)


def edition(build: Build) -> str:
    """Return the product's name with its build."""
    fitting = (name for first, name in _EDITIONS if build[:2] == first[:2] and build >= first)
    return f"{next(fitting, 'Exchange')} ({'.'.join(map(str, build))})"


def is_online(build: Build) -> bool:
    """Tell whether a build is Exchange Online's, which is retiring EWS."""
    return build[:2] == _ONLINE


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the headers of an answer say about the server; None where they do not say it.

    ``clock_offset`` is the server's clock minus this machine's.
    """

    build: Build | None
    clock_offset: timedelta | None


class DirectorySource(EwsSource):
    """Requests room lists; ``server`` is known after the first EWS answer, even a refusal.

    ``act_as`` is a mailbox for an app to impersonate: its token stands for no mailbox.
    """

    def __init__(self, exchange: EwsExchange, secrets: Secrets, act_as: str | None) -> None:
        super().__init__(exchange, secrets, with_invitees=False)
        self._act_as = act_as
        self.server: ServerInfo | None = None

    def room_lists(self) -> Sequence[str]:
        """Return the addresses of the organisation's room lists."""
        return [address for address in self._answer(_RoomListService) if address]

    def rooms(self, room_list: str) -> Sequence[ListedRoom]:
        """Return the rooms of a room list that have an SMTP address."""
        found = self._answer(_RoomService, room_list=RoomList(email_address=room_list))
        return [room for room in found if "@" in room.address]

    def _answer(self, service: type["_DirectoryService"], **arguments: object) -> list[Any]:
        try:
            self._session.begin()
            return self._request(service(self, self._protocol, self._act_as), arguments)
        except Exception as error:  # noqa: BLE001  of any error only its code is kept
            failure = ReadError.of(error)
        raise failure


class _DirectoryService(StrictService):
    """What both services share: whom they impersonate, and what they note of the server."""

    def __init__(self, source: DirectorySource, protocol: Any, act_as: str | None) -> None:
        super().__init__(protocol=protocol)  # type: ignore[call-arg]  # exchangelib's service
        self._source = source
        self._act_as = act_as

    @property
    def _account_to_impersonate(self) -> Any:
        return Identity(primary_smtp_address=self._act_as) if self._act_as else None

    def _get_response(self, payload: Any, api_version: str) -> Any:
        """Return the answer, and note the server's version and clock from its headers.

        Raises:
            ReadError: ``MalformedResponse``, as parsing the answer later would.
        """
        asked_at = datetime.now(UTC)
        response = super()._get_response(  # type: ignore[misc]  # exchangelib's service
            payload=payload, api_version=api_version
        )
        middle = asked_at + (datetime.now(UTC) - asked_at) / 2
        root = parse_strictly(response.content)
        info = root.find(f"{{{SOAPNS}}}Header/{TYPES}ServerVersionInfo")
        parts = [] if info is None else [info.get(part, "") for part in _VERSION_PARTS]
        build = None
        if parts and all(part.isdecimal() and len(part) <= 6 for part in parts):
            major, minor, major_build, minor_build = map(int, parts)
            build = (major, minor, major_build, minor_build)
        offset = clock_offset(response.headers.get("Date"), middle)
        self._source.server = ServerInfo(build, offset)
        return response


class _RoomListService(_DirectoryService, GetRoomLists):  # type: ignore[misc]  # no types
    def _elem_to_obj(self, elem: etree._Element) -> str:
        return elem.findtext(f"{TYPES}EmailAddress") or ""


class _RoomService(_DirectoryService, GetRooms):  # type: ignore[misc]  # no types
    def _elem_to_obj(self, elem: etree._Element) -> ListedRoom:
        return ListedRoom(
            elem.findtext(f"{TYPES}Id/{TYPES}EmailAddress") or "",
            elem.findtext(f"{TYPES}Id/{TYPES}Name") or "",
        )
