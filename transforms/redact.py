"""Raw calendar items to rows without personal data.

Belongs here: ``redact``, an allow-list. It builds new rows from named fields; nothing is ever
copied and then dropped, so a field that a source adds later cannot slip through.
Does not belong here: what a value means (``rules.py``), reading and storing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from transforms.addresses import normal_address
from transforms.contract import KINDS, LAKE, RESPONSES, SHOW_AS, STAGED
from transforms.raw import SERIES, RawItem
from transforms.rules import (
    HOLDABLE,
    UNKNOWN_PEOPLE,
    is_holdable,
    people_of,
    span_of,
    status_of,
)
from transforms.zones import day_start, local_date


@dataclass(frozen=True, slots=True)
class RoomContext:
    """What must be known of a room to redact its items.

    ``address`` is its mailbox, ``directory_addresses`` those of every room of the region,
    ``accepted_domains`` the organization's own; all in their normal form (``addresses.py``).
    """

    room_id: str
    address: str = field(repr=False)
    zone: ZoneInfo
    directory_addresses: frozenset[str] = field(repr=False)
    accepted_domains: frozenset[str]


class _Row(NamedTuple):
    """The columns of ``STAGED`` that differ from item to item."""

    starts_at: datetime
    ends_at: datetime
    is_all_day: bool
    is_cancelled: bool
    is_private: bool
    kind: str
    show_as: str
    response: str
    status: str
    invited_headcount: int | None
    headcount_is_lower_bound: bool
    has_external: bool | None
    created_at: datetime | None
    local_start_date: date


_STATED: Final = [column.name for column in LAKE["bookings"] if column.is_stated]
_ORDER: Final = [(name, "ascending") for name in (*_Row._fields, *_STATED)]


def redact(
    items: Sequence[RawItem],
    room: RoomContext,
    read_at: datetime,
    first_date: date,
    last_date: date,
) -> pa.Table:
    """Return the bookings of a room that touch the local dates first to last, inclusive (R10).

    That is: those that start on one of them, and those that began earlier and still run when the
    first one begins, however long ago they began.

    The table has the schema ``STAGED`` and is sorted by starts_at and then by every other column,
    so that it does not depend on the order of ``items``. Recurring masters are left out, and so
    is a start before 1900 or from 2200 on. A creation outside these years is unknown.
    """
    not_people = room.directory_addresses | {normal_address(room.address)}
    begins_at = day_start(first_date, room.zone) if first_date > date.min else HOLDABLE[0]
    kept = [
        (row, item)
        for item in items
        if item.kind != SERIES and is_holdable(item.starts_at)
        if (row := _row(item, room, not_people)).local_start_date <= last_date
        if row.local_start_date >= first_date or row.ends_at > begins_at
    ]
    columns: dict[str, Sequence[object]] = {
        "room_id": [room.room_id] * len(kept),
        "read_at": [read_at] * len(kept),
        **{name: [_flag(item.stated.get(name)) for _, item in kept] for name in _STATED},
    }
    columns.update(zip(_Row._fields, zip(*(row for row, _ in kept), strict=True), strict=False))
    arrays = [pa.array(columns.get(name, ()), STAGED.field(name).type) for name in STAGED.names]
    return pa.table(arrays, schema=STAGED).sort_by(_ORDER)


def _row(item: RawItem, room: RoomContext, not_people: frozenset[str]) -> _Row:
    starts_at, ends_at = span_of(item, room.zone)
    # A word that is not the contract's is never passed on: it could be anything.
    show_as = item.show_as if item.show_as in SHOW_AS else "unknown"
    response = item.response if item.response in RESPONSES else "unknown"
    people = UNKNOWN_PEOPLE
    if item.invitees is not None and not item.is_private:
        people = people_of(item.invitees, not_people, room.accepted_domains)
    return _Row(
        starts_at=starts_at,
        ends_at=ends_at,
        is_all_day=item.is_all_day,
        is_cancelled=item.is_cancelled,
        is_private=bool(item.is_private),
        kind=item.kind if item.kind in KINDS else "single",
        show_as=show_as,
        response=response,
        status=status_of(
            is_cancelled=item.is_cancelled,
            show_as=show_as,
            response=response,
            has_length=ends_at > starts_at,
        ),
        invited_headcount=people.invited_headcount,
        headcount_is_lower_bound=people.headcount_is_lower_bound,
        has_external=people.has_external,
        created_at=item.created_at if item.created_at and is_holdable(item.created_at) else None,
        local_start_date=local_date(starts_at, room.zone),
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
