"""Who receives what is stored, where it lies and who may read it: as the disk says it now.

Belongs here: that section of the record of processing.
Does not belong here: the other sections (``report.py``), measuring (``warehouse/holdings.py``).
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.launch import is_silent
from pipelines.privacy.page import Section, Table
from pipelines.settings import RegionSettings, Settings
from transforms.contract import Region
from warehouse.holdings import access_to


def storage(settings: Settings, region: Region, home: Path) -> Section:
    """Return who receives the data, where they lie, and who may read them."""
    chosen = settings.regions[region]
    places = (("Lake", chosen.lake), ("Database", chosen.warehouse), ("History of runs", home))
    rows = [row for name, path in places for row in _access_rows(name, path)]
    return Section(
        "Recipients, region and storage",
        [
            (
                f"Recipients: operators and analysts of region {region} who may read these "
                "folders, and whoever they give extracts to. No row is sent to anybody else: the "
                "program speaks to the servers above only. Each region has its own folders and "
                f"database; none reads another's. {_accounts(settings, region)}"
            ),
            _history(home),
            _alerts(settings),
            Table(("What", "Where", "Owner", "Group", "Widest rights", "Size"), rows),
        ],
    )


def _accounts(settings: Settings, region: Region) -> str:
    """Say whether the region signs in as nobody else does, as far as this process may know."""
    ours = _signed_in_as(settings.regions[region])
    sharing = [
        other
        for other, theirs in settings.regions.items()
        if other != region and ours & _signed_in_as(theirs)
    ]
    if sharing:
        return (
            f"{region} SHARES AN ACCOUNT WITH REGION {', '.join(sharing)}: give each region one "
            "of its own, scoped to the region's rooms."
        )
    if len(settings.regions) == 1:
        return "No other region is loaded that could share its account."
    return f"{region} signs in with an account of its own."


def _signed_in_as(region: RegionSettings) -> set[tuple[str | None, ...]]:
    return {
        (exchange.tenant_id, exchange.client_id)
        if exchange.kind == "graph" or exchange.auth == "oauth"
        else (urlsplit(exchange.endpoint).hostname, (exchange.username or "").casefold())
        for exchange in region.exchanges.values()
    }


def _history(home: Path) -> str:
    keeps_nothing, tells_nobody = is_silent(home)
    output = (
        "Dagster keeps no output of runs."
        if keeps_nothing
        else "DAGSTER MAY KEEP THE OUTPUT OF RUNS: set compute_logs in dagster.yaml to "
        "NoOpComputeLogManager."
    )
    telemetry = (
        "Its telemetry is off."
        if tells_nobody
        else "ITS TELEMETRY IS ON: set telemetry.enabled in dagster.yaml to false."
    )
    return f"{output} {telemetry}"


def _alerts(settings: Settings) -> str:
    alerts = settings.alerts
    if alerts is None:
        return "Nobody is told of failed nights by mail or webhook (no alerts)."
    webhook, email = alerts.webhook, alerts.email
    receivers = [
        *([urlsplit(webhook.url or "").hostname or "a webhook"] if webhook else []),
        *([f"{len(email.recipients)} mail addresses by way of {email.host}"] if email else []),
    ]
    told = " and ".join(receivers)
    return f"Alerts of failed nights go to {told}: counts, dates, room ids and error codes only."


def _access_rows(name: str, path: Path) -> Iterator[tuple[str, ...]]:
    access = access_to(path)
    if access is None:
        yield name, str(path), "-", "-", "-", "nothing stored"
        return
    rights = access.widest + (" READABLE BY EVERYBODY" if access.is_world_readable else "")
    size = f"{access.files:,} files, {access.size_bytes / 1e6:,.1f} MB"
    yield name, str(path), access.owner, access.group, rights, size
