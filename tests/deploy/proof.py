"""The Containerfile builds the image, and the image runs nights on a read-only file system.

``make deploy-test`` runs this in minutes (on Debian, as root, with debootstrap and buildah). A
Debian from debootstrap replaces the base image, so no registry is needed; packages are downloaded
first, and the build has no other index. The night runs in the image's file system, mounted
read-only, as the image's user. Its history is in a real Postgres; it reads the sandbox Exchange.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import dagster as dg
import pytest
import yaml

from pipelines.history import facts_of, open_instance
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from tests.deploy.deployments import REGIONS, ROOT, chart_values, run_pod, validated
from tests.deploy.postgres import Postgres, running_postgres
from tests.night.workplace import MONDAY, Company, found_company, meeting

_OURS: Final = ROOT / ".venv-deploy"
_BASE: Final = "docker.io/library/python:3.11-slim-bookworm"
_STORE: Final = (
    *("buildah", "--storage-driver", "vfs"),
    *("--root", str(_OURS / "images"), "--runroot", str(_OURS / "images-run")),
)
_RANGE: Final = json.dumps(
    {
        "dagster/asset_partition_range_start": str(MONDAY),
        "dagster/asset_partition_range_end": str(MONDAY + timedelta(days=1)),
    }
)


def told(*command: str) -> str:
    """Run a program and return what it prints."""
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(command)}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
    return ran.stdout.strip()


def make_base() -> None:
    """Build an image of Debian with Python, under the name in the Containerfile's FROM."""
    debian = _OURS / "debian"
    if not (debian / "usr/bin/python3").exists():
        packages = "--include=python3,python3-venv,ca-certificates"
        told("debootstrap", "--variant=minbase", packages, "bookworm", str(debian))
    container = told(*_STORE, "from", "scratch")
    told(*_STORE, "add", "--quiet", container, str(debian), "/")
    told(*_STORE, "commit", "--quiet", "--rm", container, _BASE)


def build(folder: Path) -> str:
    """Build the image, and return its name."""
    wheels = _OURS / "wheels"
    pins = (ROOT / "requirements-dev.txt").read_text().splitlines()
    setuptools = next(pin for pin in pins if pin.startswith("setuptools=="))
    download = ["download", "--quiet", "--only-binary=:all:", "--python-version=3.11"]
    wanted = ["--dest", str(wheels), "--requirement", "deploy/requirements.txt", setuptools]
    told(str(_OURS / "bin/pip"), *download, *wanted)
    (folder / "pip.conf").write_text(
        "[global]\nno-index = true\nfind-links = /wheels-of-the-test\n"
    )
    told(
        *(*_STORE, "build", "--isolation=chroot", "--pull-never", "--file=deploy/Containerfile"),
        *("--volume", f"{wheels}:/wheels-of-the-test:ro"),
        *("--volume", f"{folder}/pip.conf:/etc/pip.conf:ro"),
        *("--tag=room-insights", "."),
    )
    return "localhost/room-insights"


