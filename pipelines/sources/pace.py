"""How many requests the workers of one exchange have under way: fewer while it says it is busy.

Belongs here: the one thing that the workers of an exchange share, which leads to the others.
Does not belong here: how long a refused request waits (``retry.py``), how many workers there are
(``pipelines/reading.py``).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pipelines.sources.base import Scope
from pipelines.sources.claims import Claims
from pipelines.sources.retry import Deadline, Failure

_ANSWERS_TO_TRUST_AGAIN: Final = 20
_SECONDS_OF_ONE_REFUSAL: Final = 1.0  # what several workers hear at once is one refusal
_LONGEST_WAIT_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 5.0
_LONGEST_HOLD_SECONDS: Final = 300.0  # what Exchange asks for at most; one odd answer asks for days


class Pace:
    """Lets ``most`` requests be under way; half as many after a refusal, one more after answers.

    Safe for threads: each worker's source is given the same one.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.claims = Claims()
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
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Hold one of the places for the block; wait for it no longer than the deadline.

        Raises:
            TimeoutError: the time is up.
        """
        with self._changed:
            while self._at_once() >= self._limit:
                self._changed.wait(deadline.limit(_LONGEST_WAIT_SECONDS))
            turn = object()
            self._under_way[turn] = self._clock() + deadline.remaining() + _GRACE_SECONDS
        try:
            yield
        finally:
            with self._changed:
                del self._under_way[turn]
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
