"""A deployment of the first version works with this one without manual steps."""

import json
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml

from pipelines import cli
from pipelines.history import last_run, open_instance
from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from warehouse.lake import Lake

ARCHIVE = Path(__file__).with_name("contract-1.tar.gz")
FIRST, LAST = date(2026, 11, 17), date(2026, 12, 1)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as the first version left it."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("INSIGHTS_REGIONS", raising=False)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "deployment", filter="data")
    return tmp_path / "deployment"


@pytest.fixture
def insights(deployment: Path) -> Callable[..., int]:
    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--config", str(deployment / "insights.yaml")])
        return int(ended.value.code or 0)

    return run


def bookings_by_day(deployment: Path) -> dict[date, int]:
    lake = Lake(deployment / "eu/lake", "EU")
    tables = {day: lake.read("bookings", day) for day in lake.days("bookings")}
    return {day: table.num_rows for day, table in tables.items() if table is not None}


def figures(deployment: Path) -> list[tuple[object, ...]]:
    database = deployment / "eu/warehouse/insights-eu.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(
            "SELECT room_id, local_date, open_minutes, booked_minutes, bookings FROM room_days "
            "WHERE local_date <= DATE '2026-11-26' ORDER BY ALL"
        ).fetchall()


def test_its_database_is_rebuilt_with_the_same_figures(
    deployment: Path, insights: Callable[..., int]
) -> None:
    before = figures(deployment)
    assert len(before) > 50
    assert insights("publish", "--region", "EU") == 0
    assert figures(deployment) == before


def test_its_history_is_read_and_goes_on(
    deployment: Path, capsys: pytest.CaptureFixture[str], insights: Callable[..., int]
) -> None:
    run = last_run(deployment / ".dagster", "EU")
    assert run is not None
    assert run.state == "whole"
    insights("status", "--json")
    (status,) = json.loads(capsys.readouterr().out)
    assert (status["rooms_expected"], status["rooms_loaded"]) == (12, 12)
    assert status["last_run"]["state"] == "whole"


def test_every_command_that_needs_no_exchange_works_on_it(
    deployment: Path, insights: Callable[..., int]
) -> None:
    assert insights("privacy-report", "--region", "EU") == 0
    csv = ("export", "--region", "EU", "--to", str(deployment / "csv"))
    for command in (csv, ("report", "--region", "EU")):
        assert insights(*command) == 1  # there are no statistics yet: it says to publish
    assert insights("publish", "--region", "EU") == 0
    for command in (csv, ("report", "--region", "EU")):
        assert insights(*command) == 0
    some_room = (deployment / "rooms-eu.csv").read_text().splitlines()[1].partition(",")[0]
    assert insights("erase", "--region", "EU", "--room", some_room, "--dry-run") == 0
    assert insights("erase", "--region", "EU", "--before", "2026-11-18") == 0
    assert min(bookings_by_day(deployment)) == date(2026, 11, 18)


def test_a_night_over_half_of_its_days_keeps_the_others_as_they_were(
    deployment: Path,
    insights: Callable[..., int],
    authority: CertificateAuthority,
    exchange: StartExchange,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INSIGHTS_EU_PASSWORD", "sandbox")
    now = datetime(2026, 11, 27, 13, tzinfo=UTC)
    server = exchange(generated_tenant("EU", rooms=12, now=now))
    config = deployment / "insights.yaml"
    settings = yaml.safe_load(config.read_text())
    settings["regions"]["EU"]["exchanges"]["sandbox"]["endpoint"] = server.url
    config.write_text(yaml.safe_dump(settings))  # only the server is different
    shutil.copy(authority.ca_file, deployment / "ca.pem")
    before = bookings_by_day(deployment)
    middle = FIRST + timedelta(days=7)
    days = ["--from", middle.isoformat(), "--to", LAST.isoformat()]
    assert insights("run", "--region", "EU", *days) == 0
    after = bookings_by_day(deployment)
    assert {day: n for day, n in after.items() if day < middle} == {
        day: n for day, n in before.items() if day < middle
    }
    assert sum(n for day, n in after.items() if day >= middle) > 0
    with open_instance(deployment / ".dagster") as instance:
        assert len(instance.get_runs()) == 2
        materialized = instance.get_materialized_partitions(dg.AssetKey(["eu", "bookings"]))
    assert middle.isoformat() in materialized
