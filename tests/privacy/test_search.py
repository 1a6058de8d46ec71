"""The search finds tokens in every form; a proof by a blind search would prove nothing."""

import base64
import gzip
import sqlite3
import zlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.privacy.search import files_with, findings_in
from tests.privacy.tokens import Tokens

TOKEN = "Zq7Kx41TokenOfAPerson"


@pytest.mark.parametrize(
    "content",
    [
        TOKEN.encode(),
        TOKEN.swapcase().encode(),
        TOKEN.encode("utf-16-le"),
        TOKEN.encode("utf-16-be"),
        base64.b64encode(b"x" + TOKEN.encode() + b"yz"),
        base64.b64encode(b"xx" + TOKEN.encode()),
        base64.b64encode(TOKEN.encode()),
        base64.urlsafe_b64encode(b"?>" + TOKEN.encode()),
        TOKEN.encode().hex().encode(),
        "".join(f"%{byte:02X}" for byte in TOKEN.encode()).encode(),
    ],
)
def test_a_token_is_found_in_every_form(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(b"before " + content + b" after")
    assert files_with(tmp_path, [TOKEN]) == {("file", TOKEN)}


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_token_is_found_in_a_compressed_file(tmp_path: Path, compress: object) -> None:
    content = compress(TOKEN.encode() * 20)  # type: ignore[operator]  # either function
    assert TOKEN.encode() not in content
    (tmp_path / "file").write_bytes(content)
    assert files_with(tmp_path, [TOKEN]) == {("file", TOKEN)}


def test_a_token_is_found_in_a_parquet_file(tmp_path: Path) -> None:
    table = pa.table({"column": ["a", TOKEN, "z"] * 100, "other": range(300)})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd", write_statistics=False)
    assert files_with(tmp_path, [TOKEN]) == {("t.parquet", TOKEN)}


def test_a_token_is_found_in_a_database(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{TOKEN}' AS c FROM range(10000)")
    assert ("t.duckdb", TOKEN) in files_with(tmp_path, [TOKEN])


def test_a_token_is_found_in_what_a_run_staged(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    rows = pa.table({"column": [TOKEN[:10] + "-", TOKEN[10:] + "-", TOKEN]})
    for _ in range(2):
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
            writer.write_table(rows)
    content = sink.getvalue().to_pybytes()
    assert TOKEN.encode() not in content
    (tmp_path / "2026-11-21").write_bytes(content)
    assert files_with(tmp_path, [TOKEN]) == {("2026-11-21", TOKEN)}


def test_a_token_is_found_across_the_pages_of_an_event_database(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "events.db")
    connection.execute("CREATE TABLE event_logs (event TEXT)")
    connection.executemany(
        "INSERT INTO event_logs VALUES (?)", [("x" * (4000 + step) + TOKEN,) for step in range(120)]
    )
    connection.commit()
    connection.close()
    assert files_with(tmp_path, [TOKEN]) == {("events.db", TOKEN)}


def test_a_token_is_found_in_a_file_name(tmp_path: Path) -> None:
    (tmp_path / f"log-{TOKEN}.txt").touch()
    assert files_with(tmp_path, [TOKEN])


def test_a_token_is_found_in_the_target_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(TOKEN)
    assert files_with(tmp_path, [TOKEN]) == {("link", TOKEN)}


def test_another_token_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("nothing of interest")
    assert not files_with(tmp_path, [TOKEN])


def test_a_finding_names_the_field_that_was_planted(tmp_path: Path) -> None:
    tokens = Tokens()
    tokens.new("CalendarItem/Body")
    planted = tokens.new("CalendarItem/Subject")
    (tmp_path / "file").write_text(f"a log says {planted} was here")
    (finding,) = findings_in(tmp_path, [planted[:11]])
    assert tokens.place_of(finding.excerpt) == "CalendarItem/Subject"


def test_a_token_is_found_in_the_figures_that_a_page_carries(tmp_path: Path) -> None:
    figures = base64.b64encode(zlib.compress(f"a page with {TOKEN} in it".encode())).decode()
    (tmp_path / "page.html").write_text(f"<script>{figures}</script>")
    assert files_with(tmp_path, [TOKEN]) == {("page.html", TOKEN)}
