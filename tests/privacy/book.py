"""The answers of the hostile Exchange: SOAP with a token in every field, text and id.

Belongs here: the answers, and the moods that choose between them.
Does not belong here: what the fields are (``schemas.py``), the wire (``hostile.py``).

Whatever is asked for, an answer holds every field of the schemas.
"""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from lxml import etree

from pipelines.sandbox.ews_soap import ERRORS, MESSAGES, SOAP, TYPES
from tests.privacy.grower import Grower, Override
from tests.privacy.hostile_graph import GraphBook
from tests.privacy.schemas import Schemas
from tests.privacy.tokens import Tokens

ROOM_MOODS: Final = (
    "good",  # a token in every field where the schemas allow one
    "lying",  # tokens also in place of numbers, dates and enumerated words
    "garbled",  # a token instead of an instant
    "refused",  # an error in the answer
    "items-refused",  # an error for each item
    "faulty",  # a SOAP fault
    "strange-fault",  # a SOAP fault with an unknown code
    "busy",  # ErrorServerBusy with a BackOff that is not a number
    "broken",  # HTTP 500 with a page of HTML
    "cut",  # an answer cut in the middle
    "no-xml",  # plain text
    "doctype",  # an answer with entities
    "other-room",  # the items of another room
)
_SAYS_WHAT_GOOD_SAYS: Final = ("cut", "doctype", "other-room")
EXCHANGE_MOODS: Final = ("http401", "http403", "http302", "http503", "http456")
_OF_ANOTHER_KIND: Final = ("faulty", "strange-fault", "broken", "cut", "no-xml", "doctype")


