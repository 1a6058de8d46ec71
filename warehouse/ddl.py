"""The tables of the contract in DuckDB: types, comments, and which rows everybody may see."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from transforms.contract import Table
from transforms.contract.database import STATISTICS

STORAGE_VERSION: Final = "v1.4.0"
"""DuckDB versions from this one on can open what is published."""

COLUMN_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}
"""The types of the contract as DuckDB names them."""

_EMPTY: Final[dict[tuple[tuple[str, Table], ...], bytes]] = {}
"""A file of empty tables for each contract that this process has built."""
_OF_ROOMS: Final = frozenset({"rooms", "rooms_as_of", "coverage"})
"""Tables that also have personal rooms, which the statistics leave out."""


def attach_empty(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, tables: Mapping[str, Table]
) -> None:
    """Attach a new file with the tables, empty, with their comments.

    It is made once a process: comments take DuckDB as long as a small office's whole week.
    """
    # A build that dies is thrown away: no log that would bring it back.
    options = f"STORAGE_VERSION '{STORAGE_VERSION}', RECOVERY_MODE 'NO_WAL_WRITES'"
    attach = f"ATTACH {quoted(str(path))} AS {name} ({options})"
    contract = tuple(tables.items())
    if contract not in _EMPTY:
        connection.execute(attach)
        create(connection, name, tables)
        connection.execute(f"DETACH {name}")
        _EMPTY[contract] = path.read_bytes()
    else:
        path.write_bytes(_EMPTY[contract])
    connection.execute(attach)


def create(
    connection: duckdb.DuckDBPyConnection, database: str, tables: Mapping[str, Table]
) -> None:
    """Create the tables in an attached database, empty, with their comments."""
    connection.begin()
    for name, table in tables.items():
        own = f"{database}.{name}"
        definitions = (
            f"{each.name} {COLUMN_TYPES[each.type]}{'' if each.nullable else ' NOT NULL'}"
            for each in table
        )
        connection.execute(f"CREATE TABLE {own} ({', '.join(definitions)})")
        connection.execute(f"COMMENT ON TABLE {own} IS {quoted(table.text)}")
        for column in table:
            comment = quoted(column.definition)
            connection.execute(f"COMMENT ON COLUMN {own}.{column.name} IS {comment}")
    connection.commit()


def for_everybody(name: str) -> str:
    """Return the SELECT for the part of a table that everybody may see."""
    select = f"SELECT {', '.join(STATISTICS[name].names)} FROM published.{name}"  # noqa: S608 - names of ours
    if name in _OF_ROOMS:
        select += " WHERE room_id IN (SELECT room_id FROM current_rooms WHERE NOT is_personal)"
    return select


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
