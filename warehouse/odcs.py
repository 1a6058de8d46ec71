"""The contract as an Open Data Contract Standard document, for catalogs and tools that test data.

Belongs here: what ``transforms/contract`` says, in the words of ODCS 3.1. ``insights describe
--odcs`` prints it.
Does not belong here: a definition of its own.

No OpenLineage and no Delta beside it: each is a library and a server, or a second copy of every
table, for what Dagster's own events and plain Parquet tell already.
"""

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml

from transforms.contract import CONTRACT_VERSION, INSTANT, Column, Region, Table
from transforms.contract.database import STATISTICS
from warehouse.storage import Location

_TYPES: Final = {
    pa.string(): ("string", "VARCHAR"),
    pa.bool_(): ("boolean", "BOOLEAN"),
    pa.int32(): ("integer", "INTEGER"),
    pa.int64(): ("integer", "BIGINT"),
    pa.float64(): ("number", "DOUBLE"),
    pa.date32(): ("date", "DATE"),
    INSTANT: ("timestamp", "TIMESTAMP_TZ"),
}
"""Logical and physical types, the latter in words that datacontract-cli knows."""
_KINDS: Final = {"s3": "s3", "az": "azure"}
_PURPOSE: Final = "How meeting rooms are used, without personal data: statistics for everybody."
_LIMITATIONS: Final = (
    "Counts of bookings below the minimum group are merged or left out (R17). Rooms of one person "
    "are not in it. What was not read has no row: see coverage."
)


def document(region: Region, statistics: Location) -> str:
    """Return the contract of the statistics tables as YAML.

    ``statistics`` is the folder that has them as Parquet, a file a table; or a bucket's prefix.
    """
    kind = "local" if isinstance(statistics, Path) else _KINDS.get(statistics.scheme, "custom")
    return yaml.safe_dump(
        {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": f"room-insights-{region.lower()}-statistics",
            "name": f"Room insights {region}",
            "version": CONTRACT_VERSION,
            "status": "active",
            "description": {"purpose": _PURPOSE, "limitations": _LIMITATIONS},
            "servers": [
                {
                    "server": "parquet",
                    "type": kind,
                    "path" if kind == "local" else "location": f"{statistics}/{{model}}.parquet",
                    "format": "parquet",
                }
            ],
            "schema": [_schema(name, table) for name, table in STATISTICS.items()],
        },
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def _schema(name: str, table: Table) -> dict[str, Any]:
    grain = ", ".join(table.grain)
    found: dict[str, Any] = {
        "name": name,
        "physicalName": name,
        "logicalType": "object",
        "physicalType": "table",
        "description": table.text,
        "properties": [_property(column) for column in table],
    }
    if grain:
        found["dataGranularityDescription"] = f"One row for each {grain}."
        found["quality"] = [_no_repeats(name, grain)]
    return found


def _property(column: Column) -> dict[str, Any]:
    logical_type, physical_type = _TYPES[column.type]
    return {
        "name": column.name,
        "logicalType": logical_type,
        "physicalType": physical_type,
        "description": column.definition,
        "required": not column.nullable,
        "classification": column.nature,
    } | ({"customProperties": [{"property": "unit", "value": column.unit}]} if column.unit else {})


def _no_repeats(name: str, columns: str) -> dict[str, Any]:
    """Return the rule that the grain tells rows apart. No primary key: null is a value there."""
    repeated = f"SELECT {columns} FROM {name} GROUP BY ALL HAVING count(*) > 1"  # noqa: S608 - names of ours
    return {
        "type": "sql",
        "name": f"{name}_grain",
        "description": f"No two rows have the same {columns}.",
        "query": f"SELECT count(*) FROM ({repeated})",  # noqa: S608 - as above
        "mustBe": 0,
    }
