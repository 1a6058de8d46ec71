"""A check's lines of rooms, its JSON, and what it leaves behind."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.check.exchange import Target
from pipelines.check.run import read_week
from pipelines.reading import RoomRead
from pipelines.sandbox.model import ACCOUNT, Person
from pipelines.settings import Secrets, load_settings
from pipelines.sources import Window
from tests.check.asking import CheckNow
from tests.check.conftest import HOUR, soon
from tests.night.workplace import Company, address_of
from tests.transforms.items import item
from transforms.raw import RawItem

TOKEN = "Zq7Kx41Pers"


def test_each_readable_room_says_how_many_items_it_has_next_week(check: CheckNow) -> None:
    checked = check()
    assert checked.line_of("fjord").endswith("2 items in the next week")
    assert checked.line_of("harbour").endswith("0 items in the next week")
    assert "EU sandbox  2 of 2 rooms readable, 2 items in the next week" in checked.out


class EdgeSource:
    """Returns one item within the window, and one that touches it at either edge."""

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        edges = [
            (window.starts_at - HOUR, window.starts_at),
            (window.starts_at, window.starts_at + HOUR),
            (window.ends_at, window.ends_at + HOUR),
        ]
        return [replace(item(), starts_at=start, ends_at=end) for start, end in edges]

    def close(self) -> None: ...


def test_items_that_only_touch_the_week_are_not_counted(company: Company) -> None:
    region = load_settings(company.config, None).regions["EU"]
    target = Target("EU", region.exchanges["sandbox"], region.rooms[:1])
    [outcome] = read_week(target, Secrets(), lambda *_: EdgeSource())
    assert isinstance(outcome, RoomRead)
    assert outcome.found == 1


def test_a_reviewer_reads_as_a_delegate(company: Company, check: CheckNow) -> None:
    company.tenant.impersonation = frozenset()
    company.tenant.reviewer = {address_of("fjord")}
    company.write(exchange={"access": "delegate"})
    checked = check()
    assert checked.code == 1
    assert checked.line_of("fjord").split()[1] == "ok"
    assert checked.line_of("harbour").endswith("ErrorAccessDenied")
    assert (
        "PS> Add-MailboxFolderPermission 'harbour@rooms.contoso.example:\\Calendar' "
        f"-User '{ACCOUNT}' -AccessRights Reviewer" in checked.out
    )


def test_rooms_that_may_not_be_impersonated_share_one_remedy(
    company: Company, check: CheckNow
) -> None:
    company.tenant.impersonation = frozenset()
    checked = check()
    assert checked.code == 1
    assert checked.line_of("fjord").endswith("ErrorImpersonateUserDenied")
    assert checked.line_of("harbour").endswith("ErrorImpersonateUserDenied")
    assert checked.out.count("-Role ApplicationImpersonation") == 1
    assert "'fjord@rooms.contoso.example', 'harbour@rooms.contoso.example' | " in checked.out
    assert "EU sandbox  0 of 2 rooms readable" in checked.out


def test_a_room_that_exchange_does_not_know_is_named_with_the_way_to_look(
    company: Company, check: CheckNow
) -> None:
    company.calendars["ghost"] = []
    company.write()
    checked = check()
    assert checked.code == 1
    assert checked.line_of("ghost").endswith("ErrorNonExistentMailbox")
    assert "PS> Get-Recipient 'ghost@rooms.contoso.example'" in checked.out
    assert checked.line_of("fjord").split()[1] == "ok"


def test_failed_rooms_come_before_readable_ones(company: Company, check: CheckNow) -> None:
    company.tenant.impersonation = {address_of("fjord")}
    out = check().out
    assert out.index(" harbour  ") < out.index(" fjord  ")


def test_json_is_exactly_a_line_for_the_exchange_and_one_for_each_room(
    company: Company, check: CheckNow
) -> None:
    company.tenant.impersonation = {address_of("fjord")}
    checked = check("--json")
    assert checked.code == 1
    assert checked.lines[:2] == [
        {
            "region": "EU",
            "exchange": "sandbox",
            "room_id": room_id,
            "is_readable": True,
            "error_code": None,
            "remedy": None,
        }
        for room_id in (None, "fjord")
    ]
    harbour = dict(checked.lines[2])
    assert "New-ManagementRoleAssignment" in harbour.pop("remedy")
    assert harbour == {
        "region": "EU",
        "exchange": "sandbox",
        "room_id": "harbour",
        "is_readable": False,
        "error_code": "ErrorImpersonateUserDenied",
    }
    assert len(checked.lines) == 3


def test_json_holds_no_address(company: Company, check: CheckNow) -> None:
    company.tenant.impersonation = frozenset()
    company.calendars["ghost"] = []
    company.write(exchange={"access": "delegate"})
    company.tenant.reviewer = frozenset()
    checked = check("--json")
    assert len(checked.lines) == 4
    assert "@" not in checked.out + checked.err


def test_a_region_that_is_not_loaded_is_a_usage_error(check: CheckNow) -> None:
    checked = check("--region", "NA")
    assert checked.code == 2
    assert checked.err.startswith("error: --region NA")


def test_a_secret_that_is_not_set_is_a_configuration_error_before_anything_is_asked(
    company: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_PASSWORD")
    checked = check("--json")
    assert checked.code == 2
    assert "TEST_PASSWORD" in checked.err
    assert not checked.out
    assert not list(company.tenant.log)


def test_nothing_personal_is_printed_and_nothing_is_stored(
    company: Company, check: CheckNow, tmp_path: Path
) -> None:
    people = [Person(f"{TOKEN}{role}", f"{TOKEN}{role}@{TOKEN}.example") for role in "abc"]
    company.calendars["fjord"][:] = [
        soon(
            subject=f"{TOKEN}Subject",
            body=f"{TOKEN}Body",
            location=f"{TOKEN}Location",
            categories=(f"{TOKEN}Category",),
            required=(people[0],),
            optional=(people[1],),
            resources=(people[2],),
            item_id=f"{TOKEN}Id",
            series_id=f"{TOKEN}Uid",
            start_time_zone=f"tzone://{TOKEN}",
        )
    ]
    company.tenant.impersonation = {address_of("fjord")}
    before = sorted(tmp_path.rglob("*"))
    for arguments in ((), ("--json",)):
        checked = check(*arguments)
        assert checked.code == 1
        assert TOKEN.casefold() not in (checked.out + checked.err).casefold()
        assert "Anna" not in checked.out + checked.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_lake_or_a_warehouse_that_takes_nothing_is_told_in_one_line(
    company: Company, check: CheckNow, tmp_path: Path
) -> None:
    company.write(lake="/proc/lake", warehouse="other/warehouse")
    checked = check()
    assert checked.code == 1
    assert "failed  lake         /proc: cannot be written (" in checked.out
    assert "ok      warehouse    can be reached, listed and written" in checked.out
    assert "failed  EU storage  cannot be used, see above" in checked.out
    assert not (tmp_path / "other").exists()


def test_nobody_who_was_invited_is_asked_for(company: Company, check: CheckNow) -> None:
    check()
    assert set(company.tenant.log.operations()) == {"GetRoomLists", "GetRooms", "FindItem"}


def test_one_exchange_that_refuses_leaves_the_other(company: Company, check: CheckNow) -> None:
    exchange = {
        "kind": "ews",
        "endpoint": company.url,
        "auth": "basic",
        "username": ACCOUNT,
        "password_env": "TEST_PASSWORD",
        "ca_file": str(company.authority.ca_file),
    }
    gone = exchange | {"endpoint": "https://localhost:1/EWS/Exchange.asmx"}
    company.write(exchanges={"gone": gone, "here": exchange})
    (company.directory / "rooms.csv").write_text(
        "room_id,address,time_zone,exchange\n"
        f"fjord,{address_of('fjord')},UTC,gone\n"
        f"harbour,{address_of('harbour')},UTC,here\n"
    )
    checked = check("--json")
    assert checked.code == 1
    assert [(line["exchange"], line["room_id"], line["error_code"]) for line in checked.lines] == [
        ("gone", None, "CannotConnect"),
        ("gone", "fjord", "CannotConnect"),
        ("here", None, None),
        ("here", "harbour", None),
    ]
