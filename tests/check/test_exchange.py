"""The exchange's lines of a check: how far it gets, and what it says where it stops."""

import re
import ssl
import warnings
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Mailbox
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import Secrets, load_settings
from pipelines.sources.ews_check import DirectorySource
from tests.check.asking import CheckNow
from tests.conftest import StartExchange
from tests.night.workplace import PASSWORD, Company, address_of


def test_where_all_is_well_every_step_says_so_and_the_exit_code_is_0(check: CheckNow) -> None:
    checked = check()
    assert checked.code == 0
    assert [checked.line_of(step).split()[1] for step in ("DNS", "TLS", "sign-in", "version")] == [
        "ok"
    ] * 4
    assert "localhost is 127.0.0.1" in checked.line_of("DNS")
    assert "TLSv1.3, certificate by Sandbox Exchange CA, 29 days left" in checked.line_of("TLS")
    assert "basic, accepted" in checked.line_of("sign-in")
    assert "Exchange Server 2019 (15.2.1748.10)" in checked.line_of("version")
    assert "in step" in checked.line_of("clock")
    assert "1 list with 2 rooms, the same as in the directory" in checked.line_of("room lists")
    assert "not tried" in checked.line_of("scope")


def test_a_wrong_password_is_tried_once_and_every_room_carries_its_code(
    company: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "not-the-one")
    checked = check("--json")
    assert checked.code == 1
    assert [entry.status for entry in company.tenant.log] == [401]
    assert checked.codes == {None: "HTTP401", "fjord": "HTTP401", "harbour": "HTTP401"}
    assert "not-the-one" not in checked.out + checked.err


def test_a_wrong_password_ends_the_steps_with_the_remedy(
    check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "not-the-one")
    checked = check()
    assert "basic, tried once and refused: HTTP401" in checked.line_of("sign-in")
    assert checked.out.count("was tried once and not again") == 1
    assert not checked.has_line_of("version")


@pytest.mark.parametrize(
    ("host", "step", "code"),
    [
        ("nowhere.invalid", "DNS", "NameResolutionError"),
        (f"{'a' * 70}.invalid", "DNS", "NameResolutionError"),
        ("localhost:1", "TLS", "CannotConnect"),
    ],
)
def test_a_host_that_cannot_be_reached_stops_the_check_without_a_password(
    company: Company, check: CheckNow, host: str, step: str, code: str
) -> None:
    company.write(exchange={"endpoint": f"https://{host}/EWS/Exchange.asmx"})
    checked = check()
    assert checked.code == 1
    assert checked.line_of(step).endswith(code)
    assert checked.line_of("fjord").endswith(code)
    assert not checked.has_line_of("sign-in")
    assert not list(company.tenant.log)


def test_a_certificate_of_another_authority_is_refused_before_the_password(
    company: Company, check: CheckNow, tmp_path: Path
) -> None:
    other = CertificateAuthority(tmp_path / "other")
    company.write(exchange={"ca_file": str(other.ca_file)})
    checked = check()
    assert checked.code == 1
    assert "is refused: " in checked.line_of("TLS")
    assert checked.line_of("TLS").endswith("CertificateNotTrusted")
    assert "Verification is never switched off" in checked.out
    assert not list(company.tenant.log)


def test_a_certificate_for_another_host_is_refused_and_said_to_be(
    company: Company, check: CheckNow, tmp_path: Path
) -> None:
    elsewhere = CertificateAuthority(tmp_path / "elsewhere", hosts=("mail.contoso.example",))
    with SandboxExchange(company.tenant, elsewhere) as server:
        company.write(exchange={"endpoint": server.url, "ca_file": str(elsewhere.ca_file)})
        checked = check()
    assert "it is for another host name" in checked.line_of("TLS")


