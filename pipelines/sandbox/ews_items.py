"""Render calendar items as EWS XML, with the properties that a request selects."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from pipelines.sandbox.ews_soap import Element, SoapFaultError, T, View, text
from pipelines.sandbox.model import Item, Person

Render: TypeAlias = Callable[[Item, View], str]


def _written(tag: str, value: Callable[[Item], object]) -> Render:
    """Write a flag, an instant or an EWS keyword: nothing to escape; None is left out."""

    def write(item: Item, _view: View) -> str:
        content = value(item)
        if content is None:
            return ""
        if isinstance(content, bool):
            content = "true" if content else "false"
        elif isinstance(content, datetime):
            content = f"{content.isoformat()[:19]}Z"
        return f"<t:{tag}>{content}</t:{tag}>"

    return write


def _text(tag: str, value: Callable[[Item], str]) -> Render:
    """Write free text, cut at the view's limit; empty text is left out."""

    def write(item: Item, view: View) -> str:
        content = value(item)
        return f"<t:{tag}>{text(content[: view.longest])}</t:{tag}>" if content else ""

    return write


def _get_only(inner: Render) -> Render:
    """Leave a property out of FindItem, which returns neither bodies nor invitees."""
    return lambda item, view: "" if view.is_find else inner(item, view)


@lru_cache(maxsize=50_000)
def address_xml(person: Person) -> str:
    """Return the content of an EmailAddressType element; empty parts are left out."""
    name = f"<t:Name>{text(person.name)}</t:Name>" if person.name else ""
    mailbox_type = f"<t:MailboxType>{person.mailbox_type}</t:MailboxType>"
    if not person.address:
        return name + mailbox_type
    address = f"<t:EmailAddress>{text(person.address)}</t:EmailAddress>"
    return f"{name}{address}<t:RoutingType>{person.routing_type}</t:RoutingType>{mailbox_type}"


def _organizer(item: Item, _view: View) -> str:
    """Write the organizer, unless the item has lost it."""
    if not (item.organizer.name or item.organizer.address):
        return ""
    return f"<t:Organizer><t:Mailbox>{address_xml(item.organizer)}</t:Mailbox></t:Organizer>"


def _attendees(tag: str, people: Callable[[Item], tuple[Person, ...]]) -> Render:
    """Write invitees, in GetItem only."""

    def render_attendees(item: Item, view: View) -> str:
        invited = people(item)
        if not invited or view.is_find:
            return ""
        inner = "".join(
            f"<t:Attendee><t:Mailbox>{address_xml(person)}</t:Mailbox>"
            "<t:ResponseType>Unknown</t:ResponseType></t:Attendee>"
            for person in invited
        )
        return f"<t:{tag}>{inner}</t:{tag}>"

    return render_attendees


def render(items: Collection[Item], properties: Sequence[Render], view: View) -> list[str]:
    """Return a CalendarItem element for each item, with the requested properties."""
    return [
        "<t:CalendarItem>"
        + "".join([property_of(item, view) for property_of in properties])
        + "</t:CalendarItem>"
        for item in items
    ]


def _query_string(item: Item, view: View) -> str:
    key = item.id_in(view.number).replace("+", "%2B")
    url = text(f"?ItemID={key}&exvsurl=1&viewmodel=ReadMessageItem")
    return f"<t:WebClientReadFormQueryString>{url}</t:WebClientReadFormQueryString>"


def _names(people: tuple[Person, ...]) -> str:
    return "; ".join(person.name for person in people)


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


