"""A calendar item as Graph's ``event``.

Three things differ from EWS, as they do in life: an all-day event is written as midnight to
midnight of its dates, in whatever zone the request names; nobody's mailbox type is given, so a
distribution list looks like a person; instants have fractions of a second.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pipelines.sandbox.items import item_id
from pipelines.sandbox.model import Item, Person

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
_NOT_SELECTABLE: Final = frozenset({"createdDateTime", "lastModifiedDateTime"})


def event(item: Item, number: int) -> dict[str, Any]:
    """Return an event's JSON; ``number`` stands for its mailbox in ids."""
    key = item_id(number, item.starts_at, item.item_id)
    created = None if item.created_at is None else f"{_digits(item.created_at)}Z"
    starts, ends = _times(item)
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
        "iCalUId": item.series_id or f"040000008200E000{number:04X}{item.item_id}",
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": False,
        "hasAttachments": bool(item.attachments),
        "subject": item.organizer.name if item.subject is None else item.subject,
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
        "start": starts,
        "end": ends,
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


def without_unasked(event: dict[str, Any], selected: frozenset[str] | None) -> Mapping[str, Any]:
    """Return an event with the properties selected; two of them can only be had with all."""
    if selected is None:
        return event
    kept = selected - _NOT_SELECTABLE | _ALWAYS_WRITTEN
    return {name: value for name, value in event.items() if name in kept}


def _times(item: Item) -> tuple[dict[str, str], dict[str, str]]:
    starts_at, ends_at = item.starts_at, item.ends_at
    if item.is_all_day:
        starts_at, ends_at = (_midnight(item, each) for each in (starts_at, ends_at))
    return _time(starts_at), _time(ends_at)


def _midnight(item: Item, instant: datetime) -> datetime:
    """Return the organizer's date of an instant as midnight, whatever the zone asked for."""
    name = _ZONES.get(item.start_time_zone, item.start_time_zone)
    if name in _IANA:
        local = instant.astimezone(ZoneInfo(name)).replace(tzinfo=UTC)
    else:  # Exchange keeps the rules of a zone without a name; the nearest midnight is as good
        local = instant + timedelta(hours=12)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _time(instant: datetime) -> dict[str, str]:
    return {"dateTime": _digits(instant), "timeZone": "UTC"}


def _digits(instant: datetime) -> str:
    """Return an instant with the seven digits of a second that .NET writes."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}0".rjust(27, "0")


def _location(name: str) -> dict[str, str]:
    kind = {"locationType": "default", "uniqueId": name, "uniqueIdType": "private"}
    return {"displayName": name, **kind}


def _recipient(person: Person) -> dict[str, Any]:
    return {"emailAddress": {"name": person.name, "address": person.address or None}}


def _attendee(person: Person, kind: str) -> dict[str, Any]:
    status = {"response": "none", "time": _NEVER}
    return {"type": kind, "status": status, **_recipient(person)}
