"""Regions are only configuration: APAC and a made-up name work in every command."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from pipelines import cli
from pipelines.definitions import defs
from pipelines.sandbox.calendars import directory_rows, generated_tenant
from pipelines.sandbox.server import serving
from pipelines.settings import SettingsError, load_settings, regions_to_load
from transforms.contract import is_region
from transforms.local_time import zone_names
from warehouse.connect import connect

THIRD = ("APAC", "NO")


def insights(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("region", THIRD)
def test_a_third_region_works_in_every_command(
    tmp_path: Path,
    empty_history: Path,
    region: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("INSIGHTS_REGIONS", region)
    shutil.copytree(empty_history, tmp_path / ".dagster")
    with serving([region], tmp_path / "sandbox", rooms=4) as (served,):
        monkeypatch.setenv("INSIGHTS_THIRD_SECRET", served.client_secret)
        rows = directory_rows(generated_tenant(region, rooms=4))
        exchange = {
            "kind": "graph",
            "endpoint": served.graph_url,
            "authority": served.graph_url,
            "tenant_id": served.tenant_id,
            "client_id": served.client_id,
            "client_secret_env": "INSIGHTS_THIRD_SECRET",
            "ca_file": served.ca_file,
        }
        config = _configuration(tmp_path, region, rows, exchange)
        common = ["--config", str(config), "--region", region.lower()]
        assert insights("check", "--json", *common) == 0
        lines = json.loads(capsys.readouterr().out)
        assert {(line["region"], line["is_readable"]) for line in lines} == {(region, True)}
        assert insights("run", *common) == 0
    assert insights("publish", *common) == 0
    assert insights("privacy-report", *common) == 0
    assert insights("report", *common) == 0
    warehouse = tmp_path / "third/warehouse"
    assert f"report-{region.lower()}.html" in {path.name for path in warehouse.iterdir()}
    monkeypatch.setenv("INSIGHTS_CONFIG", str(config))
    with connect(region) as one, connect(regions=[region]) as several:
        (found,) = one.sql("SELECT region, count(*) FROM rooms GROUP BY region").fetchall()
        assert found == (region, 4)
        quoted = several.sql(f'SELECT count(*) FROM "{region.lower()}".rooms').fetchall()
        assert quoted == [(4,)]


def _configuration(
    folder: Path, region: str, rows: list[dict[str, str]], exchange: dict[str, str]
) -> Path:
    with (folder / "rooms.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    values = {
        "time_zone": "Asia/Singapore",
        "lake": "third/lake",
        "warehouse": "third/warehouse",
        "rooms": "rooms.csv",
        "exchanges": {"cloud": exchange},
    }
    config = folder / "insights.yaml"
    short = {"trailing_days": 3, "ahead_days": 3}
    text = yaml.safe_dump(short | {"regions": {"REGION": values}})
    # Unquoted, as people write it: YAML reads NO as a boolean.
    config.write_text(text.replace("REGION:", f"{region}:"))
    return config


@pytest.mark.parametrize("region", ["APAC", "LATAM"])
def test_the_sandbox_invents_rooms_for_any_region(region: str) -> None:
    rows = directory_rows(generated_tenant(region, rooms=40))
    assert len({row["room_id"] for row in rows}) == 40
    assert len({row["address"] for row in rows}) == 40
    assert all(row["time_zone"] in zone_names() for row in rows)


def test_apac_has_sites_of_its_own() -> None:
    zones = {row["time_zone"] for row in directory_rows(generated_tenant("APAC", rooms=40))}
    assert len(zones) > 2
    assert all(zone.startswith(("Asia/", "Australia/")) for zone in zones)


@pytest.mark.parametrize(
    "name",
    ["", "eu", "EU-WEST", "EU_", "_EU", "A__B", "1A", "Ä", "A B", "../A", "A" * 31, "SYSTEM"],
)
def test_a_name_that_files_catalogs_or_keys_could_not_bear_is_no_region(name: str) -> None:
    assert not is_region(name)


@pytest.mark.parametrize("name", ["EU", "NA", "APAC", "NO", "ON", "EU_WEST", "US2", "A" * 30])
def test_a_plain_name_is_a_region(name: str) -> None:
    assert is_region(name)


def test_a_wrong_name_is_refused_on_the_command_line_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(tmp_path / "insights.yaml")
    assert insights("run", "--region", "../EU", "--config", config) == 2
    assert "cannot be a region's name; write capital letters" in capsys.readouterr().err


def test_a_wrong_name_in_insights_regions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_REGIONS", "EU,apac")
    with pytest.raises(SettingsError) as refused:
        regions_to_load()
    assert str(refused.value).startswith("INSIGHTS_REGIONS: 'apac' cannot be a region's name;")


@pytest.mark.parametrize("listed", ["", " ", ",", " , ,"])
def test_insights_regions_that_is_set_but_names_none_never_loads_all(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    listed: str,
) -> None:
    config = tmp_path / "insights.yaml"
    config.write_text("regions: {EU: {}, NA: {}}")
    monkeypatch.setenv("INSIGHTS_CONFIG", str(config))
    monkeypatch.setenv("INSIGHTS_REGIONS", listed)
    said = "INSIGHTS_REGIONS: is set, and names no region; name one, such as EU, or unset it"
    assert insights("status") == 2
    assert capsys.readouterr().err == f"error: {said} to load all\n"
    with pytest.raises(SettingsError) as refused:
        defs(None)
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["MAIN", "MEMORY", "SYSTEM", "TEMP"])
def test_a_region_with_a_name_of_duckdbs_own_is_refused_with_the_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    reason = "cannot be a region's name; DuckDB keeps it for itself; choose another"
    config = tmp_path / "insights.yaml"
    config.write_text(f"regions: {{{name}: {{}}}}")
    with pytest.raises(SettingsError, match=f"regions.{name}: {reason}"):
        load_settings(config, None)
    monkeypatch.setenv("INSIGHTS_REGIONS", name)
    with pytest.raises(SettingsError, match=f"INSIGHTS_REGIONS: '{name}' {reason}"):
        regions_to_load()
    assert insights("run", "--region", name.lower(), "--config", str(config)) == 2
    assert reason in capsys.readouterr().err


def test_a_region_that_is_not_in_the_configuration_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSIGHTS_REGIONS", "APAC")
    (tmp_path / "insights.yaml").write_text("regions: {EU: {}}")
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path / "insights.yaml", regions_to_load())
    assert "regions.APAC: is missing, and INSIGHTS_REGIONS asks for it" in str(refused.value)
