"""Single values of the configuration: types that refuse what cannot be.

Belongs here: what one value may be, wherever it stands.
Does not belong here: which key has it, what goes together (``model.py``).

A text of a refusal is short, with the remedy after a semicolon; it never holds a value that could
be a secret or an address.
"""

import re
import ssl
from collections.abc import Callable, Iterable
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeGuard
from unicodedata import category
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from pipelines.settings.problems import did_you_mean, shown
from transforms import local_time
from transforms.contract import ROOM_TYPES, RoomType
from transforms.local_time import DEFAULT_OPEN_HOURS, zone_names
from transforms.raw import bare_address
from warehouse.storage import Location, ObjectUrl

_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_COUNT: Final = re.compile(r"[1-9]\d{0,5}", re.ASCII)


def checked(is_right: Callable[[Any], object], text: str) -> Callable[[Any], Any]:
    """Return a validator that lets a value pass, or refuses it with a text."""

    def check(value: object) -> object:
        if not is_right(value):
            raise ValueError(text)
        return value

    return check


def must(is_right: Callable[[Any], object], text: str) -> AfterValidator:
    """Refuse a value of the right type that is not right, with a text."""
    return AfterValidator(checked(is_right, text))


def _one_of(words: Callable[[], Iterable[str]], noun: str, otherwise: str = "") -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and value not in words():
            near = did_you_mean(value, words(), otherwise)
            raise ValueError(f"{shown(value)} is no {noun}; {near}")
        return value

    return BeforeValidator(check)


def _open_hours(value: str) -> str:
    if "@" in value:
        raise ValueError(f"these are no opening hours; write them like {DEFAULT_OPEN_HOURS}")
    local_time.parse_open_hours(value)
    return value


def _domain(value: str) -> str:
    folded = value.strip().casefold()
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", folded):
        raise ValueError("this is no domain; write it like contoso.example, without an @ or a *")
    return folded


def _time_of_day(value: object) -> time:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day in quotes, such as "02:30"')
    return time(int(match[1]), int(match[2]))


def _date(value: object) -> object:
    try:
        return date.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be a date such as 2026-12-24") from None


def _path(value: object, info: ValidationInfo) -> Path:
    if not is_path(value):
        raise ValueError("must be a path, relative to this file")
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / str(value)).resolve()


def _location(value: object, info: ValidationInfo) -> Location:
    return ObjectUrl.parse(value) if is_url(value) else _path(value, info)


def is_url(value: object) -> TypeGuard[str]:
    """Tell whether a value of the YAML is an address and not a path."""
    return isinstance(value, str) and "://" in value


def is_path(value: object) -> bool:
    """Tell whether a value of the YAML can be a path."""
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _holds_certificates(value: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
    except (OSError, ssl.SSLError):
        return False
    return True


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


def is_webhook_url(value: str) -> bool:
    """Tell whether an address can be used: https, a host, no account, nothing unprintable."""
    try:
        return bool(_https_url(value))
    except ValueError:
        return False


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
    if any(category(char) in ("Cc", "Zl", "Zp") for char in value):
        raise ValueError("holds a line break or control character; remove it")
    if re.search(r"[^@\s]@[^@\s]", value):
        raise ValueError("holds an address, which would reach the lake; write a name")
    return value


def _mailbox(value: str) -> str:
    address = bare_address(value)  # as address books and PowerShell write it: SMTP:, a name, quotes
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or not address.isprintable():
        raise ValueError("is no mailbox address (value not shown); write it like name@domain")
    return address


def _subdivision(value: str, info: ValidationInfo) -> str:
    country = info.data.get("country", value)
    if country is None:
        raise ValueError("needs a country; fill in country, or leave both empty")
    if "country" in info.data and not local_time.is_subdivision(country, value):
        near = did_you_mean(value, local_time.subdivisions(country))
        text = f"{country} has no holidays of {shown(value)} alone"
        raise ValueError(f"{text}; leave it empty ({near})")
    return value


def _capacity(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _COUNT.fullmatch(value):
        raise ValueError("must be a whole number from 1 on; leave it empty where unknown")
    return int(value)


def _equipment(value: str) -> str:
    words = sorted({word.strip() for word in value.split(";")} - {""})
    if wrong := next(
        (word for word in words if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", word)), ""
    ):
        text = f"{shown(wrong)} is no word such as video or step_free"
        raise ValueError(f"{text}; write small letters, and a semicolon between words")
    return ";".join(words)


def after(key: str, text: str, *, or_equal: bool = False) -> AfterValidator:
    """Refuse a date that is before that of a key above, with a text."""

    def check(value: date, info: ValidationInfo) -> date:
        earlier = info.data.get(key)
        if earlier and (value < earlier or (value == earlier and not or_equal)):
            raise ValueError(text)
        return value

    return AfterValidator(check)


ZoneName: TypeAlias = Annotated[
    str, _one_of(zone_names, "IANA time zone", "write one such as Europe/Copenhagen")
]
OpenHours: TypeAlias = Annotated[str, AfterValidator(_open_hours)]
Domain: TypeAlias = Annotated[str, AfterValidator(_domain)]
Date: TypeAlias = Annotated[date, BeforeValidator(_date)]
AnyPath: TypeAlias = Annotated[Path, BeforeValidator(_path)]
Place: TypeAlias = Annotated[Path | ObjectUrl, BeforeValidator(_location)]
ExistingFile: TypeAlias = Annotated[
    AnyPath, must(Path.is_file, "this file does not exist; paths are relative to insights.yaml")
]
Certificates: TypeAlias = Annotated[
    ExistingFile,
    must(_holds_certificates, "holds no certificate in PEM format; export the CA as PEM"),
]
VariableName: TypeAlias = Annotated[
    str,
    must(
        re.compile(r"[A-Z_][A-Z0-9_]*").fullmatch,
        "must be the name of an environment variable, in capitals; never a secret",
    ),
]
HttpsUrl: TypeAlias = Annotated[str, AfterValidator(_https_url)]
HostUrl: TypeAlias = Annotated[
    HttpsUrl,
    must(
        lambda url: not urlsplit(url).path.strip("/"),
        "holds a path; name scheme and host alone, the rest is added",
    ),
]
TimeOfDay: TypeAlias = Annotated[time, BeforeValidator(_time_of_day)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Identifier: TypeAlias = Annotated[str, AfterValidator(identifier)]
Label: TypeAlias = Annotated[str, AfterValidator(_label)]
Mailbox: TypeAlias = Annotated[str, AfterValidator(_mailbox)]
Country: TypeAlias = Annotated[
    str, _one_of(local_time.countries, "country of ISO 3166", "write its two capital letters")
]
Subdivision: TypeAlias = Annotated[str, AfterValidator(_subdivision)]
Seats: TypeAlias = Annotated[int, BeforeValidator(_capacity)]
TypeOfRoom: TypeAlias = Annotated[RoomType, _one_of(lambda: ROOM_TYPES, "room type")]
Equipment: TypeAlias = Annotated[str, AfterValidator(_equipment)]
