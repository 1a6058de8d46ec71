"""Kills nights at random moments, and looks at what readers find and what the next night mends.

Belongs here: a night of made-up rows, its SIGKILL, and the judgement of the lake afterwards.
Prints one JSON object; ``--kills`` says how many (the test suite asks for few).
Does not belong here: readers during the night (``hammer.py``).

Every night carries its number in all its rows, and one room fails in every odd night. Run:
``python benchmarks/killed_nights.py --kills 200``.
"""

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

import pyarrow as pa

from transforms.contract import STAGED
from warehouse.lake import DATASETS, Lake
from warehouse.landing import apply_night

DAYS: Final = [date(2026, 11, 1) + timedelta(days=offset) for offset in range(6)]
ROOMS: Final = [f"room-{number:03d}" for number in range(40)]
FAILING: Final = ROOMS[7]
PER_DAY: Final = 3
START: Final = datetime(2026, 11, 1, tzinfo=UTC)
CONTEXT: Final = multiprocessing.get_context("forkserver")


def read_at(number: int) -> datetime:
    """Return when the rooms of a night were read: tells the nights apart."""
    return START + timedelta(days=number)


def room_rows(room_id: str, number: int) -> pa.Table:
    """Return the rows of one room on all days."""
    base = {
        "room_id": room_id,
        "is_all_day": False,
        "is_cancelled": False,
        "is_private": False,
        "kind": "single",
        "show_as": "busy",
        "response": "accept",
        "status": "booked",
        "invited_headcount": number,
        "headcount_is_lower_bound": False,
        "read_at": read_at(number),
    }
    starts = [
        (day, datetime(day.year, day.month, day.day, 9 + hour, tzinfo=UTC))
        for day in DAYS
        for hour in range(PER_DAY)
    ]
    rows = [
        base | {"starts_at": at, "ends_at": at + timedelta(hours=1), "local_start_date": day}
        for day, at in starts
    ]
    return pa.Table.from_pylist(rows, schema=STAGED)


def run_night(root: Path, number: int, started: Event | None = None) -> None:
    """Run one night; staging spills often, so that kills hit it too."""
    lake = Lake(root, "EU")
    failed = {FAILING: "ErrorServerBusy"} if number % 2 else {}
    loaded = {room_id: read_at(number) for room_id in ROOMS if room_id not in failed}
    tables = [room_rows(room_id, number) for room_id in loaded]
    if started is not None:
        started.set()
    with lake.exclusive(), lake.staging() as staging:
        for table in tables:
            staging.add(table)
        apply_night(lake, staging, DAYS, ROOMS, loaded, failed)


def kill_a_night(root: Path, number: int, within_seconds: float) -> None:
    """Start a night and kill it within so many seconds."""
    started = CONTEXT.Event()
    night = CONTEXT.Process(target=run_night, args=(root, number, started))
    night.start()
    started.wait()
    time.sleep(random.uniform(0, within_seconds))
    night.kill()
    night.join()


def faults(root: Path) -> Counter[str]:
    """Return what is wrong with a lake after a kill: each room-day must be one night's."""
    lake = Lake(root, "EU")
    counts: Counter[str] = Counter()
    for day in DAYS:
        bookings, coverage = lake.read("bookings", day), lake.read("coverage", day)
        if bookings is None or coverage is None:
            counts["days missing"] += 1
            continue
        nights: dict[str, list[datetime]] = {}
        for row in bookings.select(["room_id", "read_at"]).to_pylist():
            nights.setdefault(row["room_id"], []).append(row["read_at"])
        counts["room-days torn"] += sum(
            len(of_room) != PER_DAY or len(set(of_room)) != 1 for of_room in nights.values()
        )
        counts["rooms missing"] += len(set(ROOMS) - nights.keys())
        counts["coverage ahead of its bookings"] += sum(
            row["is_loaded"] and row["read_at"] > min(nights[row["room_id"]])
            for row in coverage.to_pylist()
        )
    return +counts


def is_half_landed(root: Path, number: int) -> bool:
    """Tell whether the kill fell between the first and the last partition of the night."""
    lake = Lake(root, "EU")
    tables = [lake.read(each, day) for day in DAYS for each in DATASETS]
    landed = {
        table is not None and read_at(number) in table["read_at"].to_pylist() for table in tables
    }
    return len(landed) == 2


def is_mended(root: Path, number: int, fresh: Path) -> bool:
    """Run the night that follows, and compare with a lake that never saw a kill, byte by byte."""
    run_night(root, number)
    run_night(fresh, number)
    return _content(root) == _content(fresh)


def _content(root: Path) -> dict[str, bytes]:
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def kill_nights(folder: Path, kills: int) -> dict[str, int]:
    """Kill so many nights one after the other; return what was found."""
    killed, fresh = folder / "killed", folder / "fresh"
    for root in (killed, fresh):
        run_night(root, 0)
    counts: Counter[str] = Counter({"kills": 0, "kills while landing": 0, "not mended": 0})
    for number in range(2, 2 * kills + 2, 2):
        if number % 20 == 2:  # the machine may be busier now
            usual_seconds = _seconds_of_a_night(killed, number - 2)
        odd = number + random.randrange(2)
        counts["kills"] += 1
        kill_a_night(killed, odd, 1.2 * usual_seconds)
        counts["kills while landing"] += is_half_landed(killed, odd)
        counts.update(faults(killed))
        if number % 10 == 0:
            counts["not mended"] += not is_mended(killed, number, fresh)
    counts["not mended"] += not is_mended(killed, 2 * kills + 2, fresh)
    return dict(counts)


def _seconds_of_a_night(root: Path, number: int) -> float:
    began = time.monotonic()
    run_night(root, number)
    return time.monotonic() - began


def main() -> int:
    """Kill nights in a temporary folder; exit 1 if any left something that no reader expects."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    kills = parser.parse_args().kills
    CONTEXT.set_forkserver_preload([__name__, "warehouse.landing"])
    with tempfile.TemporaryDirectory(prefix="killed-nights-") as folder:
        counts = kill_nights(Path(folder), kills)
    print(json.dumps(counts, indent=2))
    fine = {"kills", "kills while landing"}
    return int(any(count for name, count in counts.items() if name not in fine))


if __name__ == "__main__":
    sys.exit(main())
