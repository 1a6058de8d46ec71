"""More workers than a server likes become fewer requests at once, not more refusals."""

import threading
import time
from itertools import count

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import ACCOUNT, PASSWORD, Mailbox, Tenant
from pipelines.sources.ews import EwsSettings, EwsSource
from pipelines.sources.pace import Pace
from pipelines.sources.retry import Deadline
from tests.conftest import StartExchange
from tests.sources.conftest import WEEK, FakeTime, meetings


def test_a_refusal_halves_what_is_under_way_down_to_one(fake_time: FakeTime) -> None:
    pace = Pace(8, fake_time.clock)
    limits = []
    for _ in range(4):
        fake_time.now += 5
        pace.slower()
        limits.append(pace.limit)
    assert limits == [4, 2, 1, 1]


def test_what_several_workers_hear_at_once_is_one_refusal(fake_time: FakeTime) -> None:
    pace = Pace(8, fake_time.clock)
    for _ in range(8):
        pace.slower()
    assert pace.limit == 4


def test_answers_bring_the_pace_back_but_never_beyond(fake_time: FakeTime) -> None:
    pace = Pace(2, fake_time.clock)
    pace.slower()
    for _ in range(100):
        pace.answered()
    assert pace.limit == 2


def test_a_turn_that_does_not_come_ends_with_the_deadline() -> None:
    pace, deadline = Pace(1), Deadline()
    deadline.start(0.05)
    with pace.turn(deadline), pytest.raises(TimeoutError), pace.turn(deadline):
        pytest.fail("two at once")


def test_every_room_is_read_from_a_server_that_likes_fewer_requests(
    exchange: StartExchange,
) -> None:
    rooms = [f"r{number}@contoso.example" for number in range(24)]
    tenant = Tenant([Mailbox(address, items=meetings(3)) for address in rooms])
    tenant.faults.add(Fault("too_many_at_once", limit=2))
    tenant.faults.add(Fault("latency", seconds=0.02))
    server, pace, found = exchange(tenant), Pace(6, clock=count().__next__), dict.fromkeys(rooms, 0)

    def work(mine: list[str]) -> None:
        settings = EwsSettings(
            server.url, "basic", ACCOUNT, PASSWORD, ca_file=server.authority.ca_file
        )
        source = EwsSource(
            settings, with_invitees=False, pace=pace, sleep=lambda seconds: time.sleep(seconds / 20)
        )
        for address in mine:
            found[address] = len(source.read(address, WEEK))
        source.close()

    workers = [threading.Thread(target=work, args=(rooms[start::6],)) for start in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(found.values()) == {3}
    assert pace.limit < 6
