"""The format of a lake file: rows as Parquet, and the last check before they are stored.

Refused are unknown columns, another region's rows, and texts outside the contract's vocabulary.
"""

from datetime import date
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.contract import (
    CHANGE_WORDS,
    CONTRACT_VERSION,
    KINDS,
    RESPONSES,
    ROOM_TYPES,
    SHOW_AS,
    STATUSES,
    Region,
)
from transforms.contract.lake import LAKE
from warehouse.storage.base import WarehouseError

RESTATED_FROM: Final = b"restated_from"
"""Key of a directory's metadata: the day from which an operator restated it (R18)."""
_ROW_GROUP_ROWS: Final = 122_880
_FIRST_IN_ORDER: Final = ("room_id", "starts_at")
_VOCABULARIES: Final = {
    "kind": KINDS,
    "show_as": SHOW_AS,
    "response": RESPONSES,
    "status": STATUSES,
    "room_type": ROOM_TYPES,
    "change": CHANGE_WORDS,
}
_CODE: Final = "^[A-Za-z][A-Za-z0-9_]{0,79}$"
_REGION_KEY: Final = b"region"
_VERSION_KEY: Final = b"contract_version"


class FormatError(WarehouseError):
    """A table or file that breaks the contract; says what is wrong, without any value."""


class LaterFormatError(FormatError):
    """A file that a later version of this program wrote."""


class Part(NamedTuple):
    """A file for an engine to scan: the day of its rows, and the handle that opens it."""

    day: date
    handle: str


def encode(dataset: str, region: Region, table: pa.Table) -> pa.Buffer:
    """Return the table as the bytes of a Parquet file; equal rows give equal bytes.

    Rows are sorted by every column, so the order in which they were read leaves no trace.
    """
    schema = LAKE[dataset].schema
    if difference := _difference(schema, table.schema):
        raise FormatError(difference)
    _refuse_other_region(region, table.schema)
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
    first = [name for name in _FIRST_IN_ORDER if name in schema.names]
    keys = [*first, *(name for name in schema.names if name not in first)]
    ordered = table.sort_by([(name, "ascending") for name in keys]).combine_chunks()
    stamp = {_REGION_KEY: region.encode(), _VERSION_KEY: CONTRACT_VERSION.encode()}
    stamp |= _restated(table.schema)
    stamped = schema.with_metadata({**(schema.metadata or {}), **stamp})
    sink = pa.BufferOutputStream()
    rows = pa.Table.from_arrays(ordered.columns, schema=stamped)
    pq.write_table(rows, sink, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
    return sink.getvalue()


def decode(dataset: str, region: Region, content: bytes, *, is_packed: bool = False) -> pa.Table:
    """Return the rows of a file in the contract's schema; columns the file lacks are null."""
    schema = LAKE[dataset].schema
    texts = [field.name for field in schema if is_packed and field.type == pa.string()]
    try:
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        refuse_other_columns(dataset, region, file.metadata.schema.to_arrow_schema())
        table = file.read()
        for name in texts:
            field = schema.field(name).with_type(pa.dictionary(pa.int32(), pa.string()))
            schema = schema.set(schema.get_field_index(name), field)
        arrays = [
            table[field.name]
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in schema
        ]
        rows = pa.table(arrays, names=schema.names).cast(schema)
        return rows.replace_schema_metadata({**(schema.metadata or {}), **_restated(table.schema)})
    except (pa.ArrowInvalid, OSError):
        raise FormatError("is damaged") from None
    except ValueError:
        raise FormatError("has nulls where the contract allows none") from None


def _restated(schema: pa.Schema) -> dict[bytes, bytes]:
    return {key: value for key, value in (schema.metadata or {}).items() if key == RESTATED_FROM}


def refuse_other_columns(dataset: str, region: Region, found: pa.Schema) -> None:
    """Refuse a schema that is neither this contract's nor an earlier one's.

    Later contracts only add nullable columns, so an earlier file may lack those.
    """
    version = (found.metadata or {}).get(_VERSION_KEY, b"1").decode(errors="replace")
    if not version.isdecimal():
        raise FormatError("is damaged")
    if int(version) > int(CONTRACT_VERSION):
        raise LaterFormatError(f"is of contract version {version}, later than {CONTRACT_VERSION}")
    expected = LAKE[dataset].schema
    known = [field for field in expected if field.name in found.names or not field.nullable]
    nullable = [field.with_nullable(True) for field in known]
    if difference := _difference(pa.schema(nullable), pa.schema(map(_as_parquet_has_it, found))):
        raise FormatError(difference)
    _refuse_other_region(region, found)


def _as_parquet_has_it(field: pa.Field) -> pa.Field:
    """Return a stored column: nullable, and Arrow's several kinds of text are one in Parquet."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_text = kind in {pa.string(), pa.large_string(), pa.string_view()}
    return pa.field(field.name, pa.string() if is_text else field.type)


def _difference(expected: pa.Schema, found: pa.Schema) -> str | None:
    """Name the contract's columns that are missing or differ; never name a foreign one."""
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
        if ours.type != theirs.type or ours.nullable != theirs.nullable
    ]
    return f"has another type in {', '.join(differing)}" if differing else None


def _refuse_other_region(region: Region, schema: pa.Schema) -> None:
    named = (schema.metadata or {}).get(_REGION_KEY, region.encode())
    if named != region.encode():
        raise FormatError(f"is not of region {region}")
