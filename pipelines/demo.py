"""What ``insights demo`` stands on: a sandbox Exchange a region, a configuration that reads them.

The night itself is everybody's: ``cli/demo.py`` runs it as an operator would.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from pipelines.sandbox.calendars import directory_rows, generated_tenant
from transforms.contract import Region

CONFIG_NAME: Final = "insights.yaml"
DEMO_REGIONS: Final = ("EU", "NA")
TRAILING_DAYS: Final = 14
_SANDBOX: Final = "sandbox"
_OVER_GRAPH: Final = frozenset({"NA"})
_TIME_ZONES: Final[Mapping[Region, str]] = {"EU": "Europe/Copenhagen", "NA": "America/New_York"}


def somebody_elses_file(directory: Path) -> Path | None:
    """Return a file that the demo would write over, if this is no folder of an earlier demo."""
    if (directory / _SANDBOX).is_dir():
        return None
    names = (CONFIG_NAME, *(_rooms_name(region) for region in DEMO_REGIONS))
    return next((directory / name for name in names if (directory / name).exists()), None)


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox Exchange that answers: where, and as whom."""

    region: Region
    served: Mapping[str, str] = field(repr=False)

    @property
    def is_graph(self) -> bool:
        """Whether the demo reads it over Graph; else over EWS."""
        return self.region in _OVER_GRAPH

    @property
    def url(self) -> str:
        """Return the endpoint that the demo reads."""
        return self.served["graph_url" if self.is_graph else "url"]

    @property
    def secret_env(self) -> str:
        """Return the environment variable that the demo's configuration names."""
        return f"INSIGHTS_{self.region}_{'CLIENT_SECRET' if self.is_graph else 'PASSWORD'}"

    @property
    def secret(self) -> str:
        """Return what that variable has to hold."""
        return self.served["client_secret" if self.is_graph else "password"]

    def exchange(self, directory: Path) -> dict[str, Any]:
        """Return the entry of ``exchanges`` that reads it, with paths relative to a directory."""
        own = (
            {
                "kind": "graph",
                "endpoint": self.url,
                "authority": self.url,
                "tenant_id": self.served["tenant_id"],
                "client_id": self.served["client_id"],
                "client_secret_env": self.secret_env,
            }
            if self.is_graph
            else {
                "kind": "ews",
                "endpoint": self.url,
                "auth": "basic",
                "username": self.served["username"],
                "password_env": self.secret_env,
            }
        )
        return own | {"ca_file": os.path.relpath(self.served["ca_file"], directory)}


@contextmanager
def running_sandboxes(
    directory: Path, rooms: int, latency_seconds: float = 0.0
) -> Iterator[tuple[RunningSandbox, ...]]:
    """Start one sandbox a region, each a process of its own as real servers would be."""
    own = directory / _SANDBOX
    options = ["--rooms", str(rooms), "--dir", str(own), "--latency", str(latency_seconds)]
    own.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(_running_sandbox(region, options)) for region in DEMO_REGIONS
        )


@contextmanager
def _running_sandbox(region: Region, options: Sequence[str]) -> Iterator[RunningSandbox]:
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "pipelines.sandbox", "--region", region, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ChildProcessError(0, "did not start; its message is above", "sandbox")
            yield RunningSandbox(region, json.loads(line))
        finally:
            process.terminate()


def write_configuration(
    directory: Path, sandboxes: tuple[RunningSandbox, ...], rooms: int, ahead_days: int = 180
) -> Path:
    """Write ``insights.yaml`` and a room directory a region; return the configuration's path.

    Sets the secrets' environment variables for this process, as an operator would.
    """
    for sandbox in sandboxes:
        _write_rooms(directory / _rooms_name(sandbox.region), sandbox.region, rooms)
        os.environ[sandbox.secret_env] = sandbox.secret
    config = directory / CONFIG_NAME
    settings: dict[str, Any] = {
        "trailing_days": TRAILING_DAYS,
        "ahead_days": ahead_days,
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
        "accepted_domains": [sandbox.served["username"].rpartition("@")[2]],
        "exchanges": {"cloud" if sandbox.is_graph else "sandbox": sandbox.exchange(directory)},
    }


def _rooms_name(region: Region) -> str:
    return f"rooms-{region.lower()}.csv"


def _write_rooms(path: Path, region: Region, rooms: int) -> None:
    rows = directory_rows(generated_tenant(region, rooms=rooms))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "exchange": ""} for row in rows)
