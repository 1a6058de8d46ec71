"""A fence around a source: it reads the mailboxes of one region's rooms and no other.

Belongs here: the last look at an address before it is asked for.
Does not belong here: which rooms a region has (``pipelines/settings``), what the account may
read (Exchange decides that too, and ``insights check`` tries it).
"""

from collections.abc import Callable, Sequence, Set
from typing import Final

from pipelines.sources.base import CalendarSource, SourceError, Window
from transforms.raw import RawItem

OUTSIDE_THE_REGION: Final = "OutsideTheRegion"


class Fenced:
    """A ``CalendarSource`` that refuses addresses that are not among the given ones.

    ``addresses`` are casefolded.
    """

    def __init__(self, source: CalendarSource, addresses: Set[str]) -> None:
        self._source = source
        self._addresses = addresses

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        """Return what the source returns; see ``CalendarSource``.

        Raises:
            SourceError: ``OutsideTheRegion``, and nothing was asked; or what the source raises.
        """
        if address.casefold() not in self._addresses:
            raise SourceError(OUTSIDE_THE_REGION)
        return self._source.read(address, window)

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def fenced(
    open_source: Callable[..., CalendarSource], addresses: Set[str]
) -> Callable[..., CalendarSource]:
    """Return an opener of sources that stay within the addresses."""
    return lambda *arguments: Fenced(open_source(*arguments), addresses)
