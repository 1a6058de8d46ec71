"""``insights privacy-report``: the record of processing of one region, on one page.

Belongs here: what the record says, taken from the configuration, the contract and the lake as
it is.
Does not belong here: how a page is written (``page.py``), who may read what is stored
(``storage.py``), where columns come from (``transforms/origins.py``).

Words: rows of single bookings are *pseudonymous*; only suppressed aggregates are *anonymous*.
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.night import today_in
from pipelines.privacy.page import Section, Table
from pipelines.privacy.proof_result import code_version, is_outdated, read_result
from pipelines.privacy.storage import storage
from pipelines.privacy.text import (
    categories,
    columns,
    limits_of_groups,
    measures,
    rights,
    wording,
)
from pipelines.settings import RegionSettings, Settings
from pipelines.settings.exchange import ExchangeSettings
from transforms.contract import CONTRACT_VERSION, Region
from transforms.origins import READ_AND_DROPPED
from warehouse.holdings import database_holdings, lake_holdings
from warehouse.lake import Lake
from warehouse.landing import first_day_kept


def record_of_processing(
    settings: Settings, region: Region, config: Path, home: Path, now: datetime
) -> tuple[str, list[Section]]:
    """Return the title and the sections of the record.

    ``home`` is DAGSTER_HOME; ``now`` an aware instant.

    Raises:
        WarehouseError: lake or database cannot be read.
    """
    proof = read_result()
    sections = [
        _processing(settings, region, config, now),
        _sources(settings.regions[region]),
        categories(),
        columns(),
        wording(),
        _retention(settings, region, now),
        _groups(settings, region),
        storage(settings, region, home),
        measures(proof, is_outdated=proof is not None and is_outdated(proof)),
        rights(region),
    ]
    return f"Record of processing: use of meeting rooms, region {region}", sections


def _processing(settings: Settings, region: Region, config: Path, now: datetime) -> Section:
    rooms = len(settings.regions[region].rooms)
    return Section(
        "Processing and purposes",
        [
            (
                f"Made on {now:%Y-%m-%d} from {config.name}, the contract of data "
                f"{CONTRACT_VERSION} and what is stored, by room-insights {code_version()}. "
                f"It covers {rooms} rooms of region {region}."
            ),
            (
                "Purpose: planning rooms. How much of their open time rooms are booked, when they "
                "are short, whether their sizes fit. Not a purpose: the behaviour of single "
                "people; no person, department or sender is a dimension, and presence is not "
                "measured."
            ),
            Table(
                ("To be filled in by the controller", ""),
                [
                    (name, "")
                    for name in ("Controller and contact", "Data protection officer", "Legal basis")
                ],
            ),
        ],
    )


def _sources(region: RegionSettings) -> Section:
    exchanges = [
        (name, exchange.kind, urlsplit(exchange.endpoint).netloc, *_way_in(exchange))
        for name, exchange in region.exchanges.items()
    ]
    asked = (
        "Who is invited is read, counted in memory and dropped."
        if region.headcount
        else "Nobody's name or address is asked for (headcount: false)."
    )
    return Section(
        "Where the data come from",
        [
            (
                "Calendars of room mailboxes, read every night and never written. People "
                f"concerned: organizers and invitees of bookings of these rooms. {asked}"
            ),
            Table(("Exchange", "Protocol", "Server", "Sign-in", "Access"), exchanges),
            Table(
                ("Read and held in memory only", "What for"),
                list(READ_AND_DROPPED.items()) if region.headcount else _without_people(),
            ),
            *_unasked(region),
        ],
    )


def _way_in(exchange: ExchangeSettings) -> tuple[str, str]:
    """Return how an exchange is signed in to, and by what right it is read."""
    if exchange.kind == "graph":
        return "oauth", "Calendars.Read"
    return exchange.auth, exchange.access


def _unasked(region: RegionSettings) -> Iterator[str]:
    kinds = {exchange.kind for exchange in region.exchanges.values()}
    if "ews" in kinds or not region.headcount:
        yield (
            "Subject, body, attachments, location text, categories, names, links to meetings "
            "and extended properties are not asked for. What a server sends unasked is not "
            "kept: rows are built anew from named fields."
        )
    if "graph" in kinds and region.headcount:
        yield (
            "Microsoft Graph sends a whole event, subject, body and location with it, since it "
            "gives an event's creation time in no other way. They are held in memory for as "
            "long as one page is read, and never looked at: rows are built anew from named fields."
        )


def _without_people() -> list[tuple[str, str]]:
    ids = ("ItemId", "ParentFolderId")
    return [(name, use) for name, use in READ_AND_DROPPED.items() if name in ids]


def _retention(settings: Settings, region: Region, now: datetime) -> Section:
    chosen = settings.regions[region]
    kept = first_day_kept(today_in(settings, region, now), settings.retention_months)
    lake = lake_holdings(Lake(chosen.lake, region))
    database = database_holdings(chosen.warehouse, region)
    rows = [
        ("Lake, bookings", _day(lake.first_date), _verdict(lake.first_date, kept)),
        (
            "Lake, coverage",
            _day(lake.oldest_coverage_date),
            _verdict(lake.oldest_coverage_date, kept),
        ),
        (
            f"Database, versions kept: {database.versions}",
            _day(database.oldest_date),
            _verdict(database.oldest_date, kept),
        ),
    ]
    return Section(
        "Retention",
        [
            (
                f"{settings.retention_months} months: days before {kept} are deleted after each "
                "night and looked for again; so are versions of the database that hold such a "
                "day. What disappears from Exchange within the nightly window (the last "
                f"{settings.trailing_days} days and the next {settings.ahead_days}) disappears "
                "here."
            ),
            Table(("Stored", "Oldest day found", "Against the retention"), rows),
            (
                f"The lake holds {lake.bookings:,} bookings up to {_day(lake.last_date)}. The "
                "history of runs holds counts, room ids and error codes; its retention is "
                "Dagster's."
            ),
        ],
    )


def _day(day: date | None) -> str:
    return "nothing stored" if day is None else day.isoformat()


def _verdict(oldest: date | None, kept: date) -> str:
    return "kept" if oldest is None or oldest >= kept else "OVERDUE: run the night, or erase"


def _groups(settings: Settings, region: Region) -> Section:
    chosen = settings.regions[region]
    cells = database_holdings(chosen.warehouse, region).suppressed_cells
    left_out = "nothing is published yet" if cells is None else f"{cells:,} cells are left out now"
    return Section(
        "Small groups",
        [
            (
                f"Measures of behaviour (headcount, size, lead time, outsiders) need at least "
                f"{chosen.minimum_group} bookings in a cell; a further cell is left out where a "
                f"total would give the first away: {left_out}. Rooms of one person (desk, office, "
                f"executive) have no rows of their own in the database and appear in utilization "
                f"only in groups of at least {chosen.minimum_group}."
            ),
            *limits_of_groups(chosen.minimum_group),
        ],
    )
