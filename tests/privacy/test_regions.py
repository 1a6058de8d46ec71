"""A room's data cannot get into another region: each guard holds without the others."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pipelines import night
from pipelines.reading import OUTSIDE_THE_REGION, RegionGuard
from pipelines.sandbox.model import Mailbox
from pipelines.settings import Settings, SettingsError, load_settings, regions_to_load
from pipelines.sources import CalendarSource, DayRange, ReadError, Window
from tests.lake.rows import FIRST_NIGHT, booking, coverage, root_of, staged, stored
from tests.night.workplace import MONDAY, Company, address_of, at, meeting
from transforms.raw import RawItem
from warehouse.lake import Lake, LakeError
from warehouse.nightly import apply_night, staging
from warehouse.publish import PublishOptions, publish
from warehouse.versions import VersionError, current_version

WINDOW = Window(at(MONDAY, 0), at(MONDAY, 23))
BOSTON = "boston"
BONDI = "bondi"
OTHERS = {"NA": BOSTON, "APAC": BONDI}
ZONES = {"NA": "America/New_York", "APAC": "Australia/Sydney"}
each_other = pytest.mark.parametrize("other", OTHERS)


@pytest.fixture
def three_regions(planted: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose Exchange also has the only room of NA and the only one of APAC."""
    monkeypatch.delenv("INSIGHTS_REGIONS", raising=False)
    values = yaml.safe_load(planted.config.read_text())
    eu = values["regions"]["EU"]
    for region, room in OTHERS.items():
        planted.tenant.add(Mailbox(address_of(room), room, items=[meeting(MONDAY, 14, 15)]))
        name = region.lower()
        own = {"time_zone": ZONES[region], "lake": f"{name}/lake", "warehouse": f"{name}/warehouse"}
        values["regions"][region] = eu | own | {"rooms": f"rooms-{name}.csv"}
        rows = f"room_id,address,time_zone\n{room},{address_of(room)},{ZONES[region]}\n"
        (planted.directory / f"rooms-{name}.csv").write_text(rows)
    planted.config.write_text(yaml.safe_dump(values))
    return planted


def settings_of(company: Company) -> Settings:
    return load_settings(company.config, regions_to_load())


# --- settings ---------------------------------------------------------------------------------


@each_other
def test_settings_refuse_a_room_of_another_region(three_regions: Company, other: str) -> None:
    with (three_regions.directory / "rooms.csv").open("a") as file:
        file.write(f"copy,{address_of(OTHERS[other])},{ZONES[other]},HQ,8\n")
    with pytest.raises(SettingsError) as refused:
        settings_of(three_regions)
    (line,) = refused.value.problems
    assert f"rooms-{other.lower()}.csv" in line or "rooms.csv" in line


def test_settings_refuse_a_room_that_two_others_share(three_regions: Company) -> None:
    with (three_regions.directory / "rooms-apac.csv").open("a") as file:
        file.write(f"copy,{address_of(BOSTON)},America/New_York\n")
    with pytest.raises(SettingsError) as refused:
        settings_of(three_regions)
    assert len(refused.value.problems) == 1


