"""Words for what a server says of itself.

Belongs here: editions of Exchange by build, text that is safe for a terminal.
Does not belong here: what follows from it (``exchange.py``).
"""

from typing import Final

from pipelines.sources.ews_check import Build

_ONLINE: Final = (15, 20)
_EDITIONS: Final[tuple[tuple[tuple[int, ...], str], ...]] = (  # the first that fits
    (_ONLINE, "Exchange Online"),
    ((15, 2, 2562), "Exchange Server SE"),
    ((15, 2), "Exchange Server 2019"),
    ((15, 1), "Exchange Server 2016"),
    ((15, 0), "Exchange Server 2013"),
)
_LONGEST: Final = 80


def edition(build: Build) -> str:
    """Return the product's name with its build."""
    fitting = (name for first, name in _EDITIONS if build[:2] == first[:2] and build >= first)
    return f"{next(fitting, 'Exchange')} ({'.'.join(map(str, build))})"


def is_online(build: Build) -> bool:
    """Tell whether a build is Exchange Online's, where EWS ends."""
    return build[:2] == _ONLINE


def printable(text: str) -> str:
    """Return a server's text without what would steer a terminal, and not too long."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
