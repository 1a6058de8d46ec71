"""What the demo stands on: a sandbox Exchange a region, and a configuration that reads them.

Belongs here: starting the sandboxes, writing the configuration and the room directories.
Does not belong here: the nightly run (``demo.py`` asks for it as anybody would), printing.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from pipelines.sandbox.calendars import directory_rows, generated_tenant
from transforms.contract import REGIONS, Region

CONFIG_NAME: Final = "insights.yaml"
_TIME_ZONES: Final[Mapping[Region, str]] = {"EU": "Europe/Copenhagen", "NA": "America/New_York"}


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox Exchange that answers: where, and as whom."""

    region: Region
    url: str
    username: str
    password: str = field(repr=False)
    ca_file: Path = field(repr=False)

    @property
    def password_env(self) -> str:
        """Return the environment variable that the demo's configuration names."""
        return f"INSIGHTS_{self.region}_PASSWORD"


@contextmanager
def running_sandboxes(directory: Path, rooms: int) -> Iterator[tuple[RunningSandbox, ...]]:
    """Start one sandbox a region, each a process of its own as real servers would be."""
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(_running_sandbox(region, directory, rooms)) for region in REGIONS
        )


@contextmanager
def _running_sandbox(region: Region, directory: Path, rooms: int) -> Iterator[RunningSandbox]:
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pipelines.sandbox", "--region", region]
    with subprocess.Popen(  # noqa: S603 - our own module
        [*command, "--rooms", str(rooms), "--dir", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ChildProcessError(0, "did not start; its message is above", "sandbox")
            ready = json.loads(line)
            yield RunningSandbox(
                region, ready["url"], ready["username"], ready["password"], Path(ready["ca_file"])
            )
        finally:
            process.terminate()


def write_configuration(
    directory: Path,
    sandboxes: tuple[RunningSandbox, ...],
    rooms: int,
    days: int,
    ahead: int | None = None,
) -> Path:
    """Write ``insights.yaml`` and a room directory a region; return the configuration's path.

    ``days`` are read back and, unless ``ahead`` says otherwise, as many ahead.

    Sets the passwords' environment variables for this process, as an operator would.
    """
    for sandbox in sandboxes:
        _write_rooms(directory / _rooms_name(sandbox.region), sandbox.region, rooms)
        os.environ[sandbox.password_env] = sandbox.password
    config = directory / CONFIG_NAME
    settings: dict[str, Any] = {
        "trailing_days": days,
        "ahead_days": days if ahead is None else ahead,
        "regions": {sandbox.region: _region(directory, sandbox) for sandbox in sandboxes},
    }
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return config


def _region(directory: Path, sandbox: RunningSandbox) -> dict[str, Any]:
    name = sandbox.region.lower()
    return {
        "time_zone": _TIME_ZONES[sandbox.region],
        "nightly_at": "02:30",
        "lake": f"{name}/lake",
        "warehouse": f"{name}/warehouse",
        "rooms": _rooms_name(sandbox.region),
        "accepted_domains": [sandbox.username.rpartition("@")[2]],
        "exchanges": {
            "sandbox": {
                "kind": "ews",
                "endpoint": sandbox.url,
                "auth": "basic",
                "username": sandbox.username,
                "password_env": sandbox.password_env,
                "ca_file": os.path.relpath(sandbox.ca_file, directory),
            }
        },
    }


def _rooms_name(region: Region) -> str:
    return f"rooms-{region.lower()}.csv"


def _write_rooms(path: Path, region: Region, rooms: int) -> None:
    rows = directory_rows(generated_tenant(region, rooms=rooms))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "exchange": ""} for row in rows)
