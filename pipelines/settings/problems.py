"""What is wrong with the configuration: one line each, all of them at once.

Belongs here: the list of problems, plain words for what pydantic and YAML find, the base of models.
Does not belong here: what a key may hold (``model.py``).

No value is shown that could be a secret or somebody's address: keys, line numbers and remedies
are enough to mend a file.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails

from pipelines.texts import TextError, read_text

_TEXTS: Final[Mapping[str, str]] = {
    "missing": "is missing; add it",
    "int_type": "must be a whole number",
    "string_type": "must be text; put it in quotes",
    "string_too_short": "is empty; fill it in",
    "too_short": "is empty; fill it in",
    "bool_type": "must be true or false",
    "date_type": "must be a date such as 2026-12-24",
    "list_type": "must be a list, such as [contoso.example]",
    "frozen_set_type": "must be a list, such as [contoso.example]",
    "tuple_type": "must be a list of entries; begin each with a dash",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}
_SECRET: Final = re.compile(r"pass|secret|token|credential|api_?key", re.IGNORECASE)
_QUOTED: Final = re.compile(r"'[^']{3,}'")
TAG: Final = "kind: "
"""Begins the tag of a union's member, which stands in pydantic's places but not in the YAML."""

Found = TypeVar("Found")
Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """A configuration that cannot be used; ``problems`` holds one line for each thing to mend."""

    exit_code: ClassVar = 2

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
        """Return what was found, if it was found whole; else raise ``SettingsError``."""
        if self._lines or found is None:
            raise SettingsError(self._lines)
        return found


class Keys(BaseModel):
    """A section of the configuration: exact types, no unknown keys, no values in errors.

    A key without a value counts as left out. A field with ``exclude=True`` is no key of the YAML:
    whoever reads the file fills it in.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    @classmethod
    def _together(cls, _values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield key and text of what only several keys together have wrong."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _all_problems_at_once(
        cls, value: object, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if isinstance(value, cls):
            return value
        values, known = section(value), known_keys(cls)
        # In code every field can be given; in a file only keys.
        allowed = known if info.context else [*known, *cls.model_fields]
        unknown = [key for key in values if key not in allowed]
        wrong = [(key_shown(key), unknown_key(str(key), known)) for key in unknown]
        filled = {key: own for key, own in values.items() if own is not None and key not in unknown}
        details: list[InitErrorDetails] = []
        found: Self | None = None
        try:
            found = handler(filled)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                again = InitErrorDetails(type=each["type"], loc=each["loc"], input=None)
                details.append(again | {"ctx": each.get("ctx", {})})
        for key, text in [*wrong, *cls._together(filled)]:
            detail = InitErrorDetails(type="value_error", loc=(key,) if key else (), input=None)
            details.append(detail | {"ctx": {"error": ValueError(text)}})
        if details or found is None:
            raise ValidationError.from_exception_data(cls.__name__, details) from None
        return found


def section(value: object) -> dict[Any, Any]:
    """Return the keys and values of a section; raise ``ValueError`` if it is none, or empty."""
    if value is None or value == {}:
        raise ValueError("is missing or empty; add it")
    if isinstance(value, dict):
        return value
    raise ValueError("must be keys and values, indented")


def known_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys that a section may have, in the YAML's words."""
    fields = model.model_fields.items()
    return [field.alias or name for name, field in fields if not field.exclude]


def validated(
    model: type[Model], values: object, prefix: str, problems: Problems, folder: Path = Path()
) -> Model | None:
    """Return the model of the values; or None, with every problem noted.

    ``prefix`` and the key say where a problem is. Relative paths are resolved against ``folder``.
    """
    try:
        return model.model_validate(values, context={"folder": folder})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            if detail["type"] == "default_factory_not_called":
                continue  # what it needs is told already
            parts = [key_shown(part) for part in detail["loc"] if not str(part).startswith(TAG)]
            text = _TEXTS.get(detail["type"], "cannot be understood; see docs/configuration.md")
            if parts and parts[-1] == "[key]":  # of a key itself, where the section takes any
                parts, text = parts[:-2], f"a name {text}"
            problems.add(f"{prefix}{'.'.join(parts)}", text.format(**detail.get("ctx", {})))
    return None


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
    folded = key.lower()
    if not _SECRET.search(key) or "env" in folded:
        return f"unknown key; {did_you_mean(key, known)}"
    variable = "password_env" if "pass" in folded else "client_secret_env"
    return (
        "a secret is never written here; set an environment variable to it, and name that "
        f"variable in {'certificate_password_env' if 'cert' in folded else variable}"
    )


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key written twice, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = "the same key stands above"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"  # a key is text: NO is Norway, ON is Ontario
        return super().construct_mapping(node, deep)

    def construct_date(self, node: yaml.ScalarNode) -> object:
        """Keep a date that no calendar has as text: its key's own check says what is wrong."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_date)


def read_mapping(path: Path, problems: Problems) -> dict[str, Any]:
    """Return the YAML mapping of a file, its keys as text; empty, with a problem, if it is none."""
    where = str(path)
    try:
        text = read_text(path, "write one with 'insights init', or name another with --config")
        # The loader is SafeLoader's: it makes nothing but plain values.
        values = yaml.load(text, _Loader)  # noqa: S506
    except TextError as error:
        problems.add(f"{where}: line {error.line}" if error.line else where, str(error))
        return {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        # What stands in quotes may be a value of the file.
        reason = _QUOTED.sub("this", error.problem or "syntax")
        problems.add(f"{where}: {place}", f"is not valid YAML ({reason}); mend this place")
        return {}
    except (yaml.YAMLError, ValueError, RecursionError):
        problems.add(where, "is not valid YAML; remove unprintable characters and odd numbers")
        return {}
    try:
        return {str(key): value for key, value in section(values).items()}
    except ValueError as error:
        is_empty = values is None
        remedy = "is empty; remove it, and write one with 'insights init'"
        problems.add(where, remedy if is_empty else str(error))
        return {}
