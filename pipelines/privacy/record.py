"""The record of processing of one region: its facts, from configuration, contract and disk.

Belongs here: what the record states. Its prose is ``pipelines/templates/record.j2``.
Does not belong here: where columns come from (``transforms``), measuring (``warehouse``).

Words: rows of single bookings are *pseudonymous*; only suppressed aggregates are *anonymous*.
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pipelines.launch import is_silent
from pipelines.night import today_in
from pipelines.privacy.proof import (
    AttackResult,
    ProofResult,
    code_version,
    is_outdated,
    read_result,
)
from pipelines.settings import ExchangeSettings, RegionSettings, Settings
from pipelines.templates import render_page
from transforms.contract import (
    CONTRACT_VERSION,
    LAKE,
    READ_AND_DROPPED,
    STATISTICS,
    TABLES,
    Nature,
    Origin,
    Region,
)
from warehouse.holdings import access_to, database_holdings, lake_holdings
from warehouse.lake import Lake
from warehouse.nightly import first_day_kept

SUFFIXES: Final = (".md", ".html")
_USUAL_GROUP: Final = 5
_BOOKINGS: Final = "Database with single bookings, and its tables as Parquet"
_STATISTICS: Final = "Statistics for everybody, and their tables as Parquet"
_WITHOUT_PEOPLE: Final = ("ItemId", "ParentFolderId")


def record_of_processing(  # noqa: PLR0913, PLR0917 - the five things that it is made of, and its form
    settings: Settings, region: Region, config: Path, home: Path, now: datetime, suffix: str
) -> str:
    """Return the record as Markdown or as one HTML file; ``suffix`` is one of ``SUFFIXES``.

    ``home`` is DAGSTER_HOME; ``now`` an aware instant.

    Raises:
        WarehouseError: lake or database cannot be read.
    """
    chosen = settings.regions[region]
    proof, attack = read_result(ProofResult), read_result(AttackResult)
    keeps_no_output, sends_no_telemetry = is_silent(home)
    kept = first_day_kept(today_in(settings, region, now), settings.retention_months)
    lake = lake_holdings(Lake(chosen.lake, region))
    database = database_holdings(chosen.warehouse, region)
    stored = (
        ("Lake, bookings", lake.first_date),
        ("Lake, coverage", lake.oldest_coverage_date),
        ("Lake, changes", lake.oldest_changes_date),
        (f"Database, versions kept: {database.versions}", database.oldest_date),
    )
    folders = _folders(chosen, home)
    of_bookings, of_statistics = (access_to(folders[name]) for name in (_BOOKINGS, _STATISTICS))
    return render_page(
        "record.j2",
        is_html=suffix == ".html",
        settings=settings,
        region=region,
        chosen=chosen,
        config=config.name,
        made_on=now.date(),
        contract_version=CONTRACT_VERSION,
        code_version=code_version(),
        exchanges=[_exchange(name, each) for name, each in chosen.exchanges.items()],
        kinds={exchange.kind for exchange in chosen.exchanges.values()},
        read_and_dropped=_read_and_dropped(chosen),
        natures=list(_natures()),
        columns=list(_columns()),
        kept_from=kept,
        stored=[(name, _day(oldest), _verdict(oldest, kept)) for name, oldest in stored],
        lake=lake,
        last_day=_day(lake.last_date),
        suppressed_cells=database.suppressed_cells,
        usual_group=_USUAL_GROUP,
        sharing=_sharing_an_account(settings, region),
        keeps_no_output=keeps_no_output,
        sends_no_telemetry=sends_no_telemetry,
        receivers=_receivers(settings),
        access=[_access(name, path) for name, path in folders.items()],
        shared_group=of_bookings
        and of_statistics
        and of_bookings.group == of_statistics.group
        and of_statistics.group,
        proof=proof,
        is_proof_outdated=proof is not None and is_outdated(proof),
        attack=attack,
        is_attack_outdated=attack is not None and is_outdated(attack),
    )


def _exchange(name: str, exchange: ExchangeSettings) -> tuple[str, ...]:
    """Return how an exchange is signed in to, and by what right it is read."""
    server = urlsplit(exchange.endpoint).netloc
    if exchange.kind == "graph":
        return name, exchange.kind, server, "oauth", "Calendars.Read"
    return name, exchange.kind, server, exchange.auth, exchange.access


def _read_and_dropped(region: RegionSettings) -> list[tuple[str, str]]:
    return [
        (name, use)
        for name, use in READ_AND_DROPPED.items()
        if region.headcount or name in _WITHOUT_PEOPLE
    ]


def _natures() -> Iterator[tuple[str, ...]]:
    for layer, tables in (("lake", LAKE), ("database", TABLES)):
        for name, table in tables.items():
            is_shown = "yes" if layer == "database" and name in STATISTICS else "no"
            yield layer, name, table.nature, table.reason, is_shown


def _columns() -> Iterator[tuple[str, ...]]:
    """Yield the columns that are alike in one row, with the tables that have any of them."""
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


def _verdict(oldest: date | None, kept: date) -> str:
    return "kept" if oldest is None or oldest >= kept else "OVERDUE: run the night, or erase"


def _sharing_an_account(settings: Settings, region: Region) -> list[Region]:
    """Return the regions that sign in as this one does, as far as this process may know."""
    ours = _signed_in_as(settings.regions[region])
    others = {name: each for name, each in settings.regions.items() if name != region}
    return [name for name, each in others.items() if ours & _signed_in_as(each)]


def _signed_in_as(region: RegionSettings) -> set[tuple[str | None, ...]]:
    return {
        (exchange.tenant_id, exchange.client_id)
        if exchange.kind == "graph" or exchange.auth == "oauth"
        else (urlsplit(exchange.endpoint).hostname, (exchange.username or "").casefold())
        for exchange in region.exchanges.values()
    }


def _receivers(settings: Settings) -> list[str]:
    alerts = settings.alerts
    webhook, email = (alerts.webhook, alerts.email) if alerts else (None, None)
    return [
        *([urlsplit(webhook.url or "").hostname or "a webhook"] if webhook else []),
        *([f"{len(email.recipients)} mail addresses by way of {email.host}"] if email else []),
    ]


def _folders(region: RegionSettings, home: Path) -> dict[str, Path]:
    return {
        "Lake": region.lake,
        _BOOKINGS: region.warehouse / "versions",
        _STATISTICS: region.warehouse / "statistics",
        "Warehouse, with the page and all of the above but the lake": region.warehouse,
        "History of runs": home,
    }


def _access(name: str, path: Path) -> tuple[str, ...]:
    access = access_to(path)
    if access is None:
        return name, str(path), "-", "-", "-", "nothing stored"
    rights = access.widest + (" READABLE BY EVERYBODY" if access.is_world_readable else "")
    size = f"{access.files:,} files, {access.size_bytes / 1e6:,.1f} MB"
    return name, str(path), access.owner, access.group, rights, size
