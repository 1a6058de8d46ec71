"""The history of runs in a real Postgres: nothing of a run stays on its machine."""

import json
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.definitions import launch_night
from pipelines.history import HistoryError
from pipelines.night import Progress
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import load_settings
from pipelines.sources import DayRange
from tests.deploy.postgres import ROOT, Postgres
from tests.night.workplace import MONDAY, Company, address_of
from tests.object_stores import IN_A_BUCKET
from tests.privacy.conftest import TOKEN
from tests.privacy.search import files_with
from warehouse.connect import connect
from warehouse.storage import ObjectUrl

READ_BACK = """
import json, sys
import dagster as dg

bookings, report = dg.AssetKey(["eu", "bookings"]), dg.AssetKey(["eu", "report"])
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    runs = instance.get_runs()
    latest = instance.get_latest_materialization_event(bookings).asset_materialization
    print(json.dumps({
        "runs": [run.status.value for run in runs],
        "rooms_not_read": runs[0].tags["insights/rooms_not_read"],
        "days": sorted(instance.get_materialized_partitions(bookings)),
        "bookings": latest.metadata["bookings"].value,
        "is_page_told": instance.get_latest_materialization_event(report) is not None,
    }))
"""
TUESDAY = MONDAY + timedelta(days=1)
DAYS = DayRange(MONDAY, TUESDAY)


def test_another_process_with_another_folder_reads_a_night_back_from_postgres(
    planted: Company,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    planted.tenant.faults.add(
        Fault("response_code", room=address_of("harbour"), code="ErrorAccessDenied")
    )
    first, second = postgres.home(tmp_path / "first"), postgres.home(tmp_path / "second")
    monkeypatch.setenv("DAGSTER_HOME", str(first))
    assert planted.run(MONDAY, TUESDAY) == 3
    assert [path.name for path in first.rglob("*") if path.is_file()] == ["dagster.yaml"]

    reading = [sys.executable, "-c", READ_BACK, str(second)]
    read = subprocess.run(reading, capture_output=True, text=True, check=True)
    assert json.loads(read.stdout) == {
        "runs": ["SUCCESS"],
        "rooms_not_read": "1 of 2",
        "days": [str(MONDAY), str(TUESDAY)],
        "bookings": 4,
        "is_page_told": True,
    }
    monkeypatch.setenv("DAGSTER_HOME", str(second))
    capsys.readouterr()
    assert planted.insights("status", "--json") == 0
    (status,) = json.loads(capsys.readouterr().out)
    assert status["last_run"]["state"] == "partial"
    record = tmp_path / "record.md"
    assert planted.insights("privacy-report", "--region", "EU", "--out", str(record)) == 0
    assert "history of runs lies on a server (postgres" in record.read_text()

    (tmp_path / "dump.sql").write_bytes(postgres.dump())
    assert b"ErrorAccessDenied" in (tmp_path / "dump.sql").read_bytes()
    assert not files_with(tmp_path, [TOKEN])
    assert not files_with(postgres.folder, [TOKEN])


@IN_A_BUCKET
def test_with_lake_and_history_elsewhere_a_night_leaves_only_a_copy_of_the_statistics_in_its_cache(
    company: Company,
    bucket: ObjectUrl,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company.write(lake=str(bucket / "lake"), warehouse=str(bucket / "warehouse"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setenv("DAGSTER_HOME", str(postgres.home(tmp_path / "home")))
    before = set(tmp_path.rglob("*"))
    assert company.run() == 0
    left = [path for path in set(tmp_path.rglob("*")) - before if path.is_file()]
    assert [path.name.rpartition("-")[0] for path in left] == ["insights-eu-statistics"]
    assert left[0].is_relative_to(os.environ["INSIGHTS_CACHE"])  # in containers it is in /tmp
    with connect("EU", warehouse=bucket / "warehouse", bookings=True) as connection:
        assert connection.execute("SELECT count(*) FROM bookings").fetchall() == [(3,)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip Dagster's wait of about ten seconds for a server that does not answer."""
    from dagster_postgres import utils

    monkeypatch.setattr(utils, "calculate_delay", lambda **_: 0.0)


def only_error_of(company: Company, capsys: pytest.CaptureFixture[str], code: int) -> str:
    """Run a night that fails before it starts, and return its only line of error."""
    capsys.readouterr()
    assert company.run() == code
    (line,) = capsys.readouterr().err.splitlines()
    assert company.rows() == []
    return line


@pytest.mark.usefixtures("impatient")
def test_a_server_that_lets_nobody_in_is_one_line_and_nothing_is_read(
    planted: Company,
    postgres: Postgres,
    tmp_path: Path,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = postgres.home(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    stranger = CertificateAuthority(tmp_path / "stranger")
    monkeypatch.setenv("PGSSLROOTCERT", str(stranger.ca_file))
    assert "certificate verify failed" in only_error_of(planted, capsys, 1)
    monkeypatch.setenv("PGSSLROOTCERT", str(authority.ca_file))
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", "wrong-secret")
    line = only_error_of(planted, capsys, 1)
    assert 'password authentication failed for user "insights"' in line
    assert "wrong-secret" not in line
    monkeypatch.delenv("DAGSTER_POSTGRES_PASSWORD")
    monkeypatch.delenv("DAGSTER_POSTGRES_HOST")
    assert only_error_of(planted, capsys, 2) == (
        f"error: {home}/dagster.yaml: set DAGSTER_POSTGRES_HOST and DAGSTER_POSTGRES_PASSWORD"
        " in the environment"
    )


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        (None, "names what is not installed: pip install 'room-insights[postgres]'"),
        ("storage: [", "Dagster refuses it; compare it with deploy/dagster.yaml"),
        ("storage: {nope: 1}", "Dagster refuses it; compare it with deploy/dagster.yaml"),
        ("- a", "Dagster refuses it; compare it with deploy/dagster.yaml"),
    ],
)
def test_a_dagster_yaml_that_dagster_refuses_is_one_line(
    company: Company,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: str | None,
    remedy: str,
) -> None:
    monkeypatch.setitem(sys.modules, "dagster_postgres", None)
    deployed = (ROOT / "deploy/dagster.yaml").read_text()
    (tmp_path / ".dagster/dagster.yaml").write_text(deployed if settings is None else settings)
    assert only_error_of(company, capsys, 2) == f"error: {tmp_path}/.dagster/dagster.yaml: {remedy}"


class StopsPostgres(Progress):
    """Stops the history's server once the rows are in the lake."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def step(self, name: str) -> None:
        if name == "publishing the database":
            self._postgres.stop()


@pytest.mark.usefixtures("impatient")
def test_a_history_that_is_lost_in_the_middle_of_a_night_is_one_line_and_the_rows_stay(
    company: Company, postgres: Postgres, tmp_path: Path
) -> None:
    home = postgres.home(tmp_path / "home")
    settings = load_settings(company.config, None)
    with pytest.raises(HistoryError, match=r"dagster\.yaml: the history .* refused") as raised:
        launch_night(settings, "EU", DAYS, home, StopsPostgres(postgres))
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert len(company.rows()) == 3
