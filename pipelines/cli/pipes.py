"""``insights pipes``: a night as a job that Dagster started elsewhere, and that reports to it.

Belongs here: the job's end of Dagster Pipes: which days Dagster asks for, and what it is told of
the night: counts, room ids and codes, never an exception, since those quote values.
Does not belong here: Dagster's end (``assets.py``), what a night does (``night.py``).
"""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import dagster as dg
from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_ENV_VAR,
    DAGSTER_PIPES_MESSAGES_ENV_VAR,
    DagsterPipesError,
    PipesContext,
    PipesMappingParamsLoader,
    PipesUnityCatalogVolumesMessageWriter,
    open_dagster_pipes,
)
from rich.console import Console

from pipelines.cli import console
from pipelines.cli.nightly import days_asked
from pipelines.cli.options import DATE, WHOLE, settings_of, with_config, with_region
from pipelines.definitions import execute_night
from pipelines.history import RunFacts, facts_of, report_of
from pipelines.night import today_in
from pipelines.settings import SettingsError, read_all_secrets
from transforms.contract import Region

_READABLE: Final = (int, float, str, bool)


@click.command()
@with_config
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: Dagster's partition.")
@click.option("--to", "last", type=DATE, help="Last local day; default: Dagster's partition.")
@click.option("--dagster-pipes-context", "asked", envvar="DAGSTER_PIPES_CONTEXT", hidden=True)
@click.option("--dagster-pipes-messages", "told", envvar="DAGSTER_PIPES_MESSAGES", hidden=True)
def pipes(  # noqa: PLR0913, PLR0917 - Databricks gives the last two as arguments, others by the environment
    config: Path,
    region: Region,
    first: datetime | None,
    last: datetime | None,
    asked: str | None,
    told: str | None,
) -> int:
    """Run the night that Dagster started this process for, and report to it (Dagster Pipes).

    Without days from either it is the nightly window. Exits 0 once Dagster has the report, however
    the night was: the report says that.
    """
    with _connected(asked, told) as dagster:
        try:
            _refuse_another_region(dagster, region)
            settings = settings_of(config, region)
            # Dagster's end remembers what was mailed; this job remembers nothing.
            settings = settings.model_copy(update={"reports": None})
            if dagster.is_partition_step and not (first or last):
                first, last = _days_of(dagster)
            today = today_in(settings, region, datetime.now(UTC))
            day_range = days_asked(settings, today, first, last)
            read_all_secrets(settings.regions[region].exchanges.values())
        except (SettingsError, click.ClickException) as error:
            problems = error.problems if isinstance(error, SettingsError) else [error.message]
            failed = RunFacts(error="; ".join(problems), error_code="SettingsError")
            dagster.report_custom_message(report_of(failed))
            console.exit_code(error)
            return WHOLE
        with (
            console.RunProgress(Console(stderr=True)) as progress,
            dg.DagsterInstance.ephemeral() as instance,
        ):
            result = execute_night(settings, region, day_range, instance, progress)
            facts = facts_of(instance, result.dagster_run)
        _report(dagster, result)
        dagster.report_custom_message(report_of(facts))
    console.show_run(settings, region, facts)
    return WHOLE


@contextmanager
def _connected(asked: str | None, told: str | None) -> Iterator[PipesContext]:
    """Give the way to the Dagster that started this process.

    Raises:
        SettingsError: no Dagster did, or it cannot be reached.
    """
    if not asked or not told:
        raise SettingsError(["insights pipes: no Dagster started this process; use insights run"])
    loader = PipesMappingParamsLoader(
        {DAGSTER_PIPES_CONTEXT_ENV_VAR: asked, DAGSTER_PIPES_MESSAGES_ENV_VAR: told}
    )
    try:
        # Databricks' volumes take no appending to a file: there each message is a file of a folder.
        path = loader.load_messages_params().get("path")
        is_folder = path is not None and Path(path).is_dir()
        writer = PipesUnityCatalogVolumesMessageWriter(interval=1) if is_folder else None
        dagster = open_dagster_pipes(message_writer=writer, params_loader=loader)
    except (DagsterPipesError, LookupError, OSError, ValueError, zlib.error) as error:
        line = "insights pipes: what DAGSTER_PIPES_CONTEXT and DAGSTER_PIPES_MESSAGES name cannot"
        raise SettingsError([f"{line} be used here ({type(error).__name__})"]) from None
    try:
        yield dagster
    finally:
        dagster.close()  # not with the exception: it may quote values


def _refuse_another_region(dagster: PipesContext, region: Region) -> None:
    asked = dagster.asset_keys if dagster.is_asset_step else []
    strange = [key for key in asked if not key.startswith(f"{region.lower()}/")]
    if strange:
        raise SettingsError([f"--region {region}: Dagster asks for {', '.join(strange)}"])


def _days_of(dagster: PipesContext) -> tuple[datetime, datetime]:
    days = dagster.partition_key_range
    return datetime.fromisoformat(days["start"]), datetime.fromisoformat(days["end"])


def _report(dagster: PipesContext, result: dg.ExecuteInProcessResult) -> None:
    """Tell of each asset once, with all of its days, and of each check."""
    open_keys = set(dagster.asset_keys) if dagster.is_asset_step else set()
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            made = event.step_materialization_data.materialization
            key = made.asset_key.to_user_string()
            if key in open_keys:
                open_keys.remove(key)
                dagster.report_asset_materialization(_plain(made.metadata), asset_key=key)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            dagster.report_asset_check(
                check.check_name,
                passed=check.passed,
                severity=check.severity.value,
                metadata=_plain(check.metadata),
                asset_key=check.asset_key.to_user_string(),
            )


def _plain(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, Any]:
    """Return metadata as Pipes sends them: numbers and texts as they are, the rest as JSON."""
    return {
        name: each.value
        if isinstance(each.value, _READABLE)
        else {"type": "json", "raw_value": each.value}
        for name, each in metadata.items()
    }
