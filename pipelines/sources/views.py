"""Whether a calendar view is whole: what EWS and Graph both must not take for the full list."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from pipelines.sources.retry import Failure
from transforms.raw import SERIES, RawItem

RowT = TypeVar("RowT", bound="tuple[object, ...]")

_READINGS: Final = 4


def rows_by_id(rows: Iterable[RowT]) -> dict[str, list[RowT]]:
    """Return the rows of one view by their id, each of several that differ under one id.

    A row that comes twice is one. Two times under one id are two bookings, until a server shows
    that they are not: a list is never made shorter.
    """
    found: dict[str, list[RowT]] = {}
    for row in rows:
        same = found.setdefault(str(row[0]), [])
        if row not in same:
            same.append(row)
    return found


def steady_rows(read: Callable[[], tuple[list[RowT], int]]) -> list[RowT]:
    """Return the rows of a view that took several requests once two readings agree.

    ``read`` returns the rows and how many requests they took. An item that moves between two
    pages, or two halves of a view, while they are read may be in neither: a second reading tells.

    Raises:
        Failure: ``ViewUnsteady``: the calendar changed during every reading.
    """
    rows, requests = read()
    for _ in range(_READINGS - 1):
        if requests == 1:
            return rows
        again, requests = read()
        if {_when(row) for row in again} == {_when(row) for row in rows}:
            return again
        rows = again
    if requests == 1:
        return rows
    raise Failure("ViewUnsteady", is_transient=True)


def refuse_series(items: Iterable[RawItem]) -> None:
    """Do nothing, unless a view holds a series in place of its occurrences.

    Raises:
        Failure: ``SeriesNotExpanded``: how many bookings are missing cannot be known.
    """
    if any(item.kind == SERIES for item in items):
        raise Failure("SeriesNotExpanded")


def _when(row: Sequence[object]) -> tuple[object, ...]:
    item = row[-1]
    return (row[0], item.starts_at, item.ends_at) if isinstance(item, RawItem) else tuple(row)