class Book:
    """The server's answers, grown from the schemas; the same for every request."""

    def __init__(self, schemas: Schemas, tokens: Tokens, starts_at: datetime) -> None:
        self.tokens = tokens
        self._schemas = schemas
        self._starts_at = starts_at
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], bytes] = {}
        self._folders: dict[str, str] = {}
        self.fields: set[tuple[str, str]] = set()
        self.served: set[str] = set()
        self.graph = GraphBook(tokens, starts_at, self.served)

    def answer(self, operation: str, mood: str) -> bytes:
        """Return a whole SOAP answer to FindItem or GetItem."""
        with self._lock:
            self.served.add(mood)
            said = "good" if mood in _SAYS_WHAT_GOOD_SAYS else mood
            key = operation, said
            if key not in self._answers:
                self._answers[key] = self._envelope(self._grown(operation, said))
            return self._answers[key]

    def prepare(self) -> None:
        """Grow every answer in advance: it takes longer than the time limit of a room."""
        for mood in {*ROOM_MOODS} - {*_OF_ANOTHER_KIND}:
            self.answer("FindItem", mood)
        for mood in ("good", "lying", "items-refused"):
            self.answer("GetItem", mood)
        self.served.clear()

    def fault(self, mood: str) -> bytes:
        """Return a whole SOAP fault with a token in every text that it can hold."""
        strange = f"Error{self._token('fault code')}"
        code = strange if mood == "strange-fault" else "ErrorInvalidRequest"
        values = "".join(self._value(name) for name in ("InnerErrorMessageText", "LineNumber"))
        self.served.add(mood)
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault>'
            f'<faultcode xmlns:a="{TYPES}">a:{code}</faultcode>'
            f"<faultstring>{self._token('faultstring')}</faultstring>"
            f"<faultactor>{self._token('faultactor')}</faultactor>"
            f'<detail><e:ResponseCode xmlns:e="{ERRORS}">{code}</e:ResponseCode>'
            f'<e:Message xmlns:e="{ERRORS}">{self._token("fault message")}</e:Message>'
            f'<t:MessageXml xmlns:t="{TYPES}">{values}</t:MessageXml></detail></s:Fault></s:Body>'
            "</s:Envelope>"
        ).encode()

    def page(self, place: str) -> bytes:
        """Return an HTML page such as proxies and front ends send."""
        return f"<html><title>{self._token(place)}</title><p>{self._token(place)}</p>".encode()

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Return headers with a token in each."""
        names = ("Server", "X-FEServer", "X-CalculatedBETarget", "X-DiagInfo", "request-id")
        headers = {name: self._token(f"header {name}") for name in names}
        return headers | {
            "Set-Cookie": f"{self._token('cookie name')}={self._token('cookie')}; Path=/; Secure",
            "Warning": f'199 - "{self._token("header Warning")}"',
        }

    def _token(self, place: str) -> str:
        return self.tokens.new(place)

    def _value(self, name: str) -> str:
        place = f"MessageXml/{name}"
        said = f"{'Error' * (name == 'InnerErrorResponseCode')}{self._token(place)}"
        named = f'<t:Value Name="{name}">{said}</t:Value>'
        return named + f'<t:Value Name="{self._token(place)}">{self._token(place)}</t:Value>'

    def _grown(self, operation: str, mood: str) -> etree._Element:
        grower = Grower(self._schemas, self.tokens, is_lying=mood in ("lying", "garbled"))
        is_error = _is_error(operation, mood)
        name = ("t:CalendarItem", "t:CalendarItemType")
        items = [] if is_error else [grower.grow(*name, self._item_override(mood))]
        message = grower.grow(
            f"m:{operation}ResponseMessage",
            f"m:{'FindItem' if operation == 'FindItem' else 'ItemInfo'}ResponseMessageType",
            self._message_override(operation, mood, items),
        )
        self.fields |= grower.fields
        response = etree.Element(f"{{{MESSAGES}}}{operation}Response")
        etree.SubElement(response, f"{{{MESSAGES}}}ResponseMessages").append(message)
        return response

    def _item_override(self, mood: str) -> Override:
        fixed = {
            # Ids are opaque, so one may be a token.
            "CalendarItem/ItemId/@Id": self._token("CalendarItem/ItemId/@Id"),
            "CalendarItem/ParentFolderId/@Id": self._folder(mood),
            "CalendarItem/Start": _instant(self._starts_at),
            "CalendarItem/End": _instant(self._starts_at + timedelta(hours=1)),
            "CalendarItem/DateTimeCreated": _instant(self._starts_at - timedelta(days=3)),
        }
        if mood == "garbled":
            fixed["CalendarItem/Start"] = self._token("CalendarItem/Start")
        if mood != "lying":
            fixed |= _A_BOOKING
        return fixed.get

    def _folder(self, room: str) -> str:
        if room not in self._folders:
            self._folders[room] = self._token("CalendarItem/ParentFolderId/@Id")
        return self._folders[room]

    def _message_override(self, operation: str, mood: str, items: list[etree._Element]) -> Override:
        root, is_error = f"{operation}ResponseMessage", not items
        code = "ErrorServerBusy" if mood == "busy" else "ErrorAccessDenied"
        fixed: dict[str, str | list[etree._Element]] = {
            f"{root}/@ResponseClass": "Error" if is_error else "Success",
            f"{root}/ResponseCode": code if is_error else "NoError",
            f"{root}/RootFolder/@TotalItemsInView": "1",
            f"{root}/RootFolder/@IncludesLastItemInRange": "true",
            f"{root}/RootFolder/Groups": [],
            f"{root}/RootFolder/Items": items,
            f"{root}/Items": items,
            f"{root}/MessageXml": self._error_values(),
        }
        if is_error:
            fixed[f"{root}/RootFolder"] = []
        return fixed.get

    def _error_values(self) -> list[etree._Element]:
        names = ("BackOffMilliseconds", "InnerErrorMessageText", "InnerErrorResponseCode")
        text = "".join(self._value(name) for name in names)
        return list(etree.fromstring(f'<x xmlns:t="{TYPES}">{text}</x>'))

    def _envelope(self, response: etree._Element) -> bytes:
        version = "".join(
            f' {name}="{self._token(f"ServerVersionInfo/@{name}")}"'
            for name in ("MajorVersion", "MinorVersion", "Version")
        )
        return (
            f'<?xml version="1.0" encoding="utf-8"?><!-- {self._token("XML comment")} -->'
            f'<s:Envelope xmlns:s="{SOAP}"><s:Header><h:ServerVersionInfo xmlns:h="{TYPES}"'
            f"{version}/></s:Header><s:Body><?note {self._token('processing instruction')}?>"
            f"{etree.tostring(response, encoding='unicode')}</s:Body></s:Envelope>"
        ).encode()


def _is_error(operation: str, mood: str) -> bool:
    return mood in ("refused", "busy") or (mood, operation) == ("items-refused", "GetItem")


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


_A_BOOKING: Final = {
    "CalendarItem/IsAllDayEvent": "false",
    "CalendarItem/LegacyFreeBusyStatus": "Busy",
    "CalendarItem/IsCancelled": "false",
    "CalendarItem/CalendarItemType": "Single",
    "CalendarItem/MyResponseType": "Accept",
    "CalendarItem/Sensitivity": "Normal",
    "CalendarItem/Organizer/Mailbox/RoutingType": "SMTP",
}
