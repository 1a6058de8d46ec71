"""Shards: whole buildings, each built alone by the function that builds one machine's database.

Belongs here: which rooms go together, splitting the lake's days by shard, and building one shard.
These are plain functions of Arrow tables and files, so anything can run them on many machines.
Does not belong here: Spark (``spark.py``), what a figure means (``sql``).

A shard holds every room that was ever in one of its buildings, and the parts of each (R18, R25), so
that no figure of a building needs another shard. Buildings of one name count as one, and so do
rooms without a building. Its work tables of ``SUMS`` hold what figures above building level need of
it.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.contract import Region
from transforms.contract.database import TABLES
from transforms.contract.lake import LAKE
from warehouse.build import DAILY, Daily, Stage, Survey, load_rooms
from warehouse.engine import BuildError, Engine, EngineError, Left, building
from warehouse.inputs import Inputs, PublishOptions
from warehouse.lake import Lake
from warehouse.profiles import PROFILE
from warehouse.profiles.remembered import MEMORY
from warehouse.publish import EACH_PASS, LARGE, LAST, build_rooms
from warehouse.storage import Location, ObjectUrl, WarehouseError, storage_at

Place: TypeAlias = tuple[str | None, str | None]
"""Site and building."""

SUMS: Final = (
    *("week_hours", "profile_counts", "told_counts", "change_counts", "hidden_cells"),
    *("site_changes", "site_rooms"),
)
"""Work tables of a shard that are summed over all shards."""
OF_SHARDS: Final = tuple(
    name for name in TABLES if name not in {*LAST, PROFILE, MEMORY, "rooms", "change_profile"}
)
"""Tables that are the rows of all shards, one shard after another."""
_OF_ROOMS: Final = ("rooms", "versions")
_STAGES: Final = (*EACH_PASS, Stage(("site_changes", "site_rooms")))
_ROWS_SCHEMA: Final[Mapping[Daily, pa.Schema]] = {
    name: pa.schema(
        [*LAKE[name].schema, pa.field("lake_date", pa.date32()), pa.field("lake_row", pa.int64())]
    )
    for name in DAILY
}
_BASE_BYTES: Final = 400_000_000
"""Memory for Python, its libraries and the arrays of a pass, besides DuckDB and the rows."""
_ROW_BYTES: Final = 160
"""Memory for a row of the lake in Arrow, texts included."""

_ROWS_SENT: Final = 100_000
"""Rows of the lake sent together, some 3 MB: Java keeps several such pieces whole in its heap, and
a heap of 900 MB was too small for a building whose rows came in pieces of 40 MB."""


@dataclass(frozen=True)
class Shard:
    """Some whole buildings: ``name`` is the largest one's, ``rows`` counts their lake rows."""

    name: str
    rooms: tuple[str, ...]
    rows: int


