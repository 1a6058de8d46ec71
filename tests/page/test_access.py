"""Everybody can use the page: by keyboard, by screen reader, on a phone, on paper, in the dark."""

import base64
import json
import re
from importlib.resources import files
from typing import Any, Final

import pytest

from tests.page.browser import Browser, Tab
from tests.page.pages import Page, figure

_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def test_the_keyboard_alone_chooses_and_the_address_keeps_it(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    tab.press("Tab", 9)
    assert tab.value("document.activeElement.className") == "skip"
    tab.press("Tab", 9)
    assert tab.value("document.activeElement.id") == "language"
    tab.press("Tab", 9)
    assert tab.value("document.activeElement.id") == "building"
    everywhere = figure(tab, "rooms")
    tab.press("ArrowDown", 40)
    assert tab.value("decodeURIComponent(location.hash)") == "#building=East"
    assert figure(tab, "rooms") != everywhere
    assert "Showing East" in tab.value("document.getElementById('announcement').textContent")
    kept = browser.open(worked.path, "#building=East")
    assert figure(kept, "rooms") == figure(tab, "rooms")
    kept.value("document.querySelector('form.filters button[type=reset]').click()")
    assert kept.value("new Promise((done) => setTimeout(() => done(location.hash)))") == ""
    assert figure(kept, "rooms") == everywhere


def test_the_keyboard_reaches_every_control_and_leaves_each_again(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    tab.value("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
    tab.value("new Promise((done) => setTimeout(done))")
    controls = tab.value(
        """(() => {
          const kinds = "a[href], button, input, select, summary, [tabindex='0']";
          const found = [...document.querySelectorAll(kinds)]
            .filter((each) => each.checkVisibility());
          found.forEach((each, place) => { each.dataset.place = place; });
          return found.length;
        })()"""
    )
    assert controls > 25
    reached = []
    for _ in range(controls):
        tab.press("Tab", 9)
        reached.append(tab.value("Number(document.activeElement.dataset.place)"))
        assert tab.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == list(range(controls))


def test_every_picture_has_a_heading_words_and_its_figures_in_a_table(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    found: list[dict[str, Any]] = tab.value(
        """[...document.querySelectorAll("main section[id]")].map((section) => ({
          id: section.id,
          heading: section.querySelector("h2")?.textContent ?? "",
          words: section.querySelector(".summary").textContent,
          named: (section.querySelector("[role=img]")?.getAttribute("aria-labelledby") ?? "")
            .split(" ").filter(Boolean).every((id) => document.getElementById(id)),
          hasTable: Boolean(section.querySelector("table")) ||
            !section.querySelector("details").hidden,
        }))"""
    )
    assert len(found) == 12
    assert all(each["heading"] and each["words"] and each["named"] for each in found), found
    assert all(each["hasTable"] for each in found), found


def test_the_page_fits_a_phone_with_its_filters_folded(worked: Page, browser: Browser) -> None:
    tab = browser.open(worked.path)
    assert tab.value("document.querySelector('.filters details').open") is True
    show_on(tab, 390)
    assert tab.value("document.documentElement.scrollWidth") == 390
    assert tab.value("document.querySelector('.filters').offsetHeight") < 70
    assert "everything" in tab.value("document.querySelector('.filters summary').textContent")
    cut: list[str] = tab.value(
        """[...document.querySelectorAll("main table")].filter((table) =>
          table.getBoundingClientRect().right > 390 && !table.closest(".scrolling"))
          .map((table) => table.caption.textContent)"""
    )
    assert cut == []


def test_the_page_prints_on_few_full_sheets_of_a4_with_its_charts(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    printed = tab.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    content = base64.b64decode(printed["data"])
    assert re.findall(rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)", content)[0] == (b"594", b"841")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 3
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.value(
        """[...document.querySelectorAll(".filters, .skip, .save, .language")].every(
          (each) => getComputedStyle(each).display === "none")"""
    )
    assert tab.value("document.querySelectorAll('.picture svg').length") == 7


def show_on(tab: Tab, width: int) -> None:
    """Show the page in a window of that width, as a phone if it is narrow."""
    tab.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=844,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    tab.value("new Promise((done) => setTimeout(done, 50))")


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_wcag_2_2_aa(
    scheme: str, width: int, worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path, "#building=HQ")
    show_on(tab, width)
    prefer(tab, scheme)
    tab.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    tab.value(files("axe_playwright_python").joinpath("axe.min.js").read_text() + "; 0")
    found = tab.value(
        f"""axe.run({{ runOnly: {json.dumps(_RULES)} }}).then(({{ violations, passes }}) => ({{
          passed: passes.length,
          violations: violations.map(({{ id, nodes }}) => [id, nodes.map((node) => node.html)]),
        }}))"""
    )
    assert found["passed"] > 25
    assert found["violations"] == []


@pytest.mark.parametrize("language", ["de", "fr", "es", "da"])
def test_the_page_is_said_in_the_language_that_is_asked_for(
    language: str, worked: Page, browser: Browser
) -> None:
    words = worked.data["words"]
    tab = browser.open(worked.path, f"?lang={language}")
    assert tab.value("document.documentElement.lang") == language
    assert tab.complaints() == []
    tab.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    text = tab.value("new Promise((done) => setTimeout(() => done(document.body.innerText)))")
    assert words[language]["time.title"] in text
    assert words[language]["rooms.busiest"] in text
    left = [
        english
        for key, english in words["en"].items()
        if isinstance(english, str)
        and len(english) > 12
        and words[language][key] != english
        and english in text
    ]
    assert left == []
    assert "{" not in text


def test_the_language_is_the_browsers_unless_another_is_chosen(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path, "#building=HQ")
    assert tab.value("document.documentElement.lang") == "en"
    tab.value(
        """(() => {
          const select = document.getElementById("language");
          select.value = "da";
          select.dispatchEvent(new Event("change", { bubbles: true }));
        })()"""
    )
    assert tab.value("document.documentElement.lang") == "da"
    assert tab.value("document.title") == "Mødelokaler, region EU"
    assert tab.value("document.getElementById('building').selectedOptions[0].text") == "HQ"
    assert tab.value("document.querySelector('#facts dd').textContent") == "1. nov. 2026"
    assert tab.value("location.search") == "?lang=da"
    assert tab.complaints() == []


def prefer(tab: Tab, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.call("Emulation.setEmulatedMedia", features=features)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground_as_wcag_aa_asks(
    scheme: str, worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    prefer(tab, scheme)
    found = tab.value(CONTRASTS)
    assert len(found) > 300
    assert [each for each in found if each[0] < 4.5] == []


CONTRASTS = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => value / 255).map((value) =>
      value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(each);
      const bar = backgroundImage.match(/rgba?\\([^)]*\\)/);
      if (bar) return bar[0];
      if (channels(backgroundColor)[3] > 0) return backgroundColor;
    }
    return "white";
  };
  const isSeen = (element) =>
    element.checkVisibility() && !element.closest(".unseen, .key, script");
  return [...document.body.querySelectorAll("*")]
    .filter((element) => isSeen(element) &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .map((element) => {
      const style = getComputedStyle(element);
      const [one, other] = [light(element.tagName === "text" ? style.fill : style.color),
        light(ground(element))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return [Math.round(ratio * 100) / 100, element.textContent.slice(0, 40)];
    });
})()"""
