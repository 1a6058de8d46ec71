"""``insights run``, ``publish``, ``report`` and ``mail``: the night, and its parts by hand.

Belongs here: the days to read, and the exit code of what happened.
Does not belong here: what a night does (``night.py``), how it is shown (``console.py``).
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from pipelines.alerts import monthly_mail
from pipelines.channels import NotSentError, send_mail
from pipelines.cli import console
from pipelines.cli.console import fail
from pipelines.cli.options import (
    DATE,
    FILE,
    NOTHING,
    PARTIAL,
    WHOLE,
    settings_of,
    with_config,
    with_region,
)
from pipelines.definitions import launch_night, notify_of_no_run
from pipelines.history import HistoryError, RunFacts, dagster_home
from pipelines.night import (
    Night,
    NothingReadError,
    count_night,
    default_range,
    publish_region,
    today_in,
    write_page,
)
from pipelines.settings import MOST_DAYS, Settings, SettingsError, read_all_secrets
from pipelines.sources.base import DayRange
from pipelines.sources.factory import open_source
from pipelines.texts import counted
from transforms.contract import Region
from warehouse.nightly import first_day_kept


@click.command()
@with_config
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: trailing window.")
@click.option("--to", "last", type=DATE, help="Last local day; default: the booking window.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Read and count; store nothing.")
def run(
    config: Path,
    region: Region,
    first: datetime | None,
    last: datetime | None,
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
        read_all_secrets(settings.regions[region].exchanges.values())
        error_code = "HistoryError"
        with console.RunProgress(Console(stderr=True)) as progress:
            facts = launch_night(settings, region, day_range, home, progress)
    except (HistoryError, SettingsError):
        notify_of_no_run(settings, region, day_range, home, today, error_code)
        raise
    console.show_run(settings, region, facts)
    return _code_of(facts)


@click.command()
@with_config
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
def publish(config: Path, region: Region, restate_from: datetime | None, engine: str | None) -> int:
    """Rebuild a region's database from its lake."""
    settings = settings_of(config, region)
    if engine:
        settings = settings.model_copy(update={"engine": engine})
    now, since = datetime.now(UTC), restate_from.date() if restate_from else None
    if since and since > today_in(settings, region, now):
        raise click.UsageError(
            f"--restate-from {since} is after today; write valid_from in the CSV"
        )
    published = publish_region(settings, region, now, since)
    console.show_published(region, published)
    write_page(settings, region)
    return WHOLE


@click.command()
@with_config
@with_region
@click.option("--out", type=FILE, help="Default: report-REGION.html in the warehouse.")
def report(config: Path, region: Region, out: Path | None) -> int:
    """Write the page that shows a region's database in a browser, without a network."""
    written = write_page(settings_of(config, region), region, out)
    console.show_page(region, written)
    return WHOLE


def _dry_run(night: Night) -> int:
    with console.RunProgress(Console(stderr=True)) as progress:
        region = night.settings.regions[night.region]
        try:
            result = count_night(night, open_source, progress)
        except NothingReadError as error:
            console.fail_run(str(error), error.failed.values(), region.kinds_of(error.failed))
            return NOTHING
    console.show_dry_run(night.settings, result)
    return WHOLE if result.is_whole else PARTIAL


def days_asked(
    settings: Settings, today: date, first: datetime | None, last: datetime | None
) -> DayRange:
    """Return the days of ``--from`` and ``--to``; one alone leaves the other at the window's end.

    Raises:
        click.UsageError: they cross, or lie beyond what can be kept or read.
    """
    default = default_range(settings, today)
    first_date = first.date() if first else default.first_date
    last_date = last.date() if last else default.last_date
    if first_date > last_date:
        raise click.UsageError(_crossed(first_date, last_date, first, last))
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


def _crossed(
    first_date: date, last_date: date, first: datetime | None, last: datetime | None
) -> str:
    if first is None:
        return f"--to {last_date} is before {first_date}, where the window begins; give --from too"
    if last is None:
        return f"--from {first_date} is after {last_date}, where the window ends; give --to too"
    return f"--from {first_date} is after --to {last_date}"


def _code_of(facts: RunFacts) -> int:
    if not facts.is_success:
        # The page is the last step: without it, rows and database have landed all the same.
        return PARTIAL if facts.database else NOTHING
    return PARTIAL if facts.failed_rooms else WHOLE


@click.command()
@with_config
@with_region
@click.option(
    "--month",
    type=click.DateTime(formats=["%Y-%m"]),
    metavar="YYYY-MM",
    help="Default: the last month that is over and read.",
)
@click.option("--show", "is_shown", is_flag=True, help="Print the mail; send nothing.")
def mail(config: Path, region: Region, month: datetime | None, is_shown: bool) -> int:
    """Send a month of a region by mail to the addresses of reports: in the configuration.

    The night of the first does it by itself.
    """
    settings = settings_of(config, region)
    if settings.reports is None and not is_shown:
        raise click.UsageError(f"{config}: reports: is missing; say there whom the mail goes to")
    made = monthly_mail(settings, region, month.date() if month else None)
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
