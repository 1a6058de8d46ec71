"""An Exchange that tells everything: tokens in every field, header, error text and certificate.

Belongs here: the wire of that server, and in which of its moods it answers whom.
Does not belong here: what the fields are (``schemas.py``), running nights against it
(``nights.py``).

Whatever is asked for, an answer holds every field of the schemas. A room's mood is the first
part of its address, an exchange's the last part of its endpoint's path.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import quote

from lxml import etree

from pipelines.sandbox.soap import ERRORS, MESSAGES, SOAP, TYPES, parse
from pipelines.sandbox.tls import CertificateAuthority
from tests.privacy.hostile_graph import GraphBook
from tests.privacy.schemas import Grower, Override, Schemas
from tests.privacy.tokens import Tokens

ROOM_MOODS: Final = (
    "good",  # every field planted, all of it as the schemas allow
    "lying",  # tokens also where the schemas allow a number, a date or a word of a vocabulary
    "garbled",  # a token instead of an instant
    "refused",  # an error in the answer
    "items-refused",  # an error for each item
    "faulty",  # a SOAP fault
    "strange-fault",  # a SOAP fault of a code that nobody knows
    "busy",  # ErrorServerBusy with a wish to wait that is no number
    "broken",  # HTTP 500 with a page of HTML
    "cut",  # an answer that ends in the middle
    "no-xml",  # a text
    "doctype",  # an answer with entities
    "other-room",  # the items of another room
)
EXCHANGE_MOODS: Final = ("http401", "http403", "http302", "http503", "http456")


class Book:
    """What the server says: answers grown from the schemas, the same for every request."""

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
            key = operation, mood
            if key not in self._answers:
                self._answers[key] = self._envelope(self._grown(operation, mood))
            self.served.add(mood)
            return self._answers[key]

    def prepare(self) -> None:
        """Grow every answer beforehand: it takes longer than a room may."""
        for mood in ROOM_MOODS:
            for operation in ("FindItem", "GetItem"):
                if mood not in _ANSWERS or mood in ("cut", "doctype"):
                    self.answer(operation, mood)
        self.served.clear()

    def fault(self, mood: str) -> bytes:
        """Return a whole SOAP fault with a token in every text that it can hold."""
        code = self._token("fault code") if mood == "strange-fault" else "ErrorInvalidRequest"
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
        """Return a page of HTML, as proxies and front ends send it."""
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
        named = f'<t:Value Name="{name}">{self._token(place)}</t:Value>'
        return named + f'<t:Value Name="{self._token(place)}">{self._token(place)}</t:Value>'

    def _grown(self, operation: str, mood: str) -> etree._Element:
        grower = Grower(self._schemas, self.tokens, is_lying=mood in ("lying", "garbled"))
        item = grower.grow("t:CalendarItem", "t:CalendarItemType", self._item_override(mood))
        message = grower.grow(
            f"m:{operation}ResponseMessage",
            f"m:{'FindItem' if operation == 'FindItem' else 'ItemInfo'}ResponseMessageType",
            self._message_override(operation, mood, item),
        )
        self.fields |= grower.fields
        response = etree.Element(f"{{{MESSAGES}}}{operation}Response")
        etree.SubElement(response, f"{{{MESSAGES}}}ResponseMessages").append(message)
        return response

    def _item_override(self, mood: str) -> Override:
        room = "good" if mood == "other-room" else mood
        fixed = {
            # Ids are opaque: a token in one is as good as any other text.
            "CalendarItem/ItemId/@Id": self._token("CalendarItem/ItemId/@Id"),
            "CalendarItem/ParentFolderId/@Id": self._folder(room),
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

    def _message_override(self, operation: str, mood: str, item: etree._Element) -> Override:
        root = f"{operation}ResponseMessage"
        is_error = (mood == "refused" and operation == "FindItem") or (
            mood == "items-refused" and operation == "GetItem"
        )
        code = "ErrorServerBusy" if mood == "busy" else "ErrorAccessDenied"
        is_error = is_error or mood == "busy"
        fixed: dict[str, str | list[etree._Element]] = {
            f"{root}/@ResponseClass": "Error" if is_error else "Success",
            f"{root}/ResponseCode": code if is_error else "NoError",
            f"{root}/RootFolder/@TotalItemsInView": "1",
            f"{root}/RootFolder/@IncludesLastItemInRange": "true",
            f"{root}/RootFolder/Groups": [],
            f"{root}/RootFolder/Items": [item],
            f"{root}/Items": [] if is_error else [item],
            f"{root}/MessageXml": self._error_values(),
        }
        if is_error and operation == "FindItem":
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


class HostileExchange:
    """A server on https://localhost that speaks from a book; a context manager."""

    def __init__(self, book: Book, authority: CertificateAuthority) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.book = book
        self._server.socket = authority.server_context().wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def url(self, mood: str = "ews") -> str:
        """Return an endpoint; the server answers everything at it in that mood."""
        return f"{self.root}/EWS/{mood}"

    @property
    def root(self) -> str:
        """Return the root, which is Graph's."""
        return f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    book: Book

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: clients that refuse the certificate are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Write nothing."""

    def do_POST(self) -> None:
        """Answer in the mood of the endpoint, else of the room."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mood = self.path.rpartition("/")[2]
        if mood == "token":
            self._send(*self.server.book.graph.sign_in(self.path), {})
            return
        if mood in EXCHANGE_MOODS:
            self._refuse(mood)
            return
        request = parse(data)
        mood = (request.impersonated or "good").partition("@")[0]
        status, body = _ANSWERS.get(mood, _answered)(self.server.book, request.operation, mood)
        self._send(status, body, {})

    def do_GET(self) -> None:
        """Answer as Graph, or as its sign-in service."""
        root = f"https://localhost:{self.server.server_address[1]}"
        self._send(*self.server.book.graph.get(self.path, root), {})

    def _refuse(self, mood: str) -> None:
        book, status = self.server.book, int(mood[4:])
        book.served.add(mood)
        token = book.tokens.new(f"{mood} header")
        headers = {
            401: {"WWW-Authenticate": f'Basic realm="{token}"'},
            302: {"Location": f"https://{token}.example/{token}?{quote('user=' + token)}"},
            503: {"Retry-After": token, "X-MS-Diagnostics": token},
        }
        self._send(status, book.page(f"{mood} page"), headers.get(status, {"X-Reason": token}))

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        book = self.server.book
        reason = book.tokens.new("reason phrase")
        lines = [
            f"HTTP/1.1 {status} {reason}",
            f"Content-Length: {len(body)}",
            f"Content-Type: text/xml; charset=utf-8; note={reason}",
            *(f"{name}: {value}" for name, value in {**book.headers, **headers}.items()),
        ]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)


