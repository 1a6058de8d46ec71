"""Analysts open the published database: read-only, in UTC, one version for one connection."""

import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse as product
from tests.versions.database import build, number_in, publish
from transforms.contract import Region
from warehouse.connect import connect
from warehouse.versions import VersionError, current_version, pointer

connecting = sys.modules["warehouse.connect"]  # in the package, this name is the function


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    publish(tmp_path / "warehouse", 1, "EU")
    publish(tmp_path / "warehouse", 2, "NA")
    return tmp_path / "warehouse"


def test_connect_is_what_the_package_offers(warehouse: Path) -> None:
    with product.connect("EU", warehouse=warehouse) as connection:
        assert number_in(connection) == 1


def test_one_region_has_its_tables_by_their_own_names_in_cursors_too(warehouse: Path) -> None:
    with connect("NA", warehouse=str(warehouse)) as connection:
        assert number_in(connection.cursor()) == 2


def test_two_regions_are_side_by_side(warehouse: Path) -> None:
    with connect(regions=["EU", "NA"], warehouse=warehouse) as connection:
        assert number_in(connection, "eu.utilization") == 1
        assert number_in(connection.cursor(), "na.utilization") == 2


def test_each_region_may_have_a_folder_of_its_own(tmp_path: Path) -> None:
    folders: dict[Region, Path] = {"EU": tmp_path / "it's eu", "NA": tmp_path / "na"}
    publish(folders["EU"], 3, "EU")
    publish(folders["NA"], 4, "NA")
    with connect(regions=["EU", "NA"], warehouse=folders) as connection:
        assert number_in(connection, "eu.utilization") == 3
        assert number_in(connection, "na.utilization") == 4
    with connect("EU", warehouse=folders) as connection:
        assert number_in(connection) == 3


def test_the_path_of_a_database_or_of_the_home_leads_to_its_folder(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(warehouse.parent))
    for path in (warehouse / "insights-eu.duckdb", "~/warehouse", "~/warehouse/insights-eu.duckdb"):
        with connect("EU", warehouse=path) as connection:
            assert number_in(connection) == 1


def test_instants_are_shown_in_utc_wherever_the_reader_is(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    query = "SELECT CAST(read_at AS VARCHAR) FROM eu.utilization"
    with connect(regions=["EU"], warehouse=warehouse) as connection:
        for used in (connection, connection.cursor()):
            assert used.execute(query).fetchone() == ("2026-11-22 01:30:00+00",)
    query = query.replace("eu.", "")
    with connect("EU", warehouse=warehouse) as connection:
        for used in (connection, connection.cursor()):
            assert used.execute(query).fetchone() == ("2026-11-22 01:30:00+00",)


def test_nothing_can_be_written(warehouse: Path) -> None:
    with connect("EU", warehouse=warehouse) as one, pytest.raises(duckdb.Error, match="read-only"):
        one.execute("DELETE FROM utilization")
    with (
        connect(regions=["EU", "NA"], warehouse=warehouse) as both,
        pytest.raises(duckdb.Error, match="read-only"),
    ):
        both.execute("DELETE FROM na.utilization")


def test_an_open_connection_keeps_its_version_and_a_new_one_has_the_next(warehouse: Path) -> None:
    with (
        connect("EU", warehouse=warehouse) as before,
        connect(regions=["EU"], warehouse=warehouse) as attached,
    ):
        publish(warehouse, 5, "EU")
        with connect("EU", warehouse=warehouse) as after:
            assert number_in(before) == number_in(attached, "eu.utilization") == 1
            assert number_in(after) == 5


def test_the_configuration_says_where_the_warehouse_is(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "insights.yaml"
    config.write_text("regions: {EU: {warehouse: warehouse}}\n")
    monkeypatch.setenv("INSIGHTS_CONFIG", str(config))
    with connect("EU") as connection:
        assert number_in(connection) == 1
    with pytest.raises(VersionError, match="says no warehouse of region NA"):
        connect("NA")
    monkeypatch.delenv("INSIGHTS_CONFIG")
    monkeypatch.chdir(tmp_path)
    with connect("EU") as connection:
        assert number_in(connection) == 1


def test_a_version_collected_while_it_is_being_opened_is_followed_by_the_next(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = current_version(warehouse, "EU")
    publish(warehouse, 4, "EU", keep_versions=1)
    publish(warehouse, 5, "EU", keep_versions=1)
    answers = [collected, current_version(warehouse, "EU")] * 2
    monkeypatch.setattr(connecting, "current_version", lambda *_, **__: answers.pop(0))
    with connect("EU", warehouse=warehouse) as connection:
        assert number_in(connection) == 5
    with connect(regions=["EU"], warehouse=warehouse) as connection:
        assert number_in(connection, "eu.utilization") == 5
    assert answers == []


def test_a_plain_copy_in_the_place_of_the_symlink_opens_too(tmp_path: Path) -> None:
    tmp_path.joinpath("share").mkdir()
    build(pointer(tmp_path / "share", "EU"), 7)
    build(tmp_path / "share" / "insights-eu-statistics.duckdb", 8)
    for bookings, number in ((True, 7), (False, 8)):
        with connect("EU", warehouse=tmp_path / "share", bookings=bookings) as connection:
            assert number_in(connection) == number
    with connect("EU", warehouse=pointer(tmp_path / "share", "EU")) as connection:
        assert number_in(connection) == 7


def test_a_region_without_a_database_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(VersionError, match="no database yet: run 'insights run --region EU'"):
        connect("EU", warehouse=tmp_path)
    with pytest.raises(VersionError, match="no warehouse given for region NA"):
        connect("NA", warehouse={"EU": tmp_path})


def test_without_a_configuration_the_two_ways_out_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INSIGHTS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    told = r"^insights\.yaml: cannot be read \(No such file.*pass warehouse=.*set INSIGHTS_CONFIG"
    with pytest.raises(VersionError, match=told):
        connect("EU")


def test_a_pointer_whose_version_is_gone_says_how_to_mend_it(warehouse: Path) -> None:
    (warehouse / "insights-eu-statistics.duckdb").resolve().unlink()
    with pytest.raises(VersionError, match="leads to no database: run 'insights publish"):
        connect("EU", warehouse=warehouse)


def test_regions_are_named_in_one_way_and_exist() -> None:
    refused: list[dict[str, Any]] = [{}, {"region": "EU", "regions": ["NA"]}, {"regions": "EU"}]
    for options in refused:
        with pytest.raises(ValueError, match="name one region, or several"):
            connect(**options)
    with pytest.raises(ValueError, match="'eu-west' cannot be a region's name"):
        connect("eu-west")
