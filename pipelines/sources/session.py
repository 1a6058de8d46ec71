"""One exchange, as its workers see it: whether another request may be sent, and what became of it.

Belongs here: the failure of a request and its retry, the deadline of a room, the throttle that an
exchange's workers share (slots, holds, a refusal, which folder is whose), and whether a calendar
view is whole. What EWS and Graph do alike is done here once.
Does not belong here: what is asked (``ews.py``, ``graph_client.py``), what a refusal means
(``ews_failures.py``, ``graph_failures.py``).
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from pipelines.sources.base import Scope, SourceError
from transforms.raw import SERIES, RawItem

T = TypeVar("T")

DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
ATTEMPTS: Final = 5
_FIRST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 30.0
_UNIFORM: Final = secrets.SystemRandom().uniform


class Failure(Exception):  # noqa: N818  it becomes a SourceError, or is asked again
    """One request that failed.

    ``code`` is all that leaves the source. ``wait_seconds`` is what the server asked for, None
    if it named nothing.
    """

    def __init__(
        self,
        code: str,
        *,
        scope: Scope = Scope.ROOM,
        is_transient: bool = False,
        wait_seconds: float | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.scope = scope
        self.is_transient = is_transient
        self.wait_seconds = wait_seconds


class Deadline:
    """The end of the time that a room may take; everything that waits asks it how much is left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = float("inf")

    def start(self, seconds: float) -> None:
        """Begin anew: from now on ``seconds`` are left."""
        self._ends_at = self._clock() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, negative when the time is up."""
        return self._ends_at - self._clock()

    def limit(self, seconds: float) -> float:
        """Return how long one wait of at most ``seconds`` may take.

        Raises:
            TimeoutError: the time is up.
        """
        remaining = self.remaining()
        if remaining <= 0:
            raise TimeoutError
        return min(seconds, remaining)


class Retry:
    """Repeats a request that failed for a passing reason, a few times and within the deadline."""

    def __init__(
        self,
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = _UNIFORM,
    ) -> None:
        self._deadline = deadline
        self._sleep = sleep
        self._jitter = jitter
        self._failure: Failure | None = None

    def run(self, ask: Callable[[], T], attempts: int = ATTEMPTS) -> T:
        """Return what ``ask`` returns.

        Raises:
            Failure: permanent, or the last of several, or the one after which no time was left;
                ``DeadlineExceeded`` where the deadline itself cut a request short.
        """

        def is_over(state: RetryCallState) -> bool:
            is_late = state.upcoming_sleep >= self._deadline.remaining()
            return state.attempt_number >= attempts or is_late

        retrying = Retrying(
            sleep=self._sleep,
            retry=retry_if_exception(self._is_worth_it),
            wait=self._wait_before_next,
            stop=is_over,
            reraise=True,
        )
        try:
            return retrying(ask)
        except Failure:
            if self._deadline.remaining() <= 0:
                raise Failure(DEADLINE_EXCEEDED, is_transient=True) from None
            raise

    def _is_worth_it(self, error: BaseException) -> bool:
        self._failure = error if isinstance(error, Failure) else None
        is_transient = self._failure is not None and self._failure.is_transient
        return is_transient and self._deadline.remaining() > 0

    def _wait_before_next(self, state: RetryCallState) -> float:
        attempt = state.attempt_number - 1
        return self._wait(self._failure, attempt) if self._failure else 0.0

    def _wait(self, failure: Failure, attempt: int) -> float:
        """Return a wait in seconds: never shorter than the server asked, never in step."""
        if failure.wait_seconds is not None:
            return failure.wait_seconds * self._jitter(1.0, 1.25)
        longest = min(_FIRST_WAIT_SECONDS * 2.0**attempt, _LONGEST_WAIT_SECONDS)
        return longest * self._jitter(0.5, 1.0)


OTHER_MAILBOX: Final = "OtherMailbox"


class FolderOwners:
    """The folder of each room, as the first answer gave it. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[str, str] = {}
        self._rooms: dict[str, str] = {}
        self._disputed: set[str] = set()

    @property
    def disputed(self) -> Set[str]:
        """Rooms of which nothing may be kept; whose folder it is, the first to come cannot tell."""
        return frozenset(self._disputed)

    def is_only(self, room: str, folder_ids: Set[str]) -> bool:
        """Take note of the folders that a room answered with; tell whether they are its own."""
        with self._lock:
            others = {self._rooms.setdefault(folder_id, room) for folder_id in folder_ids} - {room}
            its_own = {self._folders.setdefault(room, folder_id) for folder_id in folder_ids}
            if others or its_own != folder_ids:
                self._disputed |= {room, *others}
            return room not in self._disputed