class Image:
    """The file system of an image, and its settings for running it."""

    def __init__(self, name: str) -> None:
        self.container = told(*_STORE, "from", "--pull-never", name)
        self.root = Path(told(*_STORE, "mount", self.container))
        inspected = json.loads(told(*_STORE, "inspect", "--type=image", name))
        config = inspected["OCIv1"]["config"]
        self.user = config["User"]
        self.environment = dict(each.split("=", 1) for each in config["Env"])

    def run(
        self, command: list[str], mounts: dict[Path, str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the image's user; its root is read-only, ``/tmp`` its own."""
        for inside in mounts.values():
            (self.root / inside.lstrip("/")).mkdir(parents=True, exist_ok=True)
        (self.root / "etc/hosts").touch()  # every container runtime provides one
        lines = [
            f"mount --bind {self.root} {self.root}",
            *(f"mount --bind {path} {self.root}{inside}" for path, inside in mounts.items()),
            f"mount --bind /etc/hosts {self.root}/etc/hosts",
            f"mount --bind /proc {self.root}/proc",
            f"mount -t tmpfs -o mode=1777 tmpfs {self.root}/tmp",
            f"mount -t tmpfs -o mode=755 tmpfs {self.root}/dev",
            f"mknod -m 666 {self.root}/dev/null c 1 3",
            f"mkdir -m 1777 {self.root}/dev/shm",
            f"mknod -m 444 {self.root}/dev/urandom c 1 9",
            f"mount -o remount,bind,ro {self.root}",
            f'exec chroot --userspec={self.user} {self.root} "$@"',
        ]
        script = "set -e\n" + "\n".join(lines)
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", *command],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def workplace(folder: Path) -> Iterator[tuple[Company, Postgres]]:
    """Start a company with a running Exchange, and a Postgres for its history."""
    with ExitStack() as stack:
        authority = CertificateAuthority(folder / "authority")

        def start(tenant: Any) -> SandboxExchange:
            return stack.enter_context(SandboxExchange(tenant, authority))

        calendars = {"fjord": [meeting(MONDAY, 7, 8)], "harbour": [meeting(MONDAY, 12, 13)]}
        (folder / "configuration").mkdir()
        company = found_company(folder / "configuration", authority, start, calendars)
        company.write(
            lake="/data/lake",
            warehouse="/data/warehouse",
            exchange={"ca_file": "/etc/insights/ca.pem"},
        )
        shutil.copy(authority.ca_file, folder / "configuration")
        yield company, stack.enter_context(running_postgres(authority))


def check(image: Image, folder: Path) -> None:
    """Run the image as a CronJob, as a run of Dagster, and as a code location."""
    data = folder / "data"
    data.mkdir()
    os.chown(data, *map(int, image.user.split(":")))
    with workplace(folder) as (company, postgres):
        home = postgres.home(folder / "home")
        mounts = {
            company.directory: "/etc/insights",
            data: "/data",
            home: image.environment["DAGSTER_HOME"],
        }
        given = postgres.environment | {
            "PGSSLROOTCERT": "/etc/insights/ca.pem",
            "TEST_PASSWORD": "sandbox",
            "INSIGHTS_REGIONS": "EU",
        }
        days = ["--from", str(MONDAY), "--to", str(MONDAY + timedelta(days=1))]
        night = image.run(["insights", "run", "--region", "EU", *days], mounts, given)
        expect(night.returncode == 0, "insights run", night)
        mounts[with_launcher(home)] = mounts.pop(home)
        job = ["dagster", "job", "execute", "-m", "pipelines.definitions", "-j", "eu_night"]
        run = image.run([*job, "--tags", _RANGE], mounts, given)
        expect(run.returncode == 0, "a run of Dagster, each step a process", run)
        location = image.run(
            ["dagster", "definitions", "validate", "-m", "pipelines.definitions"], mounts, given
        )
        expect(location.returncode == 0, "the code location", location)
        written = image.run(["touch", "/opt/insights/file"], mounts, given)
        expect("Read-only file system" in written.stderr, "a read-only root", written)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in postgres.environment.items():
                patch.setenv(name, value)
            with open_instance(home) as instance:
                facts = [facts_of(instance, run) for run in instance.get_runs()]
                key = dg.AssetKey(["eu", "bookings"])
                days_told = instance.get_materialized_partitions(key)
    expect([each.bookings for each in facts] == [2, 2], "both runs in the history", facts)
    expect(len(days_told) == 2, "their days in the history", days_told)
    owners = {path.stat().st_uid for path in data.rglob("*")}
    expect(owners == {10001}, "what was stored is the image's user's", owners)


def with_launcher(home: Path) -> Path:
    """Return a DAGSTER_HOME as the chart makes it: its runs are pods without cluster access."""
    launcher = {
        "module": "dagster_k8s",
        "class": "K8sRunLauncher",
        "config": {
            "load_incluster_config": True,
            "service_account_name": "dagster",
            "job_namespace": "room-insights-eu",
            "dagster_home": "/opt/dagster/dagster_home",
            "instance_config_map": "dagster-instance",
        },
    }
    folder = home.with_name("home-of-the-chart")
    folder.mkdir()
    own = (home / "dagster.yaml").read_text() + yaml.safe_dump({"run_launcher": launcher})
    (folder / "dagster.yaml").write_text(own)
    return folder


def expect(is_so: bool, what: str, found: object) -> None:
    """Print that something holds, or exit."""
    if not is_so:
        sys.exit(f"FAILED: {what}: {found}")
    print(f"ok: {what}", flush=True)


def main() -> None:
    """Build the image and run it."""
    lacking = [tool for tool in ("debootstrap", "buildah") if shutil.which(tool) is None]
    if lacking or os.geteuid() != 0:
        sys.exit(f"needs root, and: apt-get install -y {' '.join(lacking)}")
    with TemporaryDirectory(prefix="insights-deploy-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for region in REGIONS:
            pod = run_pod(chart_values(region), folder)
            code, said = validated(pod, folder)
            expect(code == 0, f"the pod of a night that Dagster's launcher makes in {region}", said)
        make_base()
        image = Image(build(folder))
        expect(image.user == "10001:10001", "the image is nobody's", image.user)
        check(image, folder)
    told(*_STORE, "rm", "--all")
    told(*_STORE, "rmi", "--all", "--force")


if __name__ == "__main__":
    main()
