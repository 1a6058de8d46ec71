"""Every error that refuses another key of ``insights.yaml``, alone and all at once."""

from datetime import date

import pytest

from pipelines.settings import SettingsError
from tests.settings.company import Break, Company, assert_refused, in_eu, room, rooms

SMALLEST = """
regions:
  EU:
    {time_zone: UTC, nightly_at: 12:30, lake: l, warehouse: w, rooms: rooms-eu.csv,
     exchanges: {hq: {kind: ews, auth: basic, endpoint: "https://x", username: u, password_env: P}}}
"""


def _top(**changes: object) -> Break:
    return lambda company: company.values.update(changes)


def _closure(**changes: object) -> Break:
    closure = {"from": date(2026, 12, 24), "to": date(2026, 12, 31)} | changes
    return in_eu(closures=[closure])


REFUSALS: dict[str, tuple[Break, str, str]] = {
    "unknown key": (_top(trailing_dayz=1), "trailing_dayz", "unknown key; did you mean trailing"),
    "unknown key that could be an address": (
        _top(**{"ann@contoso.example": 1}),
        "(a key with an @)",
        "unknown key; known: ahead_days",
    ),
    "unknown key of a region": (
        in_eu(lakes="x"),
        "regions.EU.lakes",
        "unknown key; did you mean lake?",
    ),
    "unknown key without a value": (in_eu(closing=None), "regions.EU.closing", "unknown key"),
    "a closure of a building that is not filled in": (
        _closure(building=None),
        "regions.EU.closures.0.building",
        "is empty; fill it in, or remove it",
    ),
    "a target of a building that is not filled in": (
        in_eu(targets=[{"building": None, "capacity_band": "5-8", "sold_out_days_at_most": 4}]),
        "regions.EU.targets.0.building",
        "is empty; fill it in, or remove it",
    ),
    "a closure without its last day": (
        _closure(to=None),
        "regions.EU.closures.0.to",
        "is missing; add it",
    ),
    "unknown key of a closure": (
        _closure(until=1),
        "regions.EU.closures.0.until",
        "unknown key; known: building, from",
    ),
    "a name that only the code has for a key of a closure": (
        _closure(first_date=date(2026, 12, 24)),
        "regions.EU.closures.0.first_date",
        "unknown key; known: building, from",
    ),
    "literal secret elsewhere": (_top(apiKey="hunter2"), "apiKey", "a secret is never written"),
    "unknown zone": (
        in_eu(time_zone="Europe/Kopenhagen"),
        "regions.EU.time_zone",
        "'Europe/Kopenhagen' is no IANA time zone; did you mean Europe/Copenhagen?",
    ),
    "a time that YAML takes for a number of months": (
        lambda company: company.files.update(
            {"insights.yaml": "retention_months: 1:30" + SMALLEST}
        ),
        "retention_months",
        "must be a whole number",
    ),
    "a number that YAML takes for an octal one": (
        lambda company: company.files.update({"insights.yaml": "retention_months: 013" + SMALLEST}),
        "retention_months",
        "must be a whole number",
    ),
    "no such time": (in_eu(nightly_at="24:00"), "regions.EU.nightly_at", "must be a time of day"),
    "no lake": (in_eu(lake=None), "regions.EU.lake", "is missing; add it"),
    "a lake that is no path": (in_eu(lake=["x"]), "regions.EU.lake", "must be a path"),
    "an address that is none of objects": (
        in_eu(lake="https://contoso.example/lake"),
        "regions.EU.lake",
        "is no address of objects; write it like s3://bucket/prefix",
    ),
    "an address with half a bracket": (
        in_eu(lake="s3://[bucket/lake"),
        "regions.EU.lake",
        "is no address of objects; write it like s3://bucket/prefix",
    ),
    "a folder of the home": (
        in_eu(lake="~/lake"),
        "regions.EU.lake",
        "must be written out; neither ~ nor a variable is filled in",
    ),
    "a folder named by a variable": (
        in_eu(warehouse="${DATA}/eu"),
        "regions.EU.warehouse",
        "must be written out",
    ),
    "settings of Spark that are none": (
        _top(spark={"conf": "local"}),
        "spark.conf",
        "must be keys and values, indented",
    ),
    "an address with a secret": (
        in_eu(lake="s3://AKIAKEY:hush@bucket/lake"),
        "regions.EU.lake",
        "holds credentials or options; leave them to the environment",
    ),
    "an address with a token": (
        in_eu(warehouse="az://container/lake?sig=hush"),
        "regions.EU.warehouse",
        "holds credentials or options",
    ),
    "an address without a bucket": (
        in_eu(lake="gs:///lake"),
        "regions.EU.lake",
        "names no bucket",
    ),
    "an address that leads upward": (
        in_eu(lake="s3://bucket/../lake"),
        "regions.EU.lake",
        "a prefix with an empty step or dots",
    ),
    "open hours": (
        in_eu(open_hours="Mon-Fri 18:00-08:00"),
        "regions.EU.open_hours",
        "18:00-08:00 ends before it starts",
    ),
    "a domain that is an address": (
        in_eu(accepted_domains=["@contoso.example"]),
        "regions.EU.accepted_domains.0",
        "this is no domain",
    ),
    "domains that are no list": (
        in_eu(accepted_domains="contoso.example"),
        "regions.EU.accepted_domains",
        "must be a list",
    ),
    "a truth that is none": (
        in_eu(headcount="yes"),
        "regions.EU.headcount",
        "must be true or false",
    ),
    "a number in quotes": (_top(ahead_days="180"), "ahead_days", "must be a whole number"),
    "a number that is a truth": (_top(keep_versions=True), "keep_versions", "a whole number"),
    "a number too small": (_top(retention_months=0), "retention_months", "must be at least 1"),
    "a group of more than all bookings": (
        _top(minimum_group=10**23),
        "minimum_group",
        "must be at most 1000000",
    ),
    "a group of a region of more than all bookings": (
        in_eu(minimum_group=10**23),
        "regions.EU.minimum_group",
        "must be at most 1000000",
    ),
    "an engine that is none": (_top(engine="flink"), "engine", "must be 'duckdb' or 'spark'"),
    "a worker's memory that is no size": (
        _top(spark={"worker_memory": "a lot"}),
        "spark.worker_memory",
        "must be a size such as 2GB or 800MB",
    ),
    "a setting that is none of Spark": (
        _top(spark={"conf": {"executor.memory": "2g"}}),
        "spark.conf",
        "executor.memory is no setting of Spark; they begin with spark.",
    ),
    "a setting of Spark that is no text": (
        _top(spark={"conf": {"spark.executor.cores": 2}}),
        "spark.conf.spark.executor.cores",
        "must be text; put it in quotes",
    ),
    "a closure of no building": (
        _closure(building="HQX"),
        "regions.EU.closures.0.building",
        "no room has it; did you mean HQ?",
    ),
    "a closure of no site": (_closure(site="Oslo"), "regions.EU.closures.0.site", "no room has it"),
    "a closure of no room": (
        _closure(room_id="eu-9"),
        "regions.EU.closures.0.room_id",
        "no room has it; did you mean eu-",
    ),
    "a closure of a building elsewhere": (
        _closure(site="Munich", building="HQ"),
        "regions.EU.closures.0",
        "no room has all that it names together",
    ),
    "a closure that ends before it starts": (
        _closure(to=date(2026, 12, 1)),
        "regions.EU.closures.0.to",
        "is before from",
    ),
    "a closure on no date": (
        _closure(to="31 December"),
        "regions.EU.closures.0.to",
        "must be a date such as 2026-12-24",
    ),
    "a closure of a number": (
        _closure(building=7),
        "regions.EU.closures.0.building",
        "must be text; put it in quotes",
    ),
    "a closure without an end": (_closure(to=None), "regions.EU.closures.0.to", "is missing"),
    "closures that are no list": (in_eu(closures={"from": 1}), "regions.EU.closures", "a list"),
    "a region in small letters": (
        lambda company: company.values["regions"].update(apac={}),
        "regions.apac",
        "cannot be a region's name; did you mean APAC?",
    ),
    "a region that would be a folder above": (
        lambda company: company.values["regions"].update({"../EU": {}}),
        "regions.../EU",
        "cannot be a region's name; write capital letters, digits",
    ),
    "a region that would be the statistics of another": (
        lambda company: company.values["regions"].update({"EU-STATISTICS": {}}),
        "regions.EU-STATISTICS",
        "cannot be a region's name; write capital letters, digits",
    ),
    "a region named as DuckDB's own catalog": (
        lambda company: company.values["regions"].update(TEMP={}),
        "regions.TEMP",
        "cannot be a region's name; DuckDB keeps it for itself",
    ),
    "an output that nothing is left of": (
        _top(output="parquet", export_parquet=False),
        "export_parquet",
        "false leaves nothing with output: parquet; remove it",
    ),
    "no region": (_top(regions={}), "regions", "is missing or empty"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_broken_key_is_refused_in_one_line_with_file_key_and_remedy(
    company: Company, name: str
) -> None:
    assert_refused(company, *REFUSALS[name])


def test_all_problems_are_listed_at_once(company: Company) -> None:
    company.values["trailing_dayz"] = 3
    company.eu.update(time_zone="Mars", closures=[{"from": date(2026, 1, 1), "to": "x"}, 5])
    company.eu["closures"].append({"from": date(2026, 1, 1), "to": date(2026, 1, 1), "site": "X"})
    company.hq.update(endpoint="http://x", password="hunter2", workers=99)
    company.files["rooms-eu.csv"] = rooms(room(1, time_zone="Mars", capacity="0"), room(1))
    company.values["regions"]["NA"]["lake"] = "eu/lake"
    found = company.problems()
    places = [line.split(": ")[1] for line in found]
    assert sorted(places) == sorted(
        [
            "trailing_dayz",
            "regions.EU.time_zone",
            "regions.EU.closures.0.to",
            "regions.EU.closures.1",
            "regions.EU.closures.2.site",
            "regions.EU.exchanges.hq.endpoint",
            "regions.EU.exchanges.hq.password",
            "regions.EU.exchanges.hq.workers",
            "line 2, room eu-1, time_zone",
            "line 2, room eu-1, capacity",
            "line 3, room eu-1, room_id",
            "regions.NA.lake",
        ]
    )


def test_no_text_or_chain_of_pydantic_leaves(company: Company) -> None:
    company.hq["password"] = "hunter2"
    with pytest.raises(SettingsError) as refusal:
        company.load()
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None
