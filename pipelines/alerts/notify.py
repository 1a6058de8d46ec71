"""A person is notified once of what went wrong, whoever notices: the run itself, or a sensor.

Belongs here: which finished runs and which silences are worth an alert, the sensors that watch
for them, and the memory of what was sent: observations of ``{region}/alerts`` on Dagster's
instance, which runs and sensors share, and which its UI shows.
Does not belong here: sending (``channels.py``), what a run left (``run_facts.py``).

Nothing here raises: an alert that fails is one line on stderr and never fails a night.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast

import click
import dagster as dg

from pipelines.alerts.channels import Alert, send
from pipelines.night import last_read_at, today_in
from pipelines.run_facts import facts_of
from pipelines.settings import AlertSettings, RegionSettings, Settings
from transforms.contract import Region
from transforms.local_time import local_date, zone
from warehouse.lake import Lake

NOTIFIES_ITSELF: Final = {"insights/alerts": "of its own"}
"""The tag of a run that sends its own alert; sensors leave it alone."""

_LOOK_SECONDS: Final = 900
_REMEMBERED: Final = 100
_ANOTHER_RUN: Final = ("LakeBusy", "VersionBusy")


def region_sensors(
    settings: Settings, region: Region, clock: Callable[[], datetime], job_name: str
) -> list[dg.SensorDefinition]:
    """Return what watches a region's runs in Dagster; nothing where no alerts are configured."""
    if settings.alerts is None:
        return []
    watched = _Watched(settings, settings.alerts, region, clock, job_name)
    return [
        watched.ended_runs(dg.DagsterRunStatus.FAILURE, "failed"),
        watched.ended_runs(dg.DagsterRunStatus.SUCCESS, "partial"),
        watched.silence(),
    ]


@dataclass(frozen=True)
class _Watched:
    """A region whose alerts are configured."""

    settings: Settings
    alerts: AlertSettings
    region: Region
    clock: Callable[[], datetime]
    job_name: str

    def ended_runs(self, status: dg.DagsterRunStatus, word: str) -> dg.SensorDefinition:
        """Return the sensor of runs that end with a status."""

        @dg.run_status_sensor(
            run_status=status,
            name=f"{self.region.lower()}_{word}_night",
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=f"Notifies a person of a {word} night.",
        )
        def night_ended(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
            if context.dagster_run.job_name != self.job_name:
                return dg.SkipReason(f"not a run of {self.job_name}")
            if context.dagster_run.tags.items() >= NOTIFIES_ITSELF.items():
                return dg.SkipReason("this run sends its own alert")
            own = self.settings.regions[self.region]
            run_id = context.dagster_run.run_id
            notify_of_run(context.instance, self.alerts, self.region, own, run_id)
            return None

        return night_ended

    def silence(self) -> dg.SensorDefinition:
        """Return the sensor that notices when nothing is read any more."""

        @dg.sensor(
            name=f"{self.region.lower()}_silence",
            minimum_interval_seconds=_LOOK_SECONDS,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=(
                f"Notifies a person if nothing was read for {self.alerts.stale_after_hours} hours."
            ),
        )
        def silence(context: dg.SensorEvaluationContext) -> dg.SkipReason:
            return dg.SkipReason(self._look(context.instance))

        return silence

    def _look(self, instance: dg.DagsterInstance) -> str:
        """Notify of a silence, if there is one; return what was found."""
        now = self.clock()
        today = today_in(self.settings, self.region, now)
        lake = Lake(self.settings.regions[self.region].lake, self.region)
        read_at = last_read_at(lake, today)
        if read_at is None:
            return "nothing was read yet"
        if now - read_at <= timedelta(hours=self.alerts.stale_after_hours):
            return f"last read at {read_at}"
        if any(each.at > read_at for each in _latest(instance, self.region)):
            return f"last read at {read_at}; a person was notified since"
        alert = Alert(region=self.region, state="stale", night_date=today, last_read_at=read_at)
        notify(instance, self.alerts, alert)
        return alert.subject


def notify_of_run(
    instance: dg.DagsterInstance,
    alerts: AlertSettings,
    region: Region,
    settings: RegionSettings,
    run_id: str,
) -> None:
    """Notify of a finished run that failed or was partial.

    Not of one that was refused because another one is going on: that one will notify.
    """
    with _never_raising(region):
        alert = alert_of_run(instance, region, settings, run_id)
        if alert is not None and alert.error_code not in _ANOTHER_RUN:
            _notify_once(instance, alerts, alert)


def notify(instance: dg.DagsterInstance | None, alerts: AlertSettings, alert: Alert) -> None:
    """Notify a person, unless that was done before; without an instance nobody knows."""
    with _never_raising(alert.region):
        _notify_once(instance, alerts, alert)


def alert_of_run(
    instance: dg.DagsterInstance, region: Region, settings: RegionSettings, run_id: str
) -> Alert | None:
    """Return the alert of a finished run; None if it was whole, or stopped by hand."""
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
        region=region,
        state="failed" if is_failed else "partial",
        night_date=local_date(record.create_timestamp.astimezone(UTC), zone(settings.time_zone)),
        days=(days.first_date, days.last_date) if days else None,
        rooms_expected=facts.rooms_expected,
        rooms_loaded=facts.rooms_loaded,
        failed_rooms=facts.failed_rooms,
        error_code=(facts.error_code or "RunFailed") if is_failed else None,
        kinds=settings.kinds_of(facts.failed_rooms),
    )


