"""The keys of ``insights.yaml`` and of the room CSV: what each one may hold.

Belongs here: the types of single values, and the models of the sections that are not an
exchange (``exchange.py``) or a room (``rooms.py``).
Does not belong here: what only several keys together can say (``regions.py``, ``loading.py``).

A validator's ValueError is one short text with the remedy after a semicolon; it never holds a
value that could be a secret or an address.
"""

import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from unicodedata import category
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from pipelines.settings.problems import did_you_mean, shown
from transforms.addresses import bare_address
from transforms.opening import DEFAULT_OPEN_HOURS, parse_open_hours
from transforms.zones import is_zone, zone_names

_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_DOMAIN: Final = re.compile(r"[\w-]+(\.[\w-]+)*")
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_CONTROLS: Final = ("Cc", "Zl", "Zp")
MOST_DAYS: Final = 1080
"""How many days back, or ahead, may be asked for: the lake keeps a file a day."""
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")


class Keys(BaseModel):
    """A section of the configuration: exact types, no unknown keys, no values in errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


def _zone_name(value: str) -> str:
    if not is_zone(value):
        remedy = did_you_mean(value, zone_names(), "write one such as Europe/Copenhagen")
        raise ValueError(f"{shown(value)} is no IANA time zone; {remedy}")
    return value


def _open_hours(value: str) -> str:
    if "@" in value:
        raise ValueError(f"these are no opening hours; write them like {DEFAULT_OPEN_HOURS}")
    parse_open_hours(value)
    return value


def _domain(value: str) -> str:
    folded = value.strip().casefold()
    if not _DOMAIN.fullmatch(folded):
        raise ValueError("this is no domain; write it like contoso.example, without an @ or a *")
    return folded


def _time_of_day(value: object) -> time:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day in quotes, such as "02:30"')
    return time(int(match[1]), int(match[2]))


def _date(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("must be a date such as 2026-12-24") from None


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("must be a path, relative to this file")
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / value).resolve()


def _existing_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("this file does not exist; paths are relative to insights.yaml")
    return value


def _variable_name(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError("must be the name of an environment variable, in capitals; never a secret")
    return value


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


def identifier(value: str) -> str:
    """Return a room_id or an exchange's name if it may become one.

    Raises:
        ValueError: if it is empty, holds an @ (it must not be an address) or a control
            character, or begins or ends with a space.
    """
    if not value.strip():
        raise ValueError("is empty; give a short id of your own")
    if "@" in value:
        raise ValueError("holds an @; give a short id of your own, never an address")
    if not value.isprintable():
        raise ValueError("holds a control or invisible character; remove it")
    if value != value.strip():
        raise ValueError("begins or ends with a space; remove it")
    return value


def _label(value: str) -> str:
    if any(category(char) in _CONTROLS for char in value):
        raise ValueError("holds a line break or control character; remove it")
    if _ADDRESS.search(value):
        raise ValueError("holds an address, which would reach the lake; write a name")
    return value


def _mailbox(value: str) -> str:
    value = bare_address(value)  # as address books and PowerShell write it: SMTP:, a name, quotes
    if not _ADDRESS.fullmatch(value) or not value.isprintable():
        raise ValueError("is no mailbox address (value not shown); write it like name@domain")
    return value


ZoneName: TypeAlias = Annotated[str, AfterValidator(_zone_name)]
OpenHours: TypeAlias = Annotated[str, AfterValidator(_open_hours)]
Domain: TypeAlias = Annotated[str, AfterValidator(_domain)]
TimeOfDay: TypeAlias = Annotated[time, BeforeValidator(_time_of_day)]
Date: TypeAlias = Annotated[date, BeforeValidator(_date)]
AnyPath: TypeAlias = Annotated[Path, BeforeValidator(_path)]
ExistingFile: TypeAlias = Annotated[AnyPath, AfterValidator(_existing_file)]
VariableName: TypeAlias = Annotated[str, AfterValidator(_variable_name)]
HttpsUrl: TypeAlias = Annotated[str, AfterValidator(_https_url)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Identifier: TypeAlias = Annotated[str, AfterValidator(identifier)]
Label: TypeAlias = Annotated[str, AfterValidator(_label)]
Mailbox: TypeAlias = Annotated[str, AfterValidator(_mailbox)]


class GlobalKeys(Keys):
    """The top level of ``insights.yaml``, its regions apart."""

    trailing_days: int = Field(14, ge=0, le=MOST_DAYS)
    ahead_days: int = Field(180, ge=0, le=MOST_DAYS)
    retention_months: int = Field(13, ge=1, le=1200)
    minimum_group: int = Field(5, ge=1)
    count_held_as_booked: bool = False
    keep_versions: int = Field(7, ge=1)
    export_parquet: bool = True
    pointer: Literal["symlink", "copy"] = "symlink"
    run_deadline_minutes: int = Field(300, ge=1, le=1440)


class RegionKeys(Keys):
    """A region of ``insights.yaml``, its closures and exchanges apart."""

    time_zone: ZoneName
    nightly_at: TimeOfDay = time(2, 30)
    lake: AnyPath
    warehouse: AnyPath
    rooms: AnyPath
    open_hours: OpenHours = DEFAULT_OPEN_HOURS
    accepted_domains: list[Domain] = Field(default_factory=list)
    headcount: bool = True
    minimum_group: int | None = Field(None, ge=1)


class ClosureKeys(Keys):
    """An entry of a region's ``closures``."""

    first_date: Date = Field(alias="from")
    last_date: Date = Field(alias="to")
    site: Text | None = None
    building: Text | None = None
    room_id: Text | None = None
