"""The contract in print: Markdown for people, ODCS for catalogs and tools that test data.

``python -m warehouse.dictionary`` prints the Markdown for ``docs/dictionary.md``, and a test checks
that the two match. ``insights describe --odcs`` prints the Open Data Contract Standard document,
version 3.1. There is no OpenLineage or Delta output: each needs a library and a server, or a second
copy of every table, for what Dagster's own events and plain Parquet already provide.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml

from transforms.contract import CONTRACT_VERSION, INSTANT, Column, Region, Table
from transforms.contract.database import STATISTICS, TABLES
from transforms.contract.lake import LAKE
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
"""Logical and physical types; datacontract-cli knows the latter by these names."""
_KINDS: Final = {"s3": "s3", "az": "azure"}
_PURPOSE: Final = "How meeting rooms are used, without personal data: statistics for everybody."
_LIMITATIONS: Final = (
    "Counts of bookings below the minimum group are merged or left out (R17). Rooms of one person "
    "are not in it. What was not read has no row: see coverage."
)


_HEAD = f"""\
# Data dictionary

Contract version {CONTRACT_VERSION}. Generated from `transforms/contract` by `make dictionary`;
rules R1 to R25 are explained in [definitions.md](definitions.md).
"""

_BELOW_PICTURE = """\
Shown are the columns that tell the rows of a table apart, besides `region`; null is a value of its
own there. Bookings have no key: two of a room may be alike. Tables without `room_id` are sums over
rooms: join them by the columns they share, or rather sum the finer table anew.
"""


def markdown() -> str:
    """Return the dictionary of the lake and the database."""
    parts = [_part("The lake (Parquet)", LAKE), _picture(), _part("The database", TABLES)]
    return "\n".join([_HEAD, *(line for part in parts for line in part)])


def _picture() -> Iterator[str]:
    """Yield the database's tables with the columns that identify a row."""
    yield "## How the tables belong together\n"
    yield "```mermaid\nerDiagram"
    for name, table in TABLES.items():
        if "room_id" in table.names and name != "rooms":
            yield f"    rooms ||--o{{ {name} : room_id"
    for name, table in TABLES.items():
        keys = table.grain
        columns = [column for column in keys or ("room_id",) if column != "region"] or ["region"]
        yield f"    {name} {{"
        for column in columns:
            kind = str(table[column].type).partition("[")[0]
            yield f"        {kind} {column}{' PK' if column in keys else ' FK'}"
        yield "    }"
    yield "```\n"
    yield _BELOW_PICTURE


def _part(title: str, tables: Mapping[str, Table]) -> Iterator[str]:
    yield f"## {title}\n"
    for name, table in tables.items():
        yield f"### {name}\n\n{table.text}{_kept_from(table)}\n"
        yield "| column | type | meaning |\n|---|---|---|"
        for column in table:
            kind = f"{column.type}{', null' if column.nullable else ''}"
            apart = _kept_from(column) if table.is_for_everybody else ""
            yield f"| {column.name} | {kind} | {column.definition}{apart} |"
        yield ""


def _kept_from(each: Table | Column) -> str:
    """Return what to add to a definition if the statistics do not have the table or column."""
    return "" if each.is_for_everybody else " *Not in the statistics.*"


def document(region: Region, statistics: Location) -> str:
    """Return the contract of the statistics tables as YAML.

    ``statistics`` is the folder or bucket prefix that holds them as Parquet, one file a table.
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
    properties: list[dict[str, Any]] = []
    for column in table:
        logical_type, physical_type = _TYPES[column.type]
        each = {
            "name": column.name,
            "logicalType": logical_type,
            "physicalType": physical_type,
            "description": column.definition,
            "required": not column.nullable,
            "classification": column.nature,
        }
        if column.unit:
            each["customProperties"] = [{"property": "unit", "value": column.unit}]
        properties.append(each)
    found: dict[str, Any] = {
        "name": name,
        "physicalName": name,
        "logicalType": "object",
        "physicalType": "table",
        "description": table.text,
        "properties": properties,
    }
    if grain:
        found["dataGranularityDescription"] = f"One row for each {grain}."
        # The grain identifies a row, but is no primary key: null is a value there.
        repeated = f"SELECT {grain} FROM {name} GROUP BY ALL HAVING count(*) > 1"  # noqa: S608 - names of ours
        rule = {
            "type": "sql",
            "name": f"{name}_grain",
            "description": f"No two rows have the same {grain}.",
            "query": f"SELECT count(*) FROM ({repeated})",  # noqa: S608 - as above
            "mustBe": 0,
        }
        found["quality"] = [rule]
    return found


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - this is what the module is run for
