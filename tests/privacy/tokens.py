"""Tokens that stand for personal data: each is unique, all begin alike.

Belongs here: making tokens, and telling where a found one was planted.
Does not belong here: where they are planted, how they are searched for.
"""

import re
import threading
from collections import Counter
from typing import Final

PREFIX: Final = "Zq7Kx41Pers"
"""No program, library or file of ours contains it; it stands in every token."""

_TOKEN: Final = re.compile(rf"{PREFIX}(\d{{6}})x", re.IGNORECASE)


class Tokens:
    """Hands out tokens and remembers what each stands for. Safe for threads."""

    def __init__(self) -> None:
        self._places: list[str] = []
        self._lock = threading.Lock()

    def new(self, place: str) -> str:
        """Return a new token for a place such as ``CalendarItem/Subject``."""
        with self._lock:
            self._places.append(place)
            return f"{PREFIX}{len(self._places):06d}x"

    def place_of(self, text: str) -> str:
        """Return the places of the tokens in a text; ``somewhere`` if they are cut off."""
        numbers = sorted({int(match[1]) for match in _TOKEN.finditer(text)})
        return ", ".join(self._places[number - 1] for number in numbers) or "somewhere"

    def places(self) -> Counter[str]:
        """Return each place with the number of tokens planted there."""
        with self._lock:
            return Counter(self._places)
