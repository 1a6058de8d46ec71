"""Reads the rooms of exchanges with a few workers each, and turns every failure into a value.

Belongs here: worker threads; the deadlines per room (kept even if a library hangs) and per run;
when to stop; which room gets a second attempt; and the region guard, which lets only the mailboxes
of a reading be read.
Does not belong here: how a room is read (``sources``), what happens to the result
(``night.py``, ``check``, ``compare.py``).

Workers are threads, because a room mostly waits, for a fifth of a second. Each has its own source,
because a shared connection pool can deadlock when a server asks for fewer connections.

A room that fails for a transient reason gets a second attempt after all others: most outages of a
mail server end within minutes. An exchange is left alone for the rest of the run if no room could
be read for half an hour (a check is less patient), if it refuses the account, or if it refuses all
of the first 30 rooms with a status that may concern all of them. If it is down from the first
request on, one room at a time probes it, with growing pauses, for as long as that.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, Generic, TypeAlias, TypeVar

from pipelines.sources import CalendarSource, Reach, ReadError, Window
from pipelines.sources.session import DEADLINE_EXCEEDED, Throttle
from transforms.raw import RawItem

T = TypeVar("T")

OUTSIDE_THE_REGION: Final = "OutsideTheRegion"
RUN_DEADLINE_EXCEEDED: Final = "RunDeadlineExceeded"
_GRACE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.5
# A 403 locks no account, so an admin with a few rooms without rights gets all others. Many more
# are not tried: an Exchange Online without EWS refuses every one of thousands.
_UNCLEAR_REFUSALS: Final = 30
_WEB_PAGES: Final = 3  # each is tried several times, with growing waits
_FAILURES_OF_AN_OUTAGE: Final = 3
_FIRST_PAUSE_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
_QUIET_SECONDS: Final = 30.0
_TOLD_AGAIN_SECONDS: Final = 300.0
_NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class RoomRead(Generic[T]):
    """What was read from one room: redacted rows, or a count; ``read_at`` is when reading began."""

    room_id: str
    read_at: datetime
    found: T
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class RoomFailed:
    """A room that could not be read, or is given up; nothing but its code may be kept."""

    room_id: str
    code: str
    exchange: str = ""
    is_given_up: bool = field(default=False, compare=False)


Outcome: TypeAlias = RoomRead[T] | RoomFailed
ReadRoom: TypeAlias = Callable[[CalendarSource, str, datetime], T]
Tell: TypeAlias = Callable[[str, str, float], None]
"""Takes an exchange that no room can be read from, the code, and how many seconds that may last."""


@dataclass(frozen=True)
class Reading(Generic[T]):
    """The rooms to read from one exchange, and how; ``exchange`` is its name in outcomes.

    ``addresses`` are the mailboxes by room_id; no others are read. ``open_source`` takes the
    throttle that the exchange's workers share. ``read_room`` takes a source, a room_id and the
    instant of reading, and returns what may be kept of the room: raw items never leave its frame.
    If no room could be read for ``patience_seconds``, the next transient failure ends the reading
    of this exchange.
    """

    addresses: Mapping[str, str] = field(repr=False)
    open_source: Callable[[Throttle], CalendarSource] = field(repr=False)
    read_room: ReadRoom[T] = field(repr=False)
    workers: int = 4
    room_deadline_seconds: float = 120.0
    patience_seconds: float = 1800.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    exchange: str = ""

    @cached_property
    def throttle(self) -> Throttle:
        """The throttle that the workers of the exchange share."""
        return Throttle(self.workers)

    def guarded_source(self) -> "RegionGuard":
        """Open a source for one worker that reads only the mailboxes in ``addresses``.

        Raises:
            ReadError: the settings cannot be used.
        """
        allowed = {address.casefold() for address in self.addresses.values()}
        return RegionGuard(self.open_source(self.throttle), allowed)


class RegionGuard:
    """A ``CalendarSource`` that reads only the given (casefolded) addresses and refuses others."""

    def __init__(self, source: CalendarSource, addresses: Set[str]) -> None:
        self._source = source
        self._addresses = addresses

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return what the source returns; see ``CalendarSource``.

        Raises:
            ReadError: ``OutsideTheRegion``, before anything is sent; or what the source raises.
        """
        if address.casefold() not in self._addresses:
            raise ReadError(OUTSIDE_THE_REGION)
        return self._source.read(address, window)

    def close(self) -> None:
        """Close the source."""
        self._source.close()


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """How an attempt ended; for a failure also its reach, and whether it is transient."""

    outcome: Outcome[T]
    reach: Reach = Reach.ROOM
    is_transient: bool = False

    @property
    def code(self) -> str:
        """The code of a failure; empty for a room that was read."""
        return "" if isinstance(self.outcome, RoomRead) else self.outcome.code

    @property
    def proves_the_account(self) -> bool:
        """Whether sign-in worked: a room was read, or refused with a code of Exchange's own."""
        if isinstance(self.outcome, RoomRead) or self.outcome.code.startswith("Error"):
            return True
        return self.reach is Reach.ROOM and not self.is_transient


