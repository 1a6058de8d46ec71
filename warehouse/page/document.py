"""The page as one file: figures, messages, styles, scripts and library; nothing is fetched.

Belongs here: reading the figures from one version of a region's statistics by the SELECTs of
``sql``; the head with its facts and gaps; assembling the page, replacing the file whole.
Does not belong here: what the figures mean (``sql``), how a browser adds them up (``client``).

The files of ``sql/work`` are work tables for the others. Every other file is a table of the page
with the file's name. The page's tables hold sums of numerators and denominators by building,
capacity band and month (or slice of time), so that any selection can be added up (R9). Rooms appear
by name, but personal rooms never appear.

Every sentence is a message of ``words.json``: the page has all languages and shows the reader's;
without scripts it is in English. Figures (JSON, 12 MB at 10,000 rooms) and the library are
deflated. The content security policy forbids every request, and every script but the page's own.
"""

import base64
import fcntl
import json
import os
import secrets
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from glob import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import duckdb
import pyarrow as pa
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from transforms.contract import (
    CAPACITY_BANDS,
    FEW,
    HEADCOUNT_BANDS,
    MEASURES,
    PERSONAL_ROOM_TYPES,
    Band,
    Region,
)
from transforms.contract.database import STATISTICS
from warehouse.connect import connect, last_build
from warehouse.storage import FILE_MODE, Location, Somewhere, WarehouseError, storage_at
from warehouse.targets import Target, TargetResult, evaluate

Message: TypeAlias = dict[str, Any]
"""``key`` in the catalogue, and values for its placeholders: a name that ends in ``_date`` is a
day, in ``_at`` an instant, in ``_month`` a month; a value may be a message itself."""

Columns: TypeAlias = dict[str, list[Any]]

SIZES: Final = (*(band.label for band in CAPACITY_BANDS), None)
"""In the page's order; None stands for rooms of unknown capacity."""

LABELS: Final = {measure: (*bands, FEW) for measure, bands in MEASURES.items()}
"""The bands of each measure of ``booking_profile``, in the page's order."""

PLACE_MONTHS: Final = 7_500
"""The most rows that the page shows: buildings times capacity bands times months."""

ROOM_MONTHS: Final = 160_000
"""The most rows that the page shows: rooms times months. At both limits it stays under 3 MB."""

_MEMORY_LIMIT: Final = "700MB"
_LATER_TABLES: Final = ("busy_ahead", "busy_ahead_check", "rooms_as_of")
_WORK_TABLES: Final = ("days", "buildings", "places", "elsewhere", "weeks", "room_span")

LANGUAGES: Final = ("en", "de", "fr", "es", "da")
_SCRIPTS: Final = (
    "words",
    "data",
    "before",
    "view",
    "charts",
    "overview",
    "use",
    "bookings",
    "what_if",
    "main",
)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


class PageError(WarehouseError):
    """The page cannot be written: one line that names the path and the remedy."""


@dataclass(frozen=True, slots=True)
class Page:
    """A written page: its path, its size, and the rooms that it covers."""

    path: Location
    size_bytes: int
    rooms: int


def page_path(warehouse: Somewhere, region: Region) -> Somewhere:
    """Return the default path of a region's page."""
    return cast("Somewhere", warehouse / f"report-{region.lower()}.html")


def has_page(warehouse: Location, region: Region) -> bool:
    """Return whether a region's page exists at its default path."""
    return storage_at(warehouse, "warehouse", PageError).has(page_path(warehouse, region).name)


def write_page(
    warehouse: Location, region: Region, out: Path | None = None, targets: Sequence[Target] = ()
) -> Page:
    """Write the page of the region's latest published statistics, replacing the old one whole.

    The page starts with the missed targets.

    Raises:
        VersionError: nothing was published yet.
        PageError: the file cannot be written; the old page is unchanged.
    """
    with connect(region, warehouse=warehouse) as connection:
        last_build(connection)  # raises where there is none
        tables = read_figures(connection)
        missed = [each for each in evaluate(connection, targets) if each.is_missed]
    path = out or page_path(warehouse, region)
    content = document(tables, missed).encode()
    if isinstance(path, Path):
        _replace(path, content)
    else:
        storage = storage_at(warehouse, "warehouse", PageError)
        storage.put(memoryview(content), path.name)
    return Page(path, len(content), len(tables["rooms"]["name"]))


