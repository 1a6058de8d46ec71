"""Fixtures for the tests of the sandbox."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from lxml import etree

from pipelines.sandbox.model import Tenant
from pipelines.sandbox.server import SandboxExchange
from tests.conftest import StartExchange
from tests.needs import SCHEMAS, schema_folder
from tests.sandbox.rooms import HOUR, NINE, meeting, tenant

Validate: TypeAlias = Callable[[etree._Element], None]


@pytest.fixture(scope="session")
def schema() -> etree.XMLSchema:
    """Microsoft's published EWS schema; without it, the test is skipped."""
    folder = schema_folder()
    if folder is None:
        pytest.skip(SCHEMAS)
    return etree.XMLSchema(etree.parse(folder / "messages.xsd"))


@pytest.fixture
def validate(schema: etree.XMLSchema) -> Validate:
    """Fail unless an element (the child of a SOAP body) is valid."""

    def check(element: etree._Element) -> None:
        copy = etree.fromstring(etree.tostring(element))
        assert schema.validate(copy), str(schema.error_log)

    return check


@pytest.fixture
def held() -> Tenant:
    """A tenant whose room Aurora has four meetings in a row; faults are added to it."""
    return tenant(*(meeting(NINE + number * HOUR) for number in range(4)))


@pytest.fixture
def server(exchange: StartExchange, held: Tenant) -> SandboxExchange:
    """A server of the tenant ``held``."""
    return exchange(held)
