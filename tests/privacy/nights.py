"""The nights of the privacy proof: good ones, partial ones, failing ones, and one that is killed.

Belongs here: a workspace with one folder for everything that a night writes, and running nights
and other commands in it. The operator's files (the configuration, with the rooms' addresses) are
beside that folder, so they are not searched.
Does not belong here: the server's answers (``hostile.py``), searching (``search.py``).
"""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from pipelines.history import DAGSTER_YAML
from pipelines.sandbox.wire import CertificateAuthority
from tests.privacy.attack import ELSEWHERE, FOLDER, KILLED, LAYER, TEXT
from tests.privacy.hostile import HostileExchange
from tests.privacy.hostile_graph import GRAPH_MOODS, SIGN_IN, SIGN_IN_REFUSED
from tests.privacy.tokens import Tokens

ROOT: Final = Path(__file__).parents[2]
_LOGGING: Final = """\
python_logs:
  python_log_level: DEBUG
  managed_python_loggers: [root]
"""
_PASSWORD: Final = "INSIGHTS_EU_PASSWORD"
_PATIENCE_SECONDS: Final = 300


@dataclass
class Workspace:
    """A folder for every byte that a night may write, and the configuration to run one."""

    folder: Path
    server: HostileExchange
    stranger: HostileExchange
    authority: CertificateAuthority
    tokens: Tokens
    nights: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("home", "tmp", "dagster", "cwd"):
            (self.folder / name).mkdir(parents=True)
        self._config.parent.mkdir()
        self._password = self.tokens.new("the password")
        self._username = f"{self.tokens.new('the account')}@contoso.example"
        (self.folder / "dagster" / "dagster.yaml").write_text(DAGSTER_YAML + _LOGGING)
        today = datetime.now(UTC).date()
        self.days = (
            (today - timedelta(days=3)).isoformat(),
            (today - timedelta(days=1)).isoformat(),
        )

    def another(self, folder: Path) -> "Workspace":
        """Return another workspace that uses the same servers."""
        return Workspace(folder, self.server, self.stranger, self.authority, self.tokens)

    def configure(self, room_moods: Sequence[str], exchange_moods: Sequence[str] = ()) -> None:
        """Write a configuration whose rooms and exchanges are in these moods."""
        rooms = [(mood, "main") for mood in room_moods]
        exchanges = {"main": self._exchange(self.server.url())}
        if any(mood in GRAPH_MOODS for mood in room_moods):
            rooms = [(mood, "graph" if mood in GRAPH_MOODS else "main") for mood, _ in rooms]
            exchanges["graph"] = self._graph(SIGN_IN)
        for mood in exchange_moods:
            exchanges[mood] = self._exchange(self.server.url(mood))
            rooms.append((f"room-{mood}", mood))
        if exchange_moods:
            exchanges["stranger"] = self._exchange(self.stranger.url())
            rooms.append(("room-stranger", "stranger"))
            exchanges["signed-out"] = self._graph(SIGN_IN_REFUSED)
            rooms.append(("room-signed-out", "signed-out"))
        region = {
            "time_zone": "Europe/Copenhagen",
            "lake": str(self.folder / "lake"),
            "warehouse": str(self.folder / "warehouse"),
            "rooms": "rooms.csv",
            "accepted_domains": ["contoso.example"],
            "exchanges": exchanges,
        }
        self._config.write_text(yaml.safe_dump({"regions": {"EU": region}}))
        with self._config.with_name("rooms.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["room_id", "address", "exchange", "time_zone", "building", "capacity"])
            for room_id, exchange in rooms:
                domain = self.tokens.new("the address of a room").lower()
                address = f"{room_id.removeprefix('room-')}@{domain}.example"
                rows.writerow([room_id, address, exchange, "Europe/Copenhagen", "HQ", "8"])

    def run(self, layer: str, expected: int, *, is_dagster: bool = False) -> None:
        """Run a night in which a layer (or none) raises; record anything unexpected."""
        name = f"{layer or 'no layer'}, {'Dagster' if is_dagster else 'command'}"
        arguments = ["job", *self.days] if is_dagster else self._night()
        self.nights.append(name)
        with self._start(layer, arguments) as process:
            code = process.wait(_PATIENCE_SECONDS)
        self._note(name, layer, code == expected, f"exit {code} instead of {expected}")

    def command(self, expected: int, *arguments: str) -> None:
        """Run another command of ``insights``; record anything unexpected."""
        self.commands.append(arguments[0])
        with self._start("", [*arguments, "--config", str(self._config)]) as process:
            code = process.wait(_PATIENCE_SECONDS)
        self._note(arguments[0], "", code == expected, f"exit {code} instead of {expected}")

    def kill(self) -> None:
        """Start a night and kill it once its rows are staged; the staged files stay."""
        mark = self.folder / f"struck-{KILLED}"
        self.nights.append("killed, command")
        with self._start(KILLED, self._night()) as process:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not mark.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            process.kill()
        below = self.folder / "lake" / ".staging"
        is_staged = any(path.is_file() for path in below.rglob("*-*-*"))
        self._note("killed, command", KILLED, is_staged, "nothing was staged")

    @property
    def _config(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-configuration") / "insights.yaml"

    def _night(self) -> list[str]:
        first, last = self.days
        days = ["--from", first, "--to", last]
        return ["run", "--region", "EU", *days, "--config", str(self._config)]

    def _exchange(self, url: str) -> dict[str, Any]:
        return {
            "kind": "ews",
            "endpoint": url,
            "auth": "basic",
            "username": self._username,
            "password_env": _PASSWORD,
            "ca_file": str(self.authority.ca_file),
            "workers": 8,
            "room_deadline_seconds": 4,
        }

    def _graph(self, sign_in: str) -> dict[str, Any]:
        return {
            "kind": "graph",
            "endpoint": self.server.root,
            "authority": f"{self.server.root}/{sign_in}",
            "tenant_id": "contoso",
            "client_id": "insights",
            "client_secret_env": _PASSWORD,
            "ca_file": str(self.authority.ca_file),
            "room_deadline_seconds": 4,
        }

    def _start(self, layer: str, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
        script = "from tests.privacy.attack import main; main()"
        number = len(self.nights) + len(self.commands)
        output = (self.folder / f"output-{number}.txt").open("wb")
        with output:
            return subprocess.Popen(
                [sys.executable, "-c", script, *arguments],
                cwd=self.folder / "cwd",
                env=self._environment(layer),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _environment(self, layer: str) -> Mapping[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "INSIGHTS_CONFIG": str(self._config),
            "DAGSTER_HOME": str(self.folder / "dagster"),
            _PASSWORD: self._password,
            LAYER: layer,
            TEXT: self.tokens.new(f"raised by {layer}"),
            FOLDER: str(self.folder),
        }

    def _note(self, name: str, layer: str, is_as_expected: bool, surprise: str) -> None:
        if not is_as_expected:
            self.surprises.append(f"{name}: {surprise}")
        if layer and not (self.folder / f"struck-{layer}").exists():
            self.surprises.append(f"{name}: the layer was never reached")
        elsewhere = self.folder / ELSEWHERE
        if elsewhere.exists():
            paths = ", ".join(sorted(set(elsewhere.read_text().splitlines())))
            self.surprises.append(f"{name}: wrote what is not searched: {paths}")
            elsewhere.unlink()
