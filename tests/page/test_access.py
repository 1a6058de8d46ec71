"""The page can be used by everybody: by keyboard, in words, on a phone, on paper, in the dark."""

from typing import Any

import pytest

from tests.page.browser import Browser
from tests.page.pages import Page, figure


def test_the_keyboard_alone_chooses_and_the_address_keeps_it(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    tab.press("Tab", 9)
    assert tab.value("document.activeElement.className") == "skip"
    tab.press("Tab", 9)
    assert tab.value("document.activeElement.id") == "building"
    everywhere = figure(tab, "bookings")
    tab.press("ArrowDown", 40)
    assert tab.value("decodeURIComponent(location.hash)") == "#building=East"
    assert figure(tab, "bookings") != everywhere
    assert "Showing East" in tab.value("document.getElementById('announcement').textContent")
    kept = browser.open(worked.path, "#building=East")
    assert figure(kept, "bookings") == figure(tab, "bookings")
    kept.value("document.querySelector('form.filters button').click()")
    assert kept.value("new Promise((done) => setTimeout(() => done(location.hash)))") == ""
    assert figure(kept, "bookings") == everywhere


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
    assert len(found) == 9
    assert all(each["heading"] and each["words"] and each["named"] for each in found), found
    assert all(each["hasTable"] for each in found), found


def test_the_page_fits_a_phone_and_keeps_its_charts_on_paper(
    worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    tab.call(
        "Emulation.setDeviceMetricsOverride",
        width=390,
        height=844,
        deviceScaleFactor=1,
        mobile=True,
    )
    assert tab.value("document.documentElement.scrollWidth") == 390
    tab.call("Emulation.setEmulatedMedia", media="print")
    hidden = tab.value(
        """[...document.querySelectorAll(".filters, .skip")].every(
          (each) => getComputedStyle(each).display === "none")"""
    )
    assert hidden
    assert tab.value("document.querySelectorAll('.picture svg').length") == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground_as_wcag_aa_asks(
    scheme: str, worked: Page, browser: Browser
) -> None:
    tab = browser.open(worked.path)
    tab.call(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
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
      const bar = each.querySelector(":scope > .bar");
      if (bar) return getComputedStyle(bar, "::after").backgroundColor;
      const { backgroundColor } = getComputedStyle(each);
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
