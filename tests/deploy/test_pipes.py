"""A night as a job that Dagster starts elsewhere: the same night, reported by Dagster Pipes."""

import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import dagster as dg
import pytest
from dagster._core.pipes.utils import extract_message_or_forward_to_stdout
from dagster_pipes import PipesContext

from pipelines import night
from pipelines.assets import CHECKS, Launch
from pipelines.definitions import build_defs, execute_night
from pipelines.history import RunFacts, facts_of, range_tags
from pipelines.night import SILENT
from pipelines.sandbox.faults import Fault
from pipelines.settings import load_settings
from pipelines.sources import DayRange
from tests.deploy.postgres import ROOT
from tests.night.workplace import MONDAY, Company, address_of
from tests.privacy.conftest import TOKEN
from tests.privacy.search import files_with

# Dagster's own Pipes use functions that Dagster marks as deprecated or preview.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*run_id is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]
DAYS = DayRange(MONDAY, MONDAY + timedelta(days=1))
SILENT_LOG = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def deployed() -> Any:
    """Return the code location of ``deploy/`` as a module."""
    path = ROOT / "deploy/pipes/definitions.py"
    spec = importlib.util.spec_from_file_location("deployed_definitions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def facts_by_pipes(
    definitions: dg.Definitions, instance: dg.DagsterInstance, region: str = "eu"
) -> tuple[RunFacts, dg.DagsterRun]:
    result = definitions.resolve_job_def(f"{region}_night").execute_in_process(
        run_config=SILENT_LOG, instance=instance, raise_on_error=False, tags=range_tags(DAYS)
    )
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return facts_of(instance, run), run


def told(instance: dg.DagsterInstance) -> dict[str, dict[str, Any]]:
    """Return the metadata of each asset and check, by its name."""
    (run,) = instance.get_runs()
    found = {}
    for entry in instance.all_logs(run.run_id):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            made = event.step_materialization_data.materialization
            found[f"{made.asset_key.to_user_string()} {made.partition}"] = made.metadata
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            found[f"{check.check_name} {check.passed}"] = check.metadata
    return {name: dict(metadata) for name, metadata in found.items()}


def test_a_night_by_pipes_stores_and_tells_what_a_night_in_this_process_does(
    planted: Company, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    planted.tenant.faults.add(
        Fault("response_code", room=address_of("harbour"), code="ErrorAccessDenied")
    )
    settings = load_settings(planted.config, None)
    with dg.DagsterInstance.ephemeral() as instance:
        execute_night(settings, "EU", DAYS, instance, SILENT)
        expected, rows = told(instance), planted.rows()
    planted.write(lake="lake-by-pipes", warehouse="warehouse-by-pipes")
    monkeypatch.setenv("INSIGHTS_CONFIG", str(planted.config))
    with dg.DagsterInstance.ephemeral() as instance:
        facts, run = facts_by_pipes(deployed().defs(), instance)
        found = told(instance)
        text = "".join(str(entry) for entry in instance.all_logs(run.run_id))
    assert facts.is_success, facts
    assert facts.failed_rooms == {"harbour": "ErrorAccessDenied"}
    assert run.tags["insights/rooms_not_read"] == "1 of 2"
    assert {name: {*metadata} for name, metadata in found.items()} == {
        name: {*metadata} for name, metadata in expected.items()
    }
    same = {name for name in expected if not name.startswith(("eu/warehouse", "eu/report"))}
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
    planted.directory.joinpath("lake").rename(planted.directory / "lake-in-this-process")
    planted.directory.joinpath("lake-by-pipes").rename(planted.directory / "lake")
    assert without_instants(planted.rows()) == without_instants(rows)
    assert TOKEN.lower() not in (text + "".join(capfd.readouterr())).lower()
    assert not files_with(planted.directory, [TOKEN])


def without_instants(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "read_at"} for row in rows]


class FileReader(dg.PipesMessageReader):
    """Reads a file of messages once, after the job.

    Dagster's own reader follows the file in a thread, and may miss what a job in this process
    writes just before it ends.
    """

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[dict[str, str]]:
        with TemporaryDirectory() as folder:
            path = Path(folder, "messages")
            yield {"path": str(path)}
            for line in path.read_text().splitlines():
                handler.handle_message(json.loads(line))

    def no_messages_debug_text(self) -> str:
        return "a file"


