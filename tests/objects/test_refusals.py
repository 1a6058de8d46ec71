"""A problem with a bucket gives one line with the remedy, and leaves nothing half-written."""

import builtins
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.lake.rows import FIRST_NIGHT, SATURDAY, booking, coverage, stored
from tests.night.workplace import Company
from tests.object_stores import IN_A_BUCKET
from warehouse.connect import connect
from warehouse.lake import Lake, LakeError
from warehouse.storage import ObjectUrl
from warehouse.versions import VersionError

HERE = ObjectUrl("s3", "lake", "prefix")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the environment for a store on loopback, with credentials."""

    def lead_to(endpoint: str) -> None:
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "hush",
            "AWS_REGION": "eu-central-1",
        }.items():
            monkeypatch.setenv(name, value)

    return lead_to


@contextmanager
def answering(status: int, code: str = "") -> Iterator[str]:
    """Serve one S3 answer to every request; yield the server's address."""
    body = f"<Error><Code>{code}</Code><Message>of ada@contoso.example</Message></Error>".encode()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if code else 0))
            self.end_headers()
            self.wfile.write(body if code else b"")

        def log_message(self, *_: Any) -> None:
            pass

    for verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler.answer)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "AccessDenied", "let them read, write, list and delete below s3://lake/prefix"),
        (403, "SignatureDoesNotMatch", "see to the credentials in the environment"),
        (403, "InvalidAccessKeyId", "see to the credentials in the environment"),
        (400, "ExpiredToken", "see to the credentials in the environment"),
        (403, "RequestTimeTooSkewed", "this machine's clock is off: set it by NTP"),
        (404, "NoSuchBucket", "no such bucket or container: create it, or change 'lake'"),
        (301, "PermanentRedirect", "in another region: set AWS_REGION to the bucket's"),
        (301, "", "in another region: set AWS_REGION to the bucket's"),
        (400, "AuthorizationHeaderMalformed", "in another region: set AWS_REGION"),
    ],
)
def test_what_a_store_refuses_is_one_line_with_the_remedy(
    store: Callable[[str], None], status: int, code: str, remedy: str
) -> None:
    with answering(status, code) as endpoint:
        store(endpoint)
        for verb in (lambda: Lake(HERE, "EU").days("bookings"), write):
            with pytest.raises(LakeError) as refusal:
                verb()
            text = str(refusal.value)
            assert text.startswith("s3://lake/prefix")
            assert remedy in text
            assert "\n" not in text
            assert "ada" not in text
            assert refusal.value.__suppress_context__


def write() -> None:
    Lake(HERE, "EU").replace("bookings", SATURDAY, stored(booking("a")))


def test_a_store_that_is_not_there_is_one_line(store: Callable[[str], None]) -> None:
    store("http://127.0.0.1:1")
    with pytest.raises(LakeError, match="the store cannot be reached: see to its endpoint"):
        Lake(HERE, "EU").days("bookings")


