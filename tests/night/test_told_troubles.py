"""What a run prints and sends while an exchange is in trouble, alike over EWS and Graph."""

from pathlib import Path

import pytest

from pipelines import reading
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.night.two_exchanges import EWS, GRAPH, write_two_exchanges
from tests.night.workplace import MONDAY, Company, found_company, meeting

VIEWS = {EWS: "FindItem", GRAPH: "CalendarView"}
ROOMS = [f"room-{number:02}" for number in range(20)]
pytestmark = [pytest.mark.usefixtures("lake_only"), pytest.mark.parametrize("name", VIEWS)]


@pytest.fixture
def twenty_rooms(
    workplace: Path, authority: CertificateAuthority, exchange: StartExchange, name: str
) -> Company:
    """Twenty rooms with a meeting each, all on the exchange with this name."""
    calendars = {room_id: [meeting(MONDAY, 7, 8)] for room_id in ROOMS}
    company = found_company(workplace, authority, exchange, calendars)
    write_two_exchanges(company, dict.fromkeys(ROOMS, name))
    return company


def test_after_a_late_401_only_requests_under_way_and_one_more_are_refused_and_the_remedy_says_so(
    twenty_rooms: Company, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant, workers = twenty_rooms.tenant, 2
    tenant.faults.add(Fault("latency", operation=VIEWS[name], seconds=0.1))
    tenant.faults.add(Fault("http", operation=VIEWS[name], status=401, after=6))
    assert twenty_rooms.run() == 3
    refused = [entry for entry in tenant.log if entry.status == 401]
    assert 2 <= len(refused) <= workers + 1
    assert "(if rooms were read before: " in capsys.readouterr().out


def test_rooms_that_are_given_up_are_one_line_and_never_counted_as_tried(
    twenty_rooms: Company, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    twenty_rooms.tenant.faults.add(Fault("http", operation=VIEWS[name], status=401, after=6))
    assert twenty_rooms.run() == 3
    lines = capsys.readouterr().out.splitlines()
    end = lines.index("EU: writing the days")
    given_up = f"EU {name}: given up (HTTP401); its other rooms fail too"
    assert lines[end - 2 : end] == [given_up, "EU: 20 of 20 rooms, 14 failed"]
    assert lines[1 : end - 2] == [f"EU: {done} of 20 rooms, 0 failed" for done in (2, 4, 6)]


def test_a_run_says_which_exchange_it_waits_for_and_how_long_at_most(
    twenty_rooms: Company,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_QUIET_SECONDS", 0.5)
    busy = Fault("http", operation=VIEWS[name], status=503, retry_after="1", times=2)
    twenty_rooms.tenant.faults.add(busy)
    deadline = "room_deadline_seconds: "
    text = twenty_rooms.config.read_text()
    twenty_rooms.config.write_text(text.replace("workers:", f"{deadline}1\n        workers:"))
    assert twenty_rooms.run() == 0
    out = capsys.readouterr().out
    waiting = (
        "no room could be read for a while (HTTP503); waiting, and trying again, for 31 minutes"
    )
    assert f"EU {name}: {waiting} at most\n" in out