@dataclass
class Here:
    """Starts jobs in this process, as Pipes would start them elsewhere."""

    company: Company
    monkeypatch: pytest.MonkeyPatch
    reader: dg.PipesMessageReader = field(default_factory=FileReader)
    is_by_arguments: bool = False  # Databricks passes arguments, others set the environment

    def launch(
        self, context: dg.AssetExecutionContext, arguments: list[str]
    ) -> dg.PipesClientCompletedInvocation:
        with (
            dg.open_pipes_session(
                context=context,
                context_injector=dg.PipesEnvContextInjector(),
                message_reader=self.reader,
            ) as session,
            self.monkeypatch.context() as patch,
        ):
            patch.setattr(PipesContext, "_instance", None)
            if self.is_by_arguments:
                given = session.get_bootstrap_cli_arguments().items()
                arguments = [*arguments, *(word for pair in given for word in pair)]
            else:
                for name, value in session.get_bootstrap_env_vars().items():
                    patch.setenv(name, value)
            assert self.company.insights(*arguments) == 0
        return dg.PipesClientCompletedInvocation(session)

    def launch_na(
        self, context: dg.AssetExecutionContext, arguments: list[str]
    ) -> dg.PipesClientCompletedInvocation:
        return self.launch(context, ["NA" if word == "EU" else word for word in arguments])

    def definitions(self) -> dg.Definitions:
        return build_defs(load_settings(self.company.config, None), launch=self.launch)


@pytest.fixture
def here(company: Company, monkeypatch: pytest.MonkeyPatch) -> Here:
    return Here(company, monkeypatch)


def test_a_wrong_password_by_pipes_is_the_failure_that_it_is_in_this_process(
    company: Company, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "wrong-secret")
    settings = load_settings(company.config, None)
    with dg.DagsterInstance.ephemeral() as instance:
        result = execute_night(settings, "EU", DAYS, instance, SILENT)
        expected = facts_of(instance, result.dagster_run)
    with dg.DagsterInstance.ephemeral() as instance:
        facts, run = facts_by_pipes(here.definitions(), instance)
        text = "".join(str(entry) for entry in instance.all_logs(run.run_id))
        assert instance.get_materialized_partitions(dg.AssetKey(["eu", "bookings"])) == set()
    assert facts == expected
    assert (facts.error_code, facts.failed_rooms) == (
        "NothingRead",
        {"fjord": "HTTP401", "harbour": "HTTP401"},
    )
    assert "wrong-secret" not in text