class _Memory(NamedTuple):
    at: datetime
    is_sent: bool
    about: str
    error_code: str | None
    failed_rooms: frozenset[str]

    def covers(self, alert: Alert) -> bool:
        """Return whether this covers an alert too.

        A failed night covers a partial one, not the other way round; no night covers a room
        that failed only later.
        """
        return (
            self.about == _about(alert)
            and alert.error_code in (None, self.error_code)
            and self.failed_rooms.issuperset(alert.failed_rooms)
        )


def _notify_once(instance: dg.DagsterInstance | None, alerts: AlertSettings, alert: Alert) -> None:
    """Remember first, then send: if this process dies in between, nobody is notified twice.

    If no channel took it, that is remembered too, and the next who notices may try again.
    """
    if instance is not None:
        if any(each.covers(alert) for each in _latest(instance, alert.region)):
            return
        _remember(instance, alert, is_sent=True)
    not_sent = send(alerts, alert)
    for channel, code in not_sent.items():
        _warn(alert.region, f"was not sent by {channel} ({code})")
    if instance is not None and len(not_sent) == sum(
        each is not None for each in (alerts.webhook, alerts.email)
    ):
        _remember(instance, alert, is_sent=False)


def _about(alert: Alert) -> str:
    """Name a night by its date and days, a silence by when it began."""
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
        "is_told": is_sent,  # the name that older histories have
    }
    key = _asset_key(alert.region)
    instance.report_runless_asset_event(dg.AssetObservation(key, alert.subject, metadata=metadata))


def _latest(instance: dg.DagsterInstance, region: Region) -> Iterator[_Memory]:
    """Yield what was sent, without what no channel took in the end."""
    seen = set()
    for each in _memory(instance, region):
        what = (each.about, each.error_code, each.failed_rooms)
        if what not in seen and each.is_sent:
            yield each
        seen.add(what)


def _memory(instance: dg.DagsterInstance, region: Region) -> Iterator[_Memory]:
    """Yield what was remembered of a region, latest first."""
    for record in instance.fetch_observations(_asset_key(region), limit=_REMEMBERED).records:
        observed = record.asset_observation
        if observed is not None:
            values = {name: value.value for name, value in observed.metadata.items()}
            yield _Memory(
                datetime.fromtimestamp(record.timestamp, UTC),
                values.get("is_told") is True,
                str(values.get("about")),
                str(values.get("error_code") or "") or None,
                frozenset(cast("list[str]", values.get("failed_rooms", []))),
            )


def _asset_key(region: Region) -> dg.AssetKey:
    return dg.AssetKey([region.lower(), "alerts"])


@contextmanager
def _never_raising(region: Region) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the night is over and landed
        _warn(region, f"failed ({type(error).__name__})")


def _warn(region: Region, text: str) -> None:
    click.echo(f"warning: {region}: the alert {text}", err=True)
