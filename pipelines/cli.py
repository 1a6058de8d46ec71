"""The command ``insights``: options, exit codes, one line for each of an operator's mistakes.

Belongs here: reading options and configuration, calling what does the work, the exit code.
Does not belong here: the work, and how it is shown (``console.py``).
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.console import Console

from pipelines import console
from pipelines.assets import Runtime, publish_region, today_in
from pipelines.check.run import Options, run_check
from pipelines.code_location import RegionsError, regions_to_load
from pipelines.compare import compare, pairs_of
from pipelines.compare_view import show_comparison
from pipelines.describe import show_table, show_tables
from pipelines.erase import erase_region, erasure_of
from pipelines.instance import close_to_others, dagster_home
from pipelines.launch import launch_night, tell_of_no_run
from pipelines.night import DayRange, default_range
from pipelines.page import SUFFIXES, as_text
from pipelines.privacy_report import record_of_processing
from pipelines.settings import Settings, load_settings
from pipelines.settings_exchange import read_secrets
from pipelines.settings_problems import SettingsError, did_you_mean
from pipelines.sources.factory import open_source
from transforms.contract import REGIONS, TABLES, Region
from warehouse.landing import first_day_kept
from warehouse.report import write_report
from warehouse.tree import WarehouseError

WHOLE: Final = 0
NOTHING: Final = 1
USAGE: Final = 2
PARTIAL: Final = 3

Command = TypeVar("Command", bound=Callable[..., Any])


def _with_config(command: Command) -> Command:
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        default=lambda: Path(os.environ.get("INSIGHTS_CONFIG") or "insights.yaml"),
        help="The configuration; default $INSIGHTS_CONFIG, else insights.yaml.",
    )(command)


def _with_region(command: Command) -> Command:
    return click.option(
        "--region", type=click.Choice(REGIONS, case_sensitive=False), required=True
    )(command)


_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_DATE: Final = click.DateTime(formats=["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="room-insights")
def cli() -> None:
    """Meeting-room utilization from Exchange room mailboxes, without personal data."""


@cli.command()
@_with_config
@_with_region
@click.option("--from", "first", type=_DATE, help="First local day; default: trailing window.")
@click.option("--to", "last", type=_DATE, help="Last local day; default: the booking window.")
def run(config: Path, region: Region, first: datetime | None, last: datetime | None) -> int:
    """Read a region's rooms, replace those days, publish: the nightly job."""
    settings = _settings(config, region)
    today = today_in(settings, region, datetime.now(UTC))
    day_range = _day_range(settings, today, first, last)
    try:
        for exchange in settings.regions[region].exchanges.values():
            read_secrets(exchange)
    except SettingsError:
        tell_of_no_run(settings, region, day_range, dagster_home(config), today)
        raise
    with console.RoomProgress(Console(stderr=True)) as progress:
        runtime = Runtime(progress=progress)
        is_success = launch_night(settings, region, day_range, dagster_home(config), runtime)
    return _report_run(region, runtime, is_success)


@cli.command()
@_with_config
@_with_region
def publish(config: Path, region: Region) -> int:
    """Rebuild a region's database from its lake."""
    settings = _settings(config, region)
    published = publish_region(settings, region, datetime.now(UTC))
    console.show_published(region, published)
    return WHOLE


@cli.command()
@_with_config
@_with_region
@click.option("--out", type=_FILE, help="Default: report-REGION.html in the warehouse.")
def report(config: Path, region: Region, out: Path | None) -> int:
    """Write the page that shows a region's database in a browser, without a network."""
    written = write_report(_settings(config, region).regions[region].warehouse, region, out)
    console.show_page(region, written)
    return WHOLE


