"""Real object stores on loopback, for the tests of lake and warehouse in a bucket.

Belongs here: starting a server, and the environment variables to reach it.
Does not belong here: what a test expects.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.needs import AZURITE, MOTO, SEAWEEDFS

BUCKET: Final = "lake"
_SECONDS: Final = 120
_WEED: Final = Path(sys.executable).with_name("weed")
_AZURITE: Final = Path(__file__).parents[1] / ".venv-azurite/node_modules/.bin/azurite-blob"
_ACCOUNT: Final = {"AZURE_STORAGE_ACCOUNT_NAME": "rooms", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"}
_S3: Final = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-central-1",
}
_PORTS: Final = (
    *("master.port", "master.port.grpc", "filer.port", "filer.port.grpc"),
    *("volume.port", "s3.port", "s3.port.grpc"),
)

IN_A_BUCKET: Final = pytest.mark.parametrize("place", ["seaweedfs"], indirect=True)
EVERYWHERE: Final = pytest.mark.parametrize(
    "place", ["disk", "seaweedfs", "moto", "azurite"], indirect=True
)
"""Runs a test for each storage, if one of its fixtures uses ``place``."""


class Server(NamedTuple):
    """A running server: the URL of its bucket, and the environment variables to reach it."""

    url: str
    environment: dict[str, str]


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Server]:
    """Run SeaweedFS, a single-binary S3 server, with one bucket."""
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    environment = _S3 | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3.port']}"}
    command = [
        *(str(_WEED), "mini", f"-dir={folder}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false"),
        *("-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-bucket={BUCKET}", "-s3.autoCreateBucket=false"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    with _running(command, folder, environment):
        yield Server(f"s3://{BUCKET}", environment)


@contextmanager
def moto(folder: Path) -> Iterator[Server]:
    """Run moto, which answers like Amazon S3 with versions, replication and regions."""
    (port,) = _free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    environment = _S3 | {"AWS_ENDPOINT_URL": endpoint}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder, environment, lambda: make_bucket(endpoint, BUCKET)):
        yield Server(f"s3://{BUCKET}", environment)


def make_bucket(endpoint: str, name: str, region: str = "eu-central-1", **options: Any) -> Any:
    """Create an S3 bucket; return a client of its server."""
    from botocore.config import Config
    from botocore.session import Session

    client: Any = Session().create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": region}, **options
    )
    return client


@contextmanager
def azurite(folder: Path) -> Iterator[Server]:
    """Run Azurite, Microsoft's emulator of Azure Blob Storage, with one container."""
    (port,) = _free_ports(1)
    environment = _ACCOUNT | {
        "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/rooms",
        "AZURE_STORAGE_ALLOW_HTTP": "true",
    }
    command = [
        *(str(_AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--silent", "--skipApiVersionCheck", "--inMemoryPersistence"),
    ]
    accounts = {"AZURITE_ACCOUNTS": "rooms:a2V5"}
    with _running(
        command,
        folder,
        environment | accounts,
        lambda: blob_service(environment).create_container(BUCKET),
    ):
        yield Server(f"az://{BUCKET}", environment)


def blob_service(environment: Mapping[str, str]) -> Any:
    """Return a client of the blob storage that the environment names."""
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient(
        environment["AZURE_STORAGE_ENDPOINT"],
        {"account_name": "rooms", "account_key": "a2V5"},
        retry_total=0,
    )


STORES: Final[Mapping[str, tuple[Callable[[Path], AbstractContextManager[Server]], str]]] = {
    "seaweedfs": (seaweedfs, SEAWEEDFS),
    "moto": (moto, MOTO),
    "azurite": (azurite, AZURITE),
}
"""How to start each server, and what it needs installed."""


def is_installed(name: str) -> bool:
    """Tell whether a server and its client library are installed."""
    has = importlib.util.find_spec
    return (
        has("obstore") is not None
        and {
            "seaweedfs": _WEED.exists(),
            "moto": has("moto") is not None and has("flask_cors") is not None,
            "azurite": _AZURITE.exists()
            and bool(shutil.which("node"))
            and has("azure") is not None,
        }[name]
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def _running(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    prepare: Callable[[], object] | None = None,
) -> Iterator[None]:
    """Start a server, wait until it answers, and stop it when the block ends."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log
        )
    try:
        over_at = time.monotonic() + _SECONDS
        while True:
            try:
                (prepare or (lambda: _put(environment)))()
            except Exception:
                if process.poll() is not None or time.monotonic() > over_at:
                    raise
                time.sleep(0.1)
            else:
                break
        yield
    finally:
        process.kill()  # its objects go too: an orderly end takes SeaweedFS two seconds
        process.wait(_SECONDS)


def _put(environment: Mapping[str, str]) -> None:
    """Put an object into the bucket that a server creates at start-up; fails until it has."""
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        BUCKET,
        endpoint=environment["AWS_ENDPOINT_URL"],
        access_key_id="key",
        secret_access_key="secret",
        region="eu-central-1",
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 0},
    )
    obstore.put(store, "ready", b"")
