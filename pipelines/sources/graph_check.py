"""What ``insights check`` requests from Graph besides calendars: a token, the rooms, the clock."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from pipelines.settings import GraphExchange, Room, Secrets
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
from pipelines.sources.graph import GraphSource, Pages
from pipelines.texts import counted

_WIDE_GRANTS: Final = frozenset(
    {"Calendars.Read", "Calendars.ReadBasic.All", "Calendars.ReadWrite"}
)
_MOST_SEATS: Final = 999_999  # the room directory accepts no more
_PLACES: Final = "places"
_WHO_LISTS: Final = "only --write-rooms needs them"
_HOW_TO_LIST: Final = f"{_WHO_LISTS}: grant the app Place.Read.All (application) in Entra"
_MAY_NOT_LIST: Final = frozenset({"Authorization_RequestDenied", "ErrorAccessDenied", "HTTP403"})
_WIDE: Final = (
    "that grant in Entra adds up with the scope and undoes it: remove it there, and give the app "
    "the role Application Calendars.Read for this region's rooms"
)
_ROOMS: Final = "/v1.0/places/microsoft.graph.room?$top=100"


class GraphCheck(SourceCheck):
    """The check of an exchange that speaks Graph."""

    def __init__(
        self,
        exchange: GraphExchange,
        secrets: Secrets,
        rooms: Sequence[Room],
        directory: Sequence[Room],
    ) -> None:
        super().__init__(rooms, directory)
        self._authority = exchange.authority
        self._source = GraphDirectory(exchange, secrets)

    def steps(self) -> Iterator[Step]:
        """Yield each step as it ends; a step that failed is the last one."""
        with closing(self._source) as source:
            try:  # whether the app gets a token from the sign-in service
                grants = source.sign_in()
            except ReadError as error:
                text = f"the app gets no token from {urlsplit(self._authority).hostname}"
                yield Step("sign-in", State.FAILED, text, error.code)
                return
            if grants:
                text = f"the app has a token, and {', '.join(sorted(grants))} for every mailbox"
                yield Step("sign-in", State.NOTE, text, details=(_WIDE,))
            else:
                yield Step("sign-in", State.OK, "the app has a token")
            # If the app may not list rooms, that is only a note: no night needs the list.
            try:
                rooms = source.rooms()
            except ReadError as error:
                self.listing = Listing(None, codes=(error.code,))
                if error.reach is Reach.EXCHANGE:
                    yield Step(_PLACES, State.FAILED, "could not be asked", error.code)
                    return
                text = f"could not be asked ({error.code})"
                advice = _HOW_TO_LIST if error.code in _MAY_NOT_LIST else _WHO_LISTS
                yield Step(_PLACES, State.NOTE, text, details=(advice,))
            else:
                listed = {room.address.casefold(): room for room in rooms}
                self.listing = Listing((_PLACES,), listed, unlisted_are="not among the places")
                yield self.compared(_PLACES, counted(len(rooms), "room"))
        yield clock_step(source.clock_offset)


class GraphDirectory(GraphSource):
    """Requests a token and the rooms; ``clock_offset`` is known once Graph has answered."""

    def __init__(self, exchange: GraphExchange, secrets: Secrets) -> None:
        super().__init__(exchange, secrets, with_invitees=False)
        self.clock_offset: timedelta | None = None

    def sign_in(self) -> frozenset[str]:
        """Get a token; return the grants in Entra that let the app read every calendar.

        A token names the grants in Entra, not those of RBAC for Applications; both add up.

        Raises:
            ReadError: the sign-in service cannot be reached, or refuses the app.
        """
        header, grants = "", frozenset[str]()
        try:
            self._session.begin()
            for attempt in self._session.attempts():
                with attempt:  # nothing is sent to Graph, only to the sign-in service
                    prepared = self._http.prepare_request(requests.Request("GET", self._root))
                    header = str(prepared.headers["Authorization"])
            with suppress(IndexError, KeyError, TypeError, ValueError):  # an opaque token
                claims = header.split(".")[1]
                padded = claims + "=" * (-len(claims) % 4)
                roles = json.loads(base64.urlsafe_b64decode(padded))["roles"]
                grants = frozenset(roles) & _WIDE_GRANTS
        except Exception as error:  # noqa: BLE001  of any error only its code is kept
            failure = ReadError.of(error)
        else:
            return grants
        raise failure

    def rooms(self) -> Sequence[ListedRoom]:
        """Return the rooms among the organisation's places that have an SMTP address.

        Raises:
            ReadError: after bounded retries; ``Authorization_RequestDenied`` and the like
                without ``Place.Read.All``.
        """
        try:
            self._session.begin()
            found: list[ListedRoom] = []
            pages = Pages(f"{self._root}{_ROOMS}")
            while pages.following is not None:
                places = self._request(pages)
                found += [room for room in map(_listed, places) if "@" in room.address]
                self.clock_offset = clock_offset(self._last_date, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  of any error only its code is kept
            failure = ReadError.of(error)
        else:
            return found
        raise failure


def _listed(place: Mapping[str, Any]) -> ListedRoom:
    capacity, number, tags = (place.get(name) for name in ("capacity", "floorNumber", "tags"))
    address = place.get("address")
    return ListedRoom(
        address=_text(place, "emailAddress"),
        name=_text(place, "displayName"),
        capacity=capacity if isinstance(capacity, int) and 0 < capacity <= _MOST_SEATS else None,
        building=_text(place, "building") or None,
        floor=_text(place, "floorLabel") or (str(number) if isinstance(number, int) else None),
        country=_text(address, "countryOrRegion") or None if isinstance(address, dict) else None,
        tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else (),
    )


def _text(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name)
    return value if isinstance(value, str) else ""
