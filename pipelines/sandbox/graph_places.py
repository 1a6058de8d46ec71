"""Rooms as Graph's places have them: what an admin filled in with Set-Place.

Belongs here: the list of rooms with its paging, and a room's JSON.
Does not belong here: who may ask (``graph.py``).
"""

from collections.abc import Mapping
from typing import Any, Final

from pipelines.sandbox.graph_errors import GraphError
from pipelines.sandbox.model import Mailbox, Tenant

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
