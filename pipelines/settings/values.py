"""Single values of the configuration, and the messages about wrong ones (``texts.yaml``).

A problem is one line, with the remedy after a semicolon, and all are reported at once. A value
that could be a secret or somebody's address is never shown.
"""

import os
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, time
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from transforms.local_time import DEFAULT_OPEN_HOURS, parse_open_hours, zone_names
from transforms.raw import bare_address
from warehouse.storage.base import Location, ObjectUrl

_TEXTS: Final[Mapping[str, str]] = yaml.safe_load(
    files("pipelines.settings").joinpath("texts.yaml").read_text(encoding="utf-8")
)
_SHELL: Final = re.compile(r"~|.*\$[A-Za-z_{]", re.DOTALL)
_SECRET: Final = re.compile(r"pass|secret|token|credential|api_?key", re.IGNORECASE)
_EMPTY: Final = "is empty; fill it in, or remove it"
_LISTED: Final = 40  # a region may have thousands of rooms
TAG: Final = "kind: "
"""Begins the tag of a union's member, which is in pydantic's locations but not in the YAML."""

Found = TypeVar("Found")
Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """A configuration that cannot be used; ``problems`` has one line for each thing to fix."""

    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Problems(list[str]):
    """The problems found so far, each a line that names file, key and remedy."""

    def add(self, where: str, text: str) -> None:
        """Note one problem; it becomes one printable line, whatever its parts hold."""
        line = " ".join(f"{where}: {text}".split())
        self.append("".join(char if char.isprintable() else "?" for char in line))

    def or_else(self, found: Found | None) -> Found:
        """Return ``found`` if there is no problem; else, or if it is None, raise SettingsError."""
        if self or found is None:
            raise SettingsError(self)
        return found


