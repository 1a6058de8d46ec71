"""``insights erase`` and ``privacy-report``: what a data protection officer asks for.

Belongs here: their options and exit codes.
Does not belong here: the work (``pipelines/privacy``).
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from pipelines.cli.options import DATE, FILE, NOTHING, WHOLE, settings_of, with_config, with_region
from pipelines.history import dagster_home
from pipelines.privacy.erase import erase_region, erasure_of
from pipelines.privacy.record import SUFFIXES, record_of_processing
from transforms.contract import Region


@click.command()
@with_config
@with_region
@click.option("--room", "room_id", help="The room_id whose rows are erased.")
@click.option("--from", "first", type=DATE, help="With --room: first local day; default: all.")
@click.option("--to", "last", type=DATE, help="With --room: last local day; default: all.")
@click.option("--before", type=DATE, help="Instead of --room: every day before this one.")
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
    settings = settings_of(config, region)
    receipt = erase_region(settings, region, erasure, datetime.now(UTC), is_dry_run=is_dry_run)
    click.echo(json.dumps(receipt.as_json()) if as_json else "\n".join(receipt.lines()))
    return WHOLE if receipt.is_verified or is_dry_run else NOTHING


@click.command()
@with_config
@with_region
@click.option("--out", type=FILE, help="FILE.html or .md.")
def privacy_report(config: Path, region: Region, out: Path | None) -> int:
    """Write the record of processing of a region, for the data protection officer."""
    suffix = out.suffix.lower() if out else ".md"
    if suffix not in SUFFIXES:
        raise click.UsageError(f"--out {out}: end the name in .html or .md")
    settings = settings_of(config, region)
    home = dagster_home(config)
    now = datetime.now(UTC)
    record = record_of_processing(settings, region, config, home, now, suffix)
    if out:
        out.write_text(record, encoding="utf-8")
    click.echo(f"{region}: record of processing in {out}" if out else record)
    return WHOLE
