"""No planted token reaches a disk, a log or a terminal, on good nights or failed ones."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import pytest

from pipelines import assets, night
from pipelines.sandbox.faults import Fault
from pipelines.sources import ews_xml
from tests.night.workplace import MONDAY, Company, address_of
from tests.privacy.attack import RAISING
from tests.privacy.conftest import TOKEN
from tests.privacy.search import files_with
from transforms.raw import RawItem
from warehouse import lake, nightly


def assert_nothing_leaked(
    company: Company, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    captured = capfd.readouterr()
    assert TOKEN.lower() not in (captured.out + captured.err + caplog.text).lower()
    assert not files_with(company.directory, [TOKEN])


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_the_sandbox_really_serves_the_tokens(planted: Company) -> None:
    items = planted.tenant.mailbox(address_of("fjord"))
    assert items is not None
    assert all(TOKEN in item.organizer.address for item in items.list)


def test_nothing_personal_is_stored_on_a_good_night(
    planted: Company, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert planted.run() == 0
    assert len(planted.rows()) == 6
    assert_nothing_leaked(planted, capfd, caplog)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("response_code", room=address_of("fjord"), code="ErrorAccessDenied"),
        Fault("soap_fault", room=address_of("fjord"), code="ErrorInvalidRequest"),
        Fault("http", room=address_of("fjord"), status=500),
        Fault("cut", room=address_of("fjord"), at_byte=1500),
    ],
    ids=lambda fault: fault.kind,
)
def test_nothing_personal_is_stored_on_a_partial_night(
    planted: Company,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    planted.write(exchange={"room_deadline_seconds": 3})
    planted.tenant.faults.add(fault)
    assert planted.run() == 3
    assert_nothing_leaked(planted, capfd, caplog)


def test_nothing_personal_is_stored_where_two_rooms_answer_with_one_calendar(
    planted: Company, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    planted.tenant.faults.add(
        Fault("other_mailbox", room=address_of("fjord"), mailbox=address_of("harbour"))
    )
    assert planted.run() == 1
    assert planted.rows() == []
    assert_nothing_leaked(planted, capfd, caplog)


def choke_on_items(items: Sequence[RawItem], *_: Any) -> NoReturn:
    """Raise as libraries do: an error that quotes the value, chained to its cause."""
    value = items[0].invitees[0].address  # type: ignore[index]
    try:
        int(str(value))
    except ValueError as error:
        raise RuntimeError(f"cannot handle {value}") from error
    raise AssertionError


def choke(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError(f"cannot handle {TOKEN}")


@pytest.mark.parametrize(
    ("module", "name", "raising"),
    [
        (ews_xml, "parse_strictly", choke),
        (night, "redact", choke_on_items),
        (nightly, "merge_day", choke),
        (assets, "check_night", choke),
        (night, "publish", choke),
    ],
    ids=["source", "redaction", "lake", "checks", "publish"],
)
def test_nothing_personal_is_stored_when_a_layer_raises(
    planted: Company,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    raising: Callable[..., NoReturn],
) -> None:
    monkeypatch.setattr(module, name, raising)
    assert planted.run() == 1
    assert_nothing_leaked(planted, capfd, caplog)


def test_only_the_contracts_columns_can_be_written(read_planted: Company) -> None:
    table = read_planted.lake.read("bookings", MONDAY)
    assert table is not None
    wider = table.append_column("subject", [["x"] * len(table)])
    with pytest.raises(lake.LakeError, match="columns too many"):
        read_planted.lake.replace("bookings", MONDAY, wider)


def test_every_layer_that_the_privacy_proof_breaks_is_where_it_looks() -> None:
    """A renamed layer would only be noticed by ``make privacy-proof``, which few run."""
    assert not [name for name, (where, what) in RAISING.items() if not hasattr(where, what)]