def plan_shards(
    versions: Sequence[Mapping[str, Any]], rows: Mapping[str, int], wanted: int, most_rows: int
) -> list[Shard]:
    """Return about ``wanted`` shards; rooms of one site stay together where they can.

    ``versions`` are all versions of the rooms; ``rows`` says how many lake rows each room has.

    Raises:
        BuildError: a building, with all that must stay with it, has more than ``most_rows``.
    """
    shards: list[Shard] = []
    target = min(most_rows, -(-sum(rows.values()) // wanted))
    for each in _inseparable(versions, rows):
        if each.rows > most_rows:
            raise BuildError(
                f"{each.name}: has {each.rows:,} rows, and a worker's memory holds {most_rows:,}: "
                "raise spark.worker_memory, or publish with engine: duckdb"
            )
        last = shards[-1] if shards else None
        if last and last.rows + each.rows <= target:
            larger = max(last, each, key=attrgetter("rows"))
            shards[-1] = Shard(larger.name, last.rooms + each.rooms, last.rows + each.rows)
        else:
            shards.append(each)
    return shards


def _inseparable(versions: Sequence[Mapping[str, Any]], rows: Mapping[str, int]) -> list[Shard]:
    """Return the smallest possible shards, ordered by site and building."""
    place_of: dict[str, Place] = {}
    parent: dict[Place, Place] = {}

    def root(place: Place) -> Place:
        while parent.setdefault(place, place) != place:
            parent[place] = place = parent[parent[place]]
        return place

    for room in versions:
        place = (room["site"], room["building"])
        parent[root(place)] = root(place_of.setdefault(room["room_id"], place))
    of_name: dict[str | None, Place] = {}
    for room in versions:
        place = (room["site"], room["building"])
        # Some tables identify a building by its name alone (R9, R23).
        parent[root(place)] = root(of_name.setdefault(room["building"], place))
        if room["part_of"] in place_of:
            parent[root(place_of[room["room_id"]])] = root(place_of[room["part_of"]])
    rooms_of: dict[Place, list[str]] = defaultdict(list)
    rows_of: dict[Place, int] = defaultdict(int)
    for room_id, place in place_of.items():
        rooms_of[root(place)].append(room_id)
        rows_of[place] += rows.get(room_id, 0)
    places_of: dict[Place, list[Place]] = defaultdict(list)
    for place in {*place_of.values()}:
        places_of[root(place)].append(place)
    found = []
    for at in sorted(rooms_of, key=lambda place: tuple(name or "" for name in place)):
        largest = max(places_of[at], key=lambda place: (rows_of[place], str(place)))
        total = sum(rows_of[place] for place in places_of[at])
        site, building = largest
        name = f"building {building}" if building else "the rooms without a building"
        name += f" at site {site}" if site else ""
        found.append(Shard(name, tuple(sorted(rooms_of[at])), total))
    return found


def most_rows(worker_memory: int, duckdb_memory: int) -> int:
    """Return how many rows of the lake a worker with that many bytes can take; 0 if none."""
    return max(0, worker_memory - duckdb_memory - _BASE_BYTES) // _ROW_BYTES


@dataclass(frozen=True)
class Split:
    """Splits days of the lake by shard. Can be sent to other machines.

    ``shard_of`` has the columns room_id and shard; rooms that are not in it are left out.
    """

    root: Location
    region: Region
    shard_of: pa.Table

    def split(self, dataset: Daily, days: Sequence[date]) -> Iterator[tuple[int, bytes]]:
        """Yield the rows of some days for each shard that has any, in the lake's order."""
        lake = Lake(self.root, self.region)
        tables = []
        for day, read in zip(days, lake.read_each(dataset, days, is_packed=True), strict=True):
            if read is not None and len(read):
                table = read.append_column("lake_date", pa.array([day] * len(read), pa.date32()))
                numbers = pa.array(np.arange(len(table)), pa.int64())
                tables.append(table.append_column("lake_row", numbers))
        if not tables:
            return
        rows = pa.concat_tables(tables).replace_schema_metadata(None).unify_dictionaries()
        room_ids = rows["room_id"].combine_chunks()
        found = pc.index_in(room_ids.dictionary, self.shard_of["room_id"].combine_chunks())
        shard_of = pc.fill_null(self.shard_of["shard"].combine_chunks().take(found), -1)
        shard = shard_of.take(room_ids.indices).to_numpy()
        order = np.argsort(shard, kind="stable")
        rows = rows.take(pa.array(order))
        numbers, starts = np.unique(shard[order], return_index=True)
        for number, start, end in zip(numbers, starts, [*starts[1:], len(order)], strict=True):
            if number >= 0:
                for at in range(start, end, _ROWS_SENT):
                    yield int(number), packed(rows.slice(at, min(_ROWS_SENT, end - at)))


def shard_table(shards: Sequence[Shard]) -> pa.Table:
    """Return the shard number of every room."""
    numbers = [number for number, shard in enumerate(shards) for _ in shard.rooms]
    rooms = [room for shard in shards for room in shard.rooms]
    return pa.table(
        {"room_id": pa.array(rooms, pa.string()), "shard": pa.array(numbers, pa.int32())}
    )


def rooms_of(inputs: Inputs, shard: Shard) -> dict[str, bytes]:
    """Return a shard's rooms in the form sent to it: as they are now, and in all versions."""
    own = pa.array(shard.rooms, pa.string())
    found = zip(_OF_ROOMS, (inputs.listed, inputs.versions), strict=True)
    return {name: packed(rooms.filter(pc.is_in(rooms["room_id"], own))) for name, rooms in found}


def packed(rows: pa.Table) -> bytes:
    """Return a table as bytes."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        writer.write_table(rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpacked(content: pa.Buffer) -> pa.Table:
    """Return the table that ``packed`` made into bytes."""
    return pa.ipc.open_stream(content).read_all()


class SentRows:
    """The rows of a shard as they were sent to it, some days each."""

    def __init__(self, sent: Mapping[Daily, Sequence[pa.Table]]) -> None:
        self._sent: dict[Daily, list[tuple[date, date, pa.Table]]] = {}
        for dataset in DAILY:
            tables = [(_day(each, 0), _day(each, -1), each) for each in sent[dataset]]
            self._sent[dataset] = sorted(tables, key=lambda each: each[0])

    def view(
        self,
        engine: Engine,
        name: str,
        dataset: Daily,
        first: date = date.min,
        last: date = date.max,
    ) -> None:
        """Make the rows of some days readable by a name."""
        chosen = [t for begins, ends, t in self._sent[dataset] if begins <= last and ends >= first]
        rows = pa.concat_tables(chosen) if chosen else _ROWS_SCHEMA[dataset].empty_table()
        engine.slice(name, rows, first, last)


def _day(rows: pa.Table, place: int) -> date:
    day: date = rows["lake_date"][place].as_py()
    return day


@dataclass(frozen=True)
class Job:
    """Builds shards. Can be sent to other machines, which must reach ``out`` as well.

    ``found`` is of the whole region but without its rooms: every shard is sent its own. ``names``
    are those of the shards.
    """

    found: Survey
    options: PublishOptions
    names: tuple[str, ...]
    out: Location

    def build(self, number: int, sent: Iterable[tuple[str, pa.Buffer]]) -> list[tuple[str, str]]:
        """Build one shard from what was sent to it; return each table and its file in ``out``.

        Files of a failed attempt stay behind, under names that are never returned.

        Raises:
            BuildError: names the largest building.
        """
        try:
            tables: dict[str, list[pa.Table]] = {name: [] for name in (*DAILY, *_OF_ROOMS)}
            for name, content in sent:
                tables[name].append(unpacked(content))
            # Spark may say where a worker should write temporary files.
            folders = os.environ.get("SPARK_LOCAL_DIRS") or os.environ.get("LOCAL_DIRS") or ""
            with tempfile.TemporaryDirectory(dir=folders.split(",")[0] or None) as scratch:
                return self._build(Path(scratch), tables)
        except (EngineError, MemoryError):
            raise BuildError(
                f"{self.names[number]}: could not be built in a worker's memory "
                f"({self.options.memory_limit} of it DuckDB's): see to free space on its disk, "
                "raise spark.worker_memory, or publish with engine: duckdb"
            ) from None
        except WarehouseError as error:
            raise BuildError(f"{self.names[number]}: {error}") from None

    def _build(
        self, scratch: Path, sent: Mapping[str, Sequence[pa.Table]]
    ) -> list[tuple[str, str]]:
        rooms, versions = (sent[name][0] for name in _OF_ROOMS)
        rows = SentRows({dataset: sent[dataset] for dataset in DAILY})
        options, region, now = self.options, self.found.inputs.region, self.found.inputs.now
        inputs = Inputs(region, rooms, versions, options.closures, now)
        found = replace(self.found, inputs=inputs)
        written = []
        folder = self.out if isinstance(self.out, Path) else scratch
        path, left = scratch / "shard.duckdb", Left(folder, LARGE)
        with building(path, options.threads, options.memory_limit, left) as engine:
            load_rooms(engine, inputs)
            build_rooms(engine, rows, found, options, _STAGES)
            counted = engine.counts(OF_SHARDS)
            for name in (*OF_SHARDS, *SUMS):
                if name in SUMS or counted[name]:
                    for file in map(Path, engine.leave(name)):
                        if isinstance(self.out, ObjectUrl):
                            storage = storage_at(self.out, "warehouse", BuildError)
                            storage.keep({(file.name,): file})
                            file.unlink()
                        written.append((name, file.name))
        return written
