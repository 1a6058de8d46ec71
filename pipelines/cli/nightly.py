"""``insights run``, ``publish``, ``report``, ``mail``: the night, or one part of it; ``pipes``.

``pipes`` is this process's side of Dagster Pipes, if a Dagster elsewhere started the night. It
reports counts, room ids and codes, never an exception, since exceptions quote values.
"""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
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

from pipelines.alerts import monthly_mail, notify_of_no_run
from pipelines.channels import NotSentError, send_mail
from pipelines.cli import (
    DATE,
    FILE,
    MONTH,
    NOTHING,
    PARTIAL,
    WHOLE,
    console,
    exit_code,
    fail,
    settings_of,
    with_region,
)
from pipelines.definitions import execute_night, launch_night
from pipelines.history import HistoryError, RunFacts, dagster_home, facts_of, report_of
from pipelines.night import (
    Night,
    NothingReadError,
    count_night,
    default_range,
    publish_region,
    today_in,
    write_page,
)
from pipelines.settings import MOST_DAYS, Settings, SettingsError, read_secrets
from pipelines.sources import DayRange
from pipelines.sources.session import open_source
from pipelines.texts import counted
from transforms.contract import Region
from transforms.local_time import first_day_kept
from warehouse.lake import Lake
from warehouse.publish import lost_bookings

_READABLE: Final = (int, float, str, bool)


@click.command()
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: trailing window.")
@click.option("--to", "last", type=DATE, help="Last local day; default: the booking window.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Read and count; store nothing.")
def run(
    config: Path,
    region: Region,
    first: date | None,
    last: date | None,
    is_dry_run: bool,
) -> int:
    """Read a region's rooms, replace those days, publish: the nightly job."""
    settings = settings_of(config, region)
    today = today_in(settings, region, datetime.now(UTC))
    day_range = days_asked(settings, today, first, last)
    if is_dry_run:
        return _dry_run(Night(settings, region, day_range, today))
    home, error_code = dagster_home(config), "SecretNotSet"
    try:
        read_secrets(*settings.regions[region].exchanges.values())
        error_code = "HistoryError"
        with console.RunProgress(Console(stderr=True)) as progress:
            facts = launch_night(settings, region, day_range, home, progress)
    except (HistoryError, OSError, SettingsError):
        notify_of_no_run(settings, region, day_range, home, today, error_code)
        raise
    with suppress(OSError):  # the night is what it is, whoever reads of it
        console.show_run(settings, region, facts)
    if facts.is_success:
        return PARTIAL if facts.failed_rooms else WHOLE
    # The page is the last step: if only it failed, the rows and the database have still landed.
    return PARTIAL if facts.database else NOTHING


@click.command()
@with_region
@click.option(
    "--restate-from",
    type=DATE,
    help="Let the room directory as it is now count from this day on, for past days too.",
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    help="What builds it: this machine (duckdb), or Spark; default: as configured.",
)
@click.option(
    "--output",
    type=click.Choice(["database", "parquet"]),
    help="What is left: DuckDB databases, or the tables as Parquet only; default: as configured.",
)
def publish(
    config: Path,
    region: Region,
    restate_from: date | None,
    engine: str | None,
    output: str | None,
) -> int:
    """Rebuild a region's database from its lake."""
    asked = {"engine": engine, "output": output}
    settings = settings_of(config, region).model_copy(
        update={key: value for key, value in asked.items() if value}
    )
    now = datetime.now(UTC)
    if restate_from and restate_from > today_in(settings, region, now):
        raise click.UsageError(
            f"--restate-from {restate_from} is after today; write valid_from in the CSV"
        )
    published = publish_region(settings, region, now, restate_from)
    for edit in published.edits:
        click.echo(f"{region}: {edit}")
    through = published.data_through or "no day yet"
    click.echo(f"{region}: published {published.path}, data through {through}")
    if lost := lost_bookings(Lake(settings.regions[region].lake, region)):
        click.echo(f"{region}: {lost}", err=True)
    write_page(settings, region)
    return WHOLE


@click.command()
@with_region
@click.option("--out", type=FILE, help="Default: report-REGION.html in the warehouse.")
def report(config: Path, region: Region, out: Path | None) -> int:
    """Write the page that shows a region's database in a browser, without a network."""
    page = write_page(settings_of(config, region), region, out)
    size = f"{page.size_bytes / 1e6:.1f} MB"
    click.echo(f"{region}: page of {counted(page.rooms, 'room')} in {page.path}, {size}")
    return WHOLE


def _dry_run(night: Night) -> int:
    with console.RunProgress(Console(stderr=True)) as progress:
        region = night.settings.regions[night.region]
        try:
            result = count_night(night, open_source, progress)
        except NothingReadError as error:
            console.fail_run(str(error), error.failed.values(), region.kinds_of(error.failed))
            return NOTHING
    days = result.day_range
    click.echo(
        f"{result.region}: {result.rooms_loaded} of {result.rooms_expected} rooms can be read, "
        f"{days.first_date} to {days.last_date}, {counted(result.bookings, 'booking')}; "
        "dry run: nothing was stored"
    )
    console.show_failed_rooms(region, result.failed, "")
    return WHOLE if result.is_whole else PARTIAL


