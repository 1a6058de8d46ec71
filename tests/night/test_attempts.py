"""How a pool handles an exchange in trouble: it slows down, waits, retries or gives up."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pipelines.reading import (
    RUN_DEADLINE_EXCEEDED,
    Outcome,
    Reading,
    RoomFailed,
    RoomRead,
    read_rooms,
)
from pipelines.sources import CalendarSource, Reach, ReadError, Window
from pipelines.sources.session import Throttle
from transforms.raw import RawItem

ROWS = pa.table({"room_id": ["x"]})
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
ROOMS = [f"room-{number:02d}" for number in range(20)]
CAMPUS = [f"room-{number:03d}" for number in range(300)]
BUSY = ReadError("ErrorServerBusy", is_transient=True)
FORBIDDEN = ReadError("HTTP403", Reach.UNCLEAR)
GONE = ReadError("CannotConnect", Reach.EXCHANGE, is_transient=True)


class Exchange:
    """Opens sources; each attempt to read a room has the next outcome in ``trouble``."""

    def __init__(self, trouble: dict[str, Sequence[Exception]] | None = None) -> None:
        self.asked: list[str] = []
        self.throttle = Throttle(1)
        self.while_reading: Callable[[str], None] = lambda _room: None
        self._trouble = {room: list(errors) for room, errors in (trouble or {}).items()}

    def open(self, throttle: Throttle) -> CalendarSource:
        self.throttle = throttle
        return self

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        self.asked.append(address)
        self.while_reading(address)
        if self._trouble.get(address):
            raise self._trouble[address].pop(0)
        return []

    def close(self) -> None:
        """Do nothing."""

    def outcomes(
        self,
        workers: int = 1,
        run_deadline: float = 60.0,
        patience: float = 1800.0,
        rooms: Sequence[str] = ROOMS,
    ) -> dict[str, Outcome[pa.Table]]:
        mailboxes = dict(zip(rooms, rooms, strict=True))
        part = Reading(mailboxes, self.open, rows_of_room, workers, patience_seconds=patience)
        found = list(read_rooms([part], run_deadline))
        assert sorted(outcome.room_id for outcome in found) == rooms
        return {outcome.room_id: outcome for outcome in found}


def rows_of_room(source: CalendarSource, room_id: str, read_at: datetime) -> pa.Table:
    source.read(room_id, WINDOW)
    return ROWS


def failed(found: dict[str, Outcome[pa.Table]]) -> dict[str, str]:
    return {room: each.code for room, each in found.items() if isinstance(each, RoomFailed)}


def test_a_room_that_failed_for_a_passing_reason_is_read_again_after_all_others() -> None:
    exchange = Exchange({"room-03": [BUSY]})
    assert not failed(exchange.outcomes())
    assert exchange.asked == [*ROOMS, "room-03"]


def test_a_room_has_two_turns_and_not_more() -> None:
    exchange = Exchange({"room-03": [BUSY] * 9})
    assert failed(exchange.outcomes()) == {"room-03": "ErrorServerBusy"}
    assert exchange.asked.count("room-03") == 2


def test_a_room_that_failed_for_good_has_one_turn() -> None:
    exchange = Exchange({"room-03": [ReadError("ErrorAccessDenied")] * 9})
    assert failed(exchange.outcomes()) == {"room-03": "ErrorAccessDenied"}
    assert exchange.asked == ROOMS


def test_an_exchange_that_cannot_be_reached_at_first_is_asked_once() -> None:
    exchange = Exchange({room: [GONE] * 9 for room in ROOMS})
    assert set(failed(exchange.outcomes(workers=4)).values()) == {"CannotConnect"}
    assert len(exchange.asked) == 1


def test_a_refusal_that_may_be_every_rooms_is_believed_of_the_thirtieth() -> None:
    exchange = Exchange({room: [FORBIDDEN] * 9 for room in CAMPUS})
    found = exchange.outcomes(workers=4, rooms=CAMPUS)
    assert failed(found) == dict.fromkeys(CAMPUS, "HTTP403")
    assert len(set(exchange.asked)) == len(exchange.asked) == 30


def test_the_one_room_that_may_be_read_is_read_where_all_others_are_refused() -> None:
    exchange = Exchange({room: [FORBIDDEN] for room in ROOMS[:-1]})
    assert failed(exchange.outcomes(workers=4)) == dict.fromkeys(ROOMS[:-1], "HTTP403")


def test_a_block_of_refused_rooms_at_the_top_of_the_directory_hides_no_room_below_it() -> None:
    exchange = Exchange({room: [FORBIDDEN] for room in CAMPUS[:200]})
    found = exchange.outcomes(workers=4, rooms=CAMPUS)
    assert failed(found) == dict.fromkeys(CAMPUS[:200], "HTTP403")
    assert sorted(exchange.asked) == CAMPUS


def test_a_web_page_in_place_of_three_rooms_is_every_rooms() -> None:
    page = ReadError("WebPage", Reach.UNCLEAR, is_transient=True)
    trouble: dict[str, Sequence[Exception]] = {room: [page] * 9 for room in ROOMS}
    exchange = Exchange(trouble | {ROOMS[0]: [FORBIDDEN]})
    assert set(failed(exchange.outcomes()).values()) == {"HTTP403", "WebPage"}
    assert len(exchange.asked) == 1 + 3


@pytest.mark.parametrize("struck", [ROOMS[:2], ROOMS[5:12]], ids=["at first", "later"])
def test_a_refusal_that_may_be_every_rooms_is_one_rooms_where_others_are_read(
    struck: Sequence[str],
) -> None:
    exchange = Exchange({room: [FORBIDDEN] for room in struck})
    assert failed(exchange.outcomes()) == dict.fromkeys(struck, "HTTP403")
    assert exchange.asked == ROOMS


def test_a_wrong_password_is_tried_once_where_it_is_not_looked_at_at_first() -> None:
    refused = ReadError("HTTP401", Reach.EXCHANGE)
    trouble: dict[str, Sequence[Exception]] = {room: [refused] for room in ROOMS}
    trouble[ROOMS[0]] = [FORBIDDEN]
    trouble[ROOMS[1]] = [ReadError("HTTP503", is_transient=True)]
    exchange = Exchange(trouble)
    assert set(failed(exchange.outcomes(workers=8)).values()) == {"HTTP401", "HTTP403"}
    assert exchange.asked == ROOMS[:3]


def test_an_exchange_that_goes_away_for_a_while_loses_no_room() -> None:
    exchange = Exchange({room: [GONE] for room in ROOMS[5:9]})
    assert not failed(exchange.outcomes())


def test_an_exchange_that_fails_everything_for_too_long_is_left_alone() -> None:
    exchange = Exchange({"room-03": [BUSY]})
    assert set(failed(exchange.outcomes(patience=-1.0))) == set(ROOMS[3:])
    assert exchange.asked == ROOMS[:4]


def test_a_refusal_is_not_followed_by_anyones_second_turn() -> None:
    exchange = Exchange({"room-03": [BUSY], "room-05": [ReadError("HTTP401", Reach.EXCHANGE)]})
    assert failed(exchange.outcomes()) == dict.fromkeys(["room-03", *ROOMS[5:]], "HTTP401")
    assert exchange.asked == ROOMS[:6]


def test_a_busy_exchange_gets_fewer_rooms_at_once() -> None:
    exchange, lock, at_once = Exchange(), threading.Lock(), [0, 0]

    def crowd(room: str) -> None:
        if room == "room-00":  # it is read alone
            exchange.throttle.slower()
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        time.sleep(0.01)
        with lock:
            at_once[0] -= 1

    exchange.while_reading = crowd
    assert not failed(exchange.outcomes(workers=8))
    assert at_once[1] <= 4


def test_a_wait_that_the_exchange_asks_for_holds_back_every_worker() -> None:
    exchange, begun = Exchange(), {}

    def note(room: str) -> None:
        begun[room] = time.monotonic()
        if room == "room-00":
            exchange.throttle.slower(0.3)

    exchange.while_reading = note
    assert not failed(exchange.outcomes(workers=4))
    assert min(at for room, at in begun.items() if room != "room-00") >= begun["room-00"] + 0.3


def test_after_the_runs_deadline_what_was_read_stays_and_the_rest_fails() -> None:
    exchange, released = Exchange(), threading.Event()

    def hang(room: str) -> None:
        if room == "room-03":
            released.wait(30)

    exchange.while_reading = hang
    try:
        found = exchange.outcomes(run_deadline=0.5)
    finally:
        released.set()
    assert failed(found) == dict.fromkeys(ROOMS[3:], RUN_DEADLINE_EXCEEDED)
    assert all(isinstance(found[room], RoomRead) for room in ROOMS[:3])
    assert exchange.asked == ROOMS[:4]


def test_a_server_that_is_down_for_everybody_is_probed_seldom_until_it_answers() -> None:
    down = ReadError("HTTP503", is_transient=True)
    clock = FastClock()
    comes_back_at = clock() + 900

    class Down(Exchange):
        def read(self, address: str, window: Window) -> Sequence[RawItem]:
            self.asked.append(address)
            if clock() < comes_back_at:
                raise down
            return []

    exchange = Down()
    part = Reading(
        dict(zip(ROOMS, ROOMS, strict=True)), exchange.open, rows_of_room, 4, clock=clock
    )
    found = {outcome.room_id: outcome for outcome in read_rooms([part])}
    assert not failed(found)
    assert len(exchange.asked) < len(ROOMS) + 3 + 3 + 25
    assert exchange.asked[:3] == ROOMS[:3]


def test_a_server_that_stays_down_is_given_up_when_patience_ends() -> None:
    clock = FastClock()
    exchange = Exchange({room: [ReadError("HTTP503", is_transient=True)] * 99 for room in ROOMS})
    part = Reading(
        dict(zip(ROOMS, ROOMS, strict=True)),
        exchange.open,
        rows_of_room,
        4,
        patience_seconds=600,
        clock=clock,
    )
    found = {outcome.room_id: outcome for outcome in read_rooms([part])}
    assert failed(found) == dict.fromkeys(ROOMS, "HTTP503")
    assert len(exchange.asked) < 3 + 20


def test_an_exchange_that_is_down_is_told_with_the_longest_wait_every_few_minutes() -> None:
    clock, told = FastClock(), list[tuple[str, str, float]]()
    exchange = Exchange({room: [ReadError("HTTP503", is_transient=True)] * 99 for room in ROOMS})
    part = Reading(
        dict(zip(ROOMS, ROOMS, strict=True)),
        exchange.open,
        rows_of_room,
        patience_seconds=1800,
        clock=clock,
        exchange="cloud",
    )
    outcomes = read_rooms([part], tell=lambda *waiting: told.append(waiting))
    assert {outcome.room_id for outcome in outcomes} == set(ROOMS)
    assert 3 <= len(told) <= 7
    assert {waiting[:2] for waiting in told} == {("cloud", "HTTP503")}
    most = [seconds for _, _, seconds in told]
    assert most == sorted(most, reverse=True)
    assert 0 < most[0] <= 1800 + part.room_deadline_seconds


class FastClock:
    """A clock that runs a minute in a tenth of a second."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> float:
        return (time.monotonic() - self._began) * 600
