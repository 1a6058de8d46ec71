"""The attacker finds nothing in published statistics: random regions, a lake, and many nights."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.generate import Plan, generate
from tests.needs import DEPTH
from tests.privacy.statistics.attacker import attack
from tests.privacy.statistics.knowledge import (
    BANDS,
    Cell,
    Leaf,
    Night,
    Own,
    Planned,
    Shown,
    Use,
    read_night,
)
from tests.privacy.statistics.publisher import Fact, Publisher, closed_facts
from transforms.contract import CHANGE_WORDS
from warehouse.lake import Lake
from warehouse.profiles import BOOKINGS, CHANGES, profile_of, profile_rows, suppression
from warehouse.profiles.remembered import Memory
from warehouse.publish import PublishOptions, publish
from warehouse.versions import pointer
from warehouse.what_if.plan import what_if_tables

K = 5
MEASURED = ("lead_time", "kind", "headcount", "external", "duration")
MINUTES = dict(zip(BANDS["duration"], (10, 30, 50, 90, 180, 400, 1440), strict=True))
NIGHTS = (date(2026, 11, 12), date(2026, 11, 20), date(2026, 12, 11))
"""October closes between the first two; all are within thirty nights."""
LATER_NIGHTS = (date(2026, 11, 16), date(2026, 11, 24), date(2026, 12, 15))
"""November closes before the last; on the first two some of its days are still ahead."""
_TOLD_BY_ONE_OF_FIVE = 193
"""A region of which a hidden count was told to be 2 to 5: 1 to 4 for whoever made one of them."""
SEATS = {"1": 1, "2-4": 4, "5-8": 8, "9-14": 12, "15-30": 30, "31+": 40}
DAYS_AHEAD = {"1d-7d": 3, "7d-30d": 15, "30d+": 60, None: 60}


def region(seed: int) -> list[Fact]:
    """Draw some buildings, sizes and months, unevenly spread."""
    chance = random.Random(seed)
    leaves = [
        (f"S{number % 2}", f"B{number}", size)
        for number in range(chance.randint(1, 3))
        for size in chance.sample(["1", "2-4", "5-8", "9-14"], chance.randint(1, 3))
    ]
    weights = {measure: [chance.random() ** 2 + 0.01 for _ in BANDS[measure]] for measure in BANDS}

    def bands() -> dict[str, str | None]:
        drawn = {name: chance.choices(BANDS[name], weights[name])[0] for name in MEASURED}
        if drawn["kind"] != "single":
            drawn["lead_time"] = None
        elif drawn["lead_time"] is None:
            drawn["lead_time"] = "1d-7d"
        if (drawn["headcount"] is None) != (drawn["external"] is None):
            drawn["headcount"] = drawn["external"] = None
        return drawn

    drawn = [
        (leaf, date(2026, month, 1 + chance.randrange(28)), bands())
        for leaf in leaves
        for month in range(8, 8 + chance.randint(1, 4))
        for _ in range(chance.choice([0, 2, 4, 6, 12, 30, 60]))
    ]
    return [Fact(*each, MINUTES[each[2]["duration"]]) for each in drawn]


def counts_schema(names: Iterable[str], numbers: Iterable[str]) -> pa.Schema:
    """Return the columns of a work table of counts."""
    return pa.schema(
        [(name, pa.string()) for name in names] + [(name, pa.int64()) for name in numbers]
    )


def profiled(
    facts: list[Fact], built_on: date, memory: Memory, *, has_told: bool = True
) -> tuple[Night, Memory]:
    """Publish the facts as the product does, and remember what was shown."""
    counts: Counter[tuple[str | None, ...]] = Counter()
    minutes: Counter[tuple[str | None, ...]] = Counter()
    closed = closed_facts(facts, built_on)
    for fact in closed:
        for measure, band in fact.bands.items():
            key = (*fact.leaf, f"{fact.day:%Y-%m}", measure, band)
            counts[key] += 1
            minutes[key] += fact.minutes
    told_counts: Counter[tuple[str | None, ...]] = Counter()
    for (leaf, day), used in rooms_used(closed).items():
        told_counts[*leaf, f"{day:%Y-%m}"] += used * has_told
    names = ("site", "building", "capacity_band", "month", "measure", "band")
    numbers = ("bookings", "booked_minutes")
    table = [
        dict(zip((*names, *numbers), (*key, count, minutes[key]), strict=True))
        for key, count in counts.items()
    ]
    told_table = [dict(zip(names, key, strict=False), told=n) for key, n in told_counts.items()]
    profile = profile_of(
        pa.Table.from_pylist(table, counts_schema(names, numbers)),
        BOOKINGS,
        pa.Table.from_pylist(told_table, counts_schema(names[:4], ["told"])),
    )
    found, shown, _ = profile_rows(profile, BOOKINGS, K, memory)
    rows = found.to_pylist()
    cells = ("level", "site", "building", "capacity_band", "month")
    told = ("measure", "band", "bookings", "booked_minutes", "cell_bookings")
    over = [fact for fact in facts if fact.day < built_on]
    use = {key: Use(30 * used, used) for key, used in rooms_used(over).items()}
    night = Night(
        built_on,
        tuple(Shown(Cell(*(row[n] for n in cells)), *(row[n] for n in told)) for row in rows),
        use,
    )
    return replace(night, plans=plans(facts, built_on), booked=booked(facts, built_on)), (
        memory.with_shown(shown, built_on)
    )


def rooms_used(facts: list[Fact]) -> dict[tuple[Leaf, date], int]:
    """Return how many rooms of a group are used on a day, if it has one to five of them."""
    bookings = Counter((fact.leaf, fact.day) for fact in facts)
    return {
        (leaf, day): min(count, 1 + sum(f"{leaf}".encode()) % 5)
        for (leaf, day), count in bookings.items()
    }


def plans(facts: list[Fact], built_on: date) -> dict[Leaf, Planned]:
    """Return the product's what-if tables, if each booking of a day had its own room."""
    days = [built_on - timedelta(days=ago) for ago in range(150, 0, -1)]
    found = {}
    for place in {fact.leaf[:2] for fact in facts}:
        numbers: Counter[tuple[Leaf, date]] = Counter()
        taken: dict[tuple[Leaf, int], list[tuple[int, int]]] = defaultdict(list)
        for fact in sorted(facts, key=lambda fact: fact.minutes):
            if fact.leaf[:2] == place and days[0] <= fact.day < built_on:
                start = fact.day.toordinal() * 1440
                key = (fact.leaf, fact.day)
                taken[fact.leaf, numbers[key]].append((start, start + fact.minutes))
                numbers[key] += 1
        ids = sorted(taken, key=str)
        epoch = date(1970, 1, 1).toordinal() * 1440
        spans = [
            (number, start - epoch, end - epoch)
            for number, key in enumerate(ids)
            for start, end in sorted(taken[key])
        ]
        rooms = [
            {"room_id": str(number), "number": number, "seats": SEATS[str(leaf[2])]}
            | {"site": place[0], "building": place[1], "time_zone": "UTC"}
            for number, (leaf, _) in enumerate(ids)
        ]
        if not rooms:
            continue
        tables = what_if_tables(rooms, days, *np.array(spans).T)
        minutes = [row["booked_minutes"] for row in tables["what_if_rooms"]]
        for leaf in {leaf for leaf, _ in ids}:
            own = [row for row in tables["what_if_plan"] if row["seats"] == SEATS[str(leaf[2])]]
            total = sum(m for m, (of, _) in zip(minutes, ids, strict=True) if of == leaf)
            found[leaf] = Planned(frozenset(days), len(own), total)
    return found


