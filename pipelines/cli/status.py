"""``insights status``: how each region is, and what to do; what a monitoring system asks."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from pipelines.cli.options import NOTHING, WHOLE, settings_of, with_config, with_regions
from pipelines.launch import dagster_home
from pipelines.sources.remedies import remedy_for
from pipelines.status import Status, status_of
from pipelines.words import counted
from transforms.contract import Region


@click.command()
@with_config
@with_regions
@click.option("--json", "is_json", is_flag=True, help="A list of regions, as JSON.")
def status(config: Path, region: Region | None, is_json: bool) -> int:
    """Say when each region was last read, how old its figures are, and what to do.

    Exits 1 if a region's figures are stale: nothing was read for alerts.stale_after_hours (30).
    """
    settings = settings_of(config, region)
    home, now = dagster_home(config), datetime.now(UTC)
    regions = [region] if region else list(settings.regions)
    found = [status_of(settings, each, home, now) for each in regions]
    if is_json:
        click.echo(json.dumps([_as_json(each) for each in found], indent=2))
    else:
        for each in found:
            click.echo("\n".join(_lines(each)))
    return NOTHING if any(each.is_stale for each in found) else WHOLE


def _lines(status: Status) -> Iterator[str]:
    age = "never read" if status.age is None else f"read {_hours(status)} ago"
    yield f"{status.region}: {'STALE, ' if status.is_stale else ''}{age}"
    run = status.last_run
    if run is None:
        yield "  last run    none in the history"
    else:
        why = f" ({run.error_code})" if run.error_code else ""
        yield f"  last run    {run.started_at:%Y-%m-%d %H:%M} UTC, {run.state}{why}"
    if status.first_date is not None:
        yield f"  rooms       {status.rooms_loaded} of {status.rooms_expected} read"
        yield f"  days read   {status.first_date} to {status.last_date}"
    if status.built_at is not None:
        through = status.data_through or "no day yet"
        yield f"  database    built {status.built_at:%Y-%m-%d %H:%M} UTC, data through {through}"
    free = ", ".join(f"{name} {size / 1e9:,.1f} GB" for name, size in status.free_bytes.items())
    yield f"  free disk   {free}"
    for line in _to_do(status):
        yield f"  to do       {line}"


def _to_do(status: Status) -> Iterator[str]:
    run, region = status.last_run, status.region
    if run is not None and run.state == "failed":
        yield run.error or "the run failed in Dagster; its UI has the step that failed"
        if status.is_stale:
            yield f"run 'insights check --region {region}', then 'insights run --region {region}'"
    elif status.is_stale:
        yield (
            f"see whether the nightly run starts (its schedule in Dagster, or cron), "
            f"or run 'insights run --region {region}'"
        )
    for code, rooms in status.failed_by_code.items():
        yield f"{counted(rooms, 'room')}: {code}: {remedy_for(code)}"
    if status.is_behind:
        yield f"the database is older than what was read: run 'insights publish --region {region}'"
    if status.is_disk_short:
        yield "less than 5 % of a disk is free: make room, or lower keep_versions"


def _as_json(status: Status) -> dict[str, object]:
    run = status.last_run
    return {
        "region": status.region,
        "is_stale": status.is_stale,
        "age_hours": None if status.age is None else round(status.age.total_seconds() / 3600, 2),
        "last_read_at": _iso(status.last_read_at),
        "last_run": run
        and {
            "state": run.state,
            "started_at": run.started_at.isoformat(),
            "error_code": run.error_code,
        },
        "rooms_expected": status.rooms_expected,
        "rooms_loaded": status.rooms_loaded,
        "failed_by_code": dict(status.failed_by_code),
        "first_date": _iso(status.first_date),
        "last_date": _iso(status.last_date),
        "data_through": _iso(status.data_through),
        "built_at": _iso(status.built_at),
        "free_bytes": dict(status.free_bytes),
        "to_do": list(_to_do(status)),
    }


def _iso(value: object) -> str | None:
    return None if value is None else value.isoformat()  # type: ignore[attr-defined]


def _hours(status: Status) -> str:
    minutes = int((status.age.total_seconds() if status.age else 0) // 60)
    return counted(minutes, "minute") if minutes < 120 else counted(minutes // 60, "hour")
