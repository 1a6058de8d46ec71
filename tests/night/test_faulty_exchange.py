"""A whole run against an exchange in trouble: every room that can be read is read.

The waits before a retry take a hundredth of their real time; nothing else is changed.
"""

import math
import random
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.night import SILENT, Night, NightResult, run_night
from pipelines.sandbox.faults import Fault, Faults, Kind
from pipelines.sandbox.model import Item
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import ExchangeSettings, Secrets, load_settings
from pipelines.sources import CalendarSource, DayRange
from pipelines.sources import session as pace_of
from pipelines.sources.ews import EwsSource
from pipelines.sources.session import Throttle
from tests.conftest import StartExchange
from tests.night.workplace import MONDAY, Company, address_of, found_company, meeting
from tests.parity.both_ways import Hasty

TROUBLES: dict[Kind, tuple[float, tuple[Fault, ...]]] = {
    "http": (
        0.05,
        (
            Fault("http", status=503, retry_after="0"),
            Fault("http", status=429, retry_after="0"),
            Fault("http", status=502),
        ),
    ),
    "soap_fault": (
        0.05,
        (
            Fault("soap_fault", code="ErrorServerBusy", back_off_milliseconds=5),
            Fault("soap_fault", code="ErrorMailboxStoreUnavailable"),
        ),
    ),
    "reset": (0.04, (Fault("reset"),)),
    "cut": (0.04, (Fault("cut"), Fault("cut", at_byte=400))),
    "hang_up": (0.04, (Fault("hang_up"), Fault("hang_up", at_byte=0))),
}
PLANTED = {
    "room-007": "ErrorAccessDenied",
    "room-123": "ErrorMailboxMoveInProgress",
    "room-221": "ErrorSomethingNobodyKnows",
    "room-200": "ErrorMailboxStoreUnavailable",  # usually transient; here it stays
    "room-299": "ErrorItemCorrupt",
}


class RandomFaults(Faults):
    """About one answer in five fails at random; planted faults occur as well.

    Rooms with a planted code are spared: if the last try of one failed otherwise, it would have
    that code.
    """

    def __init__(self) -> None:
        super().__init__()
        self.struck: Counter[str] = Counter()
        self._random = random.Random(20)
        self._guard = threading.Lock()

    def take(
        self, kind: Kind, mailbox: str, operation: str, item: object = None, now: float = math.inf
    ) -> Fault | None:
        planted = super().take(kind, mailbox, operation, item, now)
        is_spared = mailbox in map(address_of, PLANTED)
        if planted is not None or kind not in TROUBLES or is_spared:
            return planted
        chance, faults = TROUBLES[kind]
        with self._guard:
            if self._random.random() >= chance:
                return None
            self.struck[kind] += 1
            return self._random.choice(faults)


def run_impatiently(company: Company, **changes: Any) -> NightResult:
    """Run a night over Monday, with some settings changed."""

    def opened(
        exchange: ExchangeSettings, secrets: Secrets, with_invitees: bool, throttle: Throttle
    ) -> CalendarSource:
        assert exchange.kind == "ews"
        return EwsSource(
            exchange,
            secrets,
            with_invitees=with_invitees,
            throttle=throttle,
            clock=Hasty(100),
        )

    settings = load_settings(company.config, None).model_copy(update=changes)
    night = Night(settings, "EU", DayRange(MONDAY, MONDAY), MONDAY)
    return run_night(night, opened, SILENT)


@pytest.fixture
def campus(
    tmp_path: Path,
    authority: CertificateAuthority,
    exchange: StartExchange,
    monkeypatch: pytest.MonkeyPatch,
) -> Company:
    """300 rooms with one or two meetings on Monday, read by eight workers."""
    monkeypatch.setenv("TEST_PASSWORD", "sandbox")
    monkeypatch.setattr(pace_of, "_SECONDS_OF_ONE_REFUSAL", 0.01)
    calendars: dict[str, Sequence[Item]] = {
        f"room-{number:03d}": [
            meeting(MONDAY, 8 + hour, 9 + hour) for hour in range(1 + number % 2)
        ]
        for number in range(300)
    }
    company = found_company(tmp_path, authority, exchange, calendars)
    company.write(exchange={"workers": 8})
    return company


def test_of_300_rooms_with_every_fifth_answer_faulty_all_that_can_be_read_are_read(
    campus: Company,
) -> None:
    faults = campus.tenant.faults = RandomFaults()
    for room_id, code in PLANTED.items():
        faults.add(Fault("response_code", room=address_of(room_id), code=code))
    faults.add(Fault("stall", room=address_of("room-250"), times=1, seconds=30))
    campus.write(exchange={"workers": 8, "room_deadline_seconds": 6})
    report = run_impatiently(campus)
    assert report.failed == PLANTED
    stored = Counter(row["room_id"] for row in campus.rows())
    assert stored == {
        room_id: len(items) for room_id, items in campus.calendars.items() if room_id not in PLANTED
    }
    answers = len(list(campus.tenant.log))
    assert min(faults.struck[kind] for kind in TROUBLES) > 10
    assert faults.struck.total() > 0.17 * answers


def test_more_workers_than_the_server_likes_become_fewer_rooms_at_once(campus: Company) -> None:
    for room_id in list(campus.calendars)[200:]:
        del campus.calendars[room_id]
    campus.tenant.faults.add(Fault("too_many_at_once", limit=2))
    campus.tenant.faults.add(Fault("latency", seconds=0.01))
    campus.write(exchange={"workers": 20}, headcount=False)
    report = run_impatiently(campus)
    refused = sum(entry.code == "ErrorServerBusy" for entry in campus.tenant.log)
    assert report.is_whole
    assert 0 < refused < 60


def test_when_the_runs_time_is_over_what_was_read_lands(campus: Company) -> None:
    for room_id in list(campus.calendars)[6:]:
        del campus.calendars[room_id]
    campus.tenant.faults.add(Fault("stall", room=address_of("room-003"), seconds=30))
    campus.write(exchange={"workers": 2})
    report = run_impatiently(campus, run_deadline_minutes=0.05)
    assert report.failed == {"room-003": "RunDeadlineExceeded"}
    assert {row["room_id"] for row in campus.rows()} == set(campus.calendars) - {"room-003"}


def test_two_rooms_that_answer_with_one_calendar_both_keep_what_they_had(campus: Company) -> None:
    for room_id in list(campus.calendars)[3:]:
        del campus.calendars[room_id]
    campus.write(exchange={"workers": 2})
    assert run_impatiently(campus).is_whole
    before = [row for row in campus.rows() if row["room_id"] != "room-002"]
    campus.tenant.faults.add(
        Fault("other_mailbox", room=address_of("room-001"), mailbox=address_of("room-000"))
    )
    report = run_impatiently(campus)
    assert report.failed == dict.fromkeys(["room-000", "room-001"], "OtherMailbox")
    assert [row for row in campus.rows() if row["room_id"] != "room-002"] == before
