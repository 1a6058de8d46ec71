"""What a bucket keeps of removed objects, where it copies them, and where it is.

obstore has no method for these requests: botocore makes them to S3, and Azure's own client to
Azure. Each is an extra, and is only imported if it is needed. Whatever cannot be read is reported
as such, with a command for somebody who may read it.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

from warehouse.storage.base import ObjectUrl, endpoint_of

Old: TypeAlias = tuple[str, str]
"""The key of an object, and an older version or an unfinished upload of it."""

_AT_ONCE: Final = 1000
"""Versions that S3 removes in one request."""
_BY_HAND: Final[Mapping[str, Mapping[str, str]]] = yaml.safe_load(
    files("warehouse.storage").joinpath("by_hand.yaml").read_text(encoding="utf-8")
)
"""Commands that show each fact to somebody who may see it; two remove what is left."""
_NO_FACTS: Final = ("old versions", "remove", "abort")


class Fact(NamedTuple):
    """One line about a bucket. ``is_fine`` is None if it could not be read."""

    name: str
    is_fine: bool | None
    text: str


class Remains(NamedTuple):
    """What a bucket held besides its current objects: how many are ``gone``, and are ``left``.

    If nothing was to be removed, ``gone`` counts what would go. ``notes`` say what stays, and how
    to remove it by hand.
    """

    gone: int
    left: int
    notes: tuple[str, ...]


class _UnreadError(Exception):
    """What a store does not tell; says why."""


class Bucket:
    """A bucket about which nothing can be read; ``why`` says what is missing."""

    def __init__(self, roots: Sequence[ObjectUrl], why: str = "") -> None:
        self._roots, self._why = roots, why
        self._name = roots[0].bucket
        self._commands = _BY_HAND[roots[0].scheme]

    def facts(self) -> Iterator[Fact]:
        """Yield one fact each: where the bucket is, what it keeps, and where it copies that."""
        for name in self._commands:
            if name not in _NO_FACTS:
                try:
                    yield Fact(name, *self._ask(name))
                except Exception as error:  # noqa: BLE001 - each library has classes of its own
                    yield self._unread(name, error)

    def remains(self, begun_before: datetime | None = None, *, is_removed: bool) -> Remains:
        """Count below the roots what no listing shows; remove it if asked.

        These are versions that are no longer current, and the parts of uploads that were never
        finished, since their run was killed. Nothing that is published or read needs either.
        Uploads begun later than ``begun_before`` may be those of a run that is going on.
        """
        gone, left, notes = 0, 0, list[str]()
        prefixes = self._prefixes()
        for name, command, found, remove in (
            ("old versions", "remove", map(self._old, prefixes), self._remove),
            (
                "uploads",
                "abort",
                (self._unfinished(prefix, begun_before) for prefix in prefixes),
                self._abort,
            ),
        ):
            try:
                each_of = [each for of_prefix in found for each in of_prefix]
            except Exception as error:  # noqa: BLE001 - each library has classes of its own
                notes.append(self._note(self._unread(name, error)))
                continue
            stay, code = 0, ""
            if is_removed and each_of:
                try:
                    stay, code = remove(each_of)
                except Exception as error:  # noqa: BLE001 - each library has classes of its own
                    stay, code = len(each_of), _code(error)
            if stay:
                text = f"{stay:,} stay ({code}): remove them with: {self._command(command)}"
                notes.append(self._note(Fact(name, False, text)))
            gone, left = gone + len(each_of) - stay, left + stay
        notes += [
            self._note(fact)
            for fact in (() if self._why else self.facts())
            if fact.name in ("soft delete", "replication") and not fact.is_fine
        ]
        return Remains(gone, left, tuple(notes))

    def _ask(self, name: str) -> tuple[bool, str]:  # noqa: ARG002 - there is no way here
        """Return whether a fact is fine, and its text."""
        raise _UnreadError(self._why)

    def _old(self, prefix: str) -> Iterator[Old]:  # noqa: ARG002
        """Yield the versions below a prefix that are no longer current."""
        raise _UnreadError(self._why)

    def _remove(self, old: Sequence[Old]) -> tuple[int, str]:
        """Remove versions; return how many are left, and the store's code for the reason."""
        raise NotImplementedError

    def _unfinished(self, prefix: str, before: datetime | None) -> Iterator[Old]:  # noqa: ARG002
        """Yield the uploads below a prefix that were never finished; a store may drop them."""
        return iter(())

    def _abort(self, uploads: Sequence[Old]) -> tuple[int, str]:
        """Remove the parts of uploads; return as ``_remove`` does."""
        raise NotImplementedError

    def _note(self, fact: Fact) -> str:
        return f"{fact.name} of {' and '.join(map(str, self._roots))}: {fact.text}"

    def _prefixes(self) -> list[str]:
        return [f"{root.key}/" if root.key else "" for root in self._roots]

    def _unread(self, name: str, error: Exception) -> Fact:
        text = f"could not be read ({_code(error)}): look with: {self._command(name)}"
        return Fact(name, None, text)

    def _command(self, name: str) -> str:
        names = {"bucket": self._name, "account": _account()}
        each = (self._commands[name].format(prefix=p, **names) for p in self._prefixes())
        return "; ".join(dict.fromkeys(each))


