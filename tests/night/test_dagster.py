"""A region in Dagster: assets, partitions, schedule, checks."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import build_defs, launch_night
from pipelines.night import SILENT, default_range
from pipelines.sandbox.faults import Fault
from pipelines.settings import load_settings, regions_to_load
from pipelines.sources import DayRange
from tests.night.workplace import MONDAY, Company, address_of
from transforms.contract.lake import BOOKINGS


def definitions_of(company: Company) -> dg.Definitions:
    return build_defs(load_settings(company.config, None))


def asset(definitions: dg.Definitions, *key: str) -> dg.AssetsDefinition:
    return definitions.resolve_assets_def(dg.AssetKey(list(key)))


def test_a_region_is_three_assets_one_job_and_one_schedule(company: Company) -> None:
    repository = definitions_of(company).get_repository_def()
    assert set(repository.assets_defs_by_key) == {
        dg.AssetKey(["eu", "bookings"]),
        dg.AssetKey(["eu", "warehouse"]),
        dg.AssetKey(["eu", "report"]),
    }
    assert repository.has_job("eu_night")
    assert [schedule.name for schedule in repository.schedule_defs] == ["eu_nightly"]


def test_partitions_are_the_regions_local_days_from_retention_to_booking_window(
    company: Company,
) -> None:
    partitions = asset(definitions_of(company), "eu", "bookings").partitions_def
    assert isinstance(partitions, dg.DailyPartitionsDefinition)
    assert partitions.timezone == "Europe/Copenhagen"
    today = datetime.now(UTC).date()
    assert (
        abs(
            (datetime.fromisoformat(partitions.get_last_partition_key() or "").date() - today).days
            - 180
        )
        <= 1
    )


def test_the_schedule_asks_for_the_trailing_window_and_what_lies_ahead_in_one_run(
    company: Company,
) -> None:
    repository = definitions_of(company).get_repository_def()
    schedule = repository.get_schedule_def("eu_nightly")
    assert schedule.cron_schedule == "30 2 * * *"
    assert schedule.execution_timezone == "Europe/Copenhagen"
    night = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(
                instance=instance, scheduled_execution_time=night, repository_def=repository
            )
        )
    assert tick.run_requests is not None
    (request,) = tick.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "2026-11-07"
    assert request.tags["dagster/asset_partition_range_end"] == "2027-05-20"


def test_the_nightly_window_begins_with_the_first_day_that_the_retention_keeps(
    company: Company,
) -> None:
    company.write(settings={"retention_months": 1, "trailing_days": 60})
    settings = load_settings(company.config, None)
    days = default_range(settings, date(2026, 11, 21))
    assert days == DayRange(date(2026, 10, 21), date(2027, 5, 20))


def test_a_failed_night_is_never_run_again_by_itself(company: Company) -> None:
    definitions = definitions_of(company)
    assert definitions.resolve_job_def("eu_night").tags["dagster/max_retries"] == "0"
    for name in ("bookings", "warehouse"):
        assert asset(definitions, "eu", name).op.retry_policy is None


def test_each_region_has_a_pool_of_its_own(company: Company) -> None:
    assert asset(definitions_of(company), "eu", "bookings").op.pool == "eu"


def test_dagster_shows_the_contracts_columns(company: Company) -> None:
    bookings = asset(definitions_of(company), "eu", "bookings")
    shown = bookings.metadata_by_key[bookings.key]["dagster/column_schema"]
    assert [column.name for column in shown.columns] == BOOKINGS.names


def test_an_eu_process_holds_nothing_of_na(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = company.config.read_text()
    eu = text.split("regions:\n")[1]
    na = eu.replace("EU:", "NA:").replace("rooms.csv", "rooms-na-that-cannot-be-read.csv")
    company.config.write_text(text + na.replace("lake: lake", "lake: na-lake"))
    monkeypatch.setenv("INSIGHTS_REGIONS", "EU")
    settings = load_settings(company.config, regions_to_load())
    assert set(settings.regions) == {"EU"}
    keys = build_defs(settings).get_repository_def().assets_defs_by_key
    assert {key.path[0] for key in keys} == {"eu"}


@pytest.mark.usefixtures("lake_only")
def test_a_partial_night_is_a_failed_check_with_the_room_ids(
    company: Company, tmp_path: Path
) -> None:
    company.tenant.faults.add(
        Fault("response_code", room=address_of("fjord"), code="ErrorAccessDenied")
    )
    home = tmp_path / "history"
    settings = load_settings(company.config, None)
    launch_night(settings, "EU", DayRange(MONDAY, MONDAY + timedelta(days=1)), home, SILENT)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        key = dg.AssetKey(["eu", "bookings"])
        check = dg.AssetCheckKey(key, "every_room_was_read")
        (record,) = instance.event_log_storage.get_asset_check_execution_history(check, limit=5)
        assert record.event is not None
        evaluation = record.event.asset_check_evaluation
        assert evaluation is not None
        assert not evaluation.passed
        assert evaluation.metadata["failed_rooms"].value == {"fjord": "ErrorAccessDenied"}
        assert instance.get_materialized_partitions(key) == {"2026-10-19", "2026-10-20"}
        (run,) = instance.get_runs()
        assert run.tags["insights/rooms_not_read"] == "1 of 2"  # seen in the list of runs


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the umask and the needless libraries of a process that imported the definitions."""
    folder = tmp_path_factory.mktemp("imported")
    (folder / "insights.yaml").write_text("not: a configuration")
    script = (
        "import os, sys; before = os.umask(0o22); import pipelines.definitions\n"
        "print(os.umask(0)); import pipelines.sources.graph_check\n"
        "print(*{'exchangelib', 'lxml', 'pandas', 'requests_ntlm'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_importing_the_definitions_reads_no_configuration_and_changes_nothing(
    imported: list[str],
) -> None:
    assert imported[0] == str(0o22)


def test_a_deployment_that_reads_graph_alone_waits_for_no_library_of_ews_or_of_exports(
    imported: list[str],
) -> None:
    assert imported[1:] == [""]


def test_dagster_finds_the_definitions_outside_of_the_checkout(company: Company) -> None:
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "definitions", "validate", "-m", "pipelines.definitions"]
    environment = os.environ | {"DAGSTER_HOME": str(company.directory / ".dagster")}
    validated = subprocess.run(
        command,
        cwd=company.directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert "pipelines.definitions" in validated.stdout + validated.stderr
