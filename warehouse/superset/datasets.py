"""Superset's datasets: the tables that charts ask, with the contract's types and definitions.

Belongs here: one dataset a table, its columns and metrics, and the ids that files share.
Does not belong here: the charts' metrics (``charts.py``), the other files (``layout.py``).
"""

from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from transforms.contract import TABLES, describe, table_description
from warehouse.engine import COLUMN_TYPES
from warehouse.superset.charts import CALCULATED, METRICS, ROOM_COLUMNS, WITH_ROOMS

VERSION: Final = "1.0.0"
_FIRST_ID: Final = 0x6F0E2F6A_51D7_4C11_A000_000000000000
_WITH_ROOMS: Final = (
    "SELECT d.*, r.name, r.site, r.building, r.capacity, r.capacity_band "
    "FROM TABLE AS d JOIN rooms AS r ON r.room_id = d.room_id"
)


def dataset(table: str) -> dict[str, Any]:
    """Return the file of a dataset: a table of the contract, with its rooms where it has any."""
    schema = TABLES[table]
    date_column = "local_date" if "local_date" in schema.names else None
    more = [TABLES["rooms"].field(name) for name in ROOM_COLUMNS] if table in WITH_ROOMS else []
    return {
        "table_name": table,
        "main_dttm_col": date_column,
        "description": table_description(schema),
        "schema": "main",
        "sql": _WITH_ROOMS.replace("TABLE", table) if table in WITH_ROOMS else None,
        "uuid": dataset_id(table),
        "metrics": [
            {"metric_name": name, "verbose_name": name.replace("_", " "), "expression": sql}
            for name, sql in METRICS[table].items()
        ],
        "columns": [_column(field) for field in [*schema, *more]]
        + [
            {"column_name": name, "type": "VARCHAR", "groupby": True, "expression": sql}
            for name, sql in CALCULATED.get(table, {}).items()
        ],
        "version": VERSION,
        "database_uuid": id_of(0),
    }


def _column(field: pa.Field) -> dict[str, Any]:
    return {
        "column_name": field.name,
        "is_dttm": pa.types.is_temporal(field.type),
        "type": COLUMN_TYPES[field.type],
        "groupby": True,
        "filterable": True,
        "description": describe(field),
    }


def dataset_id(table: str) -> str:
    """Return the id of a table's dataset."""
    return id_of(100 + list(METRICS).index(table))


def id_of(number: int) -> str:
    """Return a fixed id: an import replaces what an earlier one brought."""
    return str(UUID(int=_FIRST_ID + number))
