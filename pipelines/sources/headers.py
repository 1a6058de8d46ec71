"""What every protocol over HTTP shares: headers of refusals.

Belongs here: reading a header that any server may send.
Does not belong here: what a status means to EWS (``ews_failures.py``) or to Graph
(``graph_failures.py``).
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_HALF_A_SECOND: Final = timedelta(seconds=0.5)  # a Date header is cut to whole seconds


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
