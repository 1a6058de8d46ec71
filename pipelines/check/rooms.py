"""Reads next week of each room, with the workers of a night, and keeps nothing but a count.

Belongs here: the week, and how many items touch it.
Does not belong here: threads (``pipelines/reading.py``), what failures mean (``remedies.py``).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from pipelines.check.model import Target
from pipelines.night import OpenSource
from pipelines.reading import Outcome, Reading, read_rooms
from pipelines.settings import Secrets
from pipelines.sources.base import CalendarSource, Window

_AHEAD: Final = timedelta(days=7)
_PATIENCE_SECONDS: Final = 60.0  # somebody waits for the answer


def read_week(target: Target, secrets: Secrets, open_source: OpenSource) -> Iterator[Outcome[int]]:
    """Yield how many items each room has next week, or why it cannot be read, as they end.

    Nobody's name or address is asked for, whatever the region's ``headcount`` says.
    """
    exchange = target.exchange
    addresses = {room.room_id: room.address for room in target.rooms}
    reading = Reading(
        addresses=addresses,
        open_source=partial(open_source, exchange, secrets, False),
        read_room=_Counter(addresses).count,
        workers=exchange.workers,
        room_deadline_seconds=exchange.room_deadline_seconds,
        patience_seconds=_PATIENCE_SECONDS,
    )
    return read_rooms([reading])


class _Counter:
    """Counts the items of one room next week; they live in its frame only."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def count(self, source: CalendarSource, room_id: str, read_at: datetime) -> int:
        window = Window(read_at, read_at + _AHEAD)
        items = source.read(self._addresses[room_id], window)
        return sum(
            item.starts_at < window.ends_at and item.ends_at > window.starts_at for item in items
        )
