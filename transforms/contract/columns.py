"""What a column and a table of the contract are. The columns themselves: lake.py, database.py."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, TypeAlias

import pyarrow as pa

INSTANT: Final = pa.timestamp("us", tz="UTC")

Nature: TypeAlias = Literal["pseudonymous", "about the room", "technical", "computed", "anonymous"]
"""What a value is in data protection law.

*Pseudonymous* data are personal data: room and start time are a key back to the original for as
long as Exchange holds it. Only aggregates that the minimum group has suppressed are *anonymous*.
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a value is stored, and the fields of Exchange's CalendarItem that it is made of."""

    reason: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """Everything that is known about one column.

    ``text`` is its definition in one sentence: the comment in the database, the dictionary,
    Dagster's table schema. ``origin`` and ``nature`` go into the record of processing.
    ``is_stated``: a flag (true, false or null) that a source states and that is stored as stated.
    ``is_for_everybody`` False keeps it out of the statistics.
    """

    name: str
    type: pa.DataType
    text: str
    origin: Origin
    nature: Nature
    unit: str = ""
    nullable: bool = False
    is_stated: bool = False
    is_for_everybody: bool = True

    @property
    def definition(self) -> str:
        """The definition in one sentence, its unit last."""
        return self.text + (f" [{self.unit}]" if self.unit else "")

    @property
    def field(self) -> pa.Field:
        """The column as Arrow has it, with its definition."""
        metadata = {"description": self.text} | ({"unit": self.unit} if self.unit else {})
        return pa.field(self.name, self.type, nullable=self.nullable, metadata=metadata)

    def defined_as(
        self, text: str, *, kind: pa.DataType | None = None, nullable: bool | None = None
    ) -> "Column":
        """Return the column as another table has it: same origin, a definition of its own."""
        is_nullable = self.nullable if nullable is None else nullable
        return replace(self, text=text, type=kind or self.type, nullable=is_nullable)


@dataclass(frozen=True)
class Table:
    """A file of the lake or a table of the database.

    ``grain`` are the columns that tell its rows apart; null counts as a value of its own there.
    ``nature`` and ``reason`` say what its rows are in data protection law, and why.
    ``is_for_everybody`` False keeps it out of the statistics.
    """

    text: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    nature: Nature
    reason: str
    is_for_everybody: bool = True

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    @cached_property
    def schema(self) -> pa.Schema:
        """The table as Arrow has it, with its definitions."""
        fields = [column.field for column in self.columns]
        return pa.schema(fields, metadata={"description": self.text})