def booked(facts: list[Fact], built_on: date) -> dict[tuple[str | None, date], int]:
    """Return the minutes booked so far of each building's day, past or up to four weeks ahead."""
    minutes: Counter[tuple[str | None, date]] = Counter()
    for fact in facts:
        made_on = fact.day - timedelta(days=DAYS_AHEAD.get(fact.bands["lead_time"], 0))
        if made_on < built_on and fact.day < built_on + timedelta(days=28):
            minutes[fact.leaf[1], fact.day] += fact.minutes
    every = [built_on + timedelta(days=day) for day in range(-150, 28)]
    buildings = {fact.leaf[1] for fact in facts}
    return {(building, day): minutes[building, day] for building in buildings for day in every}


def test_what_one_measure_tells_of_all_sizes_gives_no_rest_of_another() -> None:
    headcounts = {
        "1": (13, 14, 19, 8, 12, 3, 0, 0),
        "2-4": (33, 30, 41, 23, 19, 3, 0, 13),
        "5-8": (43, 40, 56, 28, 37, 4, 2, 6),
        "9-14": (44, 51, 74, 28, 28, 12, 1, 11),
        "15-30": (25, 25, 32, 16, 13, 4, 0, 6),
        "31+": (28, 35, 46, 22, 11, 6, 0, 9),
    }
    alike = {"duration": "16-30", "kind": "single", "lead_time": "7d-30d"}
    closed = [
        Fact(
            ("S", "B", size),
            date(2026, 9, 1 + at % 28),
            alike | {"headcount": band, "external": where},
        )
        for size, numbers in headcounts.items()
        for band, number in zip(BANDS["headcount"], numbers, strict=True)
        for at in range(number)
        for where in [None if band is None else "external" if at % 5 == 0 else "internal"]
    ]
    night, _ = profiled(closed, date(2026, 11, 14), Memory())
    assert any(each.band == "few" for each in night.shown)
    assert attack([replace(night, plans={}, booked={})], K).found == ()


