"""The properties that Exchange has for a calendar item, in the order of its schema.

Belongs here: what each property of an item is.
Does not belong here: how values are written (``fields.py``), which properties an answer holds
(``shapes.py``), which items (``operations.py``).
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Final

from pipelines.sandbox.fields import (
    Render,
    View,
    attendees_field,
    flag_field,
    get_only,
    instant_field,
    organizer,
    text_field,
    word_field,
)
from pipelines.sandbox.ids import item_id
from pipelines.sandbox.model import Item, Person
from pipelines.sandbox.soap import text


def render(items: Collection[Item], properties: Sequence[Render], view: View) -> list[str]:
    """Return a CalendarItem element for each item, with the properties asked for."""
    return [
        "<t:CalendarItem>"
        + "".join([property_of(item, view) for property_of in properties])
        + "</t:CalendarItem>"
        for item in items
    ]


def _item_id(item: Item, view: View) -> str:
    key = item_id(view.number, item.starts_at, item.item_id)
    return f'<t:ItemId Id="{key}" ChangeKey="DwAAABYAAAA{int(item.is_cancelled)}"/>'


def _parent_folder_id(_item: Item, view: View) -> str:
    return f'<t:ParentFolderId Id="{view.parent_id}" ChangeKey="AgAAABQAAAA0"/>'


def _query_string(item: Item, view: View) -> str:
    key = item_id(view.number, item.starts_at, item.item_id).replace("+", "%2B")
    url = text(f"?ItemID={key}&exvsurl=1&viewmodel=ReadMessageItem")
    return f"<t:WebClientReadFormQueryString>{url}</t:WebClientReadFormQueryString>"


def _names(people: tuple[Person, ...]) -> str:
    return "; ".join(person.name for person in people)


def _subject(item: Item) -> str:
    return item.organizer.name if item.subject is None else item.subject


def _categories(item: Item, view: View) -> str:
    if not item.categories:
        return ""
    inner = "".join(
        f"<t:String>{text(name[: view.longest])}</t:String>" for name in item.categories
    )
    return f"<t:Categories>{inner}</t:Categories>"


def _body(tag: str, kind: str) -> Render:
    def render_body(item: Item, _view: View) -> str:
        return f'<t:{tag} BodyType="{kind}">{text(item.body)}</t:{tag}>'

    return render_body


def _attachments(item: Item, _view: View) -> str:
    inner = "".join(
        f'<t:FileAttachment><t:AttachmentId Id="QXR0{position}"/><t:Name>{text(name)}</t:Name>'
        "</t:FileAttachment>"
        for position, name in enumerate(item.attachments)
    )
    return f"<t:Attachments>{inner}</t:Attachments>" if inner else ""


def _series_or_own_uid(item: Item, view: View) -> str:
    uid = item.series_id or f"040000008200E000{view.number:04X}{item.item_id}"
    return f"<t:UID>{text(uid)}</t:UID>"


def _state(item: Item) -> str:
    """AppointmentState: a meeting (1), received (2), cancelled (4)."""
    return "7" if item.is_cancelled else "3"


def _minutes(item: Item) -> str:
    hours, minutes = divmod((item.ends_at - item.starts_at) // timedelta(minutes=1), 60)
    return f"PT{hours}H{minutes}M"


def _zone(tag: str) -> Render:
    return lambda item, _view: f"<t:{tag} {_zone_definition(item.start_time_zone)}</t:{tag}>"


@lru_cache(maxsize=500)
def _zone_definition(zone_id: str) -> str:
    name = text(zone_id)
    return (
        f'Name="{name}" Id="{name}"><t:Periods>'
        f'<t:Period Bias="PT0S" Name="Standard" Id="trule:Microsoft/Registry/{name}/1-Standard"/>'
        '</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0"><t:Transition>'
        f'<t:To Kind="Period">trule:Microsoft/Registry/{name}/1-Standard</t:To>'
        "</t:Transition></t:TransitionsGroup></t:TransitionsGroups><t:Transitions>"
        '<t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>'
    )


PROPERTIES: Final[dict[str, Render]] = {
    "item:ItemId": _item_id,
    "item:ParentFolderId": _parent_folder_id,
    "item:ItemClass": word_field("ItemClass", lambda _: "IPM.Appointment"),
    "item:Subject": text_field("Subject", _subject),
    "item:Sensitivity": word_field("Sensitivity", lambda item: item.sensitivity),
    "item:Body": get_only(_body("Body", "HTML")),
    "item:Attachments": get_only(_attachments),
    "item:DateTimeReceived": instant_field("DateTimeReceived", lambda item: item.created_at),
    "item:Size": word_field("Size", lambda item: str(4000 + len(item.body))),
    "item:Categories": _categories,
    "item:Importance": word_field("Importance", lambda _: "Normal"),
    "item:IsSubmitted": flag_field("IsSubmitted", lambda _: False),
    "item:IsDraft": flag_field("IsDraft", lambda _: False),
    "item:IsFromMe": flag_field("IsFromMe", lambda _: False),
    "item:IsResend": flag_field("IsResend", lambda _: False),
    "item:IsUnmodified": flag_field("IsUnmodified", lambda _: False),
    "item:DateTimeSent": instant_field("DateTimeSent", lambda item: item.created_at),
    "item:DateTimeCreated": instant_field("DateTimeCreated", lambda item: item.created_at),
    "item:ReminderIsSet": flag_field("ReminderIsSet", lambda _: False),
    "item:DisplayCc": text_field("DisplayCc", lambda item: _names(item.optional)),
    "item:DisplayTo": text_field("DisplayTo", lambda item: _names(item.required)),
    "item:HasAttachments": flag_field("HasAttachments", lambda item: bool(item.attachments)),
    "item:Culture": word_field("Culture", lambda _: "en-US"),
    "item:LastModifiedName": text_field(
        "LastModifiedName", lambda item: item.last_modified_name or item.organizer.name
    ),
    "item:LastModifiedTime": instant_field("LastModifiedTime", lambda item: item.created_at),
    "item:WebClientReadFormQueryString": _query_string,
    "item:TextBody": get_only(_body("TextBody", "Text")),
    "calendar:UID": _series_or_own_uid,
    "calendar:Start": instant_field("Start", lambda item: item.starts_at),
    "calendar:End": instant_field("End", lambda item: item.ends_at),
    "calendar:IsAllDayEvent": flag_field("IsAllDayEvent", lambda item: item.is_all_day),
    "calendar:LegacyFreeBusyStatus": word_field(
        "LegacyFreeBusyStatus", lambda item: item.free_busy
    ),
    "calendar:Location": text_field("Location", lambda item: item.location),
    "calendar:IsMeeting": flag_field("IsMeeting", lambda _: True),
    "calendar:IsCancelled": flag_field("IsCancelled", lambda item: item.is_cancelled),
    "calendar:IsRecurring": flag_field("IsRecurring", lambda item: item.item_type != "Single"),
    "calendar:MeetingRequestWasSent": flag_field("MeetingRequestWasSent", lambda _: False),
    "calendar:IsResponseRequested": flag_field("IsResponseRequested", lambda _: True),
    "calendar:CalendarItemType": word_field("CalendarItemType", lambda item: item.item_type),
    "calendar:MyResponseType": word_field("MyResponseType", lambda item: item.my_response),
    "calendar:Organizer": organizer,
    "calendar:RequiredAttendees": attendees_field("RequiredAttendees", lambda item: item.required),
    "calendar:OptionalAttendees": attendees_field("OptionalAttendees", lambda item: item.optional),
    "calendar:Resources": attendees_field("Resources", lambda item: item.resources),
    "calendar:Duration": word_field("Duration", _minutes),
    "calendar:TimeZone": text_field("TimeZone", lambda item: item.start_time_zone),
    "calendar:AppointmentReplyTime": instant_field(
        "AppointmentReplyTime", lambda item: item.created_at
    ),
    "calendar:AppointmentSequenceNumber": word_field("AppointmentSequenceNumber", lambda _: "0"),
    "calendar:AppointmentState": word_field("AppointmentState", _state),
    "calendar:StartTimeZone": _zone("StartTimeZone"),
    "calendar:EndTimeZone": _zone("EndTimeZone"),
    "calendar:AllowNewTimeProposal": flag_field("AllowNewTimeProposal", lambda _: True),
    "calendar:IsOnlineMeeting": flag_field("IsOnlineMeeting", lambda item: item.is_online),
    "calendar:JoinOnlineMeetingUrl": get_only(
        text_field("JoinOnlineMeetingUrl", lambda i: i.join_url)
    ),
}
