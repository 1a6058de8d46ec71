"""From the calendars of the simulated Exchange to the database, minute by minute.

The oracle walks over single minutes of the sandbox's own items: it uses neither EWS, nor the lake,
nor SQL.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import duckdb
import holidays
import pytest
import yaml

from pipelines.night import SILENT, Night, publish_region, run_night
from pipelines.sandbox.calendars import directory_rows, generated_tenant
from pipelines.sandbox.model import ACCOUNT, Item, Tenant
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import Settings, load_settings
from pipelines.sources import DayRange
from pipelines.sources.session import open_source
from tests.conftest import StartExchange
from transforms.contract import Region

# Two past weeks in each region, across its clock change.
SPANS: dict[Region, DayRange] = {
    "EU": DayRange(date(2026, 10, 19), date(2026, 11, 1)),
    "NA": DayRange(date(2026, 10, 26), date(2026, 11, 8)),
}
DAYS_OF_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Hour: TypeAlias = tuple[str, date, int]


@cache
def holidays_in(country: str, subdivision: str, year: int) -> set[date]:
    if not country:
        return set()
    return set(holidays.country_holidays(country, subdivision or None, years=year))


def is_open(row: dict[str, str], wall: datetime) -> bool:
    """Read the opening hours as a person would: find the day, check whether the minute is open."""
    if wall.date() in holidays_in(row["country"], row["subdivision"], wall.year):
        return False
    if row["opened_on"] and wall.date() < date.fromisoformat(row["opened_on"]):
        return False
    if row["closed_on"] and wall.date() >= date.fromisoformat(row["closed_on"]):
        return False
    clock = f"{wall:%H:%M}"
    for part in (row["open_hours"] or "Mon-Fri 08:00-18:00").split(";"):
        days, _, intervals = part.strip().partition(" ")
        first, _, last = days.partition("-")
        named = (
            DAYS_OF_WEEK[DAYS_OF_WEEK.index(first) : DAYS_OF_WEEK.index(last) + 1]
            if last
            else days.split(",")
        )
        for interval in intervals.split(","):
            opens, _, closes = interval.strip().partition("-")
            if DAYS_OF_WEEK[wall.weekday()] in named and opens <= clock < closes:
                return True
    return False


def is_booked(item: Item) -> bool:
    return (
        not item.is_cancelled
        and item.ends_at > item.starts_at
        and item.free_busy in {"Busy", "OOF"}
        and item.my_response not in {"Decline", "Tentative"}
    )


def minutes_of(item: Item, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the minutes that an item touches; an all-day item covers whole dates of the room."""
    minute, until = item.starts_at.replace(second=0, microsecond=0), item.ends_at
    if item.is_all_day:
        first, after = (
            (instant.astimezone(zone).replace(tzinfo=None) + timedelta(hours=12)).date()
            for instant in (item.starts_at, item.ends_at)
        )
        minute, until = minute - timedelta(days=2), until + timedelta(days=2)
    while minute < until:
        if not item.is_all_day or first <= minute.astimezone(zone).date() < after:
            yield minute
        minute += timedelta(minutes=1)


def expected_hours(tenant: Tenant, days: DayRange) -> dict[Hour, tuple[int, int]]:
    """Return open and booked minutes of every room's local hours, without personal rooms."""
    found: dict[Hour, list[int]] = defaultdict(lambda: [0, 0])
    for row in directory_rows(tenant):
        if row["room_type"] in {"desk", "office", "executive"}:
            continue
        zone, mailbox = ZoneInfo(row["time_zone"]), tenant.mailbox(row["address"])
        assert mailbox is not None
        minute = datetime.combine(days.first_date - timedelta(days=1), datetime.min.time(), UTC)
        until = minute + timedelta(days=len(days.days()) + 3)
        booked = {
            each
            for item in mailbox.items(minute - timedelta(days=40), until)
            if is_booked(item) and starts_within(item, days, zone)
            for each in minutes_of(item, zone)
        }
        while minute < until:
            wall = minute.astimezone(zone)
            if days.first_date <= wall.date() <= days.last_date and is_open(row, wall):
                hour = found[row["room_id"], wall.date(), wall.hour]
                hour[0] += 1
                hour[1] += minute in booked
            minute += timedelta(minutes=1)
    return {hour: (minutes[0], minutes[1]) for hour, minutes in found.items()}


def starts_within(item: Item, days: DayRange, zone: ZoneInfo) -> bool:
    wall = item.starts_at.astimezone(zone).replace(tzinfo=None)
    day = (wall + timedelta(hours=12)).date() if item.is_all_day else wall.date()
    return days.first_date <= day <= days.last_date


def settings_for(
    directory: Path, region: Region, tenant: Tenant, url: str, authority: CertificateAuthority
) -> Settings:
    rows = directory_rows(tenant)
    with (directory / "rooms.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    exchange: dict[str, Any] = {
        "kind": "ews",
        "endpoint": url,
        "auth": "basic",
        "username": ACCOUNT,
        "password_env": "TEST_PASSWORD",
        "ca_file": str(authority.ca_file),
    }
    part = {
        "time_zone": rows[0]["time_zone"],
        "lake": "lake",
        "warehouse": "warehouse",
        "rooms": "rooms.csv",
        "exchanges": {"sandbox": exchange},
    }
    (directory / "insights.yaml").write_text(yaml.safe_dump({"regions": {region: part}}))
    return load_settings(directory / "insights.yaml", None)


@pytest.mark.parametrize("region", ["EU", "NA"])
def test_the_published_minutes_are_those_of_the_calendars(
    region: Region,
    tmp_path: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "sandbox")
    tenant = generated_tenant(region, rooms=12)
    settings = settings_for(tmp_path, region, tenant, exchange(tenant).url, authority)
    days = SPANS[region]
    night = Night(settings, region, days, date(2026, 11, 22))
    assert run_night(night, open_source, SILENT).is_whole
    database = publish_region(settings, region, datetime(2026, 11, 22, 12, tzinfo=UTC)).path
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "SELECT room_id, local_date, local_hour, open_minutes, booked_minutes FROM room_hours "
            "WHERE open_minutes > 0"
        ).fetchall()
    published = {(room, day, hour): (opened, booked) for room, day, hour, opened, booked in rows}
    expected = expected_hours(tenant, days)
    assert sum(booked for _, booked in expected.values()) > 5000
    assert published == expected
