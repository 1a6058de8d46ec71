"""What a check of any exchange says: steps, the rooms that it lists, the texts of servers.

Belongs here: what EWS and Graph have in common beside reading: results of a check, the listing
against the room directory, both ways, and the server's clock.
Does not belong here: requests (``ews_check.py``, ``graph_check.py``), printing (``check/view.py``).

Addresses of rooms that the directory does not know stay on the terminal: they have no room_id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Final, Protocol

from pipelines.settings import Room
from pipelines.sources.base import ListedRoom

_LONGEST: Final = 80
_SHOWN: Final = 10
_IN_STEP: Final = timedelta(seconds=60)


class State(Enum):
    """How a step ended; a note is worth reading and fails nothing."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried on an exchange.

    ``text`` and ``details`` are for the terminal alone: they may hold what the server says of
    itself and addresses of rooms. ``code`` is set where it failed.
    """

    name: str
    state: State
    text: str = field(repr=False)
    code: str | None = None
    details: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The room lists of an exchange: their addresses, None where it did not say.

    ``rooms`` are those of all lists by casefolded address. ``codes`` are why a list, or all of
    them, could not be read: ``rooms`` may lack some then. ``unlisted_are`` says where a room is
    that no list has.
    """

    lists: Sequence[str] | None = field(default=None, repr=False)
    rooms: Mapping[str, ListedRoom] = field(default_factory=dict, repr=False)
    codes: Sequence[str] = ()
    unlisted_are: str = "in no list"


class SourceCheck(Protocol):
    """The steps of a protocol: sign-in, what the server says of itself, the rooms that it lists."""

    @property
    def listing(self) -> Listing:
        """What was listed so far."""
        ...

    def steps(self) -> Iterator[Step]:
        """Yield each step as it ends; after one that failed nothing more can be read."""
        ...


def printable(text: str) -> str:
    """Return a server's text without what would steer a terminal, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def listing_step(
    name: str,
    text: str,
    rooms: Sequence[Room],
    directory: Sequence[Room],
    listing: Listing,
) -> Step:
    """Say how far the rooms that an exchange lists and the room directory agree.

    A difference is a note, since many rooms are in no list. A directory that is still empty has
    none: its rooms are about to be written from the listing.
    """
    details = tuple(_differences(rooms, directory, listing))
    if details:
        return Step(name, State.NOTE, text, details=details)
    return Step(name, State.OK, f"{text}, the same as in the directory" if directory else text)


def _differences(
    rooms: Sequence[Room], directory: Sequence[Room], listing: Listing
) -> Iterator[str]:
    """Yield what only the listing or only the directory has, a sentence each."""
    known = {room.address.casefold() for room in directory}
    unknown = [room for address, room in listing.rooms.items() if address not in known]
    if known and unknown:
        text = f"{len(unknown)} not in the directory: {_some([room.address for room in unknown])}"
        yield f"{text} (--write-rooms FILE writes them down; another region's may be among them)"
    unlisted = [room for room in rooms if room.address.casefold() not in listing.rooms]
    if listing.codes:
        yield f"not all could be read, so rooms may be missing: {', '.join(listing.codes)}"
    elif unlisted:
        names = _some([room.room_id for room in unlisted])
        yield f"{len(unlisted)} {listing.unlisted_are}: {names}"


def clock_step(offset: timedelta | None) -> Step:
    """Say how far the server's clock is from this machine's; None where it does not say."""
    if offset is None:
        return Step("clock", State.NOTE, "the server does not state its time")
    seconds = round(abs(offset).total_seconds())
    if abs(offset) <= _IN_STEP:
        return Step("clock", State.OK, f"in step with this machine's, {seconds} s apart")
    which = "ahead of" if offset > timedelta(0) else "behind"
    text = (
        f"the server's clock is {seconds} s {which} this machine's: sign-in and which days "
        "are over depend on it; set both by NTP"
    )
    return Step("clock", State.NOTE, text)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    return shown + (f" and {more} more" if more > 0 else "")
