"""A room of the directory: its columns, what each may hold, and which of them go together.

Belongs here: what a room is.
Does not belong here: reading the CSV (``rooms_csv.py``), what a region says of all its rooms
(``regions.py``).
"""

import re
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from pipelines.settings.keys import (
    Date,
    Identifier,
    Keys,
    Label,
    Mailbox,
    OpenHours,
    ZoneName,
)
from pipelines.settings.problems import did_you_mean, shown
from transforms.contract import ROOM_TYPES, RoomType
from transforms.opening import countries, is_country, is_subdivision, subdivisions

_COUNT: Final = re.compile(r"[1-9]\d{0,5}", re.ASCII)


def _country(value: str) -> str:
    if not is_country(value):
        remedy = did_you_mean(value.upper(), countries(), "write its two capital letters")
        raise ValueError(f"{shown(value)} is no country of ISO 3166; {remedy}")
    return value


def _capacity(value: object) -> object:
    if isinstance(value, str):
        if not _COUNT.fullmatch(value):
            raise ValueError("must be a whole number from 1 on; leave it empty where unknown")
        return int(value)
    return value


def _room_type(value: str) -> str:
    if value not in ROOM_TYPES:
        raise ValueError(f"{shown(value)} is no room type; {did_you_mean(value, ROOM_TYPES)}")
    return value


class Room(Keys):
    """One room of the directory. ``open_hours`` is the region's where the CSV names none."""

    room_id: Identifier
    address: Mailbox = Field(repr=False)
    exchange: str
    name: Label | None = None
    site: Label | None = None
    building: Label | None = None
    floor: Label | None = None
    country: Annotated[str, AfterValidator(_country)] | None = None
    subdivision: str | None = None
    time_zone: ZoneName
    capacity: Annotated[int | None, BeforeValidator(_capacity)] = None
    room_type: Annotated[RoomType, BeforeValidator(_room_type)] = "other"
    open_hours: OpenHours
    opened_on: Date | None = None
    closed_on: Date | None = None

    @field_validator("subdivision")
    @classmethod
    def _is_of_the_country(cls, value: str, info: ValidationInfo) -> str:
        if "country" not in info.data:
            return value
        country = info.data["country"]
        if country is None:
            raise ValueError("needs a country; fill in country, or leave both empty")
        if not is_subdivision(country, value):
            text = f"{country} has no holidays of {shown(value)} alone"
            near = did_you_mean(value, subdivisions(country))
            raise ValueError(f"{text}; leave it empty ({near})")
        return value

    @field_validator("closed_on")
    @classmethod
    def _closes_after_it_opens(cls, value: date, info: ValidationInfo) -> date:
        opened_on = info.data.get("opened_on")
        if opened_on and value <= opened_on:
            raise ValueError("must be after opened_on; it is the first closed day")
        return value
