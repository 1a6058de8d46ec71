"""The single declaration of every column of the lake's files and the database's tables.

Belongs here: what a column is (name, type, unit, one-sentence definition, origin in Exchange,
nature in data protection law) and what a table is; the vocabularies and bands of columns, whose
labels and limits are declared nowhere else; the columns that tables of the database share. DDL
comments, Dagster's table schemas, the dictionary, the record of processing and the tests are
generated from these declarations.
Does not belong here: the files (``lake.py``) and the tables (``database.py``), how a value is
computed (``redact.py`` and ``warehouse/sql``).

A new nullable column raises ``CONTRACT_VERSION``. Changing or removing a column breaks somebody's
dashboard, so it needs a new dataset.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import pyarrow as pa

CONTRACT_VERSION: Final = "2"

Region: TypeAlias = str
"""A name in ``insights.yaml``, such as EU or APAC."""
_REGION: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", re.ASCII)
_LONGEST_REGION: Final = 30
_CATALOGS: Final = ("MAIN", "MEMORY", "SYSTEM", "TEMP")
"""DuckDB's own catalogs: a region becomes the name of one (``eu.utilization``)."""
_REGION_REMEDY: Final = "write capital letters, digits and single underscores, such as EU or APAC"


def is_region(name: str) -> bool:
    """Return whether a region can have this name.

    It becomes part of file names, catalogs, asset keys and environment variables, so it is plain
    ASCII. It has no hyphen, so ``insights-eu-statistics`` cannot be a region's own database.
    """
    is_plain = _REGION.fullmatch(name) is not None and len(name) <= _LONGEST_REGION
    return is_plain and name not in _CATALOGS


def region_remedy(name: str) -> str:
    """Return what to write in place of a name that no region can have."""
    if name.upper() in _CATALOGS:
        return "DuckDB keeps it for itself; choose another, such as EU or APAC"
    return _REGION_REMEDY


RoomType: TypeAlias = Literal[
    "conference",
    "auditorium",
    "executive",
    "lecture",
    "group_study",
    "workshop",
    "video",
    "desk",
    "office",
    "other",
]
ROOM_TYPES: Final[tuple[RoomType, ...]] = get_args(RoomType)
PERSONAL_ROOM_TYPES: Final = ("desk", "office", "executive")

KINDS: Final = ("single", "occurrence", "exception")
SHOW_AS: Final = ("busy", "tentative", "oof", "free", "elsewhere", "unknown")
RESPONSES: Final = ("accept", "organizer", "tentative", "decline", "none", "unknown")
STATUSES: Final = ("booked", "held", "not_booked", "cancelled")
CHANGE_WORDS: Final = ("new", "cancelled", "moved", "resized")


class Band(NamedTuple):
    """One band: the label stored in tables, and the largest value that belongs to it.

    A band begins above the one before it and includes ``at_most``; the last one has no end.
    """

    label: str
    at_most: int | None = None


CAPACITY_BANDS: Final = (
    Band("1", 1),
    Band("2-4", 4),
    Band("5-8", 8),
    Band("9-14", 14),
    Band("15-30", 30),
    Band("31+"),
)
"""Seats of a room; null where unknown."""

HEADCOUNT_BANDS: Final = (
    Band("1", 1),
    Band("2", 2),
    Band("3-4", 4),
    Band("5-6", 6),
    Band("7-10", 10),
    Band("11-20", 20),
    Band("21+"),
)
"""People invited (R11); null where unknown."""

DURATION_BANDS: Final = (
    Band("0-15", 15),
    Band("16-30", 30),
    Band("31-60", 60),
    Band("61-120", 120),
    Band("121-240", 240),
    Band("241+"),
)
"""Whole minutes of a booking; all-day bookings have a band of their own."""

ALL_DAY: Final = "all-day"

LEAD_TIME_BANDS: Final = (
    Band("0-15m", 15),
    Band("15m-2h", 2 * 60),
    Band("2h-1d", 24 * 60),
    Band("1d-7d", 7 * 24 * 60),
    Band("7d-30d", 30 * 24 * 60),
    Band("30d+"),
)
"""Minutes from creation to start of a single booking; null for series and where unknown."""


def band_of(bands: Sequence[Band], value: int | None) -> str | None:
    """Return the label of a value above zero; None for any other value."""
    if value is None or value <= 0:
        return None
    return next(band.label for band in bands if band.at_most is None or value <= band.at_most)


FEW: Final = "few"
"""The band of ``booking_profile`` that small bands are merged into (R17)."""

