"""With ``output: parquet``, a version has only Parquet tables, published and collected as usual."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.object_stores import EVERYWHERE
from tests.versions.database import (
    build_parquet,
    number_in,
    parquet_number,
    publish_with_parquet,
    published_number,
)
from transforms.contract import Region
from warehouse.connect import connect, opened
from warehouse.storage import LINKS, Location, storage_at
from warehouse.versions import (
    VersionError,
    current_version,
    drop_versions,
    kept_files,
    new_version,
    parquet_draft,
    published_versions,
    statistics_draft,
)


def publish_only_parquet(
    warehouse: Location,
    number: int,
    region: Region = "EU",
    *,
    keep_versions: int = 7,
    is_copied: bool = False,
) -> None:
    with new_version(
        warehouse, region, keep_versions, is_copied=is_copied, is_parquet=True
    ) as path:
        for database in (path, statistics_draft(path)):
            build_parquet(parquet_draft(database), number)


@EVERYWHERE
def test_the_tables_are_read_by_their_names_and_no_database_is_shown(place: Location) -> None:
    publish_with_parquet(place, 1)
    publish_only_parquet(place, 2)
    assert published_number(place) == 2
    names = storage_at(place, "warehouse", VersionError).names()
    assert not [name for name in names if name.endswith(".duckdb")]
    publish_with_parquet(place, 3)
    assert published_number(place) == 3


@EVERYWHERE
def test_the_latest_versions_are_kept_whatever_they_are_made_of(place: Location) -> None:
    publish_with_parquet(place, 1)
    for number in (2, 3, 4):
        publish_only_parquet(place, number, keep_versions=3)
    kept = published_versions(place, "EU")
    numbers = []
    for version in kept:
        with opened(version) as connection:
            numbers.append(number_in(connection))
    assert numbers == [2, 3, 4]
    assert kept[-1] == current_version(place, "EU")
    assert len(list(kept_files(place, "EU"))) == 6


@EVERYWHERE
def test_dropped_versions_go_with_all_their_files(place: Location) -> None:
    for number in (1, 2):
        publish_only_parquet(place, number)
    (dropped,) = drop_versions(place, "EU", lambda _: True)
    tree = storage_at(place, "warehouse", VersionError)
    assert tree.folders_with("_SUCCESS", "versions") != [dropped]
    assert len(tree.folders_with("utilization.parquet", "versions")) == 1
    assert len(tree.folders_with("utilization.parquet", "statistics")) == 1
    assert len(tree.names(LINKS)) <= 1


def test_two_regions_lie_side_by_side_whatever_they_are_made_of(tmp_path: Path) -> None:
    publish_only_parquet(tmp_path, 1)
    publish_with_parquet(tmp_path / "na", 2)
    publish_only_parquet(tmp_path / "na", 3, "NA")
    with connect(regions=["EU", "NA"], warehouse={"EU": tmp_path, "NA": tmp_path / "na"}) as both:
        assert number_in(both, "eu.utilization") == 1
        assert number_in(both, "na.utilization") == 3


def test_what_columns_mean_is_told_with_the_tables(tmp_path: Path) -> None:
    with new_version(tmp_path, "EU", is_parquet=True) as path:
        for folder in (parquet_draft(path), parquet_draft(statistics_draft(path))):
            folder.mkdir()
            number = pa.field("number", pa.int64(), metadata={"description": "it's one"})
            schema = pa.schema([number], {"description": "Numbers."})
            pq.write_table(pa.table([[1]], schema), folder / "utilization.parquet")
    with connect("EU", warehouse=tmp_path) as connection:
        columns = "SELECT comment FROM duckdb_columns() WHERE table_name = 'utilization'"
        assert connection.execute(columns).fetchall() == [("it's one",)]
        views = "SELECT comment FROM duckdb_views() WHERE view_name = 'utilization'"
        assert connection.execute(views).fetchall() == [("Numbers.",)]


def test_plain_copies_of_the_tables_are_read_too(tmp_path: Path) -> None:
    publish_with_parquet(tmp_path, 1, is_copied=True)
    publish_only_parquet(tmp_path, 2, is_copied=True)
    assert (published_number(tmp_path), parquet_number(tmp_path)) == (2, 2)
    assert current_version(tmp_path, "EU") == published_versions(tmp_path, "EU")[-1]
    assert not list(tmp_path.glob("*.duckdb"))


def fail_to_publish(warehouse: Path) -> None:
    with new_version(warehouse, "EU", is_parquet=True) as path:
        build_parquet(parquet_draft(path), 2)


def test_without_the_tables_for_everybody_nothing_is_published(tmp_path: Path) -> None:
    publish_only_parquet(tmp_path, 1)
    with pytest.raises(VersionError, match="statistics: nothing was built"):
        fail_to_publish(tmp_path)
    assert published_number(tmp_path) == 1


@EVERYWHERE
def test_tables_that_are_not_whole_are_no_version_and_are_swept(place: Location) -> None:
    publish_only_parquet(place, 1)
    tree = storage_at(place, "warehouse", VersionError)
    half = ("versions", "insights-eu-20990101T000000000000Z")
    tree.put(memoryview(b"half a table"), *half, "utilization.parquet")
    assert len(published_versions(place, "EU")) == 1
    publish_only_parquet(place, 2)
    assert half[-1] not in tree.folders_with("utilization.parquet", "versions")
    assert published_number(place) == 2


def test_what_was_opened_is_one_version_until_it_is_opened_again(tmp_path: Path) -> None:
    publish_only_parquet(tmp_path, 1)
    with connect("EU", warehouse=tmp_path) as connection:
        publish_only_parquet(tmp_path, 2, keep_versions=2)
        assert number_in(connection) == 1
        publish_only_parquet(tmp_path, 3, keep_versions=2)
        with pytest.raises(duckdb.IOException):
            number_in(connection)
    assert published_number(tmp_path) == 3
