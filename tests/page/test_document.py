"""The page is one file: whole, small, quiet, and safe from what it shows."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.marts.scenario import Room, book, scenario
from tests.marts.test_bad_input import MONDAY
from tests.page.conftest import MakePage
from tests.page.pages import Page, unpacked
from warehouse.page import page_path, write_page
from warehouse.page.document import PageError, document
from warehouse.page.figures import SIZES
from warehouse.versions import VersionError

HOSTILE = "</script><script>window.hostile = true</script>{{data}}"
VENDOR = Path(page_path.__code__.co_filename).parent / "vendor"


def test_the_page_lies_beside_the_database_for_owner_and_group(worked: Page) -> None:
    assert worked.path.name == "report-eu.html"
    assert worked.path.parent == page_path(worked.path.parent, "EU").parent
    assert stat.S_IMODE(worked.path.stat().st_mode) == 0o640


def test_the_page_is_replaced_whole(worked: Page, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    out.write_text("the page before")
    with out.open() as reader:
        write_page(worked.path.parent, "EU", out)
        assert reader.read() == "the page before"
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [out]


def test_a_page_that_cannot_be_written_is_one_line_and_leaves_nothing(
    worked: Page, tmp_path: Path
) -> None:
    for out in (tmp_path / "missing" / "page.html", tmp_path):
        with pytest.raises(PageError, match=r"^\S+: cannot be written \(.*\): see to") as refused:
            write_page(worked.path.parent, "EU", out)
        assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_published_yet_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(VersionError, match="run 'insights publish --region EU'"):
        write_page(tmp_path, "EU")


def test_the_page_names_no_address_to_be_fetched(worked: Page) -> None:
    own = worked.text.replace((VENDOR / "echarts.common.min.js").read_text(encoding="utf-8"), "")
    assert len(own) < len(worked.text)
    assert not re.findall(r"https?:|//[a-z]+\.|url\(|@import", own)
    assert set(re.findall(r'(?:src|href)="([^"]*)"', own)) == {"#content", "data:,"}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', own)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'nonce-")


def test_the_librarys_licences_lie_beside_it() -> None:
    assert "Apache License" in (VENDOR / "LICENSE").read_text(encoding="utf-8")
    assert "Apache ECharts" in (VENDOR / "NOTICE").read_text(encoding="utf-8")
    assert "Redistributions" in (VENDOR / "LICENSE-d3").read_text(encoding="utf-8")


def test_what_a_page_shows_cannot_become_part_of_it(make_page: MakePage) -> None:
    room = Room(HOSTILE, building=HOSTILE)
    page = make_page(scenario((room,), [book(room, MONDAY, "09:00", "10:00")], [MONDAY]))
    assert page.data["rooms"]["name"] == [HOSTILE]
    assert "hostile" not in page.text


def test_two_pages_of_one_database_differ_in_their_nonce_only(worked: Page) -> None:
    one, other = (document(_tables(worked.data)) for _ in range(2))
    (first,), (second,) = (set(re.findall(r"nonce[-=]\"?([\w-]+)", text)) for text in (one, other))
    assert first != second
    assert one.replace(first, "") == other.replace(second, "")
    assert unpacked(one) == worked.data


def _tables(data: dict[str, Any]) -> dict[str, Any]:
    assert data["bands"] == list(SIZES)
    return {name: table for name, table in data.items() if name != "bands"}
