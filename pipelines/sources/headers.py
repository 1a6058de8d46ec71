"""What every protocol over HTTP shares: headers of refusals.

Belongs here: reading a header that any server may send.
Does not belong here: what a status means to EWS (``ews_failures.py``) or to Graph
(``graph_failures.py``).
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


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
