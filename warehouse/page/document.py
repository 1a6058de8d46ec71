"""The page as one file: figures, words, styles, scripts and library, and nothing to be fetched.

Belongs here: the facts of the head and what is missing, putting the parts together, replacing the
file whole. Does not belong here: figures of use (``figures.py``), what a browser does (``client``).

Every sentence is a message of ``words.json``: the page carries them in all languages and says them
in the reader's; without scripts it stands in English. Figures (JSON, at 10,000 rooms 12 MB) and the
library are deflated. The content security policy forbids every request and every script
but the page's own.
"""

import base64
import json
import os
import secrets
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from transforms.contract import CAPACITY_BANDS, HEADCOUNT_BANDS, Band, Region
from warehouse.connect import connect
from warehouse.page.figures import LABELS, SIZES, Columns, read_figures
from warehouse.storage import FILE_MODE, Location, Somewhere, WarehouseError, storage_at
from warehouse.targets import Target, TargetResult, evaluate

Message: TypeAlias = dict[str, Any]
"""``key`` of the catalogue, and the values of its places: a name that ends in ``_date`` is a day,
in ``_at`` an instant, in ``_month`` a month; a value may be a message itself."""

LANGUAGES: Final = ("en", "de", "fr", "es", "da")
_SCRIPTS: Final = (
    "words",
    "data",
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
    """A page that was written: where, how large, and the rooms that it is about."""

    path: Location
    size_bytes: int
    rooms: int


def page_path(warehouse: Somewhere, region: Region) -> Somewhere:
    """Return where a region's page is unless somebody asks for it elsewhere."""
    return cast("Somewhere", warehouse / f"report-{region.lower()}.html")


def has_page(warehouse: Location, region: Region) -> bool:
    """Tell whether a region's page lies where it is unless somebody asks for it elsewhere."""
    return storage_at(warehouse, "warehouse", PageError).has(page_path(warehouse, region).name)


def write_page(
    warehouse: Location, region: Region, out: Path | None = None, targets: Sequence[Target] = ()
) -> Page:
    """Write the page of the region's latest published statistics, replacing the one before whole.

    Missed targets stand first on it.

    Raises:
        VersionError: nothing was published yet.
        PageError: the file cannot be written; the page before it is as it was.
    """
    with connect(region, warehouse=warehouse) as connection:
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


def document(tables: Mapping[str, Columns], missed: Sequence[TargetResult] = ()) -> str:
    """Return the page of some figures, as ``read_figures`` gives them."""
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
        "words": {language: _words(language) for language in LANGUAGES},
    }
    environment = Environment(
        loader=PackageLoader("warehouse", "page"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.j2").render(
        **messages,
        say=_say,
        region=head["region"],
        nonce=secrets.token_urlsafe(16),
        style=_file("client", "style.css"),
        version=head["code_version"],
        data=_packed(json.dumps(data, separators=(",", ":"), default=str)),
        library=_packed(_file("vendor", "echarts.common.min.js")),
        script="\n".join(_file("client", f"{name}.js") for name in _SCRIPTS),
    )


def _facts(head: Mapping[str, Any]) -> Iterator[Message]:
    """Yield what the figures stand on: a term, its value, and whether something is wrong."""
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
    """Yield a sentence for everything that a reader would otherwise miss or misread."""
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
    """Write a message in English, as the page does it with scripts."""
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


def _words(language: str) -> dict[str, Any]:
    return {key: texts[language] for key, texts in _catalogue().items()}


def _bounds(bands: Sequence[Band]) -> list[tuple[int, int | None]]:
    """Return the least and the most that belong to each band."""
    least = [1, *(band.at_most + 1 for band in bands if band.at_most is not None)]
    return [(low, band.at_most) for low, band in zip(least, bands, strict=True)]


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _file(*parts: str) -> str:
    return files("warehouse.page").joinpath(*parts).read_text(encoding="utf-8")


def _replace(path: Path, content: bytes) -> None:
    """Write beside and move into place: a reader sees the old page or the new."""
    draft: str | None = None
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(descriptor, "wb") as file:
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
