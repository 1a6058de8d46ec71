"""An attack on the published database: differences and totals must not reveal a small group.

The attacker has every table of one night, or of two nights. Totals come from the time measures,
which are exempt from suppression: bookings of a building, band and week in ``room_days`` and
``utilization``. The attacker learns the difference between a total and a mart's published cells.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from tests.lake.rows import FIRST_NIGHT, booking, coverage, stored
from tests.privacy.attacker import Attacker
from transforms.contract import PERSONAL_ROOM_TYPES
from transforms.contract.database import TABLES
from transforms.contract.lake import ROOMS
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish
from warehouse.versions import current_version

K: Final = 5
MONDAY: Final = date(2026, 11, 2)
DAYS: Final = tuple(MONDAY + timedelta(days=number) for number in range(14))
GROUPS: Final = 40


def room(room_id: str, **other: Any) -> dict[str, Any]:
    fixed = {"time_zone": "UTC", "open_hours": "Mon-Sun 00:00-24:00", "room_type": "conference"}
    return dict.fromkeys(ROOMS.names) | fixed | {"room_id": room_id, "capacity": 8} | other


def random_bookings(chance: random.Random, room_id: str, day: date, count: int) -> Iterator[Any]:
    """Return bookings with unevenly spread kinds, lengths, lead times and sizes."""
    for _ in range(count):
        row = booking(
            room_id, day, chance.randrange(24), chance.choice([1, 2, 2, 3, 3, 3, 5, 8, 15])
        )
        minutes = chance.choice([30, 30, 30, 60, 180])
        lead = timedelta(minutes=chance.choice([60, 60, 60, 60, 20_000]))
        yield row | {
            "ends_at": row["starts_at"] + timedelta(minutes=minutes),
            "created_at": row["starts_at"] - lead,
            "kind": chance.choice(["single", "single", "single", "occurrence"]),
            "invited_headcount": chance.choice([None, *([row["invited_headcount"]] * 5)]),
            "has_external": chance.choice([None, True, False, False]),
        }


def company(lake: Lake) -> None:
    """Return many buildings with one room each, so every group is small, and personal rooms."""
    chance = random.Random(20261102)
    rooms = [room(f"r{number:02}", building=f"B{number:02}") for number in range(GROUPS)]
    for kind in PERSONAL_ROOM_TYPES:
        # Enough personal rooms in one building, too few in the other.
        rooms += [room(f"{kind}-{n}", building="HQ", room_type=kind, capacity=1) for n in range(K)]
        rooms += [room(f"{kind}-x{n}", building="Annex", room_type=kind) for n in range(K - 1)]
    lake.replace("rooms", None, pa.Table.from_pylist(rooms, schema=ROOMS))
    busy = {each["room_id"]: chance.randrange(7) for each in rooms}
    for day in DAYS:
        rows = [
            row
            for room_id, most in busy.items()
            for row in random_bookings(chance, room_id, day, chance.randint(0, most))
        ]
        lake.replace("bookings", day, stored(*rows))
        read = [(each["room_id"], True, FIRST_NIGHT, None) for each in rooms]
        lake.replace("coverage", day, coverage(*read))


def publish_until(lake: Lake, warehouse: Path, last_date: date) -> Path:
    """Publish as on the night after a day, keeping earlier versions."""
    now = FIRST_NIGHT.replace(year=last_date.year, month=last_date.month, day=last_date.day)
    options = PublishOptions(minimum_group=K, threads=1, keep_versions=20)
    publish(lake, warehouse, options, now + timedelta(days=1))
    return current_version(warehouse, lake.region)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[date, Attacker]]:
    """The same lake, published every night of its second week."""
    folder = tmp_path_factory.mktemp("small-groups")
    lake = Lake(folder / "lake", "EU")
    company(lake)
    last_days = [DAYS[6], DAYS[7], DAYS[9], DAYS[13]]
    found = {day: Attacker(publish_until(lake, folder / "warehouse", day)) for day in last_days}
    yield found
    for attacker in found.values():
        attacker.close()


@pytest.fixture(scope="module")
def attacker(nights: Mapping[date, Attacker]) -> Attacker:
    return nights[DAYS[13]]


def test_rooms_of_one_person_have_no_rows_of_their_own(attacker: Attacker) -> None:
    personal = f"(SELECT room_id FROM rooms WHERE room_type IN {PERSONAL_ROOM_TYPES})"
    for table in ("bookings", "room_hours", "room_days", "room_days_ahead"):
        assert attacker.rows(f"SELECT count(*) FROM {table} WHERE room_id IN {personal}") == [(0,)]
    assert attacker.rows(f"SELECT count(*) FROM {personal}")[0][0] > 0


def test_rooms_of_one_person_are_only_in_tables_that_tell_their_type(attacker: Attacker) -> None:
    """Their buildings have no other rooms, so any table with the building would be about them."""
    for table, schema in TABLES.items():
        if "building" in schema.names and "room_type" not in schema.names:
            where = "WHERE building IN ('HQ', 'Annex')"
            assert attacker.rows(f"SELECT count(*) FROM {table} {where}") == [(0,)]


def test_rooms_of_one_person_are_seen_only_in_groups(attacker: Attacker) -> None:
    found = attacker.rows(
        "SELECT building, min(rooms_loaded), count(*) FROM utilization "
        f"WHERE room_type IN {PERSONAL_ROOM_TYPES} GROUP BY ALL"
    )
    assert [(building, smallest) for building, smallest, _ in found] == [("HQ", K)]
