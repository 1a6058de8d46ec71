"""A region's database built by Spark: shards of whole buildings on many machines, then sums.

The only module that imports pyspark; it is imported only with ``engine: spark``.

Workers read the lake's days through ``Lake`` and send each shard its rows; Spark shuffles, retries
and distributes. A shard writes its tables as Parquet into a folder that the driver can read, or
into the warehouse's bucket, and returns its own names: files of a killed attempt are never read.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from types import MappingProxyType
from typing import Final

import pandas as pd  # noqa: F401 - Spark's functions of Arrow ask for it
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from warehouse.build import DAILY
from warehouse.engine import BuildError, EngineUnusableError
from warehouse.lake import Lake
from warehouse.shards import Job, Split
from warehouse.shards.assembly import ShardBuilder, Written
from warehouse.storage import ObjectUrl, WarehouseError

WORKER_MEMORY: Final = 2_000_000_000
"""Memory that a Python worker may take, in bytes."""
ROWS_A_CHUNK: Final = 250_000
"""Rows of the lake that one task reads and splits."""
_PLACES_A_SHARD: Final = 4
"""Partitions for each shard: the more there are, the fewer shards hashing puts together."""
_DEFAULTS: Final[Mapping[str, str]] = {
    "spark.ui.showConsoleProgress": "false",
    "spark.shuffle.compress": "false",  # rows are packed when they are sent
    "spark.shuffle.spill.compress": "false",
}
_SENT: Final = "shard int, dataset string, content binary"
_WRITTEN: Final = "shard int, name string, path string, error string"
_WRITTEN_SCHEMA: Final = pa.schema(
    {"shard": pa.int32(), "name": pa.string(), "path": pa.string(), "error": pa.string()}
)


@contextmanager
def spark_builder(
    master: str | None = None,
    conf: Mapping[str, str] = MappingProxyType({}),
    worker_memory: int = WORKER_MEMORY,
    shards: int | None = None,
    shared: ObjectUrl | None = None,
) -> Iterator["SparkBuilder"]:
    """Give a builder on the running session, or on a new one that is stopped afterwards.

    ``master`` None takes what the environment says (``spark-submit``, a notebook's session);
    ``conf`` are settings of Spark. The others are ``ShardBuilder``'s.

    Raises:
        EngineUnusableError: no Java, no cluster, or a setting that Spark refuses.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        yield SparkBuilder(running, worker_memory, shards, shared)
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("room-insights")
    if master:
        builder = builder.master(master)
    for key, value in {**_DEFAULTS, **conf}.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception:  # noqa: BLE001 - py4j has classes of its own; texts quote settings
        remedy = "see to spark.master and spark.conf in the configuration, and to Spark's own log"
        home = os.environ.get("JAVA_HOME")
        if not shutil.which("java", path=f"{home}/bin" if home else None):
            remedy = "install Java 17 or later, or point JAVA_HOME at it"
        raise EngineUnusableError(f"engine: spark: Spark cannot be started: {remedy}") from None
    try:
        yield SparkBuilder(session, worker_memory, shards, shared)
    finally:
        session.stop()


class SparkBuilder(ShardBuilder):
    """Builds shards on the executors of a session."""

    def __init__(
        self,
        session: SparkSession,
        worker_memory: int = WORKER_MEMORY,
        shards: int | None = None,
        shared: ObjectUrl | None = None,
    ) -> None:
        super().__init__(worker_memory, shards, shared)
        self._session = session

    def run(
        self, lake: Lake, split: Split, rooms: Sequence[Mapping[str, bytes]], job: Job
    ) -> list[Written]:
        """Send every shard its rows and build it.

        Raises:
            BuildError: a shard cannot be built, or Spark gave up.
        """
        sent = self._days(lake).mapInArrow(_splitting(split), _SENT)
        of_rooms = [
            (number, name, content)
            for number, tables in enumerate(rooms)
            for name, content in tables.items()
        ]
        sent = sent.unionByName(self._session.createDataFrame(of_rooms, _SENT))
        sent = sent.repartition(len(rooms) * _PLACES_A_SHARD, "shard")
        built = sent.groupBy("shard").applyInArrow(_building(job), _WRITTEN)
        try:
            rows = built.toArrow().to_pylist()
        except Exception as error:  # noqa: BLE001 - py4j's too; texts quote values
            raise BuildError(
                f"engine: spark: the job failed ({type(error).__name__}): see Spark's own log "
                "for lost executors and full disks, then publish again"
            ) from None
        errors = sorted(row["error"] for row in rows if row["error"])
        if errors:
            raise BuildError(errors[0])
        return [(row["shard"], row["name"], row["path"]) for row in rows]

    def _days(self, lake: Lake) -> DataFrame:
        """Return the days of the lake in chunks of about equal work."""
        chunks: list[tuple[str, list[date]]] = []
        for dataset in DAILY:
            days = lake.days(dataset)
            size = max(1, len(days) * ROWS_A_CHUNK // max(1, lake.count(dataset)))
            chunks += [(dataset, days[at : at + size]) for at in range(0, len(days), size)]
        frame = self._session.createDataFrame(chunks, "dataset string, days array<date>")
        return frame.repartition(max(1, len(chunks)))


def _splitting(split: Split) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function with which a task splits its chunks of days."""

    def cut_up(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.to_pylist():
                for number, content in split.split(chunk["dataset"], chunk["days"]):
                    arrays = [pa.array([number], pa.int32()), [chunk["dataset"]], [content]]
                    yield pa.record_batch(arrays, names=["shard", "dataset", "content"])

    return cut_up


def _building(job: Job) -> Callable[[tuple[pa.Scalar, ...], pa.Table], pa.Table]:
    """Return the function with which a task builds its shard. Errors come back as text."""

    def build_one(key: tuple[pa.Scalar, ...], sent: pa.Table) -> pa.Table:
        number: int = key[0].as_py()
        names = sent["dataset"].to_pylist()
        contents = (value.as_buffer() for chunk in sent["content"].chunks for value in chunk)
        try:
            found = job.build(number, zip(names, contents, strict=True))
            rows = [{"shard": number, "name": name, "path": path} for name, path in found]
        except WarehouseError as error:
            rows = [{"shard": number, "error": str(error)}]
        return pa.Table.from_pylist(rows, _WRITTEN_SCHEMA)

    return build_one
