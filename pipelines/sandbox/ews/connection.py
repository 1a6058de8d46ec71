"""EWS on a connection: basic and bearer authentication, answers and SOAP faults."""

import base64
import binascii
from http import HTTPStatus

from pipelines.sandbox.ews.operations import answer
from pipelines.sandbox.ews.request import Answer, subject_of
from pipelines.sandbox.ews.soap import SoapFaultError, SoapRequest, envelope, fault, parse
from pipelines.sandbox.faults import Entry
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.wire import Wire

PATH = "/EWS/Exchange.asmx"


class EwsConnection(Wire):
    """Serves EWS requests; ``challenge`` is what an unauthorized client is told."""

    challenge = 'Basic realm="localhost"'

    def refuse_get(self) -> None:
        """Refuse a GET: EWS is spoken with POST."""
        if self._is_authorized():
            self.send(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        else:
            self._demand_password()

    def serve_ews(self, data: bytes) -> None:
        """Serve one request."""
        with self.tenant.log.serving():
            try:
                request = parse(data)
            except SoapFaultError as error:
                self.reply(Entry("", "", 0, 500, error.code), fault(error))
            else:
                self._serve(request, subject_of(self.tenant, request))

    def _serve(self, request: SoapRequest, mailbox: str) -> None:
        if self.is_broken_off(request.operation, mailbox):
            return
        if not self._is_authorized():
            self.tenant.log.add(Entry(request.operation, mailbox, status=401))
            self._demand_password()
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

    def _is_authorized(self) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.casefold() == "bearer":
            return value in self.tenant.bearer_tokens
        account = (self.tenant.account, self.tenant.password)
        return kind.casefold() == "basic" and _basic(value) == account

    def _demand_password(self) -> None:
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
