"""A lock that is an object: its holder keeps renewing it, and a dead holder's lease expires.

Every step is a compare-and-swap by the object's tag, so that only one of two can succeed. A lease's
age is measured by the store's own clock, never a machine's. The lease also names what its holder
has committed but not yet put in place: a holder that lost its lease can commit nothing.
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
"""Identifies one content of an object: its ``e_tag``, and its ``version`` if there are any."""
_SLACK_SECONDS: Final = 2.0  # stores give whole seconds
_ATTEMPTS: Final = 3


class Found(NamedTuple):
    """A small object: its content, the tag to swap it by, and when the store last changed it."""

    content: bytes
    tag: Tag
    changed_at: datetime


class Swaps(Protocol):
    """What a lease needs of a store."""

    def look_at(self, key: str) -> Found | None:
        """Return a small object, None if it is missing."""

    def swap(self, key: str, content: bytes, tag: Tag | None) -> Tag | None:
        """Replace the object that has the tag (None: there must be none); return its new tag.

        None if another was faster. ``content`` must be unique, since tags may be made from it.
        """

    def now(self) -> datetime:
        """Return the time by the store's clock."""


class Lease:
    """One holding of a lock. Call ``check`` before each write: it raises ``lost`` if it is lost.

    It is lost if it expired or was taken over: its holder may write no more.
    ``committed`` is what this holder, or a dead one before it, has yet to put in place.
    """

    seconds = 60.0
    """How long a holder may be silent; it renews its lease six times as often."""

    def __init__(self, store: Swaps, key: str, lost: WarehouseError) -> None:
        self.committed: str | None = None
        self._store, self._key, self._lost = store, key, lost
        self._holder = uuid4().hex
        self._tag: Tag | None = None
        self._renewals = 0
        self._good_until = 0.0
        self._turn = threading.Lock()
        self._is_over = threading.Event()

    @contextmanager
    def held(self, busy: WarehouseError) -> Iterator["Lease"]:
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
                with suppress(WarehouseError):  # it expires by itself
                    self._write(is_free=True)

    def check(self) -> None:
        """Raise ``lost`` once another may hold the lock."""
        if self._is_lost():
            raise self._lost

    def commit(self, name: str | None) -> None:
        """Record ``name`` as what must be put in place, by whoever holds the lock then.

        Raises:
            WarehouseError: another holds the lock (``lost``), or the store cannot be reached:
                nothing was committed.
        """
        former, self.committed = self.committed, name
        try:
            is_written = self._write(is_free=False)
        except WarehouseError:
            self.committed = former  # or the next renewal would commit what is reported as failed
            raise
        if not is_written:
            raise self._lost

    def _take(self) -> bool:
        found = self._store.look_at(self._key)
        if found is not None:
            state = json.loads(found.content)
            age = (self._store.now() - found.changed_at).total_seconds()
            if not state["is_free"] and age <= self.seconds + _SLACK_SECONDS:
                return False
            self.committed = state["committed"]
            self._tag = found.tag
        return self._write(is_free=False)

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
