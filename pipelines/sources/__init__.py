"""What all sources share, whatever their protocol: how they are read, how they fail, their checks.

Belongs here: the ``CalendarSource`` protocol, and the time spans that it reads; ``ReadError``,
with the failures below HTTP and the meaning of HTTP statuses; the ``SourceCheck`` of an exchange:
its steps, and a comparison of the rooms that it lists with the directory.
Does not belong here: a protocol's own words and requests (``ews.py``, ``graph.py``), what is done
about a failure (``pipelines/reading.py``), the remedies that operators read (``remedies.py``),
printing (``pipelines/check``).

A listed room that is not in the directory has no room_id: its address goes to the terminal only.

``ReadError`` is the one kind of failure from the wire to the report; nothing translates it:

1. whoever finds it names it: the wire (``ConnectionBroken``, ``HTTP503``, see below), the
   protocol (``ews_xml.py``, ``graph.py``: ``ErrorAccessDenied``, or ``MalformedItem`` for an
   answer that cannot be used), or ``ReadError.of`` for anything that a library raised;
2. ``session.py`` decides by ``is_transient`` and ``retry_after`` whether the request is sent again;
3. ``reading.py`` decides by ``reach`` whether the room alone failed, or the exchange;
4. the night's report keeps the ``code``, and only ``assets.py`` turns it into a Dagster failure.

A status has the same reach over EWS and Graph: when their rules differed, one room's failure
ended the night for all rooms.
"""

import codecs
import re
import socket
import ssl
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final, Protocol

from requests import exceptions
from urllib3.exceptions import NameResolutionError

from pipelines.settings import Room
from transforms.raw import RawItem