def read_figures(
    connection: duckdb.DuckDBPyConnection,
    place_months: int = PLACE_MONTHS,
    room_months: int = ROOM_MONTHS,
) -> dict[str, Columns]:
    """Return the page's tables as columns; create work tables on the connection.

    Beyond ``place_months``, the smallest buildings are merged into one; beyond ``room_months``,
    single rooms appear in the latest months only. Nothing else is cut.
    """
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
    placed = [
        (measure, measure_no, label, label_no)
        for measure_no, (measure, labels) in enumerate(LABELS.items())
        for label_no, label in enumerate(labels)
    ]
    names = ("measure", "measure_no", "label", "label_no")
    given = {
        "personal_room_types": pa.table({"room_type": list(PERSONAL_ROOM_TYPES)}),
        "bands": pa.table({"capacity_band": list(SIZES), "band_no": list(range(len(SIZES)))}),
        "profile_labels": pa.table(dict(zip(names, zip(*placed, strict=True), strict=True))),
        "limits": pa.table({"place_months": [place_months], "room_months": [room_months]}),
    }
    # Empty tables replace those that a database of an earlier version lacks.
    found = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    later = {name: STATISTICS[name].schema.empty_table() for name in _LATER_TABLES}
    given |= {name: table for name, table in later.items() if name not in found}
    for name, table in given.items():
        connection.register("given", table)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM given")
        connection.unregister("given")
    for name in _WORK_TABLES:
        sql = _file("sql", "work", f"{name}.sql")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
    tables = sorted(
        each.name.removesuffix(".sql")
        for each in files("warehouse.page").joinpath("sql").iterdir()
        if each.name.endswith(".sql")
    )
    return {
        name: connection.sql(_file("sql", f"{name}.sql")).to_arrow_table().to_pydict()
        for name in tables
    }


def document(tables: Mapping[str, Columns], missed: Sequence[TargetResult] = ()) -> str:
    """Return the page for figures that ``read_figures`` returned."""
    head = {name: values[0] for name, values in tables["head"].items()}
    messages = {
        "facts": list(_facts(head)),
        "missing": list(_missing(head)),
        "targets": [_target(each) for each in missed],
    }
    data = {
        **tables,
        **messages,
        "bands": list(SIZES),
        "capacities": _bounds(CAPACITY_BANDS),
        "headcounts": _bounds(HEADCOUNT_BANDS),
        "measures": {name: list(labels) for name, labels in LABELS.items()},
        "words": {
            language: {key: texts[language] for key, texts in _catalogue().items()}
            for language in LANGUAGES
        },
    }
    return _template().render(
        **messages,
        region=head["region"],
        nonce=secrets.token_urlsafe(16),
        version=head["code_version"],
        data=_packed(json.dumps(data, separators=(",", ":"), default=str)),
    )


@cache
def _template() -> Template:
    """Return the template with all that every page has alike."""
    environment = Environment(
        loader=PackageLoader("warehouse", "page"), autoescape=True, undefined=StrictUndefined
    )
    environment.globals.update(
        say=_say,
        style=_file("client", "style.css"),
        library=_packed(_file("vendor", "echarts.common.min.js")),
        script="\n".join(_file("client", f"{name}.js") for name in _SCRIPTS),
    )
    return environment.get_template("page.html.j2")


def _facts(head: Mapping[str, Any]) -> Iterator[Message]:
    """Yield the facts behind the figures: a term, its value, and whether it is a warning."""
    through, first = head["data_through"], head["first_date"]
    loaded, expected = head["rooms_loaded"], head["rooms_expected"]
    no_day: Message = {"key": "fact.no_day"}
    day = {"key": "fact.day", "day_date": str(through)} if through else no_day
    span = {"key": "fact.span", "first_date": str(first), "last_date": str(head["last_date"])}
    read = {"key": "fact.of", "part": loaded, "whole": expected}
    built = {"key": "fact.at", "built_at": head["built_at"]}
    for key, value, is_warning in (
        ("through", day, not through),
        ("days", span if first else no_day, not first),
        ("read", read, loaded != expected or not expected),
        ("built", built, False),
    ):
        yield {"key": f"fact.{key}", "value": value, "is_warning": is_warning}


