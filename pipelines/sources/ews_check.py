"""What ``insights check`` asks an Exchange beside calendars: who it is, and which rooms it lists.

Belongs here: GetRoomLists and GetRooms, the server's version, and its clock.
Does not belong here: calendars (``ews.py``), what an operator is told (``pipelines/check``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from exchangelib.account import Identity
from exchangelib.properties import RoomList
from exchangelib.services import GetRoomLists, GetRooms
from exchangelib.util import SOAPNS
from lxml import etree

from pipelines.settings import EwsExchange, Secrets
from pipelines.sources.base import ListedRoom, ReadError
from pipelines.sources.ews import EwsSource
from pipelines.sources.ews_protocol import StrictService
from pipelines.sources.ews_xml import TYPES, parse_strictly
from pipelines.sources.wire import clock_offset

Build: TypeAlias = tuple[int, int, int, int]

_VERSION_PARTS: Final = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What an answer tells beside its content; None where it does not say.

    ``clock_offset`` is the server's clock minus this machine's.
    """

    build: Build | None
    clock_offset: timedelta | None


class DirectorySource(EwsSource):
    """Asks for room lists; ``server`` is known as soon as any answer was EWS, a refusal too.

    ``act_as`` is a mailbox to impersonate, for apps: their tokens stand for no mailbox.

    Raises:
        ReadError: as ``EwsSource``.
    """

    def __init__(self, exchange: EwsExchange, secrets: Secrets, act_as: str | None) -> None:
        super().__init__(exchange, secrets, with_invitees=False)
        self._act_as = act_as
        self.server: ServerInfo | None = None

    def room_lists(self) -> Sequence[str]:
        """Return the addresses of the organisation's room lists.

        Raises:
            ReadError: after bounded retries, as ``CalendarSource.read``.
        """
        service = _RoomListService(self._protocol, self._act_as, self._note)
        return [address for address in self._answer(service, {}) if address]

    def rooms(self, room_list: str) -> Sequence[ListedRoom]:
        """Return the rooms of a room list that have an SMTP address.

        Raises:
            ReadError: after bounded retries, as ``CalendarSource.read``.
        """
        service = _RoomService(self._protocol, self._act_as, self._note)
        found = self._answer(service, {"room_list": RoomList(email_address=room_list)})
        return [room for room in found if "@" in room.address]

    def _note(self, server: ServerInfo) -> None:
        self.server = server

    def _answer(self, service: StrictService, arguments: Mapping[str, Any]) -> list[Any]:
        try:
            self._session.begin()
            return self._request(service, arguments)
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = ReadError.of(error)
        raise failure


class _DirectoryService(StrictService):
    """What both services share: on whose behalf they ask, and what they note of the answer."""

    def __init__(
        self, protocol: Any, act_as: str | None, note: Callable[[ServerInfo], None]
    ) -> None:
        super().__init__(protocol=protocol)  # type: ignore[call-arg]  # exchangelib's service
        self._act_as = act_as
        self._note = note

    @property
    def _account_to_impersonate(self) -> Any:
        return Identity(primary_smtp_address=self._act_as) if self._act_as else None

    def _get_response(self, payload: Any, api_version: str) -> Any:
        asked_at = datetime.now(UTC)
        response = super()._get_response(  # type: ignore[misc]  # exchangelib's service
            payload=payload, api_version=api_version
        )
        middle = asked_at + (datetime.now(UTC) - asked_at) / 2
        build = _build(response.content)
        self._note(ServerInfo(build, clock_offset(response.headers.get("Date"), middle)))
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


def _build(content: bytes) -> Build | None:
    """Return the version that an answer's header states, as four numbers.

    Raises:
        ReadError: ``MalformedResponse``, as reading the answer itself would.
    """
    info = parse_strictly(content).find(f"{{{SOAPNS}}}Header/{TYPES}ServerVersionInfo")
    parts = [] if info is None else [info.get(part, "") for part in _VERSION_PARTS]
    if not parts or not all(part.isdecimal() and len(part) <= 6 for part in parts):
        return None
    major, minor, major_build, minor_build = map(int, parts)
    return major, minor, major_build, minor_build