_LOGIN_WANTED: Final = "Tunnel connection failed: 407"  # http.client has no type for it
_TRANSIENT_STATUSES: Final = frozenset({408, 425, 429, *range(500, 600)} - {501, 505})
_STATUSES_OF_THE_ACCOUNT: Final = frozenset({401, 407, 456})
# These may concern one mailbox (refused, or not found) or the exchange: HTTP does not say which.
_STATUSES_OF_ROOM_OR_EXCHANGE: Final = frozenset({403, 404, 405})
_WEB_PAGE: Final = re.compile(
    # Entra's sign-in page begins with a comment, XHTML with a declaration.
    rb"(?:\s|<\?xml[^>]*>|(?><!--.*?-->))*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HALF_A_SECOND: Final = timedelta(seconds=0.5)  # a Date header is truncated to whole seconds
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

    An HTTP refusal does not say which: it is ``UNCLEAR`` until another room was read.
    """

    ROOM = "room"
    UNCLEAR = "unclear"
    EXCHANGE = "exchange"


class ReadError(Exception):
    """A request, or the reading of a room, that failed.

    ``code`` is Exchange's response code (``ErrorAccessDenied``), ``HTTP401`` and the like, a code
    of this project, or the name of an error's class; nothing else may be stored or shown.
    ``is_transient`` means that the same request may succeed later. ``retry_after`` is the wait in
    seconds that the server asked for, None if it asked for none.
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
        """Return a failure that has only the code, reach and wait of any error.

        Raise it after the handler has ended, so that no cause or context is attached to it. The
        frames of the error are cleared at once, since they may hold raw items.
        """
        traceback.clear_frames(error.__traceback__)
        if not isinstance(error, ReadError):
            return cls(type(error).__name__)
        return cls(
            error.code, error.reach, is_transient=error.is_transient, retry_after=error.retry_after
        )


_Kinds = tuple[type[BaseException], ...]
_NAMES: Final[tuple[tuple[_Kinds, str, Reach, bool], ...]] = (
    # The first entry with one of the error's causes names it; the last value is is_transient.
    ((ssl.SSLCertVerificationError,), "CertificateNotTrusted", Reach.EXCHANGE, False),
    (
        # A proxy variable that is no URL, or names a kind of proxy that is not spoken (SOCKS).
        (exceptions.ProxyError, exceptions.InvalidProxyURL, exceptions.InvalidSchema),
        "ProxyError",
        Reach.EXCHANGE,
        True,
    ),
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
    ((exceptions.InvalidURL,), "EndpointInvalid", Reach.EXCHANGE, False),
)


def failure_of(error: BaseException) -> ReadError:
    """Return the failure for any error below HTTP, without the error's text."""
    # All the errors inside it: requests and urllib3 wrap them in several ways.
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
    """Return the failure for an answer of which only the status can be used."""
    is_unclear = status in _STATUSES_OF_ROOM_OR_EXCHANGE or 300 <= status < 400
    of_one = Reach.UNCLEAR if is_unclear else Reach.ROOM
    return ReadError(
        f"HTTP{status}",
        Reach.EXCHANGE if status in _STATUSES_OF_THE_ACCOUNT else of_one,
        is_transient=status in _TRANSIENT_STATUSES,
        retry_after=retry_after(headers.get("Retry-After")),
    )


def refuse_web_page(content: bytes) -> None:
    """Refuse an answer that is a web page.

    Raises:
        ReadError: ``WebPage``.
    """
    if _WEB_PAGE.match(content.removeprefix(codecs.BOM_UTF8)):
        raise ReadError("WebPage", Reach.UNCLEAR, is_transient=True)


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or until a date."""
    if value is not None and value.strip().replace(".", "", 1).isdecimal():
        return float(value)
    moment = _moment(value)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def clock_offset(date: str | None, now: datetime) -> timedelta | None:
    """Return the server's clock, from its Date header, minus ours; None without that header."""
    server_at = _moment(date)
    return None if server_at is None else server_at + _HALF_A_SECOND - now


def _moment(written: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written or "")
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


class CalendarSource(Protocol):
    """A reader of room calendars. It belongs to one worker: it is not thread-safe."""

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every calendar item of the room mailbox that touches the window.

        The list is complete, or the call raises. Items may come in any order, and some may lie
        outside the window; none comes twice.

        Raises:
            ReadError: after the source's own bounded retries; with ``Reach.EXCHANGE`` if
                reading another room of the same exchange would be pointless or harmful.
        """
        ...

    def close(self) -> None:
        """Close the connections; the source must not be used afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room that an exchange lists; the room lists of EWS have only its address and name."""

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
    """Return the failure for an answer that is not what was requested; a retry may help."""
    return ReadError("MalformedResponse", is_transient=True)


class State(Enum):
    """How a step ended; a note is worth reading, but is not a failure."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried on an exchange.

    ``text`` and ``details`` are for the terminal only: they may hold what the server says about
    itself, and addresses of rooms. ``code`` is set if the step failed.
    """

    name: str
    state: State
    text: str = field(repr=False)
    code: str | None = None
    details: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The room lists of an exchange: ``lists`` are their addresses, None if they are not known.

    ``rooms`` are the rooms of all lists, by casefolded address. ``codes`` say why one list, or
    all of them, could not be read; ``rooms`` may then be incomplete. ``unlisted_are`` is the
    phrase for rooms that no list has.
    """

    lists: Sequence[str] | None = field(default=None, repr=False)
    rooms: Mapping[str, ListedRoom] = field(default_factory=dict, repr=False)
    codes: Sequence[str] = ()
    unlisted_are: str = "in no list"


def printable(text: str) -> str:
    """Return a server's text with ``?`` for unprintable characters, cut to 80 characters."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


class SourceCheck(ABC):
    """The steps of a protocol: sign-in, the server's version and clock, the rooms that it lists.

    ``rooms`` are those of the exchange, ``directory`` all of the region; ``listing`` has the rooms
    that the exchange listed so far.
    """

    def __init__(self, rooms: Sequence[Room], directory: Sequence[Room]) -> None:
        self.listing = Listing()
        self._rooms = {room.address.casefold(): room.room_id for room in rooms}
        self._directory = {room.address.casefold() for room in directory}

    @abstractmethod
    def steps(self) -> Iterator[Step]:
        """Yield each step as it ends; a step that failed is the last one."""

    def compared(self, name: str, text: str) -> Step:
        """Return a step that compares the listed rooms with the room directory.

        A difference is a note, since many rooms are in no list. An empty directory is not
        compared: its rooms are about to be written from the listing.
        """
        details, listing = [], self.listing
        known = self._directory
        unknown = [room.address for address, room in listing.rooms.items() if address not in known]
        if known and unknown:
            details.append(
                f"{len(unknown)} not in the directory: {_some(unknown)} "
                "(--write-rooms FILE writes them down; another region's may be among them)"
            )
        unlisted = [
            room_id for address, room_id in self._rooms.items() if address not in listing.rooms
        ]
        if listing.codes:
            codes = ", ".join(listing.codes)
            details.append(f"not all could be read, so rooms may be missing: {codes}")
        elif unlisted:
            details.append(f"{len(unlisted)} {listing.unlisted_are}: {_some(unlisted)}")
        if details:
            return Step(name, State.NOTE, text, details=tuple(details))
        return Step(name, State.OK, f"{text}, the same as in the directory" if known else text)


def clock_step(offset: timedelta | None) -> Step:
    """Return a step about the server's clock; ``offset`` is None if it does not state its time."""
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
