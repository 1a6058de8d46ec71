"""A whole region, invented: the tenant that the demonstration and the benchmarks read.

Belongs here: putting rooms, people and calendars together into a tenant.
Does not belong here: each of the three (``directory.py``, ``people.py``, ``schedule.py``).
"""

from datetime import UTC, datetime

from pipelines.sandbox.directory import Room, invent_rooms
from pipelines.sandbox.model import Mailbox, Tenant
from pipelines.sandbox.people import DOMAIN, invent_people
from pipelines.sandbox.schedule import Schedules
from transforms.contract import Region

SEED = 20261122


def generated_tenant(
    region: Region, rooms: int = 40, seed: int = SEED, now: datetime | None = None
) -> Tenant:
    """Return a region with so many rooms, whose calendars are generated as they are asked for.

    The same arguments give the same calendars. ``now`` (default: this moment) is when nothing
    later has been booked yet.
    """
    now = now or datetime.now(UTC)
    people = invent_people(region, staff=min(3000, 150 + 8 * rooms), seed=seed)
    schedules = Schedules(people, seed, now)
    directory = invent_rooms(region, rooms, seed, now.date())
    return Tenant(
        [_mailbox(room, schedules) for room in directory], room_lists=_room_lists(directory)
    )


def _mailbox(room: Room, schedules: Schedules) -> Mailbox:
    mailbox = Mailbox(room.address, room.name, provider=schedules.provider(room))
    mailbox.directory = room.row()
    return mailbox


def directory_rows(tenant: Tenant) -> list[dict[str, str]]:
    """Return the tenant's rooms as rows of the operator's CSV, in its columns.

    ``exchange`` is empty. A room made by hand has only room_id, address, name and time_zone.
    """
    return [
        mailbox.directory
        or {
            "room_id": mailbox.address.partition("@")[0],
            "address": mailbox.address,
            "name": mailbox.name,
            "time_zone": "UTC",
        }
        for mailbox in tenant.mailboxes.values()
        if mailbox.is_room
    ]


def _room_lists(directory: list[Room]) -> dict[str, tuple[str, ...]]:
    """One list a building; every tenth room is in none, as in life."""
    lists: dict[str, tuple[str, ...]] = {}
    for number, room in enumerate(directory):
        slug = room.building.lower().replace(" ", "-")
        address = f"rooms.{room.site.code.lower()}.{slug}@{DOMAIN}"
        lists[address] = lists.get(address, ()) + ((room.address,) if number % 10 != 9 else ())
    return lists
