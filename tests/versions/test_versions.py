"""A database is published completely or not at all; old versions are kept, then collected."""

import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.object_stores import EVERYWHERE
from tests.versions.database import build, build_both, number_in, publish, published_number
from warehouse import versions
from warehouse.connect import connect
from warehouse.storage import Location
from warehouse.versions import (
    VersionBusy,
    VersionError,
    current_version,
    new_version,
    pointer,
    published_versions,
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def test_a_published_database_is_behind_a_relative_symlink_and_read_only(warehouse: Path) -> None:
    publish(warehouse, 1)
    assert pointer(warehouse, "EU") == warehouse / "insights-eu.duckdb"
    assert not pointer(warehouse, "EU").readlink().is_absolute()
    target = pointer(warehouse, "EU").resolve()
    assert target.parent == (warehouse / "versions").resolve()
    assert target.name.startswith("insights-eu-20")
    assert stat.S_IMODE(target.stat().st_mode) == 0o440
    assert published_number(warehouse) == 1


def test_both_databases_of_a_build_are_shown_in_one_step(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever step of a publication a reader connects, both names lead to one build."""
    publish(warehouse, 1)
    seen: list[tuple[str, str]] = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        moved = replace(self, target)
        names = (warehouse / f"insights-eu{each}.duckdb" for each in ("", "-statistics"))
        database, statistics = (name.resolve().stem.rpartition("-")[2] for name in names)
        seen.append((database, statistics))
        return moved

    monkeypatch.setattr(Path, "replace", look)
    publish(warehouse, 2)
    assert len({database for database, _ in seen}) >= 1
    assert all(database == statistics for database, statistics in seen)
    with connect("EU", warehouse=warehouse, bookings=True) as connection:
        assert number_in(connection) == published_number(warehouse) == 2


def test_the_folders_are_closed_to_everybody_else_whatever_the_umask(warehouse: Path) -> None:
    before = os.umask(0)
    try:
        publish(warehouse, 1)
    finally:
        os.umask(before)
    folders = [warehouse, warehouse / "versions"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in folders] == [0o750, 0o750]


def fail_to_publish(warehouse: Path) -> None:
    with new_version(warehouse, "EU") as path:
        build(path, 2)
        raise ZeroDivisionError


def test_a_build_that_fails_leaves_pointer_and_folder_as_they_were(warehouse: Path) -> None:
    publish(warehouse, 1)
    before = sorted(warehouse.rglob("*"))
    with pytest.raises(ZeroDivisionError):
        fail_to_publish(warehouse)
    assert sorted(warehouse.rglob("*")) == before
    assert published_number(warehouse) == 1


def test_a_build_that_made_nothing_is_not_published(warehouse: Path) -> None:
    with pytest.raises(VersionError, match="nothing was built"), new_version(warehouse, "EU"):
        pass
    assert not pointer(warehouse, "EU").is_symlink()


def publish_without_closing(warehouse: Path, forgotten: ExitStack) -> None:
    with new_version(warehouse, "EU") as path:
        connection = forgotten.enter_context(duckdb.connect(str(path)))
        connection.execute("CREATE TABLE utilization (number INTEGER)")


def test_a_database_that_was_left_open_is_not_published(warehouse: Path) -> None:
    with ExitStack() as forgotten, pytest.raises(VersionError, match="was left open"):
        publish_without_closing(warehouse, forgotten)
    assert not pointer(warehouse, "EU").is_symlink()
    publish(warehouse, 2)
    assert published_number(warehouse) == 2


@EVERYWHERE
def test_the_latest_versions_are_kept_and_the_rest_collected(place: Location) -> None:
    for number in range(5):
        publish(place, number, keep_versions=3)
    kept = published_versions(place, "EU")
    assert len(kept) == 3
    assert kept[-1] == current_version(place, "EU")
    assert published_number(place) == 4


@pytest.mark.parametrize("keep_versions", [1, 2])
@EVERYWHERE
def test_the_current_version_and_the_one_before_it_are_never_collected(
    place: Location, keep_versions: int
) -> None:
    for number in range(4):
        replaced = published_versions(place, "EU")[-1:]
        publish(place, number, keep_versions=keep_versions)
        current = current_version(place, "EU")
        assert published_versions(place, "EU") == [*replaced, current]
    assert published_number(place) == 3


@EVERYWHERE
def test_regions_in_one_folder_do_not_collect_each_other(place: Location) -> None:
    publish(place, 1, "EU", keep_versions=1)
    publish(place, 2, "NA", keep_versions=1)
    publish(place, 3, "NA", keep_versions=1)
    assert (published_number(place, "EU"), published_number(place, "NA")) == (1, 3)


class StoppedClock(datetime):
    """A clock that repeats the same instant, or gives an earlier one."""

    stopped_at = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # only called with UTC
        return cls.stopped_at


@EVERYWHERE
def test_builds_in_one_instant_and_after_the_clock_was_set_back_still_follow_each_other(
    place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "datetime", StoppedClock)
    for number in range(4):
        monkeypatch.setattr(
            StoppedClock, "stopped_at", StoppedClock.stopped_at - timedelta(hours=number // 2)
        )
        publish(place, number, keep_versions=3)
        assert published_number(place) == number
    kept = published_versions(place, "EU")
    assert len(kept) == 3
    assert kept[-1] == current_version(place, "EU")


@EVERYWHERE
def test_a_second_build_of_the_region_is_refused_at_once(place: Location) -> None:
    with new_version(place, "EU") as path:
        with pytest.raises(VersionBusy, match="another build of region EU"):
            publish(place, 2)
        build_both(path, 1)
    assert published_number(place) == 1


@EVERYWHERE
def test_builds_of_two_regions_do_not_wait_for_each_other(place: Location) -> None:
    with new_version(place, "EU") as path:
        build_both(path, 1)
        publish(place, 2, "NA")
    assert (published_number(place, "EU"), published_number(place, "NA")) == (1, 2)


KILLED_BUILDER = """
import os, signal, sys
from pathlib import Path
from warehouse.versions import new_version
with new_version(Path(sys.argv[1]), "EU") as path:
    path.write_bytes(b"half a database")
    path.with_name(path.name + ".wal").write_bytes(b"and its log")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_builder_changes_nothing_and_is_swept_by_the_next(warehouse: Path) -> None:
    publish(warehouse, 1)
    subprocess.run([sys.executable, "-c", KILLED_BUILDER, str(warehouse)], check=False)
    assert list((warehouse / ".building-eu").iterdir())
    assert published_number(warehouse) == 1
    publish(warehouse, 2)
    assert published_number(warehouse) == 2
    assert not (warehouse / ".building-eu").exists()


def test_a_version_that_a_reader_holds_stays_readable_when_it_is_collected(
    warehouse: Path,
) -> None:
    publish(warehouse, 1, keep_versions=1)
    held_file = current_version(warehouse, "EU")
    with connect("EU", warehouse=warehouse) as held:
        publish(warehouse, 2, keep_versions=1)
        publish(warehouse, 3, keep_versions=1)
        assert not held_file.exists()
        assert number_in(held) == 1
    assert published_number(warehouse) == 3


@pytest.mark.parametrize("planted", ["versions", ".building-eu", ".lock-eu"])
def test_a_planted_symlink_is_not_followed(warehouse: Path, tmp_path: Path, planted: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    warehouse.mkdir()
    (warehouse / planted).symlink_to(elsewhere)
    with pytest.raises(VersionError, match="is a symlink"):
        publish(warehouse, 1)
    assert list(elsewhere.iterdir()) == []


def test_a_pointer_that_leads_elsewhere_is_refused_and_replaced_by_the_next_build(
    warehouse: Path, tmp_path: Path
) -> None:
    publish(warehouse, 1)
    build(tmp_path / "other.duckdb", 9)
    pointer(warehouse, "EU").unlink()
    pointer(warehouse, "EU").symlink_to(tmp_path / "other.duckdb")
    with pytest.raises(VersionError, match="leads to no version of region EU"):
        current_version(warehouse, "EU")
    publish(warehouse, 2)
    assert published_number(warehouse) == 2


def test_a_warehouse_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VersionError, match="change 'warehouse' in the configuration"):
        publish(tmp_path / "file" / "warehouse", 1)
