"""The Parquet tables are beside the database, and are swapped and collected together with it."""

import stat
from pathlib import Path

import pytest

from tests.versions.database import (
    build_parquet,
    parquet_number,
    publish,
    publish_with_parquet,
    published_number,
)
from warehouse.versions import (
    VersionError,
    current_version,
    drop_versions,
    new_version,
    parquet_draft,
    parquet_pointer,
    published_versions,
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def folders_in(warehouse: Path) -> list[Path]:
    return sorted(path for path in (warehouse / "versions").iterdir() if path.is_dir())


def test_the_folder_of_tables_is_behind_a_symlink_and_belongs_to_the_current_version(
    warehouse: Path,
) -> None:
    publish_with_parquet(warehouse, 1)
    publish_with_parquet(warehouse, 2)
    target = parquet_pointer(warehouse, "EU").resolve()
    assert target == parquet_draft(current_version(warehouse, "EU")).resolve()
    assert (parquet_number(warehouse), published_number(warehouse)) == (2, 2)


def test_files_are_read_only_and_folders_closed_to_everybody_else(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1)
    folder = parquet_pointer(warehouse, "EU").resolve()
    assert stat.S_IMODE((folder / "utilization.parquet").stat().st_mode) == 0o440
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_a_reader_that_resolved_the_folder_keeps_its_version_until_the_next_build(
    warehouse: Path,
) -> None:
    publish_with_parquet(warehouse, 1, keep_versions=1)
    resolved = parquet_pointer(warehouse, "EU").resolve()
    publish_with_parquet(warehouse, 2, keep_versions=1)
    assert resolved.exists()
    publish_with_parquet(warehouse, 3, keep_versions=1)
    assert not resolved.exists()


def test_each_folder_is_collected_with_its_database(warehouse: Path) -> None:
    for number in range(5):
        publish_with_parquet(warehouse, number, keep_versions=3)
    kept = published_versions(warehouse, "EU")
    assert folders_in(warehouse) == [parquet_draft(path) for path in kept]
    assert len(kept) == 3


def test_dropping_versions_drops_their_folders_too(warehouse: Path) -> None:
    for number in range(3):
        publish_with_parquet(warehouse, number)
    assert len(drop_versions(warehouse, "EU", lambda _: True)) == 2
    assert folders_in(warehouse) == [parquet_draft(current_version(warehouse, "EU"))]


def test_a_build_without_parquet_leaves_no_stale_tables_to_be_read(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1)
    publish(warehouse, 2)
    assert not parquet_pointer(warehouse, "EU").is_symlink()
    publish_with_parquet(warehouse, 3)
    assert parquet_number(warehouse) == 3


def test_tables_whose_builder_died_before_the_swap_are_swept(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1)
    orphan = warehouse / "versions" / "insights-eu-20200101T000000000000Z"
    build_parquet(orphan, 9)
    publish_with_parquet(warehouse, 2)
    assert not orphan.exists()
    assert len(folders_in(warehouse)) == 2


def fail_to_publish(warehouse: Path) -> None:
    with new_version(warehouse, "EU") as path:
        build_parquet(parquet_draft(path), 2)


def test_tables_without_a_database_are_not_published(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1)
    before = sorted(warehouse.rglob("*"))
    with pytest.raises(VersionError, match="nothing was built"):
        fail_to_publish(warehouse)
    assert sorted(warehouse.rglob("*")) == before
    assert parquet_number(warehouse) == 1


def test_the_folder_of_another_region_is_left_alone(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1)
    publish(warehouse, 2, "NA")
    publish(warehouse, 3, "NA", keep_versions=1)
    assert parquet_number(warehouse) == 1
