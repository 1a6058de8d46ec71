"""A lock that is an object: whoever holds it renews it, and a dead holder's runs out.

Every step is a compare-and-swap by the object's tag, so that of two only one succeeds. How old a
lease is, the store's own clock says, never a machine's. The lease also carries the name of what
its holder has committed and not yet put in place: a holder that lost its lease can commit nothing.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TypeAlias
from uuid import uuid4

from warehouse.storage.base import WarehouseError

Tag: TypeAlias = dict[str, str | None]
"""What names one content of an object: its ``e_tag``, and its ``version`` where there are any."""
_SLACK_SECONDS: Final = 2.0  # stores tell whole seconds
_ATTEMPTS: Final = 3


class Found(NamedTuple):
    """A small object as it is: its content, what a swap names it by, and when the store took it."""

    content: bytes
    tag: Tag
    changed_at: datetime


class Swaps(Protocol):
    """What a lease needs of a store."""

    def look_at(self, key: str) -> Found | None:
        """Return a small object, None if it is missing."""

    def swap(self, key: str, content: bytes, tag: Tag | None) -> Tag | None:
        """Replace the object of that tag (None: none may be there); return its new tag.

        None if another was faster. ``content`` is unlike any before, since tags may be made of it.
        """

    def now(self) -> datetime:
        """Return the instant by the store's clock."""


class LostError(Exception):
    """The lease ran out or was taken over: its holder may write no more."""


class Lease:
    """One holding of a lock. ``is_lost`` is told by ``check`` before each write.

    ``committed`` is what the holder, or a dead one before it, has yet to put in place.
    """

    seconds = 60.0
    """How long a holder may be silent; it renews the lease six times as often."""

    def __init__(self, store: Swaps, key: str) -> None:
        self.committed: str | None = None
        self._store, self._key = store, key
        self._holder = uuid4().hex
        self._tag: Tag | None = None
        self._renewals = 0
        self._good_until = 0.0
        self._turn = threading.Lock()
        self._is_over = threading.Event()

    @contextmanager
    def held(self, busy: Exception) -> Iterator["Lease"]:
        """Hold the lock and keep renewing it; raise ``busy`` at once if anyone else holds it."""
        if not any(self._take() for _ in range(_ATTEMPTS)):
            raise busy
        renewing = threading.Thread(target=self._keep_renewing, daemon=True)
        renewing.start()
        try:
            yield self
        finally:
            self._is_over.set()
            renewing.join()
            if not self._is_lost():
                with suppress(WarehouseError):  # it runs out by itself
                    self._write(is_free=True)

    def check(self) -> None:
        """Refuse to go on once another may hold the lock.

        Raises:
            LostError: it is lost.
        """
        if self._is_lost():
            raise LostError

    def commit(self, name: str | None) -> None:
        """Let ``name`` be what is to be put in place, whoever holds the lock by then.

        Raises:
            LostError: another holds the lock: nothing was committed.
        """
        self.committed = name
        if not self._write(is_free=False):
            raise LostError

    def _take(self) -> bool:
        found = self._store.look_at(self._key)
        if found is not None:
            state = json.loads(found.content)
            if not state["is_free"] and not self._has_run_out(found):
                return False
            self.committed = state["committed"]
            self._tag = found.tag
        return self._write(is_free=False)

    def _has_run_out(self, found: Found) -> bool:
        age = (self._store.now() - found.changed_at).total_seconds()
        return age > self.seconds + _SLACK_SECONDS

    def _write(self, *, is_free: bool) -> bool:
        with self._turn:
            self._renewals += 1
            state = {
                "holder": self._holder,
                "renewals": self._renewals,
                "is_free": is_free,
                "committed": self.committed,
            }
            began = time.monotonic()
            tag = self._store.swap(self._key, json.dumps(state).encode(), self._tag)
            if tag is None:
                self._good_until = 0.0
                return False
            self._tag, self._good_until = tag, began + self.seconds
            return True

    def _is_lost(self) -> bool:
        return time.monotonic() > self._good_until - self.seconds / 4

    def _keep_renewing(self) -> None:
        while not self._is_over.wait(self.seconds / 6):
            try:
                if not self._write(is_free=False):
                    return
            except WarehouseError:  # the next try may succeed; ``check`` says when it is too late
                continue
