"""Old versions and copies in a bucket: ``check`` lists them, ``erase`` removes them or says how."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.lake.rows import booking, stored
from tests.night.workplace import MONDAY, Company
from tests.object_stores import Server, blob_service, make_bucket
from tests.objects.test_refusals import answering
from warehouse.lake import Lake
from warehouse.storage import ObjectUrl
from warehouse.storage.bucket import Fact, buckets_of


class Amazon:
    """A new bucket on moto; ``client`` has an administrator's rights."""

    def __init__(self, server: Server, region: str = "eu-central-1", **options: Any) -> None:
        self.name = f"rooms-{uuid4().hex}"
        self.client = make_bucket(
            server.environment["AWS_ENDPOINT_URL"], self.name, region, **options
        )
        self.root = ObjectUrl("s3", self.name, "eu")

    def keep_versions(self) -> None:
        self.client.put_bucket_versioning(
            Bucket=self.name, VersioningConfiguration={"Status": "Enabled"}
        )

    def expire(self, prefix: str, days: int) -> None:
        rule = {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
        }
        self.client.put_bucket_lifecycle_configuration(
            Bucket=self.name, LifecycleConfiguration={"Rules": [rule]}
        )

    def older(self) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name)
        versions = [each for page in pages for each in page.get("Versions", ())]
        return [each for each in versions if not each["IsLatest"]]

    def fact(self, name: str) -> Fact:
        (bucket,) = buckets_of([self.root / "lake", self.root / "warehouse"])
        return next(fact for fact in bucket.facts() if fact.name == name)


@pytest.fixture
def moto(object_store: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch) -> Server:
    server = object_store("moto")
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    return server


def in_bucket(company: Company, amazon: Amazon) -> Company:
    company.write(
        lake=str(amazon.root / "lake"),
        warehouse=str(amazon.root / "warehouse"),
        settings={"export_parquet": False},
    )
    return company


