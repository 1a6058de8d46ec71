"""The room lists of Exchange against the room directory, both ways.

Belongs here: collecting the rooms of all lists, and the sentences for what only one side has.
Does not belong here: EWS (``pipelines/sources``), writing a directory (``write_rooms.py``).

Addresses of rooms that the directory does not know stay on the terminal: they have no room_id.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from pipelines.check.model import Listing, State, Step, Target
from pipelines.check.words import printable
from pipelines.settings import Room
from pipelines.sources.base import ListedRoom, ReadError
from pipelines.sources.ews_check import DirectorySource
from pipelines.words import counted

_SHOWN: Final = 10
_FAILURES: Final = 3
_AN_APP: Final = "an app asks on behalf of a room: put one into the directory first"
_HOW_TO_LIST: Final = (
    "a list lets people and this check find rooms: "
    "New-DistributionGroup 'Rooms of a building' -RoomList -Members <rooms>"
)


def read_rooms_of(source: DirectorySource, listing: Listing) -> Listing:
    """Return the listing with the rooms of each of its lists; gives up after a few failures."""
    rooms: dict[str, ListedRoom] = {}
    codes = list(listing.codes)
    for room_list in listing.lists or ():
        if len(codes) == _FAILURES:
            break
        try:
            found = source.rooms(room_list)
        except ReadError as error:
            codes.append(error.code)
        else:
            rooms.update((room.address.casefold(), room) for room in found)
    return Listing(listing.lists, rooms, codes)


def comparison(target: Target, directory: Sequence[Room], listing: Listing) -> Step:
    """Say how far lists and directory agree; a difference is a note: many rooms are in no list."""
    if listing.lists is None:
        text = f"could not be asked ({', '.join(listing.codes)})"
        exchange = target.exchange
        is_app = exchange.kind == "ews" and exchange.auth == "oauth"
        is_unknown_app = is_app and not target.rooms
        return Step("room lists", State.NOTE, text, details=(_AN_APP,) * is_unknown_app)
    if not listing.lists:
        return Step("room lists", State.NOTE, "there are none", details=(_HOW_TO_LIST,))
    text = f"{counted(len(listing.lists), 'list')} with {counted(len(listing.rooms), 'room')}"
    details = tuple(differences(target, directory, listing, "in no list"))
    if not details:
        return Step("room lists", State.OK, f"{text}, the same as in the directory")
    return Step("room lists", State.NOTE, text, details=details)


def differences(
    target: Target, directory: Sequence[Room], listing: Listing, unlisted_are: str
) -> Iterator[str]:
    """Yield what only the listing or only the directory has, a sentence each."""
    known = {room.address.casefold() for room in directory}
    unknown = [room for address, room in listing.rooms.items() if address not in known]
    if unknown:
        text = f"{len(unknown)} not in the directory: {_some([room.address for room in unknown])}"
        yield f"{text} (--write-rooms FILE writes them down; another region's may be among them)"
    unlisted = [room for room in target.rooms if room.address.casefold() not in listing.rooms]
    if listing.codes:
        yield f"not all could be read, so rooms may be missing: {', '.join(listing.codes)}"
    elif unlisted:
        yield f"{len(unlisted)} {unlisted_are}: {_some([room.room_id for room in unlisted])}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    return shown + (f" and {more} more" if more > 0 else "")
