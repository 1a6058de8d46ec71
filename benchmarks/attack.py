"""Attack the statistics of thirty nights of an invented region, as a curious colleague would.

Belongs here: the region, its ledger, its nights, and running the attacker of the tests
(``tests/privacy/statistics``) on them. Prints one JSON object and stores the result for
``insights privacy-report``. Fails if a count was found, or if none was found without merging.

Run: ``python -m benchmarks.attack --rooms 1000 --nights 30``.
"""

import json
import random
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import pyarrow as pa

from benchmarks.generate import Plan, generate
from pipelines.cli.record import AttackResult, write_result
from tests.privacy.statistics.attacker import attack
from tests.privacy.statistics.knowledge import Night, Own, read_changes, read_night
from transforms.contract import (
    ALL_DAY,
    CHANGE_WORDS,
    DURATION_BANDS,
    HEADCOUNT_BANDS,
    LEAD_TIME_BANDS,
    band_of,
)
from transforms.contract.lake import CHANGES
from warehouse import connect
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish
from warehouse.versions import pointer

K: Final = 5
FIRST: Final = date(2026, 8, 25)
FIRST_NIGHT: Final = date(2026, 11, 1)
"""Chosen so that October closes on the fifteenth night."""
_CHANGED: Final = 0.08
_OWN: Final = 12
_OWN_BOOKINGS: Final = f"""
SELECT r.site, r.building, r.capacity_band, b.local_start_date,
       date_diff('minute', b.starts_at, b.ends_at), b.is_all_day, b.kind,
       CAST(ceil(date_diff('microsecond', b.created_at, b.starts_at) / 60e6) AS BIGINT),
       b.invited_headcount, b.has_external
FROM bookings AS b JOIN rooms AS r USING (room_id)
WHERE b.status = 'booked' AND b.local_start_date < DATE '2026-10-25'
ORDER BY hash(b.room_id, b.starts_at) LIMIT {_OWN}
"""


def write_ledger(lake: Lake, last: date) -> int:
    """Write changes of about every twelfth booking, and return how many."""
    chance = random.Random(20261101)
    rows: list[dict[str, Any]] = []
    columns = ["room_id", "kind", "starts_at", "ends_at", "created_at"]
    for day in lake.days("bookings"):
        table = lake.read("bookings", day)
        assert table is not None
        for booking in table.select(columns).to_pylist():
            made_at = booking["created_at"] or booking["starts_at"] - timedelta(days=20)
            if chance.random() >= _CHANGED or made_at >= booking["starts_at"]:
                continue
            gone_at = made_at + chance.random() * (booking["starts_at"] - made_at)
            minutes = (booking["ends_at"] - booking["starts_at"]) // timedelta(minutes=1)
            rows.append(
                dict.fromkeys(CHANGES.names)
                | booking
                | {
                    "change": chance.choices(CHANGE_WORDS, (5, 3, 2, 1))[0],
                    "seen_after": gone_at - timedelta(hours=12),
                    "seen_at": gone_at + timedelta(hours=12),
                    "given_back_minutes": minutes,
                }
            )
    lake.replace("changes", last, pa.Table.from_pylist(rows, CHANGES))
    return len(rows)


def own_bookings(warehouse: Path) -> list[Own]:
    """Return bookings that one colleague may have made, with the bands of the statistics."""
    with connect("EU", warehouse=warehouse, bookings=True) as connection:
        found = connection.execute(_OWN_BOOKINGS).fetchall()
    own = []
    for site, building, size, day, minutes, is_all_day, kind, lead, headcount, external in found:
        is_single = kind == "single" and lead is not None
        bands = {
            "duration": ALL_DAY if is_all_day else band_of(DURATION_BANDS, minutes),
            "kind": kind,
            "lead_time": band_of(LEAD_TIME_BANDS, max(lead, 1)) if is_single else None,
            "headcount": band_of(HEADCOUNT_BANDS, headcount),
            "external": {True: "external", False: "internal", None: None}[external],
        }
        own.append(Own((site, building, size), day, bands))
    return own


@click.command()
@click.option("--rooms", default=1000, show_default=True)
@click.option("--nights", default=30, show_default=True)
def main(rooms: int, nights: int) -> None:
    """Publish the nights, attack them, and print what was tried and found."""
    last = FIRST_NIGHT + timedelta(days=nights)
    with tempfile.TemporaryDirectory() as name:
        lake, warehouse = Lake(Path(name) / "lake", "EU"), Path(name) / "warehouse"
        generate(lake, Plan("EU", rooms, FIRST, last, last))
        figures: dict[str, Any] = {"rooms": rooms, "nights": nights}
        figures["ledger_rows"] = write_ledger(lake, last)
        told: list[Night] = []
        changed: list[Night] = []
        for number in range(nights):
            now = datetime(2026, 11, 1, 3, tzinfo=UTC) + timedelta(days=number)
            publish(lake, warehouse, PublishOptions(export_parquet=False), now)
            path = pointer(warehouse, "EU")
            statistics = path.with_stem(f"{path.stem}-statistics").resolve()
            told.append(read_night(statistics))
            changed.append(read_changes(statistics))
        own = own_bookings(warehouse)
    tried = found = 0
    for subject, each, known in (
        ("bookings", told, ()),
        ("bookings, with twelve own", told, own),
        ("changes", changed, ()),
    ):
        began = time.process_time()
        result = attack(each, K, known)
        figures[subject] = {
            "tried": result.tried,
            "found": [str(finding) for finding in result.found],
            "cpu_seconds": round(time.process_time() - began),
        }
        click.echo(f"{subject}: {figures[subject]}", err=True)
        tried, found = tried + result.tried, found + len(result.found)
    click.echo(json.dumps(figures, indent=2))
    write_result(
        AttackResult(
            proved_at=datetime.now(UTC),
            regions=1,
            rooms=rooms,
            nights=nights,
            tried=tried,
            found=found,
        )
    )
    if found:
        raise click.ClickException("the statistics tell small counts")


if __name__ == "__main__":
    main()
