"""Retries: limited, spread out, and never past the deadline."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from pipelines.settings import EwsExchange, Secrets
from pipelines.sources import Reach, ReadError, retry_after
from pipelines.sources.session import ATTEMPTS, Session, Throttle
from tests.sources.conftest import FakeTime

Send = Callable[..., str]


@pytest.fixture
def send(fake_time: FakeTime) -> Send:
    """``send(request, seconds)``: send a request within a room's time limit."""

    def start(request: Callable[[], str], seconds: int = 1_000) -> str:
        exchange = EwsExchange.model_construct(
            kind="ews", endpoint="https://localhost", room_deadline_seconds=seconds
        )
        session = Session(exchange, Secrets(), None, "ErrorServerBusy", fake_time)
        return sent(session, request)

    return start


def sent(session: Session, request: Callable[[], str]) -> str:
    session.begin()
    answer = ""
    for attempt in session.attempts():
        with attempt, session.sending():
            answer = request()
    return answer


def failing(*failures: ReadError) -> Callable[[], str]:
    left = list(failures)

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return ask


def passing(retry_after: float | None = None) -> ReadError:
    return ReadError("Passing", is_transient=True, retry_after=retry_after)


def test_waits_grow_and_differ_from_worker_to_worker(fake_time: FakeTime, send: Send) -> None:
    ask = failing(*[passing() for _ in range(ATTEMPTS - 1)])
    assert send(ask) == "answer"
    for attempt, slept in enumerate(fake_time.sleeps):
        assert 2**attempt * 0.5 <= slept <= 2**attempt
    assert len({round(slept, 6) for slept in fake_time.sleeps}) == ATTEMPTS - 1


def test_a_wait_that_is_over_already_still_leaves_the_server_time(
    fake_time: FakeTime, send: Send
) -> None:
    ask = failing(*[passing(0.0) for _ in range(ATTEMPTS - 1)])
    assert send(ask) == "answer"
    assert [slept >= 0.5 for slept in fake_time.sleeps] == [True] * (ATTEMPTS - 1)


def test_no_request_is_sent_and_no_wait_is_begun_past_the_deadline(
    fake_time: FakeTime, send: Send
) -> None:
    ask = failing(*[passing(4) for _ in range(ATTEMPTS)])
    with pytest.raises(ReadError, match=r"^Passing$"):
        send(ask, 10)
    assert len(fake_time.sleeps) == 2
    assert fake_time.now < 10


def test_a_request_that_the_deadline_cut_short_says_so(fake_time: FakeTime, send: Send) -> None:
    def ask() -> str:
        fake_time.now += 2_000
        raise passing()

    with pytest.raises(ReadError, match=r"^DeadlineExceeded$"):
        send(ask)


def test_a_permanent_failure_is_not_asked_again(fake_time: FakeTime, send: Send) -> None:
    ask = failing(ReadError("Permanent"))
    with pytest.raises(ReadError, match=r"^Permanent$"):
        send(ask)
    assert fake_time.sleeps == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("1.5", 1.5),
        (".", None),
        ("soon", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("-5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_retry_after_may_be_a_date_ahead() -> None:
    assert (retry_after("Wed, 21 Oct 2099 07:28:00 GMT") or 0) > 1e6


def test_a_password_that_was_changed_is_tried_once_more_by_one_worker_alone(
    fake_time: FakeTime,
) -> None:
    throttle, together = Throttle(2), threading.Barrier(2)
    throttle.answered()
    second_tries: list[int] = []

    def work(number: int) -> None:
        tries = 0

        def request() -> str:
            nonlocal tries
            tries += 1
            if tries == 1:
                together.wait(30)
            else:
                second_tries.append(number)
                with suppress(threading.BrokenBarrierError):
                    together.wait(0.2)  # nobody else comes
            raise ReadError("HTTP401", Reach.EXCHANGE)

        exchange = EwsExchange.model_construct(kind="ews", endpoint="https://localhost")
        session = Session(exchange, Secrets(), throttle, "ErrorServerBusy", fake_time)
        with pytest.raises(ReadError, match=r"^HTTP401$"):
            sent(session, request)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(second_tries) == 1


def test_an_exchange_that_is_down_for_everybody_is_sent_a_request_once(
    fake_time: FakeTime,
) -> None:
    throttle = Throttle(2)
    throttle.is_down = True
    request = failing(*[passing() for _ in range(ATTEMPTS)])
    exchange = EwsExchange.model_construct(kind="ews", endpoint="https://localhost")
    session = Session(exchange, Secrets(), throttle, "ErrorServerBusy", fake_time)
    with pytest.raises(ReadError, match=r"^Passing$"):
        sent(session, request)
    assert fake_time.sleeps == []
