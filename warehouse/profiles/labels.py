"""Labels as numbers: a region of 80,000 rooms has millions of rows of few texts.

Belongs here: texts as Arrow dictionaries and as numpy's numbers, and numbers of several labels.
Does not belong here: what a label means (``memory.py``, ``__init__.py``).
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]

LABEL: Final = pa.dictionary(pa.int32(), pa.string())
"""A text as its number."""


def labelled(batches: pa.RecordBatchReader) -> pa.Table:
    """Return DuckDB's rows with their texts as numbers.

    As texts, the counts of 80,000 rooms take 120 MB, as numbers 52.
    """
    types = [LABEL if field.type == pa.string() else field.type for field in batches.schema]
    schema = pa.schema(zip(batches.schema.names, types, strict=True))
    kept = ([_labelled(column) for column in batch.columns] for batch in batches)
    made = [pa.RecordBatch.from_arrays(columns, schema=schema) for columns in kept]
    return pa.Table.from_batches(made, schema)


def _labelled(column: pa.Array) -> pa.Array:
    """Return a column with texts as numbers, in memory of its own.

    If it shared any with its batch, that would stay whole, texts included.
    """
    if column.type == pa.string():
        return column.dictionary_encode()
    return column.copy_to(pa.default_cpu_memory_manager())


def numbered(column: pa.ChunkedArray) -> tuple[Numbers, list[Any]]:
    """Return the number of each value among the distinct ones, and these; null is one.

    There may be values that no row has: those of a dictionary.
    """
    number_of: dict[Any, int] = {}
    found = [np.zeros(0, np.int32)]
    for chunk in column.chunks:
        encoded = chunk if chunk.type == LABEL else chunk.dictionary_encode()
        values = [*encoded.dictionary.to_pylist(), *([None] if encoded.indices.null_count else [])]
        own = [number_of.setdefault(value, len(number_of)) for value in values]
        at = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        found.append(np.array(own, np.int32)[at])
    return np.concatenate(found), list(number_of)


def numbered_rows(table: pa.Table, names: Sequence[str]) -> tuple[Ints, list[tuple[Any, ...]]]:
    """Return the number of each row among those that differ in some columns, and these."""
    key, values_of = keys(table, names)
    found, number = np.unique(key, return_inverse=True)
    parts = np.unravel_index(found, [max(1, len(values)) for values in values_of])
    columns = ([values[at] for at in part] for values, part in zip(values_of, parts, strict=True))
    return number, list(zip(*columns, strict=True))


def keys(table: pa.Table, names: Sequence[str]) -> tuple[Ints, list[list[Any]]]:
    """Return a number for each row, equal where some columns are, and the values of each."""
    key = np.zeros(len(table), np.int64)
    values_of = []
    for name in names:
        number, values = numbered(table[name])
        key *= len(values)
        key += number
        values_of.append(values)
    return key, values_of
