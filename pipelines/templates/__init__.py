"""The prose of mails and of the record of processing, as jinja2 templates."""

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_TEMPLATES: Final = Environment(
    loader=PackageLoader("pipelines", "templates"),
    autoescape=select_autoescape(["html.j2"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> str:
    """Return a template filled with values; what goes into HTML is escaped."""
    return _TEMPLATES.get_template(template).render(**values)
