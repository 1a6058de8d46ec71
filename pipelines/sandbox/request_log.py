"""What the simulated server was asked, for tests to look at.

Belongs here: a thread-safe record of requests and of how many were served at once.
Does not belong here: anything that a real server would write to its logs.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One request: ``mailbox`` is the address it was about (lower case, empty if none).

    ``count`` is the number of items (folders, rooms) in the answer, ``status`` the HTTP status
    (0 if none was sent), ``code`` the first response code that is not NoError.
    """

    operation: str
    mailbox: str
    count: int = 0
    status: int = 200
    code: str = ""


class RequestLog:
    """The latest requests, oldest first; iterate over it or count by operation."""

    def __init__(self, most: int = 200_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._now = 0
        self.most_at_once = 0

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def now(self) -> int:
        """Requests that are being served at this moment."""
        return self._now

    def add(self, entry: Entry) -> None:
        """Keep one request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._entries.clear()
            self.most_at_once = self._now

    def operations(self, mailbox: str | None = None) -> list[str]:
        """Return the names of the operations asked for, in order, of one mailbox or of all."""
        wanted = None if mailbox is None else mailbox.casefold()
        return [each.operation for each in self if wanted is None or each.mailbox == wanted]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Count a request as being served for as long as the block lasts."""
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1
