"""``insights check`` of an exchange that speaks Graph: token, scope, rooms, remedies."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.sandbox.faults import Fault
from tests.check.asking import CheckNow
from tests.night.two_exchanges import EWS, graph_exchange, write_two_exchanges
from tests.night.workplace import Company, address_of


def use_graph(company: Company, **changes: Any) -> None:
    settings = yaml.safe_load(company.config.read_text())
    settings["regions"]["EU"]["exchanges"] = {"cloud": graph_exchange(company, **changes)}
    company.config.write_text(yaml.safe_dump(settings))


@pytest.fixture(autouse=True)
def _over_graph(company: Company) -> None:
    use_graph(company)


def test_every_step_and_room_is_read_over_graph_alone(company: Company, check: CheckNow) -> None:
    checked = check()
    assert checked.code == 0, checked.out
    assert "the app has a token" in checked.line_of("sign-in")
    assert "2 rooms, the same as in the directory" in checked.line_of("places")
    assert "2 items" in checked.line_of("fjord")
    assert set(company.tenant.log.operations()) == {
        *("Discovery", "Token", "Places", "CalendarView"),
    }


def test_a_refused_app_stops_before_a_room_is_asked_for(company: Company, check: CheckNow) -> None:
    use_graph(company, client_id="another")
    checked = check()
    assert checked.code == 1
    assert checked.line_of("sign-in").endswith("the app gets no token from localhost: TokenRefused")
    assert "CalendarView" not in company.tenant.log.operations()


def test_a_grant_in_entra_that_undoes_the_scope_is_told(company: Company, check: CheckNow) -> None:
    company.tenant.app.entra_roles = ("Calendars.Read", "Place.Read.All")
    checked = check()
    assert checked.code == 0
    assert "Calendars.Read for every mailbox" in checked.line_of("sign-in")
    assert "undoes it: remove it there" in checked.out


def test_a_room_outside_the_scope_is_mended_by_rbac_for_applications(
    company: Company, check: CheckNow
) -> None:
    company.tenant.app.calendars = {address_of("fjord")}
    checked = check()
    assert checked.code == 1
    assert checked.line_of("harbour").endswith("ErrorAccessDenied")
    assert "PS> Set-Mailbox 'harbour@rooms.contoso.example' -CustomAttribute1 'EU'" in checked.out
    assert "-Role 'Application Calendars.Read' -CustomResourceScope" in checked.out
    assert "docs/graph.md" in checked.out


def test_a_room_that_is_still_on_premises_is_told_to_stay_with_ews(
    company: Company, check: CheckNow
) -> None:
    code = "MailboxNotEnabledForRESTAPI"
    company.tenant.faults.add(
        Fault("response_code", room=address_of("harbour"), status=404, code=code)
    )
    checked = check()
    assert checked.line_of("harbour").endswith(code)
    assert "kind: ews" in checked.out


def test_without_place_read_all_the_rooms_are_not_listed_and_nothing_fails(
    company: Company, check: CheckNow
) -> None:
    company.tenant.app.may_read_places = False
    checked = check()
    assert checked.code == 0
    assert "Authorization_RequestDenied" in checked.line_of("places")
    assert "Place.Read.All" in checked.out


def test_places_that_are_away_are_no_reason_to_grant_anything(
    company: Company, check: CheckNow
) -> None:
    company.tenant.faults.add(Fault("http", operation="Places", status=400))
    checked = check()
    assert checked.code == 0
    assert "HTTP400" in checked.line_of("places")
    assert "Place.Read.All" not in checked.out


@pytest.mark.parametrize(("is_scoped", "code"), [(True, 0), (False, 1)])
def test_a_mailbox_outside_the_scope_must_be_denied(
    company: Company, check: CheckNow, is_scoped: bool, code: int
) -> None:
    use_graph(company, scope_probe=company.tenant.account)
    rooms = {address_of(room_id) for room_id in company.calendars}
    company.tenant.app.calendars = rooms if is_scoped else None
    checked = check()
    assert checked.code == code
    assert ("is denied" in checked.line_of("scope")) is is_scoped
    assert ("-CustomResourceScope" in checked.out) is not is_scoped


def test_a_scope_that_is_not_tried_is_said_to_be_that(check: CheckNow) -> None:
    assert "scope_probe" in check().line_of("scope")


def test_the_room_directory_is_seeded_from_places(
    company: Company, check: CheckNow, tmp_path: Path
) -> None:
    fjord = company.tenant.mailboxes[address_of("fjord")]
    fjord.directory = {"capacity": "8", "building": "HQ", "floor": "3", "room_type": "Group Study"}
    harbour = company.tenant.mailboxes[address_of("harbour")]
    harbour.directory = {"floor": "Ground"}
    written = tmp_path / "seed.csv"
    assert check("--region", "EU", "--write-rooms", str(written)).code == 0
    with written.open() as file:
        rows = {row["room_id"]: row for row in csv.DictReader(file)}
    assert {name: rows["fjord"][name] for name in fjord.directory} == {
        "capacity": "8",
        "building": "HQ",
        "floor": "3",
        "room_type": "group_study",
    }
    assert (rows["fjord"]["name"], rows["harbour"]["room_type"]) == ("fjord", "")
    assert (rows["harbour"]["floor"], rows["harbour"]["capacity"]) == ("Ground", "")
    assert {row["exchange"] for row in rows.values()} == {"cloud"}


@pytest.mark.parametrize(
    ("country", "code", "time_zone"),
    [
        ("DK", "DK", "Europe/Copenhagen"),
        ("Denmark", "DK", "Europe/Copenhagen"),
        ("Finland", "FI", "Europe/Helsinki"),
        ("SG", "SG", "Asia/Singapore"),
        ("US", "US", ""),
        ("Utopia", "", "Europe/Copenhagen"),
        (None, "", "Europe/Copenhagen"),
    ],
)
def test_a_zone_that_the_country_leaves_open_is_left_empty(
    company: Company,
    check: CheckNow,
    tmp_path: Path,
    country: str | None,
    code: str,
    time_zone: str,
) -> None:
    fjord = company.tenant.mailboxes[address_of("fjord")]
    fjord.directory = {"country": country} if country else {}
    written = tmp_path / "seed.csv"
    checked = check("--region", "EU", "--write-rooms", str(written))
    assert checked.code == 0
    with written.open() as file:
        rows = {row["room_id"]: row for row in csv.DictReader(file)}
    assert (rows["fjord"]["country"], rows["fjord"]["time_zone"]) == (code, time_zone)
    assert rows["harbour"]["time_zone"] == "Europe/Copenhagen"
    assert ("left empty: 1 room in a country with several" in checked.out) == (not time_zone)


def test_what_places_know_fills_in_the_rooms_that_ews_lists(
    company: Company, check: CheckNow, tmp_path: Path
) -> None:
    write_two_exchanges(company, {"fjord": EWS, "harbour": EWS})
    fjord = company.tenant.mailboxes[address_of("fjord")]
    fjord.directory = {"capacity": "8", "building": "HQ"}
    written = tmp_path / "seed.csv"
    assert check("--region", "EU", "--write-rooms", str(written)).code == 0
    with written.open() as file:
        rows = {row["room_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"fjord", "harbour"}
    found = rows["fjord"]
    assert (found["exchange"], found["capacity"], found["building"]) == (EWS, "8", "HQ")


def test_the_json_has_no_address(company: Company, check: CheckNow) -> None:
    company.tenant.app.calendars = {address_of("fjord")}
    checked = check("--json")
    assert checked.codes == {None: None, "fjord": None, "harbour": "ErrorAccessDenied"}
    assert "@rooms" not in checked.out
