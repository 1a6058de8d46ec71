"""Searches every byte that a run wrote for planted tokens, however it was stored.

Belongs here: finding a token in plain, compressed, columnar or encoded bytes.
Does not belong here: planting tokens, running nights.
"""

import base64
import gzip
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def forms_of(token: str) -> set[bytes]:
    """Return the ways in which a token may stand in a file: UTF-8, UTF-16, base64, URL-encoded.

    Base64 depends on where in a group of three bytes the token begins, so its inner part is
    taken at each of the three.
    """
    plain = token.encode()
    forms = {plain, plain.upper(), plain.lower()}
    forms |= {token.encode("utf-16-le"), token.encode("utf-16-be")}
    forms |= {urllib.parse.quote(token).encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        forms.add(encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4])
    return forms


def files_with(directory: Path, tokens: Iterable[str]) -> set[tuple[str, str]]:
    """Return (file, token) for each token found in any file below a directory, or in its name."""
    wanted = [(token, forms_of(token)) for token in tokens]
    return {
        (path.relative_to(directory).as_posix(), token)
        for path in directory.rglob("*")
        for content in contents_of(path)
        for token, forms in wanted
        if any(form in content for form in forms)
    }


def contents_of(path: Path) -> Iterator[bytes]:
    """Yield a file's name, its bytes, and what it holds once decompressed."""
    yield path.name.encode()
    if not path.is_file():
        return
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".parquet":
        yield repr(pq.read_table(path).to_pydict()).encode()
        yield repr(pq.read_schema(path).metadata).encode()
    if path.suffix == ".duckdb":
        yield repr(_rows_of_all_tables(path)).encode()
    for decompress in (gzip.decompress, zlib.decompress):
        try:
            yield decompress(raw)
        except (OSError, zlib.error, EOFError):
            continue


def _rows_of_all_tables(path: Path) -> list[object]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        catalog = connection.execute("SELECT sql, comment FROM duckdb_tables()").fetchall()
        return [catalog] + [
            connection.sql(f'SELECT COLUMNS(*)::VARCHAR FROM "{name}"').fetchall()
            for (name,) in tables
        ]
