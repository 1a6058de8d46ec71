"""The database file has the tables and columns that the contract defines."""

from pathlib import Path

import pytest

from tests.marts.scenario import Database
from transforms.contract.database import TABLES
from warehouse import engine
from warehouse.engine import BuildError, building

_TYPES = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMP WITH TIME ZONE",
}


def test_every_table_has_the_columns_types_and_comments_of_the_contract(worked: Database) -> None:
    tables = worked.rows("SELECT table_name, comment FROM duckdb_tables()")
    assert dict(tables) == {name: table.text for name, table in TABLES.items()}
    assert worked.rows("SELECT view_name FROM duckdb_views() WHERE NOT internal") == []
    for name, schema in TABLES.items():
        columns = worked.rows(
            "SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns() "
            f"WHERE table_name = '{name}' ORDER BY column_index"
        )
        assert columns == [
            (field.name, _TYPES[str(field.type)], field.nullable, field.definition)
            for field in schema
        ]
        assert worked.row(f"SELECT count(*) > 0 FROM {name}") == (True,), name


@pytest.mark.parametrize("table", [name for name, each in TABLES.items() if each.grain])
def test_the_columns_of_the_grain_tell_all_rows_apart(worked: Database, table: str) -> None:
    columns = ", ".join(TABLES[table].grain)
    repeated = f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1"
    assert worked.rows(repeated) == []


def test_a_select_with_other_columns_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "read_sql", lambda _: "SELECT 'EU' AS region, 1 AS room")
    with (
        building(tmp_path / "draft.duckdb", 1, "100MB") as built,
        pytest.raises(BuildError, match="rooms has other columns"),
    ):
        built.run("before/rooms")


def test_the_file_opens_in_duckdb_1_4(worked: Database) -> None:
    version = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"
    assert worked.rows(version)[0][0].startswith("v1.4.0")
