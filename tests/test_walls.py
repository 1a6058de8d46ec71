"""Packages stay separate: import-linter's rules (pyproject.toml), and those it cannot express."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipelines", "transforms", "warehouse")

HASHING = {"hash", "crc32", "adler32", "uuid3", "uuid5", "hash_array", "hash_pandas_object"}
HASHING_SQL = r"\b(hash|md5\w*|sha1|sha256|sha512)\s*\("


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def top_levels(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported_modules(path)}


def test_import_linter_finds_every_wall_whole() -> None:
    linter = str(Path(sys.executable).with_name("lint-imports"))
    command = [linter, "--no-logo", "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_nothing_hashes_in_the_tests_or_benchmarks_either() -> None:
    modules = [path for name in ("tests", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    assert not [str(path) for path in modules if "hashlib" in top_levels(path)]


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_hashed_without_hashlib_either(package: str) -> None:
    for path in modules_of(package):
        assert not {name.rpartition(".")[2] for name in calls_in(path)} & HASHING, path
    for path in (ROOT / package).rglob("*.sql"):
        assert not re.search(HASHING_SQL, path.read_text(encoding="utf-8"), re.IGNORECASE), path


def test_only_the_ews_source_imports_exchangelib() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in modules_of("pipelines")
        if "exchangelib" in top_levels(path)
    }
    assert importers
    assert all(name.startswith("pipelines/sources/ews") for name in importers)


def test_no_raw_layer_prints_or_logs_or_writes() -> None:
    holders = ("night", "reading", "compare")  # they handle rows or raw items
    raw_layers = [
        *modules_of("transforms"),
        *(ROOT / "pipelines/sources").rglob("*.py"),
        *(ROOT / f"pipelines/{name}.py" for name in holders),
    ]
    for path in raw_layers:
        last_names = {name.rpartition(".")[2] for name in calls_in(path)}
        assert not last_names & SPEAKING, path


def calls_in(path: Path) -> set[str]:
    """Return the calls in a module, as they are written there."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


SPEAKING = {
    *("print", "echo", "warn", "print_exc", "print_exception", "open", "fdopen"),
    *("write", "write_text", "write_bytes", "writelines"),
    *("debug", "info", "warning", "error", "exception", "critical", "log"),
}


@pytest.mark.parametrize("package", [*PACKAGES, "tests"])
def test_every_module_says_what_belongs_in_it(package: str) -> None:
    for path in modules_of(package):
        if package == "tests" and path.name in {"__init__.py", "conftest.py"}:
            continue
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


NAMED_FILE = re.compile(r"``([\w/]+\.py)``")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_that_a_module_sends_its_reader_to_is_there(package: str) -> None:
    lost = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules_of(package)
        for name in NAMED_FILE.findall(path.read_text(encoding="utf-8"))
        if not any((folder / name).is_file() for folder in (path.parent, *path.parents[1:3], ROOT))
    ]
    assert not lost
