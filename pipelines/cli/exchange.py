"""``insights check`` and ``compare-sources``, which read Exchange and store nothing.

A comparison is printed as rooms, dates, column names and counts, never a value.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from pipelines.channels import try_channels
from pipelines.check.run import run_check
from pipelines.cli import (
    DATE,
    FILE,
    NOTHING,
    WHOLE,
    console,
    settings_of,
    with_region,
    with_regions,
)
from pipelines.cli.console import show_remedies
from pipelines.compare import Comparison, DayDifference, compare, pairs_of
from pipelines.night import today_in
from pipelines.settings import MOST_DAYS, RegionSettings
from pipelines.sources import DayRange
from pipelines.sources.session import open_source
from pipelines.texts import counted
from transforms.contract import Region

_SHOWN: Final = 40
_KNOWN: Final = {
    "headcount_is_lower_bound": "Graph does not tell a distribution list from a person",
    "created_at": "Graph gives none with headcount: false",
    "is_online": "EWS may leave it out",
}
_ALONE: Final = (
    "only one way: a booking that was made, moved or deleted between the two readings, or one of "
    "all day by an organizer half the world away; see docs/graph.md"
)


@click.command()
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
    """Say of each exchange and each room whether it can be read, or what mends it.

    Alerts and reports are tried too: the channel is reached, and nothing is sent.
    """
    settings = settings_of(config, region, is_seeding=write_rooms is not None)
    is_well = run_check(
        settings,
        [region] if region else list(settings.regions),
        is_json=is_json,
        calendar_processing=calendar_processing,
        write_rooms_to=write_rooms,
    )
    channels = try_channels(settings.alerts, settings.reports)
    for name, error_code in channels.items():
        state = "can be reached" if error_code is None else f"{error_code}; mend {name} in {config}"
        click.echo(f"{name}: {state}", err=is_json)
    return WHOLE if is_well and not any(channels.values()) else NOTHING


@click.command()
@with_region
@click.option("--from", "first", type=DATE, help="First local day; default: 30 days ago.")
@click.option("--to", "last", type=DATE, help="Last local day; default: yesterday.")
@click.option("--with", "with_exchange", help="The exchange to read every room over too.")
def compare_sources(
    config: Path,
    region: Region,
    first: date | None,
    last: date | None,
    with_exchange: str | None,
) -> int:
    """Read a region's rooms over EWS and over Graph, store nothing, say which rows differ."""
    settings = settings_of(config, region)
    today = today_in(settings, region, datetime.now(UTC))
    first_date = first or today - timedelta(days=30)
    last_date = last or max(first_date, today - timedelta(days=1))
    if first_date > last_date:
        raise click.UsageError(f"--from {first_date} is after --to {last_date}")
    for option, day in (("--from", first_date), ("--to", last_date)):
        if abs((day - today).days) > MOST_DAYS:
            raise click.UsageError(f"{option} {day} is more than {MOST_DAYS} days from today")
    day_range = DayRange(first_date, last_date)
    of_region = settings.regions[region]
    pairs = pairs_of(of_region, with_exchange)
    with console.RunProgress(Console(stderr=True)) as progress:
        comparison = compare(of_region, pairs, day_range, open_source, progress)
    show_comparison(of_region, day_range, comparison)
    return NOTHING if comparison.differences or comparison.failed else WHOLE


def show_comparison(settings: RegionSettings, day_range: DayRange, comparison: Comparison) -> None:
    """Print the differences, the failures with their remedies, and the totals."""
    region = settings.region
    differences = sorted(comparison.differences, key=lambda each: (each.pair.room_id, each.day))
    for difference in differences[:_SHOWN]:
        click.echo(
            f"{region} {difference.pair.room_id} {difference.day}: {', '.join(_said(difference))}"
        )
    if len(differences) > _SHOWN:
        click.echo(f"{region}: {len(differences) - _SHOWN} more days differ")
    codes, kinds = set(), set()
    for room_id, failed in sorted(comparison.failed.items()):
        codes |= set(failed.values())
        kinds |= {settings.exchanges[name].kind for name in failed}
        codes_shown = ", ".join(f"{code} over {name}" for name, code in sorted(failed.items()))
        click.echo(f"{region} {room_id}: not compared, {codes_shown}")
    show_remedies(codes, kinds)
    columns: Counter[str] = Counter()
    for each in differences:
        columns.update(each.columns)
    for name in sorted(set(columns) & set(_KNOWN)):
        click.echo(f"{name}: {_KNOWN[name]}; see docs/graph.md")
    if any(each.only_own or each.only_other for each in differences):
        click.echo(_ALONE)
    counts = ", ".join(f"{name} {count:,}" for name, count in columns.most_common())
    alone = sum(each.only_own + each.only_other for each in differences)
    click.echo(
        f"{region}: {comparison.rooms} of {comparison.rooms + len(comparison.failed)} rooms "
        f"compared, {day_range.first_date} to {day_range.last_date}: "
        f"{comparison.equal_rows:,} rows equal, {sum(each.rows for each in differences):,} differ"
        + (f" ({counts})" if counts else "")
        + f", {alone:,} only one way"
    )


def _said(difference: DayDifference) -> Iterator[str]:
    if difference.rows:
        columns = ", ".join(sorted(difference.columns))
        verb = "differs" if difference.rows == 1 else "differ"
        yield f"{counted(difference.rows, 'row')} {verb} in {columns}"
    if difference.only_own:
        yield f"{counted(difference.only_own, 'row')} only over {difference.pair.own}"
    if difference.only_other:
        yield f"{counted(difference.only_other, 'row')} only over {difference.pair.other}"
