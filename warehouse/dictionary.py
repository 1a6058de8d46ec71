"""The data dictionary as Markdown, from the contract.

Belongs here: laying out what ``transforms/contract.py`` says. ``python -m warehouse.dictionary``
prints it; ``docs/dictionary.md`` is its output, and a test holds the two together.
Does not belong here: a definition of its own.
"""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from transforms.contract import CONTRACT_VERSION, LAKE, TABLES, describe, table_description

_HEAD = f"""\
# Data dictionary

Contract version {CONTRACT_VERSION}. Generated from `transforms/contract.py` by `make dictionary`;
rules R1 to R16 are explained in [definitions.md](definitions.md).
"""


def markdown() -> str:
    """Return the dictionary of the lake and the database."""
    return "\n".join([_HEAD, *_part("The lake (Parquet)", LAKE), *_part("The database", TABLES)])


def _part(title: str, schemas: Mapping[str, pa.Schema]) -> Iterator[str]:
    yield f"## {title}\n"
    for name, schema in schemas.items():
        yield f"### {name}\n\n{table_description(schema)}\n"
        yield "| column | type | meaning |\n|---|---|---|"
        for column in schema:
            kind = f"{column.type}{', null' if column.nullable else ''}"
            yield f"| {column.name} | {kind} | {describe(column)} |"
        yield ""


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - this is what the module is run for
