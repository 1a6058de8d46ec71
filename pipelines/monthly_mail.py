"""The monthly mail: the last closed month of a region, to whom ``reports:`` names.

Belongs here: what the mail holds and when the night sends it: once a month, as soon as the month
before was read whole. Dagster's instance remembers it, like alerts.
Does not belong here: the figures (``warehouse/monthly.py``), their layout
(``templates/month.*.j2``), sending (``alerts/channels.py``).

The figures are of the statistics only: nothing here may not be shown to anybody in the company.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import click
import dagster as dg

from pipelines.alerts.channels import NotSentError, send_mail
from pipelines.settings import Settings
from pipelines.templates import render
from transforms.contract import Region
from warehouse.connect import connect
from warehouse.monthly import Month, read_month
from warehouse.targets import evaluate, month_name

_LAST_DAY_TO_SEND: Final = 7  # a mail configured in mid-month waits for the next one


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is sent."""

    subject: str
    text: str
    html: str


def monthly_mail(settings: Settings, region: Region, first: date | None = None) -> Mail | None:
    """Return the mail of the month that begins on ``first`` (default: the last closed one).

    None where there is no such month yet.

    Raises:
        VersionError: nothing was published yet.
    """
    chosen = settings.regions[region]
    month = read_month(region, chosen.warehouse, first)
    if month is None:
        return None
    with connect(region, warehouse=chosen.warehouse) as connection:
        targets = evaluate(connection, chosen.targets, month.last_date)
    name = month_name(month.first_date)
    values: dict[str, Any] = {
        "month": month,
        "name": name,
        "missed": [result for result in targets if result.is_missed],
        "kept": [result for result in targets if not result.is_missed],
    }
    return Mail(
        subject=f"[room-insights] {region}: meeting rooms in {name}",
        text=render("month.txt.j2", **values),
        html=render("month.html.j2", is_html=True, **values),
    )


def send_if_due(
    instance: dg.DagsterInstance, settings: Settings, region: Region, today: date
) -> None:
    """Send the mail of the month that just ended, if that was not done before.

    Nothing here raises: a mail that fails is one line on stderr, and the next night tries again.
    """
    if settings.reports is None or today.day > _LAST_DAY_TO_SEND:
        return
    try:
        _send_once(instance, settings, region, today)
    except Exception as error:  # noqa: BLE001 - whatever it is, the night is over and published
        _warn(region, f"failed ({type(error).__name__})")


def _send_once(
    instance: dg.DagsterInstance, settings: Settings, region: Region, today: date
) -> None:
    month = read_month(region, settings.regions[region].warehouse)
    if settings.reports is None or month is None or not _has_just_ended(month, today):
        return
    key, about = dg.AssetKey([region.lower(), "mail"]), month.first_date.isoformat()
    for record in instance.fetch_observations(key, limit=1).records:
        observed = record.asset_observation
        if observed is not None and observed.metadata["month"].value == about:
            return
    mail = monthly_mail(settings, region)
    if mail is None:
        return
    try:
        send_mail(settings.reports, mail.subject, mail.text, mail.html)
    except NotSentError as error:
        _warn(region, f"was not sent ({error})")
        if not error.is_partly_sent:
            return
    observation = dg.AssetObservation(key, mail.subject, metadata={"month": about})
    instance.report_runless_asset_event(observation)


def _has_just_ended(month: Month, today: date) -> bool:
    return (today.replace(day=1) - month.last_date).days == 1


def _warn(region: Region, text: str) -> None:
    click.echo(f"warning: {region}: the monthly mail {text}", err=True)
