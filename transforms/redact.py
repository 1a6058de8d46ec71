"""Redact raw calendar items: turn them into rows without personal data.

Belongs here: ``redact``, an allow-list. It builds new rows from named fields; nothing is ever
copied and then dropped, so a field that a source adds later cannot slip through. Also the rules of
a single booking (R3 to R6, R11, R12), each a small, pure, total function: no item makes it raise,
however odd.
Does not belong here: reading and storing, open time (``local_time.py``), anything that needs a
second booking (the warehouse).
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from transforms.contract import KINDS, RESPONSES, SHOW_AS
from transforms.contract.lake import LAKE, STAGED
from transforms.local_time import day_start, local_date
from transforms.raw import SERIES, RawInvitee, RawItem, domain_of, normal_address

_BLOCKING: Final = frozenset({"busy", "oof"})
_HALF_A_DAY: Final = timedelta(hours=12)

HOLDABLE: Final = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""The half-open span of instants that is stored: many readers use 64-bit nanoseconds."""


@dataclass(frozen=True, slots=True)
class RoomContext:
    """What ``redact`` needs to know about a room.

    ``address`` is its mailbox, ``directory_addresses`` the mailboxes of all rooms of the region,
    ``accepted_domains`` the organization's own domains; all in their normal form (``raw.py``).
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

    These are the bookings that start on one of the dates, and those that began earlier, however
    long ago, and still run when the first date begins.

    The table has the schema ``STAGED`` and is sorted by starts_at and then by every other column,
    so that it does not depend on the order of ``items``. Recurring masters are left out, and so are
    starts outside ``HOLDABLE``. A creation time outside it is stored as unknown.
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
        **{
            name: [
                flag if isinstance(flag := item.stated.get(name), bool) else None
                for _, item in kept
            ]
            for name in _STATED
        },
    }
    columns.update(zip(_Row._fields, zip(*(row for row, _ in kept), strict=True), strict=False))
    arrays = [pa.array(columns.get(name, ()), STAGED.field(name).type) for name in STAGED.names]
    return pa.table(arrays, schema=STAGED).sort_by(_ORDER)


def _row(item: RawItem, room: RoomContext, not_people: frozenset[str]) -> _Row:
    starts_at, ends_at = span_of(item, room.zone)
    # A word that is not in the contract is never passed on: it could be anything.
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


def status_of(*, is_cancelled: bool, show_as: str, response: str, has_length: bool) -> str:
    """R3 to R5, in the order cancelled, not_booked, held, booked.

    A booking with an unknown ``show_as`` (NoData, absent, or not one of Exchange's words) is not
    booked: R3 counts only what is known to block a room. The column shows how many there are.
    """
    if is_cancelled:
        return "cancelled"
    is_blocking = show_as in _BLOCKING
    if not has_length or response == "decline" or not (is_blocking or show_as == "tentative"):
        return "not_booked"
    return "booked" if is_blocking and response != "tentative" else "held"


def all_day_dates(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """R6: the first date of an all-day booking, and the first date after it.

    An organizer up to 12 hours away books from their own midnight; adding twelve hours on the
    room's clock gives the date that was meant. Any length above zero covers at least one date.
    """
    first, after = (
        (instant.astimezone(zone).replace(tzinfo=None) + _HALF_A_DAY).date()
        for instant in (starts_at, ends_at)
    )
    return first, max(after, first + timedelta(days=ends_at > starts_at))


def span_of(item: RawItem, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants, in UTC, that are stored for an item that starts in ``HOLDABLE``.

    An all-day item runs from local midnight to local midnight (R6) of the dates that the source
    states, or else of those that its instants imply. An end before the start is stored as the
    start, an end beyond ``HOLDABLE`` as the end of ``HOLDABLE``.
    """
    starts_at = item.starts_at.astimezone(UTC)
    ends_at = min(max(item.ends_at.astimezone(UTC), starts_at), HOLDABLE[1])
    if not item.is_all_day:
        return starts_at, ends_at
    if item.all_day_dates is None:
        first, after = all_day_dates(starts_at, ends_at, zone)
    else:
        first, after = item.all_day_dates
        after = min(max(after, first), HOLDABLE[1].date())
    return day_start(first, zone), day_start(after, zone)


def is_holdable(instant: datetime) -> bool:
    """Tell whether every reader of the lake can hold the instant."""
    return HOLDABLE[0] <= instant < HOLDABLE[1]


class People(NamedTuple):
    """All that is kept about the people of a booking: no names, addresses or domains."""

    invited_headcount: int | None
    headcount_is_lower_bound: bool
    has_external: bool | None


UNKNOWN_PEOPLE: Final = People(None, headcount_is_lower_bound=False, has_external=None)


def people_of(
    invitees: Sequence[RawInvitee], not_people: Set[str], accepted_domains: Set[str]
) -> People:
    """R11 and R12: how many people are invited, and whether any of them is from outside.

    ``not_people`` are the addresses of this room and of the room directory, ``accepted_domains``
    the organization's own domains, all in their normal form (``raw.py``). People are told apart by
    address, or by legacy DN where there is none; each one with neither counts as one person. A
    distribution list has the domain of its address.
    """
    everyone = [
        (normal_address(invitee.address) or normal_address(invitee.legacy_dn), invitee)
        for invitee in invitees
    ]
    no_person = {identity for identity, invitee in everyone if invitee.role == "resource"}
    people = [
        (identity, invitee.is_list)
        for identity, invitee in everyone
        if invitee.role != "resource"
        if not identity or (identity not in no_person and identity not in not_people)
    ]
    if not people:
        return UNKNOWN_PEOPLE
    distinct = {identity for identity, _ in people}
    nameless = sum(not identity for identity, _ in people)
    return People(
        invited_headcount=len(distinct - {""}) + nameless,
        headcount_is_lower_bound=any(is_list for _, is_list in people),
        has_external=has_external({domain_of(identity) for identity in distinct}, accepted_domains),
    )


def has_external(domains: Set[str], accepted_domains: Set[str]) -> bool | None:
    """R12: tell whether any domain is not accepted; ``""`` stands for an unknown address.

    None if no accepted domains are given, or if only unknown addresses could be external.
    """
    if not accepted_domains:
        return None
    if domains - accepted_domains - {""}:
        return True
    return None if "" in domains else False
