"""The tables of a database as Parquet, for tools that cannot open DuckDB.

Belongs here: what such a file holds besides rows: the contract's schema with its definitions,
whose region it is, and when it was built.
Does not belong here: where the files lie and how readers come to see them (``versions.py``).
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.contract import CONTRACT_VERSION, TABLES, Region, Table
from warehouse.engine import BuildError, Engine
from warehouse.storage import FOLDER_MODE

_COMPRESSION: Final = "snappy"  # some BI tools read no other
_ROW_GROUP_ROWS: Final = 122_880


def export_tables(
    engine: Engine,
    folder: Path,
    region: Region,
    built_at: datetime,
    tables: Mapping[str, Table] = TABLES,
) -> None:
    """Write ``<table>.parquet`` for every one of the tables into a new folder.

    Each column's field metadata has its ``description`` and ``unit``, each file's its table's
    ``description``, ``region``, ``contract_version`` and ``built_at`` (files of one version have
    the same). Rows stream through: no table is held in memory.

    Raises:
        BuildError: the folder cannot be written.
    """
    stamp = {
        "region": region,
        "contract_version": CONTRACT_VERSION,
        "built_at": built_at.isoformat(),
    }
    try:
        folder.mkdir(FOLDER_MODE)
        for name, table in tables.items():
            schema = table.schema
            stamped = schema.with_metadata({**(schema.metadata or {}), **stamp})
            _write(engine, name, stamped, folder / f"{name}.parquet")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise BuildError(f"{folder}: cannot be written ({reason}): see to its disk") from None


def _write(engine: Engine, name: str, schema: pa.Schema, path: Path) -> None:
    with pq.ParquetWriter(path, schema, compression=_COMPRESSION) as writer:
        for batch in engine.batches(name, schema.names, _ROW_GROUP_ROWS):
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
