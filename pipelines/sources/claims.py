"""Which room answered with which calendar folder: no two rooms have the same one.

Belongs here: what the workers of an exchange saw, and which rooms contradict each other.
Does not belong here: what becomes of such rooms (``pipelines/night.py``). Ids stay in memory.
"""

import threading
from collections.abc import Set
from typing import Final

OTHER_MAILBOX: Final = "OtherMailbox"


class Claims:
    """The folder of each room, as the first answer gave it. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[str, str] = {}
        self._rooms: dict[str, str] = {}
        self._disputed: set[str] = set()

    @property
    def disputed(self) -> Set[str]:
        """Rooms of which nothing may be kept; whose folder it is, the first to come cannot tell."""
        return frozenset(self._disputed)

    def is_only(self, room: str, folder_ids: Set[str]) -> bool:
        """Take note of the folders that a room answered with; tell whether they are its own."""
        with self._lock:
            others = {self._rooms.setdefault(folder_id, room) for folder_id in folder_ids} - {room}
            its_own = {self._folders.setdefault(room, folder_id) for folder_id in folder_ids}
            if others or its_own != folder_ids:
                self._disputed |= {room, *others}
            return room not in self._disputed
