"""A page of headings, paragraphs and tables, as Markdown or as one HTML file that prints well.

Belongs here: the two renderings.
Does not belong here: what a page says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

SUFFIXES: Final = (".md", ".html")
_STYLE: Final = """\
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 60em; margin: 2em auto;
       padding: 0 1.5em; }
h1 { font-size: 1.6em; line-height: 1.25; margin-bottom: .2em; }
h2 { font-size: 1.15em; margin: 1.8em 0 .4em; border-bottom: 1px solid #bbb; }
table { border-collapse: collapse; width: 100%; margin: .6em 0; font-size: .9em; }
th, td { text-align: left; vertical-align: top; padding: .25em .8em .25em 0;
         border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
th { border-bottom: 1px solid #888; }
tr { break-inside: avoid; }
h2 { break-after: avoid; }
@media print { body { font-size: 10pt; margin: 0; max-width: none; padding: 0; } }
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has a cell for each heading."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, in order."""

    title: str
    blocks: Sequence[str | Table]


def as_text(suffix: str, title: str, sections: Sequence[Section]) -> str:
    """Return the page in the form that a file's suffix asks for; one of ``SUFFIXES``."""
    return as_html(title, sections) if suffix == ".html" else as_markdown(title, sections)


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """Return the page as Markdown."""
    return "\n\n".join([f"# {title}", *_markdown_blocks(sections)]) + "\n"


def as_html(title: str, sections: Sequence[Section]) -> str:
    """Return the page as one HTML file that needs nothing else."""
    body = "\n".join(_html_blocks(sections))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n"
        "</body>\n</html>\n"
    )


def _markdown_blocks(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield f"## {section.title}"
        for block in section.blocks:
            if isinstance(block, Table):
                rows = [block.headings, ["---"] * len(block.headings), *block.rows]
                yield "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
            else:
                yield block


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _html_blocks(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield f"<h2>{escape(section.title)}</h2>"
        for block in section.blocks:
            if isinstance(block, Table):
                yield "<table>"
                yield _html_row("th", block.headings)
                yield from (_html_row("td", row) for row in block.rows)
                yield "</table>"
            else:
                yield f"<p>{escape(block)}</p>"


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
