"""Regions that mix EWS and Graph, and rooms that move from one to the other."""

import shutil
from datetime import timedelta
from typing import Any

import pytest

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.model import Item, Mailbox
from tests.night.two_exchanges import EWS, GRAPH, write_two_exchanges
from tests.night.workplace import MONDAY, Company, address_of, at, meeting

TUESDAY = MONDAY + timedelta(days=1)


def without_read_at(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "read_at"} for row in rows]


def asked(company: Company, operation: str) -> set[str]:
    log = company.tenant.log
    return {entry.mailbox for entry in log if entry.operation == operation}


@pytest.mark.usefixtures("lake_only")
def test_a_region_reads_some_rooms_over_ews_and_others_over_graph(read_company: Company) -> None:
    company = read_company
    over_ews = without_read_at(company.rows())
    company.tenant.log.clear()
    write_two_exchanges(company, {"fjord": GRAPH, "harbour": EWS})
    assert company.run() == 0
    assert asked(company, "CalendarView") == {address_of("fjord")}
    assert asked(company, "FindItem") == {address_of("harbour")}
    assert without_read_at(company.rows()) == over_ews


@pytest.mark.usefixtures("lake_only")
def test_a_week_of_invented_bookings_makes_two_equal_lakes(company: Company) -> None:
    now = at(TUESDAY, 0)
    tenant = generated_tenant("EU", rooms=4, now=now)
    alder, _, *others = tenant.mailboxes.values()
    for room_id, mailbox in (("fjord", alder), ("harbour", others[0])):
        items = mailbox.items(now - timedelta(days=40), now)
        company.calendars[room_id][:] = [each for each in items if not has_list(each)]
    days = [MONDAY - timedelta(days=offset) for offset in range(7)]
    company.run(days[-1], days[0])
    over_ews = [without_read_at(company.rows(day=day)) for day in days]
    write_two_exchanges(company, {"fjord": GRAPH, "harbour": GRAPH})
    shutil.rmtree(company.directory / "lake")
    assert company.run(days[-1], days[0]) == 0
    over_graph = [without_read_at(company.rows(day=day)) for day in days]
    assert sum(map(len, over_graph)) > 50
    assert over_graph == over_ews


def has_list(item: Item) -> bool:
    invited = (*item.required, *item.optional)
    return any(each.mailbox_type not in ("Mailbox", "OneOff") for each in invited)


def test_a_room_that_moves_to_the_cloud_keeps_its_id_and_its_history(
    read_company: Company,
) -> None:
    company = read_company
    monday = company.rows()
    company.calendars["fjord"].append(meeting(TUESDAY, 8, 9))
    write_two_exchanges(company, {"fjord": GRAPH, "harbour": EWS})
    assert company.run(TUESDAY, TUESDAY) == 0
    assert company.rows() == monday
    days = company.query(
        "SELECT room_id, local_date, booked_minutes FROM room_days"
        " WHERE room_id = 'fjord' ORDER BY local_date"
    )
    assert days == [("fjord", MONDAY, 180), ("fjord", TUESDAY, 60)]


@pytest.mark.usefixtures("lake_only")
def test_a_room_outside_the_apps_scope_fails_alone_and_keeps_its_rows(
    read_company: Company,
) -> None:
    company = read_company
    write_two_exchanges(company, {"fjord": GRAPH, "harbour": GRAPH})
    before = company.rows()
    company.tenant.app.calendars = {address_of("fjord")}
    company.calendars["harbour"].clear()
    assert company.run() == 3
    assert [row["starts_at"] for row in company.rows()] == [row["starts_at"] for row in before]
    assert {row["room_id"]: row["error_code"] for row in company.rows("coverage")} == {
        "fjord": None,
        "harbour": "ErrorAccessDenied",
    }


@pytest.mark.parametrize("protocol", [EWS, GRAPH])
@pytest.mark.parametrize("kind", ["http", "response_code"])
def test_refused_rooms_at_the_top_of_the_directory_leave_no_other_unread(
    company: Company, protocol: str, kind: Kind
) -> None:
    refused = ["aalto", "birch", "coral", "delta"]
    for room_id in refused:
        company.tenant.add(Mailbox(address_of(room_id), room_id))
        where, code = address_of(room_id), "ErrorAccessDenied"
        company.tenant.faults.add(Fault(kind, room=where, code=code, status=403))
    write_two_exchanges(company, dict.fromkeys([*refused, "fjord", "harbour"], protocol))
    assert company.run() == 3
    codes = {row["room_id"]: row["error_code"] for row in company.rows("coverage")}
    of_all = "HTTP403" if kind == "http" else "ErrorAccessDenied"
    assert codes == dict.fromkeys(refused, of_all) | {"fjord": None, "harbour": None}


@pytest.mark.usefixtures("lake_only")
def test_an_exchange_whose_rooms_all_fail_alike_is_one_line(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.calendars["quay"] = []
    rooms = {"fjord": GRAPH, "quay": GRAPH, "harbour": EWS}
    write_two_exchanges(company, rooms, client_id="another")
    assert company.run() == 3
    lines = capsys.readouterr().out.splitlines()
    of_all = [line for line in lines if line.startswith(f"EU {GRAPH}: ")]
    (told,) = [line for line in of_all if "given up" not in line]
    assert told.endswith(", all of its 2 rooms")
    assert len(of_all) <= 2
    assert not [line for line in lines if line.startswith(("EU quay", "EU fjord"))]


@pytest.mark.parametrize(("failing", "other"), [(EWS, "Graph"), (GRAPH, "EWS")])
@pytest.mark.usefixtures("lake_only")
def test_a_remedy_speaks_of_the_exchange_whose_rooms_failed_alone(
    company: Company, failing: str, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = {"fjord": failing, "harbour": GRAPH if failing == EWS else EWS}
    write_two_exchanges(company, rooms)
    company.tenant.faults.add(Fault("http", room=address_of("fjord"), status=404))
    assert company.run() == 3
    lines = capsys.readouterr().out.splitlines()
    (remedy,) = [line for line in lines if line.startswith("HTTP404: ")]
    assert other not in remedy


@pytest.mark.usefixtures("lake_only")
def test_an_app_that_is_refused_leaves_the_rooms_of_the_other_exchange(company: Company) -> None:
    write_two_exchanges(company, {"fjord": GRAPH, "harbour": EWS}, client_id="another")
    assert company.run() == 3
    assert {row["room_id"] for row in company.rows()} == {"harbour"}


@pytest.mark.usefixtures("lake_only")
def test_graph_is_asked_for_no_more_at_once_than_there_are_workers(company: Company) -> None:
    rooms = {"fjord": GRAPH, "harbour": GRAPH}
    write_two_exchanges(company, rooms, workers=1)
    company.tenant.faults.add(Fault("latency", operation="CalendarView", seconds=0.05))
    company.run()
    assert company.tenant.log.most_at_once == 1
