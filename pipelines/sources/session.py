"""One exchange, as its workers see it: when a request may be sent, and how it ended.

Belongs here: opening a source by its kind; the throttle that an exchange's workers share (slots,
waits, a refusal, which folder belongs to which room); the session of one worker (deadline,
retries, second try of a password); and whether a calendar came whole. What EWS and Graph do alike
is done here once.
Does not belong here: what is requested and what a refusal means (``ews.py``, ``graph.py``),
bytes (``wire.py``).
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager, nullcontext
from pkgutil import resolve_name
from typing import Final, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception

from pipelines.settings import ExchangeSettings, Room, Secrets
from pipelines.sources import CalendarSource, Reach, ReadError, SourceCheck
from pipelines.sources.wire import Clock, Deadline, TimedAdapter, Token, silence_loggers
from transforms.raw import SERIES, RawItem

RowT = TypeVar("RowT", bound="tuple[str, RawItem] | tuple[str, str, RawItem]")
"""An item's id, its folder's id (only over EWS), and the item; ids stay in memory."""

DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
OTHER_MAILBOX: Final = "OtherMailbox"
ATTEMPTS: Final = 5
_READINGS: Final = 4
_FIRST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 30.0
_ANSWERS_TO_TRUST_AGAIN: Final = 20
_SECONDS_OF_ONE_REFUSAL: Final = 1.0  # refusals of several workers at once count as one
_LONGEST_NAP_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 5.0
_SILENCES: Final = 3  # how often a silent server is given up on within a room's deadline
_LONGEST_HOLD_SECONDS: Final = 300.0  # Exchange asks for no more; an odd answer may ask for days
_RANDOM: Final = secrets.SystemRandom()
TOO_BUSY: Final = frozenset(
    {
        *("ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened"),
        *("HTTP429", "HTTP503"),
    }
)
"""Refusals that ask for fewer requests at once."""


class FolderOwners:
    """The folder of each room, taken from the first answer. Thread-safe.

    Graph does not name folders: there an item that two rooms have shows that they are one mailbox.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[str, str] = {}
        self._rooms: dict[str, str] = {}  # by the id of a folder or an item
        self._disputed: set[str] = set()

    @property
    def disputed(self) -> Set[str]:
        """Rooms with a disputed folder, of which nothing may be kept: its owner is not known."""
        return frozenset(self._disputed)

    def refuse_others(self, room: str, ids: Set[str], *, are_folders: bool) -> None:
        """Record the folders that a room answered with, or some of its items.

        Raises:
            ReadError: ``OtherMailbox`` if another room has one too, or there are several folders.
        """
        with self._lock:
            others = {self._rooms.setdefault(each, room) for each in ids} - {room}
            if are_folders and {self._folders.setdefault(room, each) for each in ids} != ids:
                others.add(room)
            if others:
                self._disputed |= {room, *others}
            if room in self._disputed:
                raise ReadError(OTHER_MAILBOX)


