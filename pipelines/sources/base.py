"""What every source of calendar items is, whatever protocol it speaks, and how it fails.

Belongs here: the ``CalendarSource`` protocol, the window that is read, and ``ReadError``.
Does not belong here: a protocol's own words (``ews.py``, ``graph.py``), what is done about a
failure (``pipelines/reading.py``), the remedies that operators read (``remedies.py``).

There is one kind of failure from the wire to the report, and nothing on the way translates it:

1. what goes wrong names it: the wire (``wire.py``: ``ConnectionBroken``, ``HTTP503``), the
   protocol (``ews_protocol.py``, ``graph.py``: ``ErrorAccessDenied``), an answer that cannot be
   used (``MalformedItem``), or ``ReadError.of`` whatever a library raised;
2. ``session.py`` decides by ``is_transient`` and ``retry_after`` whether the request is sent again;
3. ``reading.py`` decides by ``reach`` whether the room alone failed, or the exchange;
4. the night's report keeps the ``code``, and only ``assets.py`` makes it Dagster's failure.
"""

import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final, Protocol

from transforms.raw import RawItem


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of instants [starts_at, ends_at), aware, in UTC."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError("a window has aware instants")
        if self.starts_at >= self.ends_at:
            raise ValueError("a window ends after it starts")


@dataclass(frozen=True, slots=True)
class DayRange:
    """Local days, both ends included."""

    first_date: date
    last_date: date

    def __post_init__(self) -> None:
        if self.first_date > self.last_date:
            raise ValueError(f"{self.first_date} is after {self.last_date}")

    def days(self) -> list[date]:
        """Return every day of the range, in order."""
        count = (self.last_date - self.first_date).days + 1
        return [self.first_date + timedelta(days=offset) for offset in range(count)]


class Reach(Enum):
    """How far a failure reaches: this room only, or every room of the exchange.

    A refusal of HTTP does not say which: ``UNCLEAR`` until another room was read.
    """

    ROOM = "room"
    UNCLEAR = "unclear"
    EXCHANGE = "exchange"


class ReadError(Exception):
    """A request, or the reading of a room, that failed.

    ``code`` is Exchange's response code (``ErrorAccessDenied``), ``HTTP401`` and the like, a code
    of ours, or the name of an error's class: all that may be stored or shown. ``is_transient``
    where the same request may succeed later. ``retry_after`` is the wait in seconds that the
    server wants, None if it named none.
    """

    def __init__(
        self,
        code: str,
        reach: Reach = Reach.ROOM,
        *,
        is_transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.reach = reach
        self.is_transient = is_transient
        self.retry_after = retry_after

    @classmethod
    def of(cls, error: Exception) -> "ReadError":
        """Return a failure that has nothing but the code, reach and wait of any error.

        Raise it after the handler has ended: then no cause and no context travels along. What
        the frames of the error held, raw items among it, is let go at once.
        """
        traceback.clear_frames(error.__traceback__)
        if not isinstance(error, ReadError):
            return cls(type(error).__name__)
        return cls(
            error.code, error.reach, is_transient=error.is_transient, retry_after=error.retry_after
        )


class CalendarSource(Protocol):
    """A reader of room calendars. One worker owns it: not safe for threads."""

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every calendar item of the room mailbox that touches the window.

        Whole or not at all: a short list is never returned as if it were complete. Items may
        come in any order and may lie outside the window's edges; none comes twice.

        Raises:
            ReadError: after the source's own bounded retries; with ``Reach.EXCHANGE`` where
                reading another room of the same exchange would be pointless or harmful.
        """
        ...

    def close(self) -> None:
        """Give back connections; the source is not used afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room by its address and name; room lists of EWS tell no more than that."""

    address: str = field(repr=False)
    name: str = field(repr=False)
    capacity: int | None = None
    building: str | None = field(default=None, repr=False)
    floor: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)
    tags: Sequence[str] = field(default=(), repr=False)


_CODE: Final = re.compile(r"Error(?=[A-Z])[A-Za-z]{1,60}")
_WITH_DIGITS: Final = frozenset({"ErrorMimeContentInvalidBase64String", "ErrorWin32InteropError"})


def is_response_code(text: str) -> bool:
    """Tell whether a text looks like one of Exchange's response codes."""
    return text in _WITH_DIGITS or _CODE.fullmatch(text) is not None


def malformed() -> ReadError:
    """Return the failure of an answer that is not what was requested; the next one may be."""
    return ReadError("MalformedResponse", is_transient=True)
