"""Whether what came is the whole calendar of the right room; for EWS and Graph alike.

Belongs here: rows under their ids, readings of a view that must agree, and whose folder is whose.
Does not belong here: requests (``ews.py``, ``graph.py``).
"""

import threading
from collections.abc import Iterable, Sequence, Set
from typing import Final, Generic, TypeVar

from pipelines.sources.base import ReadError
from transforms.raw import SERIES, RawItem

RowT = TypeVar("RowT", bound="tuple[str, RawItem] | tuple[str, str, RawItem]")
"""An item's id, over EWS its folder's id too, and the item; ids stay in memory."""

OTHER_MAILBOX: Final = "OtherMailbox"
_READINGS: Final = 4


class SteadyView(Generic[RowT]):
    """The rows of a calendar view; it is steady once they came at once, or two readings agree.

    An item that moves between two pages, or two halves of a view, while they are read may be in
    neither: a second reading tells.
    """

    def __init__(self) -> None:
        self.rows: Sequence[RowT] = ()
        self.is_steady = False
        self._readings = 0

    def take(self, rows: Sequence[RowT], requests: int) -> None:
        """Take the rows of a reading, and how many requests it took.

        Raises:
            ReadError: ``ViewUnsteady`` if the calendar changed during every reading;
                ``SeriesNotExpanded`` if a steady view holds a series in place of its occurrences:
                how many bookings are missing cannot be known.
        """
        is_same = self._readings > 0 and set(map(_when, rows)) == set(map(_when, self.rows))
        self._readings += 1
        self.rows, self.is_steady = rows, is_same or requests == 1
        if not self.is_steady and self._readings == _READINGS:
            raise ReadError("ViewUnsteady", is_transient=True)
        if self.is_steady and any(row[-1].kind == SERIES for row in rows):
            raise ReadError("SeriesNotExpanded")


def _when(row: RowT) -> tuple[object, ...]:
    return row[0], row[-1].starts_at, row[-1].ends_at


def rows_by_id(rows: Iterable[RowT]) -> dict[str, list[RowT]]:
    """Return the rows of one view by their id, each of several that differ under one id.

    A row that comes twice is one. Two times under one id are two bookings, until a server shows
    that they are not: a list is never made shorter.
    """
    found: dict[str, list[RowT]] = {}
    for row in rows:
        same = found.setdefault(row[0], [])
        if row not in same:
            same.append(row)
    return found


class FolderOwners:
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

    def refuse_other_mailbox(self, room: str, folder_ids: Set[str]) -> None:
        """Take note of the folders that a room answered with.

        Raises:
            ReadError: ``OtherMailbox`` if they are several, or another room's.
        """
        with self._lock:
            others = {self._rooms.setdefault(folder_id, room) for folder_id in folder_ids} - {room}
            its_own = {self._folders.setdefault(room, folder_id) for folder_id in folder_ids}
            if others or its_own != folder_ids:
                self._disputed |= {room, *others}
            if room in self._disputed:
                raise ReadError(OTHER_MAILBOX)