class S3Bucket(Bucket):
    """A bucket of Amazon S3 or a compatible store. Needs botocore."""

    def __init__(self, roots: Sequence[ObjectUrl]) -> None:
        super().__init__(roots)
        from botocore.config import Config  # noqa: PLC0415 - only where it is asked for
        from botocore.session import Session  # noqa: PLC0415

        endpoint = endpoint_of("s3")
        self._asked = (
            os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        )
        self._client: Any = Session().create_client(
            "s3",
            region_name=self._asked,
            endpoint_url=endpoint,
            config=Config(
                connect_timeout=5,
                retries={"total_max_attempts": 3},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )

    def _ask(self, name: str) -> tuple[bool, str]:
        if name == "region":
            return self._region()
        if name == "uploads":
            return self._uploads()
        return self._versioning() if name == "versioning" else self._replication()

    def _region(self) -> tuple[bool, str]:
        found = self._region_of(self._name)
        if found is None:
            raise _UnreadError("the server does not say")
        if found != self._asked:
            text = f"the bucket is in {found}, and AWS_REGION says {self._asked}"
            return False, f"{text}: set it, or name a bucket of {self._asked}"
        return True, f"the bucket is in {found}"

    def _region_of(self, bucket: str) -> str | None:
        region: str | None = self._client.head_bucket(Bucket=bucket).get("BucketRegion")
        return region

    def _uploads(self) -> tuple[bool, str]:
        count = sum(1 for prefix in self._prefixes() for _ in self._unfinished(prefix, None))
        if not count:
            return True, "none that a killed run left unfinished"
        text = f"{count} unfinished, of a run that goes on or was killed: their parts stay until"
        return False, f"{text} 'insights erase' or a rule that aborts them removes them"

    def _versioning(self) -> tuple[bool, str]:
        status = self._client.get_bucket_versioning(Bucket=self._name).get("Status")
        if status is None:
            return True, "off: what is removed is gone"
        is_on = "on" if status == "Enabled" else "suspended, and older versions are kept"
        days = self._noncurrent_days()
        if days is not None:
            outlives = f"what is removed outlives its retention by {days} days, as lifecycle says"
            return False, f"{is_on}: {outlives}"
        return False, (
            f"{is_on}, and no lifecycle rule deletes noncurrent versions: what retention removes "
            "stays: turn it off, or add such a rule ('insights erase' removes old versions)"
        )

    def _noncurrent_days(self) -> int | None:
        """Return after how many days a rule deletes all older versions below the roots."""
        try:
            rules = self._client.get_bucket_lifecycle_configuration(Bucket=self._name)["Rules"]
        except self._client.exceptions.ClientError as error:
            if _code(error) == "NoSuchLifecycleConfiguration":
                return None
            raise
        days = [
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
            for rule in rules
            if rule["Status"] == "Enabled"
            and "NoncurrentVersionExpiration" in rule
            and "NewerNoncurrentVersions" not in rule["NoncurrentVersionExpiration"]
            and set(rule.get("Filter", {})) <= {"Prefix"}
            and all(
                each.startswith(rule.get("Filter", rule).get("Prefix") or "")
                for each in self._prefixes()
            )
        ]
        return min(days, default=None)

    def _replication(self) -> tuple[bool, str]:
        try:
            found = self._client.get_bucket_replication(Bucket=self._name)
        except self._client.exceptions.ClientError as error:
            if _code(error) != "ReplicationConfigurationNotFoundError":
                raise
            return True, "none"
        rules = found["ReplicationConfiguration"]["Rules"]
        buckets = {
            rule["Destination"]["Bucket"].rpartition(":")[2]
            for rule in rules
            if rule["Status"] == "Enabled"
        }
        if not buckets:
            return True, "none that is on"
        shown = ", ".join(f"{each} ({self._where(each)})" for each in sorted(buckets))
        return False, (
            f"copied to {shown}: neither retention nor erase reaches a copy: remove the rule, or "
            "see to that bucket yourself"
        )

    def _where(self, bucket: str) -> str:
        try:
            return self._region_of(bucket) or "in which region the server does not say"
        except self._client.exceptions.ClientError:
            return "in which region could not be read"

    def _old(self, prefix: str) -> Iterator[Old]:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._name, Prefix=prefix):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if not each["IsLatest"]:
                    yield each["Key"], each["VersionId"]

    def _remove(self, old: Sequence[Old]) -> tuple[int, str]:
        errors = []
        for at in range(0, len(old), _AT_ONCE):
            some = old[at : at + _AT_ONCE]
            objects = [{"Key": key, "VersionId": version} for key, version in some]
            done = self._client.delete_objects(
                Bucket=self._name, Delete={"Objects": objects, "Quiet": True}
            )
            errors += done.get("Errors", ())
        return len(errors), errors[0]["Code"] if errors else ""

    def _unfinished(self, prefix: str, before: datetime | None) -> Iterator[Old]:
        pages = self._client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self._name, Prefix=prefix):
            for each in page.get("Uploads", ()):
                if before is None or each["Initiated"] < before:
                    yield each["Key"], each["UploadId"]

    def _abort(self, uploads: Sequence[Old]) -> tuple[int, str]:
        codes = []
        for key, upload in uploads:
            try:
                self._client.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload)
            except self._client.exceptions.NoSuchUpload:
                continue
            except self._client.exceptions.ClientError as error:
                codes.append(_code(error))
        return len(codes), codes[0] if codes else ""


