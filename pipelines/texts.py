"""Texts that people write and read: files from Excel or an editor, counts, filled templates."""

import codecs
import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from jinja2 import Environment

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and xls
_MARKS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_FOREIGN_LINE: Final = re.compile(r'\s*"?(?:#TYPE\b|sep=)', re.IGNORECASE)


class TextError(Exception):
    """A file that cannot be read: one sentence with the remedy; ``line`` if one line is wrong."""

    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.line = line


def read_text(path: Path, remedy: str) -> str:
    """Return the text of a file in UTF-8 or UTF-16, with or without a byte order mark.

    ``remedy`` is what to do if the file cannot be opened.

    Raises:
        TextError: it cannot be opened, or is not text.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TextError(f"there is no such file; {remedy}") from None
    except IsADirectoryError:
        raise TextError(f"is a folder, not a file; {remedy}") from None
    except PermissionError:
        raise TextError("this account may not read it; change its owner or mode") from None
    except OSError as error:
        raise TextError(f"cannot be read ({error.strerror}); {remedy}") from None
    if content.startswith(_WORKBOOKS):
        raise TextError("is an Excel workbook, not text; save it as CSV UTF-8")
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content[:2]:  # UTF-16 without a mark: one byte of the first letter is NUL
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TextError("is not UTF-8; save the file as UTF-8", line) from None


class Table:
    """A CSV: a stripped ``header``, empty if the file is, and rows that can be read once.

    The separator is what the header has most of: Excel writes semicolons where the comma is the
    decimal mark. ``sep=`` (Excel), ``#TYPE`` (PowerShell) and trailing empty cells are skipped.
    """

    def __init__(self, text: str) -> None:
        lines = list(StringIO(text, newline=""))
        self._skipped = 0
        for line in lines:
            if line.strip(" ,;\t\r\n") and not _FOREIGN_LINE.match(line):
                break
            self._skipped += 1
        mark = max(_MARKS, key="".join(lines[self._skipped : self._skipped + 1]).count)
        self.separator = _MARKS[mark]
        self._reader = csv.reader(lines[self._skipped :], delimiter=mark, strict=True)
        self.header: list[str] = []
        self.header = [cell.strip() for cell in self._next() or ()]

    @property
    def line(self) -> int:
        """The number of the line that was read last, counted from 1."""
        return self._skipped + self._reader.line_num

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of each row that is not empty, without empty cells past the last column.

        Raises:
            TextError: quotes do not match.
        """
        while (cells := self._next()) is not None:
            if any(cell.strip() for cell in cells):
                yield cells

    def _next(self) -> list[str] | None:
        line = self.line + 1
        try:
            cells = next(self._reader, None)
        except csv.Error:  # the row may have run on for many lines
            raise TextError("quotes do not match; mend the quotes", line) from None
        while cells and len(cells) > len(self.header) and not cells[-1].strip():
            del cells[-1]
        return cells


@cache
def by_code(path: str) -> dict[str, dict[str, Any]]:
    """Return a YAML table of this package: its sections by code; a key may name several codes."""
    text = files("pipelines").joinpath(path).read_text(encoding="utf-8")
    return {
        section: {code: entry for codes, entry in entries.items() for code in codes.split(", ")}
        for section, entries in yaml.safe_load(text).items()
    }


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 day``, ``2 days``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def render(template: str, *, is_html: bool = False, **values: object) -> str:
    """Return a template filled with values; with ``is_html`` every value is escaped."""
    return _environment(is_html).get_template(template).render(**values).strip() + "\n"


def render_page(template: str, *, is_html: bool, **values: object) -> str:
    """Return a page of headings, paragraphs and tables as Markdown, or as one HTML file.

    The template imports ``form``, which has a macro for each of them.
    """
    form = "page.html.j2" if is_html else "page.md.j2"
    page = render(template, is_html=is_html, form=form, **values)
    if is_html:
        return page
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", page))


@cache
def _environment(is_html: bool) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - few need it

    def on_one_line(text: str) -> str:
        """Join the lines of a paragraph; escaped text stays escaped."""
        return type(text)(" ").join(text.split())

    environment = Environment(
        loader=PackageLoader("pipelines", "templates"),
        autoescape=is_html,  # noqa: S701 - what is not HTML is plain text or Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["on_one_line"] = on_one_line
    environment.globals["counted"] = counted
    return environment
