"""What went wrong is told once, whoever notices it: the run itself, or a sensor.

Belongs here: the memory of what was told: observations of ``{region}/alerts`` on Dagster's
instance, which runs and sensors share, and which its UI shows.
Does not belong here: what there is to tell (``run_facts.py``, ``sensors.py``), sending
(``channels.py``).

Nothing here raises: an alert that fails is one line on stderr and never fails a night.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

import click
import dagster as dg

from pipelines.alerts.channels import send
from pipelines.alerts.message import Alert
from pipelines.alerts.run_facts import alert_of_run
from pipelines.settings.alerts import AlertSettings
from transforms.contract import Region

TELLS_ITSELF: Final = {"insights/alerts": "of its own"}
"""The tag of a run that tells of itself; sensors leave it alone."""

_REMEMBERED: Final = 100
_ANOTHER_RUN: Final = ("LakeBusy", "VersionBusy")


def tell_of_run(
    instance: dg.DagsterInstance,
    alerts: AlertSettings,
    region: Region,
    time_zone: str,
    run_id: str,
) -> None:
    """Tell of a finished run that failed or was partial; of a whole one there is nothing to tell.

    A run that was refused because another one is going on is not told: the other one will be.
    """
    with _never_raising(region):
        alert = alert_of_run(instance, region, time_zone, run_id)
        if alert is not None and alert.error_code not in _ANOTHER_RUN:
            _tell_once(instance, alerts, alert)


def tell(instance: dg.DagsterInstance, alerts: AlertSettings, alert: Alert) -> None:
    """Tell a person, unless that was told before."""
    with _never_raising(alert.region):
        _tell_once(instance, alerts, alert)


def was_told_since(instance: dg.DagsterInstance, region: Region, since: datetime) -> bool:
    """Return whether anything was told of a region after an instant."""
    return any(each.at > since for each in _latest(instance, region))


class _Memory(NamedTuple):
    at: datetime
    is_told: bool
    about: str
    error_code: str | None
    failed_rooms: frozenset[str]

    def says(self, alert: Alert) -> bool:
        """Return whether this tells of an alert too.

        A failed night does of a partial one, not the other way round; no night does of a room
        that failed only later.
        """
        return (
            self.about == _about(alert)
            and alert.error_code in (None, self.error_code)
            and self.failed_rooms.issuperset(alert.failed_rooms)
        )


def _tell_once(instance: dg.DagsterInstance, alerts: AlertSettings, alert: Alert) -> None:
    """Remember first, then send: if this process dies in between, nobody is told twice.

    If no channel took it, that is remembered too, and the next who notices may try again.
    """
    if any(each.says(alert) for each in _latest(instance, alert.region)):
        return
    _remember(instance, alert, is_told=True)
    not_sent = send(alerts, alert)
    for channel, code in not_sent.items():
        _warn(alert.region, f"was not sent by {channel} ({code})")
    if len(not_sent) == sum(each is not None for each in (alerts.webhook, alerts.email)):
        _remember(instance, alert, is_told=False)


def _about(alert: Alert) -> str:
    """Name a night by its date and days, a silence by when it began."""
    if alert.last_read_at is not None:
        return f"silence since {alert.last_read_at.isoformat()}"
    days = " to ".join(day.isoformat() for day in alert.days or ())
    return f"night {alert.night_date}, {days}"


def _remember(instance: dg.DagsterInstance, alert: Alert, *, is_told: bool) -> None:
    metadata: dict[str, Any] = {
        "about": _about(alert),
        "state": alert.state,
        "error_code": alert.error_code or "",
        "failed_rooms": sorted(alert.failed_rooms),
        "is_told": is_told,
    }
    key = _asset_key(alert.region)
    instance.report_runless_asset_event(dg.AssetObservation(key, alert.subject, metadata=metadata))


def _latest(instance: dg.DagsterInstance, region: Region) -> Iterator[_Memory]:
    """Yield what somebody was told, without what no channel took in the end."""
    seen = set()
    for each in _memory(instance, region):
        what = (each.about, each.error_code, each.failed_rooms)
        if what not in seen and each.is_told:
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
