"""The room lists of Exchange against the room directory, both ways.

Belongs here: what one has and the other does not, and the sentences for it.
Does not belong here: asking (``exchange.py``), writing a directory (``write_rooms.py``).

Addresses of rooms that the directory does not know stay on the terminal: they have no room_id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipelines.check.model import State, Step, Target
from pipelines.check.words import counted, printable
from pipelines.rooms import Room
from pipelines.sources.ews_check import ListedRoom

_SHOWN: Final = 10
_AN_APP: Final = "an app asks on behalf of a room: put one into the directory first"
_HOW_TO_LIST: Final = (
    "a list lets people and this check find rooms: "
    "New-DistributionGroup 'Rooms of a building' -RoomList -Members <rooms>"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What the room lists of an exchange and the directory do not have in common.

    ``unknown`` are addresses that no room of the region has; ``unlisted`` are room_ids of the
    exchange that no list has; ``codes`` tell of lists that could not be read.
    """

    lists: int
    rooms: int
    unknown: Sequence[str] = field(repr=False)
    unlisted: Sequence[str]
    codes: Sequence[str]


def compare(
    target: Target,
    directory: Sequence[Room],
    lists: Sequence[str],
    listed: Mapping[str, ListedRoom],
    codes: Sequence[str],
) -> Difference:
    """Compare listed rooms (by casefolded address) with the directory of the region."""
    known = {room.address.casefold() for room in directory}
    return Difference(
        len(lists),
        len(listed),
        [room.address for address, room in listed.items() if address not in known],
        [room.room_id for room in target.rooms if room.address.casefold() not in listed],
        codes,
    )


def difference_step(target: Target, difference: Difference) -> Step:
    """Say how far they agree; a difference is a note, since many rooms are in no list."""
    if not difference.lists:
        if difference.codes:
            text = f"could not be asked ({difference.codes[0]})"
            is_unknown_app = target.exchange.auth == "oauth" and not target.rooms
            return Step("room lists", State.NOTE, text, details=(_AN_APP,) * is_unknown_app)
        return Step("room lists", State.NOTE, "there are none", details=(_HOW_TO_LIST,))
    details = tuple(_details(difference))
    text = f"{counted(difference.lists, 'list')} with {counted(difference.rooms, 'room')}"
    if not details:
        return Step("room lists", State.OK, f"{text}, the same as in the directory")
    return Step("room lists", State.NOTE, text, details=details)


def _details(difference: Difference) -> Iterator[str]:
    if difference.unknown:
        shown = [printable(address) for address in difference.unknown]
        text = f"{len(shown)} not in the directory: {_some(shown)}"
        yield f"{text} (--write-rooms FILE writes them down; another region's may be among them)"
    if difference.unlisted:
        yield f"{len(difference.unlisted)} in no list: {_some(difference.unlisted)}"
    for code in dict.fromkeys(difference.codes):
        yield f"{counted(difference.codes.count(code), 'list')} could not be read: {code}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
