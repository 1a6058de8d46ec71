"""Reads room calendars over Microsoft Graph.

Belongs here: how a window becomes calendar views, joined without duplicates.
Does not belong here: requests and pages (``graph_client.py``), JSON (``graph_events.py``), what
failures mean (``graph_failures.py``).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import quote

from pipelines.sources.base import Window
from pipelines.sources.graph_client import GraphClient, GraphSettings
from pipelines.sources.graph_events import WITHOUT_PEOPLE, Row, row_of
from pipelines.sources.session import (
    Throttle,
    ending_in_a_code,
    refuse_series,
    rows_by_id,
    steady_rows,
)
from transforms.raw import RawItem

_LONGEST_VIEW: Final = timedelta(days=1800)  # Graph refuses more than 1,825 days
_OVERLAP: Final = timedelta(seconds=1)  # an item of no length on a seam may be in neither view
_PAGE: Final = 1_000


class GraphSource:
    """A ``CalendarSource`` over Graph: one worker, one connection.

    ``with_invitees`` False never asks for anyone's name or address; nor then for when an item was
    created. Connects when the first room is read. ``throttle`` is shared by the workers of an
    exchange. ``clock`` and ``sleep`` are for tests.

    Raises:
        SourceError: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(
        self,
        settings: GraphSettings,
        *,
        with_invitees: bool,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = ending_in_a_code(lambda: GraphClient(settings, throttle, clock, sleep))
        self._with_invitees = with_invitees

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return every item of the room that touches the window; see ``CalendarSource``."""
        return ending_in_a_code(lambda: self._read(address, window))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _read(self, address: str, window: Window) -> list[RawItem]:
        self._client.begin()
        items = [item for _, item in steady_rows(partial(self._rows, address, window))]
        refuse_series(items)
        return items

    def _rows(self, address: str, window: Window) -> tuple[list[Row], int]:
        """Return the rows, and how many pages they came on."""
        rows: dict[str, list[Row]] = {}
        pages = 0
        for part in _parts(window):
            found: list[Row] = []
            for events in self._client.pages(self._view(address, part)):
                pages += 1
                found += [row_of(event, with_invitees=self._with_invitees) for event in events]
            rows.update(rows_by_id(found))
        return [row for same in rows.values() for row in same], pages

    def _view(self, address: str, window: Window) -> str:
        # No $select where everything may come: createdDateTime is given only without it.
        fields = "" if self._with_invitees else f"&$select={WITHOUT_PEOPLE}"
        return (
            f"{self._client.root}/v1.0/users/{quote(address, safe='@')}/calendar/calendarView"
            f"?startDateTime={_written(window.starts_at)}&endDateTime={_written(window.ends_at)}"
            f"&$top={_PAGE}{fields}"
        )


def _parts(window: Window) -> Iterator[Window]:
    """Yield windows that Graph answers, each a second into the one before."""
    starts_at = window.starts_at
    while window.ends_at - starts_at > _LONGEST_VIEW:
        yield Window(starts_at, starts_at + _LONGEST_VIEW)
        starts_at += _LONGEST_VIEW - _OVERLAP
    yield Window(starts_at, window.ends_at)


def _written(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