def _minutes(item: Item) -> str:
    hours, minutes = divmod((item.ends_at - item.starts_at) // timedelta(minutes=1), 60)
    return f"PT{hours}H{minutes}M"


@lru_cache(maxsize=1_000)
def _zone(tag: str, zone_id: str) -> str:
    name = text(zone_id)
    return (
        f'<t:{tag} Name="{name}" Id="{name}"><t:Periods>'
        f'<t:Period Bias="PT0S" Name="Standard" Id="trule:Microsoft/Registry/{name}/1-Standard"/>'
        '</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0"><t:Transition>'
        f'<t:To Kind="Period">trule:Microsoft/Registry/{name}/1-Standard</t:To>'
        "</t:Transition></t:TransitionsGroup></t:TransitionsGroups><t:Transitions>"
        '<t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>'
        f"</t:{tag}>"
    )


PROPERTIES: Final[dict[str, Render]] = {
    "item:ItemId": lambda item, view: (
        f'<t:ItemId Id="{item.id_in(view.number)}" '
        f'ChangeKey="DwAAABYAAAA{int(item.is_cancelled)}"/>'
    ),
    "item:ParentFolderId": lambda _item, view: (
        f'<t:ParentFolderId Id="{view.parent_id}" ChangeKey="AgAAABQAAAA0"/>'
    ),
    "item:ItemClass": _written("ItemClass", lambda _: "IPM.Appointment"),
    "item:Subject": _text("Subject", lambda item: item.shown_subject),
    "item:Sensitivity": _written("Sensitivity", lambda item: item.sensitivity),
    "item:Body": _get_only(_body("Body", "HTML")),
    "item:Attachments": _get_only(_attachments),
    "item:DateTimeReceived": _written("DateTimeReceived", lambda item: item.created_at),
    "item:Size": _written("Size", lambda item: 4000 + len(item.body)),
    "item:Categories": _categories,
    "item:Importance": _written("Importance", lambda _: "Normal"),
    "item:IsSubmitted": _written("IsSubmitted", lambda _: False),
    "item:IsDraft": _written("IsDraft", lambda _: False),
    "item:IsFromMe": _written("IsFromMe", lambda _: False),
    "item:IsResend": _written("IsResend", lambda _: False),
    "item:IsUnmodified": _written("IsUnmodified", lambda _: False),
    "item:DateTimeSent": _written("DateTimeSent", lambda item: item.created_at),
    "item:DateTimeCreated": _written("DateTimeCreated", lambda item: item.created_at),
    "item:ReminderIsSet": _written("ReminderIsSet", lambda _: False),
    "item:DisplayCc": _text("DisplayCc", lambda item: _names(item.optional)),
    "item:DisplayTo": _text("DisplayTo", lambda item: _names(item.required)),
    "item:HasAttachments": _written("HasAttachments", lambda item: bool(item.attachments)),
    "item:Culture": _written("Culture", lambda _: "en-US"),
    "item:LastModifiedName": _text(
        "LastModifiedName", lambda item: item.last_modified_name or item.organizer.name
    ),
    "item:LastModifiedTime": _written("LastModifiedTime", lambda item: item.created_at),
    "item:WebClientReadFormQueryString": _query_string,
    "item:TextBody": _get_only(_body("TextBody", "Text")),
    "calendar:UID": lambda item, view: f"<t:UID>{text(item.uid(view.number))}</t:UID>",
    "calendar:Start": _written("Start", lambda item: item.starts_at),
    "calendar:End": _written("End", lambda item: item.ends_at),
    "calendar:IsAllDayEvent": _written("IsAllDayEvent", lambda item: item.is_all_day),
    "calendar:LegacyFreeBusyStatus": _written("LegacyFreeBusyStatus", lambda item: item.free_busy),
    "calendar:Location": _text("Location", lambda item: item.location),
    "calendar:IsMeeting": _written("IsMeeting", lambda item: item.has_invitees),
    "calendar:IsCancelled": _written("IsCancelled", lambda item: item.is_cancelled),
    "calendar:IsRecurring": _written("IsRecurring", lambda item: item.item_type != "Single"),
    "calendar:MeetingRequestWasSent": _written("MeetingRequestWasSent", lambda _: False),
    "calendar:IsResponseRequested": _written("IsResponseRequested", lambda _: True),
    "calendar:CalendarItemType": _written("CalendarItemType", lambda item: item.item_type),
    "calendar:MyResponseType": _written("MyResponseType", lambda item: item.my_response),
    "calendar:Organizer": _organizer,
    "calendar:RequiredAttendees": _attendees("RequiredAttendees", lambda item: item.required),
    "calendar:OptionalAttendees": _attendees("OptionalAttendees", lambda item: item.optional),
    "calendar:Resources": _attendees("Resources", lambda item: item.resources),
    "calendar:Duration": _written("Duration", _minutes),
    "calendar:TimeZone": _text("TimeZone", lambda item: item.start_time_zone),
    "calendar:AppointmentReplyTime": _written("AppointmentReplyTime", lambda item: item.created_at),
    "calendar:AppointmentSequenceNumber": _written("AppointmentSequenceNumber", lambda _: "0"),
    # A meeting (1), received (2), cancelled (4).
    "calendar:AppointmentState": _written(
        "AppointmentState", lambda i: "7" if i.is_cancelled else "3"
    ),
    "calendar:StartTimeZone": lambda item, _: _zone("StartTimeZone", item.start_time_zone),
    "calendar:EndTimeZone": lambda item, _: _zone("EndTimeZone", item.start_time_zone),
    "calendar:AllowNewTimeProposal": _written("AllowNewTimeProposal", lambda _: True),
    "calendar:IsOnlineMeeting": _written("IsOnlineMeeting", lambda item: item.is_online),
    "calendar:JoinOnlineMeetingUrl": _get_only(_text("JoinOnlineMeetingUrl", lambda i: i.join_url)),
}


_DEFAULT = (
    *("item:ItemId", "item:ParentFolderId", "item:Subject", "item:HasAttachments"),
    *("calendar:Start", "calendar:End", "calendar:LegacyFreeBusyStatus", "calendar:Location"),
    *("calendar:IsRecurring", "calendar:CalendarItemType", "calendar:Organizer"),
    *("calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Resources"),
)
_BASES: Final = {
    "IdOnly": frozenset({"item:ItemId"}),
    "Default": frozenset(_DEFAULT),
    "AllProperties": None,
}


def item_properties(shape: Element | None) -> list[Render]:
    """Return the properties that an ItemShape selects, in the order of the schema.

    Properties that the sandbox's items lack are left out, as Exchange leaves out missing ones.
    """
    wanted = selected(shape, _BASES)
    return [write for uri, write in PROPERTIES.items() if wanted is None or uri in wanted]


def selected(
    shape: Element | None, bases: Mapping[str, frozenset[str] | None]
) -> frozenset[str] | None:
    """Return the field URIs of a shape: its base's, and additional ones; None means all."""
    base = shape.findtext(f"{T}BaseShape") if shape is not None else None
    if shape is None or base is None or base not in bases:
        raise SoapFaultError("ErrorSchemaValidation")
    known = bases[base]
    added = shape.iterfind(f"{T}AdditionalProperties/{T}FieldURI")
    return known and known | {element.get("FieldURI", "") for element in added}
