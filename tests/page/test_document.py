"""The page is one file: whole, small, without requests, and safe from the names that it shows."""

import fcntl
import re
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.marts.scenario import Room, book, scenario
from tests.marts.test_bad_input import MONDAY
from tests.page.conftest import MakePage
from tests.page.pages import Page, unpacked
from warehouse import connect
from warehouse.page import page_path, write_page
from warehouse.page.document import PageError, document, read_figures
from warehouse.versions import VersionError

HOSTILE = "</script><script>window.hostile = true</script>{{data}}"
VENDOR = Path(page_path.__code__.co_filename).parent / "vendor"


def test_the_page_lies_beside_the_database_for_owner_and_group(worked: Page) -> None:
    assert worked.path.name == "report-eu.html"
    assert worked.path.parent == page_path(worked.path.parent, "EU").parent
    assert stat.S_IMODE(worked.path.stat().st_mode) == 0o640


def test_the_draft_of_a_killed_writer_is_removed_and_that_of_a_living_one_is_not(
    worked: Page, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    killed, living, other = (tmp_path / f".{name}" for name in ("page.html-a", "page.html-b", "x"))
    for each in (killed, living, other):
        each.write_bytes(b"figures")
    with living.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_page(worked.path.parent, "EU", out)
    assert sorted(tmp_path.iterdir()) == sorted([living, other, out])


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
    with pytest.raises(VersionError, match="or 'insights publish --region EU' if"):
        write_page(tmp_path, "EU")


def test_the_page_names_no_address_to_be_fetched(worked: Page) -> None:
    own = re.sub(r'<script id="(data|library)"[^>]*>[^<]*</script>', "", worked.text)
    assert len(own) < len(worked.text) / 2
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
    with connect("EU", warehouse=worked.path.parent) as statistics:
        tables = read_figures(statistics)
    one, other = (document(tables) for _ in range(2))
    (first,), (second,) = (set(re.findall(r"nonce[-=]\"?([\w-]+)", text)) for text in (one, other))
    assert first != second
    assert one.replace(first, "") == other.replace(second, "")
    assert unpacked(one) == worked.data


def test_a_region_is_whatever_the_configuration_names(worked: Page) -> None:
    with connect("EU", warehouse=worked.path.parent) as statistics:
        tables = read_figures(statistics)
    tables["head"]["region"] = ["APAC"]
    text = document(tables)
    assert "<title>Meeting rooms, region APAC</title>" in text
    assert unpacked(text)["head"]["region"] == ["APAC"]
    assert page_path(worked.path.parent, "APAC").name == "report-apac.html"


def test_a_past_that_was_restated_is_told(worked: Page) -> None:
    with connect("EU", warehouse=worked.path.parent) as statistics:
        tables = read_figures(statistics)
    told = (
        "Figures from 1 Jul 2026 on use the room directory as an operator has corrected it since."
    )
    assert told not in document(tables)
    tables["head"]["restated_from"] = [date(2026, 7, 1)]
    assert told in document(tables)


def test_every_word_is_in_five_languages_with_the_same_places(worked: Page) -> None:
    words: dict[str, dict[str, Any]] = worked.data["words"]
    assert set(words) == {"en", "de", "fr", "es", "da"}
    for key, english in words["en"].items():
        for language, texts in words.items():
            assert places(texts[key]) == places(english), (key, language)
            assert isinstance(texts[key], dict) == isinstance(english, dict), (key, language)


def places(text: str | dict[str, str]) -> set[str]:
    forms = text.values() if isinstance(text, dict) else (text,)
    found = [set(re.findall(r"{(\w+)}", form)) for form in forms]
    return set.union(*found)


def test_every_word_is_said_somewhere(worked: Page) -> None:
    folder = VENDOR.parent
    paths = [*folder.glob("client/*.js"), folder / "page.html.j2", folder / "document.py"]
    said = "".join(path.read_text(encoding="utf-8") for path in paths)
    made = re.compile(
        r"(fact|missing|target|tile|read|duration|lead_time|time)\..*|.*\.(title|of|words|axis|text)"
    )
    unsaid = {key for key in worked.data["words"]["en"] if f'"{key}"' not in said}
    assert {key for key in unsaid if not made.fullmatch(key)} == {
        "size-fit.small",
        "size-fit.large",
    }


def test_without_scripts_the_head_stands_in_english(worked: Page) -> None:
    head = worked.text.partition("</header>")[0]
    assert '<h1><span id="region-title">Region EU</span>' in head
    assert "<dt>Data through</dt><dd>1 Nov 2026</dd>" in head
    assert "1 room without a capacity: listed as size unknown." in head
    for word in ("cells", "Readings", "insights check"):
        assert word not in head
