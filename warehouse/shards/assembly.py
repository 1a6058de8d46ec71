"""A region's database built in shards: planned, built elsewhere, assembled, summed."""

import shutil
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Final, TypeAlias

from transforms.contract import Region
from transforms.contract.database import TABLES
from transforms.contract.lake import ROOMS
from warehouse.build import (
    PEAKS,
    PLACE_CHANGES,
    LakeRows,
    Survey,
    load_settings,
    survey,
)
from warehouse.engine import BuildError, Engine, building, bytes_of
from warehouse.in_use import peaks
from warehouse.inputs import VERSIONS, Inputs, PublishOptions
from warehouse.lake import Lake
from warehouse.profiles.remembered import LastVersion
from warehouse.publish import build_rooms, finish
from warehouse.shards import (
    OF_SHARDS,
    SUMS,
    Job,
    Split,
    most_rows,
    plan_shards,
    rooms_of,
    shard_table,
)
from warehouse.storage import FOLDER_MODE, Location, ObjectUrl, storage_at
from warehouse.versions import building_name

Written: TypeAlias = tuple[int, str, str]
"""Number of the shard, name of a table, name of its file."""

ROWS_A_SHARD: Final = 2_000_000


class ShardBuilder(ABC):
    """Builds a database as ``publish.build`` does; ``run`` decides where shards are built.

    ``worker_memory`` is what building one shard may take, in bytes; ``shards`` is how many to make,
    None for one for each two million rows of the lake. Workers write their tables to ``shared``,
    where the warehouse is, if that is a bucket; otherwise to the warehouse's folder.
    """

    def __init__(
        self, worker_memory: int, shards: int | None, shared: ObjectUrl | None = None
    ) -> None:
        self._worker_memory, self._shards, self._shared = worker_memory, shards, shared

    @abstractmethod
    def run(
        self, lake: Lake, split: Split, rooms: Sequence[Mapping[str, bytes]], job: Job
    ) -> list[Written]:
        """Split the lake's days, build each shard from its rows and rooms; return the files."""

    def __call__(
        self,
        lake: Lake,
        path: Path,
        options: PublishOptions,
        now: datetime,
        last: LastVersion | None = None,
    ) -> tuple[date | None, dict[str, int]]:
        """Build the database at the path; return data_through and the rows of every table.

        Raises:
            BuildError: a building needs more memory than a worker has; the error names it.
        """
        with (
            LakeRows(lake, options) as rows,
            building(path, options.threads, options.memory_limit) as engine,
            ExitStack() as held,
        ):
            found = survey(engine, lake, rows, options, now)
            rows.view(engine, "lake_bookings", "bookings")
            counted = engine.count_by_room(("lake_bookings", "lake_coverage"))
            limit = most_rows(self._worker_memory, bytes_of(options.memory_limit))
            wanted = self._shards or -(-sum(counted.values()) // ROWS_A_SHARD)
            versions = found.inputs.versions.to_pylist()
            shards = plan_shards(versions, counted, max(1, wanted), limit)
            if shards and found.dates:
                out = held.enter_context(self._out(path, lake.region))
                without_rooms = Inputs(
                    lake.region, ROOMS.empty_table(), VERSIONS.empty_table(), (), now
                )
                job = Job(
                    replace(found, inputs=without_rooms),
                    replace(options, threads=1),
                    tuple(shard.name for shard in shards),
                    out,
                )
                split = Split(lake.root, lake.region, shard_table(shards))
                rooms = [rooms_of(found.inputs, shard) for shard in shards]
                written = sorted(self.run(lake, split, rooms, job))  # in the order of the shards
                files = held.enter_context(_at_hand(out, written))
                with engine.transaction():
                    rows.view(engine, "lake_changes", "changes")
                    _assemble(engine, found, options, files)
            else:
                build_rooms(engine, rows, found, options)
            finish(engine, path, found, options, last)
            counted = engine.counts(TABLES)
        return found.data_through, counted

    @contextmanager
    def _out(self, path: Path, region: Region) -> Iterator[Location]:
        """Give an empty place that driver and workers can reach; remove it afterwards.

        If a build in a bucket is killed, the next build sweeps its place.
        """
        if self._shared is None:
            out = path.parent.absolute() / "shards"
            out.mkdir(FOLDER_MODE)
            yield out
            shutil.rmtree(out)
            return
        place = self._shared / building_name(region)
        try:
            yield place
        finally:
            storage_at(place, "warehouse", BuildError).delete()


@contextmanager
def _at_hand(out: Location, written: Sequence[Written]) -> Iterator[dict[str, list[str]]]:
    """Give the files of each table at local paths, in the order of the shards."""
    files = [file for _, _, file in written]
    if isinstance(out, Path):
        near: AbstractContextManager[list[Path]] = nullcontext([out / file for file in files])
    else:
        near = storage_at(out, "warehouse", BuildError).near([(file,) for file in files])
    with near as paths:
        if missing := [path for path in paths if not path.exists()]:
            raise BuildError(
                f"{missing[0]}: was written by a worker and is not here: "
                "the warehouse must be a folder that driver and workers share, or in a bucket"
            )
        found: dict[str, list[str]] = defaultdict(list)
        for (_, name, _), path in zip(written, paths, strict=True):
            found[name].append(str(path))
        yield found


def _assemble(
    engine: Engine, found: Survey, options: PublishOptions, files: Mapping[str, Sequence[str]]
) -> None:
    """Assemble the shards' tables, and build what is above building level.

    If only Parquet is asked for, the shards' files are read once, when the tables are written.
    """
    load_settings(engine, found, options)
    for step in ("rooms", "room_places", "places"):
        engine.run(f"before/{step}")
    for name in OF_SHARDS:
        if name not in files:
            continue
        if name == "rooms_in_use_by_place":  # gets more rows below
            engine.insert_files(name, files[name], "level <> 'site'")
        elif options.is_parquet:
            engine.view_files(name, files[name])
        else:
            engine.insert_files(name, files[name])
    for name in SUMS:
        engine.load_files(name, files[name])
    for step in ("shards/place_changes", "shards/open_places"):
        engine.run(step)
    engine.load(PEAKS, peaks(engine.table(PLACE_CHANGES)))
    for step in ("each_pass/in_use", "each_pass/rooms_in_use_by_place"):
        engine.run(step)
