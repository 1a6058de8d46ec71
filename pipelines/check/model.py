"""What a check finds: steps of an exchange, rooms of an exchange, and the lines for machines.

Belongs here: plain results and what follows from them alone.
Does not belong here: finding them (``exchange.py``, ``rooms.py``), showing them (``view.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypedDict

from pipelines.check.remedies import PROBE, command_for, quoted, remedy_of
from pipelines.settings import ExchangeSettings, Room
from pipelines.sources.base import ListedRoom
from transforms.contract import Region


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


class Line(TypedDict):
    """One line of ``--json``; ``room_id`` None is the exchange itself."""

    region: Region
    exchange: str
    room_id: str | None
    is_readable: bool
    error_code: str | None
    remedy: str | None


@dataclass(frozen=True)
class Target:
    """One exchange of one region, with the rooms that the directory gives it."""

    region: Region
    exchange: ExchangeSettings
    rooms: Sequence[Room]

    @property
    def title(self) -> str:
        """Name it as a person would."""
        return f"{self.region} {self.exchange.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The room lists of an exchange: their addresses, None where it did not say.

    ``rooms`` are those of all lists by casefolded address. ``codes`` are why a list, or all of
    them, could not be read: ``rooms`` may lack some then.
    """

    lists: Sequence[str] | None = field(default=None, repr=False)
    rooms: Mapping[str, ListedRoom] = field(default_factory=dict, repr=False)
    codes: Sequence[str] = ()


@dataclass(frozen=True)
class ExchangeResult:
    """Everything found about one exchange.

    ``items`` counts next week's items of each room that could be read; ``failed`` has the code
    of each other room.
    """

    target: Target
    steps: Sequence[Step]
    items: Mapping[str, int]
    failed: Mapping[str, str]
    listing: Listing

    @property
    def failed_step(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.state is State.FAILED), None)

    @property
    def is_readable(self) -> bool:
        """Whether the exchange passed, and every one of its rooms is readable."""
        return self.failed_step is None and not self.failed

    def lines(self) -> list[Line]:
        """Return a line for the exchange and one for each room, without any address."""
        step = self.failed_step
        own = self._line(None, step.code if step else None)
        return [
            own,
            *(self._line(room, self.failed.get(room.room_id)) for room in self.target.rooms),
        ]

    def _line(self, room: Room | None, code: str | None) -> Line:
        return Line(
            region=self.target.region,
            exchange=self.target.exchange.name,
            room_id=room.room_id if room else None,
            is_readable=code is None,
            error_code=code,
            remedy=code and self._remedy(code, room),
        )

    def _remedy(self, code: str, room: Room | None) -> str:
        region, exchange = self.target.region, self.target.exchange
        name = quoted(f"<address of {room.room_id}>") if room else PROBE
        command = command_for(code, region, exchange, name, "'<account>'")
        remedy = remedy_of(code, exchange)
        return f"{remedy} PowerShell: {'; '.join(command.lines)}" if command else remedy
