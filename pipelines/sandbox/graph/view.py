"""calendarView and the list of rooms over Graph: windows, limits, pages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from pipelines.sandbox.graph import GraphError
from pipelines.sandbox.graph.events import event, without_unasked
from pipelines.sandbox.items import utc
from pipelines.sandbox.model import Item, Mailbox, Tenant

MOST_EVENTS: Final = 1000
LONGEST_VIEW: Final = timedelta(days=1825)
_USUAL_PAGE: Final = 10
_OPERATION: Final = "CalendarView"
_ZONE: Final = re.compile(r'outlook\.timezone="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A part of a window [starts_at, ends_at) in UTC: ``most`` events after the first ``skip``.

    ``selected`` are the fields asked for, None all.
    """

    starts_at: datetime
    ends_at: datetime
    most: int
    skip: int
    selected: frozenset[str] | None
    options: Mapping[str, str]

    @classmethod
    def of(cls, options: Mapping[str, str], headers: Mapping[str, str]) -> "Page":
        """Return the page that a query asks for."""
        zone = _ZONE.search(headers.get("prefer", ""))
        if zone is not None and zone[1] != "UTC":
            raise GraphError(400, "TimeZoneNotSupportedException")
        lower = {name.lower(): value for name, value in options.items()}
        try:
            page = cls(
                utc(lower["startdatetime"]),
                utc(lower["enddatetime"]),
                int(lower.get("$top", _USUAL_PAGE)),
                int(lower.get("$skip", 0)),
                frozenset(lower["$select"].split(",")) if "$select" in lower else None,
                options,
            )
        except (KeyError, ValueError):
            raise GraphError(400, "ErrorInvalidParameter") from None
        if not 1 <= page.most <= MOST_EVENTS:
            raise GraphError(400, "ErrorInvalidUrlQuery")
        if not timedelta(0) <= page.ends_at - page.starts_at <= LONGEST_VIEW:
            raise GraphError(400, "ErrorCalendarViewRangeTooBig")
        return page

    def link(self, path: str, skip: int) -> str:
        """Return the address of another page of the same view."""
        return f"{path}?{urlencode({**self.options, '$skip': skip})}"


def calendar_view(tenant: Tenant, mailbox: Mailbox, page: Page, path: str) -> dict[str, Any]:
    """Return a page's JSON."""
    about = (mailbox.address.casefold(), _OPERATION)
    items = _found(tenant, mailbox, page)
    shown = items[page.skip : page.skip + page.most]
    number = tenant.number(mailbox)
    events = [without_unasked(event(item, number), page.selected) for item in shown]
    content: dict[str, Any] = {"@odata.context": f"{path}/$metadata", "value": events}
    following = page.skip + page.most
    if following < len(items):
        is_stuck = tenant.faults.take("repeated_link", *about) is not None
        content["@odata.nextLink"] = page.link(path, page.skip if is_stuck else following)
    elsewhere = tenant.faults.take("foreign_link", *about)
    if elsewhere is not None:
        content["@odata.nextLink"] = page.link("https://elsewhere.example/v1.0/me/events", 0)
    return content


def _found(tenant: Tenant, mailbox: Mailbox, page: Page) -> Sequence[Item]:
    """Return the items of a view by start, or as a fault has them."""
    about = (mailbox.address.casefold(), _OPERATION)
    is_inclusive = tenant.faults.take("inclusive_edges", *about) is not None
    find = mailbox.touching if is_inclusive else mailbox.items
    items = sorted(find(page.starts_at, page.ends_at), key=lambda item: item.starts_at)
    if tenant.faults.take("duplicates", *about) is not None:
        items = [item for item in items for _ in range(2)]
    shuffle = tenant.faults.take("shuffle", *about)
    if shuffle is not None:
        Random(0).shuffle(items)  # noqa: S311  the same disorder on every page
    return items


MOST_ROOMS: Final = 100


def list_rooms(tenant: Tenant, options: Mapping[str, str], base: str) -> dict[str, Any]:
    """Return one page of the tenant's rooms; ``$skip`` stands in the link to the next."""
    try:
        most = min(int(options.get("$top", MOST_ROOMS)), MOST_ROOMS)
        first = int(options.get("$skip", 0))
    except ValueError:
        raise GraphError(400, "BadRequest") from None
    rooms = [mailbox for mailbox in tenant.mailboxes.values() if mailbox.is_room]
    shown = rooms[first : first + most]
    content: dict[str, Any] = {"@odata.context": f"{base}/$metadata#places/microsoft.graph.room"}
    if first + most < len(rooms):
        link = f"{base}/microsoft.graph.room?$top={most}&$skip={first + most}"
        content["@odata.nextLink"] = link
    return content | {"value": [_room(tenant, room) for room in shown]}


def _room(tenant: Tenant, room: Mailbox) -> dict[str, Any]:
    known = room.directory
    capacity = known.get("capacity")
    floor = known.get("floor")
    return {
        "id": f"00000000-0000-0000-0000-{tenant.number(room):012d}",
        "displayName": room.name,
        "emailAddress": room.address,
        "nickname": room.name,
        "building": known.get("building") or None,
        "floorNumber": int(floor) if floor and floor.isdecimal() else None,
        "floorLabel": None if not floor or floor.isdecimal() else floor,
        "label": None,
        "capacity": int(capacity) if capacity else None,
        "bookingType": "standard",
        "isWheelChairAccessible": False,
        "tags": [known["room_type"]] if known.get("room_type") else [],
        "phone": None,
        "address": {"countryOrRegion": known.get("country") or None},
    }
