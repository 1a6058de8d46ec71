"""The small company of the nights."""

from tests.night.conftest import company

__all__ = ["company"]
