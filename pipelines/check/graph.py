"""The steps of an exchange that speaks Graph: the app's sign-in, and the rooms that it may list.

Belongs here: what Graph's answers are called.
Does not belong here: the order of the steps (``exchange.py``), Graph (``pipelines/sources``).
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from pipelines.check.model import Listing, State, Step, Target
from pipelines.check.room_lists import differences
from pipelines.settings import Room
from pipelines.sources.base import Reach, ReadError
from pipelines.sources.graph_check import GraphDirectory
from pipelines.words import counted

_PLACES: Final = "places"
_HOW_TO_LIST: Final = (
    "only --write-rooms needs them: grant the app Place.Read.All (application) in Entra"
)
_WIDE: Final = (
    "that grant in Entra adds up with the scope and undoes it: remove it there, and give the app "
    "the role Application Calendars.Read for this region's rooms"
)
UNPROBED: Final = Step(
    "scope",
    State.NOTE,
    "not tried: name a mailbox that must not be readable in scope_probe",
)


def sign_in(source: GraphDirectory, authority: str) -> Step:
    """Try whether the app gets a token from the sign-in service."""
    try:
        grants = source.sign_in()
    except ReadError as error:
        text = f"the app gets no token from {urlsplit(authority).hostname}"
        return Step("sign-in", State.FAILED, text, error.code)
    if grants:
        text = f"the app has a token, and {', '.join(sorted(grants))} for every mailbox"
        return Step("sign-in", State.NOTE, text, details=(_WIDE,))
    return Step("sign-in", State.OK, "the app has a token")


def list_places(
    target: Target, directory: Sequence[Room], source: GraphDirectory
) -> tuple[Step, Listing]:
    """Ask for the rooms; that they may not be listed is a note, since no night needs it."""
    try:
        rooms = source.rooms()
    except ReadError as error:
        listing = Listing(None, codes=(error.code,))
        if error.reach is Reach.EXCHANGE:
            return Step(_PLACES, State.FAILED, "could not be asked", error.code), listing
        text = f"could not be asked ({error.code})"
        return Step(_PLACES, State.NOTE, text, details=(_HOW_TO_LIST,)), listing
    listing = Listing((_PLACES,), {room.address.casefold(): room for room in rooms})
    details = tuple(differences(target, directory, listing, "not among the places"))
    text = counted(len(rooms), "room")
    if not details:
        return Step(_PLACES, State.OK, f"{text}, the same as in the directory"), listing
    return Step(_PLACES, State.NOTE, text, details=details), listing
