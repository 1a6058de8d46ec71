"""The page as one file: figures, styles, scripts and library, and nothing to be fetched.

Belongs here: putting the parts together, escaping them, replacing the file whole.
Does not belong here: what the page shows (``figures.py``, ``facts.py``, ``client``).

Figures are JSON, deflated: at 10,000 rooms they would be 12 MB as they are. The content security
policy forbids every request and every script but the page's own.
"""

import base64
import json
import os
import re
import secrets
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from transforms.contract import Region
from warehouse.connect import connect
from warehouse.page.facts import Fact, facts, missing
from warehouse.page.figures import SIZES, Columns, read_figures
from warehouse.storage import FILE_MODE, WarehouseError
from warehouse.targets import Target, evaluate

_SCRIPTS: Final = (
    "data",
    "figures",
    "elements",
    "tables",
    "charts",
    "frame",
    "answers",
    "use",
    "bookings",
    "main",
)
_LIBRARY: Final = "echarts.common.min.js"


class PageError(WarehouseError):
    """The page cannot be written: one line that names the path and the remedy."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was written: where, how large, and the rooms that it is about."""

    path: Path
    size_bytes: int
    rooms: int


def page_path(warehouse: Path, region: Region) -> Path:
    """Return where a region's page is unless somebody asks for it elsewhere."""
    return warehouse / f"report-{region.lower()}.html"


def write_page(
    warehouse: Path, region: Region, out: Path | None = None, targets: Sequence[Target] = ()
) -> Page:
    """Write the page of the region's latest published database, replacing the one before whole.

    Missed targets stand first on it.

    Raises:
        VersionError: nothing was published yet.
        PageError: the file cannot be written; the page before it is as it was.
    """
    with connect(region, warehouse=warehouse, bookings=True) as connection:
        tables = read_figures(connection)
        missed = [each.sentence for each in evaluate(connection, targets) if each.is_missed]
    path = out or page_path(warehouse, region)
    content = document(tables, missed).encode()
    _replace(path, content)
    return Page(path, len(content), len(tables["rooms"]["name"]))


def document(tables: Mapping[str, Columns], missed_targets: Sequence[str] = ()) -> str:
    """Return the page of some figures, as ``read_figures`` gives them."""
    head = {name: values[0] for name, values in tables["head"].items()}
    data = {**tables, "bands": list(SIZES)}
    parts = {
        "region": escape(head["region"]),
        "nonce": secrets.token_urlsafe(16),
        "style": _file("client", "style.css"),
        "facts": "\n".join(map(_fact, facts(head))),
        "missing": _list(missing(head)),
        "targets": _targets(missed_targets),
        "version": escape(head["code_version"]),
        "data": _packed(data),
        "library": _file("vendor", _LIBRARY),
        "script": "\n".join(_file("client", f"{name}.js") for name in _SCRIPTS),
    }
    # One pass: a name in what was put in is never taken for a place.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _file("page.html.j2"))


def _packed(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), default=str)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _fact(fact: Fact) -> str:
    mark = ' class="warning"' if fact.is_warning else ""
    return f"<div{mark}><dt>{escape(fact.term)}</dt><dd>{escape(fact.value)}</dd></div>"


def _targets(missed: Sequence[str]) -> str:
    if not missed:
        return ""
    heading = f"{len(missed)} {'target' if len(missed) == 1 else 'targets'} missed"
    return f'<section class="targets"><h2>{heading}</h2><ul>{_list(missed)}</ul></section>'


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


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
