"""The settings that a valid configuration gives."""

from datetime import date, time
from pathlib import Path

import pytest
import yaml

from pipelines.sandbox.wire import CertificateAuthority
from pipelines.settings import (
    EwsExchange,
    SettingsError,
    load_settings,
    read_secrets,
    rooms_table,
)
from tests.settings.company import EU, EWS, OAUTH, Company, room, rooms
from transforms.contract.lake import ROOMS
from transforms.local_time import DEFAULT_OPEN_HOURS, Closure

CONTRACT = """
trailing_days: 14            # re-read every night, because people cancel and move
ahead_days: 180
retention_months: 13
minimum_group: 5
count_held_as_booked: false
keep_versions: 7
run_deadline_minutes: 240
regions:
  EU:
    time_zone: Europe/Copenhagen
    nightly_at: "02:30"
    lake: eu/lake
    warehouse: eu/warehouse
    rooms: rooms-eu.csv
    open_hours: Mon-Fri 08:00-18:00
    accepted_domains: [contoso.example]
    headcount: true
    closures:
      - {from: 2026-12-24, to: 2026-12-31, building: HQ}
    exchanges:
      headquarters:
        kind: ews
        endpoint: https://mail.contoso.example/EWS/Exchange.asmx
        auth: basic
        username: svc-insights@contoso.example
        password_env: INSIGHTS_EU_PASSWORD
        access: impersonation
        ca_file: corporate-ca.pem
        workers: 4
        room_deadline_seconds: 120
      cloud:
        kind: ews
        endpoint: https://outlook.office365.com/EWS/Exchange.asmx
        auth: oauth
        tenant_id: 11111111-1111-1111-1111-111111111111
        client_id: 22222222-2222-2222-2222-222222222222
        client_secret_env: INSIGHTS_EU_CLIENT_SECRET
        authority: https://login.microsoftonline.com
"""
DIRECTORY = (
    "room_id,address,exchange,name,site,building,floor,country,subdivision,time_zone,capacity,"
    "room_type,open_hours,opened_on,closed_on\r\n"
    "hq-1,hq1@contoso.example,headquarters,Aarhus,Copenhagen,HQ,3,DK,,Europe/Copenhagen,8,"
    'executive,"Mon-Fri 08:00-12:00, 13:00-18:00; Sat 09:00-12:00",2024-01-01,2027-01-01\r\n'
    "\r\n"
    "m-1,M1@contoso.example,cloud,,,,,DE,DE-BY,Europe/Berlin,,,,,\r\n"
)


@pytest.fixture
def contract(company: Company, authority: CertificateAuthority) -> Company:
    """Return the example configuration of the contract."""
    company.files = {
        "insights.yaml": CONTRACT,
        "rooms-eu.csv": b"\xef\xbb\xbf" + DIRECTORY.encode(),
        "corporate-ca.pem": authority.ca_file.read_bytes(),
    }
    return company


def test_the_configuration_of_the_contract_is_read(contract: Company) -> None:
    settings = contract.load()
    eu = settings.regions["EU"]
    assert (settings.trailing_days, settings.ahead_days, settings.retention_months) == (14, 180, 13)
    assert (settings.minimum_group, settings.keep_versions) == (5, 7)
    assert settings.count_held_as_booked is False
    assert settings.run_deadline_minutes == 240
    assert (eu.time_zone, eu.nightly_at) == ("Europe/Copenhagen", time(2, 30))
    assert eu.accepted_domains == {"contoso.example"}
    assert eu.closures == (Closure(date(2026, 12, 24), date(2026, 12, 31), building="HQ"),)
    assert eu.exchanges["headquarters"].ca_file == contract.folder / "corporate-ca.pem"
    cloud = eu.exchanges["cloud"]
    assert isinstance(cloud, EwsExchange)
    assert cloud.access == "impersonation"


def test_a_time_without_quotes_is_a_time_though_yaml_has_it_as_a_number(contract: Company) -> None:
    contract.files["insights.yaml"] = CONTRACT.replace('"02:30"', "12:30")
    assert contract.load().regions["EU"].nightly_at == time(12, 30)


def test_the_room_directory_of_the_contract_is_read(contract: Company) -> None:
    first, second = contract.load().regions["EU"].rooms
    assert (first.room_id, first.address, first.exchange) == (
        "hq-1",
        "hq1@contoso.example",
        "headquarters",
    )
    assert (first.floor, first.capacity, first.room_type) == ("3", 8, "executive")
    assert first.open_hours == "Mon-Fri 08:00-12:00, 13:00-18:00; Sat 09:00-12:00"
    assert (first.opened_on, first.closed_on) == (date(2024, 1, 1), date(2027, 1, 1))
    assert (second.subdivision, second.capacity, second.name) == ("DE-BY", None, None)
    assert (second.room_type, second.open_hours) == ("other", DEFAULT_OPEN_HOURS)


def test_the_rooms_table_is_the_directory_without_addresses(contract: Company) -> None:
    table = rooms_table(contract.load().regions["EU"])
    assert table.schema.equals(ROOMS, check_metadata=True)
    assert table["room_id"].to_pylist() == ["hq-1", "m-1"]
    assert "contoso.example" not in str(table.to_pylist())


def test_what_is_left_out_has_the_defaults_of_the_contract(company: Company) -> None:
    settings = company.load()
    eu = settings.regions["EU"]
    assert (settings.trailing_days, settings.ahead_days, settings.retention_months) == (14, 180, 13)
    assert (settings.minimum_group, settings.keep_versions) == (5, 7)
    assert settings.run_deadline_minutes == 300
    assert (eu.open_hours, eu.headcount, eu.closures) == (DEFAULT_OPEN_HOURS, True, ())
    assert (eu.exchanges["hq"].workers, eu.exchanges["hq"].room_deadline_seconds) == (4, 120)
    assert {room.exchange for room in eu.rooms} == {"hq"}


