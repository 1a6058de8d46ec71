"""What every source is, whatever protocol it speaks: how it is read, how it fails, what checks it.

Belongs here: the ``CalendarSource`` protocol, what is read of it, and ``ReadError``; the
``SourceCheck`` of an exchange: its steps, and the rooms that it lists against the directory.
Does not belong here: a protocol's own words and requests (``ews.py``, ``graph.py``), what is done
about a failure (``pipelines/reading.py``), the remedies that operators read (``remedies.py``),
printing (``pipelines/check``).

Addresses of rooms that the directory does not know stay on the terminal: they have no room_id.

There is one kind of failure from the wire to the report, and nothing on the way translates it:

1. what goes wrong names it: the wire (``wire.py``: ``ConnectionBroken``, ``HTTP503``), the
   protocol (``ews_xml.py``, ``graph.py``: ``ErrorAccessDenied``), an answer that cannot be
   used (``MalformedItem``), or ``ReadError.of`` whatever a library raised;
2. ``session.py`` decides by ``is_transient`` and ``retry_after`` whether the request is sent again;
3. ``reading.py`` decides by ``reach`` whether the room alone failed, or the exchange;
4. the night's report keeps the ``code``, and only ``assets.py`` makes it Dagster's failure.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final, Protocol

from pipelines.settings import Room
from transforms.raw import RawItem

_CODE: Final = re.compile(r"Error(?=[A-Z])[A-Za-z]{1,60}")
_WITH_DIGITS: Final = frozenset({"ErrorMimeContentInvalidBase64String", "ErrorWin32InteropError"})
_LONGEST: Final = 80
_SHOWN: Final = 10
_IN_STEP: Final = timedelta(seconds=60)


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


def is_response_code(text: str) -> bool:
    """Tell whether a text looks like one of Exchange's response codes."""
    return text in _WITH_DIGITS or _CODE.fullmatch(text) is not None


def malformed() -> ReadError:
    """Return the failure of an answer that is not what was requested; the next one may be."""
    return ReadError("MalformedResponse", is_transient=True)


class State(Enum):
    """How a step ended; a note is worth reading and fails nothing."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried on an exchange.

    ``text`` and ``details`` are for the terminal alone: they may hold what the server says of
    itself and addresses of rooms. ``code`` is set where it failed.
    """

    name: str
    state: State
    text: str = field(repr=False)
    code: str | None = None
    details: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The room lists of an exchange: their addresses, None where it did not say.

    ``rooms`` are those of all lists by casefolded address. ``codes`` are why a list, or all of
    them, could not be read: ``rooms`` may lack some then. ``unlisted_are`` says where a room is
    that no list has.
    """

    lists: Sequence[str] | None = field(default=None, repr=False)
    rooms: Mapping[str, ListedRoom] = field(default_factory=dict, repr=False)
    codes: Sequence[str] = ()
    unlisted_are: str = "in no list"


class SourceCheck(Protocol):
    """The steps of a protocol: sign-in, what the server says of itself, the rooms that it lists."""

    @property
    def listing(self) -> Listing:
        """What was listed so far."""
        ...

    def steps(self) -> Iterator[Step]:
        """Yield each step as it ends; after one that failed nothing more can be read."""
        ...


def printable(text: str) -> str:
    """Return a server's text without what would steer a terminal, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def listing_step(
    name: str,
    text: str,
    rooms: Sequence[Room],
    directory: Sequence[Room],
    listing: Listing,
) -> Step:
    """Say how far the rooms that an exchange lists and the room directory agree, both ways.

    A difference is a note, since many rooms are in no list. A directory that is still empty has
    none: its rooms are about to be written from the listing.
    """
    details = []
    known = {room.address.casefold() for room in directory}
    unknown = [room for address, room in listing.rooms.items() if address not in known]
    if known and unknown:
        some = _some([room.address for room in unknown])
        details.append(
            f"{len(unknown)} not in the directory: {some} "
            "(--write-rooms FILE writes them down; another region's may be among them)"
        )
    unlisted = [room.room_id for room in rooms if room.address.casefold() not in listing.rooms]
    if listing.codes:
        codes = ", ".join(listing.codes)
        details.append(f"not all could be read, so rooms may be missing: {codes}")
    elif unlisted:
        details.append(f"{len(unlisted)} {listing.unlisted_are}: {_some(unlisted)}")
    if details:
        return Step(name, State.NOTE, text, details=tuple(details))
    return Step(name, State.OK, f"{text}, the same as in the directory" if directory else text)


def clock_step(offset: timedelta | None) -> Step:
    """Say how far the server's clock is from this machine's; None where it does not say."""
    if offset is None:
        return Step("clock", State.NOTE, "the server does not state its time")
    seconds = round(abs(offset).total_seconds())
    if abs(offset) <= _IN_STEP:
        return Step("clock", State.OK, f"in step with this machine's, {seconds} s apart")
    which = "ahead of" if offset > timedelta(0) else "behind"
    text = (
        f"the server's clock is {seconds} s {which} this machine's: sign-in and which days "
        "are over depend on it; set both by NTP"
    )
    return Step("clock", State.NOTE, text)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    return shown + (f" and {more} more" if more > 0 else "")
