"""Prefetched files: fetched once each, in the order requested, deleted when nobody holds them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from warehouse.storage import Parts
from warehouse.storage.scratch import Fetched

A: Parts = ("day=1", "rows")
B: Parts = ("day=2", "rows")


class Far:
    """A storage that records each file fetched from it; ``gate`` holds fetches back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fetched: list[Parts] = []
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self, parts: Parts, path: Path) -> None:
        self.gate.wait(30)
        self.fetched.append(parts)
        if parts == ("lost",):
            raise KeyError("lost")
        path.write_text("/".join(parts))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        self.folder.mkdir()
        yield self.folder
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()


@pytest.fixture
def far(tmp_path: Path) -> Far:
    return Far(tmp_path / "scratch")


def test_what_was_fetched_ahead_is_not_fetched_again(far: Far) -> None:
    files = Fetched(far.scratch, far.fetch, 1)
    with files.held([A, B]), files.held([B, A]) as paths:
        assert [path.result().read_text() for path in paths] == ["day=2/rows", "day=1/rows"]
        assert [path.result().name for path in paths] == ["day=2+rows", "day=1+rows"]
    assert far.fetched == [A, B]


def test_a_file_stays_until_the_last_who_holds_it_lets_go(far: Far) -> None:
    files = Fetched(far.scratch, far.fetch, 2)
    with files.held([A]) as (first,):
        with files.held([A, B]) as (_, other):
            path = other.result()
        assert first.result().exists()
        assert not path.exists()
        with files.held([B]) as (again,):
            assert again.result().exists()
    assert far.fetched == [A, B, B]
    assert not far.folder.exists()


def test_what_nobody_waits_for_any_more_is_not_fetched(far: Far) -> None:
    files = Fetched(far.scratch, far.fetch, 1)
    far.gate.clear()
    with files.held([A]) as (first,):
        with files.held([B]):
            pass
        far.gate.set()
        assert first.result().exists()
    assert far.fetched == [A]


def test_an_error_is_raised_to_whoever_asks_for_the_file(far: Far) -> None:
    files = Fetched(far.scratch, far.fetch, 1)
    with files.held([("lost",)]), files.held([A]) as (other,):
        assert other.result().exists()
    with pytest.raises(KeyError), files.held([("lost",)]) as (lost,):
        lost.result()
    assert not far.folder.exists()


def test_nothing_asked_for_takes_no_folder(far: Far) -> None:
    with Fetched(far.scratch, far.fetch, 1).held([]) as paths:
        assert paths == []
        assert not far.folder.exists()
