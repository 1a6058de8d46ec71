"""What every source of calendar items is, whatever protocol it speaks.

Belongs here: the ``CalendarSource`` protocol, the window it is asked for, and the errors that
leave a source: a code and a class, never a text or a value from Exchange.
Does not belong here: a protocol's own words (``ews.py``), what is done about a failure
(``pipelines/night.py``), the remedies that operators read (``remedies.py``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
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


class Scope(Enum):
    """How far a failure reaches: this room only, or every room of the exchange.

    A refusal of HTTP does not say which: ``UNCLEAR`` until another room was asked.
    """

    ROOM = "room"
    UNCLEAR = "unclear"
    EXCHANGE = "exchange"


class SourceError(Exception):
    """A reading that failed.

    ``code`` is Exchange's response code (``ErrorAccessDenied``), ``HTTP401`` and the like, or the
    name of an error's class: all that may be stored or shown. Raise it ``from None``, so that no
    text of the library underneath travels along. ``is_transient`` where asking again later, after
    the source's own retries, may help.
    """

    def __init__(self, code: str, scope: Scope = Scope.ROOM, *, is_transient: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.scope = scope
        self.is_transient = is_transient


class CalendarSource(Protocol):
    """A reader of room calendars. One worker owns it: not safe for threads."""

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every calendar item of the room mailbox that touches the window.

        Whole or not at all: a short list is never returned as if it were complete. Items may
        come in any order and may lie outside the window's edges; none comes twice.

        Raises:
            SourceError: after the source's own bounded retries; with ``Scope.EXCHANGE`` where
                asking for another room of the same exchange would be pointless or harmful.
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
