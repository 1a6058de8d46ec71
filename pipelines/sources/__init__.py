"""What every source is, whatever protocol it speaks: how it is read, how it fails, what checks it.

Belongs here: the ``CalendarSource`` protocol, what is read of it; ``ReadError``, with what can go
wrong below HTTP and what an HTTP status means; the ``SourceCheck`` of an exchange: its steps, and
the rooms that it lists against the directory.
Does not belong here: a protocol's own words and requests (``ews.py``, ``graph.py``), what is done
about a failure (``pipelines/reading.py``), the remedies that operators read (``remedies.py``),
printing (``pipelines/check``).

Addresses of rooms that the directory does not know stay on the terminal: they have no room_id.

There is one kind of failure from the wire to the report, and nothing on the way translates it:

1. what goes wrong names it: the wire (``ConnectionBroken``, ``HTTP503``, see below), the
   protocol (``ews_xml.py``, ``graph.py``: ``ErrorAccessDenied``), an answer that cannot be
   used (``MalformedItem``), or ``ReadError.of`` whatever a library raised;
2. ``session.py`` decides by ``is_transient`` and ``retry_after`` whether the request is sent again;
3. ``reading.py`` decides by ``reach`` whether the room alone failed, or the exchange;
4. the night's report keeps the ``code``, and only ``assets.py`` makes it Dagster's failure.

EWS and Graph take the same status for the same reach: a rule that only one of them kept let one
room's trouble end the night of all.
"""

import codecs
import re
import socket
import ssl
import traceback
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final, Protocol

from requests import exceptions
from urllib3.exceptions import NameResolutionError

from transforms.raw import RawItem

_LOGIN_WANTED: Final = "Tunnel connection failed: 407"  # http.client has no type for it
TRANSIENT_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504, 509})
_STATUSES_OF_THE_ACCOUNT: Final = frozenset({401, 407, 456})
# One mailbox may be refused, and a front end may know no way to one: HTTP does not say which.
_STATUSES_OF_ROOM_OR_EXCHANGE: Final = frozenset({403, 404, 405})
_WEB_PAGE: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html)\b", re.IGNORECASE)
_HALF_A_SECOND: Final = timedelta(seconds=0.5)  # a Date header is cut to whole seconds
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


_Kinds = tuple[type[BaseException], ...]
_NAMES: Final[tuple[tuple[_Kinds, str, Reach, bool], ...]] = (
    # The first that is among an error's causes names it; the last value is is_transient.
    ((ssl.SSLCertVerificationError,), "CertificateNotTrusted", Reach.EXCHANGE, False),
    ((exceptions.ProxyError,), "ProxyError", Reach.EXCHANGE, True),
    ((NameResolutionError, socket.gaierror), "NameResolutionError", Reach.EXCHANGE, True),
    ((ConnectionRefusedError, exceptions.ConnectTimeout), "CannotConnect", Reach.EXCHANGE, True),
    ((TimeoutError, exceptions.Timeout), "ReadTimeout", Reach.ROOM, True),
    (
        (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError),
        "ConnectionBroken",
        Reach.ROOM,
        True,
    ),
    ((ssl.SSLError,), "TlsRefused", Reach.EXCHANGE, False),
    ((exceptions.InvalidURL, exceptions.InvalidSchema), "EndpointInvalid", Reach.EXCHANGE, False),
)


def failure_of(error: BaseException) -> ReadError:
    """Return what may leave of anything that went wrong below HTTP."""
    # Everything that it wraps, however requests and urllib3 wrapped it.
    causes: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and not any(cause is each for each in causes):
            causes.append(cause)
            waiting += [*cause.args, getattr(cause, "reason", None)]
            waiting += [cause.__cause__, cause.__context__]
    if any(type(cause) is OSError and str(cause).startswith(_LOGIN_WANTED) for cause in causes):
        return ReadError("HTTP407", Reach.EXCHANGE)
    for kinds, code, reach, is_transient in _NAMES:
        if any(isinstance(cause, kinds) for cause in causes):
            return ReadError(code, reach, is_transient=is_transient)
    return ReadError("ConnectionBroken", is_transient=True)


def status_failure(status: int, headers: Mapping[str, str]) -> ReadError:
    """Return the failure of an answer of which nothing but its status can be understood."""
    is_unclear = status in _STATUSES_OF_ROOM_OR_EXCHANGE or 300 <= status < 400
    of_one = Reach.UNCLEAR if is_unclear else Reach.ROOM
    return ReadError(
        f"HTTP{status}",
        Reach.EXCHANGE if status in _STATUSES_OF_THE_ACCOUNT else of_one,
        is_transient=status in TRANSIENT_STATUSES,
        retry_after=retry_after(headers.get("Retry-After")),
    )


def refuse_web_page(content: bytes) -> None:
    """Do nothing, unless the answer is a page that a person was meant to see.

    Raises:
        ReadError: ``WebPage``.
    """
    if _WEB_PAGE.match(content.removeprefix(codecs.BOM_UTF8)):
        raise ReadError("WebPage", Reach.UNCLEAR, is_transient=True)


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
    name: str, text: str, rooms: Mapping[str, str], directory: Set[str], listing: Listing
) -> Step:
    """Say how far the rooms that an exchange lists and the room directory agree, both ways.

    ``rooms`` are those of the exchange, room_ids by casefolded address; ``directory`` are all
    addresses of the region. A difference is a note, since many rooms are in no list. A directory
    that is still empty has none: its rooms are about to be written from the listing.
    """
    details = []
    unknown = [room.address for address, room in listing.rooms.items() if address not in directory]
    if directory and unknown:
        details.append(
            f"{len(unknown)} not in the directory: {_some(unknown)} "
            "(--write-rooms FILE writes them down; another region's may be among them)"
        )
    unlisted = [room_id for address, room_id in rooms.items() if address not in listing.rooms]
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
