"""``insights privacy-report``: the record of processing is true, and uses the right terms."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from pipelines.cli import record
from pipelines.cli.record import (
    RESULT_FILES,
    AttackResult,
    ProofResult,
    read_result,
    write_result,
)
from tests.lake.rows import booking, stored
from tests.needs import needs_root
from tests.night.workplace import Company
from transforms.contract.database import STATISTICS, TABLES
from transforms.contract.lake import LAKE

PROOF = ProofResult(
    proved_at=datetime(2026, 11, 20, tzinfo=UTC),
    code_version="0.1.0",
    tokens=12_345,
    places=678,
    fields=90,
    nights=3,
    files=40,
    bytes_searched=5_000,
    findings=0,
    surprises=0,
)


@pytest.fixture
def report(
    planted: Company, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Print the report as Markdown, with the given proof as the latest."""

    def printed(proof: ProofResult | None = PROOF, attack: AttackResult | None = None) -> str:
        results = {ProofResult: proof, AttackResult: attack}
        monkeypatch.setattr(record, "read_result", results.__getitem__)
        capsys.readouterr()
        assert planted.insights("privacy-report", "--region", "EU") == 0
        return capsys.readouterr().out

    return printed


def test_the_report_names_every_column_with_its_origin(report: Callable[..., str]) -> None:
    text = report()
    columns = {each.name: each for table in (*LAKE.values(), *TABLES.values()) for each in table}
    for name, column in columns.items():
        (row,) = re.findall(
            rf"^\| (?:\w+, )*{name}(?:, \w+)* \| .*\| {column.nature} \|.*$", text, re.MULTILINE
        )
        assert column.origin.reason in row
        assert all(field in row for field in column.origin.fields)


def test_event_rows_are_pseudonymous_and_only_suppressed_aggregates_anonymous(
    report: Callable[..., str],
) -> None:
    text = report()
    assert "| lake | bookings | pseudonymous |" in text
    anonymous = [line for line in text.splitlines() if "| anonymous |" in line]
    assert [line.split(" | ")[1] for line in anonymous] == [
        *("booking_profile", "booking_profile_shown", "change_profile")
    ]
    assert "are not hashed" in text


def test_the_report_shows_the_oldest_day_and_that_it_is_kept(
    planted: Company, report: Callable[..., str]
) -> None:
    day = date.today() - timedelta(days=30)  # noqa: DTZ011 - a month ago, in any zone
    planted.lake.replace("bookings", day, stored(booking("fjord", day)))
    assert f"| Lake, bookings | {day} | kept |" in report()


def test_the_report_shows_a_day_that_is_past_its_retention(
    planted: Company, report: Callable[..., str]
) -> None:
    day = date(2020, 1, 2)
    planted.lake.replace("bookings", day, stored(booking("fjord", day)))
    assert "| Lake, bookings | 2020-01-02 | OVERDUE" in report()


def test_the_report_shows_that_a_booking_of_a_day_past_its_retention_still_runs(
    planted: Company, report: Callable[..., str]
) -> None:
    day = date(2020, 1, 2)
    row = booking("fjord", day) | {"ends_at": datetime.now(UTC)}
    planted.lake.replace("bookings", day, stored(row))
    assert "| Lake, bookings | 2020-01-02 | kept: still running on " in report()


def test_the_report_shows_where_it_is_stored_and_who_may_read_it(
    planted: Company, report: Callable[..., str]
) -> None:
    planted.lake.replace("bookings", date(2026, 1, 2), stored(booking("fjord", date(2026, 1, 2))))
    lake = planted.directory / "lake"
    (row,) = re.findall(r"^\| Lake \|.*$", report(), re.MULTILINE)
    assert str(lake) in row
    assert "rwxr-x---" in row
    (lake / "copy").write_text("")
    (lake / "copy").chmod(0o644)
    assert "READABLE BY EVERYBODY" in report()


def test_the_report_lists_both_databases_and_who_may_read_each(
    read_planted: Company, report: Callable[..., str]
) -> None:
    warehouse = read_planted.directory / "warehouse"
    text = report()
    assert "insights-eu-statistics.duckdb holds what everybody in the company may see" in text
    rows = dict(re.findall(r"^\| (Database with|Statistics for)[^|]* \|(.*)$", text, re.MULTILINE))
    assert str(warehouse / "versions") in rows["Database with"]
    assert str(warehouse / "statistics") in rows["Statistics for"]
    assert "rwxr-x---" in rows["Statistics for"]
    assert "may read single bookings too" in text  # they are in one group, as created
    (warehouse / "statistics" / "copy").write_text("")
    (warehouse / "statistics" / "copy").chmod(0o644)
    (row,) = re.findall(r"^\| Statistics for.*$", report(), re.MULTILINE)
    assert "READABLE BY EVERYBODY" in row


@needs_root
def test_databases_of_two_groups_are_not_warned_of(
    read_planted: Company, report: Callable[..., str]
) -> None:
    os.chown(read_planted.directory / "warehouse" / "versions", -1, 54_321)
    text = report()
    assert "may read single bookings too" not in text
    (row,) = re.findall(r"^\| Database with.*$", text, re.MULTILINE)
    assert "54321" in row


def test_plain_copies_of_both_databases_in_one_folder_are_told(
    planted: Company, report: Callable[..., str]
) -> None:
    assert "INTO ONE FOLDER" not in report()
    planted.write(settings={"pointer": "copy"})
    assert "pointer: copy PUTS BOTH DATABASES INTO ONE FOLDER" in report()


