"""One attempt to read one room, and what it ended in: redacted rows, or a code.

Belongs here: what is to be read from an exchange, and the frame in which exceptions end.
Does not belong here: threads, and whether a room is tried again (``reading.py``); how a room is
read (``sources``).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeAlias

import pyarrow as pa

from pipelines.sources.base import CalendarSource, Scope, SourceError
from pipelines.sources.session import Throttle


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

    ``open_source`` takes the throttle that the exchange's workers share. ``read_room`` takes a
    source, a room_id and the instant of reading, and returns redacted rows: raw items never
    leave its frame. ``patience_seconds`` is how long rooms may fail for passing reasons, and none
    be read, before the exchange is left alone.
    """

    room_ids: Sequence[str]
    open_source: Callable[[Throttle], CalendarSource] = field(repr=False)
    read_room: ReadRoom = field(repr=False)
    workers: int = 4
    room_deadline_seconds: float = 120.0
    patience_seconds: float = 1800.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @cached_property
    def throttle(self) -> Throttle:
        """What the workers of the exchange share."""
        return Throttle(self.workers)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended; of a failure also how far it reaches, and whether it may pass."""

    outcome: Outcome
    scope: Scope = Scope.ROOM
    is_transient: bool = False


class Reader:
    """Reads one room after the other with one source, which is opened for the first of them."""

    def __init__(self, reading: Reading, throttle: Throttle) -> None:
        self._reading = reading
        self._throttle = throttle
        self._source: CalendarSource | None = None

    def attempt(self, room_id: str) -> Ended:
        """Read one room; whatever is raised becomes a code, since texts may carry raw values."""
        read_at = datetime.now(UTC)
        try:
            self._source = self._source or self._reading.open_source(self._throttle)
            rows = self._reading.read_room(self._source, room_id, read_at)
        except SourceError as error:
            return Ended(RoomFailed(room_id, error.code), error.scope, error.is_transient)
        except Exception as error:  # noqa: BLE001 - one room's surprise is one room's failure
            return Ended(RoomFailed(room_id, type(error).__name__))
        return Ended(RoomRead(room_id, read_at, rows))

    def close(self) -> None:
        """Give back the connection."""
        if self._source is not None:
            with suppress(Exception):  # the rooms are read, and a text may carry raw values
                self._source.close()
