"""What is wrong with the configuration: one line each, all of them at once.

Belongs here: the list of problems, and the plain words for what pydantic finds.
Does not belong here: what is right (``settings/keys.py``, ``rooms.py``).

No value is shown that could be a secret or somebody's address: keys, line numbers and remedies
are enough to mend a file.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_TEXTS: Final[Mapping[str, str]] = {
    "missing": "is missing; add it",
    "int_type": "must be a whole number",
    "string_type": "must be text; put it in quotes",
    "string_too_short": "is empty; fill it in",
    "too_short": "is empty; fill it in",
    "bool_type": "must be true or false",
    "date_type": "must be a date such as 2026-12-24",
    "list_type": "must be a list, such as [contoso.example]",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}

_SECRET: Final = re.compile(r"pass|secret|token|credential|api_?key", re.IGNORECASE)

Found = TypeVar("Found")
Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """A configuration that cannot be used; ``problems`` holds one line for each thing to mend."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Problems:
    """The problems found so far, each a line that names file, key and remedy."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, where: str, text: str) -> None:
        """Note one problem; whatever its parts hold, it stays one printable line."""
        line = " ".join(f"{where}: {text}".split())
        self._lines.append("".join(char if char.isprintable() else "?" for char in line))

    def or_else(self, found: Found | None) -> Found:
        """Return what was found, if it was found whole.

        Raises:
            SettingsError: with all problems, if any was noted.
        """
        if self._lines or found is None:
            raise SettingsError(self._lines)
        return found


def shown(value: object) -> str:
    """Return a value for a message: quoted, short, and hidden if it could be an address."""
    text = str(value)
    if "@" in text:
        return "a value with an @ (not shown)"
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def key_shown(key: object) -> str:
    """Return a key for a message: as it is written, but hidden if it could be an address."""
    return "(a key with an @)" if "@" in str(key) else str(key)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the nearest known word as a remedy; else ``otherwise``, or all the known words."""
    words = sorted(word for word in known if "@" not in word)
    folded = {word.casefold(): word for word in words}
    near = get_close_matches(word.casefold(), folded, n=1)
    if near:
        return f"did you mean {folded[near[0]]}?"
    return otherwise or f"known: {', '.join(words) or 'none'}"


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return what to say of a key that nothing knows; a literal secret is told apart."""
    if _SECRET.search(key) and "env" not in key.lower():
        return (
            "a secret is never written here; set an environment variable to it, and name that "
            f"variable in {_variable_key(key.lower())}"
        )
    return f"unknown key; {did_you_mean(key, known)}"


def _variable_key(key: str) -> str:
    if "cert" in key:
        return "certificate_password_env"
    return "password_env" if "pass" in key else "client_secret_env"


def mapping(value: object, where: str, problems: Problems) -> dict[str, object]:
    """Return a mapping of the YAML, its keys as text; empty, with a problem, if it is none."""
    if isinstance(value, dict) and value:
        return {str(key): inner for key, inner in value.items()}
    is_empty = value is None or value == {}
    remedy = "is missing or empty; add it" if is_empty else "must be keys and values, indented"
    problems.add(where, remedy)
    return {}


def validated(
    model: type[Model],
    values: Mapping[str, object],
    prefix: str,
    problems: Problems,
    folder: Path = Path(),
) -> Model | None:
    """Return the model of the values; or None, with every problem noted.

    An empty value of a known key counts as left out.
    ``prefix`` and the key say where a problem is. Relative paths are resolved against ``folder``.
    """
    known = _known_keys(model)
    filled = {key: value for key, value in values.items() if value is not None or key not in known}
    try:
        return model.model_validate(filled, context={"folder": folder})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            key = ".".join(key_shown(part) for part in detail["loc"])
            problems.add(f"{prefix}{key}", _plain(detail, model))
    return None


def _known_keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _plain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] in ("extra_forbidden", "invalid_key"):
        return unknown_key(str(detail["loc"][-1]), _known_keys(model))
    template = _TEXTS.get(detail["type"], "cannot be understood; see the README")
    return template.format(**detail.get("ctx", {}))
