"""What an alert says: counts, room ids, codes and dates, never anything else."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from pipelines.sources.remedies import remedies_for
from pipelines.templates import render
from transforms.contract import Region

_ROOMS_NAMED: Final = 20

State = Literal["failed", "partial", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that a person must know.

    ``night_date`` is the region's local date; ``days`` the local days that were asked for, if any;
    ``rooms_expected`` and ``rooms_loaded`` are None where it did not come to reading;
    ``last_read_at`` is when a room was last read (stale only); ``kinds`` are those of the region's
    exchanges, whose protocols the remedies speak of.
    """

    region: Region
    state: State
    night_date: date
    days: tuple[date, date] | None = None
    rooms_expected: int | None = None
    rooms_loaded: int | None = None
    failed_rooms: Mapping[str, str] = field(default_factory=dict)
    error_code: str | None = None
    last_read_at: datetime | None = None
    kinds: frozenset[str] = frozenset({"ews"})

    @property
    def subject(self) -> str:
        """The fact in one line."""
        if self.last_read_at is not None:
            return f"{self.region}: nothing was read since {self.last_read_at:%Y-%m-%d %H:%M} UTC"
        line = f"{self.region}: {self.state} night {self.night_date}"
        if self.rooms_expected is not None:
            line += f": {self.rooms_loaded} of {self.rooms_expected} rooms read"
        return line + (f" ({self.error_code})" if self.error_code else "")

    @property
    def rooms_named(self) -> Mapping[str, str]:
        """The first of the failed rooms."""
        return dict(sorted(self.failed_rooms.items())[:_ROOMS_NAMED])

    @property
    def text(self) -> str:
        """The whole text: the fact, the rooms, what each code means and what mends it."""
        remedies = remedies_for(self.failed_rooms.values(), self.kinds)
        return render("alert.txt.j2", alert=self, remedies=remedies).strip()

    def as_json(self) -> dict[str, object]:
        """Return what a webhook gets; ``text`` is what chat services show."""
        return {
            "text": self.text,
            "region": self.region,
            "state": self.state,
            "date": self.night_date.isoformat(),
            "days": [day.isoformat() for day in self.days] if self.days else None,
            "rooms_expected": self.rooms_expected,
            "rooms_loaded": self.rooms_loaded,
            "failed_rooms": self.rooms_named,
            "failed_by_code": dict(sorted(Counter(self.failed_rooms.values()).items())),
            "error_code": self.error_code,
            "last_read_at": self.last_read_at.isoformat() if self.last_read_at else None,
        }
