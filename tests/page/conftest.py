"""Fixtures of the page: pages of published scenarios, and one Chromium for all tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests import needs
from tests.marts.scenario import Scenario
from tests.marts.worked import everything
from tests.page.browser import CHROMIUM, Browser, running_browser
from tests.page.pages import Page, page_of

MakePage: TypeAlias = Callable[[Scenario], Page]


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of a scenario with a bit of everything; tests must not change it."""
    page = page_of(tmp_path_factory.mktemp("worked"), everything())
    yield page
    page.database.close()


@pytest.fixture
def make_page(tmp_path: Path) -> Iterator[MakePage]:
    """Publish a scenario and write its page; the test's end closes the database."""
    made: list[Page] = []

    def make(scenario: Scenario) -> Page:
        made.append(page_of(tmp_path / str(len(made)), scenario))
        return made[-1]

    yield make
    for page in made:
        page.database.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One headless Chromium; without one, the tests that need it are skipped with that reason."""
    if CHROMIUM is None:
        pytest.skip(needs.CHROMIUM)
    with running_browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running
