"""A small company whose bookings show in which night each was read.

Belongs here: its sandbox, the calendars of a night, the configuration that reads them.
Does not belong here: killing runs (``killed_runs.py``).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import ACCOUNT, PASSWORD, Item, Mailbox, Person, Tenant
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from warehouse.storage import Location

FIRST: Final = datetime.now(UTC).date() - timedelta(days=10)
DAYS: Final = [FIRST + timedelta(days=offset) for offset in range(6)]
ROOMS: Final = [f"room-{number:03d}" for number in range(24)]
FAILING: Final = ROOMS[7]
PER_DAY: Final = 3
MOST_NIGHTS: Final = 60 * 30  # minutes and lengths cannot number more
ORGANIZER: Final = Person("Ann", "ann@contoso.example")


class Company:
    """A sandbox with the calendars of the next night."""

    def __init__(self, folder: Path) -> None:
        self.calendars: dict[str, list[Item]] = {room_id: [] for room_id in ROOMS}
        rooms = [
            Mailbox(f"{room_id}@contoso.example", items=items)
            for room_id, items in self.calendars.items()
        ]
        self.tenant = Tenant(rooms)
        self.server = SandboxExchange(self.tenant, CertificateAuthority(folder / "authority"))

    def begin(self, number: int) -> None:
        """Move every booking to this night's time, and let one room fail in odd nights."""
        for items in self.calendars.values():
            items[:] = [meeting(day, hour, number) for day in DAYS for hour in range(PER_DAY)]
        self.tenant.faults.clear()
        if number % 2:
            failing = f"{FAILING}@contoso.example"
            self.tenant.faults.add(Fault("response_code", room=failing, code="ErrorAccessDenied"))

    def configure(self, folder: Path, place: Location | None = None) -> Path:
        """Write a configuration that reads this company into that folder, or into ``place``."""
        folder.mkdir()
        with (folder / "rooms.csv").open("w") as file:
            file.write("room_id,address,time_zone\n")
            file.writelines(f"{each},{each}@contoso.example,UTC\n" for each in ROOMS)
        exchange = {
            "kind": "ews",
            "endpoint": self.server.url,
            "auth": "basic",
            "username": ACCOUNT,
            "password_env": "BENCHMARK_PASSWORD",
            "ca_file": str(self.server.authority.ca_file),
        }
        own = {each: str((place or folder) / each) for each in ("lake", "warehouse")}
        region: dict[str, Any] = {"time_zone": "UTC", **own}
        region |= {"rooms": "rooms.csv", "exchanges": {"sandbox": exchange}}
        config = folder / "insights.yaml"
        config.write_text(yaml.safe_dump({"regions": {"EU": region}}))
        return config


def meeting(day: date, hour: int, number: int) -> Item:
    """Return a booking whose minute and length encode the night's number."""
    start = datetime(day.year, day.month, day.day, 9 + 2 * hour, number % 60, tzinfo=UTC)
    return Item(start, start + timedelta(minutes=30 + number // 60), ORGANIZER)


def number_of(starts_at: datetime, ends_at: datetime) -> int:
    """Return the number of the night in which a booking was read."""
    return starts_at.minute + 60 * ((ends_at - starts_at) // timedelta(minutes=1) - 30)


@contextmanager
def company_in(folder: Path) -> Iterator[Company]:
    os.environ["BENCHMARK_PASSWORD"] = PASSWORD
    company = Company(folder)
    with company.server:
        yield company
