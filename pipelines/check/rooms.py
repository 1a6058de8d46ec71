"""Reads next week of each room, with the workers of a night, and keeps nothing but a count.

Belongs here: the week, and how many items touch it.
Does not belong here: threads (``pipelines/reading.py``), what failures mean (``remedies.py``).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import pyarrow as pa

from pipelines.check.model import Target
from pipelines.night import OpenSource
from pipelines.reading import Outcome, Reading, RoomRead, read_rooms
from pipelines.settings import Secrets
from pipelines.sources.base import CalendarSource, Window

_AHEAD: Final = timedelta(days=7)
_PATIENCE_SECONDS: Final = 60.0  # somebody waits for the answer
_ITEMS: Final = "items"


def read_week(target: Target, secrets: Secrets, open_source: OpenSource) -> Iterator[Outcome]:
    """Yield how each room of an exchange could be read, in the order in which they end.

    Nobody's name or address is asked for, whatever the region's ``headcount`` says.
    """
    exchange = target.exchange
    addresses = {room.room_id: room.address for room in target.rooms}
    reading = Reading(
        room_ids=list(addresses),
        open_source=partial(open_source, exchange, secrets, False),
        read_room=partial(_count, addresses),
        workers=exchange.workers,
        room_deadline_seconds=exchange.room_deadline_seconds,
        patience_seconds=_PATIENCE_SECONDS,
    )
    return read_rooms([reading])


def items_of(outcome: RoomRead) -> int:
    """Return how many items a room has next week."""
    return int(outcome.rows.column(_ITEMS)[0].as_py())


def _count(
    addresses: Mapping[str, str], source: CalendarSource, room_id: str, read_at: datetime
) -> pa.Table:
    """Count the items of one room; they live in this frame only."""
    window = Window(read_at, read_at + _AHEAD)
    items = source.read(addresses[room_id], window)
    touching = sum(
        item.starts_at < window.ends_at and item.ends_at > window.starts_at for item in items
    )
    return pa.table({_ITEMS: [touching]})
