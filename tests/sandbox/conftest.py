"""Fixtures for the tests of the sandbox alone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from lxml import etree

Validate: TypeAlias = Callable[[etree._Element], None]


@pytest.fixture(scope="session")
def schema() -> etree.XMLSchema:
    """Microsoft's published EWS schema; the test is skipped where it is not at hand."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "ews"
    folder = Path(os.environ.get("EWS_SCHEMAS", beside))
    if not (folder / "messages.xsd").is_file():
        pytest.skip("no EWS schemas: set EWS_SCHEMAS to the folder that has messages.xsd")
    return etree.XMLSchema(etree.parse(folder / "messages.xsd"))


@pytest.fixture
def validate(schema: etree.XMLSchema) -> Validate:
    """Fail unless an element (the child of a SOAP body) is valid."""

    def check(element: etree._Element) -> None:
        copy = etree.fromstring(etree.tostring(element))
        assert schema.validate(copy), str(schema.error_log)

    return check