_ANSWERS_TO_TRUST_AGAIN: Final = 20
_SECONDS_OF_ONE_REFUSAL: Final = 1.0  # what several workers hear at once is one refusal
_LONGEST_NAP_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 5.0
_LONGEST_HOLD_SECONDS: Final = 300.0  # what Exchange asks for at most; one odd answer asks for days


class Throttle:
    """Lets ``most`` requests be under way; half as many after a refusal, one more after answers.

    Safe for threads: each worker's source is given the same one.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.owners = FolderOwners()
        self._most = most
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = most
        self._under_way: dict[object, float] = {}
        self._answers = 0
        self.has_answered = False
        self.is_down = False
        self.second_try = threading.Lock()
        self._refused: str | None = None
        self._slowed_at = self._held_until = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return self._limit

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Hold one of the places for the block; wait for it no longer than the deadline.

        Raises:
            TimeoutError: the time is up.
        """
        with self._changed:
            while self._at_once() >= self._limit:
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
        """Take note that the exchange refused the account: no worker asks it again."""
        self._refused = self._refused or code

    def raise_refusal(self) -> None:
        """Do nothing, unless the exchange refused one of the workers.

        Raises:
            Failure: with the code of that refusal.
        """
        if self._refused is not None:
            raise Failure(self._refused, scope=Scope.EXCHANGE)

    def held_seconds(self) -> float:
        """Return for how long nothing should be asked, 0 or less if it may be asked now."""
        return self._held_until - self._clock()

    def slower(self, wait_seconds: float | None = None) -> None:
        """Take note that the exchange is busy, and of the wait that it asks for."""
        with self._changed:
            self._answers = 0
            wait = min(wait_seconds or 0.0, _LONGEST_HOLD_SECONDS)
            self._held_until = max(self._held_until, self._clock() + wait)
            if self._clock() - self._slowed_at >= _SECONDS_OF_ONE_REFUSAL:
                self._slowed_at = self._clock()
                self._limit = max(1, self._limit // 2)

    def answered(self) -> None:
        """Take note of an answer."""
        with self._changed:
            self.has_answered = True
            self._answers += 1
            if self._answers >= _ANSWERS_TO_TRUST_AGAIN and self._limit < self._most:
                self._answers, self._limit = 0, self._limit + 1
                self._changed.notify_all()

    def _at_once(self) -> int:
        """Count the requests under way; one that outlived its deadline hangs and takes no place."""
        now = self._clock()
        return sum(due_at > now for due_at in self._under_way.values())


_TOO_BUSY: Final = frozenset(
    {
        *("ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened"),
        *("HTTP429", "HTTP503"),
    }
)
"""Refusals that mean that fewer requests at once would be welcome."""


def as_failure(error: Exception) -> Failure:
    """Return what may leave of anything that was raised on the way."""
    return error if isinstance(error, Failure) else Failure(type(error).__name__)


class Renewable(Protocol):
    """What signs requests, and can be made anew: a token."""

    def accept(self) -> None:
        """Remember that the server took it."""

    def renew(self) -> bool:
        """Drop one that used to work; return False if it never did."""


@dataclass(frozen=True, slots=True)
class Requester:
    """Sends the requests of one worker.

    ``as_failure`` says what an error means. ``patience`` is the code of a room that may not take
    as long as the exchange wants to be left alone. ``token`` signs the requests, None where a
    password does.
    """

    deadline: Deadline
    retry: Retry
    throttle: Throttle
    sleep: Callable[[float], None]
    token: Renewable | None
    as_failure: Callable[[Exception], Failure]
    patience: str

    def begin(self, seconds: float) -> None:
        """Start a room's time.

        Raises:
            Failure: the exchange refused the account before; it is not asked again.
        """
        self.throttle.raise_refusal()
        self.deadline.start(seconds)

    def send(self, request: Callable[[], T]) -> T:
        """Return what the request returns, after bounded retries.

        Raises:
            Failure: as ``Retry.run``; the exchange refused another worker.
        """
        attempts = 1 if self.throttle.is_down else ATTEMPTS
        return self.retry.run(lambda: self._attempt(request), attempts)

    def _attempt(self, request: Callable[[], T], *, is_second: bool = False) -> T:
        """Send a request, and once more where a password or token that used to work is refused."""
        self.throttle.raise_refusal()
        self._wait_while_held()
        try:
            with self.throttle.slot(self.deadline):
                answer = request()
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = self.as_failure(error)
        else:
            self.throttle.answered()
            if self.token is not None:
                self.token.accept()
            return answer
        if failure.code in _TOO_BUSY:
            self.throttle.slower(failure.wait_seconds)
        if failure.code == "HTTP401" and not is_second and self._is_worth_another_try():
            # One worker after the other: a password that was changed is tried once more in all.
            with self.throttle.second_try:
                return self._attempt(request, is_second=True)
        if failure.scope is Scope.EXCHANGE and not failure.is_transient:
            self.throttle.refuse(failure.code)
        raise failure

    def _is_worth_another_try(self) -> bool:
        """Tell whether the credential worked before: a single 401 in a night proves nothing."""
        return self.throttle.has_answered if self.token is None else self.token.renew()

    def _wait_while_held(self) -> None:
        """Wait for as long as the exchange asked any worker to.

        Raises:
            Failure: if the room may not take that long.
        """
        while (held := self.throttle.held_seconds()) > 0:
            if held >= self.deadline.remaining():
                raise Failure(self.patience, is_transient=True)
            self.sleep(held)


def ending_in_a_code(
    work: Callable[[], T], as_failure: Callable[[Exception], Failure] = as_failure
) -> T:
    """Do the work of a source; let nothing out but a code.

    The error is raised outside of the handler, so that it carries neither the library's error
    nor its frames.

    Raises:
        SourceError: whatever was raised, by its name.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
        failure = as_failure(error)
        code, scope, is_transient = failure.code, failure.scope, failure.is_transient
        del failure
    raise SourceError(code, scope, is_transient=is_transient)


RowT = TypeVar("RowT", bound="tuple[object, ...]")

_READINGS: Final = 4


def rows_by_id(rows: Iterable[RowT]) -> dict[str, list[RowT]]:
    """Return the rows of one view by their id, each of several that differ under one id.

    A row that comes twice is one. Two times under one id are two bookings, until a server shows
    that they are not: a list is never made shorter.
    """
    found: dict[str, list[RowT]] = {}
    for row in rows:
        same = found.setdefault(str(row[0]), [])
        if row not in same:
            same.append(row)
    return found


def steady_rows(read: Callable[[], tuple[list[RowT], int]]) -> list[RowT]:
    """Return the rows of a view that took several requests once two readings agree.

    ``read`` returns the rows and how many requests they took. An item that moves between two
    pages, or two halves of a view, while they are read may be in neither: a second reading tells.

    Raises:
        Failure: ``ViewUnsteady``: the calendar changed during every reading.
    """
    rows, requests = read()
    for _ in range(_READINGS - 1):
        if requests == 1:
            return rows
        again, requests = read()
        if {_when(row) for row in again} == {_when(row) for row in rows}:
            return again
        rows = again
    if requests == 1:
        return rows
    raise Failure("ViewUnsteady", is_transient=True)


def refuse_series(items: Iterable[RawItem]) -> None:
    """Do nothing, unless a view holds a series in place of its occurrences.

    Raises:
        Failure: ``SeriesNotExpanded``: how many bookings are missing cannot be known.
    """
    if any(item.kind == SERIES for item in items):
        raise Failure("SeriesNotExpanded")


def _when(row: Sequence[object]) -> tuple[object, ...]:
    item = row[-1]
    return (row[0], item.starts_at, item.ends_at) if isinstance(item, RawItem) else tuple(row)