@cli.command()
@_with_config
@_with_region
@click.option("--room", "room_id", help="The room_id whose rows are erased.")
@click.option("--from", "first", type=_DATE, help="With --room: first local day; default: all.")
@click.option("--to", "last", type=_DATE, help="With --room: last local day; default: all.")
@click.option("--before", type=_DATE, help="Instead of --room: every day before this one.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Only count what would go.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
def erase(  # noqa: PLR0913, PLR0917 - one parameter an option
    config: Path,
    region: Region,
    room_id: str | None,
    first: datetime | None,
    last: datetime | None,
    before: datetime | None,
    is_dry_run: bool,
    as_json: bool,
) -> int:
    """Erase a room's days, or all days before a date, from lake and database; give a receipt."""
    erasure = erasure_of(room_id, first, last, before)
    settings = _settings(config, region)
    receipt = erase_region(settings, region, erasure, datetime.now(UTC), is_dry_run=is_dry_run)
    click.echo(json.dumps(receipt.as_json()) if as_json else "\n".join(receipt.lines()))
    return WHOLE if receipt.is_verified or is_dry_run else NOTHING


@cli.command()
@_with_config
@click.option(
    "--region",
    type=click.Choice(REGIONS, case_sensitive=False),
    help="Only this region; default: all that are loaded.",
)
@click.option("--json", "is_json", is_flag=True, help="A line an exchange and a room, as JSON.")
@click.option(
    "--calendar-processing",
    type=_FILE,
    help="CSV of Get-CalendarProcessing: also say which figures cannot be trusted.",
)
@click.option("--write-rooms", type=_FILE, help="Seed this room directory from the room lists.")
def check(
    config: Path,
    region: Region | None,
    is_json: bool,
    calendar_processing: Path | None,
    write_rooms: Path | None,
) -> int:
    """Say of each exchange and each room whether it can be read, or what mends it."""
    settings = _settings(config, region, is_seeding=write_rooms is not None)
    options = Options(is_json, calendar_processing, write_rooms)
    return run_check(settings, [region] if region else list(settings.regions), options)


@cli.command()
@_with_config
@_with_region
@click.option("--from", "first", type=_DATE, help="First local day; default: 30 days ago.")
@click.option("--to", "last", type=_DATE, help="Last local day; default: yesterday.")
@click.option("--with", "with_exchange", help="The exchange to read every room over too.")
def compare_sources(
    config: Path,
    region: Region,
    first: datetime | None,
    last: datetime | None,
    with_exchange: str | None,
) -> int:
    """Read a region's rooms over EWS and over Graph, store nothing, say which rows differ."""
    settings = _settings(config, region)
    today = today_in(settings, region, datetime.now(UTC))
    first_date = first.date() if first else today - timedelta(days=30)
    last_date = last.date() if last else max(first_date, today - timedelta(days=1))
    if first_date > last_date:
        raise click.UsageError(f"--from {first_date} is after --to {last_date}")
    day_range = DayRange(first_date, last_date)
    of_region = settings.regions[region]
    pairs = pairs_of(of_region, with_exchange)
    with console.RoomProgress(Console(stderr=True)) as progress:
        progress.start(region, 2 * len(pairs))
        comparison = compare(of_region, pairs, day_range, open_source, progress.advance)
    show_comparison(region, day_range, comparison)
    return WHOLE if comparison.is_equal else NOTHING


@cli.command()
@_with_config
@_with_region
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="FILE.html or .md.")
def privacy_report(config: Path, region: Region, out: Path | None) -> int:
    """Write the record of processing of a region, for the data protection officer."""
    suffix = out.suffix.lower() if out else ".md"
    if suffix not in SUFFIXES:
        raise click.UsageError(f"--out {out}: end the name in .html or .md")
    settings = _settings(config, region)
    home = dagster_home(config)
    record = record_of_processing(settings, region, config, home, datetime.now(UTC))
    page = as_text(suffix, *record)
    if out:
        out.write_text(page, encoding="utf-8")
    click.echo(f"{region}: record of processing in {out}" if out else page)
    return WHOLE


@cli.command()
@click.argument("table", required=False)
def describe(table: str | None) -> int:
    """Print what the database's tables, or the columns of one TABLE, mean."""
    if table is None:
        show_tables(Console())
    elif table in TABLES:
        show_table(Console(), table)
    else:
        raise click.UsageError(f"{table}: no such table; {did_you_mean(table, TABLES)}")
    return WHOLE