class Throttle:
    """Allows ``most`` requests at once; halves the limit if refused, raises it after answers.

    ``limit`` is how many may be in flight now. Thread-safe: the workers of an exchange share one.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.owners = FolderOwners()
        self._most = most
        self._clock = clock
        self._changed = threading.Condition()
        self.limit = most
        self._under_way: dict[object, float] = {}
        self._answers = 0
        self.has_answered = False
        self.is_down = False
        self.second_try = threading.Lock()
        self._refused: str | None = None
        self._slowed_at = self._held_until = float("-inf")

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Hold a slot during the block; wait for it no longer than the deadline.

        Raises:
            TimeoutError: the time is up.
        """
        with self._changed:
            # A request that outlived its deadline hangs; its slot counts as free.
            while sum(ends > self._clock() for ends in self._under_way.values()) >= self.limit:
                self._changed.wait(deadline.limit(_LONGEST_NAP_SECONDS))
            slot = object()
            self._under_way[slot] = self._clock() + deadline.remaining() + _GRACE_SECONDS
        try:
            yield
        finally:
            with self._changed:
                del self._under_way[slot]
                self._changed.notify_all()

    def refuse(self, code: str) -> None:
        """Record that the exchange refused the account: no worker sends it anything more."""
        self._refused = self._refused or code

    def raise_refusal(self) -> None:
        """Raise, if the exchange refused one of the workers.

        Raises:
            ReadError: with the code of that refusal.
        """
        if self._refused is not None:
            raise ReadError(self._refused, Reach.EXCHANGE)

    def held_seconds(self) -> float:
        """Return for how many seconds nothing may be sent; 0 or less if sending is allowed now."""
        return self._held_until - self._clock()

    def slower(self, retry_after: float | None = None) -> None:
        """Halve the limit, as the exchange is busy; hold requests for the seconds it asks for."""
        with self._changed:
            self._answers = 0
            wait = min(retry_after or 0.0, _LONGEST_HOLD_SECONDS)
            self._held_until = max(self._held_until, self._clock() + wait)
            if self._clock() - self._slowed_at >= _SECONDS_OF_ONE_REFUSAL:
                self._slowed_at = self._clock()
                self.limit = max(1, self.limit // 2)

    def answered(self) -> None:
        """Count an answer; after enough of them the limit rises by one."""
        with self._changed:
            self.has_answered = True
            self._answers += 1
            if self._answers >= _ANSWERS_TO_TRUST_AGAIN and self.limit < self._most:
                self._answers, self.limit = 0, self.limit + 1
                self._changed.notify_all()


class Session:
    """One worker's connection: when a request is sent, and whether it is sent again.

    ``busy_code`` is the code of a room whose deadline ends before the wait that the exchange asks
    for. ``token`` signs the requests; None if a password does. Send a request like this::

        for attempt in session.attempts():
            with attempt, session.sending():
                answer = ...

    Raises:
        ReadError: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(
        self,
        exchange: ExchangeSettings,
        secrets: Secrets,
        throttle: Throttle | None,
        busy_code: str,
        clock: Clock,
    ) -> None:
        silence_loggers()
        # Only an app has a tenant. Its token is for the endpoint's host.
        is_app = exchange.tenant_id is not None
        endpoint = urlsplit(exchange.endpoint)
        urls = [endpoint, *([urlsplit(exchange.authority)] if is_app else [])]
        if any(url.scheme.lower() != "https" for url in urls):
            raise ReadError("HttpsRequired", Reach.EXCHANGE)
        self._room_seconds = float(exchange.room_deadline_seconds)
        self._deadline = Deadline(clock.monotonic)
        self.throttle = throttle or Throttle(1, clock.monotonic)
        silence = self._room_seconds / _SILENCES
        self.adapter = TimedAdapter(self._deadline, silence, exchange.ca_file)
        scope = f"https://{endpoint.hostname}/.default"
        self.token = Token(exchange, secrets, scope, self.adapter) if is_app else None
        self._busy_code = busy_code
        self._sleep = clock.sleep
        self._is_second_try = self._was_refused = False
        self._attempts_left = ATTEMPTS
        self._retry_after: float | None = None

    def begin(self) -> None:
        """Start the deadline of a room.

        Raises:
            ReadError: the exchange refused the account before; nothing more is sent to it.
        """
        self.throttle.raise_refusal()
        self._deadline.start(self._room_seconds)

    def attempts(self) -> Retrying:
        """Return the attempts of one request: a few, with growing waits, within the deadline.

        An exchange that is down is tried only once: its rooms are read again later.

        Raises:
            ReadError: a permanent failure, that of the last attempt, or the one after which no
                time was left; ``DeadlineExceeded`` if the deadline cut a request short.
        """
        self._attempts_left = 1 if self.throttle.is_down else ATTEMPTS
        self._is_second_try = self._was_refused = False
        return Retrying(
            sleep=self._sleep,
            retry=retry_if_exception(self._may_succeed),
            wait=self._wait,
            stop=self._is_over,
            reraise=True,
        )

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Run the block, which sends one request, as soon as the throttle allows it.

        Raises:
            ReadError: for anything that the block raised; the exchange refused another worker, or
                asks for a pause that outlasts the room's deadline.
        """
        is_second_try, self._is_second_try = self._is_second_try, False
        # One worker at a time, so that a changed password is tried only once more in all.
        with self.throttle.second_try if is_second_try else nullcontext():
            self.throttle.raise_refusal()
            while (held := self.throttle.held_seconds()) > 0:  # the exchange asked for a pause
                if held >= self._deadline.remaining():
                    raise ReadError(self._busy_code, is_transient=True)
                self._sleep(held)
            try:
                with self.throttle.slot(self._deadline):
                    yield
            except Exception as error:  # noqa: BLE001  of any error only its code is kept
                failure = error if isinstance(error, ReadError) else ReadError.of(error)
            else:
                self.throttle.answered()
                return
            if failure.code in TOO_BUSY:
                self.throttle.slower(failure.retry_after)
            if failure.code == "HTTP401" and self.throttle.has_answered and not self._was_refused:
                # A single 401 proves nothing if the password or app worked before.
                self._is_second_try = self._was_refused = True
                if self.token is not None:
                    self.token.renew()
            may_pass = failure.is_transient or self._is_second_try
            if failure.reach is Reach.EXCHANGE and not may_pass:
                self.throttle.refuse(failure.code)
        if self._deadline.remaining() <= 0:
            failure = ReadError(DEADLINE_EXCEEDED, is_transient=True)
        raise failure

    def _may_succeed(self, error: BaseException) -> bool:
        if not isinstance(error, ReadError) or self._deadline.remaining() <= 0:
            return False
        self._retry_after = error.retry_after
        return error.is_transient or self._is_second_try

    def _is_over(self, state: RetryCallState) -> bool:
        if self._is_second_try:
            return False
        self._attempts_left -= 1
        return self._attempts_left == 0 or state.upcoming_sleep >= self._deadline.remaining()

    def _wait(self, state: RetryCallState) -> float:
        """Return a wait in seconds: at least what the server asks for, with random jitter."""
        if self._is_second_try:
            return 0.0
        # A date that is over by this machine's clock asks for no wait at all.
        asked = (self._retry_after or 0.0) * _RANDOM.uniform(1.0, 1.25)
        growing = _FIRST_WAIT_SECONDS * 2.0 ** (state.attempt_number - 1)
        return max(asked, min(growing, _LONGEST_WAIT_SECONDS) * _RANDOM.uniform(0.5, 1.0))


class SteadyView(Generic[RowT]):
    """The rows of a calendar view: steady once one request got them all, or two readings agree.

    An item that is moved while a view is read in pages or halves may be in none of them: only a
    second reading shows that.
    """

    def __init__(self) -> None:
        self.rows: Sequence[RowT] = ()
        self.is_steady = False
        self._readings = 0

    def take(self, rows: Sequence[RowT], requests: int) -> None:
        """Add a reading: its rows, and how many requests it took.

        Raises:
            ReadError: ``ViewUnsteady`` if the calendar changed during every reading;
                ``SeriesNotExpanded`` if a steady view holds a series in place of its occurrences:
                how many bookings are missing cannot be known.
        """
        now, before = (
            {(row[0], row[-1].starts_at, row[-1].ends_at) for row in each}
            for each in (rows, self.rows)
        )
        is_same = self._readings > 0 and now == before
        self._readings += 1
        self.rows, self.is_steady = rows, is_same or requests == 1
        if not self.is_steady and self._readings == _READINGS:
            raise ReadError("ViewUnsteady", is_transient=True)
        if self.is_steady and any(row[-1].kind == SERIES for row in rows):
            raise ReadError("SeriesNotExpanded")


def rows_by_id(rows: Iterable[RowT]) -> dict[str, list[RowT]]:
    """Return the rows of one view by their id; several, if rows with the same id differ.

    Equal rows count once. Rows with one id but different times are kept as different bookings:
    nothing proves that they are one, and no booking may be lost.
    """
    found: dict[str, list[RowT]] = {}
    for row in rows:
        same = found.setdefault(row[0], [])
        if row not in same:
            same.append(row)
    return found


OpenSource: TypeAlias = Callable[[ExchangeSettings, Secrets, bool, Throttle], CalendarSource]
"""Opens a separate source for one worker, as ``open_source`` does."""


def open_source(
    exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, throttle: Throttle
) -> CalendarSource:
    """Return a separate source for one worker; it connects when the first room is read.

    The workers of an exchange share a ``throttle``. Only the modules of its kind are imported:
    exchangelib takes longer to import than everything else together.

    Raises:
        ReadError: the settings cannot be used (a CA file that vanished, say).
    """
    source: Callable[..., CalendarSource] = resolve_name(exchange.source)
    return source(exchange, secrets, with_invitees=with_invitees, throttle=throttle)


def open_check(
    exchange: ExchangeSettings, secrets: Secrets, rooms: Sequence[Room], directory: Sequence[Room]
) -> SourceCheck:
    """Return the check of an exchange; ``rooms`` are its own, ``directory`` the region's.

    Raises:
        ReadError: the settings cannot be used.
    """
    check: Callable[..., SourceCheck] = resolve_name(exchange.check)
    return check(exchange, secrets, rooms, directory)