def test_months_that_a_building_tells_together_give_no_month_of_one_of_its_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.privacy.statistics.test_statistics_hold.K", 3)
    wheres = {  # external, internal and unknown, in August to November
        "2-4": ((0, 0, 0), (5, 1, 60), (0, 1, 15), (2, 7, 47)),
        "5-8": ((1, 0, 2), (5, 4, 61), (2, 5, 46), (4, 5, 61)),
        "31+": ((0, 0, 0), (2, 8, 41), (0, 0, 0), (0, 1, 23)),
    }
    alike = {"duration": "16-30", "kind": "single", "lead_time": "7d-30d", "headcount": "2"}
    closed = [
        Fact(("S", "B", size), date(2026, month, 1 + at % 28), alike | {"external": where})
        for size, months in wheres.items()
        for month, numbers in enumerate(months, 8)
        for where, number in zip(BANDS["external"], numbers, strict=True)
        for at in range(number)
    ]
    night, _ = profiled(closed, date(2026, 12, 16), Memory())
    assert any(each.band is None and each.measure == "external" for each in night.shown)
    assert attack([replace(night, plans={}, booked={})], K).found == ()


@pytest.mark.hypothesis
@pytest.mark.parametrize("seed", sorted({*range(12 * DEPTH), _TOLD_BY_ONE_OF_FIVE}))
def test_random_regions_give_nothing_over_the_nights_in_which_a_month_closes(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All ways of merging bands, as published, or one of them alone.
    ways = [suppression.WAYS, *((way,) for way in suppression.WAYS)]
    monkeypatch.setattr(suppression, "WAYS", ways[seed % len(ways)])
    facts = region(seed)
    nights, memory = [], Memory()
    for built_on in LATER_NIGHTS if seed % 2 else NIGHTS:
        night, memory = profiled(facts, built_on, memory)
        nights.append(night)
    own = [Own(fact.leaf, fact.day, fact.bands) for fact in facts[:: max(1, len(facts) // 3)][:3]]
    for colleague in ([], own):
        assert attack(nights, K, colleague).found == ()


@pytest.mark.hypothesis
@pytest.mark.parametrize("seed", range(6 * DEPTH))
def test_many_builds_on_the_day_of_a_backfill_give_nothing_and_show_the_same(seed: int) -> None:
    facts = region(seed)
    first = min(fact.day for fact in facts).replace(day=28)
    recent = [fact for fact in facts if fact.day > first]
    nights, memory, today = [], Memory(), date(2027, 1, 31)
    for known, built_on in [(recent, today), *[(facts, today)] * 2, (facts, date(2027, 2, 1))]:
        night, memory = profiled(known, built_on, memory)
        nights.append(night)
    assert nights[3].shown == nights[2].shown == nights[1].shown
    assert attack(nights, K).found == ()


def changes_of(seed: int) -> list[tuple[tuple[str, str], date, str, str]]:
    """Draw changes in some buildings and months: place, day, kind of change, and notice."""
    chance = random.Random(seed)
    places = [(f"S{number % 2}", f"B{number}") for number in range(chance.randint(1, 4))]
    weights = [chance.random() ** 2 + 0.01 for _ in BANDS["cancelled"]]
    return [
        (
            place,
            date(2026, month, 1 + chance.randrange(28)),
            chance.choices(CHANGE_WORDS, (5, 3, 2, 1))[0],
            str(chance.choices(BANDS["cancelled"], weights)[0]),
        )
        for place in places
        for month in range(8, 8 + chance.randint(1, 4))
        for _ in range(chance.choice([0, 2, 6, 12, 40]))
    ]


def told_changes(seed: int, built_on: date, k: int, memory: Memory) -> tuple[Night, Memory]:
    """Publish the changes of closed months as the product does, and remember what was shown."""
    changes = changes_of(seed)
    closed = {
        fact.day for fact in closed_facts([Fact(("", "", ""), c[1], {}) for c in changes], built_on)
    }
    names = ("site", "building", "month", "change", "notice_band")
    counts = Counter(
        (*place, f"{day:%Y-%m}", change, band)
        for place, day, change, band in changes
        if day in closed
    )
    sums: dict[str, str | int] = {"minutes_given_back": 0, "minutes_booked_again": 0}
    table = [
        dict(zip(names, key, strict=True)) | {"changes": n} | sums for key, n in counts.items()
    ]
    schema = counts_schema(names, ("changes", *sums))
    profile = profile_of(pa.Table.from_pylist(table, schema), CHANGES)
    found, shown, _ = profile_rows(profile, CHANGES, k, memory)
    rows = found.to_pylist()
    wholes: Counter[tuple[Cell, str]] = Counter()
    cells = [Cell(row["level"], row["site"], row["building"], None, row["month"]) for row in rows]
    for cell, row in zip(cells, rows, strict=True):
        wholes[cell, row["change"]] += row["changes"]
    told = tuple(
        Shown(
            cell,
            row["change"],
            row["notice_band"],
            row["changes"],
            None,
            wholes[cell, row["change"]],
        )
        for cell, row in zip(cells, rows, strict=True)
    )
    days = {(place, day) for place, day, _, _ in changes if day < built_on}
    use: dict[tuple[Leaf, date], Use] = {((*place, None), day): Use(0, 0) for place, day in days}
    return Night(built_on, told, use), memory.with_shown(shown, built_on)


@pytest.mark.hypothesis
@pytest.mark.parametrize("seed", range(10 * DEPTH))
def test_changes_of_random_regions_give_nothing_over_the_nights(seed: int) -> None:
    nights, memory = [], Memory()
    for built_on in NIGHTS:
        night, memory = told_changes(seed, built_on, K, memory)
        nights.append(night)
    assert attack(nights, K).found == ()


def test_changes_give_much_without_merging() -> None:
    found = [attack([told_changes(seed, NIGHTS[1], 1, Memory())[0]], K).found for seed in range(4)]
    assert any(found)


def test_the_same_regions_give_much_without_merging() -> None:
    careless = [
        attack([Publisher(is_merging=False).night(region(seed), NIGHTS[1])], K) for seed in (0, 2)
    ]
    assert all(result.found for result in careless)


def test_regions_give_totals_if_the_days_on_which_rooms_are_used_are_not_minded() -> None:
    nights = [profiled(region(seed), NIGHTS[1], Memory(), has_told=False)[0] for seed in range(4)]
    assert sum(len(attack([night], K).found) > 0 for night in nights) >= 2


def test_a_lake_gives_nothing_over_the_nights_in_which_a_month_closes(tmp_path: Path) -> None:
    lake, nights = Lake(tmp_path / "lake", "EU"), []
    first = date(2026, 8, 25)
    generate(lake, Plan("EU", 40, first, date(2026, 11, 20), date(2026, 11, 20)))
    for day in (13, 14, 15, 16):
        now = datetime(2026, 11, day, 3, tzinfo=UTC)
        publish(lake, tmp_path / "w", PublishOptions(threads=1, export_parquet=False), now)
        path = pointer(tmp_path / "w", "EU")
        nights.append(read_night(path.with_stem(f"{path.stem}-statistics").resolve()))
    months = [{each.cell.month for each in night.shown} for night in nights]
    assert "2026-10" in months[-1] - months[0]
    result = attack(nights, K)
    assert result.tried > 300
    assert result.found == ()
