"""Libraries that would log answers, headers and secrets log nothing, at any level."""

import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import PASSWORD, Person
from pipelines.sources import ReadError
from pipelines.sources.wire import LIBRARIES, silence_loggers
from tests.sources.conftest import ROOM, meeting, refused, room

Read = Callable[..., Any]
TOKEN = Person("Zxqvnameplanted", "zxqvaddress@contoso.example")


class Everything(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def everything() -> Iterator[Everything]:
    """Capture the root logger and each library's at DEBUG, as an operator may when debugging."""
    handler = Everything()
    loggers = [logging.getLogger(name) for name in ("", "exchangelib.util.xml", *LIBRARIES)]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled, logger.propagate = False, True
        logger.addHandler(handler)
    yield handler
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers = handlers
    silence_loggers()


def test_at_debug_nothing_of_a_reading_reaches_a_log(
    read: Read, everything: Everything, capfd: pytest.CaptureFixture[str]
) -> None:
    tenant = room([meeting(required=(TOKEN,), subject=TOKEN.name)])
    read(tenant, with_invitees=True)
    tenant.faults.add(Fault("cut"))
    refused(lambda: read(tenant))
    refused(lambda: read(tenant, password=PASSWORD + "wrong"))
    names = {record.name.partition(".")[0] for record in everything.records}
    assert not names & set(LIBRARIES)
    said = "".join(record.getMessage() for record in everything.records) + "".join(
        capfd.readouterr()
    )
    for secret in (TOKEN.name, TOKEN.address, ROOM, PASSWORD, "CalendarItem", "Basic "):
        assert secret not in said


def test_a_logger_that_is_made_later_is_silent_too(
    everything: Everything, capfd: pytest.CaptureFixture[str]
) -> None:
    silence_loggers()
    logging.getLogger("exchangelib.made.later").critical("a body")
    assert everything.records == []
    assert capfd.readouterr().err == ""


def test_a_failure_that_is_kept_holds_nothing_of_the_frames_that_it_came_through() -> None:
    class Held:
        """Stands in for the items of a room."""

    held: list[weakref.ref[Held]] = []

    def read() -> None:
        items = Held()
        held.append(weakref.ref(items))
        raise ReadError("MalformedItem")

    with pytest.raises(ReadError) as caught:
        read()
    assert held[0]() is not None
    failure = ReadError.of(caught.value)
    assert held[0]() is None
    assert (failure.code, failure.__traceback__, failure.__context__) == (
        "MalformedItem",
        None,
        None,
    )
