"""The record of processing of one region: its facts, from configuration, contract and disk.

Its prose is ``templates/record.j2``. The privacy proof and the attack, which are tests, store their
counts in the checkout, for the record to show. Rows of single bookings are *pseudonymous*; only
suppressed aggregates are *anonymous*.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click
from pydantic import TypeAdapter, ValidationError

from pipelines.cli import FILE, WHOLE, settings_of, with_region
from pipelines.history import dagster_home, history_server, is_silent
from pipelines.night import today_in
from pipelines.settings import RegionSettings, Settings
from pipelines.texts import render_page
from transforms.contract import CONTRACT_VERSION, Nature, Origin, Region
from transforms.contract.database import STATISTICS, TABLES
from transforms.contract.lake import LAKE, READ_AND_DROPPED
from transforms.local_time import first_day_kept
from warehouse.connect import connect
from warehouse.holdings import access_to, oldest_dates
from warehouse.inputs import code_version
from warehouse.lake import Lake
from warehouse.nightly import bookings_that_run_on
from warehouse.storage import Location, ObjectUrl

_ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("pipelines", "transforms", "warehouse")
_USUAL_GROUP: Final = 5
_BOOKINGS: Final = "Database with single bookings, and its tables as Parquet"
_STATISTICS: Final = "Statistics for everybody, and their tables as Parquet"
_SUPPRESSED: Final = "SELECT suppressed_cells FROM build_info"
_WITHOUT_PEOPLE: Final = ("ItemId", "ParentFolderId")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofResult:
    """What a privacy proof planted, ran, searched and found: counts only.

    ``surprises`` are nights that did not end as expected, so they prove nothing.
    """

    proved_at: datetime
    code_version: str = field(default_factory=code_version)
    tokens: int
    places: int
    fields: int
    nights: int
    files: int
    bytes_searched: int
    findings: int
    surprises: int

    @property
    def is_proved(self) -> bool:
        """Whether it planted and searched, all nights ended as expected, and nothing was found."""
        return min(self.tokens, self.files) > 0 and self.findings == self.surprises == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackResult:
    """What the attacker on the statistics was tried on, and what it found: counts only.

    It was tried on ``regions``, the largest with ``rooms`` rooms over ``nights`` nights. ``tried``
    counts the hidden counts and differences of totals that it tried to narrow, ``found`` those that
    it narrowed to less than the minimum group allows.
    """

    proved_at: datetime
    code_version: str = field(default_factory=code_version)
    regions: int
    rooms: int
    nights: int
    tried: int
    found: int

    @property
    def is_proved(self) -> bool:
        """Whether the attacker tried anything, and found nothing."""
        return self.tried > 0 == self.found


_Result = TypeVar("_Result", ProofResult, AttackResult)
RESULT_FILES: Final[Mapping[type, Path]] = {
    ProofResult: _ROOT / ".privacy-proof.json",
    AttackResult: _ROOT / ".statistics-attack.json",
}


def write_result(result: ProofResult | AttackResult, path: Path | None = None) -> None:
    """Store the result of a proof or an attack."""
    kind = type(result)
    (path or RESULT_FILES[kind]).write_bytes(TypeAdapter(kind).dump_json(result, indent=2))


def read_result(kind: type[_Result], path: Path | None = None) -> _Result | None:
    """Return the last result of a kind; None if it is missing or unreadable."""
    try:
        return TypeAdapter(kind).validate_json((path or RESULT_FILES[kind]).read_bytes())
    except (OSError, ValidationError):
        return None


def is_outdated(result: ProofResult | AttackResult) -> bool:
    """Return whether any file of the program changed after the result."""
    files = (path for name in _PACKAGES for path in (_ROOT / name).rglob("*.[ps][yq]*"))
    latest = max(path.stat().st_mtime for path in files if path.suffix in {".py", ".sql"})
    return datetime.fromtimestamp(latest, UTC) > result.proved_at


@click.command()
@with_region
@click.option("--out", type=FILE, help="FILE.html or .md.")
def privacy_report(config: Path, region: Region, out: Path | None) -> int:
    """Write the record of processing of a region, for the data protection officer."""
    suffix = out.suffix.lower() if out else ".md"
    if suffix not in (".md", ".html"):
        raise click.UsageError(f"--out {out}: end the name in .html or .md")
    settings, home, now = settings_of(config, region), dagster_home(config), datetime.now(UTC)
    proof, attack = read_result(ProofResult), read_result(AttackResult)
    keeps_no_output, sends_no_telemetry = is_silent(home)
    record = render_page(
        "record.j2",
        is_html=suffix == ".html",
        settings=settings,
        region=region,
        chosen=settings.regions[region],
        config=config.name,
        made_on=now.date(),
        contract_version=CONTRACT_VERSION,
        code_version=code_version(),
        natures=[
            (layer, name, table.nature, table.reason, "yes" if name in shown else "no")
            for layer, tables, shown in (("lake", LAKE, ()), ("database", TABLES, STATISTICS))
            for name, table in tables.items()
        ],
        columns=list(_columns()),
        usual_group=_USUAL_GROUP,
        keeps_no_output=keeps_no_output,
        sends_no_telemetry=sends_no_telemetry,
        history_server=history_server(home),
        proof=proof,
        is_proof_outdated=proof is not None and is_outdated(proof),
        attack=attack,
        is_attack_outdated=attack is not None and is_outdated(attack),
        **_of_settings(settings, region),
        **_of_stores(settings, region, home, now),
    )
    if out:
        aside = out.with_name(f".{out.name}")  # a disk that is full leaves the old one whole
        aside.write_text(record, encoding="utf-8")
        aside.replace(out)
    click.echo(f"{region}: record of processing in {out}" if out else record)
    return WHOLE


def _of_settings(settings: Settings, region: Region) -> dict[str, Any]:
    """Return how to sign in to exchanges, the right to read them, and who receives alerts."""
    chosen, alerts = settings.regions[region], settings.alerts
    webhook, email = (alerts.webhook, alerts.email) if alerts else (None, None)
    ours = _signed_in_as(chosen)
    return {
        "exchanges": [
            (name, each.kind, urlsplit(each.endpoint).netloc, each.auth, each.access)
            for name, each in chosen.exchanges.items()
        ],
        "kinds": {exchange.kind for exchange in chosen.exchanges.values()},
        "read_and_dropped": [
            (name, use)
            for name, use in READ_AND_DROPPED.items()
            if chosen.headcount or name in _WITHOUT_PEOPLE
        ],
        # Only regions that this process loads are known here.
        "sharing": [
            name
            for name, each in settings.regions.items()
            if name != region and ours & _signed_in_as(each)
        ],
        "receivers": [
            *([urlsplit(webhook.url or "").hostname or "a webhook"] if webhook else []),
            *([f"{len(email.recipients)} mail addresses by way of {email.host}"] if email else []),
        ],
    }


def _of_stores(settings: Settings, region: Region, home: Path, now: datetime) -> dict[str, Any]:
    """Return what is stored, since when, and who may read it."""
    chosen = settings.regions[region]
    kept = first_day_kept(today_in(settings, region, now), settings.retention_months)
    lake = Lake(chosen.lake, region)
    days, running = lake.days("bookings"), bookings_that_run_on(lake, kept)
    # A booking that still runs on the first day kept is kept with it (R10).
    of_past = [day for day in days if day < kept]
    runs_on = bool(of_past) and all(
        day in running and running[day][0] == running[day][1].num_rows for day in of_past
    )
    oldest, suppressed = oldest_dates(chosen.warehouse, region), None
    if oldest:
        with connect(region, warehouse=chosen.warehouse, bookings=True) as connection:
            (suppressed,) = connection.execute(_SUPPRESSED).fetchone() or (None,)
    dates = {
        "Lake, bookings": days,
        "Lake, coverage": lake.days("coverage"),
        "Lake, changes": lake.days("changes"),
        f"Database, versions kept: {len(oldest)}": [day for day in oldest if day],
    }
    stored = [(name, min(of_name, default=None)) for name, of_name in dates.items()]
    folders = {
        "Lake": chosen.lake,
        _BOOKINGS: chosen.warehouse / "versions",
        _STATISTICS: chosen.warehouse / "statistics",
        "Warehouse, with the page and all of the above but the lake": chosen.warehouse,
        "History of runs": home,
    }
    of_bookings, of_statistics = (access_to(folders[name]) for name in (_BOOKINGS, _STATISTICS))
    overdue = "OVERDUE: run the night, or erase"
    verdicts = {"Lake, bookings": f"kept: still running on {kept}"} if runs_on else {}
    return {
        "kept_from": kept,
        "stored": [
            (
                name,
                _day(first),
                "kept" if first is None or first >= kept else verdicts.get(name, overdue),
            )
            for name, first in stored
        ],
        "bookings": lake.count("bookings"),
        "last_day": _day(max(days, default=None)),
        "suppressed_cells": suppressed,
        "stores": [
            str(each) for each in (chosen.lake, chosen.warehouse) if isinstance(each, ObjectUrl)
        ],
        "access": [_access(name, path) for name, path in folders.items()],
        "shared_group": of_bookings
        and of_statistics
        and of_bookings.group == of_statistics.group
        and of_statistics.group,
    }


def _columns() -> Iterator[tuple[str, ...]]:
    """Yield one row for all columns of one nature and origin, with the tables that have any."""
    alike: dict[tuple[Nature, Origin], dict[str, list[str]]] = {}
    for layer, tables in (("lake ", LAKE), ("", TABLES)):
        for name, table in tables.items():
            for column in table:
                names = alike.setdefault((column.nature, column.origin), {})
                names.setdefault(column.name, []).append(f"{layer}{name}")
    for (nature, origin), names in alike.items():
        places = ", ".join(dict.fromkeys(place for each in names.values() for place in each))
        yield ", ".join(names), places, ", ".join(origin.fields) or "-", nature, origin.reason


def _day(day: date | None) -> str:
    return "nothing stored" if day is None else day.isoformat()


def _signed_in_as(region: RegionSettings) -> set[tuple[str | None, ...]]:
    return {
        (exchange.tenant_id, exchange.account)
        if exchange.auth == "oauth"
        else (urlsplit(exchange.endpoint).hostname, (exchange.account or "").casefold())
        for exchange in region.exchanges.values()
    }


def _access(name: str, path: Location) -> tuple[str, ...]:
    if not isinstance(path, Path):
        return name, str(path), "-", "-", "the cloud's own policies say", "-"
    access = access_to(path)
    if access is None:
        return name, str(path), "-", "-", "-", "nothing stored"
    rights = access.widest + (" READABLE BY EVERYBODY" if access.is_world_readable else "")
    size = f"{access.files:,} files, {access.size_bytes / 1e6:,.1f} MB"
    return name, str(path), access.owner, access.group, rights, size