def _missing(head: Mapping[str, Any]) -> Iterator[Message]:
    """Yield a message for everything that a reader would otherwise miss or misread."""
    if not head["rooms"]:
        yield {"key": "missing.no_rooms"}
    elif not head["data_through"]:
        yield {"key": "missing.no_day"}
    elif not head["first_date"]:
        yield {"key": "missing.no_use"}
    counts = {
        "failed": head["rooms_expected"] - head["rooms_loaded"],
        "never_read": head["rooms_never_read"],
        "no_capacity": head["rooms_without_capacity"],
        "no_building": head["rooms_without_building"],
    }
    for name, count in counts.items():
        if count:
            yield {"key": f"missing.{name}", "count": count}
    if restated := head["restated_from"]:
        yield {"key": "missing.restated", "from_date": str(restated)}


def _target(result: TargetResult) -> Message:
    target = result.target
    size = {"key": "size.seats", "band": target.capacity_band} if target.capacity_band else None
    return {
        "key": f"target.{target.measure}",
        "rooms": {
            "key": f"target.{'building_' if target.building else ''}{'size' if size else 'rooms'}",
            "building": target.building,
            "size": size,
        },
        "count": round(result.value or 0),
        "limit": target.limit,
        "first_month": f"{result.first_date:%Y-%m}",
        "last_month": f"{result.last_date:%Y-%m}",
    }


def _say(message: Message) -> str:
    """Write a message in English, as the page's scripts would."""
    text = _catalogue()[message["key"]]["en"]
    if isinstance(text, dict):
        text = text["one" if message["count"] == 1 else "other"]
    return str(text).format(**{name: _value(name, each) for name, each in message.items()})


def _value(name: str, value: str | int | Message | None) -> str:
    if isinstance(value, dict):
        return _say(value)
    if not isinstance(value, str):
        return f"{value:,}" if isinstance(value, int) else ""
    if name.endswith("_at"):
        built = datetime.fromisoformat(value)
        return f"{_value('_date', str(built.date()))}, {built:%H:%M} UTC"
    if name.endswith("_date"):
        day = date.fromisoformat(value)
        return f"{day.day} {_value('_month', value)}"
    if name.endswith("_month"):
        year, month = map(int, value.split("-")[:2])
        return f"{_MONTHS[3 * month - 3 : 3 * month]} {year}"
    return value.replace("-", "\N{EN DASH}") if name == "band" else value


@cache
def _catalogue() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(_file("words.json"))
    return found


def _bounds(bands: Sequence[Band]) -> list[tuple[int, int | None]]:
    """Return the smallest and the largest value of each band."""
    least = [1, *(band.at_most + 1 for band in bands if band.at_most is not None)]
    return [(low, band.at_most) for low, band in zip(least, bands, strict=True)]


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


@cache
def _file(*parts: str) -> str:
    return files("warehouse.page").joinpath(*parts).read_text(encoding="utf-8")


def _replace(path: Path, content: bytes) -> None:
    """Write a temporary file and rename it: a reader sees the old page or the new one.

    Drafts of killed writers are removed: an erasure would not reach their figures.
    """
    draft: str | None = None
    try:
        for left in path.parent.glob(f".{escape(path.name)}-*"):
            if left.is_file() and not left.is_symlink() and not _is_being_written(left):
                left.unlink(missing_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(descriptor, "wb") as file:
            with suppress(OSError):  # some file shares have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            file.write(content)
            os.fchmod(file.fileno(), FILE_MODE)
        Path(draft).replace(path)
    except OSError as error:
        if draft:
            Path(draft).unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise PageError(
            f"{path}: cannot be written ({reason}): see to its permissions and disk, "
            "or choose another place with --out"
        ) from None


def _is_being_written(draft: Path) -> bool:
    """Return whether a process that lives may be writing a draft: its lock goes when it dies."""
    try:
        with draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
