"""The monthly mail: true figures, to a real mail server, once a month."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.definitions import build_defs
from pipelines.history import open_instance, range_tags
from pipelines.sandbox.faults import Fault
from pipelines.settings import load_settings
from pipelines.sources import DayRange
from tests.alerts.conftest import OCTOBER
from tests.alerts.receivers import MailServer
from tests.night.workplace import MONDAY, Company, address_of, end_at_the_lake, meeting

pytestmark = pytest.mark.parametrize("mail", ["starttls"], indirect=True)

LAST_DAY = DayRange(date(2026, 10, 31), date(2026, 10, 31))
OPEN_MINUTES = 2 * 22 * 600  # two rooms, 22 weekdays without a holiday in their country (none)


@pytest.fixture
def history(company: Company) -> Iterator[dg.DagsterInstance]:
    with open_instance(company.directory / ".dagster") as instance:
        yield instance


def configure(company: Company, mail: MailServer, **changes: Any) -> None:
    company.write(settings={"reports": mail.settings()}, **changes)


def body(mail: MailServer, kind: str) -> str:
    part = mail.got[-1].get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def night_of(company: Company, instance: dg.DagsterInstance, at: datetime) -> bool:
    """Let Dagster run a night over the last day of October at an instant."""
    definitions = build_defs(load_settings(company.config, None), clock=lambda: at)
    job = definitions.resolve_job_def("eu_night")
    return job.execute_in_process(
        instance=instance, raise_on_error=False, tags=range_tags(LAST_DAY)
    ).success


def test_a_month_goes_to_everybody_as_text_and_html(
    read_company: Company, mail: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    company = read_company
    configure(company, mail)
    company.calendars["fjord"] += [meeting(date(2026, 10, day), 6, 16) for day in range(5, 10)]
    company.run(date(2026, 10, 5), date(2026, 10, 9))
    capsys.readouterr()
    assert company.insights("mail", "--region", "EU") == 0
    assert capsys.readouterr().out == (
        "EU: sent '[room-insights] EU: meeting rooms in October 2026' to 2 recipients\n"
    )
    assert mail.got[-1]["Subject"] == "[room-insights] EU: meeting rooms in October 2026"
    assert mail.recipients[-1] == ["it@contoso.example", "rooms@contoso.example"]
    text = body(mail, "plain")
    share = 100 * (120 + 5 * 600) / OPEN_MINUTES
    assert round(share) == 12
    assert f"Booked utilization: {share:.0f} %\n52 hours booked in 2 rooms" in text
    assert f"- HQ: {share:.0f} %, 2 rooms, 52 hours booked" in text
    assert "Never booked" not in text
    html = body(mail, "html")
    assert "<td" in html
    assert "HQ" in html
    assert not re.search(r"<(img|link|script)|src=|url\(|https?:", html)


def test_the_month_before_stands_beside_it_where_both_were_read(
    company: Company, mail: MailServer
) -> None:
    configure(company, mail)
    september = date(2026, 9, 14)
    company.calendars["fjord"].append(meeting(september, 6, 16))
    company.run(date(2026, 9, 1), OCTOBER.last_date)
    company.insights("mail", "--region", "EU")
    assert f"(month before: {100 * 600 / OPEN_MINUTES:.0f} %)" in body(mail, "plain")
    assert "only where both had" not in body(mail, "plain")


@pytest.mark.parametrize("opened_on", ["2026-10-01", "2026-10-10", "2026-09-10"])
def test_r24_the_month_before_is_left_out_where_a_room_was_added_in_either_month(
    opened_on: str, company: Company, mail: MailServer
) -> None:
    configure(company, mail)
    rooms = company.directory / "rooms.csv"
    added = zip(rooms.read_text().splitlines(), ["opened_on", "", opened_on], strict=True)
    rooms.write_text("\n".join(",".join(each) for each in added))
    company.run(date(2026, 9, 1), OCTOBER.last_date)
    company.insights("mail", "--region", "EU")
    for kind in ("plain", "html"):
        text = body(mail, kind)
        assert "in October 2026" in text
        assert "month before: " not in text
        assert "only where both had the same rooms, read on 95 % of their days" in text


def test_r18_a_building_is_compared_by_the_rooms_that_it_had_in_either_month(
    company: Company, mail: MailServer
) -> None:
    configure(company, mail)
    company.calendars["fjord"].append(meeting(date(2026, 9, 14), 6, 16))
    (company.directory / "rooms.csv").write_text(
        "room_id,address,time_zone,building,valid_from\n"
        "fjord,fjord@rooms.contoso.example,Europe/Copenhagen,HQ,\n"
        "harbour,harbour@rooms.contoso.example,Europe/Copenhagen,HQ,\n"
        "harbour,harbour@rooms.contoso.example,Europe/Copenhagen,Annex,2026-10-01\n"
    )
    company.run(date(2026, 9, 1), OCTOBER.last_date)
    company.insights("mail", "--region", "EU")
    text = body(mail, "plain")
    # The same two rooms in total, in whichever building.
    assert "Booked utilization: 0 % (month before: 2 %)\n2 hours booked in 2 rooms" in text
    assert "- Annex: 0 %, 1 room, 1 hour booked\n- HQ: 0 %, 1 room, 1 hour booked" in text


def test_r18_a_room_that_moves_within_the_month_is_one_room_in_total(
    company: Company, mail: MailServer
) -> None:
    configure(company, mail)
    (company.directory / "rooms.csv").write_text(
        "room_id,address,time_zone,building,valid_from\n"
        "fjord,fjord@rooms.contoso.example,Europe/Copenhagen,HQ,\n"
        "harbour,harbour@rooms.contoso.example,Europe/Copenhagen,HQ,\n"
        "harbour,harbour@rooms.contoso.example,Europe/Copenhagen,Annex,2026-10-15\n"
    )
    company.run(date(2026, 10, 1), OCTOBER.last_date)
    company.insights("mail", "--region", "EU")
    text = body(mail, "plain")
    assert "2 hours booked in 2 rooms" in text
    assert "- Annex: 1 %, 1 room, 1 hour booked\n- HQ: 0 %, 2 rooms, 1 hour booked" in text


def test_r13_a_room_that_failed_in_most_of_the_month_is_not_called_never_booked(
    company: Company, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(company, mail)
    company.calendars["fjord"].clear()
    company.calendars["harbour"].clear()
    with monkeypatch.context() as patched:
        end_at_the_lake(patched)
        company.run(date(2026, 10, 1), date(2026, 10, 2))
    company.tenant.faults.add(
        Fault("response_code", room=address_of("harbour"), code="ErrorAccessDenied")
    )
    company.run(date(2026, 10, 3), OCTOBER.last_date)
    company.insights("mail", "--region", "EU")
    assert "Never booked in this month: 1 room (fjord)" in body(mail, "plain")


def test_a_month_with_days_that_no_night_read_says_so_and_is_compared_and_judged_by_nothing(
    company: Company, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = {"building": "HQ", "sold_out_days_at_most": 4}
    configure(company, mail, targets=[target])
    with monkeypatch.context() as patched:
        end_at_the_lake(patched)
        company.run(date(2026, 9, 1), date(2026, 10, 9))
    company.run(date(2026, 10, 20), OCTOBER.last_date)
    company.insights("mail", "--region", "EU")
    text = body(mail, "plain")
    assert "Some days of October 2026 were never read, or are past the retention" in text
    assert "HQ, all rooms: no figure for the whole of October 2026." in text
    assert "month before" not in text


def test_missed_targets_stand_first_in_the_mail_and_on_the_page(
    read_company: Company, mail: MailServer
) -> None:
    company = read_company
    company.calendars["harbour"].append(meeting(MONDAY, 7, 8))  # both rooms at once
    targets = [
        {"building": "HQ", "sold_out_days_at_most": 5},
        {"building": "HQ", "sold_out_days_at_most": 0},
        {"building": "HQ", "utilization_percent_at_least": 30},
    ]
    configure(company, mail, targets=targets)
    company.run()
    company.insights("mail", "--region", "EU")
    text = body(mail, "plain")
    missed = "HQ, all rooms: sold out on 1 day in October 2026; the target is at most 0."
    assert text.index("Targets missed") < text.index(missed) < text.index("Booked utilization")
    assert text.index("Other targets") < text.index("the target is at most 5.")
    assert "HQ, all rooms: no figure for the whole of quarter 3 of 2026." in text
    page = company.database.with_name("report-eu.html").read_text(encoding="utf-8")
    of_page = "HQ: no room free at some time on 1 day in Oct 2026; the target is at most 0."
    assert page.index("1 target missed") < page.index(of_page) < page.index('class="facts"')


def test_a_quarter_under_its_target_is_missed(company: Company, mail: MailServer) -> None:
    target = {"capacity_band": "5-8", "utilization_percent_at_least": 30}
    configure(company, mail, targets=[target])
    company.calendars["fjord"].append(meeting(date(2026, 7, 6), 6, 16))
    company.run(date(2026, 7, 1), date(2026, 9, 30))
    company.insights("mail", "--region", "EU")
    assert "rooms with 5-8 seats: 1 % booked in quarter 3 of 2026" in body(mail, "plain")
    assert "Targets missed" in body(mail, "plain")


def test_show_prints_the_mail_from_the_statistics_alone_and_sends_nothing(
    read_company: Company, mail: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    company = read_company
    configure(company, mail)
    shutil.rmtree(company.directory / "warehouse" / "versions")  # single bookings are not needed
    capsys.readouterr()
    assert company.insights("mail", "--region", "EU", "--month", "2026-10", "--show") == 0
    assert capsys.readouterr().out.startswith("[room-insights] EU: meeting rooms in October 2026\n")
    assert mail.got == []


def test_without_a_month_without_reports_or_without_a_server_it_is_one_line(
    company: Company,
    october_night: Path,
    mail: MailServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(company, mail)
    company.run()
    for arguments, code, told in (
        ([], 1, "EU: no month that is over was read; nothing was sent"),
        (["--month", "2031-01"], 1, "EU: 2031-01 is not over, or was not read; nothing was sent"),
        (["--month", "soon"], 2, "soon"),
    ):
        capsys.readouterr()
        assert company.insights("mail", "--region", "EU", *arguments) == code
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line
    shutil.rmtree(company.directory / "warehouse")
    company.take_over(october_night)
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "wrong")
    capsys.readouterr()
    assert company.insights("mail", "--region", "EU") == 1
    said = capsys.readouterr().err
    assert f"(SMTPAuthenticationError); see reports: in {company.config}\n" in said
    company.write()
    assert company.insights("mail", "--region", "EU") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        "reports: is missing; write there host, from and to of the mail, or print it with --show"
    )


@pytest.mark.usefixtures("lake_only")
def test_the_first_night_of_a_month_sends_it_once(
    read_company: Company, mail: MailServer, history: dg.DagsterInstance
) -> None:
    configure(read_company, mail)
    for hour in (1, 2):
        assert night_of(read_company, history, datetime(2026, 11, 1, hour, tzinfo=UTC))
    assert [each["Subject"] for each in mail.got] == [
        "[room-insights] EU: meeting rooms in October 2026"
    ]


@pytest.mark.usefixtures("lake_only")
def test_a_mail_that_fails_never_fails_the_night_and_is_sent_by_the_next(
    read_company: Company,
    mail: MailServer,
    history: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(read_company, mail)
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "wrong")
    assert night_of(read_company, history, datetime(2026, 11, 1, 2, tzinfo=UTC))
    assert "warning: EU: the monthly mail was not sent (SMTPAuthenticationError)" in (
        capsys.readouterr().err
    )
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "open sesame")
    assert night_of(read_company, history, datetime(2026, 11, 2, 2, tzinfo=UTC))
    assert len(mail.got) == 1


@pytest.mark.usefixtures("lake_only")
def test_a_night_in_mid_month_sends_none(
    read_company: Company, mail: MailServer, history: dg.DagsterInstance
) -> None:
    configure(read_company, mail)
    assert night_of(read_company, history, datetime(2026, 11, 15, 2, tzinfo=UTC))
    assert mail.got == []
