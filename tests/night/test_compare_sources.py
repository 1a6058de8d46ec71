"""``insights compare-sources`` reports differing rows by room, date, column and count."""

from dataclasses import replace

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Mailbox, Person
from tests.night.two_exchanges import EWS, GRAPH, write_two_exchanges
from tests.night.workplace import MONDAY, Company, address_of

BOTH = {"fjord": EWS, "harbour": GRAPH}
SELLERS = Person("Sellers", "sellers@contoso.example", mailbox_type="PublicDL")


def compare(company: Company, *options: str) -> int:
    days = ["--from", MONDAY.isoformat(), "--to", MONDAY.isoformat()]
    return company.insights("compare-sources", "--region", "EU", *days, *options)


def test_equal_rows_end_in_0_and_nothing_is_stored(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_exchanges(company, BOTH)
    assert compare(company) == 0
    summed = "2 of 2 rooms compared, 2026-10-19 to 2026-10-19: 3 rows equal, 0 differ"
    assert summed in capsys.readouterr().out
    assert company.snapshot() == {}
    assert {entry.mailbox for entry in company.tenant.log if entry.operation == "FindItem"} == {
        address_of("fjord"),
        address_of("harbour"),
    }


def test_a_row_that_differs_is_told_by_room_date_and_column_without_its_values(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_exchanges(company, BOTH)
    fjord = company.calendars["fjord"]
    fjord[0] = replace(fjord[0], required=(SELLERS,))
    assert compare(company) == 1
    out = capsys.readouterr().out
    assert "EU fjord 2026-10-19: 1 row differs in headcount_is_lower_bound" in out
    assert "headcount_is_lower_bound: Graph does not tell a distribution list from" in out
    assert "2 rows equal, 1 differ (headcount_is_lower_bound 1)" in out
    assert "sellers" not in out.casefold()


def test_a_row_that_only_one_way_gives_is_counted(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_exchanges(company, BOTH)
    third = "third@contoso.example"
    company.tenant.add(Mailbox(third, items=company.calendars["fjord"]))
    company.tenant.faults.add(
        Fault("other_mailbox", address_of("harbour"), "CalendarView", mailbox=third)
    )
    assert compare(company) == 1
    out = capsys.readouterr().out
    assert "EU harbour 2026-10-19: 2 rows only over cloud, 1 row only over headquarters" in out
    assert "only one way: a booking that was made, moved or deleted between" in out


def test_a_room_that_one_way_refuses_is_not_compared_and_gets_its_remedy(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_exchanges(company, BOTH)
    company.tenant.app.calendars = {address_of("harbour")}
    assert compare(company) == 1
    out = capsys.readouterr().out
    assert "EU fjord: not compared, ErrorAccessDenied over cloud" in out
    assert "ErrorAccessDenied: The app may not read this calendar." in out
    assert "Add-MailboxFolderPermission" not in out  # EWS would need it
    assert "1 of 2 rooms compared" in out


def test_with_names_the_other_exchange(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_exchanges(company, BOTH)
    assert compare(company, "--with", GRAPH) == 0
    assert "1 of 1 rooms compared" in capsys.readouterr().out


def test_an_exchange_that_is_not_there_and_a_day_far_off_are_mistakes_of_usage(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_exchanges(company, BOTH)
    assert compare(company, "--with", "clod") == 2
    assert "did you mean cloud?" in capsys.readouterr().err
    assert compare(company, "--to", "9999-12-31") == 2
    assert "--to 9999-12-31 is more than 1080 days from today" in capsys.readouterr().err
    company.write()
    assert compare(company) == 2
    assert "name the other one in --with" in capsys.readouterr().err


def test_secrets_that_are_not_set_are_refused_together_before_anything_begins(
    company: Company, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_two_exchanges(company, BOTH, client_secret_env="TEST_SECRET")
    monkeypatch.delenv("TEST_PASSWORD")
    for command in ("compare-sources", "run --dry-run"):
        assert company.insights(*command.split(), "--region", "EU") == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert "TEST_PASSWORD is not set" in told.err
        assert "TEST_SECRET is not set" in told.err