class Keys(BaseModel):
    """A section of the configuration: exact types, no unknown keys, no values in errors.

    A key without a value counts as left out, or is refused in a section that ``needs_values``: one
    that would then concern more than was meant. A field with ``exclude=True`` is not a key of the
    YAML: ``load_settings`` fills it in.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)
    needs_values: ClassVar[bool] = False

    @classmethod
    def known(cls) -> list[str]:
        """Return the keys that the section may have, as they are named in the YAML."""
        fields = cls.model_fields.items()
        return [field.alias or name for name, field in fields if not field.exclude]

    @classmethod
    def _together(cls, _values: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        """Yield the key and text of each problem between several keys."""
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_problems_at_once(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, cls):
            return value
        values, known, errors = section(value), cls.known(), list[Any]()
        filled = {key: own for key, own in values.items() if own is not None and key in known}
        try:
            model = handler(filled)
        except ValidationError as error:
            errors += error.errors(include_url=False, include_input=False)
        said = [(key_shown(key), _unknown(str(key), known)) for key in values if key not in known]
        if cls.needs_values:
            missing = {error["loc"][0] for error in errors}
            empty = [key for key in known if key in values and values[key] is None]
            said += [(key, _EMPTY) for key in empty if key not in missing]
        for key, text in [*said, *cls._together(filled)]:
            loc = (key,) if key else ()
            errors.append({"type": "value_error", "loc": loc, "ctx": {"error": text}})
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return model


def section(value: object, if_empty: str = "is missing or empty; add it") -> dict[str, Any]:
    """Return the keys and values of a section; raise ValueError if it is empty or not a mapping."""
    if value is None or value == {}:
        raise ValueError(if_empty)
    if isinstance(value, dict):
        return value
    raise ValueError("must be keys and values, indented")


def validated(
    model: type[Model], values: object, prefix: str, problems: Problems, folder: Path = Path()
) -> Model | None:
    """Return the model of the values; or note every problem, and return None.

    ``prefix`` and the key say where a problem is. Relative paths are resolved against ``folder``.
    """
    try:
        return model.model_validate(values, context={"folder": folder})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            if detail["type"] == "default_factory_not_called":
                continue  # the error of the key that it needs is in this list too
            parts = [key_shown(part) for part in detail["loc"] if not str(part).startswith(TAG)]
            text = _TEXTS.get(detail["type"], "cannot be understood; see docs/configuration.md")
            if parts and parts[-1] == "[key]":  # a problem of a key itself, if keys are free names
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


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", cutoff: float = 0.6) -> str:
    """Return the nearest known word as a remedy; else ``otherwise``, or all the known words.

    With a ``cutoff`` of 1 that is a word that differs in capitals alone.
    """
    words = sorted(word for word in known if "@" not in word)
    folded = {word.casefold(): word for word in words}
    if near := get_close_matches(word.casefold(), folded, n=1, cutoff=cutoff):
        return f"did you mean {folded[near[0]]}?"
    if len(words) > _LISTED:
        words[_LISTED:] = ["…"]
    return otherwise or f"known: {', '.join(words) or 'none'}"


def _unknown(key: str, known: Iterable[str]) -> str:
    """Return the message for an unknown key; one that seems to hold a secret gets its own."""
    folded = key.lower()
    if not _SECRET.search(key) or "env" in folded:
        return f"unknown key; {did_you_mean(key, known)}"
    variable = "password_env" if "pass" in folded else "client_secret_env"
    variable = "certificate_password_env" if "cert" in folded else variable
    text = "a secret is never written here; set an environment variable to it, and name that"
    return f"{text} variable in {variable}"


def must(
    text: str,
    is_right: Callable[[Any], object] | str,
    validator: type[AfterValidator | BeforeValidator] = AfterValidator,
) -> AfterValidator | BeforeValidator:
    """Return a validator that refuses a value with one of the texts above unless it ``is_right``.

    That is a regular expression, or a function. The validator runs after the check of the type,
    or before that if it is a ``BeforeValidator``.
    """

    def check(value: object) -> object:
        found = re.fullmatch(is_right, str(value)) if isinstance(is_right, str) else is_right(value)
        if not found:
            raise ValueError(_TEXTS[text])
        return value

    return validator(check)


def one_of(
    words: Callable[[], Iterable[str]], noun: str, otherwise: str = "", cutoff: float = 0.6
) -> BeforeValidator:
    """Return a validator that refuses a text not among the words, and names the nearest word."""

    def check(value: object) -> object:
        if isinstance(value, str) and value not in words():
            near = did_you_mean(value, words(), otherwise, cutoff)
            raise ValueError(f"{shown(value)} is no {noun}; {near}")
        return value

    return BeforeValidator(check)


def after(key: str, text: str, *, or_equal: bool = False) -> AfterValidator:
    """Return a validator that refuses a date before that of ``key``, with ``text``."""

    def check(value: date, info: ValidationInfo) -> date:
        earlier = info.data.get(key)
        if earlier and (value < earlier or (value == earlier and not or_equal)):
            raise ValueError(text)
        return value

    return AfterValidator(check)


def is_path(value: object) -> bool:
    """Tell whether a value of the YAML can be a path."""
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def is_webhook_url(value: str) -> bool:
    """Tell whether a URL can be used: https, a host, no account, nothing unprintable."""
    try:
        return bool(_https_url(value))
    except ValueError:
        return False


def _https_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_url = bool(parts.hostname) and parts.port != 0 and value.isprintable()
    except ValueError:
        is_url = False
    if not value.startswith("https://"):
        raise ValueError("must begin with https://; Exchange is never read unencrypted")
    if not is_url or " " in value:
        raise ValueError("is no address; write it like https://mail.contoso.example/...")
    if "@" in parts.netloc:
        raise ValueError("holds an account; name it in username and password_env instead")
    return value


def _path(value: object, info: ValidationInfo) -> Path:
    if not is_path(value):
        raise ValueError(_TEXTS["path"])
    if _SHELL.match(str(value)):
        raise ValueError(_TEXTS["shell"])
    folder: Path = (info.context or {}).get("folder", Path())
    return Path(os.path.realpath(folder / str(value)))  # Path.resolve fails at a loop of symlinks


def _place(value: object, info: ValidationInfo) -> Location:
    is_url = isinstance(value, str) and "://" in value
    return ObjectUrl.parse(str(value)) if is_url else _path(value, info)


def _holds_certificates(file: Path) -> bool:
    with suppress(OSError):  # errors of ssl are too
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        return True
    return False


def _date(value: object) -> object:
    with suppress(ValueError):  # what stays a text is refused by the check of the type
        return date.fromisoformat(value.strip()) if isinstance(value, str) else value
    return value


Date: TypeAlias = Annotated[date, BeforeValidator(_date)]
ZoneName: TypeAlias = Annotated[
    str, one_of(zone_names, "IANA time zone", "write one such as Europe/Copenhagen", cutoff=0.63)
]
OpenHours: TypeAlias = Annotated[
    str,
    BeforeValidator(lambda value: value if str(value).strip() else DEFAULT_OPEN_HOURS),
    must("hours", "[^@]*"),
    must("hours", parse_open_hours),  # which says what is wrong
]
Identifier: TypeAlias = Annotated[
    str,
    must("blank", str.strip),
    must("an @", "[^@]*"),
    must("invisible", str.isprintable),
    must("space", "[^ ](.*[^ ])?"),
]
Label: TypeAlias = Annotated[
    str,
    must("one line", "[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"),
    must("no address", re.compile(r"(?!.*[^@\s]@[^@\s])", re.DOTALL).match),
]
Mailbox: TypeAlias = Annotated[
    str,
    AfterValidator(bare_address),  # as address books and PowerShell write it: SMTP:, a name, quotes
    must("mailbox", r"[^@\s]+@[^@\s]+"),
    must("mailbox", str.isprintable),
]
TimeOfDay: TypeAlias = Annotated[
    time,
    BeforeValidator(lambda text: time(*map(int, text.split(":")))),
    must("time", "([01]?[0-9]|2[0-3]):[0-5][0-9]", BeforeValidator),  # runs first
]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Domain: TypeAlias = Annotated[
    str, AfterValidator(lambda text: text.strip().casefold()), must("domain", r"[\w-]+(\.[\w-]+)*")
]
VariableName: TypeAlias = Annotated[str, must("variable", "[A-Z_][A-Z0-9_]*")]
HttpsUrl: TypeAlias = Annotated[str, AfterValidator(_https_url)]
HostUrl: TypeAlias = Annotated[
    HttpsUrl, must("no path", lambda url: not urlsplit(url).path.strip("/"))
]
Place: TypeAlias = Annotated[Location, BeforeValidator(_place)]
ExistingFile: TypeAlias = Annotated[
    Path,
    BeforeValidator(_path),
    must("file", os.path.isfile),  # raises nothing, whatever the name or folder
    must("unreadable", lambda file: os.access(file, os.R_OK)),
]
Certificates: TypeAlias = Annotated[ExistingFile, must("certificates", _holds_certificates)]
