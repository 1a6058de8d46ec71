"""One connection to the simulated server: HTTP, passwords, and the faults below SOAP.

Belongs here: reading a request, letting in or not, sending bytes, or breaking off.
Does not belong here: what an answer says (``operations.py``).
"""

import base64
import binascii
import socket
import struct
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from time import time
from typing import Protocol, cast

from pipelines.sandbox.access import subject_of
from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.operations import answer
from pipelines.sandbox.request_log import Entry
from pipelines.sandbox.soap import SoapFaultError, SoapRequest, envelope, fault, parse

PATH = "/EWS/Exchange.asmx"
_HANDSHAKE_SECONDS = 10.0
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class _Stopping(Protocol):
    def wait(self, timeout: float | None = None) -> bool: ...


class _Host(Protocol):
    """What a connection needs of the server."""

    tenant: Tenant
    stopping: _Stopping


class Connection(BaseHTTPRequestHandler):
    """Serves the requests of one client, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

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

    def do_GET(self) -> None:
        """Refuse: EWS is spoken with POST."""
        if self._is_let_in():
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        else:
            self._ask_for_password()

    def do_POST(self) -> None:
        """Serve one EWS request."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.casefold() != PATH.casefold():
            self._send(HTTPStatus.NOT_FOUND)
            return
        with self._host.tenant.log.serving():
            try:
                request = parse(data)
            except SoapFaultError as error:
                self._reply(Entry("", "", 0, 500, error.code), fault(error))
            else:
                self._serve(request, subject_of(self._host.tenant, request))

    def _serve(self, request: SoapRequest, mailbox: str) -> None:
        if self._is_broken_off(request, mailbox):
            return
        if not self._is_let_in():
            self._host.tenant.log.add(Entry(request.operation, mailbox, status=401))
            self._ask_for_password()
            return
        try:
            self._raise_soap_fault(request, mailbox)
            result = answer(self._host.tenant, request, mailbox)
        except SoapFaultError as error:
            self._reply(Entry(request.operation, mailbox, 0, 500, error.code), fault(error))
        else:
            entry = Entry(request.operation, mailbox, result.count, 200, result.code)
            self._reply(entry, envelope(result.body))

    def _is_broken_off(self, request: SoapRequest, mailbox: str) -> bool:
        """Carry out the faults that come instead of an answer; tell whether one did."""
        tenant = self._host.tenant
        latency = self._fault("latency", request.operation, mailbox)
        if latency is not None:
            self._host.stopping.wait(latency.seconds)
        if self._fault("reset", request.operation, mailbox) is not None:
            tenant.log.add(Entry(request.operation, mailbox, status=0))
            self._abort()
            return True
        refusal = self._fault("http", request.operation, mailbox)
        if refusal is None:
            return False
        tenant.log.add(Entry(request.operation, mailbox, status=refusal.status))
        self._refuse(refusal)
        return True

    def _raise_soap_fault(self, request: SoapRequest, mailbox: str) -> None:
        tenant = self._host.tenant
        found = self._fault("soap_fault", request.operation, mailbox)
        found = found or tenant.faults.limit_at_once(mailbox, request.operation, tenant.log.now)
        if found is not None:
            raise SoapFaultError(found.code, found.values())

    def _refuse(self, refusal: Fault) -> None:
        headers = dict(refusal.headers)
        if refusal.retry_after is not None:
            headers["Retry-After"] = refusal.retry_after
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            headers.setdefault("WWW-Authenticate", 'Basic realm="localhost"')
        self._send(refusal.status, headers=headers)

    def _fault(self, kind: Kind, operation: str, mailbox: str) -> Fault | None:
        return self._host.tenant.faults.take(kind, mailbox, operation)

    def _is_let_in(self) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        tenant = self._host.tenant
        if kind.casefold() == "bearer":
            return value in tenant.bearer_tokens
        return kind.casefold() == "basic" and _basic(value) == (tenant.account, tenant.password)

    def _ask_for_password(self) -> None:
        self._send(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": 'Basic realm="localhost"'})

    def _reply(self, entry: Entry, body: bytes) -> None:
        """Send an answer, or as much of it as a fault allows."""
        self._host.tenant.log.add(entry)
        cut = self._fault("cut", entry.operation, entry.mailbox)
        if cut is not None:
            body = body[: _position(cut, body)]
        stall = self._fault("stall", entry.operation, entry.mailbox)
        broken = stall or self._fault("hang_up", entry.operation, entry.mailbox)
        self._send(entry.status, body, stop_at=_position(broken, body) if broken else None)
        if stall is not None:
            self._host.stopping.wait(stall.seconds)
        if broken is not None:
            self.close_connection = True

    def _send(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        stop_at: int | None = None,
    ) -> None:
        """Send one response in one piece; ``stop_at`` cuts the body, not its promised length."""
        moment = time() + self._host.tenant.clock_skew_seconds
        lines = [
            f"HTTP/1.1 {int(status)} {_phrase(status)}",
            "Server: Microsoft-IIS/10.0",
            f"Date: {formatdate(moment, usegmt=True)}",
            "Content-Type: text/xml; charset=utf-8",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body[:stop_at])

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


def _basic(value: str) -> tuple[str, str] | None:
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
