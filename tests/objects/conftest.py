"""The small company of ``tests/night``."""

from tests.night.conftest import company

__all__ = ["company"]
