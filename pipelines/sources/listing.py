"""A room as an Exchange lists it, whichever protocol tells of it.

Belongs here: what room lists (EWS) and places (Graph) say of a room.
Does not belong here: asking for it (``ews_check.py``, ``graph_check.py``), the operator's own
directory (``pipelines/settings``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ListedRoom:
    """A room by its address and name; room lists of EWS tell no more than that."""

    address: str = field(repr=False)
    name: str = field(repr=False)
    capacity: int | None = None
    building: str | None = field(default=None, repr=False)
    floor: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)
    tags: Sequence[str] = field(default=(), repr=False)
