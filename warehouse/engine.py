"""The database while it is being built: one DuckDB connection and the SELECTs that fill it.

Belongs here: the engine's settings, running the SQL files, and checking that their results match
the contract.
Does not belong here: tables and comments (``ddl.py``), what is computed (``sql``), in which order
over which days (``publish.py``).

Each file of ``sql`` is one SELECT, named by the table that it builds. If that is a table of the
contract, its rows go into the database; if not, it is a work table that dies with the connection.
"""

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

import duckdb
import pyarrow as pa

from transforms.contract.database import MACROS, STATISTICS, TABLES
from warehouse.ddl import COLUMN_TYPES, attach_empty, create, for_everybody, quoted
from warehouse.lake_format import Part
from warehouse.storage import WarehouseError

_LOOKED_AT: Final[set[tuple[str, str]]] = set()
"""Tables of the contract, each with a SELECT whose columns were found to match it."""


class BuildError(WarehouseError):
    """The SQL's result does not match the contract: nothing is published."""


class EngineError(BuildError):
    """DuckDB failed: a damaged file, a full disk, or no memory. Its text is left out."""


class EngineUnusableError(WarehouseError):
    """The configured engine cannot be started: one line with the remedy."""

    exit_code: ClassVar[int] = 2


@dataclass(frozen=True)
class Left:
    """A folder where tables are left as Parquet, under names that no other attempt has.

    The rows of the tables ``at_once`` go there step by step, and are never in memory together.
    """

    folder: Path
    at_once: tuple[str, ...] = ()
    attempt: UUID = field(default_factory=uuid4)

    def path(self, name: str, number: int) -> str:
        """Return the path of a table's file; paths are sorted like their numbers."""
        return str(self.folder / f"{name}-{self.attempt.hex}-{number:04}.parquet")


