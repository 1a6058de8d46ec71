"""An attack on the published database: differences and totals must not reveal a small group.

The attacker has every table of one night, or of two nights. Totals come from the time measures,
which are exempt from suppression: bookings of a building, band and week by ``room_days`` and
by ``utilization``. What a mart leaves out of them is what an attacker can learn.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from tests.lake.rows import FIRST_NIGHT, booking, coverage, stored
from tests.privacy.attacker import Attacker, Group
from transforms.contract import PERSONAL_ROOM_TYPES, ROOMS, TABLES
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish

K: Final = 5
MONDAY: Final = date(2026, 11, 2)
DAYS: Final = tuple(MONDAY + timedelta(days=number) for number in range(14))
MARTS: Final = ("booking_mix", "size_fit")
GROUPS: Final = 40


def room(room_id: str, **other: Any) -> dict[str, Any]:
    fixed = {"time_zone": "UTC", "open_hours": "Mon-Sun 00:00-24:00", "room_type": "conference"}
    return dict.fromkeys(ROOMS.names) | fixed | {"room_id": room_id, "capacity": 8} | other


def random_bookings(chance: random.Random, room_id: str, day: date, count: int) -> Iterator[Any]:
    """Some bookings whose kinds, lengths, lead times and sizes are unevenly spread."""
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
    """Many buildings of one room each, so that every group is small; and rooms of one person."""
    chance = random.Random(20261102)
    rooms = [room(f"r{number:02}", building=f"B{number:02}") for number in range(GROUPS)]
    for kind in PERSONAL_ROOM_TYPES:
        # Enough of them in one building, too few in the other.
        rooms += [room(f"{kind}-{n}", building="HQ", room_type=kind, capacity=1) for n in range(K)]
        rooms += [room(f"{kind}-x{n}", building="Annex", room_type=kind) for n in range(K - 1)]
    lake.replace_rooms(pa.Table.from_pylist(rooms, schema=ROOMS))
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
    """Publish as on the night after a day; earlier versions stay as they are."""
    now = FIRST_NIGHT.replace(year=last_date.year, month=last_date.month, day=last_date.day)
    options = PublishOptions(minimum_group=K, threads=1, keep_versions=20)
    return publish(lake, warehouse, options, now + timedelta(days=1)).path.resolve()


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[date, Attacker]]:
    """The same lake as it was published night after night of its second week."""
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


@pytest.mark.parametrize("mart", MARTS)
def test_no_cell_of_behaviour_is_smaller_than_the_minimum_group(
    attacker: Attacker, mart: str
) -> None:
    sizes = [size for cells in attacker.cells(mart).values() for size in cells.values()]
    assert len(sizes) > GROUPS / 2
    assert min(sizes) >= K


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("source", ["room_days", "utilization"])
def test_what_totals_leave_is_nothing_or_a_group_or_all(
    attacker: Attacker, mart: str, source: str
) -> None:
    left_out = attacker.left_out(mart, source)
    assert len(left_out) > GROUPS
    assert any(left and published for left, published in left_out.values())
    assert any(not published for _, published in left_out.values())
    for left, published in left_out.values():
        assert left == 0 or left >= K or published == 0


@pytest.mark.parametrize("mart", MARTS)
def test_a_small_group_is_never_left_out_alone(attacker: Attacker, mart: str, truth: Any) -> None:
    """Two hidden cells at least: the total of one hidden cell would be its size."""
    hidden_groups = 0
    for group, cells in truth(mart).items():
        published = attacker.cells(mart).get(group, {})
        hidden = {label: size for label, size in cells.items() if label not in published}
        assert all(published[label] == cells[label] for label in published)
        if published and hidden:
            hidden_groups += 1
            assert len(hidden) >= 2
    assert hidden_groups > 5


@pytest.fixture(scope="module")
def truth(attacker: Attacker) -> Any:
    """Every cell as it is, suppressed or not, counted from the table of bookings."""

    def counted(mart: str) -> dict[Group, dict[tuple[Any, ...], int]]:
        cells: dict[Group, dict[tuple[Any, ...], int]] = defaultdict(lambda: defaultdict(int))
        query = (
            "SELECT building, capacity_band, strftime(local_start_date, '%G-W%V'), kind, "
            "date_diff('minute', starts_at, ends_at), "
            "date_diff('minute', created_at, starts_at), invited_headcount "
            "FROM bookings JOIN rooms USING (room_id)"
        )
        for b, c, w, kind, minutes, lead, headcount in attacker.rows(query):
            label = (
                (
                    kind,
                    _band(minutes, _DURATIONS),
                    _band(lead, _LEADS) if kind == "single" else None,
                )
                if mart == "booking_mix"
                else (_band(headcount, _HEADCOUNTS),)
            )
            cells[str(b), str(c), str(w)][label] += 1
        return cells

    return counted


_DURATIONS: Final = {15: "0-15", 30: "16-30", 60: "31-60", 120: "61-120", 240: "121-240"}
_LEADS: Final = {15: "0-15m", 120: "15m-2h", 1440: "2h-1d", 10_080: "1d-7d", 43_200: "7d-30d"}
_HEADCOUNTS: Final = {1: "1", 2: "2", 4: "3-4", 6: "5-6", 10: "7-10", 20: "11-20"}


def _band(value: int | None, bands: Mapping[int, str]) -> str | None:
    if value is None:
        return None
    return next((label for most, label in bands.items() if value <= most), "30d+")


@pytest.mark.parametrize("mart", MARTS)
def test_neighbouring_groups_add_up_to_nothing_small(attacker: Attacker, mart: str) -> None:
    """No coarser total is published, and sums of what groups leave out stay groups."""
    left = [left for left, published in attacker.left_out(mart).values() if published]
    assert all(one + other == 0 or one + other >= K for one, other in pairwise(left))


@pytest.mark.parametrize("mart", MARTS)
def test_nights_that_follow_say_the_same_of_a_week_that_is_over(
    nights: Mapping[date, Attacker], mart: str
) -> None:
    first, *others = nights.values()
    week = f"{MONDAY:%G-W%V}"
    before = {group: cells for group, cells in first.cells(mart).items() if group[2] == week}
    assert before
    for other in others:
        assert before == {g: cells for g, cells in other.cells(mart).items() if g[2] == week}


@pytest.mark.parametrize("mart", MARTS)
def test_every_night_of_a_week_keeps_the_rule(nights: Mapping[date, Attacker], mart: str) -> None:
    for attacker in nights.values():
        for left, published in attacker.left_out(mart).values():
            assert left == 0 or left >= K or published == 0


def test_rooms_of_one_person_have_no_rows_of_their_own(attacker: Attacker) -> None:
    personal = f"(SELECT room_id FROM rooms WHERE room_type IN {PERSONAL_ROOM_TYPES})"
    for table in ("bookings", "room_hours", "room_days", "room_days_ahead"):
        assert attacker.rows(f"SELECT count(*) FROM {table} WHERE room_id IN {personal}") == [(0,)]
    assert attacker.rows(f"SELECT count(*) FROM {personal}")[0][0] > 0


def test_rooms_of_one_person_are_only_in_tables_that_tell_their_type(attacker: Attacker) -> None:
    """Their buildings hold nothing else: a building in a table would be them."""
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


def test_what_was_left_out_is_counted(attacker: Attacker) -> None:
    assert attacker.rows("SELECT suppressed_cells > 0 FROM build_info") == [(True,)]
