"""A real Superset imports the dashboard, and each chart shows the figures of the database.

``make superset-test`` installs Superset into ``.venv-superset`` and runs this. Belongs here: one
Superset in a temporary folder on loopback, queried over its API as a browser does.
Does not belong here: the dashboard (``warehouse/superset``), expected figures (``figures.py``).
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import requests

from tests.marts.scenario import publish_scenario
from tests.marts.worked import everything
from tests.superset.figures import FIGURES
from warehouse import connect
from warehouse.superset.__main__ import main as write_zip

_BIN: Final = Path(__file__).parents[2] / ".venv-superset/bin"
_CONFIG: Final = """\
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
CACHE_CONFIG = DATA_CACHE_CONFIG = {{"CACHE_TYPE": "NullCache"}}
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = CACHE_CONFIG
TALISMAN_ENABLED = False
"""
_START_SECONDS: Final = 180
_TEMPORAL: Final = 2  # Superset's type number of a date column
_ACCOUNT: Final = "admin"

Rows = list[tuple[str, ...]]


class Superset:
    """One Superset with all its files in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(12)
        config = folder / "superset_config.py"
        config.write_text(_CONFIG.format(key=secrets.token_urlsafe(42), folder=folder))
        self._environment = {
            **os.environ,
            "SUPERSET_CONFIG_PATH": str(config),
            "SUPERSET_HOME": str(folder),
            "FLASK_APP": "superset",
        }
        self._api = requests.Session()
        self._url = ""

    def run(self, *arguments: str) -> None:
        """Run one of Superset's commands; its output goes to a file beside its database."""
        with (self._folder / "superset.log").open("ab") as log:
            command = [str(_BIN / "superset"), *arguments]
            subprocess.run(command, env=self._environment, stdout=log, stderr=log, check=True)

    def set_up(self, archive: Path) -> None:
        """Create its database and its administrator, and import the dashboard."""
        self.run("db", "upgrade")
        names = ("--firstname", "A", "--lastname", "B", "--email", "admin@contoso.example")
        self.run(
            *("fab", "create-admin", "--username", _ACCOUNT, "--password", self._password), *names
        )
        self.run("init")
        self.run("import-dashboards", "--path", str(archive), "--username", _ACCOUNT)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve on loopback until the block ends, logged in."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        command = [str(_BIN / "superset"), "run", "--port", str(port)]
        with (self._folder / "server.log").open("wb") as log:
            server = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        try:
            self._log_in()
            yield
        finally:
            server.terminate()
            server.wait()

    def charts(self) -> dict[str, int]:
        """Return the charts by name, each with Superset's id."""
        found = self._get("/api/v1/chart/?q=(page_size:100)")["result"]
        return {chart["slice_name"]: chart["id"] for chart in found}

    def charts_on(self, dashboard: str) -> set[str]:
        """Return the names of the charts on a dashboard."""
        return {
            each["slice_name"]
            for each in self._get(f"/api/v1/dashboard/{dashboard}/charts")["result"]
        }

    def rows(self, chart_id: int) -> Rows:
        """Return the rows that a chart shows."""
        (result,) = self._get(f"/api/v1/chart/{chart_id}/data/?force=true")["result"]
        kinds = dict(zip(result["colnames"], result["coltypes"], strict=True))
        return comparable(
            [
                tuple(_day(row[name]) if kinds[name] == _TEMPORAL else row[name] for name in kinds)
                for row in result["data"]
            ]
        )

    def _log_in(self) -> None:
        account = {"username": _ACCOUNT, "password": self._password, "provider": "db"}
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                answer = self._api.post(
                    f"{self._url}/api/v1/security/login", json=account, timeout=60
                )
                break
            except requests.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(1)
        answer.raise_for_status()
        self._api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._api.get(self._url + path, timeout=120)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def comparable(rows: list[tuple[Any, ...]]) -> Rows:
    """Return rows as texts, sorted; figures are rounded to nine digits."""
    return sorted(tuple(_text(value) for value in row) for row in rows)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _day(milliseconds: float | None) -> date | None:
    """Return a day from Superset's milliseconds."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


def main() -> int:
    """Print a line for each chart; return 1 if one differs or is missing."""
    with TemporaryDirectory(prefix="superset-") as name:
        folder = Path(name)
        publish_scenario(folder, everything()).close()
        archive, warehouse = folder / "dashboard.zip", folder / "warehouse"
        write_zip([str(archive), str(warehouse / "insights-eu-statistics.duckdb")])
        superset = Superset(folder)
        superset.set_up(archive)
        with superset.serving(), connect("EU", warehouse=warehouse) as database:
            charts, on_dashboard = superset.charts(), superset.charts_on("meeting-rooms-eu")
            differing = sorted(charts.keys() ^ FIGURES.keys() | on_dashboard ^ FIGURES.keys())
            for chart, query in FIGURES.items():
                expected = comparable(database.execute(query).fetchall())
                shown = superset.rows(charts[chart])
                is_equal = bool(expected) and shown == expected
                differing += [] if is_equal else [chart]
                print(f"{'equal' if is_equal else 'DIFFERS':8}{len(shown):5} rows  {chart}")
                if not is_equal:
                    print("  shown   ", shown[:3])
                    print("  expected", expected[:3])
    if differing:
        print(f"not as in the database: {', '.join(differing)}")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
