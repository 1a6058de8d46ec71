"""Nights in a bucket whose process is killed at random times, while a reader keeps reading.

``python -m tests.objects.kills 200`` kills 200 and prints one line; ``test_kills.py`` kills a few.
"""

import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

import pytest

from tests import object_stores
from tests.lake.rows import FIRST_NIGHT, SATURDAY, booking, coverage, stored
from tests.versions.database import publish, published_number
from warehouse.lake import Lake
from warehouse.storage import ObjectUrl
from warehouse.storage.objects import ObjectStorage
from warehouse.versions import VersionError

DAYS = [SATURDAY + timedelta(days=number) for number in range(4)]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(  # so that a kill hits a night, not its imports
    ["tests.lake.rows", "tests.versions.database", "warehouse.storage.objects"]
)


@contextmanager
def after_the_dead() -> Iterator[None]:
    """Move the store's clock ahead a minute, so that a killed holder's lease has expired."""
    now = ObjectStorage.now
    with patch.object(ObjectStorage, "now", lambda store: now(store) + timedelta(seconds=63)):
        yield


def write_nights(lake: ObjectUrl, warehouse: ObjectUrl, first: int, done: Connection) -> None:
    """Write and publish night after night, each with its number in every row."""
    number = first
    with after_the_dead():
        while True:
            near = Lake(lake, "EU")
            with near.exclusive(), near.at_once():
                for day in DAYS:
                    near.replace("bookings", day, stored(booking("a", day, headcount=number)))
                for day in DAYS:
                    at = FIRST_NIGHT + timedelta(minutes=number)
                    near.replace("coverage", day, coverage(("a", True, at, None)))
            publish(warehouse, number, keep_versions=3)
            done.send(number)
            number += 1


def numbers(lake: Lake, dataset: str) -> list[int]:
    """Return the night of each day's row; 0 for a day without one."""
    found = []
    for day in DAYS:
        table = lake.read(dataset, day)  # type: ignore[arg-type]  # one of two of its words
        if table is None:
            found.append(0)
        elif dataset == "bookings":
            found.append(table["invited_headcount"][0].as_py())
        else:
            found.append((table["read_at"][0].as_py() - FIRST_NIGHT) // timedelta(minutes=1))
    return found


class Reader(threading.Thread):
    """Reads lake and warehouse repeatedly; counts its ``reads`` and records impossible states."""

    def __init__(self, lake: ObjectUrl, warehouse: ObjectUrl) -> None:
        super().__init__()
        self.reads, self.wrong, self.is_over = 0, list[str](), threading.Event()
        self._lake, self._warehouse, self._shown = Lake(lake, "EU"), warehouse, 0

    def run(self) -> None:
        while not self.is_over.is_set():
            self.look()

    def look(self) -> None:
        read, written = numbers(self._lake, "coverage"), numbers(self._lake, "bookings")
        if any(of_day > number for of_day, number in zip(read, written, strict=True)):
            self.wrong.append(f"coverage {read} is ahead of bookings {written}")
        with suppress(VersionError):  # nothing was published yet
            shown = published_number(self._warehouse)
            if shown < self._shown:
                self.wrong.append(f"the pointer went back from {self._shown} to {shown}")
            self._shown = shown
        self.reads += 1


def kill_nights(place: ObjectUrl, kills: int, chance: random.Random) -> tuple[int, int, list[str]]:
    """Kill so many nights; return the nights written, the reader's reads, and all faults."""
    lake, warehouse = place / "lake", place / "warehouse"
    reader = Reader(lake, warehouse)
    reader.start()
    finished = 0
    try:
        for _ in range(kills):
            ours, theirs = CONTEXT.Pipe(duplex=False)
            writer = CONTEXT.Process(
                target=write_nights, args=(lake, warehouse, finished + 1, theirs)
            )
            writer.start()
            theirs.close()
            time.sleep(chance.uniform(0.1, 1.5))
            writer.kill()
            writer.join()
            with suppress(EOFError):
                while True:
                    finished = ours.recv()
            with after_the_dead(), Lake(lake, "EU").exclusive():
                found = {
                    *numbers(Lake(lake, "EU"), "bookings"),
                    *numbers(Lake(lake, "EU"), "coverage"),
                }
            if len(found) != 1 or not found & {finished, finished + 1}:
                reader.wrong.append(f"after night {finished}, the days are of {found}")
            finished = max(found)
    finally:
        reader.is_over.set()
        reader.join()
    return finished, reader.reads, reader.wrong


def main(kills: int) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(object_stores.seaweedfs(folder))
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in server.environment.items():
            environment.setenv(name, value)
        environment.setenv("INSIGHTS_CACHE", str(folder / "cache"))
        began = time.monotonic()
        nights, reads, wrong = kill_nights(
            ObjectUrl.parse(server.url) / "kills", kills, random.Random()
        )
    print("\n".join(wrong))
    took = time.monotonic() - began
    print(f"{kills} kills in {nights} nights, {reads} reads, {len(wrong)} wrong, {took:.0f} s")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
