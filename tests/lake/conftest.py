"""A lake of its own for every test."""

import pytest

from warehouse.lake import Lake
from warehouse.storage import Location


@pytest.fixture
def lake(place: Location) -> Lake:
    return Lake(place, "EU")
