"""What ``insights check`` asks Graph beside calendars: a token, the rooms, the clock.

Belongs here: the sign-in alone, and places.
Does not belong here: calendars (``graph.py``), what an operator is told (``pipelines/check``).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipelines.sources.base import ListedRoom
from pipelines.sources.graph_client import GraphClient, GraphSettings
from pipelines.sources.session import ending_in_a_code
from pipelines.sources.statuses import clock_offset

_WIDE_GRANTS: Final = frozenset(
    {"Calendars.Read", "Calendars.ReadBasic.All", "Calendars.ReadWrite"}
)
_MOST_SEATS: Final = 999_999  # a directory takes no more
_ROOMS: Final = "/v1.0/places/microsoft.graph.room?$top=100"


class GraphDirectory:
    """Asks for a token and for rooms; ``clock_offset`` is known after an answer.

    Raises:
        SourceError: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(self, settings: GraphSettings) -> None:
        self._client = ending_in_a_code(lambda: GraphClient(settings))
        self.clock_offset: timedelta | None = None

    def sign_in(self) -> frozenset[str]:
        """Get a token; return those grants in Entra that let the app read every calendar.

        A token names what is granted in Entra and nothing of RBAC for Applications: both add up.

        Raises:
            SourceError: the sign-in service cannot be reached, or refuses the app.
        """
        return ending_in_a_code(lambda: _roles(self._client.sign_in()) & _WIDE_GRANTS)

    def rooms(self) -> Sequence[ListedRoom]:
        """Return the rooms that the organisation has as places, with an SMTP address.

        Raises:
            SourceError: after bounded retries; ``Authorization_RequestDenied`` and the like
                without ``Place.Read.All``.
        """
        return ending_in_a_code(self._rooms)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _rooms(self) -> list[ListedRoom]:
        self._client.begin()
        found: list[ListedRoom] = []
        for places in self._client.pages(f"{self._client.root}{_ROOMS}"):
            found += [_listed(place) for place in places if "@" in _text(place, "emailAddress")]
            self.clock_offset = clock_offset(self._client.last_date, datetime.now(UTC))
        return found


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
