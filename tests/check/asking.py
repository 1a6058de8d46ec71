"""The result of ``insights check``, for its tests.

Belongs here: the result of one check, and functions that look things up in it.
Does not belong here: the company that is checked (``conftest.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Checked:
    """The exit code, stdout and stderr, and the list of ``--json`` if it was asked for."""

    code: int
    out: str
    err: str
    lines: list[dict[str, Any]]

    def line_of(self, name: str) -> str:
        """Return the line of the report about a step or a room."""
        found = [line for line in self.out.splitlines() if f" {name}  " in line]
        assert len(found) == 1, self.out
        return found[0]

    def has_line_of(self, name: str) -> bool:
        return any(f" {name}  " in line for line in self.out.splitlines())

    @property
    def codes(self) -> dict[str | None, str | None]:
        """Return the error code of each room in ``--json``; the key None is the exchange."""
        return {line["room_id"]: line["error_code"] for line in self.lines}


CheckNow: TypeAlias = Callable[..., Checked]