def test_a_server_that_speaks_only_tls_1_1_is_refused(
    company: Company, check: CheckNow, exchange: StartExchange
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = exchange(
            company.tenant, minimum_tls=ssl.TLSVersion.TLSv1, maximum_tls=ssl.TLSVersion.TLSv1_1
        )
    company.write(exchange={"endpoint": old.url})
    checked = check()
    assert checked.code == 1
    assert "TLS 1.2 or later is not spoken: TlsRefused" in checked.line_of("TLS")
    assert not list(company.tenant.log)


def test_ews_that_is_switched_off_is_told_with_the_way_out(
    company: Company, check: CheckNow
) -> None:
    company.tenant.faults.add(Fault("http", status=403))
    checked = check()
    assert checked.code == 1
    assert checked.line_of("sign-in").endswith("HTTP403")
    assert "EwsAllowedAppIDs" in checked.out
    assert "kind: graph" in checked.out
    assert "Set-CASMailbox 'svc-insights@contoso.example' -EwsEnabled $true" in checked.out
    assert len(company.tenant.log) == 1


@pytest.mark.parametrize(("seconds", "word"), [(600, "ahead of"), (-600, "behind")])
def test_a_clock_that_is_off_is_noted_and_fails_nothing(
    company: Company, check: CheckNow, seconds: int, word: str
) -> None:
    company.tenant.clock_skew_seconds = seconds
    checked = check()
    assert checked.code == 0
    # The server gives whole seconds, and a slow machine needs some to compare.
    told = re.search(rf"(\d+) s {word} this machine's", checked.line_of("clock"))
    assert told
    assert abs(int(told[1]) - 600) < 30


def test_rooms_of_the_lists_and_of_the_directory_are_compared_both_ways(
    company: Company, check: CheckNow
) -> None:
    company.tenant.add(Mailbox("lagoon@rooms.contoso.example", "Lagoon"))
    company.tenant.room_lists["hq@contoso.example"] = (
        address_of("fjord").upper(),
        "lagoon@rooms.contoso.example",
    )
    checked = check()
    assert checked.code == 0
    assert "1 list with 2 rooms" in checked.line_of("room lists")
    assert "1 not in the directory: lagoon@rooms.contoso.example" in checked.out
    assert "1 in no list: harbour" in checked.out


def test_an_organisation_without_room_lists_is_told_how_to_make_one(
    company: Company, check: CheckNow
) -> None:
    company.tenant.room_lists.clear()
    checked = check()
    assert checked.code == 0
    assert "there are none" in checked.line_of("room lists")
    assert "-RoomList" in checked.out


def test_room_lists_that_are_refused_are_noted_and_the_rooms_are_read(
    company: Company, check: CheckNow
) -> None:
    company.tenant.faults.add(
        Fault("response_code", operation="GetRoomLists", code="ErrorAccessDenied")
    )
    checked = check()
    assert checked.code == 0
    assert "could not be asked (ErrorAccessDenied)" in checked.line_of("room lists")
    assert "2 of 2 rooms readable" in checked.out


def test_one_room_list_that_is_refused_leaves_the_others(company: Company, check: CheckNow) -> None:
    company.tenant.room_lists["closed@contoso.example"] = ()
    company.tenant.faults.add(
        Fault("response_code", "closed@contoso.example", "GetRooms", code="ErrorAccessDenied")
    )
    checked = check()
    assert "2 lists with 2 rooms" in checked.line_of("room lists")
    assert "not all could be read" in checked.out
    assert "in no list" not in checked.out


def test_a_mailbox_outside_the_scope_that_is_denied_is_proof(
    company: Company, check: CheckNow
) -> None:
    company.tenant.add(Mailbox("chief@contoso.example", "Chief", is_room=False))
    company.tenant.impersonation = {address_of("fjord"), address_of("harbour")}
    company.write(exchange={"scope_probe": "chief@contoso.example"})
    checked = check()
    assert checked.code == 0
    assert checked.line_of("scope").split()[1] == "ok"


def test_a_mailbox_outside_the_scope_that_can_be_read_is_a_failure_with_the_remedy(
    company: Company, check: CheckNow
) -> None:
    company.tenant.add(Mailbox("chief@contoso.example", "Chief", is_room=False))
    company.write(exchange={"scope_probe": "chief@contoso.example"})
    checked = check("--json")
    assert checked.code == 1
    assert checked.codes == {None: "ScopeTooWide", "fjord": None, "harbour": None}
    remedy = checked.lines[0]["remedy"]
    assert "RBAC for Applications" in remedy
    assert "Set-ManagementRoleAssignment -CustomRecipientWriteScope" in remedy
    assert "chief" not in checked.out + checked.err


def test_the_mailbox_outside_the_scope_is_not_named_on_the_terminal_either(
    company: Company, check: CheckNow
) -> None:
    company.tenant.add(Mailbox("chief@contoso.example", "Chief", is_room=False))
    company.write(exchange={"scope_probe": "chief@contoso.example", "access": "delegate"})
    checked = check()
    assert checked.line_of("scope").endswith("ScopeTooWide")
    assert "Remove-MailboxFolderPermission '<scope_probe>:\\Calendar'" in checked.out
    assert "chief" not in checked.out + checked.err


def test_reading_the_mailbox_outside_the_scope_brings_no_item_of_it(
    company: Company, check: CheckNow
) -> None:
    items = company.calendars["fjord"]
    company.tenant.add(Mailbox("chief@contoso.example", "Chief", items=items, is_room=False))
    company.write(exchange={"scope_probe": "chief@contoso.example"})
    check()
    counts = [entry.count for entry in company.tenant.log if entry.mailbox.startswith("chief")]
    assert counts == [0]


def test_a_probe_that_names_no_mailbox_proves_nothing_and_fails(
    company: Company, check: CheckNow
) -> None:
    company.write(exchange={"scope_probe": "nobody@contoso.example"})
    checked = check("--json")
    assert checked.code == 1
    assert checked.codes[None] == "ScopeUnproved"


def test_an_app_asks_for_room_lists_on_behalf_of_a_room(company: Company) -> None:
    exchange = load_settings(company.config, None).regions["EU"].exchanges["sandbox"]
    assert exchange.kind == "ews"
    source = DirectorySource(exchange, Secrets(PASSWORD), act_as=address_of("fjord"))
    assert source.room_lists() == ["hq@contoso.example"]
    source.close()
    assert [entry.mailbox for entry in company.tenant.log] == [address_of("fjord")]
    assert source.server is not None
    assert source.server.build == (15, 2, 1748, 10)
    assert abs(source.server.clock_offset or timedelta.max) < timedelta(minutes=1)


def test_a_probe_that_is_no_address_is_a_configuration_error_and_not_repeated(
    company: Company, check: CheckNow
) -> None:
    company.write(exchange={"scope_probe": "the-chief"})
    checked = check()
    assert checked.code == 2
    assert "exchanges.sandbox.scope_probe" in checked.err
    assert "the-chief" not in checked.err


def test_the_probe_is_not_in_the_text_of_the_settings(company: Company) -> None:
    company.write(exchange={"scope_probe": "chief@contoso.example"})
    assert "chief" not in repr(load_settings(company.config, None))
