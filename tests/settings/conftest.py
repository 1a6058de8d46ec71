"""The folder of a company whose configuration is right."""

from pathlib import Path

import pytest

from tests.settings.company import Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)