def test_the_report_says_which_tables_everybody_may_see(report: Callable[..., str]) -> None:
    text = report()
    shown = re.findall(r"^\| database \| (\w+) \|.*\| yes \|$", text, re.MULTILINE)
    assert set(shown) == set(STATISTICS)
    assert "bookings" not in shown


def test_the_report_works_where_nothing_is_stored_yet(report: Callable[..., str]) -> None:
    assert "nothing stored" in report()


def test_the_report_shows_the_last_proof_or_that_there_is_none(
    report: Callable[..., str], tmp_path: Path
) -> None:
    assert "12,345 tokens" in report(PROOF)
    assert "NOT PROVED on this installation" in report(None)
    write_result(PROOF, tmp_path / "proof.json")
    assert read_result(ProofResult, tmp_path / "proof.json") == PROOF
    (tmp_path / "proof.json").write_text("{}")
    assert read_result(ProofResult, tmp_path / "proof.json") is None


def test_the_report_says_what_the_attacker_was_tried_on_or_that_it_was_not(
    report: Callable[..., str], tmp_path: Path
) -> None:
    assert "NOT TRIED on this installation" in report()
    now = datetime(2200, 1, 1, tzinfo=UTC)
    tried = AttackResult(proved_at=now, regions=50, rooms=1_000, nights=30, tried=12_345, found=0)
    write_result(tried, tmp_path / "attack.json")
    assert read_result(AttackResult, tmp_path / "attack.json") == tried
    told = "12,345 counts and differences of 50 regions, up to 1,000 rooms and 30 nights tried"
    assert f"0 found on 2200-01-01 for {tried.code_version}: {told} |" in report(PROOF, tried)
    assert "FOUND: 2 on 2200-01-01" in report(PROOF, replace(tried, found=2))
    assert not replace(tried, tried=0).is_proved


def test_a_proof_of_another_program_than_this_is_told(report: Callable[..., str]) -> None:
    old, new = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2200))
    assert "HAS CHANGED SINCE" in report(replace(PROOF, proved_at=old))
    assert "HAS CHANGED SINCE" not in report(replace(PROOF, proved_at=new))


def test_the_result_of_a_proof_lies_beside_pyproject_and_is_not_committed() -> None:
    root = Path(__file__).parents[2]
    for file in RESULT_FILES.values():
        assert file.parent == root
        assert f"/{file.name}" in (root / ".gitignore").read_text().splitlines()


def test_the_report_says_whom_small_groups_are_not_hidden_from(report: Callable[..., str]) -> None:
    assert "any cell can be counted anew" in report()


def test_the_report_warns_of_a_minimum_group_that_is_small(
    planted: Company, report: Callable[..., str]
) -> None:
    assert "LESS THAN" not in report()
    planted.write(minimum_group=1)
    assert "minimum_group IS 1, LESS THAN THE 5 THAT ARE USUAL" in report()


def test_the_report_shows_what_dagster_keeps_and_tells(
    planted: Company, report: Callable[..., str]
) -> None:
    assert "Dagster keeps no output of runs. Its telemetry is off." in report()
    (planted.directory / ".dagster" / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    assert "DAGSTER MAY KEEP THE OUTPUT OF RUNS" in (text := report())
    assert "ITS TELEMETRY IS ON" in text


def test_the_report_says_how_many_receive_the_monthly_mail_and_names_none(
    planted: Company, report: Callable[..., str]
) -> None:
    mail = {
        "host": "mail.contoso.example",
        "from": "a@contoso.example",
        "to": ["b@contoso.example"],
    }
    planted.write(settings={"reports": mail})
    said = " ".join(report().split())
    assert "statistics of each month goes to 1 mail address by way of mail.contoso.example" in said
    assert "b@contoso" not in said


def test_the_report_says_what_retention_and_an_erasure_do_not_reach(
    planted: Company, report: Callable[..., str]
) -> None:
    assert "neither retention nor erasure reaches it" in " ".join(report().split())


@pytest.mark.parametrize(
    "changes",
    [{"findings": 1}, {"surprises": 1}, {"tokens": 0}, {"files": 0}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_proof_that_found_or_searched_nothing_it_should_have_proves_nothing(
    changes: dict[str, int],
) -> None:
    assert PROOF.is_proved
    assert not replace(PROOF, **changes).is_proved  # type: ignore[arg-type]  # all are counts


def test_no_mailbox_address_and_no_secret_is_in_the_report(report: Callable[..., str]) -> None:
    text = report()
    assert "@" not in text
    assert "TEST_PASSWORD" not in text


def test_html_is_one_file_that_needs_nothing_else(planted: Company) -> None:
    out = planted.directory / "record.html"
    assert planted.insights("privacy-report", "--region", "EU", "--out", str(out)) == 0
    page = etree.fromstring(out.read_bytes(), etree.HTMLParser())
    assert not page.xpath("//script | //link | //img | //@src | //@href")
    assert len(list(page.iter("h2"))) == 10


def test_another_ending_is_refused(planted: Company) -> None:
    assert planted.insights("privacy-report", "--region", "EU", "--out", "record.pdf") == 2


def test_what_the_record_says_cannot_become_markup(planted: Company) -> None:
    planted.write(lake="la|ke <script>")
    written = {}
    for name in ("record.html", "record.md"):
        out = planted.directory / name
        assert planted.insights("privacy-report", "--region", "EU", "--out", str(out)) == 0
        written[name] = out.read_text()
    assert "<script>" not in written["record.html"]
    assert "la|ke &lt;script&gt;" in written["record.html"]
    assert "la\\|ke <script> |" in written["record.md"]
