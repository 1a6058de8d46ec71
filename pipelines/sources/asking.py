"""One request of a source: at the exchange's pace, and sent again where that may help.

Belongs here: what EWS and Graph do alike around a request: taking turns, renewing a token,
telling the other workers of a refusal, and letting nothing out but a code.
Does not belong here: what is asked (``ews.py``, ``graph_client.py``), what a failure means
(``ews_failures.py``, ``graph_failures.py``), how often and how long to wait (``retry.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pipelines.sources.base import Scope, SourceError
from pipelines.sources.oauth import Token
from pipelines.sources.pace import Pace
from pipelines.sources.retry import ATTEMPTS, Deadline, Failure, Retry

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends the requests of one worker.

    ``as_failure`` says what an error means. ``patience`` is the code of a room that may not take
    as long as the exchange wants to be left alone. ``token`` signs the requests, None where a
    password does.
    """

    deadline: Deadline
    retry: Retry
    pace: Pace
    sleep: Callable[[float], None]
    token: Token | None
    as_failure: Callable[[Exception], Failure]
    patience: str

    def begin(self, seconds: float) -> None:
        """Start a room's time.

        Raises:
            Failure: the exchange refused the account before; it is not asked again.
        """
        self.pace.raise_refusal()
        self.deadline.start(seconds)

    def ask(self, request: Callable[[], T]) -> T:
        """Return what the request returns, after bounded retries.

        Raises:
            Failure: as ``Retry.run``; the exchange refused another worker.
        """
        attempts = 1 if self.pace.is_down else ATTEMPTS
        return self.retry.run(lambda: self._attempt(request), attempts)

    def _attempt(self, request: Callable[[], T], *, is_second: bool = False) -> T:
        """Send a request, and once more where a password or token that used to work is refused."""
        self.pace.raise_refusal()
        self._wait_while_held()
        try:
            with self.pace.turn(self.deadline):
                answer = request()
        except Exception as error:  # noqa: BLE001  whatever it is, only its name may leave
            failure = self.as_failure(error)
        else:
            self.pace.answered()
            if self.token is not None:
                self.token.accept()
            return answer
        if failure.code in _TOO_BUSY:
            self.pace.slower(failure.wait_seconds)
        if failure.code == "HTTP401" and not is_second and self._is_worth_another_try():
            # One worker after the other: a password that was changed is tried once more in all.
            with self.pace.second_try:
                return self._attempt(request, is_second=True)
        if failure.scope is Scope.EXCHANGE and not failure.is_transient:
            self.pace.refuse(failure.code)
        raise failure

    def _is_worth_another_try(self) -> bool:
        """Tell whether the credential worked before: a single 401 in a night proves nothing."""
        return self.pace.has_answered if self.token is None else self.token.renew()

    def _wait_while_held(self) -> None:
        """Wait for as long as the exchange asked any worker to.

        Raises:
            Failure: if the room may not take that long.
        """
        while (held := self.pace.held_seconds()) > 0:
            if held >= self.deadline.remaining():
                raise Failure(self.patience, is_transient=True)
            self.sleep(held)


def leaving(work: Callable[[], T], as_failure: Callable[[Exception], Failure] = as_failure) -> T:
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
        code, scope, is_passing = failure.code, failure.scope, failure.is_transient
        del failure
    raise SourceError(code, scope, is_passing=is_passing)
