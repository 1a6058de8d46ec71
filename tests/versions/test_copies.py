"""On file shares without symlinks, readers get plain copies; each file is replaced atomically."""

import stat
from pathlib import Path

import duckdb
import pytest

from tests.versions.database import (
    number_in,
    parquet_number,
    publish,
    publish_with_parquet,
    published_number,
)
from warehouse.connect import connect
from warehouse.versions import (
    current_version,
    drop_versions,
    parquet_pointer,
    pointer,
    published_versions,
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def number_of(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return number_in(connection)


def test_database_and_tables_are_plain_read_only_files_of_the_latest_version(
    warehouse: Path,
) -> None:
    for number in (1, 2):
        publish_with_parquet(warehouse, number, is_copied=True)
        database = pointer(warehouse, "EU")
        table = parquet_pointer(warehouse, "EU") / "utilization.parquet"
        assert not [path for path in warehouse.rglob("*") if path.is_symlink()]
        assert [stat.S_IMODE(path.stat().st_mode) for path in (database, table)] == [0o440, 0o440]
        assert (number_of(database), parquet_number(warehouse)) == (number, number)


def test_a_table_that_is_no_more_leaves_the_copied_folder(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1, tables=("utilization", "former"), is_copied=True)
    publish_with_parquet(warehouse, 2, is_copied=True)
    names = [path.name for path in parquet_pointer(warehouse, "EU").iterdir()]
    assert names == ["utilization.parquet"]


def test_connect_opens_the_version_beside_a_copy_so_that_each_night_is_seen(
    warehouse: Path,
) -> None:
    publish_with_parquet(warehouse, 1, is_copied=True)
    with connect("EU", warehouse=warehouse) as before:
        publish_with_parquet(warehouse, 2, is_copied=True)
        with connect("EU", warehouse=warehouse) as after:
            assert (number_in(before), number_in(after)) == (1, 2)


def test_old_versions_of_copies_are_collected_and_dropped_like_others(warehouse: Path) -> None:
    for number in range(5):
        publish_with_parquet(warehouse, number, keep_versions=3, is_copied=True)
    assert len(published_versions(warehouse, "EU")) == 3
    drop_versions(warehouse, "EU", lambda _: True)
    assert published_versions(warehouse, "EU") == [current_version(warehouse, "EU")]
    assert published_number(warehouse) == number_of(pointer(warehouse, "EU")) == 4


@pytest.mark.parametrize("is_first_copied", [True, False])
def test_the_setting_may_change_between_two_builds(warehouse: Path, is_first_copied: bool) -> None:
    publish_with_parquet(warehouse, 1, is_copied=is_first_copied)
    publish_with_parquet(warehouse, 2, is_copied=not is_first_copied)
    for path in (pointer(warehouse, "EU"), parquet_pointer(warehouse, "EU")):
        assert path.is_symlink() is is_first_copied
    assert (published_number(warehouse), parquet_number(warehouse)) == (2, 2)


def test_copied_tables_are_withdrawn_when_a_build_has_none(warehouse: Path) -> None:
    publish_with_parquet(warehouse, 1, is_copied=True)
    publish(warehouse, 2)
    assert not parquet_pointer(warehouse, "EU").exists()
