"""Microsoft Graph, and its sign-in service, as the simulated Exchange speaks them."""

from collections.abc import Mapping
from typing import Any


class GraphError(Exception):
    """A refusal: HTTP ``status`` and Graph's ``code``."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def content(self) -> Mapping[str, Any]:
        """Return the body; clients must not rely on its words."""
        inner = {"date": "2026-01-01T00:00:00", "request-id": "sandbox"}
        message = f"The sandbox answers {self.code}."
        return {"error": {"code": self.code, "message": message, "innerError": inner}}


class SignInError(GraphError):
    """A refusal of the sign-in service: OAuth's words instead of Graph's."""

    def content(self) -> Mapping[str, Any]:
        """Return the body; ``error_codes`` would be Entra's numbers."""
        text = f"The sandbox answers {self.code}."
        return {"error": self.code, "error_description": text, "error_codes": []}