def read_rooms(
    readings: Sequence[Reading[T]], run_deadline_seconds: float = _NEVER, tell: Tell | None = None
) -> Iterator[Outcome[T]]:
    """Yield one outcome for every room of every exchange, in the order in which they end.

    The exchanges are read in parallel. At most one outcome per worker waits to be taken, so
    memory does not grow with the number of rooms. After ``run_deadline_seconds`` every room that
    is not read yet fails with ``RunDeadlineExceeded``. While it waits for an exchange that no room
    can be read from, it says so to ``tell`` every few minutes.
    """
    ends_at = time.monotonic() + run_deadline_seconds
    outcomes: queue.Queue[tuple[_Worker[T], Outcome[T]]] = queue.Queue(
        maxsize=max(1, sum(reading.workers for reading in readings))
    )
    pools = [_WorkerPool(reading, outcomes) for reading in readings if reading.addresses]
    try:
        for pool in pools:
            pool.start()
        while any(pool.unread for pool in pools):
            remaining = ends_at - time.monotonic()
            if remaining <= 0:
                for pool in pools:
                    pool.stop()
            taken = None
            with suppress(queue.Empty):
                taken = outcomes.get(timeout=max(0.0, min(_POLL_SECONDS, remaining)))
            if taken is not None:
                worker, outcome = taken
                yield from worker.pool.accept(worker, outcome)
            for pool in pools:
                pool.tell_of_waiting(tell, remaining)
                yield from pool.give_up_on_hung_workers()
                if remaining <= 0 and taken is None:
                    yield from pool.give_up(pool.unread, RUN_DEADLINE_EXCEEDED, True)
    finally:
        for pool in pools:
            pool.stop()


class _Worker(threading.Thread, Generic[T]):
    """One thread with one source; a daemon, since a thread that hangs cannot be stopped."""

    def __init__(self, pool: "_WorkerPool[T]") -> None:
        super().__init__(name="room-reader", daemon=True)
        self.pool = pool
        self.room_id: str | None = None
        self.due_at = _NEVER
        self._source: RegionGuard | None = None

    def run(self) -> None:
        """Read rooms until none is left; turn every exception into a code.

        The text of an error may hold raw values, and an unexpected error may fail only its room.
        """
        reading = self.pool.reading
        while (room_id := self.pool.next_room(self)) is not None:
            read_at = datetime.now(UTC)
            try:
                self._source = self._source or reading.guarded_source()
                found = reading.read_room(self._source, room_id, read_at)
                ended = _Ended(RoomRead(room_id, read_at, found, reading.exchange))
            except Exception as error:  # noqa: BLE001 - see above
                failure = ReadError.of(error)
                failed = RoomFailed(room_id, failure.code, reading.exchange)
                ended = _Ended(failed, failure.reach, failure.is_transient)
            self.pool.report(self, ended)
        if self._source is not None:
            with suppress(Exception):  # the rooms are done, and its text may hold raw values
                self._source.close()


