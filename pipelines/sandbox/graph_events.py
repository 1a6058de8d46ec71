"""Rooms over Graph: calendar items as ``event``s, calendarView, the list of rooms, and refusals.

Three things differ from EWS, as in the real services: an all-day event runs from midnight to
midnight of its dates, in whatever zone the request names; mailbox types are never given, so a
distribution list looks like a person; instants have fractions of a second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from pipelines.sandbox.model import Item, Mailbox, Person, Tenant, utc

_KINDS: Final = {
    "Single": "singleInstance",
    "Occurrence": "occurrence",
    "Exception": "exception",
    "RecurringMaster": "seriesMaster",
}
_SHOW_AS: Final = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "workingElsewhere",
    "NoData": "unknown",
}
_RESPONSES: Final = {
    "Unknown": "none",
    "Organizer": "organizer",
    "Tentative": "tentativelyAccepted",
    "Accept": "accepted",
    "Decline": "declined",
    "NoResponseReceived": "notResponded",
}
_ZONES: Final = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Eastern Standard Time": "America/New_York",
    "FLE Standard Time": "Europe/Helsinki",
    "GMT Standard Time": "Europe/London",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Newfoundland Standard Time": "America/St_Johns",
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Copenhagen",
    "Tokyo Standard Time": "Asia/Tokyo",
    "W. Europe Standard Time": "Europe/Berlin",
}
_IANA: Final = available_timezones()
_NEVER: Final = "0001-01-01T00:00:00Z"
_ALWAYS_WRITTEN: Final = frozenset({"@odata.etag", "id"})
# Two properties exist only if nothing is selected.
_NOT_SELECTABLE: Final = frozenset({"createdDateTime", "lastModifiedDateTime"})
MOST_EVENTS: Final = 1000
LONGEST_VIEW: Final = timedelta(days=1825)
_USUAL_PAGE: Final = 10
_OPERATION: Final = "CalendarView"
_ZONE: Final = re.compile(r'outlook\.timezone="([^"]*)"', re.IGNORECASE)
MOST_ROOMS: Final = 100


class GraphError(Exception):
    """A refusal: HTTP ``status`` and Graph's ``code``."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def content(self) -> dict[str, Any]:
        """Return the body; clients must not rely on its wording."""
        inner = {"date": "2026-01-01T00:00:00", "request-id": "sandbox"}
        message = f"The sandbox answers {self.code}."
        return {"error": {"code": self.code, "message": message, "innerError": inner}}


class SignInError(GraphError):
    """A refusal by the sign-in service: OAuth's fields instead of Graph's."""

    def content(self) -> dict[str, Any]:
        """Return the body; in Entra, ``error_codes`` has numbers."""
        text = f"The sandbox answers {self.code}."
        return {"error": self.code, "error_description": text, "error_codes": []}


def event(item: Item, number: int) -> dict[str, Any]:
    """Return an event's JSON; ``number`` stands for its mailbox in ids."""
    key = item.id_in(number)
    created = None if item.created_at is None else f"{_digits(item.created_at)}Z"
    join = {"joinUrl": item.join_url} if item.join_url else None
    return {
        "@odata.etag": f'W/"{key[:20]}=="',
        "id": key.replace("+", "-").replace("/", "_"),
        "createdDateTime": created,
        "lastModifiedDateTime": created,
        "changeKey": "DwAAABYAAAA",
        "categories": list(item.categories),
        "transactionId": None,
        "originalStartTimeZone": item.start_time_zone,
        "originalEndTimeZone": item.start_time_zone,
        "iCalUId": item.uid(number),
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": False,
        "hasAttachments": bool(item.attachments),
        "subject": item.shown_subject,
        "bodyPreview": item.body[:255],
        "importance": "normal",
        "sensitivity": (item.sensitivity or "Normal").lower(),
        "isAllDay": item.is_all_day,
        "isCancelled": item.is_cancelled,
        "isOrganizer": item.my_response == "Organizer",
        "responseRequested": True,
        "seriesMasterId": item.series_id,
        "showAs": _SHOW_AS.get(item.free_busy or "", "unknown"),
        "type": _KINDS.get(item.item_type or "", "singleInstance"),
        "webLink": f"https://localhost/owa/?itemid={key}&exvsurl=1&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": bool(item.is_online),
        "onlineMeetingProvider": "teamsForBusiness" if item.is_online else "unknown",
        "allowNewTimeProposals": True,
        "occurrenceId": None,
        "isDraft": False,
        "hideAttendees": False,
        "responseStatus": {
            "response": _RESPONSES.get(item.my_response or "Unknown", item.my_response),
            "time": created or _NEVER,
        },
        "body": {"contentType": "html", "content": item.body},
        "start": _edge(item, item.starts_at),
        "end": _edge(item, item.ends_at),
        "location": _location(item.location),
        "locations": [_location(item.location)] if item.location else [],
        "recurrence": None,
        "attendees": [
            *(_attendee(each, "required") for each in item.required),
            *(_attendee(each, "optional") for each in item.optional),
            *(_attendee(each, "resource") for each in item.resources),
        ],
        "organizer": _recipient(item.organizer),
        "onlineMeeting": join,
    }


