"""The data dictionary as Markdown, from the contract.

Belongs here: laying out what ``transforms/contract`` says. ``python -m warehouse.dictionary``
prints it; ``docs/dictionary.md`` is its output, and a test holds the two together.
Does not belong here: a definition of its own.
"""

from collections.abc import Iterator, Mapping

from transforms.contract import CONTRACT_VERSION, Table
from transforms.contract.database import TABLES
from transforms.contract.lake import LAKE

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
    """Yield the tables of the database with the columns that tell their rows apart."""
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
        yield f"### {name}\n\n{table.text}\n"
        yield "| column | type | meaning |\n|---|---|---|"
        for column in table:
            kind = f"{column.type}{', null' if column.nullable else ''}"
            yield f"| {column.name} | {kind} | {column.definition} |"
        yield ""


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - this is what the module is run for
