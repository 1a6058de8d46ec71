"""A bucket has one writer at a time, dead or alive; a swap of several files is atomic."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.lake.rows import SATURDAY, SUNDAY, booking, facts, stored
from tests.object_stores import IN_A_BUCKET
from tests.versions.database import build_both, publish, published_number
from warehouse.lake import Lake, LakeBusy, LakeError
from warehouse.storage import ObjectUrl
from warehouse.storage.lease import Tag
from warehouse.storage.objects import ObjectStorage
from warehouse.versions import VersionError, new_version

pytestmark = IN_A_BUCKET
DAYS = (SATURDAY, SUNDAY)


class Death(BaseException):
    """Simulates a process that ends between two requests; its lease stays as it is."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[None]:
    """Let every request from the n-th on fail, so that nothing can be cleaned up either."""
    steps = itertools.count()

    def cut(step: Callable[..., Any]) -> Callable[..., Any]:
        def either(*arguments: Any) -> Any:
            if next(steps) >= after:
                raise Death
            return step(*arguments)

        return either

    with monkeypatch.context() as patch, suppress(Death):
        for name in ("put", "swap", "delete", "_copy"):
            patch.setattr(ObjectStorage, name, cut(getattr(ObjectStorage, name)))
        yield


@contextmanager
def seconds_later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> Iterator[None]:
    """Move the store's clock ahead, as if lease holders had been silent for so long."""
    now = ObjectStorage.now
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStorage, "now", lambda store: now(store) + timedelta(seconds=seconds))
        yield


def replace_both(lake: Lake, headcount: int) -> None:
    with lake.exclusive(), lake.at_once():
        for day in DAYS:
            lake.replace("bookings", day, stored(booking("a", day, headcount=headcount)))


def content(lake: Lake) -> list[Any]:
    return [facts(lake.read("bookings", day)) for day in DAYS]


@pytest.mark.parametrize("after", range(16))
def test_what_is_replaced_at_once_counts_whole_or_not_at_all_wherever_the_writer_dies(
    bucket: ObjectUrl, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    replace_both(Lake(bucket, "EU"), 1)
    before = content(Lake(bucket, "EU"))
    with dying(monkeypatch, after):
        replace_both(Lake(bucket, "EU"), 2)
    with seconds_later(monkeypatch, 63), Lake(bucket, "EU").exclusive():
        found = content(Lake(bucket, "EU"))
    replace_both(Lake(bucket, "EU"), 2)
    assert found in (before, content(Lake(bucket, "EU")))
    assert not Lake(bucket, "EU")._storage.folders_with("order", ".staging")


def test_of_many_writers_that_come_at_once_one_writes_and_the_others_are_told(
    bucket: ObjectUrl,
) -> None:
    gate, done = threading.Barrier(6), threading.Barrier(6)

    def write(number: int) -> bool:
        lake = Lake(bucket, "EU")
        gate.wait()
        try:
            with lake.exclusive():
                done.wait()
                return True
        except LakeBusy:
            done.wait()
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(write, range(6))) == 1


def test_a_dead_writer_holds_the_lake_for_a_minute(
    bucket: ObjectUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying(monkeypatch, 1), Lake(bucket, "EU").exclusive():
        pass
    with pytest.raises(LakeBusy, match="another run of region EU is going on"):
        replace_both(Lake(bucket, "EU"), 1)
    with seconds_later(monkeypatch, 55), pytest.raises(LakeBusy):
        replace_both(Lake(bucket, "EU"), 1)
    with seconds_later(monkeypatch, 63):
        replace_both(Lake(bucket, "EU"), 1)


def test_a_writer_that_was_taken_over_writes_nothing_more(
    bucket: ObjectUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, other = Lake(bucket, "EU"), Lake(bucket, "EU")
    replace_both(other, 1)

    def replace_too_late() -> None:
        with silent.at_once():
            silent.replace("bookings", SATURDAY, stored(booking("a", headcount=2)))
            with seconds_later(monkeypatch, 63), other.exclusive():
                pass

    with silent.exclusive():
        with pytest.raises(LakeError, match="another run took over"):
            replace_too_late()
        with pytest.raises(LakeError, match="another run took over"):
            silent.replace("bookings", SATURDAY, stored(booking("a", headcount=2)))
    assert [rows[0][10] for rows in content(other)] == [1, 1]


def test_what_could_not_be_committed_is_not_put_in_place_by_a_later_run(
    bucket: ObjectUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, swap = Lake(bucket, "EU"), ObjectStorage.swap
    replace_both(lake, 1)

    def cut_off(store: ObjectStorage, key: str, content: bytes, tag: Tag | None) -> Tag | None:
        if json.loads(content)["committed"] and not json.loads(content)["is_free"]:
            raise LakeError("cut off")
        return swap(store, key, content, tag)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStorage, "swap", cut_off)
        with pytest.raises(LakeError, match="cut off"):
            replace_both(lake, 2)
    with lake.exclusive():
        pass
    assert [rows[0][10] for rows in content(lake)] == [1, 1]


def test_a_builder_that_was_taken_over_never_leads_readers_back(
    bucket: ObjectUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish_too_late() -> None:
        with new_version(bucket, "EU") as path:
            build_both(path, 1)
            with seconds_later(monkeypatch, 63):
                publish(bucket, 2)

    with pytest.raises(VersionError, match="another run took over"):
        publish_too_late()
    assert published_number(bucket) == 2
