"""The folder of a company with a valid configuration."""

from pathlib import Path

import pytest

from tests.settings.company import Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)