def test_a_deployment_of_eu_loads_nothing_of_another_region(
    three_regions: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in OTHERS:
        (three_regions.directory / f"rooms-{other.lower()}.csv").unlink()
    monkeypatch.setenv("INSIGHTS_REGIONS", "EU")
    settings = settings_of(three_regions)
    assert set(settings.regions) == {"EU"}
    assert not any(room in repr(settings) for room in OTHERS.values())


def test_the_record_says_that_regions_share_an_account(
    three_regions: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert three_regions.insights("privacy-report", "--region", "EU") == 0
    assert "SHARES AN ACCOUNT WITH REGION APAC, NA" in capsys.readouterr().out
    values = yaml.safe_load(three_regions.config.read_text())
    exchange = values["regions"]["EU"]["exchanges"]["sandbox"]
    for other in OTHERS:
        own = {"sandbox": exchange | {"username": f"svc-{other}@contoso.example"}}
        values["regions"][other] = values["regions"][other] | {"exchanges": own}
    three_regions.config.write_text(yaml.safe_dump(values))
    assert three_regions.insights("privacy-report", "--region", "EU") == 0
    assert "an account of its own" in capsys.readouterr().out


# --- source -----------------------------------------------------------------------------------


class Recorder:
    """A source that records the rooms it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, address: str, window: Window) -> Sequence[RawItem]:
        self.asked.append(address)
        return []

    def close(self) -> None:
        self.asked.append("closed")


def test_a_source_asks_nothing_about_a_mailbox_outside_its_region() -> None:
    source = Recorder()
    fence = RegionGuard(source, {address_of("fjord")})
    assert fence.read(address_of("FJORD"), WINDOW) == []
    for room in OTHERS.values():
        with pytest.raises(ReadError) as refused:
            fence.read(address_of(room), WINDOW)
        assert refused.value.code == OUTSIDE_THE_REGION
    assert source.asked == [address_of("FJORD")]


def test_every_source_of_a_night_is_fenced(three_regions: Company) -> None:
    source = Recorder()

    def opened(*_: object) -> CalendarSource:
        return source

    eu = settings_of(three_regions).regions["EU"]
    for reading in night.readings_of(eu, night.RoomReader({}, DayRange(MONDAY, MONDAY)), opened):
        for room in OTHERS.values():
            with pytest.raises(ReadError):
                reading.guarded_source().read(address_of(room), WINDOW)
    assert source.asked == []


def test_a_night_of_eu_asks_about_no_room_of_another_region_and_names_none(
    three_regions: Company, capfd: pytest.CaptureFixture[str]
) -> None:
    assert three_regions.run() == 0
    told = capfd.readouterr()
    asked = {entry.mailbox.casefold() for entry in three_regions.tenant.log}
    assert address_of("fjord") in asked
    for other, room in OTHERS.items():
        assert address_of(room) not in asked
        assert room not in told.out + told.err
        assert not (three_regions.directory / other.lower()).exists()
    written = (three_regions.directory / name for name in ("lake", "warehouse", ".dagster"))
    for path in (path for folder in written for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert not any(room.encode() in content for room in OTHERS.values())


# --- lake -------------------------------------------------------------------------------------


@pytest.fixture(params=OTHERS)
def other_lake(tmp_path: Path, request: pytest.FixtureRequest) -> Lake:
    region: str = request.param
    lake = Lake(tmp_path / "other-lake", region)
    lake.replace("bookings", MONDAY, stored(booking(OTHERS[region], MONDAY)))
    lake.replace("coverage", MONDAY, coverage((OTHERS[region], True, FIRST_NIGHT, None)))
    return lake


def test_a_lake_refuses_the_other_regions_folder(other_lake: Lake) -> None:
    with pytest.raises(LakeError):
        Lake(other_lake.root, "EU").read("bookings", MONDAY)
    with pytest.raises(LakeError):
        Lake(other_lake.root, "EU").replace("bookings", MONDAY, stored(booking("fjord", MONDAY)))


@each_other
def test_a_lake_refuses_rows_that_say_they_are_the_other_regions(
    tmp_path: Path, other: str
) -> None:
    rows = stored(booking(OTHERS[other], MONDAY)).replace_schema_metadata({"region": other})
    with pytest.raises(LakeError):
        Lake(tmp_path / "lake", "EU").replace("bookings", MONDAY, rows)


def test_a_night_lands_no_rows_of_a_room_outside_its_directory(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    read_at = {"fjord": datetime(2026, 10, 20, tzinfo=UTC)}
    spans = {"fjord": (read_at["fjord"], read_at["fjord"] + timedelta(days=1))}
    with lake.exclusive(), staging(lake) as rows:
        rows.add(staged(booking("fjord", MONDAY), booking(BOSTON, MONDAY)))
        with pytest.raises(LakeError):
            apply_night(lake, rows, [MONDAY], ["fjord"], read_at, {}, spans)
    assert lake.days("bookings") == []


# --- publish ----------------------------------------------------------------------------------


def planted_in(eu_lake: Lake, other_lake: Lake) -> None:
    """Copy a day of another region over a day of EU, under EU's name, as a bad restore would."""
    parts = ("bookings", "region={}", f"date={MONDAY}", "bookings.parquet")
    name = "/".join(parts)
    shutil.copyfile(
        root_of(other_lake) / name.format(other_lake.region),
        root_of(eu_lake) / name.format("EU"),
    )


@pytest.fixture
def eu_lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "eu-lake", "EU")
    lake.replace("bookings", MONDAY, stored(booking("fjord", MONDAY)))
    lake.replace("coverage", MONDAY, coverage(("fjord", True, FIRST_NIGHT, None)))
    return lake


def test_publish_refuses_a_day_of_the_other_region(
    eu_lake: Lake, other_lake: Lake, tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse"
    publish(eu_lake, warehouse, PublishOptions(threads=1), FIRST_NIGHT)
    before = current_version(warehouse, "EU")
    planted_in(eu_lake, other_lake)
    with pytest.raises(LakeError):
        publish(eu_lake, warehouse, PublishOptions(threads=1), FIRST_NIGHT)
    assert current_version(warehouse, "EU") == before


def test_publish_refuses_a_lake_that_holds_the_other_region_too(
    eu_lake: Lake, other_lake: Lake, tmp_path: Path
) -> None:
    planted, own = (root_of(lake) / "coverage" for lake in (other_lake, eu_lake))
    shutil.copytree(planted, own, dirs_exist_ok=True)
    with pytest.raises(LakeError):
        publish(eu_lake, tmp_path / "warehouse", PublishOptions(threads=1), FIRST_NIGHT)


@each_other
def test_a_database_of_one_region_is_not_opened_as_the_others(
    eu_lake: Lake, tmp_path: Path, other: str
) -> None:
    warehouse = tmp_path / "warehouse"
    publish(eu_lake, warehouse, PublishOptions(threads=1), FIRST_NIGHT)
    with pytest.raises(VersionError):
        current_version(warehouse, other)
    eu = current_version(warehouse, "EU")
    (warehouse / f"insights-{other.lower()}.duckdb").symlink_to(Path("versions", eu.name))
    with pytest.raises(VersionError):
        current_version(warehouse, other)
