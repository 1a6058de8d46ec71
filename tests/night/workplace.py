"""A small company for the tests: a sandbox Exchange, its configuration, and the command line.

Belongs here: writing an ``insights.yaml`` that reads a running sandbox, and running ``insights``
against it in this process.
Does not belong here: the contents of a test's calendars.
"""

import csv
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from pipelines import assets, cli
from pipelines.sandbox.model import ACCOUNT, PASSWORD, Item, Mailbox, Person, Tenant
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.sources import DayRange
from transforms.contract import Region
from warehouse.lake import Dataset, Lake
from warehouse.page import Page
from warehouse.publish import Published

MONDAY = date(2026, 10, 19)
ON_MONDAY = DayRange(MONDAY, MONDAY)
ANNA = Person("Anna Andersen", "anna@contoso.example")
BO = Person("Bo Berg", "bo@contoso.example")
GUEST = Person("Gerda Gast", "gerda@fabrikam.example")


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return an instant in UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def meeting(day: date, first_hour: int, last_hour: int, **details: Any) -> Item:
    """Return a meeting of Anna's between two hours in UTC."""
    details.setdefault("required", (BO,))
    details.setdefault("created_at", at(date(2026, 10, 1), 12))
    return Item(at(day, first_hour), at(day, last_hour), ANNA, **details)


@dataclass
class Company:
    """Rooms by id, each with the list of its calendar's items; tests change the lists."""

    directory: Path
    calendars: dict[str, list[Item]]
    authority: CertificateAuthority
    tenant: Tenant
    url: str
    region: Region = "EU"
    time_zone: str = "Europe/Copenhagen"
    export_parquet: bool = False

    @property
    def config(self) -> Path:
        return self.directory / "insights.yaml"

    @property
    def lake(self) -> Lake:
        return Lake(self.directory / "lake", self.region)

    @property
    def database(self) -> Path:
        return self.directory / "warehouse" / f"insights-{self.region.lower()}.duckdb"

    def write(self, **changes: Any) -> None:
        """Write the configuration: ``changes`` to the region, ``exchange`` to its exchange."""
        exchange = {
            "kind": "ews",
            "endpoint": self.url,
            "auth": "basic",
            "username": ACCOUNT,
            "password_env": "TEST_PASSWORD",
            "ca_file": str(self.authority.ca_file),
            "workers": 2,
        } | changes.pop("exchange", {})
        settings = {"export_parquet": self.export_parquet} | changes.pop("settings", {})
        region = {
            "time_zone": self.time_zone,
            "nightly_at": "02:30",
            "lake": "lake",
            "warehouse": "warehouse",
            "rooms": "rooms.csv",
            "accepted_domains": ["contoso.example"],
            "exchanges": {"sandbox": exchange},
        } | changes
        self.config.write_text(yaml.safe_dump(settings | {"regions": {self.region: region}}))
        with (self.directory / "rooms.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["room_id", "address", "time_zone", "building", "capacity"])
            for room_id in self.calendars:
                rows.writerow([room_id, address_of(room_id), self.time_zone, "HQ", "8"])

    def insights(self, *arguments: str) -> int:
        """Run a command of ``insights`` in this process and return its exit code."""
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--config", str(self.config)])
        return int(ended.value.code or 0)

    def run(self, first: date = MONDAY, last: date = MONDAY) -> int:
        """Run a night over some days."""
        days = ["--from", first.isoformat(), "--to", last.isoformat()]
        return self.insights("run", "--region", self.region, *days)

    def take_over(self, night: Path) -> None:
        """Copy what a night wrote in another folder, as if it had run in this one."""
        for name in ("lake", "warehouse", ".dagster"):
            shutil.copytree(night / name, self.directory / name, symlinks=True, dirs_exist_ok=True)

    def rows(self, dataset: Dataset = "bookings", day: date = MONDAY) -> list[dict[str, Any]]:
        """Return a day's rows of the lake."""
        table: pa.Table | None = self.lake.read(dataset, day)
        return [] if table is None else table.to_pylist()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the published database."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("SET TimeZone='UTC'")
            return connection.execute(sql).fetchall()

    def snapshot(self) -> dict[str, bytes]:
        """Return every stored byte of lake and warehouse, by path."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for name in ("lake", "warehouse")
            for path in sorted((self.directory / name).rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


def unpublished(*_: object) -> Published:
    """Publish nothing, in place of ``publish_region``."""
    return Published(Path("nothing"), None, {})


def undrawn(*_: object) -> Page:
    """Draw no page, in place of ``write_page``."""
    return Page(Path("nothing"), 0, 0)


def end_at_the_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nights of this process publish nothing: that is two thirds of a small night's time."""
    monkeypatch.setattr(assets, "publish_region", unpublished)
    monkeypatch.setattr(assets, "write_page", undrawn)


def address_of(room_id: str) -> str:
    return f"{room_id}@rooms.contoso.example"


def found_company(
    directory: Path,
    authority: CertificateAuthority,
    start: Any,
    calendars: Mapping[str, Sequence[Item]],
    *,
    export_parquet: bool = False,
) -> Company:
    """Start a sandbox with these calendars and write the configuration that reads it.

    Parquet is off unless asked for: few tests need it, and it takes a good part of a small night.
    """
    mailboxes = {
        room_id: Mailbox(address_of(room_id), room_id, items=items)
        for room_id, items in calendars.items()
    }
    tenant = Tenant(mailboxes.values())
    lists = {room_id: mailbox.list for room_id, mailbox in mailboxes.items()}
    server: SandboxExchange = start(tenant)
    company = Company(
        directory, lists, authority, tenant, server.url, export_parquet=export_parquet
    )
    company.write()
    return company


def first_night(
    directory: Path,
    history: Path,
    authority: CertificateAuthority,
    calendars: Mapping[str, Sequence[Item]],
    days: DayRange = ON_MONDAY,
    *,
    export_parquet: bool = False,
) -> Path:
    """Run a night over some days in a new company; return its folder, for ``Company.take_over``.

    A night takes more time than the rest of most tests, and many start from the same night.
    """
    shutil.copytree(history, directory / ".dagster")
    with ExitStack() as servers, pytest.MonkeyPatch.context() as environment:
        environment.setenv("TEST_PASSWORD", "sandbox")
        environment.delenv("DAGSTER_HOME", raising=False)
        environment.delenv("INSIGHTS_REGIONS", raising=False)

        def start(tenant: Tenant) -> SandboxExchange:
            return servers.enter_context(SandboxExchange(tenant, authority))

        company = found_company(
            directory, authority, start, calendars, export_parquet=export_parquet
        )
        assert company.run(days.first_date, days.last_date) == 0
    return directory


__all__ = [
    "ANNA",
    "BO",
    "GUEST",
    "MONDAY",
    "PASSWORD",
    "Company",
    "at",
    "end_at_the_lake",
    "first_night",
    "found_company",
    "meeting",
]
