"""What every protocol over HTTP shares: refusals by status, their headers, silent libraries.

EWS and Graph take the same status for the same reach: a rule that only one of them kept let one
room's trouble end the night of all. At DEBUG the libraries write whole answers, the Authorization
header and the client secret: their loggers are cut off.
"""

import codecs
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from pipelines.sources.base import Scope
from pipelines.sources.session import Failure

TRANSIENT_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504, 509})
_STATUSES_OF_THE_ACCOUNT: Final = frozenset({401, 407, 456})
# One mailbox may be refused, and a front end may know no way to one: HTTP does not say which.
_STATUSES_OF_ROOM_OR_EXCHANGE: Final = frozenset({403, 404, 405})
_WEB_PAGE: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html)\b", re.IGNORECASE)
_HALF_A_SECOND: Final = timedelta(seconds=0.5)  # a Date header is cut to whole seconds


def status_failure(status: int, headers: Mapping[str, str]) -> Failure:
    """Return the failure of an answer of which nothing but its status can be understood."""
    is_unclear = status in _STATUSES_OF_ROOM_OR_EXCHANGE or 300 <= status < 400
    of_one = Scope.UNCLEAR if is_unclear else Scope.ROOM
    return Failure(
        f"HTTP{status}",
        scope=Scope.EXCHANGE if status in _STATUSES_OF_THE_ACCOUNT else of_one,
        is_transient=status in TRANSIENT_STATUSES,
        wait_seconds=retry_after(headers.get("Retry-After")),
    )


def refuse_web_page(content: bytes) -> None:
    """Do nothing, unless the answer is a page that a person was meant to see.

    Raises:
        Failure: ``WebPage``.
    """
    if _WEB_PAGE.match(content.removeprefix(codecs.BOM_UTF8)):
        raise Failure("WebPage", scope=Scope.UNCLEAR, is_transient=True)


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return max(0.0, wait.total_seconds())


def clock_offset(date: str | None, now: datetime) -> timedelta | None:
    """Return the server's clock minus ours by its Date header; None if it has none."""
    try:
        server_at = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return server_at.replace(tzinfo=server_at.tzinfo or UTC) + _HALF_A_SECOND - now


LIBRARIES: Final = (
    "exchangelib",
    "msal",
    "oauthlib",
    "requests",
    "requests_ntlm",
    "requests_oauthlib",
    "spnego",
    "urllib3",
)
_NEVER: Final = logging.CRITICAL + 1


def silence_loggers() -> None:
    """Silence every logger of the libraries, those that exist and those that are yet to come."""
    for name in LIBRARIES:
        _silence(logging.getLogger(name))
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in LIBRARIES and isinstance(logger, logging.Logger):
            _silence(logger)


def _silence(logger: logging.Logger) -> None:
    logger.handlers = [logging.NullHandler()]  # without one, warnings go to stderr
    logger.setLevel(_NEVER)
    logger.propagate = False
    logger.disabled = True
