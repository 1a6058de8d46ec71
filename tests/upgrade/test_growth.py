"""The contract grows: a new flag takes one entry, one line per source and one line of SQL.

A copy of the program gets a column and runs over a deployment of the first contract version.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import pytest
import yaml

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.upgrade.test_upgrade import ARCHIVE, FIRST, LAST

ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 11, 27, 13, tzinfo=UTC)
MIDDLE: Final = FIRST + timedelta(days=7)
COLUMN: Final = "is_open_to_proposals"
EDITS: Final = {
    "transforms/contract/lake.py": (
        "        _stated(\n",
        f'        _stated("{COLUMN}", "x", "x", "AllowNewTimeProposal"),\n        _stated(\n',
    ),
    "pipelines/sources/ews_xml.py": (
        "STATED: Final = {",
        f'STATED: Final = {{"{COLUMN}": ("AllowNewTimeProposal", "allow_new_time_proposal"), ',
    ),
    "pipelines/sources/graph.py": (
        "STATED: Final = {",
        f'STATED: Final = {{"{COLUMN}": "allowNewTimeProposals", ',
    ),
    "warehouse/sql/each_pass/bookings.sql": (
        "       b.is_online,\n",
        f"       b.{COLUMN},\n       b.is_online,\n",
    ),
}
"""All changes for a new flag of Exchange, except the number of the contract version."""
NIGHT: Final = """
import sys
from datetime import date, datetime
from pathlib import Path
from pipelines.night import SILENT, Night, publish_region, run_night
from pipelines.sources import DayRange
from pipelines.settings import load_settings
from pipelines.sources.session import open_source

config, now, first, last = Path(sys.argv[1]), *sys.argv[2:]
now = datetime.fromisoformat(now)
settings = load_settings(config, None)
days = DayRange(date.fromisoformat(first), date.fromisoformat(last))
result = run_night(Night(settings, "EU", days, now.date()), open_source, SILENT)
assert result.is_whole, result
publish_region(settings, "EU", now)
"""


@pytest.fixture
def deployment(tmp_path: Path, authority: CertificateAuthority, exchange: StartExchange) -> Path:
    """The folder as the first version left it, with a running Exchange."""
    folder = tmp_path / "deployment"
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    server = exchange(generated_tenant("EU", rooms=12, now=NOW))
    config = folder / "insights.yaml"
    settings = yaml.safe_load(config.read_text())
    settings["regions"]["EU"]["exchanges"]["sandbox"]["endpoint"] = server.url
    config.write_text(yaml.safe_dump(settings))
    shutil.copy(authority.ca_file, folder / "ca.pem")
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the program with one more column."""
    folder = tmp_path / "program"
    for package in ("pipelines", "transforms", "warehouse"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name, (old, new) in EDITS.items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, name
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    contract = folder / "transforms/contract/__init__.py"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace('VERSION: Final = "', 'VERSION: Final = "9'), encoding="utf-8")
    return folder


def run(program: Path, script: str, *arguments: object) -> None:
    environment = {**os.environ, "PYTHONPATH": str(program), "INSIGHTS_EU_PASSWORD": "sandbox"}
    environment.pop("INSIGHTS_REGIONS", None)
    command = [sys.executable, "-P", "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, cwd=program, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def files_of(deployment: Path, is_wanted: Callable[[date], bool]) -> dict[str, bytes]:
    lake = deployment / "eu/lake"
    return {
        str(path.relative_to(lake)): path.read_bytes()
        for path in lake.glob("*/region=EU/date=*/*.parquet")
        if is_wanted(date.fromisoformat(path.parent.name.removeprefix("date=")))
    }


def test_a_lake_of_the_first_version_gets_a_column_without_being_read_again(
    deployment: Path, program: Path
) -> None:
    before = files_of(deployment, lambda day: day < MIDDLE)
    assert len(before) == 2 * 7
    run(program, NIGHT, deployment / "insights.yaml", NOW.isoformat(), MIDDLE, LAST)
    after = files_of(deployment, lambda day: day < MIDDLE)
    assert {name: after[name] for name in before} == before
    database = deployment / "eu/warehouse/insights-eu.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            f"SELECT local_start_date, count(*), count({COLUMN}), bool_and({COLUMN}) "
            "FROM bookings GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    old = [row for row in rows if row[0] < MIDDLE]
    new = [row for row in rows if row[0] >= MIDDLE]
    assert old
    assert new
    assert all(known == 0 for _, _, known, _ in old)
    assert all((count, True) == (known, flag) for _, count, known, flag in new)
