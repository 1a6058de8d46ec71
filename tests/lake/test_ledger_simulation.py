"""R19: the ledger against the script of a simulation; ``make bench`` has 10,000 room-nights."""

import pytest

from tests.lake.test_hammer import figures


@pytest.mark.parametrize("seed", [1, 2])
def test_every_change_is_found_and_none_invented(seed: int) -> None:
    """Among them cut series, exceptions, and nights that fail, are repeated or killed."""
    found = figures("ledger.py", "6", "12", str(seed))
    assert (found["missed"], found["invented"]) == (0, 0)
    assert found["found"].keys() == {"new", "cancelled", "moved", "resized"}
    assert min(found["found"].values()) >= 3
