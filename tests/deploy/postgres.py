"""A real Postgres on loopback, over TLS, for the tests of a history of runs in Postgres.

Belongs here: starting and stopping the server, and the environment variables to reach it.
Does not belong here: what a test expects.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.sandbox.wire import CertificateAuthority

ROOT: Final = Path(__file__).parents[2]
_SECONDS: Final = 60
_DEBIAN: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_PATH: Final = os.pathsep.join([os.environ.get("PATH", ""), *map(str, _DEBIAN)])


def program(name: str) -> str | None:
    """Return the path of one of Postgres's programs; None if it is not installed."""
    return shutil.which(name, path=_PATH)


@dataclass
class Postgres:
    """A running server with one empty database."""

    folder: Path
    port: int
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"

    def home(self, folder: Path) -> Path:
        """Create a DAGSTER_HOME with the settings of ``deploy/``, for the port of this server."""
        settings = (ROOT / "deploy/dagster.yaml").read_text(encoding="utf-8")
        assert "port: 5432" in settings
        folder.mkdir()
        (folder / "dagster.yaml").write_text(
            settings.replace("port: 5432", f"port: {self.port}"), encoding="utf-8"
        )
        return folder

    def dump(self) -> bytes:
        """Return everything that the server holds, as text."""
        client = {
            "PGHOST": self.environment["DAGSTER_POSTGRES_HOST"],
            "PGPORT": str(self.port),
            "PGUSER": self.environment["DAGSTER_POSTGRES_USER"],
            "PGPASSWORD": self.environment["DAGSTER_POSTGRES_PASSWORD"],
            "PGSSLMODE": "verify-full",
        }
        dumped = subprocess.run(
            [str(program("pg_dumpall")), "--no-role-passwords", "--inserts"],
            env=os.environ | self.environment | client,
            capture_output=True,
            check=True,
        )
        return dumped.stdout

    def stop(self) -> None:
        """Stop the server at once."""
        self.process.terminate()
        self.process.wait(_SECONDS)


@contextmanager
def running_postgres(authority: CertificateAuthority) -> Iterator[Postgres]:
    """Run a server in its own folder; as ``nobody`` if the tests run as root."""
    password = f"{secrets.token_hex(8)}@/:%"  # characters that a URL has to escape
    as_user: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="insights-postgres-") as name:
        folder = Path(name)
        (folder / "password").write_text(password)
        (folder / "server.pem").write_bytes(authority._chain)
        (folder / "server.pem").chmod(0o600)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (folder, *folder.iterdir()):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        data = folder / "data"
        subprocess.run(
            [
                *(
                    str(program("initdb")),
                    "--no-sync",
                    "--username=insights",
                    f"--pwfile={name}/password",
                ),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", str(data)),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            **as_user,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {
            "listen_addresses": "localhost",
            "port": str(port),
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": f"{name}/server.pem",
            "ssl_key_file": f"{name}/server.pem",
            "fsync": "off",
        }
        # Only over TLS: unencrypted connections are refused.
        (data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(str(program("postgres")), "-D", str(data)),
                    *(word for key, value in options.items() for word in ("-c", f"{key}={value}")),
                ],
                cwd=folder,
                stdout=log,
                stderr=log,
                **as_user,
            )
        server = Postgres(
            folder,
            port,
            {
                "DAGSTER_POSTGRES_HOST": "localhost",
                "DAGSTER_POSTGRES_DB": "postgres",
                "DAGSTER_POSTGRES_USER": "insights",
                "DAGSTER_POSTGRES_PASSWORD": password,
                "PGSSLROOTCERT": str(authority.ca_file),
            },
            process,
        )
        try:
            _wait(process, port, folder / "log")
            yield server
        finally:
            server.stop()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    over_at = time.monotonic() + _SECONDS
    while time.monotonic() < over_at and process.poll() is None:
        if b"ready to accept connections" in log.read_bytes():
            return
        time.sleep(0.05)
    raise ChildProcessError(f"Postgres did not start on port {port}: {log.read_text()}")
