"""Pages for the tests: published from a scenario, read back from the file and from a browser.

Belongs here: writing a page, unpacking its embedded figures, and reading what it shows.
Does not belong here: what the figures should be.
"""

import base64
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.marts.scenario import Database, Scenario, publish_scenario
from tests.page.browser import Tab
from warehouse.page import page_path, write_page

EN_DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Page:
    """A page, the figures embedded in it, and the database that they come from."""

    path: Path
    text: str
    data: dict[str, Any]
    database: Database

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table of the page as rows."""
        columns = self.data[table]
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]


def seats(band: str) -> str:
    """Return a capacity band as the page writes it."""
    return f"{band.replace('-', EN_DASH)} seats"


def page_of(folder: Path, scenario: Scenario) -> Page:
    """Publish a scenario and write its page."""
    database = publish_scenario(folder, scenario)
    write_page(folder / "warehouse", "EU")
    path = page_path(folder / "warehouse", "EU")
    text = path.read_text(encoding="utf-8")
    return Page(path, text, unpacked(text), database)


def unpacked(text: str) -> dict[str, Any]:
    """Return the figures embedded in a page."""
    packed = re.search(r'<script id="data"[^>]*>([^<]*)</script>', text)
    assert packed
    return dict(json.loads(zlib.decompress(base64.b64decode(packed[1]))))


def choose(tab: Tab, **choices: str) -> None:
    """Set the page's filters to the options with these names."""
    for name, shown in choices.items():
        assert tab.value(
            f"""(() => {{
              const select = document.getElementById({json.dumps(name)});
              const option = [...select.options].find((each) => each.text === {json.dumps(shown)});
              if (option) {{
                select.value = option.value;
                select.dispatchEvent(new Event("change", {{ bubbles: true }}));
              }}
              return Boolean(option);
            }})()"""
        ), shown


def figure(tab: Tab, name: str) -> float | None:
    """Return a headline figure, unrounded; None if the page does not show it."""
    shown = tab.value(f"document.getElementById('figure-{name}').dataset.value")
    return float(shown) if shown else None


def table_in(tab: Tab, section: str) -> list[list[str]]:
    """Return the rows of a section's table, with unrounded figures if the page has them."""
    tab.value(
        f"""new Promise((done) => {{
          const details = document.querySelector("#{section} details");
          if (details.hidden || details.open) return done();
          details.addEventListener("toggle", () => setTimeout(done), {{ once: true }});
          details.open = true;
        }})"""
    )
    rows: list[list[str]] = tab.value(
        f"""[...document.querySelectorAll("#{section} tbody tr")].map(
          (row) => [...row.cells].map((cell) => cell.dataset.value ?? cell.textContent))"""
    )
    return rows


def words_of(tab: Tab, section: str) -> str:
    """Return a section's summary."""
    return str(tab.value(f'document.querySelector("#{section} .summary").textContent'))
