"""Leaks of personal data that a careless change could cause: the proof must find each of them.

Belongs here: the leaks, one per line.
Does not belong here: patching them into a process (``attack.py``), searching (``search.py``).
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from pipelines import night
from pipelines.night import NightResult
from pipelines.settings import RegionSettings, rooms_table

_counts = NightResult.counts


def tell(text: str, folder: Path) -> None:
    """Log, print and write a text: in the working folder, and outside the searched folder."""
    logging.getLogger("careless").debug("reading %s", text)
    print("reading", text)
    Path("notes.txt").write_text(text, encoding="utf-16")
    folder.with_name(f"{folder.name}-notes.txt").write_text(text)


def store_addresses() -> None:
    """Store rooms' addresses as their names, and put a text into the history of runs."""
    setattr(night, "rooms_table", _rooms_by_address)  # noqa: B010 - mypy minds
    setattr(NightResult, "counts", _counts_and_a_sample)  # noqa: B010 - as above


def _rooms_by_address(region: RegionSettings) -> pa.Table:
    table = rooms_table(region)
    addresses = {room.room_id: room.address for room in region.rooms}
    names = [addresses[room_id] for room_id in table["room_id"].to_pylist()]
    number = table.schema.get_field_index("name")
    return table.set_column(number, table.schema.field("name"), pa.array(names))


def _counts_and_a_sample(result: NightResult) -> Mapping[str, int | str]:
    return {**_counts(result), "sample": Path("notes.txt").read_text(encoding="utf-16")[:40]}
