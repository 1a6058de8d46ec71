"""Fixtures of the marts: one call publishes a scenario."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.marts.scenario import Database, Scenario, publish_scenario
from tests.marts.worked import everything

Publish: TypeAlias = Callable[[Scenario], Database]


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Publish]:
    """Publish a scenario without Parquet and open its database; the test's end closes it."""
    opened: list[Database] = []

    def publish(scenario: Scenario) -> Database:
        opened.append(publish_scenario(tmp_path / str(len(opened)), scenario))
        return opened[-1]

    yield publish
    for database in opened:
        database.close()


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of ``everything()``, for tests that only read it."""
    database = publish_scenario(tmp_path_factory.mktemp("worked"), everything())
    yield database
    database.close()
