"""One connection, below EWS and Graph: the handshake, whole answers, and broken ones."""

import socket
import struct
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from time import time
from typing import Protocol, cast

from pipelines.sandbox.faults import Entry, Fault, Kind
from pipelines.sandbox.model import Tenant

XML = "text/xml; charset=utf-8"
_HANDSHAKE_SECONDS = 10.0
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class _Stopping(Protocol):
    def wait(self, timeout: float | None = None) -> bool: ...


class _Host(Protocol):
    """What a connection needs of the server."""

    tenant: Tenant
    stopping: _Stopping


class Wire(BaseHTTPRequestHandler):
    """Serves one client, one request after the other; subclasses know what is asked."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    challenge = 'Basic realm="localhost"'

    @property
    def tenant(self) -> Tenant:
        """What the server holds."""
        return self._host.tenant

    @property
    def _host(self) -> _Host:
        return cast("_Host", self.server)

    def handle(self) -> None:
        """Serve until the client goes or a fault breaks the connection."""
        self.connection.settimeout(_HANDSHAKE_SECONDS)
        try:
            self.connection.do_handshake()
            self.connection.settimeout(None)
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Write nothing: the request log is for tests, and answers hold names."""

    def is_broken_off(self, operation: str, mailbox: str) -> bool:
        """Carry out the faults that come instead of an answer; tell whether one did."""
        latency = self.fault("latency", operation, mailbox)
        if latency is not None:
            self._host.stopping.wait(latency.seconds)
        if self.fault("reset", operation, mailbox) is not None:
            self.tenant.log.add(Entry(operation, mailbox, status=0))
            self._abort()
            return True
        refusal = self.fault("http", operation, mailbox)
        if refusal is None:
            return False
        self.tenant.log.add(Entry(operation, mailbox, status=refusal.status))
        self._refuse(refusal)
        return True

    def fault(self, kind: Kind, operation: str, mailbox: str) -> Fault | None:
        """Return the fault of a kind that strikes this request."""
        return self.tenant.faults.take(kind, mailbox, operation)

    def reply(
        self,
        entry: Entry,
        body: bytes,
        content_type: str = XML,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send an answer, or as much of it as a fault allows."""
        self.tenant.log.add(entry)
        cut = self.fault("cut", entry.operation, entry.mailbox)
        if cut is not None:
            body = body[: _position(cut, body)]
        stall = self.fault("stall", entry.operation, entry.mailbox)
        broken = stall or self.fault("hang_up", entry.operation, entry.mailbox)
        stop_at = _position(broken, body) if broken else None
        self.send(entry.status, body, headers, content_type, stop_at)
        if stall is not None:
            self._host.stopping.wait(stall.seconds)
        if broken is not None:
            self.close_connection = True

    def send(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        content_type: str = XML,
        stop_at: int | None = None,
    ) -> None:
        """Send one response in one piece; ``stop_at`` cuts the body, not its promised length."""
        moment = time() + self.tenant.clock_skew_seconds
        lines = [
            f"HTTP/1.1 {int(status)} {_phrase(status)}",
            "Server: Microsoft-IIS/10.0",
            f"Date: {formatdate(moment, usegmt=True)}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body[:stop_at])

    def _refuse(self, refusal: Fault) -> None:
        headers = dict(refusal.headers)
        if refusal.retry_after is not None:
            headers["Retry-After"] = refusal.retry_after
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            headers.setdefault("WWW-Authenticate", self.challenge)
        self.send(refusal.status, refusal.body, headers=headers)

    def _abort(self) -> None:
        """Reset the connection: no answer, no goodbye."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.rfile.close()
        self.connection.close()


def _position(broken: Fault, body: bytes) -> int:
    return len(body) // 2 if broken.at_byte is None else broken.at_byte


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
