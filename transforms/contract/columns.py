"""How a column is declared: its type, unit and one-sentence definition.

Belongs here: making a column or a table, and reading its definition back.
Does not belong here: any column or table (``lake.py``, ``database.py``).
"""

from typing import Final

import pyarrow as pa

INSTANT: Final = pa.timestamp("us", tz="UTC")


def column(
    name: str, kind: pa.DataType, description: str, unit: str = "", nullable: bool = True
) -> pa.Field:
    """Return a column; null is allowed unless it says otherwise."""
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def table(description: str, *columns: pa.Field) -> pa.Schema:
    """Return a table of those columns, with its one-sentence definition."""
    return pa.schema(columns, metadata={"description": description})


def required(name: str, kind: pa.DataType, description: str, unit: str = "") -> pa.Field:
    """Return a column without nulls."""
    return column(name, kind, description, unit, nullable=False)


def minutes(name: str, description: str, wide: bool, nullable: bool = False) -> pa.Field:
    """Return a column of whole minutes, 64 bits where ``wide``."""
    kind = pa.int64() if wide else pa.int32()
    return column(name, kind, description, "minutes", nullable)


def describe(field: pa.Field) -> str:
    """Return the one-sentence definition of a column of the contract, its unit last."""
    metadata: dict[bytes, bytes] = field.metadata or {}
    unit = metadata.get(b"unit", b"").decode()
    return metadata[b"description"].decode() + (f" [{unit}]" if unit else "")


def table_description(schema: pa.Schema) -> str:
    """Return the one-sentence definition of a table of the contract."""
    metadata: dict[bytes, bytes] = schema.metadata or {}
    return metadata[b"description"].decode()