def test_a_key_without_a_value_counts_as_left_out(company: Company) -> None:
    company.eu.update(closures=None, open_hours=None, accepted_domains=None)
    assert company.load().regions["EU"].open_hours == DEFAULT_OPEN_HOURS


def test_paths_are_relative_to_the_file(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.load()
    monkeypatch.chdir(company.folder.parent)
    relative = Path(company.folder.name) / "insights.yaml"
    eu = load_settings(relative, EU).regions["EU"]
    assert (eu.lake, eu.warehouse) == (company.folder / "eu/lake", company.folder / "eu/warehouse")


def test_lake_and_warehouse_may_be_prefixes_in_a_bucket(company: Company) -> None:
    company.eu.update(lake="s3://bucket/eu/lake/", warehouse="az://container")
    company.values["regions"]["NA"]["lake"] = "s3://bucket/eu/lake-of-na"
    eu = company.load().regions["EU"]
    assert (str(eu.lake), str(eu.warehouse)) == ("s3://bucket/eu/lake", "az://container")


def test_the_open_hours_of_a_region_are_those_of_its_rooms_that_name_none(company: Company) -> None:
    company.eu["open_hours"] = "Mon-Sun 00:00-24:00"
    company.files["rooms-eu.csv"] = rooms(room(1, open_hours="closed"), room(2))
    eu = company.load().regions["EU"]
    assert [found.open_hours for found in eu.rooms] == ["closed", "Mon-Sun 00:00-24:00"]


def test_empty_open_hours_of_a_region_count_as_left_out(company: Company) -> None:
    company.eu["open_hours"] = ""
    assert company.load().regions["EU"].open_hours == DEFAULT_OPEN_HOURS


def test_a_region_may_have_a_minimum_group_of_its_own(company: Company) -> None:
    company.values["minimum_group"] = 7
    company.eu["minimum_group"] = 10
    settings = company.load()
    assert settings.regions["EU"].minimum_group == 10
    assert settings.regions["NA"].minimum_group == 7


@pytest.mark.parametrize("key", ["password_env", "client_secret_env"])
def test_a_secret_with_the_line_break_of_a_file_is_refused_before_it_is_tried(
    company: Company, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.eu["exchanges"] = {"hq": dict(EWS if key == "password_env" else OAUTH)}
    variable = company.eu["exchanges"]["hq"][key]
    monkeypatch.setenv(variable, "hunter2\n")
    with pytest.raises(SettingsError) as refusal:
        read_secrets(company.load(EU).regions["EU"].exchanges["hq"])
    (line,) = refusal.value.problems
    told = f"the environment variable {variable} holds a line break; set it to the secret alone"
    assert line.endswith(f"regions.EU.exchanges.hq.{key}: {told}")


def test_domains_are_compared_without_case(company: Company) -> None:
    company.eu["accepted_domains"] = ["Contoso.Example", "fabrikam.example"]
    found = company.load().regions["EU"].accepted_domains
    assert found == {"contoso.example", "fabrikam.example"}


def test_dates_of_closures_may_be_written_in_quotes(company: Company) -> None:
    company.eu["closures"] = [{"from": "2026-12-24", "to": date(2026, 12, 31)}]
    assert company.load().regions["EU"].closures == (
        Closure(date(2026, 12, 24), date(2026, 12, 31)),
    )


def test_addresses_and_accounts_are_not_printed(company: Company) -> None:
    assert "@" not in repr(company.load())


def test_a_region_that_is_not_loaded_is_not_looked_at(company: Company) -> None:
    company.values["regions"]["NA"] = {"lake": 5, "password": "x", "rooms": "unlisted-place.csv"}
    settings = company.load(EU)
    assert list(settings.regions) == ["EU"]
    assert "unlisted-place" not in repr(settings)


def test_secrets_are_read_at_the_moment_of_use(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = company.load().regions["EU"].exchanges["hq"]
    monkeypatch.setenv("INSIGHTS_TEST_PASSWORD", "open sesame")
    (secrets,) = read_secrets(hq)
    assert (secrets.password, secrets.client_secret) == ("open sesame", None)
    assert "sesame" not in repr(secrets)


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_not_set_is_named_with_file_key_and_variable(
    company: Company, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    company.eu["exchanges"] = {"cloud": dict(OAUTH)}
    cloud = company.load().regions["EU"].exchanges["cloud"]
    monkeypatch.delenv("INSIGHTS_TEST_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("INSIGHTS_TEST_SECRET", value)
    with pytest.raises(SettingsError) as refusal:
        read_secrets(cloud)
    (line,) = refusal.value.problems
    assert "insights.yaml: regions.EU.exchanges.cloud.client_secret_env: " in line
    assert "INSIGHTS_TEST_SECRET is not set" in line


def test_all_secrets_that_are_not_set_are_named_at_once(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.eu["exchanges"]["cloud"] = dict(OAUTH)
    company.files["rooms-eu.csv"] = rooms(room(1, exchange="hq"), room(2, exchange="cloud"))
    exchanges = company.load().regions["EU"].exchanges
    monkeypatch.delenv("INSIGHTS_TEST_SECRET", raising=False)
    monkeypatch.delenv("INSIGHTS_TEST_PASSWORD", raising=False)
    with pytest.raises(SettingsError) as refusal:
        read_secrets(*exchanges.values())
    assert len(refusal.value.problems) == 2


def test_a_configuration_in_utf_16_is_read(company: Company) -> None:
    company.files["insights.yaml"] = yaml.safe_dump(company.values).encode("utf-16")
    assert set(company.load().regions) == {"EU", "NA"}