def _edge(item: Item, instant: datetime) -> dict[str, str]:
    """Return when an event starts or ends; for all-day ones, midnight of the organizer's date."""
    if item.is_all_day:
        name = _ZONES.get(item.start_time_zone, item.start_time_zone)
        if name in _IANA:
            instant = instant.astimezone(ZoneInfo(name)).replace(tzinfo=UTC)
        else:  # no such name, though Exchange has the zone's rules: take the nearest midnight
            instant += timedelta(hours=12)
        instant = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"dateTime": _digits(instant), "timeZone": "UTC"}


def _digits(instant: datetime) -> str:
    """Return an instant with seven decimals of a second, as .NET writes it."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}0".rjust(27, "0")


def _location(name: str) -> dict[str, str]:
    kind = {"locationType": "default", "uniqueId": name, "uniqueIdType": "private"}
    return {"displayName": name, **kind}


def _recipient(person: Person) -> dict[str, Any]:
    return {"emailAddress": {"name": person.name, "address": person.address or None}}


def _attendee(person: Person, kind: str) -> dict[str, Any]:
    status = {"response": "none", "time": _NEVER}
    return {"type": kind, "status": status, **_recipient(person)}


@dataclass(frozen=True)
class Page:
    """One page of a window [starts_at, ends_at) in UTC: ``most`` events after the first ``skip``.

    ``selected`` are the requested fields; None means all.
    """

    starts_at: datetime
    ends_at: datetime
    most: int
    skip: int
    selected: frozenset[str] | None
    options: Mapping[str, str]

    @classmethod
    def of(cls, options: Mapping[str, str], prefer: str) -> "Page":
        """Return the page that a query and its header Prefer request."""
        zone = _ZONE.search(prefer)
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
        """Return the link to another page of the same view."""
        return f"{path}?{urlencode({**self.options, '$skip': skip})}"


def calendar_view(tenant: Tenant, mailbox: Mailbox, page: Page, path: str) -> dict[str, Any]:
    """Return a page's JSON: items by start, unless a fault changes them."""
    about = (mailbox.address.casefold(), _OPERATION)
    is_inclusive = tenant.faults.take("inclusive_edges", *about) is not None
    find = mailbox.touching if is_inclusive else mailbox.items
    items = sorted(find(page.starts_at, page.ends_at), key=lambda item: item.starts_at)
    if tenant.faults.take("duplicates", *about) is not None:
        items = [item for item in items for _ in range(2)]
    if tenant.faults.take("shuffle", *about) is not None:
        Random(0).shuffle(items)  # noqa: S311  the same disorder on every page
    shown = items[page.skip : page.skip + page.most]
    number = tenant.number(mailbox)
    events = [event(item, number) for item in shown]
    if page.selected is not None:
        kept = page.selected - _NOT_SELECTABLE | _ALWAYS_WRITTEN
        events = [{name: each[name] for name in each if name in kept} for each in events]
    content: dict[str, Any] = {"@odata.context": f"{path}/$metadata", "value": events}
    following = page.skip + page.most
    if following < len(items):
        is_stuck = tenant.faults.take("repeated_link", *about) is not None
        content["@odata.nextLink"] = page.link(path, page.skip if is_stuck else following)
    elsewhere = tenant.faults.take("foreign_link", *about)
    if elsewhere is not None:
        content["@odata.nextLink"] = page.link("https://elsewhere.example/v1.0/me/events", 0)
    return content


def list_rooms(tenant: Tenant, options: Mapping[str, str], base: str) -> dict[str, Any]:
    """Return one page of the tenant's rooms; the link to the next page has ``$skip``."""
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
    content["value"] = values = []
    for room in shown:
        known = room.directory
        capacity, floor = known.get("capacity"), known.get("floor")
        values.append(
            {
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
        )
    return content
