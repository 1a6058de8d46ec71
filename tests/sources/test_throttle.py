"""With too many workers for a server, the throttle sends fewer requests at once."""

import threading
from itertools import count

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Mailbox, Tenant
from pipelines.sources import ReadError
from pipelines.sources.ews import EwsSource
from pipelines.sources.session import Throttle
from pipelines.sources.wire import Deadline
from tests.conftest import StartExchange
from tests.parity.both_ways import Hasty, ews_settings
from tests.sources.conftest import ROOM, WEEK, FakeTime, Open, meetings, room


def test_a_refusal_halves_what_is_under_way_down_to_one(fake_time: FakeTime) -> None:
    throttle = Throttle(8, fake_time.monotonic)
    limits = []
    for _ in range(4):
        fake_time.now += 5
        throttle.slower()
        limits.append(throttle.limit)
    assert limits == [4, 2, 1, 1]


def test_what_several_workers_hear_at_once_is_one_refusal(fake_time: FakeTime) -> None:
    throttle = Throttle(8, fake_time.monotonic)
    for _ in range(8):
        throttle.slower()
    assert throttle.limit == 4


def test_answers_bring_the_pace_back_but_never_beyond(fake_time: FakeTime) -> None:
    throttle = Throttle(2, fake_time.monotonic)
    throttle.slower()
    for _ in range(100):
        throttle.answered()
    assert throttle.limit == 2


def test_a_slot_that_does_not_come_ends_with_the_deadline() -> None:
    throttle, deadline = Throttle(1), Deadline()
    deadline.start(0.05)
    with throttle.slot(deadline), pytest.raises(TimeoutError), throttle.slot(deadline):
        pytest.fail("two at once")


def test_a_request_that_hangs_past_its_deadline_takes_no_place(fake_time: FakeTime) -> None:
    throttle, deadline = Throttle(1, fake_time.monotonic), Deadline(fake_time.monotonic)
    deadline.start(10)
    with throttle.slot(deadline):
        fake_time.now += 16
        deadline.start(10)
        with throttle.slot(deadline):
            assert throttle.limit == 1


def test_the_longest_wait_that_was_asked_for_holds_everybody_back(fake_time: FakeTime) -> None:
    throttle = Throttle(4, fake_time.monotonic)
    assert throttle.held_seconds() <= 0
    throttle.slower(30)
    throttle.slower(10)
    fake_time.now += 20
    assert throttle.held_seconds() == 10


def test_nobody_is_held_back_for_longer_than_five_minutes(fake_time: FakeTime) -> None:
    throttle = Throttle(4, fake_time.monotonic)
    throttle.slower(86_400)
    assert throttle.held_seconds() == 300


def test_a_wait_that_one_worker_was_asked_for_is_kept_by_another(
    exchange: StartExchange, open_source: Open, fake_time: FakeTime
) -> None:
    tenant, throttle = room(meetings(3)), Throttle(2, fake_time.monotonic)
    server = exchange(tenant)
    throttle.slower(7)
    open_source(server, throttle=throttle).read(ROOM, WEEK)
    assert fake_time.sleeps == [7]


def test_a_wait_longer_than_the_room_may_take_passes_but_not_for_this_room(
    exchange: StartExchange, open_source: Open, fake_time: FakeTime
) -> None:
    tenant, throttle = room(meetings(3)), Throttle(2, fake_time.monotonic)
    throttle.slower(700)
    source = open_source(exchange(tenant), throttle=throttle)
    with pytest.raises(ReadError) as caught:
        source.read(ROOM, WEEK)
    assert (caught.value.code, caught.value.is_transient) == ("ErrorServerBusy", True)
    assert len(tenant.log) == 0


def test_every_room_is_read_from_a_server_that_likes_fewer_requests(
    exchange: StartExchange,
) -> None:
    rooms = [f"r{number}@contoso.example" for number in range(24)]
    tenant = Tenant([Mailbox(address, items=meetings(3)) for address in rooms])
    tenant.faults.add(Fault("too_many_at_once", limit=2))
    tenant.faults.add(Fault("latency", seconds=0.02))
    server, throttle, found = (
        exchange(tenant),
        Throttle(6, clock=count().__next__),
        dict.fromkeys(rooms, 0),
    )

    def work(mine: list[str]) -> None:
        source = EwsSource(
            *ews_settings(server), with_invitees=False, throttle=throttle, clock=Hasty(20)
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
    assert throttle.limit < 6
