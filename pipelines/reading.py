"""Reads the rooms of one exchange with a few workers, and turns every failure into a value.

Belongs here: worker threads, the deadline per room that holds even where a library hangs, and
who stops when. Exceptions end here: what leaves a worker is redacted rows or a code.
Does not belong here: how a room is read (``sources``), what happens to rows (``night.py``).

Threads, because a room costs a fifth of a second of waiting; one source a worker, because a
shared connection pool can deadlock when a server asks for fewer connections.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

import pyarrow as pa

from pipelines.sources.base import CalendarSource, Scope, SourceError

DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
_GRACE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class RoomRead:
    """The redacted rows of one room; ``read_at`` is when its reading began."""

    room_id: str
    read_at: datetime
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class RoomFailed:
    """A room that could not be read; ``code`` is all that is known and all that may be."""

    room_id: str
    code: str


Outcome: TypeAlias = RoomRead | RoomFailed
ReadRoom: TypeAlias = Callable[[CalendarSource, str, datetime], pa.Table]


@dataclass(frozen=True)
class Reading:
    """What is to be read from one exchange.

    ``read_room`` takes a source, a room_id and the instant of reading, and returns redacted
    rows: raw items never leave its frame.
    """

    room_ids: Sequence[str]
    open_source: Callable[[], CalendarSource] = field(repr=False)
    read_room: ReadRoom = field(repr=False)
    workers: int = 4
    room_deadline_seconds: float = 120.0


def read_rooms(readings: Sequence[Reading]) -> Iterator[Outcome]:
    """Yield one outcome for every room of every exchange, in the order in which they end.

    The exchanges are read side by side. At most as many tables as there are workers wait to
    be taken, so memory does not grow with the number of rooms.
    """
    outcomes: queue.Queue[tuple[_Worker, Outcome]] = queue.Queue(
        maxsize=max(1, sum(reading.workers for reading in readings))
    )
    crews = [_Crew(reading, outcomes) for reading in readings if reading.room_ids]
    try:
        for crew in crews:
            crew.start()
        while any(crew.is_busy() for crew in crews):
            try:
                worker, outcome = outcomes.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                for crew in crews:
                    yield from crew.give_up_on_hung_workers()
                continue
            yield from worker.crew.accept(worker, outcome)
    finally:
        for crew in crews:
            crew.stop()


class _Worker(threading.Thread):
    """One thread with one source; a daemon, since nothing can end a thread that hangs."""

    def __init__(self, crew: "_Crew") -> None:
        super().__init__(name="room-reader", daemon=True)
        self.crew = crew
        self.room_id: str | None = None
        self.due_at = float("inf")

    def run(self) -> None:
        source: CalendarSource | None = None
        while (room_id := self.crew.next_room(self)) is not None:
            source, outcome, scope = _attempt(self.crew.reading, source, room_id)
            self.crew.report(self, outcome, scope)
        if source is not None:
            _close(source)


class _Crew:
    """The workers of one exchange, and the rooms that they have left to read."""

    def __init__(self, reading: Reading, outcomes: "queue.Queue[tuple[_Worker, Outcome]]") -> None:
        self.reading = reading
        self._outcomes = outcomes
        self._lock = threading.Condition()
        self._waiting = list(reversed(reading.room_ids))
        self._unread = set(reading.room_ids)
        self._workers: set[_Worker] = set()
        self._is_proven = False
        self._is_stopped = False
        self._stop_code: str | None = None

    def start(self) -> None:
        for _ in range(min(self.reading.workers, len(self.reading.room_ids))):
            self._hire()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            self._waiting.clear()
            self._lock.notify_all()

    def is_busy(self) -> bool:
        return bool(self._unread)

    def next_room(self, worker: _Worker) -> str | None:
        """Hand out a room; the first one alone, so that a wrong password is tried only once."""
        with self._lock:
            self._lock.wait_for(
                lambda: self._is_proven or not self._waiting or not self._is_anyone_reading()
            )
            if not self._waiting or worker not in self._workers:
                return None
            worker.room_id = self._waiting.pop()
            worker.due_at = time.monotonic() + self.reading.room_deadline_seconds + _GRACE_SECONDS
            return worker.room_id

    def report(self, worker: _Worker, outcome: Outcome, scope: Scope) -> None:
        with self._lock:
            worker.due_at = float("inf")
            if scope is Scope.EXCHANGE and isinstance(outcome, RoomFailed):
                self._stop_code = self._stop_code or outcome.code
                self._waiting.clear()
            self._is_proven = True
            self._lock.notify_all()
        while not self._is_stopped:
            with suppress(queue.Full):
                self._outcomes.put((worker, outcome), timeout=_POLL_SECONDS)
                return

    def accept(self, worker: _Worker, outcome: Outcome) -> Iterator[Outcome]:
        if worker in self._workers and outcome.room_id in self._unread:
            self._unread.discard(outcome.room_id)
            yield outcome
        yield from self._rooms_left_by_a_stop()

    def give_up_on_hung_workers(self) -> Iterator[Outcome]:
        """Fail the rooms whose reading outlived its deadline; their threads are left behind."""
        now = time.monotonic()
        with self._lock:
            hung = [worker for worker in self._workers if worker.due_at < now]
            self._workers.difference_update(hung)
            self._is_proven = self._is_proven or bool(hung)
            self._lock.notify_all()
        for worker in hung:
            self._hire()
            if worker.room_id in self._unread:
                self._unread.discard(worker.room_id)
                yield RoomFailed(worker.room_id, DEADLINE_EXCEEDED)

    def _rooms_left_by_a_stop(self) -> Iterator[Outcome]:
        if self._stop_code is None:
            return
        in_hand = {worker.room_id for worker in self._workers}
        for room_id in sorted(self._unread - in_hand):
            self._unread.discard(room_id)
            yield RoomFailed(room_id, self._stop_code)

    def _is_anyone_reading(self) -> bool:
        return any(worker.due_at != float("inf") for worker in self._workers)

    def _hire(self) -> None:
        worker = _Worker(self)
        self._workers.add(worker)
        worker.start()


def _attempt(
    reading: Reading, source: CalendarSource | None, room_id: str
) -> tuple[CalendarSource | None, Outcome, Scope]:
    """Read one room; whatever is raised becomes a code, since texts may carry raw values."""
    read_at = datetime.now(UTC)
    try:
        source = source or reading.open_source()
        rows = reading.read_room(source, room_id, read_at)
    except SourceError as error:
        return source, RoomFailed(room_id, error.code), error.scope
    except Exception as error:  # noqa: BLE001 - one room's surprise is one room's failure
        return source, RoomFailed(room_id, type(error).__name__), Scope.ROOM
    return source, RoomRead(room_id, read_at, rows), Scope.ROOM


def _close(source: CalendarSource) -> None:
    with suppress(Exception):  # the rooms are read, and a text may carry raw values
        source.close()