def test_check_says_of_a_plain_bucket_that_nothing_outlives(
    moto: Server, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    amazon = Amazon(moto)
    assert in_bucket(company, amazon).insights("check") == 0
    said = capsys.readouterr().out
    assert f"EU storage  {amazon.root}/lake, {amazon.root}/warehouse" in said
    assert "versioning   off: what is removed is gone" in said
    assert "replication  none" in said
    assert "region       the bucket is in eu-central-1" in said


def test_check_says_what_outlives_retention_and_where_copies_go(
    moto: Server, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    amazon, copy = Amazon(moto), Amazon(moto, "us-west-2")
    for each in (amazon, copy):
        each.keep_versions()
    rule = {
        "ID": "away",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{copy.name}"},
    }
    amazon.client.put_bucket_replication(
        Bucket=amazon.name,
        ReplicationConfiguration={"Role": "arn:aws:iam::1:role/r", "Rules": [rule]},
    )
    assert in_bucket(company, amazon).insights("check") == 0
    said = capsys.readouterr().out
    assert "! note    versioning   on, and no lifecycle rule deletes noncurrent versions" in said
    assert f"! note    replication  copied to {copy.name} (us-west-2): neither retention" in said


def test_a_lifecycle_rule_counts_where_it_covers_lake_and_warehouse(moto: Server) -> None:
    amazon = Amazon(moto)
    amazon.keep_versions()
    amazon.expire("eu/lake/", 7)
    assert "no lifecycle rule" in amazon.fact("versioning").text
    amazon.expire("eu/", 7)
    assert "outlives its retention by 7 days" in amazon.fact("versioning").text


def test_check_fails_where_the_bucket_is_in_another_region_than_the_environment_says(
    moto: Server, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_bucket(company, Amazon(moto, "us-west-2")).insights("check") == 1
    said = capsys.readouterr().out
    assert "the bucket is in us-west-2, and AWS_REGION says eu-central-1: set it, or" in said


def test_check_says_in_one_line_that_a_bucket_is_missing(
    moto: Server, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(lake="s3://no-such-bucket/lake")
    assert company.insights("check", "--json") == 1
    shown = capsys.readouterr()
    assert "s3://no-such-bucket/lake/bookings: NoSuchBucket: there is no such" in shown.err
    assert all(line["is_readable"] for line in json.loads(shown.out))


def test_one_place_for_lake_and_warehouse_is_named_and_counted_once(
    moto: Server, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    amazon = Amazon(moto, ObjectLockEnabledForBucket=True)
    for place, name in ((amazon.root, "other"), (amazon.root / "lake", "other")):
        for content in (b"1", b"2"):
            amazon.client.put_object(Bucket=amazon.name, Key=(place / name).key, Body=content)
    for places in ([amazon.root, amazon.root], [amazon.root / "lake", amazon.root]):
        (bucket,) = buckets_of(places)
        assert bucket.remains(is_removed=False).gone == len(amazon.older()) == 2
    company.write(lake=str(amazon.root), warehouse=str(amazon.root))
    assert company.insights("check") == 0
    (heading,) = [each for each in capsys.readouterr().out.splitlines() if "EU storage" in each]
    assert heading.split() == ["EU", "storage", str(amazon.root)]


def test_what_may_not_be_read_is_said_with_the_command_that_shows_it(
    moto: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(403, "AccessDenied") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        (bucket,) = buckets_of([ObjectUrl("s3", "lake", "eu")])
        facts = {fact.name: fact for fact in bucket.facts()}
        remains = bucket.remains(is_removed=True)
    assert facts["versioning"] == Fact(
        "versioning",
        None,
        "could not be read (AccessDenied): look with: "
        "aws s3api get-bucket-versioning --bucket lake",
    )
    assert {fact.is_fine for fact in facts.values()} == {None}
    assert remains.notes[0] == (
        "old versions of s3://lake/eu: could not be read (AccessDenied): look with: "
        "aws s3api list-object-versions --bucket lake --prefix 'eu/'"
    )


def test_a_store_that_cannot_be_asked_is_a_line_too() -> None:
    (bucket,) = buckets_of([ObjectUrl("gs", "lake", "eu")])
    assert [fact.is_fine for fact in bucket.facts()] == [None] * 4
    assert "gcloud storage buckets describe gs://lake" in bucket.remains(is_removed=True).notes[0]


def test_an_erasure_removes_older_versions_or_says_which_stay_and_exits_1(
    moto: Server, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    amazon = Amazon(moto, ObjectLockEnabledForBucket=True)
    for content in (b"1", b"2"):
        amazon.client.put_object(Bucket=amazon.name, Key="eu/other", Body=content)
    assert in_bucket(company, amazon).run() == 0
    key = f"eu/lake/bookings/region=EU/date={MONDAY}/bookings.parquet"
    hold = {"Bucket": amazon.name, "Key": key}
    held = amazon.client.head_object(**hold)["VersionId"]
    amazon.client.put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    asked = ("erase", "--region", "EU", "--room", "fjord")
    capsys.readouterr()
    older = len(amazon.older())
    assert company.insights(*asked, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["object_versions_gone"] >= older - 1 > 5
    assert company.insights(*asked) == 1
    said = capsys.readouterr().out
    assert "unfinished uploads of objects: " in said
    assert " gone, 1 left" in said
    assert "1 stay (AccessDenied): remove them with: aws s3api delete-objects --bucket" in said
    assert [each["Key"] for each in amazon.older()] == [key, "eu/other"]
    amazon.client.put_object_legal_hold(**hold, VersionId=held, LegalHold={"Status": "OFF"})
    assert company.insights(*asked, "--json") == 0
    receipt = json.loads(capsys.readouterr().out)
    assert (receipt["object_versions_left"], receipt["outlives"]) == (0, [])
    assert [each["Key"] for each in amazon.older()] == ["eu/other"]


@pytest.mark.parametrize("store", ["moto", "seaweedfs"])
def test_an_erasure_removes_what_a_killed_upload_left_in_the_bucket(
    object_store: Callable[[str], Server],
    monkeypatch: pytest.MonkeyPatch,
    company: Company,
    capsys: pytest.CaptureFixture[str],
    store: str,
) -> None:
    server = object_store(store)
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    amazon = Amazon(server)
    assert in_bucket(company, amazon).run() == 0
    killed, other = (
        {"Bucket": amazon.name, "Key": key} for key in ("eu/warehouse/versions/x", "other")
    )
    for each in (killed, other):
        upload = amazon.client.create_multipart_upload(**each)["UploadId"]
        amazon.client.upload_part(**each, UploadId=upload, PartNumber=1, Body=b"rows")
    capsys.readouterr()
    company.insights("check")
    assert "uploads      1 unfinished, of a run that goes on or" in capsys.readouterr().out
    assert company.insights("erase", "--region", "EU", "--room", "fjord") == 0
    assert "unfinished uploads of objects: 1 gone, 0 left" in capsys.readouterr().out
    uploads = amazon.client.list_multipart_uploads(Bucket=amazon.name)["Uploads"]
    assert [each["Key"] for each in uploads] == ["other"]


def test_uploads_that_may_not_be_aborted_are_told_with_the_command_to_do_it(
    moto: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(403, "AccessDenied") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        (bucket,) = buckets_of([ObjectUrl("s3", "lake", "eu")])
        monkeypatch.setattr(bucket, "_unfinished", lambda prefix, _: iter([(prefix, "upload")]))
        remains = bucket.remains(is_removed=True)
    assert (remains.gone, remains.left) == (0, 1)
    assert "uploads of s3://lake/eu: 1 stay (AccessDenied): remove them with: aws s3api abort" in (
        " ".join(remains.notes)
    )


def test_of_azure_check_says_soft_delete_and_copies_in_another_region(
    object_store: Callable[[str], Server],
    monkeypatch: pytest.MonkeyPatch,
    company: Company,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from azure.storage.blob import RetentionPolicy

    server = object_store("azurite")
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    service = blob_service(server.environment)
    place = ObjectUrl.parse(server.url) / uuid4().hex
    company.write(lake=str(place / "lake"))
    service.set_service_properties(delete_retention_policy=RetentionPolicy(enabled=True, days=9))
    try:
        assert company.insights("check") == 0
    finally:
        service.set_service_properties(delete_retention_policy=RetentionPolicy(enabled=False))
    said = capsys.readouterr().out
    assert (
        "soft delete  on: what is removed outlives its retention, and an erasure, by 9 days" in said
    )
    assert "replication  Standard_RAGRS: Azure copies everything to the paired region" in said
    assert "az storage account show --name rooms --query primaryLocation" in said
    Lake(place / "lake", "EU").replace("bookings", MONDAY, stored(booking("a")))
    (bucket,) = buckets_of([place / "lake"])
    facts = {fact.name: fact.is_fine for fact in bucket.facts()}
    assert (facts["soft delete"], facts["versioning"]) == (True, True)
    remains = bucket.remains(is_removed=True)
    assert (remains.gone, remains.left) == (0, 0)
