"""One connection to the simulated server: EWS and its passwords; Graph beside it.

Belongs here: reading an EWS request, letting in or not, answers and SOAP faults.
Does not belong here: what an answer says (``operations.py``), Graph (``graph_connection.py``),
broken bytes (``wire.py``).
"""

import base64
import binascii
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from pipelines.sandbox.access import subject_of
from pipelines.sandbox.call import Answer
from pipelines.sandbox.graph_connection import GraphConnection
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.operations import answer
from pipelines.sandbox.request_log import Entry
from pipelines.sandbox.soap import SoapFaultError, SoapRequest, envelope, fault, parse

PATH = "/EWS/Exchange.asmx"


class Connection(GraphConnection, BaseHTTPRequestHandler):
    """Serves the requests of one client, one after the other."""

    def do_GET(self) -> None:
        """Serve Graph; EWS is spoken with POST."""
        if not self._is_ews():
            self.serve_graph()
        elif self._is_let_in():
            self.send(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        else:
            self._ask_for_password()

    def do_POST(self) -> None:
        """Serve one EWS request, or one for a token."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._is_ews():
            self.serve_graph(data)
            return
        with self.tenant.log.serving():
            try:
                request = parse(data)
            except SoapFaultError as error:
                self.reply(Entry("", "", 0, 500, error.code), fault(error))
            else:
                self._serve(request, subject_of(self.tenant, request))

    def _is_ews(self) -> bool:
        return self.path.casefold() == PATH.casefold()

    def _serve(self, request: SoapRequest, mailbox: str) -> None:
        if self.is_broken_off(request.operation, mailbox):
            return
        if not self._is_let_in():
            self.tenant.log.add(Entry(request.operation, mailbox, status=401))
            self._ask_for_password()
            return
        try:
            self._raise_soap_fault(request, mailbox)
            result = _answered(self.tenant, request, mailbox)
        except SoapFaultError as error:
            self.reply(Entry(request.operation, mailbox, 0, 500, error.code), fault(error))
        else:
            entry = Entry(request.operation, mailbox, result.count, 200, result.code)
            self.reply(entry, envelope(result.body))

    def _raise_soap_fault(self, request: SoapRequest, mailbox: str) -> None:
        faults, now = self.tenant.faults, self.tenant.log.now
        found = self.fault("soap_fault", request.operation, mailbox)
        found = found or faults.limit_at_once(mailbox, request.operation, now)
        if found is not None:
            raise SoapFaultError(found.code, found.values())

    def _is_let_in(self) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.casefold() == "bearer":
            return value in self.tenant.bearer_tokens
        account = (self.tenant.account, self.tenant.password)
        return kind.casefold() == "basic" and _basic(value) == account

    def _ask_for_password(self) -> None:
        self.send(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": self.challenge})


def _answered(tenant: Tenant, request: SoapRequest, mailbox: str) -> Answer:
    """Carry out a request; one that the simulation cannot do is a fault, as a server's bug is."""
    try:
        return answer(tenant, request, mailbox)
    except (ArithmeticError, LookupError, ValueError):
        raise SoapFaultError("ErrorInternalServerError") from None


def _basic(value: str) -> tuple[str, str] | None:
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
