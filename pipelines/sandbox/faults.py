"""For tests: faults, which can be switched on for a room or the server, and the request log."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    # On the wire. A fault without a room strikes before the password is checked.
    "http",  # `status` and `body` instead of an answer, Retry-After if `retry_after` is given
    "reset",  # the connection is reset instead of an answer
    "stall",  # the answer stops at `at_byte` for `seconds` or until the server stops
    "hang_up",  # the connection closes at `at_byte`, though Content-Length promised more
    "cut",  # the XML ends at `at_byte`, with a Content-Length to match
    "latency",  # the answer takes `seconds` longer
    "stale",  # the connection's previous answer comes again instead
    # Errors that Exchange reports.
    "soap_fault",  # `code` as a SOAP fault, HTTP 500
    "response_code",  # `code` in a response message, HTTP 200; over Graph with `status`
    "too_many_at_once",  # SOAP fault `code` while more than `limit` requests are being served
    "item_refused",  # GetItem reports `code` for the items that `which` picks
    # Answers that look right.
    "short_list",  # the first `limit` items, and IncludesLastItemInRange="false"
    "silent_short_list",  # the first `limit` items, as if complete; TotalItemsInView is larger
    "shuffle",  # items in random order
    "inclusive_edges",  # also items that only touch the window
    "duplicates",  # every item twice
    "other_folder",  # items claim to be in another folder
    "other_mailbox",  # the items of the mailbox `mailbox` instead of those requested
    "invalid_characters",  # names and subjects begin with &#x1B;, which XML 1.0 forbids
    # Graph's pages.
    "repeated_link",  # the link to the next page leads back to this one
    "foreign_link",  # the link to the next page leads to another host
]


@dataclass
class Fault:
    """One fault. ``room`` (an address) or ``operation`` (``FindItem``) None means any.

    It lets ``after`` requests (for item_refused: items) pass, then strikes ``times`` times, or
    always if that is None; ``struck`` counts. ``at_byte`` is a position in the answer's XML, None
    its middle. ``which`` picks items. ``back_off_milliseconds`` goes with ErrorServerBusy.
    """

    kind: Kind
    room: str | None = None
    operation: str | None = None
    times: int | None = None
    after: int = 0
    code: str = "ErrorServerBusy"
    back_off_milliseconds: int | None = None
    status: int = 503
    retry_after: str | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    at_byte: int | None = None
    seconds: float = 60.0
    limit: int = 0
    mailbox: str = ""
    which: Callable[[Any], bool] = lambda _item: True
    struck: int = 0

    def concerns(self, kind: Kind, mailbox: str, operation: str) -> bool:
        """Tell whether this fault applies to such a request."""
        return (
            self.kind == kind
            and (self.room is None or self.room.casefold() == mailbox)
            and self.operation in (None, operation)
        )

    def values(self) -> dict[str, str]:
        """Return the values for the error's MessageXml."""
        if self.back_off_milliseconds is None:
            return {}
        return {"BackOffMilliseconds": str(self.back_off_milliseconds)}

    def strikes(self) -> bool:
        """Count a request to which this fault applies; tell whether the fault strikes it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are on. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Turn a fault on, and return it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Turn all faults off."""
        with self._lock:
            self._faults.clear()

    def take(
        self, kind: Kind, mailbox: str, operation: str, item: object = None, now: float = inf
    ) -> Fault | None:
        """Return the fault that strikes this request (or item), and count it.

        ``mailbox`` is an address in lower case, empty if the request is for none; ``now`` is how
        many requests are being served, for too_many_at_once.
        """
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                is_meant = fault.concerns(kind, mailbox, operation) and now > fault.limit
                if is_meant and (item is None or fault.which(item)) and fault.strikes():
                    return fault
        return None


@dataclass(frozen=True)
class Entry:
    """One request: ``mailbox`` is the address it was for (lower case, empty if none).

    ``count`` is the number of items (folders, rooms) in the answer, ``status`` the HTTP status
    (0 if none was sent), ``code`` the first response code other than NoError.
    """

    operation: str
    mailbox: str
    count: int = 0
    status: int = 200
    code: str = ""


class RequestLog:
    """The latest requests, oldest first; ``now`` is how many are being served at this moment."""

    def __init__(self, most: int = 200_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=most)
        self._lock = threading.Lock()
        self.now = 0
        self.most_at_once = 0

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Add one request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget all requests so far."""
        with self._lock:
            self._entries.clear()
            self.most_at_once = self.now

    def operations(self, mailbox: str | None = None) -> list[str]:
        """Return the names of the requested operations, in order, for one mailbox or for all."""
        wanted = None if mailbox is None else mailbox.casefold()
        return [each.operation for each in self if wanted is None or each.mailbox == wanted]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Count a request as being served while the block runs."""
        with self._lock:
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1
