"""The lake's file format: rows of the contract as Parquet, and what is refused as such.

Belongs here: the schema, order and encoding of a file of the lake, and the last look at rows
before they are stored: no other column, no text where the contract has a vocabulary.
Does not belong here: paths (``lake.py``), what the rows mean (``transforms``).
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import KINDS, LAKE, RESPONSES, ROOM_TYPES, SHOW_AS, STATUSES, Region
from warehouse.tree import WarehouseError

_ROW_GROUP_ROWS: Final = 122_880
_SORT: Final = {
    "bookings": ("room_id", "starts_at"),
    "coverage": ("room_id",),
    "rooms": ("room_id",),
}
_VOCABULARIES: Final = {
    "kind": KINDS,
    "show_as": SHOW_AS,
    "response": RESPONSES,
    "status": STATUSES,
    "room_type": ROOM_TYPES,
}
_CODE: Final = "^[A-Za-z][A-Za-z0-9_]{0,79}$"
_REGION_KEY: Final = b"region"


class FormatError(WarehouseError):
    """A table or file that is not the contract's; says what is wrong, without any value."""


def encode(dataset: str, region: Region, table: pa.Table) -> pa.Buffer:
    """Return the table as the bytes of a Parquet file; equal rows give equal bytes.

    Rows are sorted by the contract's order, ties by every other column, so that the order in
    which they were read leaves no trace.

    Raises:
        FormatError: the table is not exactly the contract's, or is another region's.
    """
    schema = LAKE[dataset].schema
    if difference := _difference(schema, table.schema, check_nullable=True):
        raise FormatError(difference)
    _refuse_other_region(region, table.schema)
    _refuse_values(schema, table)
    keys = [*_SORT[dataset], *(n for n in schema.names if n not in _SORT[dataset])]
    ordered = table.sort_by([(name, "ascending") for name in keys]).combine_chunks()
    metadata = {**(schema.metadata or {}), _REGION_KEY: region.encode()}
    stamped = pa.Table.from_arrays(ordered.columns, schema=schema.with_metadata(metadata))
    sink = pa.BufferOutputStream()
    pq.write_table(stamped, sink, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
    return sink.getvalue()


def decode(dataset: str, region: Region, content: bytes) -> pa.Table:
    """Return the rows of a file of the lake, in the contract's own schema.

    Raises:
        FormatError: the bytes are no Parquet, not the contract's, or another region's.
    """
    try:
        table = pq.read_table(pa.BufferReader(content), partitioning=None)
        check(dataset, region, table.schema)
        return table.cast(LAKE[dataset].schema)
    except (pa.ArrowInvalid, OSError):
        raise FormatError("is damaged") from None
    except ValueError:
        raise FormatError("has nulls where the contract allows none") from None


def check(dataset: str, region: Region, schema: pa.Schema) -> None:
    """Refuse a file's schema that is not the contract's or that names another region."""
    if difference := _difference(LAKE[dataset].schema, schema, check_nullable=False):
        raise FormatError(difference)
    _refuse_other_region(region, schema)


def _difference(expected: pa.Schema, found: pa.Schema, check_nullable: bool) -> str | None:
    """Name the contract's columns that are missing or differ; never a foreign name."""
    missing = [name for name in expected.names if name not in found.names]
    if missing:
        return f"lacks the columns {', '.join(missing)}"
    if len(found.names) != len(expected.names):
        return f"has {len(found.names) - len(expected.names)} columns too many"
    if found.names != expected.names:
        return "has its columns in another order"
    differing = [
        ours.name
        for ours, theirs in zip(expected, found, strict=True)
        if ours.type != theirs.type or (check_nullable and ours.nullable != theirs.nullable)
    ]
    return f"has another type in {', '.join(differing)}" if differing else None


def _refuse_other_region(region: Region, schema: pa.Schema) -> None:
    named = (schema.metadata or {}).get(_REGION_KEY, region.encode())
    if named != region.encode():
        raise FormatError(f"is not of region {region}")


def _refuse_values(schema: pa.Schema, table: pa.Table) -> None:
    for field in schema:
        column = table[field.name]
        if not field.nullable and column.null_count:
            raise FormatError(f"has nulls in {field.name}")
        words = _VOCABULARIES.get(field.name)
        if words and not pc.all(pc.is_in(column, pa.array(words))).as_py() and len(column):
            raise FormatError(f"has a word in {field.name} that is not in the contract")
        is_code = field.name == "error_code"
        if is_code and pc.all(pc.match_substring_regex(column, _CODE)).as_py() is False:
            raise FormatError("has an error_code that is not a code")
