"""What regions may not share, and regions that are not loaded."""

import pytest

from tests.settings.company import EU, Company, room, rooms


@pytest.mark.parametrize("key", ["lake", "warehouse"])
@pytest.mark.parametrize("path", ["eu/lake", "eu/lake/na", "eu", "eu/x/../warehouse"])
def test_regions_never_share_a_folder_nor_lie_in_each_others(
    company: Company, key: str, path: str
) -> None:
    company.values["regions"]["NA"][key] = path
    found = company.problems()
    assert found
    assert all(f"regions.NA.{key}: is, holds or lies in regions.EU." in line for line in found)


@pytest.mark.parametrize("prefix", ["eu/lake", "eu/lake/na", "eu"])
def test_regions_never_share_a_prefix_of_a_bucket_nor_lie_in_each_others(
    company: Company, prefix: str
) -> None:
    company.values["regions"]["EU"]["lake"] = "s3://bucket/eu/lake"
    company.values["regions"]["NA"]["lake"] = f"s3://bucket/{prefix}"
    (line,) = company.problems()
    assert "regions.NA.lake: is, holds or lies in regions.EU.lake; keep" in line


def test_regions_never_share_a_room_directory(company: Company) -> None:
    company.values["regions"]["NA"]["rooms"] = "rooms-eu.csv"
    (line,) = company.problems()
    assert line.startswith("insights.yaml: regions.NA.rooms: is the file of regions.EU too")


def test_a_mailbox_is_never_a_room_of_two_regions(company: Company) -> None:
    company.files["rooms-na.csv"] = rooms(room(7, address="EU1@Contoso.example"))
    (line,) = company.problems()
    assert line.startswith("rooms-na.csv: line 2, room eu-7, address: this mailbox is a room of")
    assert "contoso" not in line.lower()


def test_a_region_that_is_asked_for_must_be_there(company: Company) -> None:
    del company.values["regions"]["EU"]
    (line,) = company.problems(EU)
    assert line.startswith("insights.yaml: regions.EU: is missing, and INSIGHTS_REGIONS asks")


@pytest.mark.parametrize(
    ("key", "lake", "warehouse"),
    [
        ("lake", "eu/parquet-eu", "eu"),
        ("lake", "s3://bucket/eu/versions/lake", "s3://bucket/eu"),
        ("warehouse", "eu", "eu/bookings/warehouse"),
    ],
)
def test_a_lake_in_a_folder_that_the_warehouse_replaces_is_refused_and_the_other_way_round(
    company: Company, key: str, lake: str, warehouse: str
) -> None:
    company.eu.update(lake=lake, warehouse=warehouse)
    (line,) = company.problems()
    assert f"regions.EU.{key}: lies in a folder of " in line


@pytest.mark.parametrize("lake", ["eu", "eu/lake", "eu/x/../parquet"])
def test_a_lake_may_lie_beside_what_the_warehouse_replaces(company: Company, lake: str) -> None:
    company.eu.update(lake=lake, warehouse="eu")
    assert company.load().regions["EU"].warehouse == company.folder / "eu"
