"""Reading the rooms of an exchange: every room has one outcome, whatever happens."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pipelines import reading
from pipelines.reading import Outcome, Reading, RoomFailed, RoomRead, read_rooms
from pipelines.sources import CalendarSource, Reach, ReadError, Window
from pipelines.sources.session import DEADLINE_EXCEEDED, Throttle
from transforms.raw import RawItem

ROWS = pa.table({"room_id": ["x"]})
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


class FakeSource:
    """Returns no items for a room, or does what ``trouble`` has for it."""

    def __init__(self, trouble: dict[str, Callable[[], None]], asked: list[str]) -> None:
        self._trouble = trouble
        self._asked = asked
        self.is_closed = False

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        self._asked.append(address)
        self._trouble.get(address, lambda: None)()
        return []

    def close(self) -> None:
        self.is_closed = True


def rows_of_room(source: CalendarSource, room_id: str, read_at: datetime) -> pa.Table:
    source.read(room_id, WINDOW)
    return ROWS


def outcomes(
    rooms: Sequence[str],
    trouble: dict[str, Callable[[], None]] | None = None,
    asked: list[str] | None = None,
    workers: int = 3,
    deadline: float = 60.0,
) -> dict[str, Outcome[pa.Table]]:
    asked = [] if asked is None else asked
    part = Reading(
        addresses={room: room for room in rooms},
        open_source=lambda _throttle: FakeSource(trouble or {}, asked),
        read_room=rows_of_room,
        workers=workers,
        room_deadline_seconds=deadline,
    )
    found = list(read_rooms([part]))
    assert len(found) == len({outcome.room_id for outcome in found})
    return {outcome.room_id: outcome for outcome in found}


def raising(error: Exception) -> Callable[[], None]:
    def trouble() -> None:
        raise error

    return trouble


ROOMS = [f"room-{number}" for number in range(20)]


def test_every_room_ends_in_one_outcome() -> None:
    found = outcomes(ROOMS)
    assert set(found) == set(ROOMS)
    assert all(isinstance(outcome, RoomRead) for outcome in found.values())


def test_one_rooms_failure_is_one_rooms() -> None:
    found = outcomes(ROOMS, {"room-3": raising(ReadError("ErrorAccessDenied"))})
    assert found["room-3"] == RoomFailed("room-3", "ErrorAccessDenied")
    assert sum(isinstance(outcome, RoomFailed) for outcome in found.values()) == 1


def test_an_unforeseen_error_leaves_its_class_and_never_its_text() -> None:
    found = outcomes(ROOMS, {"room-3": raising(ValueError("Ms Personal Name"))})
    assert found["room-3"] == RoomFailed("room-3", "ValueError")


def test_a_refused_password_is_tried_once_and_fails_every_room() -> None:
    asked: list[str] = []
    refusal = raising(ReadError("HTTP401", Reach.EXCHANGE))
    found = outcomes(ROOMS, dict.fromkeys(ROOMS, refusal), asked, workers=8)
    assert len(asked) == 1
    assert set(found.values()) == {RoomFailed(room_id, "HTTP401") for room_id in ROOMS}


def test_a_refusal_in_the_middle_keeps_the_rooms_read_before() -> None:
    asked: list[str] = []
    refusal = raising(ReadError("HTTP401", Reach.EXCHANGE))
    found = outcomes(ROOMS, {"room-5": refusal}, asked, workers=1)
    assert asked == ROOMS[:6]
    assert {room for room, outcome in found.items() if isinstance(outcome, RoomRead)} == set(
        ROOMS[:5]
    )


def test_a_room_that_hangs_past_its_deadline_fails_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(reading, "_POLL_SECONDS", 0.02)
    released = threading.Event()
    try:
        found = outcomes(ROOMS, {"room-0": released.wait}, workers=1, deadline=0.1)  # type: ignore[dict-item]
    finally:
        released.set()
    assert found["room-0"] == RoomFailed("room-0", DEADLINE_EXCEEDED)
    assert sum(isinstance(outcome, RoomRead) for outcome in found.values()) == len(ROOMS) - 1


def test_two_exchanges_are_read_side_by_side_and_one_refusal_stops_only_its_own() -> None:
    def part(rooms: list[str], trouble: dict[str, Callable[[], None]]) -> Reading[pa.Table]:
        return Reading(
            {room: room for room in rooms}, lambda _throttle: FakeSource(trouble, []), rows_of_room
        )

    refusal = raising(ReadError("HTTP403", Reach.EXCHANGE))
    found = list(read_rooms([part(["a", "b"], {}), part(["c", "d"], {"c": refusal, "d": refusal})]))
    assert {type(outcome) for outcome in found if outcome.room_id in "ab"} == {RoomRead}
    assert {type(outcome) for outcome in found if outcome.room_id in "cd"} == {RoomFailed}


def test_an_exchange_without_rooms_is_not_asked() -> None:
    def never(_throttle: Throttle) -> CalendarSource:
        raise AssertionError

    assert list(read_rooms([Reading({}, never, rows_of_room)])) == []


def test_leaving_early_ends_the_workers() -> None:
    before = threading.active_count()
    outcome_stream = read_rooms(
        [
            Reading(
                dict(zip(ROOMS, ROOMS, strict=True)),
                lambda _throttle: FakeSource({}, []),
                rows_of_room,
            )
        ]
    )
    next(iter(outcome_stream))
    outcome_stream.close()  # type: ignore[attr-defined]
    until = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before  # a thread of another test may have ended meanwhile
