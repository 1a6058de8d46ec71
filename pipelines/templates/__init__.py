"""The prose of mails and of the record of processing, as jinja2 templates."""

import re
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, *, is_html: bool = False, **values: object) -> str:
    """Return a template filled with values; with ``is_html`` every value is escaped."""
    return _ENVIRONMENTS[is_html].get_template(template).render(**values).strip() + "\n"


def render_page(template: str, *, is_html: bool, **values: object) -> str:
    """Return a page of headings, paragraphs and tables as Markdown, or as one HTML file.

    The template imports ``form``, which has a macro for each of them.
    """
    form = "page.html.j2" if is_html else "page.md.j2"
    page = render(template, is_html=is_html, form=form, **values)
    if is_html:
        return page
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", page))


def _on_one_line(text: str) -> str:
    """Join the lines of a paragraph; text that was escaped stays so."""
    return type(text)(" ").join(text.split())


def _environment(*, is_html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("pipelines", "templates"),
        autoescape=is_html,  # noqa: S701 - what is not HTML is plain text or Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["on_one_line"] = _on_one_line
    return environment


_ENVIRONMENTS: Final = {is_html: _environment(is_html=is_html) for is_html in (False, True)}
