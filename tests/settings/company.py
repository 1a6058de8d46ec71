"""A folder with a valid configuration; each test breaks one thing in it."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
import yaml

from pipelines.settings import Settings, SettingsError, load_settings
from transforms.contract import Region

EU: Final[frozenset[Region]] = frozenset({"EU"})

EWS: Final = {
    "kind": "ews",
    "endpoint": "https://mail.contoso.example/EWS/Exchange.asmx",
    "auth": "basic",
    "username": "svc-insights@contoso.example",
    "password_env": "INSIGHTS_TEST_PASSWORD",
}
OAUTH: Final = {
    "kind": "ews",
    "endpoint": "https://outlook.office365.com/EWS/Exchange.asmx",
    "auth": "oauth",
    "tenant_id": "11111111",
    "client_id": "22222222",
    "client_secret_env": "INSIGHTS_TEST_SECRET",
}
ROOMS: Final = (
    "room_id,address,name,site,building,country,time_zone,capacity\n"
    "{0}-1,{0}1@contoso.example,Aarhus,Copenhagen,HQ,DK,Europe/Copenhagen,8\n"
    "{0}-2,{0}2@contoso.example,Bergen,Munich,Annex,DE,Europe/Berlin,\n"
)


def region(name: str) -> dict[str, Any]:
    return {
        "time_zone": "Europe/Copenhagen",
        "nightly_at": "02:30",
        "lake": f"{name}/lake",
        "warehouse": f"{name}/warehouse",
        "rooms": f"rooms-{name}.csv",
        "exchanges": {"hq": dict(EWS)},
    }


@dataclass
class Company:
    """The values of ``insights.yaml`` and the texts of room CSVs, written to disk before a read."""

    folder: Path
    values: dict[str, Any] = field(
        default_factory=lambda: {"regions": {"EU": region("eu"), "NA": region("na")}}
    )
    files: dict[str, str | bytes] = field(
        default_factory=lambda: {
            "rooms-eu.csv": ROOMS.format("eu"),
            "rooms-na.csv": ROOMS.format("na"),
        }
    )

    @property
    def eu(self) -> dict[str, Any]:
        found: dict[str, Any] = self.values["regions"]["EU"]
        return found

    @property
    def hq(self) -> dict[str, Any]:
        found: dict[str, Any] = self.eu["exchanges"]["hq"]
        return found

    def load(self, regions: frozenset[Region] | None = None) -> Settings:
        self.files.setdefault("insights.yaml", yaml.safe_dump(deepcopy(self.values)))
        for name, text in self.files.items():
            content = text if isinstance(text, bytes) else text.encode()
            (self.folder / name).write_bytes(content)
        return load_settings(self.folder / "insights.yaml", regions)

    def problems(self, regions: frozenset[Region] | None = None) -> list[str]:
        """Return the problems of the configuration, without the folder's path."""
        with pytest.raises(SettingsError) as refusal:
            self.load(regions)
        lines = str(refusal.value).splitlines()
        assert lines == list(refusal.value.problems)
        return [line.replace(f"{self.folder}/", "") for line in lines]


Break: TypeAlias = Callable[[Company], object]
"""Breaks one thing in the configuration."""


def in_eu(**changes: object) -> Break:
    return lambda company: company.eu.update(changes)


def assert_refused(company: Company, spoil: Break, key: str, reason: str) -> None:
    """Break one thing, and expect exactly one line that names file, key and remedy."""
    spoil(company)
    (line,) = company.problems()
    assert line.startswith(f"insights.yaml: {key}: ")
    assert reason in line
    assert "hunter2" not in line
    assert "pydantic" not in line


def rooms(*rows: Mapping[str, str]) -> str:
    """Return a room CSV of these rows, with every column that any row has."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [",".join(f'"{row.get(column, "")}"' for column in columns) for row in rows]
    return "\n".join([",".join(columns), *lines]) + "\n"


def room(number: int = 1, **changes: str) -> dict[str, str]:
    """Return a valid row of the room CSV, with some cells changed."""
    return {
        "room_id": f"eu-{number}",
        "address": f"eu{number}@contoso.example",
        "time_zone": "Europe/Copenhagen",
    } | changes