class _WorkerPool(Generic[T]):
    """The workers of one exchange, and the rooms that are left to read."""

    def __init__(
        self, reading: Reading[T], outcomes: "queue.Queue[tuple[_Worker[T], Outcome[T]]]"
    ) -> None:
        self.reading = reading
        self.throttle = reading.throttle
        self._outcomes = outcomes
        self._lock = threading.Condition()
        self._waiting = list(reversed(list(reading.addresses)))
        self.unread = set(reading.addresses)
        self._second_attempt: set[str] = set()
        self._workers: set[_Worker[T]] = set()
        self._is_proven = False
        self._is_stopped = False
        self._stop_code: str | None = None
        self._is_known_to_work = False
        self._unclear_refusals: Counter[bool] = Counter()  # by is_transient
        self._clock = reading.clock
        self._worked_at = self._clock()
        self._last_code = ""
        self._same_failures = 0
        self._pause_seconds = 0.0
        self._probe_at = self._tell_at = self._worked_at
        self._waits_by = ""

    def start(self) -> None:
        for _ in range(min(self.reading.workers, len(self.reading.addresses))):
            self._add_worker()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            self._waiting.clear()
            self._lock.notify_all()

    def next_room(self, worker: _Worker[T]) -> str | None:
        """Wait until the throttle allows one more room, and return it; None if none is left."""
        with self._lock:
            while self._waiting and not self._may_begin():
                self._lock.wait(_POLL_SECONDS)
            if not self._waiting or worker not in self._workers:
                return None
            worker.room_id = self._waiting.pop()
            worker.due_at = self._clock() + self.reading.room_deadline_seconds + _GRACE_SECONDS
            return worker.room_id

    def report(self, worker: _Worker[T], ended: _Ended[T]) -> None:
        with self._lock:
            worker.due_at = _NEVER
            is_again = self._is_to_be_read_again(worker, ended)
            self._is_proven = self._is_proven or ended.proves_the_account
            self._lock.notify_all()
        while not (is_again or self._is_stopped):
            with suppress(queue.Full):
                self._outcomes.put((worker, ended.outcome), timeout=_POLL_SECONDS)
                return

    def accept(self, worker: _Worker[T], outcome: Outcome[T]) -> Iterator[Outcome[T]]:
        if worker in self._workers and outcome.room_id in self.unread:
            self.unread.discard(outcome.room_id)
            yield outcome
        if self._stop_code is not None:
            in_hand = {each.room_id or "" for each in self._workers}
            yield from self.give_up(self.unread - in_hand, self._stop_code, True)

    def give_up_on_hung_workers(self) -> Iterator[Outcome[T]]:
        """Fail the rooms that outlived their deadline; abandon their threads, start new ones."""
        now = self._clock()
        with self._lock:
            hung = [worker for worker in self._workers if worker.due_at < now]
            self._workers.difference_update(hung)
            self._is_proven = self._is_proven or bool(hung)
            self._lock.notify_all()
        for worker in hung:
            self._add_worker()
            yield from self.give_up({worker.room_id or ""}, DEADLINE_EXCEEDED)

    def give_up(self, room_ids: Set[str], code: str, is_over: bool = False) -> Iterator[Outcome[T]]:
        """Fail rooms that are left, even those being read."""
        for room_id in sorted(room_ids & self.unread):
            self.unread.discard(room_id)
            yield RoomFailed(room_id, code, self.reading.exchange, is_over)

    def tell_of_waiting(self, tell: Tell | None, most_seconds: float) -> None:
        """Tell if nothing could be read for a while, and the last attempt may succeed later."""
        code, now, reading = self._waits_by, self._clock(), self.reading
        quiet = now - self._worked_at
        is_waiting = code and self.unread and not self._stop_code and quiet >= _QUIET_SECONDS
        if tell and is_waiting and now >= self._tell_at:
            self._tell_at = now + _TOLD_AGAIN_SECONDS
            # The failure that ends the waiting may itself take as long as a room may.
            left = reading.patience_seconds - quiet + reading.room_deadline_seconds
            tell(reading.exchange, code, min(left, most_seconds))

    def _may_begin(self) -> bool:
        """Return whether another room may be read now.

        Until sign-in has worked, only one room is read at a time, so that a wrong password is
        tried only once.
        """
        in_hand = sum(worker.due_at != _NEVER for worker in self._workers)
        if self._is_down():
            return in_hand == 0 and self._clock() >= self._probe_at
        most = self.throttle.limit if self._is_proven else 1
        return in_hand < most and self.throttle.held_seconds() <= 0

    def _is_to_be_read_again(self, worker: _Worker[T], ended: _Ended[T]) -> bool:
        room_id = ended.outcome.room_id
        self._waits_by = ended.code if ended.is_transient else ""
        if isinstance(ended.outcome, RoomRead):
            self._is_known_to_work, self._worked_at = True, self._clock()
            self._pause_seconds = 0.0
            self.throttle.is_down = False
        elif self._is_over(ended):
            self._stop_code = self._stop_code or ended.code
        is_over = self._is_stopped or self._stop_code is not None
        if is_over:
            self._waiting.clear()
        elif ended.is_transient:
            was_probe = self._is_down()
            self._note_failure(ended.code)
            if was_probe:
                worker.room_id = None
                self._waiting.append(room_id)  # it is not one of its room's two attempts
                return True
            if room_id not in self._second_attempt:
                worker.room_id = None
                self._second_attempt.add(room_id)
                self._waiting.insert(0, room_id)
                return True
        return False

    def _is_down(self) -> bool:
        return self._pause_seconds > 0

    def _note_failure(self, code: str) -> None:
        """Count a transient failure; decide when the next probe may begin.

        An exchange is down if its first rooms all fail with the same code. From then on, one room
        at a time is read as a probe, with longer and longer pauses.
        """
        self._same_failures = self._same_failures + 1 if code == self._last_code else 1
        self._last_code = code
        if self._is_known_to_work or self._same_failures < _FAILURES_OF_AN_OUTAGE:
            return
        doubled = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._pause_seconds = doubled or _FIRST_PAUSE_SECONDS
        self._probe_at = self._clock() + self._pause_seconds
        self.throttle.is_down = True

    def _is_over(self, ended: _Ended[T]) -> bool:
        """Return whether to stop: all rooms are refused, or none could be read for too long."""
        if ended.is_transient and self._clock() - self._worked_at > self.reading.patience_seconds:
            return True
        if ended.reach is Reach.UNCLEAR and not self._is_known_to_work:
            if not self._unclear_refusals:
                self._spread_waiting_rooms()
            self._unclear_refusals[ended.is_transient] += 1
            most = _WEB_PAGES if ended.is_transient else _UNCLEAR_REFUSALS
            return self._unclear_refusals[ended.is_transient] >= most
        return ended.reach is Reach.EXCHANGE and not (ended.is_transient and self._is_known_to_work)

    def _spread_waiting_rooms(self) -> None:
        """Take the next rooms from the whole directory: neighbours often lack the same right."""
        step = max(1, len(self._waiting) // _UNCLEAR_REFUSALS)
        self._waiting = [room for start in range(step) for room in self._waiting[start::step]]

    def _add_worker(self) -> None:
        worker = _Worker(self)
        with self._lock:  # other threads iterate over the workers
            self._workers.add(worker)
        worker.start()