@cli.command()
@click.option("--rooms", type=click.IntRange(10, 2000), default=40, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True)
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
)
@click.option("--serve", is_flag=True, help="Leave the sandbox Exchange running.")
def demo(rooms: int, days: int, directory: Path, serve: bool) -> int:
    """Read two regions from a sandbox Exchange and show their utilization."""
    # The sandbox brings Faker; only who asks for it pays for that.
    from pipelines.demo import run_demo  # noqa: PLC0415

    return run_demo(directory, rooms, days, serve=serve)


@cli.command()
@click.option("--rooms", type=click.IntRange(1, 2000), default=40, show_default=True)
@click.option(
    "--region",
    "regions",
    type=click.Choice(REGIONS, case_sensitive=False),
    multiple=True,
    default=REGIONS,
    show_default=True,
)
@click.option("--port", type=click.IntRange(0, 65534), default=0, help="First port; 0: any.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo/sandbox"),
    show_default=True,
    help="Where the CA files go.",
)
def sandbox(rooms: int, regions: tuple[Region, ...], port: int, directory: Path) -> int:
    """Serve only the simulated Exchange, until Ctrl-C."""
    from pipelines.sandbox.serve import Plan, serve  # noqa: PLC0415 - as above

    ports = {region: port + number if port else 0 for number, region in enumerate(regions)}
    serve(Plan(regions, directory, rooms, ports=ports), console.show_sandboxes)
    return WHOLE


def _settings(config: Path, region: Region | None, *, is_seeding: bool = False) -> Settings:
    settings = load_settings(config, regions_to_load(), is_seeding)
    if region is not None and region not in settings.regions:
        loaded = ", ".join(settings.regions) or "none"
        raise click.UsageError(
            f"--region {region}: not loaded (loaded: {loaded}); "
            f"add regions.{region} to {config}, or change INSIGHTS_REGIONS"
        )
    return settings


def _day_range(
    settings: Settings, today: date, first: datetime | None, last: datetime | None
) -> DayRange:
    default = default_range(settings, today)
    first_date = first.date() if first else default.first_date
    last_date = last.date() if last else default.last_date
    if first_date > last_date:
        raise click.UsageError(f"--from {first_date} is after --to {last_date}")
    kept = first_day_kept(today, settings.retention_months)
    if first_date < kept:
        raise click.UsageError(
            f"--from {first_date} is before {kept}, the first day that retention_months: "
            f"{settings.retention_months} keeps; raise retention_months or begin later"
        )
    return DayRange(first_date, last_date)


def _report_run(region: Region, runtime: Runtime, is_success: bool) -> int:
    report = runtime.reports.get(region)
    if report is not None:
        console.show_report(report)
    if failure := runtime.failures.get(region):
        console.fail([failure.line])
        console.show_remedies(failure.failed_rooms.values())
        return NOTHING
    if report is None or not is_success:
        console.fail([f"{region}: the run failed in Dagster; its UI has the step that failed"])
        return NOTHING
    console.show_published(region, runtime.published[region])
    return WHOLE if report.is_whole else PARTIAL


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (of this process by default) and exit.

    Every mistake of an operator ends in one line, never a traceback.
    """
    close_to_others()
    try:
        code = cli(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = USAGE
    except click.ClickException as error:
        console.fail([" ".join(error.format_message().split())])
        code = USAGE
    except SettingsError as error:
        console.fail(error.problems)
        code = USAGE
    except RegionsError as error:
        console.fail([str(error)])
        code = USAGE
    except WarehouseError as error:
        console.fail([str(error)])
        code = NOTHING
    except (KeyboardInterrupt, click.Abort):
        console.fail(["interrupted; what was stored before is as it was, or whole days further"])
        code = 130
    except OSError as error:
        console.fail([f"{error.filename}: {error.strerror}"])
        code = NOTHING
    sys.exit(code or 0)
