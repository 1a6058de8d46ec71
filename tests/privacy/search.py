"""Search every byte that a run wrote for planted tokens, in whatever form they are stored.

Belongs here: finding a token in plain, compressed, columnar or encoded bytes, in file names and
in link targets.
Does not belong here: planting tokens, running nights.
"""

import base64
import gzip
import re
import sqlite3
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

_SQLITE: Final = b"SQLite format 3\0"
_ARROW: Final = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class Finding:
    """A token in a file, with some of the text around it."""

    file: str
    token: str
    excerpt: str


def forms_of(token: str) -> set[bytes]:
    """Return the encodings of a token to search for, besides UTF-8 in any case.

    These are UTF-16, base64 and hexadecimal. Base64 depends on the token's offset within a group of
    three bytes, so the inner part of each of the three encodings is taken.
    """
    plain = token.encode()
    forms = {token.encode("utf-16-le"), token.encode("utf-16-be")}
    forms |= {plain.hex().encode(), plain.hex().upper().encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            encoded = encode(b"\0" * shift + plain)
            forms.add(encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4])
    return forms


def files_with(directory: Path, tokens: Iterable[str]) -> set[tuple[str, str]]:
    """Return (file, token) for each token found in any file below a directory, or in its name."""
    return {(found.file, found.token) for found in findings_in(directory, tokens)}


def findings_in(directory: Path, tokens: Iterable[str]) -> list[Finding]:
    """Return each token found below a directory: in a file, a file's name or a link's target."""
    wanted = [(token, token.lower().encode(), forms_of(token)) for token in tokens]
    found: dict[tuple[str, str], Finding] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        for content in contents_of(path):
            lowered = content.lower()
            for token, plain, forms in wanted:
                place = lowered.find(plain)
                if place >= 0 or any(form in content for form in forms):
                    excerpt = lowered[max(0, place) : place + 40] if place >= 0 else b""
                    finding = Finding(name, token, excerpt.decode(errors="replace"))
                    found.setdefault((name, token), finding)
    return list(found.values())


def contents_of(path: Path) -> Iterator[bytes]:
    """Yield a file's name, its bytes, and its contents decompressed and decoded."""
    yield path.name.encode()
    if path.is_symlink():
        yield str(path.readlink()).encode()
        return
    if not path.is_file():
        return
    raw = path.read_bytes()
    yield raw
    if b"%" in raw:
        yield urllib.parse.unquote_to_bytes(raw)
    yield from _rows_in(path, raw)
    for packed in (raw, *_packed_in(raw)):
        for decompress in (gzip.decompress, zlib.decompress):
            try:
                yield decompress(packed)
            except (OSError, zlib.error, EOFError):
                continue


def _packed_in(raw: bytes) -> Iterator[bytes]:
    """Yield the contents that a page embeds in base64."""
    for text in re.findall(rb">([A-Za-z0-9+/]{40,}={0,2})<", raw):
        yield base64.b64decode(text + b"=" * (-len(text) % 4))


def _rows_in(path: Path, raw: bytes) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        yield repr(pq.read_table(path).to_pydict()).encode()
        yield repr(pq.read_schema(path).metadata).encode()
    elif path.suffix == ".duckdb":
        yield repr(_rows_of_all_tables(path)).encode()
    elif raw.startswith(_SQLITE):
        yield repr(_rows_of_sqlite(path)).encode()
    elif raw.startswith(_ARROW):
        yield repr(_rows_of_streams(raw)).encode()


def _rows_of_all_tables(path: Path) -> list[object]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        catalog = connection.execute("SELECT sql, comment FROM duckdb_tables()").fetchall()
        return [catalog] + [
            connection.sql(f'SELECT COLUMNS(*)::VARCHAR FROM "{name}"').fetchall()
            for (name,) in tables
        ]


def _rows_of_sqlite(path: Path) -> list[object]:
    """Return every row: in the file itself, a long text is split across several pages."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [
            connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for (name,) in tables.fetchall()
        ]
    finally:
        connection.close()


def _rows_of_streams(raw: bytes) -> list[object]:
    """Return the rows of concatenated Arrow streams; the last may be cut off."""
    source = pa.BufferReader(raw)
    rows: list[object] = []
    try:
        while source.tell() < source.size():
            rows += [batch.to_pydict() for batch in pa.ipc.open_stream(source)]
    except pa.ArrowInvalid:
        rows.append("cut")
    return rows
