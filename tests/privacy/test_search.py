"""The search itself finds what it is there to find; a proof by a blind search proves nothing."""

import base64
import gzip
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.privacy.search import files_with

TOKEN = "Zq7Kx41TokenOfAPerson"


@pytest.mark.parametrize(
    "content",
    [
        TOKEN.encode(),
        TOKEN.encode("utf-16-le"),
        gzip.compress(TOKEN.encode()),
        base64.b64encode(b"x" + TOKEN.encode() + b"yz"),
        base64.b64encode(b"xx" + TOKEN.encode()),
        base64.b64encode(TOKEN.encode()),
        TOKEN.upper().encode(),
    ],
)
def test_a_token_is_found_in_every_form(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(b"before " + content if content[:2] != b"\x1f\x8b" else content)
    assert files_with(tmp_path, [TOKEN]) == {("file", TOKEN)}


def test_a_token_is_found_in_a_parquet_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"column": [TOKEN] * 100}), tmp_path / "t.parquet", compression="zstd")
    assert files_with(tmp_path, [TOKEN]) == {("t.parquet", TOKEN)}


def test_a_token_is_found_in_a_database(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{TOKEN}' AS c FROM range(10000)")
    assert ("t.duckdb", TOKEN) in files_with(tmp_path, [TOKEN])


def test_a_token_is_found_in_a_file_name(tmp_path: Path) -> None:
    (tmp_path / f"log-{TOKEN}.txt").touch()
    assert files_with(tmp_path, [TOKEN])


def test_another_token_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("nothing of interest")
    assert not files_with(tmp_path, [TOKEN])
