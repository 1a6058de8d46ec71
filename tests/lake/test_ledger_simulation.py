"""R19: the ledger against the script of a simulation; ``make bench`` has 10,000 room-nights."""

from tests.lake.test_hammer import figures


def test_every_change_is_found_and_none_invented() -> None:
    """Among them cut series, exceptions, and nights that fail, are repeated or killed."""
    found = figures("ledger.py", "12", "12", "2")
    assert {"series cut", "killed night", "repeated night", "failed room"} <= found["done"].keys()
    assert (found["missed"], found["invented"]) == (0, 0)
    assert found["found"].keys() == {"new", "cancelled", "moved", "resized"}
    assert min(found["found"].values()) >= 3
