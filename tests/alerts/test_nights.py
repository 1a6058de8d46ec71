"""The run or a sensor alerts once about a failed night; a failed alert never affects the night."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.alerts import alert_of_run
from pipelines.definitions import build_defs
from pipelines.history import open_instance
from pipelines.sandbox.faults import Fault
from pipelines.settings import load_settings
from tests.alerts.receivers import Webhook
from tests.night.workplace import GUEST, MONDAY, Company, address_of, meeting

pytestmark = pytest.mark.usefixtures("lake_only")

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)


def deny(company: Company, *rooms: str) -> None:
    for room in rooms:
        company.tenant.faults.add(
            Fault("response_code", room=address_of(room), code="ErrorAccessDenied")
        )


@pytest.fixture
def history(company: Company) -> Iterator[dg.DagsterInstance]:
    with open_instance(company.directory / ".dagster") as instance:
        yield instance


def evaluate(
    company: Company, instance: dg.DagsterInstance, name: str, at: datetime = NOW
) -> str | None:
    """Evaluate a sensor of the company at an instant; return why it did nothing more."""
    definitions = build_defs(load_settings(company.config, None), clock=lambda: at)
    repository = definitions.get_repository_def()
    sensor = repository.get_sensor_def(name)
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    return sensor.evaluate_tick(context).skip_message


def evaluate_run(
    company: Company, instance: dg.DagsterInstance, name: str, tags: dict[str, str]
) -> None:
    """Let one of Dagster's own runs end, and evaluate the sensor that watches for it."""
    definitions = build_defs(load_settings(company.config, None))
    result = definitions.resolve_job_def("eu_night").execute_in_process(
        instance=instance, raise_on_error=False, tags=tags
    )
    event = next(
        event
        for event in result.all_events
        if event.event_type in (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS)
    )
    sensor = definitions.get_repository_def().get_sensor_def(name)
    assert isinstance(sensor, dg.RunStatusSensorDefinition)
    context = dg.build_run_status_sensor_context(
        sensor_name=name,
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    sensor(context)


DAYS = {
    "dagster/asset_partition_range_start": MONDAY.isoformat(),
    "dagster/asset_partition_range_end": MONDAY.isoformat(),
}


def test_a_whole_night_tells_nobody(company: Company, webhook: Webhook) -> None:
    assert company.run() == 0
    assert webhook.got == []


def test_a_partial_night_is_told_once_with_its_rooms_and_codes(
    company: Company, webhook: Webhook
) -> None:
    deny(company, "fjord")
    assert (company.run(), company.run()) == (3, 3)
    (got,) = webhook.got
    assert (got["state"], got["region"]) == ("partial", "EU")
    assert (got["rooms_expected"], got["rooms_loaded"]) == (2, 1)
    assert got["failed_rooms"] == {"fjord": "ErrorAccessDenied"}
    assert got["days"] == [MONDAY.isoformat(), MONDAY.isoformat()]


def test_a_failed_night_is_told_once_with_its_rooms_and_codes(
    company: Company, webhook: Webhook
) -> None:
    deny(company, "fjord", "harbour")
    assert (company.run(), company.run()) == (1, 1)
    (got,) = webhook.got
    assert (got["state"], got["error_code"]) == ("failed", "NothingRead")
    assert (got["rooms_expected"], got["rooms_loaded"]) == (2, 0)
    assert got["failed_by_code"] == {"ErrorAccessDenied": 2}


def test_a_night_that_gets_worse_on_the_same_day_is_told_again_and_one_that_mends_is_not(
    company: Company, webhook: Webhook
) -> None:
    deny(company, "fjord")
    assert company.run() == 3
    deny(company, "harbour")
    assert company.run() == 1
    company.tenant.faults.clear()
    deny(company, "harbour")
    assert company.run() == 3
    assert [got["state"] for got in webhook.got] == ["partial", "failed"]


def test_another_room_that_fails_on_the_same_day_is_told(
    company: Company, webhook: Webhook
) -> None:
    for room in ("fjord", "harbour"):
        company.tenant.faults.clear()
        deny(company, room)
        assert company.run() == 3
    assert [list(got["failed_rooms"]) for got in webhook.got] == [["fjord"], ["harbour"]]


def test_a_lake_that_cannot_be_written_is_told_without_its_path(
    company: Company, webhook: Webhook
) -> None:
    (company.directory / "lake").write_text("a file in the way")
    assert company.run() == 1
    (got,) = webhook.got
    assert (got["state"], got["error_code"]) == ("failed", "LakeError")
    assert str(company.directory) not in json.dumps(got)


def test_a_secret_that_is_not_set_is_told_once_although_no_run_began(
    company: Company, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_PASSWORD")
    assert (company.run(), company.run()) == (2, 2)
    (got,) = webhook.got
    assert (got["state"], got["error_code"]) == ("failed", "SecretNotSet")


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_history_that_cannot_be_opened_is_told_without_one(
    company: Company, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    deployed = (ROOT / "deploy/dagster.yaml").read_text().replace("port: 5432", "port: 9")
    settings = "storage: {nope: 1}" if is_refused else deployed
    (company.directory / ".dagster/dagster.yaml").write_text(settings)
    monkeypatch.setattr("dagster_postgres.utils.calculate_delay", lambda **_: 0.0)
    for name in ("HOST", "DB", "USER", "PASSWORD"):
        monkeypatch.setenv(f"DAGSTER_POSTGRES_{name}", "localhost")
    assert company.run() == (2 if is_refused else 1)
    (got,) = webhook.got
    assert (got["state"], got["error_code"]) == ("failed", "HistoryError")


def test_a_folder_of_the_history_that_cannot_be_made_is_told(
    company: Company, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = company.directory / "a file"
    in_the_way.touch()
    monkeypatch.setenv("DAGSTER_HOME", str(in_the_way))
    assert company.run() == 1
    (got,) = webhook.got
    assert (got["state"], got["error_code"]) == ("failed", "HistoryError")


def test_a_run_refused_because_another_is_going_on_is_not_told(
    company: Company, webhook: Webhook
) -> None:
    with company.lake.exclusive():
        assert company.run() == 1
    assert webhook.got == []


def test_check_tries_the_channels_and_says_which_would_fail(
    company: Company, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert company.insights("check") == 0
    assert "alerts.webhook: can be reached" in capsys.readouterr().out.splitlines()
    company.write(settings={"alerts": {"webhook": {"url": "https://localhost:9/hook"}}})
    assert company.insights("check", "--json") == 1
    captured = capsys.readouterr()
    told = f"alerts.webhook: ConnectionError; mend alerts.webhook in {company.config}"
    assert told in captured.err.splitlines()
    assert len(json.loads(captured.out)) == 3  # the exchange and its two rooms
    assert webhook.got == []


def test_nothing_of_the_calendars_is_in_an_alert(company: Company, webhook: Webhook) -> None:
    company.calendars["fjord"].append(meeting(MONDAY, 9, 11, required=(GUEST,)))
    deny(company, "harbour")
    company.run()
    text = json.dumps(webhook.got)
    assert "fjord" not in text
    assert "@" not in text
    assert GUEST.name not in text


def test_an_alert_that_fails_is_one_line_and_the_night_is_what_it_was(
    company: Company, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook.status = 503
    deny(company, "fjord")
    assert company.run() == 3
    errors = capsys.readouterr().err.splitlines()
    assert [line for line in errors if line.startswith("warning")] == [
        "warning: EU: the alert was not sent by webhook (HTTP503)"
    ]
    assert "secret-part" not in "".join(errors)
    assert len(company.rows()) == 1


def test_an_alert_that_nobody_took_is_told_by_the_next_who_notices(
    company: Company, webhook: Webhook
) -> None:
    webhook.status = 503
    deny(company, "fjord")
    company.run()
    webhook.status = 200
    company.run()
    company.run()
    assert len(webhook.got) == 2


def test_without_alerts_there_are_no_sensors_and_nothing_is_told(
    company: Company, webhook: Webhook
) -> None:
    company.write()
    deny(company, "fjord")
    assert company.run() == 3
    repository = build_defs(load_settings(company.config, None)).get_repository_def()
    assert list(repository.sensor_defs) == []
    assert webhook.got == []


def test_a_failed_run_of_dagsters_own_is_told_by_its_sensor_once(
    company: Company, webhook: Webhook, history: dg.DagsterInstance
) -> None:
    deny(company, "fjord", "harbour")
    for _ in range(2):
        evaluate_run(company, history, "eu_failed_night", DAYS)
    (got,) = webhook.got
    assert (got["state"], got["error_code"], got["rooms_loaded"]) == ("failed", "NothingRead", 0)


def test_a_partial_run_of_dagsters_own_is_told_by_its_sensor_once(
    company: Company, webhook: Webhook, history: dg.DagsterInstance
) -> None:
    deny(company, "fjord")
    for _ in range(2):
        evaluate_run(company, history, "eu_partial_night", DAYS)
    (got,) = webhook.got
    assert (got["state"], got["failed_rooms"]) == ("partial", {"fjord": "ErrorAccessDenied"})


def test_a_run_that_tells_of_itself_is_left_alone_by_the_sensors(
    company: Company, webhook: Webhook, history: dg.DagsterInstance
) -> None:
    deny(company, "fjord")
    evaluate_run(company, history, "eu_partial_night", DAYS | {"insights/alerts": "of its own"})
    assert webhook.got == []


def test_a_run_whose_process_died_is_a_failed_night_too(
    company: Company, history: dg.DagsterInstance
) -> None:
    settings = load_settings(company.config, None)
    job = build_defs(settings).resolve_job_def("eu_night")
    run = history.create_run_for_job(job, tags=DAYS)
    history.report_run_failed(run, "killed")
    alert = alert_of_run(history, settings.regions["EU"], run.run_id)
    assert alert is not None
    assert (alert.state, alert.error_code, alert.rooms_expected) == ("failed", "RunFailed", None)


def read_at(company: Company) -> datetime:
    """Return when the rooms were read."""
    found: datetime = max(row["read_at"] for row in company.rows("coverage"))
    return found


def silence(company: Company, history: dg.DagsterInstance, since: datetime, hours: int) -> str:
    at = since + timedelta(hours=hours)
    return evaluate(company, history, "eu_silence", at) or ""


def test_silence_of_more_than_thirty_hours_is_told_once(
    read_company: Company, webhook: Webhook, history: dg.DagsterInstance
) -> None:
    since = read_at(read_company)
    for hours in (1, 29, 31, 32, 60):
        silence(read_company, history, since, hours)
    (got,) = webhook.got
    assert (got["state"], got["last_read_at"]) == ("stale", since.isoformat())


def test_a_night_that_was_told_to_have_failed_is_not_told_again_as_silence(
    read_company: Company, webhook: Webhook, history: dg.DagsterInstance
) -> None:
    since = read_at(read_company)
    deny(read_company, "fjord", "harbour")
    assert read_company.run() == 1
    told = silence(read_company, history, since, 31)
    assert "a person was notified since" in told
    assert [got["state"] for got in webhook.got] == ["failed"]


def test_before_the_first_night_there_is_no_silence_to_tell(
    company: Company, webhook: Webhook, history: dg.DagsterInstance
) -> None:
    assert evaluate(company, history, "eu_silence") == "nothing was read yet"
    assert webhook.got == []