class Engine:
    """A database that is being built. Published tables and work tables go by their bare names.

    ``folder`` is for files that last no longer than the build: it is the region's, and is swept.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        memory_limit: int,
        left: Left | None = None,
    ) -> None:
        self._connection, self.folder, self._memory_limit = connection, folder, memory_limit
        self._left = left or Left(folder)
        self._made: set[str] = set()
        self._written: dict[str, list[str]] = defaultdict(list)

    def load(self, name: str, rows: pa.Table) -> None:  # noqa: ARG002 - DuckDB reads it by its name
        """Copy an Arrow table into a work table, replacing any of that name."""
        self._made.add(name)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM rows")

    def register(self, name: str, rows: pa.Table) -> None:
        """Make an Arrow table readable by that name, without a copy."""
        self._connection.register(name, rows)

    def unregister(self, name: str) -> None:
        """Release a registered Arrow table, if there is one of that name."""
        self._connection.unregister(name)

    def scan(self, name: str, schema: pa.Schema, parts: Sequence[Part]) -> None:
        """Make daily files of the lake readable by that name.

        ``lake_date`` is the lake's day of a file, ``lake_row`` the number of a row in it. A row
        belongs to that day, the room's local date as its run saw it. Missing columns are null.
        """
        nulls = ", ".join(f"CAST(NULL AS {COLUMN_TYPES[f.type]}) AS {f.name}" for f in schema)
        source = f"SELECT {nulls}, CAST(NULL AS DATE) AS lake_date, 0 AS lake_row WHERE false"
        if parts:
            names = ", ".join(quoted(glob.escape(part.handle)) for part in parts)
            # Only a file's own columns are data: a folder above the lake may be named like
            # key=value too.
            options = "hive_partitioning = false, union_by_name = true, filename = 'lake_path'"
            rows = f"read_parquet([{names}], {options}, file_row_number = true)"
            found = {str(row[0]) for row in self.rows(f"DESCRIBE FROM {rows}")}
            columns = ", ".join(
                f.name if f.name in found else f"CAST(NULL AS {COLUMN_TYPES[f.type]}) AS {f.name}"
                for f in schema
            )
            # Cut out of the name: that costs a scan half as much as joining a list of days.
            (start,) = {part.handle.rindex(str(part.day)) - len(part.handle) for part in parts}
            day = f"CAST(lake_path[{start}:{start + 9}] AS DATE) AS lake_date"
            source = f"SELECT {columns}, {day}, file_row_number AS lake_row FROM {rows}"  # noqa: S608 - quoted, or names of ours
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {source}")

    def slice(self, name: str, rows: pa.Table, first: date, last: date) -> None:
        """Make the rows of some days readable by a name without a copy, as ``scan`` does."""
        self._connection.register(f"{name}_rows", rows)
        select = f"FROM {name}_rows WHERE lake_date BETWEEN DATE '{first}' AND DATE '{last}'"
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit once, at the end: every commit waits for the disk."""
        self._connection.begin()
        yield
        self._connection.commit()

    @contextmanager
    def less_memory(self) -> Iterator[None]:
        """Leave three quarters of the engine's memory to arrays beside it: what it holds spills."""
        less = min(self._memory_limit, max(bytes_of("100MB"), self._memory_limit // 4))
        # If it holds more than can spill, that fails: beside the transaction, or it would end it.
        with self._connection.cursor() as beside:
            with suppress(duckdb.OutOfMemoryException):
                beside.execute(f"SET memory_limit = '{less}B'")
            yield
            beside.execute(f"SET memory_limit = '{self._memory_limit}B'")

    def insert(self, name: str, rows: pa.Table) -> None:  # noqa: ARG002 - as above
        """Add rows to one of the contract's tables."""
        self._connection.execute(f"INSERT INTO {name} FROM rows")

    def leave(self, name: str) -> list[str]:
        """Return the Parquet files of a table, for ``insert_files`` or ``load_files``."""
        if name not in self._written:
            self._write(name, f"FROM {name}")
        return self._written[name]

    def _write(self, name: str, select: str) -> None:
        path = self._left.path(name, len(self._written[name]))
        self._connection.execute(f"COPY ({select}) TO {quoted(path)} (FORMAT parquet)")
        self._written[name].append(path)

    def insert_files(self, name: str, paths: Sequence[str], where: str = "true") -> None:
        """Add rows of Parquet files to one of the contract's tables, file by file."""
        select = f"FROM {_files(paths)} WHERE {where}"
        self._connection.execute(f"INSERT INTO {name} {select}")

    def view_files(self, name: str, paths: Sequence[str]) -> None:
        """Make one of the contract's tables a view of Parquet files, without a copy."""
        self._connection.execute(f"DROP TABLE {name}")
        self._view(name, paths)

    def _view(self, name: str, paths: Sequence[str]) -> None:
        self._connection.execute(f"CREATE OR REPLACE VIEW {name} AS FROM {_files(paths)}")

    def load_files(self, name: str, paths: Sequence[str]) -> None:
        """Load Parquet files into a work table."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM {_files(paths)}")

    def copy_statistics(self, path: Path) -> None:
        """Build the statistics at the path: the part of this database that everybody may see."""
        attach_empty(self._connection, path, "statistics", STATISTICS)
        for name in STATISTICS:
            self._connection.execute(f"INSERT INTO statistics.{name} {for_everybody(name)}")
        self._connection.execute("DETACH statistics")

    def run(self, step: str, *, append: bool = False) -> None:
        """Run one file of ``sql``: fill the contract's table, or replace the work table.

        With ``append`` a work table grows instead, as the contract's tables always do.

        Raises:
            BuildError: names, order or types of the columns differ from the contract's.
        """
        name, select = step.rpartition("/")[2], read_sql(step)
        if name in TABLES:
            if (name, select) not in _LOOKED_AT:
                found = [(str(row[0]), str(row[1])) for row in self.rows(f"DESCRIBE {select}")]
                if found != [(column.name, COLUMN_TYPES[column.type]) for column in TABLES[name]]:
                    problem = "has other columns than the contract: nothing published"
                    raise BuildError(f"sql: {name} {problem}")
                _LOOKED_AT.add((name, select))
            if name in self._left.at_once:
                if name not in self._written:
                    self._connection.execute(f"DROP TABLE {name}")
                self._write(name, select)
                self._view(name, self._written[name])
            else:
                self._connection.execute(f"INSERT INTO {name} {select}")
        elif append and name in self._made:
            self._connection.execute(f"INSERT INTO {name} {select}")
        else:
            self._made.add(name)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")

    def checkpoint(self) -> None:
        """Checkpoint the database: appended rows move from memory into its file."""
        self._connection.execute("CHECKPOINT published")

    def rename(self, name: str, new_name: str) -> None:
        """Rename a work table, replacing any with the new name."""
        self._connection.execute(f"DROP TABLE IF EXISTS {new_name}")
        self._connection.execute(f"ALTER TABLE {name} RENAME TO {new_name}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._connection.execute(query).fetchall()

    def table(self, name: str) -> pa.Table:
        """Return a work table."""
        return self._connection.sql(f"FROM {name}").to_arrow_table()

    def reader(self, name: str, rows: int) -> pa.RecordBatchReader:
        """Return the rows of a work table, so many at a time."""
        return self._connection.sql(f"FROM {name}").to_arrow_reader(rows)

    @contextmanager
    def batches(
        self, name: str, rows: int, *, statistics: bool
    ) -> Iterator[Iterable[pa.RecordBatch]]:
        """Give a table in order, so many rows at a time; or the part that everybody may see."""
        if statistics:
            yield self._connection.sql(for_everybody(name)).to_arrow_reader(rows)
            return
        # So that the engine can do other work at the same time. It starts with the machine's zone.
        with self._connection.cursor() as beside:
            beside.execute("SET TimeZone = 'UTC'")
            yield beside.sql(f"FROM published.{name}").to_arrow_reader(rows)

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Return how many rows each of the tables has."""
        counted = (f"SELECT '{name}', count(*) FROM {name}" for name in names)  # noqa: S608 - names of ours
        return dict(self.rows(" UNION ALL ".join(counted)))

    def count_by_room(self, names: Sequence[str]) -> dict[str, int]:
        """Return how many rows each room has in some tables or views together."""
        rows = " UNION ALL ".join(f"SELECT room_id FROM {name}" for name in names)  # noqa: S608 - names of ours
        return dict(self.rows(f"SELECT room_id, count(*) FROM ({rows}) GROUP BY room_id"))  # noqa: S608 - as above


@contextmanager
def building(
    path: Path, threads: int | None, memory_limit: str, left: Left | None = None
) -> Iterator[Engine]:
    """Open a new database at the path with the settings of a build; close it afterwards.

    Spills go beside the database: they are the region's data too. Nothing is downloaded. With
    ``left`` the database is in memory, never in a file: its tables are left elsewhere.

    Raises:
        EngineError: DuckDB failed, or there is no memory left for the arrays beside it; texts
            quote values, so only the class is named.
        BuildError: the folder cannot be written.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": memory_limit,
        # If a build dies, its file is discarded, so there is no need to checkpoint before the end.
        "checkpoint_threshold": "1TB",
        "temp_directory": str(path.parent / "spill"),
        "preserve_insertion_order": "true",
        # Join in the order of the SQL, smallest table last: with DuckDB's estimates of a calendar's
        # rows, joins were ten times slower.
        "disabled_optimizers": "join_order,build_side_probe_side",
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET parquet_metadata_cache = true")
        if left is None:
            attach_empty(connection, path, "published", TABLES)
        else:
            connection.execute("ATTACH ':memory:' AS published")
            create(connection, "published", TABLES)
        connection.execute("USE published")
        for name, expression in MACROS.items():
            connection.execute(f"CREATE TEMP MACRO {name} AS {expression}")
        yield Engine(connection, path.parent, bytes_of(memory_limit), left)
        connection.execute("USE memory")
        connection.execute("DETACH published")
    except (duckdb.Error, MemoryError) as error:
        source = "DuckDB" if isinstance(error, duckdb.Error) else "arrays"
        raise EngineError(
            f"{path.parent}: the database could not be built ({source}: {type(error).__name__}): "
            "see to free space on its disk, free memory and the limit of open files, then publish "
            "again"
        ) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise BuildError(f"{path.parent}: cannot be written ({reason}): see to its disk") from None
    finally:
        connection.close()


def bytes_of(size: str) -> int:
    """Return the number of bytes in a size such as 400MB or 2GB."""
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    return int(float(size[:-2]) * units[size[-2:].upper()])


@cache
def read_sql(step: str) -> str:
    """Return the text of a file of ``sql``, named like ``each_pass/days``."""
    return files("warehouse").joinpath("sql", f"{step}.sql").read_text(encoding="utf-8")


def _files(paths: Sequence[str]) -> str:
    names = ", ".join(quoted(glob.escape(path)) for path in paths)
    return f"read_parquet([{names}], hive_partitioning = false)"