def days_asked(settings: Settings, today: date, first: date | None, last: date | None) -> DayRange:
    """Return the days from ``--from`` to ``--to``; the nightly window gives what is missing.

    Raises:
        click.UsageError: the range is backwards, or beyond what can be kept or read.
    """
    default = default_range(settings, today)
    first_date, last_date = first or default.first_date, last or default.last_date
    if first_date > last_date:
        text = f"--from {first_date} is after --to {last_date}; swap them"
        if first is None:
            text = f"--to {last_date} is before {first_date}, where the window begins"
            text += "; give --from too"
        elif last is None:
            text = f"--from {first_date} is after {last_date}, where the window ends; give --to too"
        raise click.UsageError(text)
    furthest = today + timedelta(days=MOST_DAYS)
    if last_date > furthest:
        raise click.UsageError(f"--to {last_date} is after {furthest}; end {MOST_DAYS} days ahead")
    kept = first_day_kept(today, settings.retention_months)
    if first_date < kept:
        raise click.UsageError(
            f"--from {first_date} is before {kept}, the first day that retention_months: "
            f"{settings.retention_months} keeps; raise retention_months or begin later"
        )
    return DayRange(first_date, last_date)


@click.command()
@with_region
@click.option(
    "--month",
    type=MONTH,
    metavar="YYYY-MM",
    help="Default: the last month that is over and read.",
)
@click.option("--show", "is_shown", is_flag=True, help="Print the mail; send nothing.")
def mail(config: Path, region: Region, month: date | None, is_shown: bool) -> int:
    """Send a month of a region by mail to the addresses of reports: in the configuration.

    The night of the first does it by itself.
    """
    settings = settings_of(config, region)
    if settings.reports is None and not is_shown:
        remedy = "write there host, from and to of the mail, or print it with --show"
        raise click.UsageError(f"{config}: reports: is missing; {remedy}")
    made = monthly_mail(settings, region, month)
    if made is None:
        which = f"{month:%Y-%m} is not over, or was not" if month else "no month that is over was"
        fail([f"{region}: {which} read; nothing was sent"])
        return NOTHING
    if is_shown or settings.reports is None:
        click.echo(f"{made.subject}\n\n{made.text}", nl=False)
        return WHOLE
    try:
        send_mail(settings.reports, made.subject, made.text, made.html)
    except NotSentError as error:
        fail([f"{region}: the mail was not sent ({error}); see reports: in {config}"])
        return NOTHING
    to = counted(len(settings.reports.recipients), "recipient")
    click.echo(f"{region}: sent '{made.subject}' to {to}")
    return WHOLE


@click.command()
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: Dagster's partition.")
@click.option("--to", "last", type=DATE, help="Last local day; default: Dagster's partition.")
@click.option("--dagster-pipes-context", "asked", envvar="DAGSTER_PIPES_CONTEXT", hidden=True)
@click.option("--dagster-pipes-messages", "told", envvar="DAGSTER_PIPES_MESSAGES", hidden=True)
def pipes(  # noqa: PLR0913, PLR0917 - Databricks gives the last two as arguments, others by the environment
    config: Path,
    region: Region,
    first: date | None,
    last: date | None,
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
            # This job keeps no history, so Dagster's side, which records what was mailed, mails.
            settings = settings.model_copy(update={"reports": None})
            if dagster.is_partition_step and not (first or last):
                days = dagster.partition_key_range
                first, last = (date.fromisoformat(days[end]) for end in ("start", "end"))
            today = today_in(settings, region, datetime.now(UTC))
            day_range = days_asked(settings, today, first, last)
            read_secrets(*settings.regions[region].exchanges.values())
        except (SettingsError, click.ClickException) as error:
            problems = error.problems if isinstance(error, SettingsError) else [error.message]
            failed = RunFacts(error="; ".join(problems), error_code="SettingsError")
            dagster.report_custom_message(report_of(failed))
            exit_code(error)
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
    """Connect to the Dagster that started this process.

    Raises:
        SettingsError: Dagster did not start it, or cannot be reached.
    """
    if not asked or not told:
        raise SettingsError(["insights pipes: no Dagster started this process; use insights run"])
    loader = PipesMappingParamsLoader(
        {DAGSTER_PIPES_CONTEXT_ENV_VAR: asked, DAGSTER_PIPES_MESSAGES_ENV_VAR: told}
    )
    try:
        # Databricks volumes cannot append to a file: there, each message is a file in a folder.
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
        dagster.close()  # without the exception: it may quote values


def _refuse_another_region(dagster: PipesContext, region: Region) -> None:
    asked = dagster.asset_keys if dagster.is_asset_step else []
    strange = [key for key in asked if not key.startswith(f"{region.lower()}/")]
    if strange:
        raise SettingsError([f"--region {region}: Dagster asks for {', '.join(strange)}"])


def _report(dagster: PipesContext, result: dg.ExecuteInProcessResult) -> None:
    """Report each requested asset once, for all of its days, and each check."""
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
    """Return metadata in the form that Pipes takes: plain numbers and strings, else JSON."""
    return {
        name: each.value
        if isinstance(each.value, _READABLE)
        else {"type": "json", "raw_value": each.value}
        for name, each in metadata.items()
    }
