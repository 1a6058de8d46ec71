"""The wording of a check: editions, commands, texts of servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.check.exchange import Target
from pipelines.check.view import Command, command_for, for_each, quoted
from pipelines.settings import ExchangeSettings, load_settings
from pipelines.sources import printable
from pipelines.sources.ews_check import edition, is_online
from pipelines.sources.remedies import remedy_for
from tests.night.workplace import Company


@pytest.mark.parametrize(
    ("build", "name"),
    [
        ((15, 0, 1497, 2), "Exchange Server 2013 (15.0.1497.2)"),
        ((15, 1, 2507, 6), "Exchange Server 2016 (15.1.2507.6)"),
        ((15, 2, 1748, 10), "Exchange Server 2019 (15.2.1748.10)"),
        ((15, 2, 2562, 17), "Exchange Server SE (15.2.2562.17)"),
        ((15, 20, 9320, 9), "Exchange Online (15.20.9320.9)"),
        ((16, 0, 1, 2), "Exchange (16.0.1.2)"),
    ],
)
def test_a_build_has_the_name_of_its_product(build: tuple[int, int, int, int], name: str) -> None:
    assert edition(build) == name
    assert is_online(build) == name.startswith("Exchange Online")


@given(st.text())
def test_a_servers_text_cannot_steer_the_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 83


@given(st.text())
def test_a_quoted_text_ends_where_it_should(text: str) -> None:
    assert quoted(text)[1:-1].replace("''", "").count("'") == 0


def exchange_of(company: Company, **keys: str) -> ExchangeSettings:
    exchange = load_settings(company.config, None).regions["EU"].exchanges["sandbox"]
    return exchange.model_copy(update=keys)


@pytest.mark.parametrize(
    ("keys", "statement"),
    [
        ({"access": "delegate"}, "Add-MailboxFolderPermission 'r:\\Calendar' -User 'a' "),
        ({"access": "impersonation"}, "-Role ApplicationImpersonation -User 'a' "),
        ({"auth": "oauth"}, "-App 'a' -Role 'Application EWS.AccessAsApp' "),
    ],
)
def test_denied_access_is_mended_in_the_way_that_the_account_gets_in(
    company: Company, keys: dict[str, str], statement: str
) -> None:
    command = command_for("ErrorAccessDenied", "EU", exchange_of(company, **keys), "'r'", "'a'")
    assert command is not None
    assert statement in "; ".join(command.lines)
    assert "{" not in "; ".join(command.lines)


def test_rights_are_given_for_the_rooms_of_the_region_alone(company: Company) -> None:
    command = command_for("ErrorImpersonateUserDenied", "NA", exchange_of(company), "'r'", "'a'")
    assert command is not None
    assert "-and CustomAttribute1 -eq 'NA'" in command.once[0]


def test_an_app_joins_the_allow_list_without_pushing_others_off(company: Company) -> None:
    command = command_for("HTTP403", "EU", exchange_of(company, auth="oauth"), "'r'", "'app'")
    assert command is not None
    assert command.once[0].startswith("$ids = (Get-OrganizationConfig ")
    assert command.once[1].endswith("((@($ids) + 'app' | Where-Object { $_ }) -join ',')")


def test_many_rooms_are_taken_from_the_directory_instead_of_a_long_command() -> None:
    addresses = [f"{number}@rooms.example" for number in range(9)]
    assert for_each(Command("Mend $_"), addresses).lines == [
        "(Import-Csv <room directory>).address | ForEach-Object { Mend $_ }"
    ]


def test_an_unknown_code_has_a_remedy_but_no_command(company: Company) -> None:
    assert remedy_for("ErrorOfTomorrow")
    assert command_for("ErrorOfTomorrow", "EU", exchange_of(company), "'r'", "'a'") is None


def test_a_target_is_named_by_region_and_exchange(company: Company) -> None:
    assert Target("EU", exchange_of(company), ()).title == "EU sandbox"
