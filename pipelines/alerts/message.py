"""What an alert says: counts, room ids, codes and dates, never anything else.

Belongs here: the facts of an alert, and their words for a mail and for a machine.
Does not belong here: where the facts come from (``telling.py``, ``sensors.py``).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from pipelines.sources.remedies import remedy_for
from transforms.contract import Region

_ROOMS_NAMED: Final = 20

State = Literal["failed", "partial", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell a person.

    ``night_date`` is the region's local date; ``days`` the local days that were asked for, if any;
    ``rooms_expected`` and ``rooms_loaded`` are None where it did not come to reading;
    ``last_read_at`` is when a room was last read (stale only).
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

    @property
    def subject(self) -> str:
        """The fact in one line."""
        if self.last_read_at is not None:
            return f"{self.region}: nothing was read since {self.last_read_at:%Y-%m-%d %H:%M} UTC"
        line = f"{self.region}: {self.state} night {self.night_date}"
        if self.rooms_expected is not None:
            line += f": {self.rooms_loaded} of {self.rooms_expected} rooms read"
        return line + (f" ({self.error_code})" if self.error_code else "")

    def lines(self) -> list[str]:
        """Return the whole text: the fact, the rooms, what each code means and what mends it."""
        lines = [self.subject]
        if self.days:
            lines.append(f"Days asked for: {self.days[0]} to {self.days[1]}.")
        if self.state == "stale":
            lines.append("See whether the nightly run starts: its schedule in Dagster, or cron.")
        if self.state == "failed":
            lines.append("Readers see the last good database; 'insights check' says what is wrong.")
        lines += [f"{room_id}: {code}" for room_id, code in self._named().items()]
        if (hidden := len(self.failed_rooms) - _ROOMS_NAMED) > 0:
            lines.append(f"and {hidden} more; the table coverage has them all")
        codes = sorted(set(self.failed_rooms.values()))
        return lines + [f"{code}: {remedy_for(code)}" for code in codes]

    def as_json(self) -> dict[str, object]:
        """Return what a webhook gets; ``text`` is what chat services show."""
        return {
            "text": "\n".join(self.lines()),
            "region": self.region,
            "state": self.state,
            "date": self.night_date.isoformat(),
            "days": [day.isoformat() for day in self.days] if self.days else None,
            "rooms_expected": self.rooms_expected,
            "rooms_loaded": self.rooms_loaded,
            "failed_rooms": self._named(),
            "failed_by_code": dict(sorted(Counter(self.failed_rooms.values()).items())),
            "error_code": self.error_code,
            "last_read_at": self.last_read_at.isoformat() if self.last_read_at else None,
        }

    def _named(self) -> dict[str, str]:
        return dict(sorted(self.failed_rooms.items())[:_ROOMS_NAMED])
