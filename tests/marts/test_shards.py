"""A database built from shards of whole buildings equals the one that one machine builds."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from tests.marts.scenario import Database, Room, Scenario, book, scenario, write_lake
from tests.marts.scenarios import scenarios
from tests.marts.worked import everything
from tests.needs import DEPTH
from tests.object_stores import IN_A_BUCKET
from transforms.contract.database import STATISTICS, TABLES
from warehouse import connect
from warehouse.build import DAILY
from warehouse.engine import BuildError
from warehouse.lake import Lake
from warehouse.publish import Builder, publish
from warehouse.shards import Job, Split, plan_shards
from warehouse.shards.assembly import ShardBuilder, Written
from warehouse.storage import Location, ObjectUrl, storage_at
from warehouse.versions import VersionError

Tables: TypeAlias = dict[str, Counter[Any]]

DAY = date(2026, 3, 2)
_DAY_OF = {"bookings": "local_start_date", "room_hours": "local_date"}


class HereBuilder(ShardBuilder):
    """Builds every shard in this process, last one first, from rows sent a day at a time."""

    def run(
        self, lake: Lake, split: Split, rooms: Sequence[Mapping[str, bytes]], job: Job
    ) -> list[Written]:
        sent = [[(name, pa.py_buffer(each)) for name, each in of.items()] for of in rooms]
        for dataset in DAILY:
            for day in reversed(lake.days(dataset)):
                for number, content in split.split(dataset, [day]):
                    sent[number].append((dataset, pa.py_buffer(content)))
        return [
            (number, name, path)
            for number in reversed(range(len(rooms)))
            for name, path in job.build(number, sent[number])
        ]


def published(folder: Path, of: Scenario, builder: Builder | None) -> Tables:
    lake = Lake(folder / "lake", "EU")
    if lake.read("rooms") is None:
        write_lake(lake, of)
    warehouse = folder / ("one" if builder is None else "many")
    publish(lake, warehouse, of.options, of.now, builder)
    return tables_of(warehouse)


def tables_of(warehouse: Location, *, bookings: bool = True) -> Tables:
    database = Database(connect("EU", warehouse=warehouse, bookings=bookings))
    try:
        names = TABLES if bookings else STATISTICS
        return {name: Counter(database.rows(f"FROM {name}")) for name in names}
    finally:
        database.close()


def assert_same(folder: Path, of: Scenario) -> None:
    one = published(folder, of, None)
    many = published(folder, of, HereBuilder(10**10, shards=100))
    for name in TABLES:
        assert many[name] == one[name], name


@settings(deadline=None, max_examples=2 * DEPTH, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_random_lakes_give_the_same_tables_by_shards(of: Scenario) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_same(Path(folder), of)


@pytest.fixture(scope="module")
def of_one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Tables]:
    """All tables of the worked lake as one machine builds them, and the statistics' tables."""
    folder = tmp_path_factory.mktemp("one")
    return published(folder, everything(), None), tables_of(folder / "one", bookings=False)


def three_houses() -> Scenario:
    rooms = tuple(Room(f"r{n}", building=f"House {n}", site="North") for n in range(3))
    bookings = [book(room, DAY, "09:00", f"1{n}:30") for n, room in enumerate(rooms)]
    return scenario(rooms, bookings, [DAY])


@IN_A_BUCKET
def test_shards_of_a_lake_in_a_bucket_leave_their_tables_there_and_nothing_in_the_end(
    bucket: ObjectUrl, tmp_path: Path
) -> None:
    of = three_houses()
    one = published(tmp_path, of, None), tables_of(tmp_path / "one", bookings=False)
    lake, warehouse = Lake(bucket / "lake", "EU"), bucket / "warehouse"
    write_lake(lake, of)
    seen: list[list[str]] = []

    def shared() -> list[str]:
        names = storage_at(warehouse, "warehouse", VersionError).names(".building-eu")
        return [name for name in names if name.endswith(".parquet")]

    class Watching(HereBuilder):
        def run(self, *sent: Any) -> list[Written]:
            written = super().run(*sent)
            seen.append(shared())
            return written

    builder = Watching(10**10, shards=100, shared=warehouse)
    for is_parquet in (False, True):  # the second night remembers what the first one showed
        publish(lake, warehouse, replace(of.options, is_parquet=is_parquet), of.now, builder)
        assert len(seen.pop()) > 20
        assert shared() == []
        assert (tables_of(warehouse), tables_of(warehouse, bookings=False)) == one


def test_a_worked_lake_gives_the_same_tables_by_shards(
    tmp_path: Path, of_one: tuple[Tables, Tables]
) -> None:
    many = published(tmp_path, everything(), HereBuilder(10**10, shards=100))
    for name in TABLES:
        assert many[name] == of_one[0][name], name


