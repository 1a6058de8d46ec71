"""Asking again: what a failed request is, and how often and how long it is repeated.

Belongs here: the one internal failure of a source (code, reach, whether asking again may help),
the deadline of a room, and the bounded loop between them.
Does not belong here: which code means what (``ews_failures.py``, ``graph_failures.py``,
``tls.py``), what becomes of a room that failed (``pipelines/night.py``).
"""

import secrets
import time
from collections.abc import Callable
from typing import Final, TypeVar

from pipelines.sources.base import Scope

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

    def run(self, ask: Callable[[], T], attempts: int = ATTEMPTS) -> T:
        """Return what ``ask`` returns.

        Raises:
            Failure: permanent, or the last of several, or the one after which no time was left;
                ``DeadlineExceeded`` where the deadline itself cut a request short.
        """
        for attempt in range(attempts):
            try:
                return ask()
            except Failure as failure:
                if self._deadline.remaining() <= 0:
                    raise Failure(DEADLINE_EXCEEDED, is_transient=True) from None
                if not failure.is_transient or attempt == attempts - 1:
                    raise
                wait = self._wait(failure, attempt)
                if wait >= self._deadline.remaining():
                    raise
                self._sleep(wait)
        raise AssertionError("unreachable")

    def _wait(self, failure: Failure, attempt: int) -> float:
        """Return a wait in seconds: never shorter than the server asked, never in step."""
        if failure.wait_seconds is not None:
            return failure.wait_seconds * self._jitter(1.0, 1.25)
        longest = min(_FIRST_WAIT_SECONDS * 2.0**attempt, _LONGEST_WAIT_SECONDS)
        return longest * self._jitter(0.5, 1.0)
