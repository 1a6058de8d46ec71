"""R19: the ledger against the script of a simulation; ``make bench`` has 10,000 room-nights."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_change_is_found_and_none_invented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among them cut series, exceptions, and nights that fail, are repeated or killed."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.ledger import Simulation

    found = Simulation(tmp_path, rooms=12, seed=2).run(nights=9)
    assert {"series cut", "killed night", "repeated night", "failed room"} <= found["done"].keys()
    assert (found["missed"], found["invented"]) == (0, 0)
    assert found["found"].keys() == {"new", "cancelled", "moved", "resized"}
    assert min(found["found"].values()) >= 3