def test_tables_left_as_parquet_only_are_the_rows_of_the_databases(
    tmp_path: Path, of_one: tuple[Tables, Tables]
) -> None:
    of = everything()
    lake, warehouse = Lake(tmp_path / "lake", "EU"), tmp_path / "warehouse"
    write_lake(lake, of)
    for _ in range(2):  # the second night remembers what the first one showed
        publish(lake, warehouse, replace(of.options, is_parquet=True), of.now)
        found = tables_of(warehouse)
        for name in TABLES:
            assert found[name] == of_one[0][name], name
        assert tables_of(warehouse, bookings=False) == of_one[1]


def test_a_site_is_counted_over_all_its_buildings(tmp_path: Path) -> None:
    assert_same(tmp_path, three_houses())
    with connect("EU", warehouse=tmp_path / "many") as database:
        query = "SELECT peak_rooms_in_use FROM rooms_in_use_by_place WHERE level = 'site'"
        assert database.execute(query).fetchall() == [(3,)]


def test_buildings_of_one_name_at_two_sites_share_a_week_by_shards_too(tmp_path: Path) -> None:
    rooms = (Room("a", site="North"), Room("b", site="South"), Room("c", site=None, building=None))
    assert_same(
        tmp_path, scenario(rooms, [book(each, DAY, "09:00", "10:00") for each in rooms], [DAY])
    )


def test_a_lake_without_rooms_is_published_by_shards_too(tmp_path: Path) -> None:
    assert_same(tmp_path, scenario((), [], [DAY]))


def version(room_id: str, building: str, part_of: str | None = None) -> dict[str, Any]:
    return {"room_id": room_id, "site": "North", "building": building, "part_of": part_of}


def test_a_room_that_moved_and_a_combined_room_keep_their_buildings_together() -> None:
    moved = [version("a", "One"), version("a", "Two")]
    others = [version("whole", "Three"), version("half", "Four", "whole"), version("z", "Five")]
    rows = dict.fromkeys(["a", "whole", "half", "z"], 2)
    shards = plan_shards([*moved, *others], rows, wanted=100, most_rows=10)
    assert sorted(shard.rooms for shard in shards) == [("a",), ("half", "whole"), ("z",)]


def test_small_buildings_are_packed_into_as_many_shards_as_wanted() -> None:
    versions = [version(f"r{n}", f"B{n:02}") for n in range(40)]
    shards = plan_shards(versions, {f"r{n}": 100 for n in range(40)}, wanted=4, most_rows=10**6)
    assert [(len(shard.rooms), shard.rows) for shard in shards] == [(10, 1000)] * 4


def test_bookings_and_hours_of_a_shard_leave_it_pass_by_pass_in_order(tmp_path: Path) -> None:
    lake, days = Lake(tmp_path / "lake", "EU"), [DAY, DAY + timedelta(days=1)]
    room = Room("r1")
    of = scenario((room,), [book(room, day, "09:00", "10:00") for day in days], days)
    write_lake(lake, of)
    found: dict[str, list[set[date]]] = {"bookings": [], "room_hours": []}

    class LookingBuilder(HereBuilder):
        def run(
            self, lake: Lake, split: Split, rooms: Sequence[Mapping[str, bytes]], job: Job
        ) -> list[Written]:
            written = super().run(lake, split, rooms, job)
            for _, name, file in written:
                if name in found and isinstance(job.out, Path):
                    dates = pq.read_table(job.out / file).column(_DAY_OF[name])
                    found[name].append(set(dates.to_pylist()))
            return written

    options = replace(of.options, room_days_per_pass=1)
    publish(lake, tmp_path / "w", options, of.now, LookingBuilder(10**10, None))
    assert found == {name: [{day} for day in days] for name in found}


def test_a_building_larger_than_a_worker_is_refused_by_its_name(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    room = Room("r1", building="Tower", site="North")
    of = scenario((room,), [book(room, DAY, "09:00", "10:00")], [DAY])
    write_lake(lake, of)
    with pytest.raises(BuildError) as refused:
        publish(lake, tmp_path / "w", of.options, of.now, HereBuilder(10**8, None))
    assert str(refused.value) == (
        "building Tower at site North: has 2 rows, and a worker's memory holds 0: "
        "raise spark.worker_memory, or publish with engine: duckdb"
    )
    assert not (tmp_path / "w" / "insights-eu.duckdb").exists()


def test_a_shard_that_duckdb_cannot_hold_is_refused_by_its_name(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    of = everything()
    write_lake(lake, of)

    class SmallBuilder(HereBuilder):
        def run(
            self, lake: Lake, split: Split, rooms: Sequence[Mapping[str, bytes]], job: Job
        ) -> list[Written]:
            small = replace(job, options=replace(job.options, memory_limit="1MB"))
            return super().run(lake, split, rooms, small)

    with pytest.raises(BuildError, match="could not be built in a worker's memory"):
        publish(lake, tmp_path / "w", of.options, of.now, SmallBuilder(10**10, None))