MEASURES: Final[Mapping[str, tuple[str | None, ...]]] = MappingProxyType(
    {
        "duration": (*(band.label for band in DURATION_BANDS), ALL_DAY),
        "lead_time": (*(band.label for band in LEAD_TIME_BANDS), None),
        "kind": KINDS,
        "headcount": (*(band.label for band in HEADCOUNT_BANDS), None),
        "external": ("external", "internal", None),
    }
)
"""The bands of each measure of ``booking_profile``; None is unknown, or does not apply."""

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

    ``text`` is its definition in one sentence, for the comment in the database, the dictionary and
    Dagster's table schema. ``origin`` and ``nature`` go into the record of processing.
    ``is_stated``: a flag (true, false or null) that is stored as the source states it.
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
        """The definition in one sentence, followed by the unit."""
        return self.text + (f" [{self.unit}]" if self.unit else "")

    @property
    def field(self) -> pa.Field:
        """The column as an Arrow field, with its definition."""
        metadata = {"description": self.text} | ({"unit": self.unit} if self.unit else {})
        return pa.field(self.name, self.type, nullable=self.nullable, metadata=metadata)

    def defined_as(self, text: str, name: str = "", *, nullable: bool | None = None) -> "Column":
        """Return the column for another place: with the same origin, but its own definition."""
        is_nullable = self.nullable if nullable is None else nullable
        return replace(self, name=name or self.name, text=text, nullable=is_nullable)


@dataclass(frozen=True)
class Table:
    """A file of the lake or a table of the database.

    ``keys`` are the columns that tell its rows apart (null counts as a value there), before all
    ``others``. ``nature`` and ``reason`` say what its rows are in data protection law, and why.
    ``is_for_everybody`` False keeps it out of the statistics.
    """

    text: str
    keys: tuple[Column, ...]
    others: tuple[Column, ...]
    nature: Nature
    reason: str
    is_for_everybody: bool = True

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in order."""
        return self.keys + self.others

    @property
    def grain(self) -> tuple[str, ...]:
        """The names of the keys."""
        return tuple(column.name for column in self.keys)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    @cached_property
    def schema(self) -> pa.Schema:
        """The table as an Arrow schema, with its definitions."""
        fields = [column.field for column in self.columns]
        return pa.schema(fields, metadata={"description": self.text})


TIME: Final = Origin("Minutes of rooms, from starts and ends of bookings.")
ROOM_COUNT: Final = Origin("A count of rooms.")
BOOKING_COUNT: Final = Origin("A count of bookings.")


def computed(  # noqa: PLR0913 - a column has so many parts
    name: str,
    kind: pa.DataType,
    text: str,
    origin: str | Origin,
    *,
    unit: str = "",
    nullable: bool = False,
) -> Column:
    """Return a column that SQL computes; a plain string as ``origin`` is its reason."""
    made = origin if isinstance(origin, Origin) else Origin(origin)
    return Column(name, kind, text, made, "computed", unit, nullable)


def technical(
    name: str, kind: pa.DataType, text: str, origin: str, *, nullable: bool = False
) -> Column:
    """Return a column about the build or the reading."""
    return Column(name, kind, text, Origin(origin), "technical", nullable=nullable)


def minutes(  # noqa: PLR0913 - a column has so many parts
    name: str,
    text: str,
    *,
    wide: bool = False,
    nullable: bool = False,
    origin: Origin = TIME,
    is_for_everybody: bool = True,
) -> Column:
    """Return a column of minutes, with 64 bits if ``wide``."""
    kind = pa.int64() if wide else pa.int32()
    made = computed(name, kind, text, origin, unit="minutes", nullable=nullable)
    return replace(made, is_for_everybody=is_for_everybody)


def rooms(name: str, text: str) -> Column:
    """Return a count of rooms."""
    return computed(name, pa.int32(), text, ROOM_COUNT)


def labels(bands: Iterable[Band]) -> str:
    """Return the labels of bands, as text for a definition."""
    return ", ".join(band.label for band in bands)


REGION = technical(
    "region",
    pa.string(),
    "Where the data are processed and stored, such as EU.",
    "Where the data are processed and stored.",
)
LOCAL_DATE = computed(
    "local_date",
    pa.date32(),
    "Date in the room's own time zone (R1).",
    "A date on the room's clock.",
)
LOCAL_HOUR = computed(
    "local_hour",
    pa.int32(),
    "Local hour, 0 to 23; a repeated hour of a clock change is one row.",
    "An hour on the room's clock.",
)
WEEKDAY = computed(
    "weekday",
    pa.int32(),
    "Local day of the week, 1 = Monday to 7 = Sunday.",
    "A day of the week instead of a date.",
)
OPEN: Final = Origin("From opening hours, holidays and closures.")
OPEN_SUM = minutes(
    "open_minutes", "Open time of the rooms that were read (R2, R13).", wide=True, origin=OPEN
)
BOOKINGS_SUM = computed(
    "bookings",
    pa.int64(),
    "Bookings (status booked) by local start date (R15).",
    BOOKING_COUNT,
)


def of_rooms(text: str, keys: tuple[Column, ...], others: tuple[Column, ...]) -> Table:
    """Return a table of the use of rooms, summed over places."""
    why = "Use of rooms, not behaviour of people; a cell may be one room, so it is not called "
    return Table(text, keys, others, "computed", f"{why}anonymous.")
