"""Real stores of objects on loopback, for the tests of lake and warehouse in a bucket.

Belongs here: starting a server, and what the environment says to reach it.
Does not belong here: what a test expects.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

BUCKET: Final = "lake"
_SECONDS: Final = 120
_WEED: Final = Path(sys.executable).with_name("weed")
_PORTS: Final = (
    *("master.port", "master.port.grpc", "filer.port", "filer.port.grpc"),
    *("volume.port", "s3.port", "s3.port.grpc"),
)

IN_A_BUCKET: Final = pytest.mark.parametrize("place", ["seaweedfs"], indirect=True)
EVERYWHERE: Final = pytest.mark.parametrize("place", ["disk", "seaweedfs"], indirect=True)
"""Runs a test whose fixtures rest on ``place`` for each storage."""


class Server(NamedTuple):
    """A server that runs: its bucket, and the variables that lead to it."""

    url: str
    environment: dict[str, str]


def is_installed() -> bool:
    """Tell whether SeaweedFS and what speaks to it are here."""
    return _WEED.exists() and importlib.util.find_spec("obstore") is not None


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Server]:
    """Run SeaweedFS, an S3 server in one program, with one bucket."""
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    endpoint = f"http://127.0.0.1:{ports['s3.port']}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-central-1",
    }
    command = [
        *(str(_WEED), "mini", f"-dir={folder}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false"),
        *("-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-bucket={BUCKET}", "-s3.autoCreateBucket=false"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        _wait_for_bucket(process, environment)
        yield Server(f"s3://{BUCKET}", environment)
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_for_bucket(process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    import obstore
    from obstore.exceptions import BaseError
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
    over_at = time.monotonic() + _SECONDS
    while True:
        try:
            obstore.put(store, "ready", b"")
        except (BaseError, FileNotFoundError):  # the second: its bucket is still to be made
            if process.poll() is not None or time.monotonic() > over_at:
                raise
            time.sleep(0.1)
        else:
            return