def _answered(book: Book, operation: str, mood: str) -> tuple[int, bytes]:
    return 200, book.answer(operation, mood)


def _faulted(book: Book, _operation: str, mood: str) -> tuple[int, bytes]:
    return 500, book.fault(mood)


def _broken(book: Book, _operation: str, mood: str) -> tuple[int, bytes]:
    book.served.add(mood)
    return 500, book.page("error page")


def _cut(book: Book, operation: str, mood: str) -> tuple[int, bytes]:
    whole = book.answer(operation, mood)
    return 200, whole[: len(whole) // 2]


def _no_xml(book: Book, _operation: str, mood: str) -> tuple[int, bytes]:
    book.served.add(mood)
    return 200, book.page("answer that is no XML")


def _with_doctype(book: Book, operation: str, mood: str) -> tuple[int, bytes]:
    token = book.tokens.new("entity").encode()
    head, _, rest = book.answer(operation, mood).partition(b"?>")
    return 200, head + b'?><!DOCTYPE x [<!ENTITY who "' + token + b'">]>' + rest


_ANSWERS: Final[Mapping[str, Callable[[Book, str, str], tuple[int, bytes]]]] = {
    "faulty": _faulted,
    "strange-fault": _faulted,
    "broken": _broken,
    "cut": _cut,
    "no-xml": _no_xml,
    "doctype": _with_doctype,
}
