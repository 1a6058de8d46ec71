"""The wheel works outside the checkout, with only the pins of ``requirements.txt``.

The environment is made without a network: pinned packages are linked from the environment that
runs the tests; nothing else from it can be imported.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipelines", "transforms", "warehouse")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the checkout, because a build leaves files behind."""
    source = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the ``bin`` of an environment with the wheel and the pinned packages."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for path in pinned_paths():
        (packages / path.name).symlink_to(path)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin/python",
        "install",
    ]
    quiet = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, *quiet, wheel], check=True)
    return folder / "bin"


def pinned_paths() -> Iterator[Path]:
    """Yield each file and folder of the pinned packages in ``site-packages``."""
    found: set[Path] = set()
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        name, _, marker = line.partition(";")
        try:
            files = distribution(name.partition("==")[0].strip()).files or ()
        except PackageNotFoundError:
            assert marker, f"{name} is pinned for every machine, and is not installed"
            continue
        packages = {Path(str(file.locate())).parents[len(file.parts) - 1] for file in files[:1]}
        for file in files:
            if file.parts[0] not in ("..", "__pycache__"):
                found |= {folder / file.parts[0] for folder in packages}
    yield from sorted(found)


def is_by_product(path: Path) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in path.parts)


def insights(environment: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [environment / "insights", *arguments],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_file_that_the_packages_hold_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    held = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not is_by_product(path.relative_to(ROOT))
    }
    development = {path for path in held if path.endswith(("ruff.toml", ".md"))}
    assert held - packed - development == set()
    assert {path for path in packed if ".dist-info/" not in path} <= held


def test_the_demo_runs_where_only_the_wheel_and_its_pins_are(
    environment: Path, tmp_path: Path
) -> None:
    ran = insights(environment, tmp_path, "demo", "--rooms", "10", "--days", "3")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for region in ("EU", "NA"):  # three days back and three ahead, whatever a nightly run reads
        read = re.search(rf"{region}: 10 of 10 rooms read, (\S+) to (\S+),", ran.stdout)
        assert read is not None, ran.stdout
        assert date.fromisoformat(read[2]) - date.fromisoformat(read[1]) == timedelta(days=6)
    for region in ("eu", "na"):
        database = tmp_path / f"demo/{region}/warehouse/insights-{region}.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            (rooms,) = connection.sql("SELECT count(*) FROM rooms").fetchall()[0]
        assert rooms == 10
        page = tmp_path / f"demo/{region}/warehouse/report-{region}.html"
        assert "</html>" in page.read_text(encoding="utf-8")
    query = re.search(r"^ +(\S+/python -c \".*\")$", ran.stdout, re.MULTILINE)
    assert query is not None, ran.stdout
    shown = subprocess.run(query[1], shell=True, cwd=tmp_path, capture_output=True, check=False)
    assert shown.returncode == 0, shown.stderr


def test_what_only_people_need_is_not_among_the_pins() -> None:
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = {line.partition("==")[0] for line in pins.splitlines()}
    assert not names & {"pandas", "scipy", "ortools", "pytest", "mypy", "dagster-webserver"}


def test_both_files_of_pins_name_the_same_versions() -> None:
    def pins(name: str) -> set[str]:
        return set((ROOT / name).read_text(encoding="utf-8").splitlines())

    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_a_command_that_needs_another_extra_says_so_in_one_line(
    environment: Path, tmp_path: Path
) -> None:
    ran = insights(environment, tmp_path, "export", "--region", "EU", "--to", "tables.xlsx")
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.endswith("pip install 'room-insights[export]'")
