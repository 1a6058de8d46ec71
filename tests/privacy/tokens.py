"""Tokens that stand for personal data: each is unique, and all have the same prefix.

Belongs here: making tokens, and looking up where a found token was planted.
Does not belong here: planting them, searching for them.
"""

import re
import threading
from collections import Counter
from typing import Final

PREFIX: Final = "Zq7Kx41Pers"
"""The prefix of every token; no program, library or file of ours contains it."""

_TOKEN: Final = re.compile(rf"{PREFIX}(\d{{6}})x", re.IGNORECASE)


class Tokens:
    """Creates tokens and remembers the place of each. Thread-safe."""

    def __init__(self) -> None:
        self._places: list[str] = []
        self._lock = threading.Lock()

    def new(self, place: str) -> str:
        """Return a new token for a place such as ``CalendarItem/Subject``."""
        with self._lock:
            self._places.append(place)
            return f"{PREFIX}{len(self._places):06d}x"

    def place_of(self, text: str) -> str:
        """Return the places of the tokens in a text; ``somewhere`` for one that is cut off."""
        numbers = sorted({int(match[1]) for match in _TOKEN.finditer(text)})
        return ", ".join(self._places[number - 1] for number in numbers) or "somewhere"

    def places(self) -> Counter[str]:
        """Return each place with the number of tokens planted there."""
        with self._lock:
            return Counter(self._places)
