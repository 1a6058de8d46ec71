"""The rules of a single booking, each a small pure function.

Belongs here: R3 to R6, R11 and R12.
Does not belong here: whole tables (``redact.py``), open time (``opening.py``), anything that
needs a second booking (the warehouse).

Every function is total: no item, however odd, raises.
"""

from collections.abc import Sequence, Set
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from transforms.addresses import domain_of, normal_address
from transforms.raw import RawInvitee, RawItem
from transforms.zones import day_start

_BLOCKING: Final = frozenset({"busy", "oof"})
_HALF_A_DAY: Final = timedelta(hours=12)

HOLDABLE: Final = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""The half-open span of instants that is stored: 64-bit nanoseconds of many readers hold it."""


def status_of(*, is_cancelled: bool, show_as: str, response: str, has_length: bool) -> str:
    """R3 to R5, in the order cancelled, not_booked, held, booked.

    An unknown ``show_as`` (NoData, absent, or a word that is not Exchange's) is not booked: R3
    counts only what is known to block a room, and the column shows how many there are.
    """
    if is_cancelled:
        return "cancelled"
    is_blocking = show_as in _BLOCKING
    if not has_length or response == "decline" or not (is_blocking or show_as == "tentative"):
        return "not_booked"
    return "booked" if is_blocking and response != "tentative" else "held"


def all_day_dates(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """R6: the first date, and the first date after, of an all-day booking.

    Twelve hours added on the room's local clock turn midnight of an organizer up to 12 hours
    away into the date that was meant. Whatever is longer than zero covers at least one date.
    """
    first = _date_half_a_day_on(starts_at, zone)
    after = _date_half_a_day_on(ends_at, zone)
    return first, max(after, first + timedelta(days=ends_at > starts_at))


def _date_half_a_day_on(instant: datetime, zone: ZoneInfo) -> date:
    return (instant.astimezone(zone).replace(tzinfo=None) + _HALF_A_DAY).date()


def span_of(item: RawItem, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants, in UTC, that are stored for an item that starts in ``HOLDABLE``.

    An all-day item is local midnight to local midnight of its dates (R6): those that the source
    states, or else those that its instants mean. An end before the start is stored as the start,
    an end beyond ``HOLDABLE`` as its end.
    """
    starts_at = item.starts_at.astimezone(UTC)
    ends_at = min(max(item.ends_at.astimezone(UTC), starts_at), HOLDABLE[1])
    if not item.is_all_day:
        return starts_at, ends_at
    first, after = _stated_dates(item) or all_day_dates(starts_at, ends_at, zone)
    return day_start(first, zone), day_start(after, zone)


def _stated_dates(item: RawItem) -> tuple[date, date] | None:
    if item.all_day_dates is None:
        return None
    first, after = item.all_day_dates
    return first, min(max(after, first), HOLDABLE[1].date())


def is_holdable(instant: datetime) -> bool:
    """Tell whether every reader of the lake can hold the instant."""
    return HOLDABLE[0] <= instant < HOLDABLE[1]


class People(NamedTuple):
    """What is kept of the people of a booking: no name, address or domain of anyone."""

    invited_headcount: int | None
    headcount_is_lower_bound: bool
    has_external: bool | None


UNKNOWN_PEOPLE: Final = People(None, headcount_is_lower_bound=False, has_external=None)


def people_of(
    invitees: Sequence[RawInvitee], not_people: Set[str], accepted_domains: Set[str]
) -> People:
    """R11 and R12: how many people are invited, and whether any of them is from outside.

    ``not_people`` are the addresses of this room and of the room directory, ``accepted_domains``
    the organization's own domains, all in their normal form (``addresses.py``). People are
    told apart by address, or by legacy DN where there is none; one with neither counts 1. A list
    has the domain of its address.
    """
    everyone = [(_identity(invitee), invitee) for invitee in invitees]
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
    """R12: is any domain outside the accepted ones; ``""`` is the domain of an unknown address.

    None if no domains are accepted, or if only the unknown ones could be external.
    """
    if not accepted_domains:
        return None
    if domains - accepted_domains - {""}:
        return True
    return None if "" in domains else False


def _identity(invitee: RawInvitee) -> str:
    return normal_address(invitee.address) or normal_address(invitee.legacy_dn)
