"""What Exchange's refusals mean: which may pass, which end a room, which end the run.

Belongs here: EWS response codes, SOAP faults and HTTP statuses, as ``Failure``s.
Does not belong here: failures below HTTP (``tls.py``), the sentences for operators
(``remedies.py``).

Texts of Exchange and of exchangelib carry names and whole answers: only a response code that
looks like one, or a class name, is taken over.
"""

from collections.abc import Mapping
from typing import Any, Final

from exchangelib.errors import MalformedResponseError, SOAPError
from exchangelib.protocol import FailFast
from exchangelib.util import ENS, TNS
from lxml import etree

from pipelines.sources import session
from pipelines.sources.base import Scope, is_response_code
from pipelines.sources.ews_xml import malformed
from pipelines.sources.session import Failure
from pipelines.sources.statuses import status_failure

_TRANSIENT_CODES: Final = frozenset(
    {
        "ErrorBatchProcessingStopped",
        "ErrorConnectionFailed",
        "ErrorExceededConnectionCount",
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorMailboxFailover",
        "ErrorMailboxStoreUnavailable",
        "ErrorServerBusy",
        "ErrorTimeoutExpired",
        "ErrorTooManyObjectsOpened",
    }
)
_CODES_OF_THE_ACCOUNT: Final = frozenset(
    {
        "ErrorAccountDisabled",
        "ErrorInvalidServerVersion",
        "ErrorPasswordChangeRequired",
        "ErrorPasswordExpired",
    }
)
_RANDOM_OUTAGE: Final = "/ews/genericerrorpage.htm"
_VALUES: Final = f"{{{TNS}}}Value"


def refusal(code: str | None, values: Mapping[str, str]) -> Failure:
    """Return the failure of a response code; ``values`` are those of its MessageXml."""
    inner = values.get("InnerErrorResponseCode")
    codes = (each for each in (inner, code) if each and is_response_code(each))
    known = next(codes, "UnknownCode")
    return Failure(
        known,
        scope=Scope.EXCHANGE if known in _CODES_OF_THE_ACCOUNT else Scope.ROOM,
        is_transient=known in _TRANSIENT_CODES,
        wait_seconds=_milliseconds(values.get("BackOffMilliseconds")),
    )


def message_values(message_xml: etree._Element | None) -> dict[str, str]:
    """Return the named values of a MessageXml element."""
    if message_xml is None:
        return {}
    return {each.get("Name", ""): (each.text or "").strip() for each in message_xml.iter(_VALUES)}


def fault_refusal(fault: etree._Element) -> Failure:
    """Return the failure of a SOAP fault."""
    code = fault.findtext(f"detail/{{{ENS}}}ResponseCode")
    if code is None:  # faults from before the request was understood name only a fault code
        code = (fault.findtext("faultcode") or "").rpartition(":")[2]
    return refusal(code.strip(), message_values(fault.find(f"detail/{{{TNS}}}MessageXml")))


def as_failure(error: Exception) -> Failure:
    """Return what may leave of anything that was raised on the way."""
    is_cut = isinstance(error, MalformedResponseError | SOAPError)
    return malformed() if is_cut else session.as_failure(error)


class NoSecondTry(FailFast):  # type: ignore[misc]  # exchangelib has no types
    """Turns HTTP statuses into failures; asks nothing again by itself, least of all after 401."""

    def raise_response_errors(self, response: Any) -> None:
        """Let answers pass that hold SOAP.

        Raises:
            Failure: ``HTTP503`` and the like.
        """
        status = response.status_code
        if status == 200 or (status == 500 and b"Envelope" in response.content[:1024]):
            return
        is_outage = status == 302 and _RANDOM_OUTAGE in response.headers.get("location", "").lower()
        if is_outage:
            raise Failure(f"HTTP{status}", is_transient=True)
        raise status_failure(status, response.headers)


def _milliseconds(value: str | None) -> float | None:
    return float(value) / 1000 if value is not None and value.isdecimal() else None