def test_without_credentials_the_ways_to_give_them_are_named(
    store: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    store("http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(LakeError, match=r"no credentials were found: .* \(AWS_\.\.\., AZURE_"):
        Lake(HERE, "EU").days("bookings")


def test_half_of_the_credentials_is_one_line_without_them(
    store: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    store("http://127.0.0.1:1")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(LakeError, match="does not say how to reach it") as refusal:
        Lake(HERE, "EU").days("bookings")
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [("http://127.0.0.1:1", ""), ("http://contoso.example", "true"), ("contoso.example", "true")],
)
def test_nothing_is_sent_unencrypted_to_another_machine(
    store: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, endpoint: str, allowed: str
) -> None:
    store(endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", allowed)
    with pytest.raises(LakeError, match="the endpoint in the environment is not https"):
        Lake(HERE, "EU")


def test_an_endpoint_that_is_not_https_is_a_mistake_of_the_configuration(
    store: Callable[[str], None], company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(lake=str(HERE))
    store("http://contoso.example")
    for command in ("run", "publish", "status"):
        assert company.insights(command, "--region", "EU") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "regions.EU.lake: the endpoint in the environment is not https" in line
        assert line.endswith("mend AWS_ENDPOINT_URL")


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "AccessDenied", "read, write, list and delete below s3://lake/prefix"),
        (404, "NoSuchBucket", "create it, or change 'warehouse'"),
        (507, "QuotaExceeded", "the store is full: make room"),
        (0, "", "the store cannot be reached: see to its endpoint"),
    ],
)
def test_a_warehouse_that_takes_nothing_is_told_before_a_room_is_read(
    store: Callable[[str], None],
    company: Company,
    capsys: pytest.CaptureFixture[str],
    status: int,
    code: str,
    remedy: str,
) -> None:
    company.write(warehouse=str(HERE))
    with answering(status, code) as endpoint:
        store(endpoint if status else "http://127.0.0.1:1")
        assert company.run() == 1
    assert list(company.tenant.log) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: s3://lake/prefix/")
    assert remedy in line


@pytest.mark.parametrize("key", ["lake", "warehouse"])
def test_the_status_says_what_cannot_be_read_and_never_that_nothing_was(
    store: Callable[[str], None], company: Company, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    today = datetime.now(UTC).date()
    assert company.run(today, today) == 0
    company.write(**{key: str(HERE)})
    capsys.readouterr()
    with answering(403, "AccessDenied") as endpoint:
        store(endpoint)
        assert company.insights("status", "--json") == 1
        found = json.loads(capsys.readouterr().out)[0]
        assert company.insights("status") == 1
    line = found[f"{key}_error"]
    assert line.startswith("s3://lake/prefix/")
    assert "the credentials may not do this" in line
    assert found["to_do"] == [line]
    shown = capsys.readouterr().out
    assert "never read" not in shown
    assert (f"to do       {line}" in shown, "rooms       2 of 2 read" in shown) == (
        True,
        key == "warehouse",
    )


def test_storage_that_cannot_be_used_stands_in_the_summary_of_a_check(
    store: Callable[[str], None], company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(warehouse=str(HERE))
    with answering(404, "NoSuchBucket") as endpoint:
        store(endpoint)
        assert company.insights("check", "--region", "EU") == 1
    summary = capsys.readouterr().out.partition("Summary")[2]
    assert "failed  EU storage  cannot be used, see above" in summary


@IN_A_BUCKET
def test_a_bucket_that_holds_another_regions_lake_is_refused(
    bucket: ObjectUrl, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    Lake(bucket, "NA").replace("coverage", SATURDAY, coverage(("a", True, FIRST_NIGHT, None)))
    company.write(lake=str(bucket))
    assert company.run() == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{bucket}/coverage/region=NA: is another region's" in error


@IN_A_BUCKET
def test_a_run_beside_another_one_exits_1_and_says_to_wait(
    bucket: ObjectUrl, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(lake=str(bucket))
    with Lake(bucket, "EU").exclusive():
        assert company.run() == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "another run of region EU is going on: wait for its end" in error


@IN_A_BUCKET
def test_nothing_published_yet_is_one_line(bucket: ObjectUrl) -> None:
    with pytest.raises(VersionError, match="no database yet: run 'insights run --region EU'"):
        connect("EU", warehouse=bucket)


def test_without_the_extra_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_obstore(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] == "obstore":
            raise ModuleNotFoundError("No module named 'obstore'", name="obstore")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_obstore)
    monkeypatch.delitem(sys.modules, "warehouse.storage.objects", raising=False)
    with pytest.raises(LakeError, match=r"pip install 'room-insights\[object-storage\]'"):
        Lake(HERE, "EU")


def test_a_lake_in_a_folder_imports_nothing_of_object_storage() -> None:
    script = (
        "import sys, pipelines.night, warehouse.page\n"
        "from pathlib import Path; from warehouse.lake import Lake\n"
        "Lake(Path('none'), 'EU').days('bookings')\n"
        "far = ('obstore', 'botocore', 'azure', 'warehouse.storage.objects')\n"
        "print([name for name in sys.modules if name.startswith(far)])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == "[]"
