"""``insights check`` and ``compare-sources``: questions to Exchange that store nothing.

Belongs here: their options and exit codes.
Does not belong here: asking (``pipelines/check``, ``compare.py``).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from pipelines.check.run import Options, run_check
from pipelines.cli import console
from pipelines.cli.compare_view import show_comparison
from pipelines.cli.options import (
    DATE,
    FILE,
    NOTHING,
    WHOLE,
    settings_of,
    with_config,
    with_region,
    with_regions,
)
from pipelines.compare import compare, pairs_of
from pipelines.night import DayRange, today_in
from pipelines.settings.keys import MOST_DAYS
from pipelines.sources.factory import open_source
from transforms.contract import Region


@click.command()
@with_config
@with_regions
@click.option("--json", "is_json", is_flag=True, help="A line an exchange and a room, as JSON.")
@click.option(
    "--calendar-processing",
    type=FILE,
    help="CSV of Get-CalendarProcessing: also say which figures cannot be trusted.",
)
@click.option("--write-rooms", type=FILE, help="Seed this room directory from the room lists.")
def check(
    config: Path,
    region: Region | None,
    is_json: bool,
    calendar_processing: Path | None,
    write_rooms: Path | None,
) -> int:
    """Say of each exchange and each room whether it can be read, or what mends it."""
    settings = settings_of(config, region, is_seeding=write_rooms is not None)
    options = Options(is_json, calendar_processing, write_rooms)
    return run_check(settings, [region] if region else list(settings.regions), options)


@click.command()
@with_config
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: 30 days ago.")
@click.option("--to", "last", type=DATE, help="Last local day; default: yesterday.")
@click.option("--with", "with_exchange", help="The exchange to read every room over too.")
def compare_sources(
    config: Path,
    region: Region,
    first: datetime | None,
    last: datetime | None,
    with_exchange: str | None,
) -> int:
    """Read a region's rooms over EWS and over Graph, store nothing, say which rows differ."""
    settings = settings_of(config, region)
    today = today_in(settings, region, datetime.now(UTC))
    first_date = first.date() if first else today - timedelta(days=30)
    last_date = last.date() if last else max(first_date, today - timedelta(days=1))
    if first_date > last_date:
        raise click.UsageError(f"--from {first_date} is after --to {last_date}")
    for option, day in (("--from", first_date), ("--to", last_date)):
        if abs((day - today).days) > MOST_DAYS:
            raise click.UsageError(f"{option} {day} is more than {MOST_DAYS} days from today")
    day_range = DayRange(first_date, last_date)
    of_region = settings.regions[region]
    pairs = pairs_of(of_region, with_exchange)
    with console.RunProgress(Console(stderr=True)) as progress:
        progress.start(region, 2 * len(pairs))
        comparison = compare(of_region, pairs, day_range, open_source, progress.advance)
    show_comparison(region, day_range, comparison)
    return WHOLE if comparison.is_equal else NOTHING
