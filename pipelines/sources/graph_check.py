"""What ``insights check`` asks Graph beside calendars: a token, the rooms, the clock.

Belongs here: the sign-in alone, and places.
Does not belong here: calendars (``graph.py``), what an operator is told (``pipelines/check``).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import requests

from pipelines.settings import GraphExchange, Secrets
from pipelines.sources.base import ListedRoom, ReadError
from pipelines.sources.graph import GraphSource, Pages
from pipelines.sources.wire import clock_offset

_WIDE_GRANTS: Final = frozenset(
    {"Calendars.Read", "Calendars.ReadBasic.All", "Calendars.ReadWrite"}
)
_MOST_SEATS: Final = 999_999  # a directory takes no more
_ROOMS: Final = "/v1.0/places/microsoft.graph.room?$top=100"


class GraphDirectory(GraphSource):
    """Asks for a token and for rooms; ``clock_offset`` is known after an answer.

    Raises:
        ReadError: as ``GraphSource``.
    """

    def __init__(self, exchange: GraphExchange, secrets: Secrets) -> None:
        super().__init__(exchange, secrets, with_invitees=False)
        self.clock_offset: timedelta | None = None

    def sign_in(self) -> frozenset[str]:
        """Get a token; return those grants in Entra that let the app read every calendar.

        A token names what is granted in Entra and nothing of RBAC for Applications: both add up.

        Raises:
            ReadError: the sign-in service cannot be reached, or refuses the app.
        """
        header = ""
        try:
            self._session.begin()
            for attempt in self._session.attempts():
                with attempt:  # nothing is sent to Graph: it has not taken the token yet
                    prepared = self._http.prepare_request(requests.Request("GET", self._root))
                    header = str(prepared.headers["Authorization"])
            return _roles(header) & _WIDE_GRANTS
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = ReadError.of(error)
        raise failure

    def rooms(self) -> Sequence[ListedRoom]:
        """Return the rooms that the organisation has as places, with an SMTP address.

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
                found += [_listed(place) for place in places if "@" in _text(place, "emailAddress")]
                self.clock_offset = clock_offset(self._last_date, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = ReadError.of(error)
        else:
            return found
        raise failure


def _roles(header: str) -> frozenset[str]:
    """Return the grants that a token names; none if it is not one that can be read."""
    try:
        claims = header.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        roles = json.loads(base64.urlsafe_b64decode(padded))["roles"]
        return frozenset(roles)
    except (IndexError, KeyError, TypeError, ValueError):
        return frozenset()


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
