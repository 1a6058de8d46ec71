"""Graph's events as rows: the few properties that a calendar item needs, in the contract's words.

Belongs here: JSON to ``RawItem`` and ``RawInvitee``.
Does not belong here: requests (``graph.py``), whether an answer is whole or a refusal.

This is the hot path of a run. Subject, body and location come with an event, and are never looked
at. Instants are cut to whole seconds, as EWS writes them.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, Final, TypeAlias

from pipelines.sources.base import ReadError, malformed
from transforms.raw import SERIES, RawInvitee, RawItem, Role

Row: TypeAlias = tuple[str, RawItem]
"""An event's id and the item; ids stay in memory."""

STATED: Final = {"is_online": "isOnlineMeeting"}
"""Columns that are stored as stated, by the property of Graph."""
WITHOUT_PEOPLE: Final = ",".join(
    (
        *("id", "start", "end", "isAllDay", "isCancelled", "type", "showAs", "sensitivity"),
        *("responseStatus", *STATED.values()),
    )
)
"""What is asked for where nobody's name or address may be: not when an item was created, which
Graph gives only together with everything else."""

# Graph's words to the contract's (R3 to R5). What is left out or unknown is as the default says.
_KINDS: Final = {
    "singleInstance": "single",
    "occurrence": "occurrence",
    "exception": "exception",
    "seriesMaster": SERIES,
}
_SHOW_AS: Final = {
    "free": "free",
    "tentative": "tentative",
    "busy": "busy",
    "oof": "oof",
    "workingElsewhere": "elsewhere",
}
_RESPONSES: Final = {
    "organizer": "organizer",
    "tentativelyAccepted": "tentative",
    "accepted": "accept",
    "declined": "decline",
    "notResponded": "none",
}
_ANSWERS: Final = (*_RESPONSES, None, "none")
_PUBLIC: Final = (None, "normal", "personal")
_SENSITIVITIES: Final = (*_PUBLIC, "private", "confidential")
_ROLES: Final[Mapping[str, Role]] = {
    "required": "required",
    "optional": "optional",
    "resource": "resource",
}
_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC", "tzone://Microsoft/Utc"})
_USUAL_ENDS: Final = frozenset({".0000000", "Z", ""})
_from_iso: Final = datetime.fromisoformat
_MIDNIGHT: Final = time()


def row_of(event: Mapping[str, Any], *, with_invitees: bool) -> Row:
    """Return an event as a row.

    Raises:
        ReadError: ``MalformedResponse`` for an event without an id, or in another time zone than
            was asked for; ``MalformedItem`` for one whose properties cannot be read.
    """
    try:
        event_id, start, end = event["id"], event["start"], event["end"]
        is_in_utc = _is_in_utc(start) and _is_in_utc(end)
        item = (
            _item(event, start["dateTime"], end["dateTime"], with_invitees) if is_in_utc else None
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        event_id, is_in_utc, item = "", True, None
    if not is_in_utc:
        raise ReadError("UnknownTimeZone")
    if item is None:
        raise ReadError("MalformedItem")
    if not event_id or not isinstance(event_id, str):
        raise malformed()
    return event_id, item


def _is_in_utc(moment: Mapping[str, Any]) -> bool:
    """Tell whether a time is an instant in UTC, by the name of its zone or by itself."""
    return moment["timeZone"] in _UTC_NAMES or moment["dateTime"].endswith(("Z", "+00:00"))


def _item(event: Mapping[str, Any], start: str, end: str, with_invitees: bool) -> RawItem:
    find = event.get
    starts_at, ends_at = _instant(start), _instant(end)
    is_all_day = find("isAllDay") is True
    created_at, unreadable = _instant_or_none(find("createdDateTime"))
    stated = {name: find(word) for name, word in STATED.items()}
    unreadable += sum(not isinstance(flag, bool | None) for flag in stated.values())
    response = find("responseStatus")
    response = response.get("response") if isinstance(response, dict) else response
    sensitivity = find("sensitivity")
    unreadable += (response not in _ANSWERS) + (sensitivity not in _SENSITIVITIES)
    invitees = None
    if with_invitees and "attendees" in event:
        try:
            invitees = tuple(_invitees(event))
        except (TypeError, AttributeError):  # a booking can be without
            unreadable += 1
    return RawItem(
        starts_at,
        ends_at,
        is_all_day,
        find("isCancelled") is True,
        _word(_KINDS, find("type"), "single"),
        _SHOW_AS.get(find("showAs", ""), "unknown"),
        _word(_RESPONSES, response, "unknown"),
        sensitivity not in _PUBLIC,  # an unknown word too: the safe side (R16)
        created_at,
        invitees,
        stated,
        _stated_dates(starts_at, ends_at) if is_all_day else None,
        unreadable,
    )


def _word(words: Mapping[str, str], word: object, default: str) -> str:
    return words.get(word, default) if isinstance(word, str) else default


def _instant_or_none(text: object) -> tuple[datetime | None, int]:
    """Return an instant that a booking can be without, and whether there was one to be read."""
    if text is None:
        return None, 0
    try:
        return _instant(text), 0  # type: ignore[arg-type]  # raises on anything but a text
    except (TypeError, ValueError):
        return None, 1


def _instant(text: str) -> datetime:
    """Return an instant in UTC, cut to whole seconds as EWS does."""
    rest = text[19:]
    if rest not in _USUAL_ENDS and rest.strip(".0123456789") not in ("", "Z", "+00:"):
        raise ValueError
    return _from_iso(text[:19] + "Z")


def _stated_dates(starts_at: datetime, ends_at: datetime) -> tuple[date, date] | None:
    """Return the dates of an all-day event, if Graph states them: as midnights without a zone.

    Other times are instants of somebody's midnight, as over EWS, and are left to R6.
    """
    if starts_at.time() == ends_at.time() == _MIDNIGHT:
        return starts_at.date(), ends_at.date()
    return None


def _invitees(event: Mapping[str, Any]) -> Iterator[RawInvitee]:
    """Yield everyone that an event names.

    Graph gives no mailbox types: a distribution list cannot be told from a person.

    Raises:
        TypeError, AttributeError: what names them cannot be read.
    """
    organizer = (event.get("organizer") or {}).get("emailAddress") or {}
    if organizer.get("address") or organizer.get("name"):
        yield _invitee("organizer", organizer.get("address"))
    attendees = event["attendees"]
    if not isinstance(attendees, list | None):
        raise TypeError
    for attendee in attendees or ():
        role = _ROLES.get(attendee.get("type"), "required")
        yield _invitee(role, (attendee.get("emailAddress") or {}).get("address"))


def _invitee(role: Role, address: str | None) -> RawInvitee:
    if not isinstance(address, str | None):
        raise TypeError
    if address and address[0] == "/":
        return RawInvitee(role, None, address)
    return RawInvitee(role, address or None)
