"""What a careless change could do with personal data: each must be caught by the proof.

Belongs here: the ways out, one a line, that the proof must see.
Does not belong here: arming a process with them (``attack.py``), looking (``search.py``).
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
    """Log, print and write a text: here, and outside of the folder that is searched."""
    logging.getLogger("careless").debug("reading %s", text)
    print("reading", text)
    Path("notes.txt").write_text(text, encoding="utf-16")
    folder.with_name(f"{folder.name}-notes.txt").write_text(text)


def store_addresses() -> None:
    """Store addresses of rooms as their names, and show one in the history of runs."""
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
