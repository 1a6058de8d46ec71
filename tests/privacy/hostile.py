"""An Exchange with tokens everywhere: in every field, header, error text and certificate.

Belongs here: the server's HTTP, and the mood in which it answers a request.
Does not belong here: its answers (``book.py``), running nights against it (``nights.py``).

The first part of a room's address is its mood; the last part of an endpoint's path is that of an
exchange.
"""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import quote

from pipelines.sandbox.ews_soap import parse
from pipelines.sandbox.wire import CertificateAuthority
from tests.privacy.book import EXCHANGE_MOODS, Book


class HostileExchange:
    """A server on https://localhost that answers from a book; a context manager."""

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
        """Return an endpoint where the server answers every request in this mood."""
        return f"{self.root}/EWS/{mood}"

    @property
    def root(self) -> str:
        """Return the server's root URL, where it speaks Graph."""
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
        """Ignore errors: some clients refuse the certificate, as they should."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Log nothing."""

    def do_POST(self) -> None:
        """Answer in the mood of the endpoint, else in that of the room."""
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
