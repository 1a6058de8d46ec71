"""Alerts about what went wrong, and a mail about the month that ended: each is sent once.

Belongs here: which finished runs and which silences are worth an alert; the sensors that watch
for them; what the monthly mail holds, and when a night sends it (as soon as a month is closed);
the memory of what was sent, as observations of ``{region}/alerts`` and ``{region}/mail`` on
Dagster's instance: runs and sensors share it, and Dagster's UI shows it.
Does not belong here: sending (``channels.py``), what a run left (``history.py``), the figures of
the mail (``warehouse/summary.py``), which come from the statistics only, and its prose
(``templates/month.txt.j2``).

Sending never raises: an alert or mail that cannot be sent is one line on stderr and never fails
a night.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import click
import dagster as dg

from pipelines.channels import Alert, NotSentError, send, send_mail
from pipelines.history import HistoryError, facts_of, job_name, open_instance
from pipelines.settings import AlertSettings, RegionSettings, Settings, SettingsError
from pipelines.sources import DayRange
from pipelines.texts import render
from transforms.contract import Region
from transforms.local_time import local_date, zone
from warehouse.connect import connect
from warehouse.lake import Lake
from warehouse.summary import Month, read_month
from warehouse.targets import evaluate, month_name, rooms_of_size

NOTIFIES_ITSELF: Final = {"insights/alerts": "of its own"}
"""The tag of a run that sends its own alert; the sensors skip such a run."""

_LOOK_SECONDS: Final = 900
_REMEMBERED: Final = 100
_ANOTHER_RUN: Final = ("LakeBusy", "VersionBusy")
_LAST_DAY_TO_SEND: Final = 7  # reports that are configured in mid-month begin with the next month


def region_sensors(
    settings: Settings, region: Region, clock: Callable[[], datetime]
) -> list[dg.SensorDefinition]:
    """Return the sensors that watch a region's runs; none if no alerts are configured."""
    if settings.alerts is None:
        return []
    own, alerts = settings.regions[region], settings.alerts

    @dg.sensor(
        name=f"{region.lower()}_silence",
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Notifies a person if nothing was read for {alerts.stale_after_hours} hours.",
    )
    def silence(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = clock()
        today = local_date(now, zone(own.time_zone))
        read_at = Lake(own.lake, region).last_read_at(today)
        if read_at is None:
            return dg.SkipReason("nothing was read yet")
        if now - read_at <= timedelta(hours=alerts.stale_after_hours):
            return dg.SkipReason(f"last read at {read_at}")
        if any(each.at > read_at for each in _latest(context.instance, region)):
            return dg.SkipReason(f"last read at {read_at}; a person was notified since")
        alert = Alert(region=region, state="stale", night_date=today, last_read_at=read_at)
        notify(context.instance, alerts, alert)
        return dg.SkipReason(alert.subject)

    def night_ended(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        if run.job_name != job_name(region):
            return dg.SkipReason(f"not a run of {job_name(region)}")
        if run.tags.items() >= NOTIFIES_ITSELF.items():
            return dg.SkipReason("this run sends its own alert")
        notify_of_run(context.instance, alerts, own, run.run_id)
        return None

    of_runs = [
        dg.run_status_sensor(
            run_status=status,
            name=f"{region.lower()}_{word}_night",
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=f"Notifies a person of a {word} night.",
        )(night_ended)
        for status, word in (
            (dg.DagsterRunStatus.FAILURE, "failed"),
            (dg.DagsterRunStatus.SUCCESS, "partial"),
        )
    ]
    return [*of_runs, silence]


def notify_of_run(
    instance: dg.DagsterInstance, alerts: AlertSettings, region: RegionSettings, run_id: str
) -> None:
    """Notify of a finished run that failed or was partial.

    A run that was refused because another was going on is skipped: the other one notifies.
    """
    with _never_raising(region.region, "alert"):
        alert = alert_of_run(instance, region, run_id)
        if alert is not None and alert.error_code not in _ANOTHER_RUN:
            notify(instance, alerts, alert)


def notify_of_no_run(  # noqa: PLR0913, PLR0917 - what the alert says, and where it is remembered
    settings: Settings,
    region: Region,
    day_range: DayRange,
    home: Path,
    today: date,
    error_code: str,
) -> None:
    """Notify of a night that could not begin, if alerts are configured.

    Without a history the alert is not remembered, so each try notifies again.
    """
    if settings.alerts is None:
        return
    days = (day_range.first_date, day_range.last_date)
    alert = Alert(region=region, state="failed", night_date=today, days=days, error_code=error_code)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    try:
        with open_instance(home) as instance:
            notify(instance, settings.alerts, alert)
    except (HistoryError, OSError, SettingsError):
        notify(None, settings.alerts, alert)


def notify(instance: dg.DagsterInstance | None, alerts: AlertSettings, alert: Alert) -> None:
    """Send an alert, unless it was sent before; without an instance, send it every time.

    The alert is remembered, then sent: if this process dies in between, nobody is notified twice.
    If no channel took it, that is remembered too, so that a later run or sensor tries again.
    """
    with _never_raising(alert.region, "alert"):
        if instance is not None:
            if any(each.covers(alert) for each in _latest(instance, alert.region)):
                return
            _remember(instance, alert, is_sent=True)
        not_sent = send(alerts, alert)
        for channel, code in not_sent.items():
            _warn(alert.region, f"alert was not sent by {channel} ({code})")
        channels = sum(each is not None for each in (alerts.webhook, alerts.email))
        if instance is not None and len(not_sent) == channels:
            _remember(instance, alert, is_sent=False)


def alert_of_run(instance: dg.DagsterInstance, region: RegionSettings, run_id: str) -> Alert | None:
    """Return the alert of a finished run; None if it read every room, or was stopped by hand."""
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return None
    run = record.dagster_run
    facts = facts_of(instance, run)
    is_failed = run.status is dg.DagsterRunStatus.FAILURE
    if not is_failed and not (facts.is_success and facts.failed_rooms):
        return None
    days = facts.day_range
    return Alert(
        region=region.region,
        state="failed" if is_failed else "partial",
        night_date=local_date(record.create_timestamp.astimezone(UTC), zone(region.time_zone)),
        days=(days.first_date, days.last_date) if days else None,
        rooms_expected=facts.rooms_expected,
        rooms_loaded=facts.rooms_loaded,
        failed_rooms=facts.failed_rooms,
        error_code=(facts.error_code or "RunFailed") if is_failed else None,
        kinds=region.kinds_of(facts.failed_rooms),
    )


class _Memory(NamedTuple):
    at: datetime
    is_sent: bool
    about: str
    error_code: str | None
    failed_rooms: frozenset[str]

    def covers(self, alert: Alert) -> bool:
        """Return whether this earlier alert makes ``alert`` unnecessary.

        The alert of a failed night covers that of a partial one, but not the other way round.
        A room that failed only later is never covered.
        """
        return (
            self.about == _about(alert)
            and alert.error_code in (None, self.error_code)
            and self.failed_rooms.issuperset(alert.failed_rooms)
        )


def _about(alert: Alert) -> str:
    """Return what an alert is about: a night with its date and days, or a silence since when."""
    if alert.last_read_at is not None:
        return f"silence since {alert.last_read_at.isoformat()}"
    days = " to ".join(day.isoformat() for day in alert.days or ())
    return f"night {alert.night_date}, {days}"


def _remember(instance: dg.DagsterInstance, alert: Alert, *, is_sent: bool) -> None:
    metadata: dict[str, Any] = {
        "about": _about(alert),
        "state": alert.state,
        "error_code": alert.error_code or "",
        "failed_rooms": sorted(alert.failed_rooms),
        "is_told": is_sent,  # histories of older releases use this name
    }
    key = dg.AssetKey([alert.region.lower(), "alerts"])
    instance.report_runless_asset_event(dg.AssetObservation(key, alert.subject, metadata=metadata))


def _latest(instance: dg.DagsterInstance, region: Region) -> Iterator[_Memory]:
    """Yield the alerts that were sent, latest first; not those that no channel took."""
    seen = set()
    key = dg.AssetKey([region.lower(), "alerts"])
    for record in instance.fetch_observations(key, limit=_REMEMBERED).records:
        observed = record.asset_observation
        if observed is None:
            continue
        values = {name: value.value for name, value in observed.metadata.items()}
        each = _Memory(
            datetime.fromtimestamp(record.timestamp, UTC),
            values.get("is_told") is True,
            str(values.get("about")),
            str(values.get("error_code") or "") or None,
            frozenset(cast("list[str]", values.get("failed_rooms", []))),
        )
        what = (each.about, each.error_code, each.failed_rooms)
        if what not in seen and each.is_sent:
            yield each
        seen.add(what)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail about a month, ready to send."""

    month: Month
    subject: str
    text: str
    html: str


def monthly_mail(settings: Settings, region: Region, first: date | None = None) -> Mail | None:
    """Return the mail about the month that begins on ``first`` (default: the last closed one).

    Return None if there is no such month yet.

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
        "rooms_of_size": rooms_of_size,
        "missed": [result for result in targets if result.is_missed],
        "kept": [result for result in targets if not result.is_missed],
    }
    return Mail(
        month,
        subject=f"[room-insights] {region}: meeting rooms in {name}",
        text=render("month.txt.j2", **values),
        html=render("month.html.j2", is_html=True, **values),
    )


def send_if_due(
    instance: dg.DagsterInstance, settings: Settings, region: Region, today: date
) -> None:
    """Send the mail about the month that just ended, unless it was sent before.

    If no recipient took it, the next night tries again, until the seventh of the month.
    """
    if settings.reports is None or today.day > _LAST_DAY_TO_SEND:
        return
    with _never_raising(region, "monthly mail"):
        mail = monthly_mail(settings, region)
        if mail is None or (today.replace(day=1) - mail.month.last_date).days != 1:
            return
        key, about = dg.AssetKey([region.lower(), "mail"]), mail.month.first_date.isoformat()
        for record in instance.fetch_observations(key, limit=1).records:
            observed = record.asset_observation
            if observed is not None and observed.metadata["month"].value == about:
                return
        try:
            send_mail(settings.reports, mail.subject, mail.text, mail.html)
        except NotSentError as error:
            _warn(region, f"monthly mail was not sent ({error})")
            if not error.is_partly_sent:
                return
        observation = dg.AssetObservation(key, mail.subject, metadata={"month": about})
        instance.report_runless_asset_event(observation)


@contextmanager
def _never_raising(region: Region, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - nothing may fail a night that has landed
        _warn(region, f"{what} failed ({type(error).__name__})")


def _warn(region: Region, text: str) -> None:
    click.echo(f"warning: {region}: the {text}", err=True)
