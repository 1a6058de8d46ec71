"""``insights mail``: the last closed month of a region to whom ``reports:`` names."""

from datetime import datetime
from pathlib import Path

import click

from pipelines.alerts.channels import NotSentError, send_mail
from pipelines.cli.console import fail
from pipelines.cli.options import NOTHING, WHOLE, settings_of, with_config, with_region
from pipelines.monthly_mail import monthly_mail
from pipelines.words import counted
from transforms.contract import Region


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
        asked = f"{month:%Y-%m} is not over, or was not" if month else "no month that is over was"
        fail([f"{region}: {asked} read; nothing was sent"])
        return NOTHING
    if is_shown or settings.reports is None:
        click.echo(f"{made.subject}\n\n{made.text}", nl=False)
        return WHOLE
    try:
        send_mail(settings.reports, made.subject, made.text, made.html)
    except NotSentError as error:
        fail([f"{region}: the mail was not sent ({error})"])
        return NOTHING
    to = counted(len(settings.reports.recipients), "recipient")
    click.echo(f"{region}: sent '{made.subject}' to {to}")
    return WHOLE