class AzureContainer(Bucket):
    """A container of Azure. Needs azure-storage-blob, and azure-identity without a key."""

    def __init__(self, roots: Sequence[ObjectUrl]) -> None:
        super().__init__(roots)
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - only where asked for

        endpoint = endpoint_of("az") or f"https://{_account()}.blob.core.windows.net"
        self._service: Any = BlobServiceClient(
            endpoint, _azure_credential(), retry_total=2, connection_timeout=5
        )
        self._container: Any = self._service.get_container_client(self._name)

    def _ask(self, name: str) -> tuple[bool, str]:
        if name == "versioning":
            return self._versioning()
        if name == "soft delete":
            policy = self._service.get_service_properties()["delete_retention_policy"]
            if not policy.enabled:
                return True, "off: what is removed is gone"
            text = "on: what is removed outlives its retention, and an erasure"
            return False, f"{text}, by {policy.days} days"
        if name == "replication":
            sku = self._service.get_account_information()["sku_name"]
            if "G" in sku.rpartition("_")[2]:
                return False, f"{sku}: Azure copies everything to the paired region"
            return True, f"{sku}: no copy leaves the region"
        raise _UnreadError("only the account's management tells")

    def _versioning(self) -> tuple[bool, str]:
        for prefix in self._prefixes():
            for blob in self._container.list_blobs(prefix, include=["versions"]):
                if blob.version_id is None:
                    return True, "off"
                text = "on: what retention removes stays, unless a lifecycle rule deletes versions"
                return False, f"{text} ('insights erase' removes them)"
        raise _UnreadError("nothing is stored yet")

    def _old(self, prefix: str) -> Iterator[Old]:
        for blob in self._container.list_blobs(prefix, include=["versions"]):
            if blob.version_id is not None and not blob.is_current_version:
                yield blob.name, blob.version_id

    def _remove(self, old: Sequence[Old]) -> tuple[int, str]:
        codes = []
        for name, version in old:
            try:
                self._container.delete_blob(name, version_id=version)
            except Exception as error:  # noqa: BLE001 - the next one may be removed
                codes.append(_code(error))
        return len(codes), codes[0] if codes else ""


_KINDS: Final[Mapping[str, tuple[Callable[[Sequence[ObjectUrl]], Bucket], str]]] = {
    "s3": (S3Bucket, "s3"),
    "az": (AzureContainer, "azure"),
}


def buckets_of(places: Sequence[object]) -> Iterator[Bucket]:
    """Yield the buckets that hold some places; folders have none. What is in both counts once."""
    roots: dict[tuple[str, str], list[ObjectUrl]] = {}
    for place in [each for each in dict.fromkeys(places) if isinstance(each, ObjectUrl)]:
        if not any(place.is_relative_to(other) for other in places if other != place):
            roots.setdefault((place.scheme, place.bucket), []).append(place)
    for (scheme, _), of_bucket in roots.items():
        if scheme not in _KINDS:
            yield Bucket(of_bucket, "this program cannot ask Google's store")
            continue
        kind, extra = _KINDS[scheme]
        try:
            yield kind(of_bucket)
        except ModuleNotFoundError:
            yield Bucket(of_bucket, f"pip install 'room-insights[{extra}]'")


def _account() -> str:
    return os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", "ACCOUNT")


def _azure_credential() -> Any:  # noqa: ANN401 - the classes of an extra
    """Return the credential obstore uses: a key, an app's secret, or the machine's identity."""
    key = os.environ.get("AZURE_STORAGE_ACCOUNT_KEY")
    if key:
        return {"account_name": _account(), "account_key": key}
    from azure import identity  # noqa: PLC0415 - only where there is no key

    names = ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")
    app = [os.environ.get(f"AZURE_STORAGE_{name}", "") for name in names]
    return identity.ClientSecretCredential(*app) if all(app) else identity.DefaultAzureCredential()


def _code(error: Exception) -> str:
    """Return the store's own code of an error, or its class: the text quotes whole answers."""
    if isinstance(error, _UnreadError):
        return str(error)
    found = getattr(error, "response", None)
    of_s3 = found.get("Error", {}).get("Code") if isinstance(found, dict) else None
    return str(of_s3 or getattr(error, "error_code", None) or type(error).__name__)
