"""The privacy proof in short: three nights against a server with tokens everywhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.needs import needs_schemas, schema_folder
from tests.privacy.attack import LAYERS
from tests.privacy.proof import Proof, is_search_sighted, page, prepared
from tests.privacy.search import findings_in
from tests.privacy.tokens import PREFIX

FOLDER = schema_folder()
pytestmark = needs_schemas


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """A partial night, one that raises under Dagster's executor, one that is killed."""
    assert FOLDER is not None
    with prepared(tmp_path_factory.mktemp("proof"), FOLDER) as prepared_proof:
        prepared_proof.brief()
        yield prepared_proof


def test_nothing_personal_is_in_any_byte_that_the_nights_wrote(proof: Proof) -> None:
    found = proof.findings()
    assert not [(each.file, proof.tokens.place_of(each.excerpt)) for each in found]


def test_the_nights_went_as_they_had_to_and_met_every_answer(proof: Proof) -> None:
    assert not proof.workspace.surprises
    assert not proof.unserved()


def test_lake_database_staging_events_and_logs_were_all_searched(proof: Proof) -> None:
    files = [path.relative_to(proof.workspace.folder) for path in _files(proof.workspace.folder)]
    suffixes = {path.suffix for path in files}
    assert {".parquet", ".duckdb", ".db", ".log", ".txt", ".yaml"} <= suffixes
    assert any(".staging" in path.parts for path in files)
    assert "DEBUG" in (proof.workspace.folder / "debug.log").read_text()


def test_no_file_of_a_night_is_for_everybodys_eyes(proof: Proof) -> None:
    """This covers files of the nights, not the configuration and logs that the proof writes."""
    below = [proof.workspace.folder / name for name in ("lake", "warehouse", "dagster")]
    nights_files = [path for folder in below for path in folder.rglob("*")]
    assert nights_files
    ours = {"dagster.yaml"}
    open_to_all = [
        path
        for path in nights_files
        if not path.is_symlink() and path.stat().st_mode & 0o007 and path.name not in ours
    ]
    assert not open_to_all


def test_whatever_a_careless_change_does_is_caught(proof: Proof, tmp_path: Path) -> None:
    leaking = replace(proof, workspace=proof.workspace.another(tmp_path / "leaking"))
    leaking.workspace.configure(["good"])
    leaking.workspace.run("leak", 0)
    findings = leaking.findings()
    files = {finding.file for finding in findings}
    assert {"debug.log", "output-1.txt", "cwd/notes.txt"} <= files
    assert {"lake/rooms/region=EU/rooms.parquet", "warehouse/report-eu.html"} <= files
    versions = {Path(name).suffix for name in files if name.startswith("warehouse/versions/")}
    assert versions == {".duckdb", ".parquet"}
    assert [name for name in files if name.startswith("dagster/history/")]
    assert ["leaking-notes.txt" in text for text in leaking.workspace.surprises] == [True]
    told = page(leaking, leaking.result(findings), findings)
    assert "EmailAddress" in told
    assert "NOT PROVED" in told


def test_the_search_is_sighted(tmp_path: Path) -> None:
    assert is_search_sighted(tmp_path)
    assert findings_in(tmp_path, [PREFIX])


def test_every_layer_of_a_night_is_made_to_raise() -> None:
    assert {"source", "parser", "redaction", "lake", "publish", "checks"} <= set(LAYERS)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