def test_what_landed_before_a_job_failed_is_told_too(
    company: Company, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("cannot handle Gerda Gast")

    monkeypatch.setattr(night, "publish", choke)
    with dg.DagsterInstance.ephemeral() as instance:
        facts, run = facts_by_pipes(here.definitions(), instance)
        text = "".join(str(entry) for entry in instance.all_logs(run.run_id))
        days = instance.get_materialized_partitions(dg.AssetKey(["eu", "bookings"]))
        published = instance.get_latest_materialization_event(dg.AssetKey(["eu", "warehouse"]))
    assert facts.error_code == "RuntimeError"
    assert facts.error is not None
    assert re.fullmatch(r"EU: RuntimeError at pipelines\.night, line \d+", facts.error)
    assert days == {str(MONDAY), str(MONDAY + timedelta(days=1))}
    assert published is None
    assert "Gast" not in text


def test_a_secret_that_a_job_lacks_is_told_to_dagster(
    company: Company, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = here.definitions()
    monkeypatch.delenv("TEST_PASSWORD")
    with dg.DagsterInstance.ephemeral() as instance:
        facts, _ = facts_by_pipes(definitions, instance)
    assert facts.error_code == "SettingsError"
    assert facts.error is not None
    assert "TEST_PASSWORD" in facts.error


def test_a_job_of_another_region_refuses(company: Company, here: Here) -> None:
    definitions = build_defs(load_settings(company.config, None), launch=here.launch_na)
    with dg.DagsterInstance.ephemeral() as instance:
        facts, _ = facts_by_pipes(definitions, instance)
    assert facts.error == ("--region NA: Dagster asks for eu/bookings, eu/report, eu/warehouse")


def dies(context: dg.AssetExecutionContext, arguments: list[str]) -> NoReturn:
    raise RuntimeError(f"the pod's log: {TOKEN}")


def says_nothing(
    context: dg.AssetExecutionContext, arguments: list[str]
) -> dg.PipesClientCompletedInvocation:
    return dg.PipesSubprocessClient().run(context=context, command=["true"])


@pytest.mark.parametrize(
    ("launch", "why"), [(dies, "RuntimeError"), (says_nothing, "it ended too early")]
)
def test_a_job_that_ends_without_a_report_failed_and_its_log_is_not_kept(
    company: Company, launch: Launch, why: str
) -> None:
    definitions = build_defs(load_settings(company.config, None), launch=launch)
    with dg.DagsterInstance.ephemeral() as instance:
        facts, run = facts_by_pipes(definitions, instance)
        text = "".join(str(entry) for entry in instance.all_logs(run.run_id))
    assert facts.error == f"EU: the job gave no report ({why}); its own log says more"
    assert facts.error_code == "NoReport"
    assert TOKEN not in text


class FolderReader(dg.PipesMessageReader):
    """Reads messages as Databricks writes them to a volume: numbered files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[dict[str, str]]:
        yield {"path": str(self._folder)}
        for path in sorted(self._folder.iterdir(), key=lambda path: int(path.stem)):
            for line in path.read_text().splitlines():
                handler.handle_message(json.loads(line))

    def no_messages_debug_text(self) -> str:
        return "a folder"


def test_a_job_can_report_into_a_folder_that_takes_whole_files_only_as_on_databricks(
    company: Company, here: Here, tmp_path: Path
) -> None:
    (tmp_path / "volume").mkdir()
    reader = FolderReader(tmp_path / "volume")
    definitions = replace(here, reader=reader, is_by_arguments=True).definitions()
    with dg.DagsterInstance.ephemeral() as instance:
        facts, _ = facts_by_pipes(definitions, instance)
    assert (facts.is_success, facts.bookings) == (True, 3)


class PodReader(dg.PipesMessageReader):
    """Reads messages as Dagster reads those of a pod: from its output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[dict[str, str]]:
        self._capsys.readouterr()
        yield {"stdio": "stderr"}
        for line in self._capsys.readouterr().err.splitlines():
            extract_message_or_forward_to_stdout(handler, line)

    def no_messages_debug_text(self) -> str:
        return "a log"


def test_a_job_can_report_through_what_it_prints_as_a_pod_does(
    company: Company,
    here: Here,
    capsys: pytest.CaptureFixture[str],
) -> None:
    definitions = replace(here, reader=PodReader(capsys)).definitions()
    with dg.DagsterInstance.ephemeral() as instance:
        facts, _ = facts_by_pipes(definitions, instance)
    assert (facts.is_success, facts.bookings) == (True, 3)


def test_a_job_reads_the_one_day_that_dagster_asks_for(company: Company, here: Here) -> None:
    days = dg.DailyPartitionsDefinition("2026-10-01")

    key = dg.AssetKey(["eu", "bookings"])
    checks = [dg.AssetCheckSpec(name, asset=key) for name in CHECKS]

    @dg.asset(key=key, partitions_def=days, check_specs=checks)
    def of_ones_own(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from here.launch(context, ["pipes", "--region", "EU"]).get_results()

    made = dg.materialize([of_ones_own], partition_key=str(MONDAY), run_config=SILENT_LOG)
    (event,) = made.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert (metadata["first_date"].value, metadata["last_date"].value) == (str(MONDAY),) * 2
    assert [path.name for path in (company.directory / "lake/bookings/region=EU").iterdir()] == [
        f"date={MONDAY}"
    ]


@pytest.mark.parametrize("context", [None, "no context"])
def test_a_process_that_no_dagster_started_says_so_in_one_line(
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    context: str | None,
) -> None:
    monkeypatch.setattr(PipesContext, "_instance", None)
    if context:
        monkeypatch.setenv("DAGSTER_PIPES_CONTEXT", context)
        monkeypatch.setenv("DAGSTER_PIPES_MESSAGES", context)
    assert company.insights("pipes", "--region", "EU") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: insights pipes: ")
