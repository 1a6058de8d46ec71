"""The Parquet tables have the rows of the database, and its descriptions."""

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.marts.scenario import (
    Room,
    Scenario,
    all_day,
    book,
    days_from,
    publish_scenario,
    scenario,
)
from transforms.contract import CONTRACT_VERSION
from transforms.contract.database import STATISTICS, TABLES
from warehouse.connect import connect
from warehouse.engine import building
from warehouse.publish import PublishOptions
from warehouse.versions import parquet_pointer

FJORD, DESK = Room("fjord"), Room("desk", room_type="desk")
MONDAY = date(2026, 10, 19)
WEEK = scenario(
    (FJORD, DESK),
    [
        *(book(FJORD, day, "09:00", "10:30") for day in days_from(MONDAY, 5)),
        all_day(FJORD, date(2026, 10, 21)),
        book(DESK, MONDAY, "09:00", "17:00"),
    ],
    days_from(MONDAY, 7),
    minimum_group=1,
)
NO_ROOMS = Scenario((), (), (), WEEK.now)


@pytest.mark.parametrize("lake", [WEEK, NO_ROOMS], ids=["a week", "a region without rooms"])
def test_every_table_is_a_file_with_its_rows_and_the_contracts_schema(
    tmp_path: Path, lake: Scenario
) -> None:
    database = publish_scenario(tmp_path, lake, export_parquet=True)
    folder = parquet_pointer(tmp_path / "warehouse", "EU")
    assert {path.name for path in folder.iterdir()} == {f"{name}.parquet" for name in TABLES}
    for name, declared in TABLES.items():
        schema = declared.schema
        table = pq.read_table(folder / f"{name}.parquet")
        assert table.schema.equals(schema, check_metadata=False), name
        for found, told in zip(table.schema, schema, strict=True):
            assert found.metadata.items() >= told.metadata.items(), name
        in_database = database.connection.sql(f"FROM {name}").to_arrow_table()
        assert table.to_pylist() == in_database.cast(schema).to_pylist(), name
    database.close()


def test_instants_are_utc_whatever_the_zone_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with building(tmp_path / "insights.duckdb", 1, "400MB") as engine:
        for name, table in TABLES.items():
            with engine.batches(name, 1, statistics=False) as batches:
                assert pa.table(batches).schema.types == table.schema.types, name


def test_every_file_says_whose_it_is_and_which_build_made_it(tmp_path: Path) -> None:
    publish_scenario(tmp_path, WEEK, export_parquet=True).close()
    folder = parquet_pointer(tmp_path / "warehouse", "EU")
    (built_at,) = pq.read_table(folder / "build_info.parquet")["built_at"].to_pylist()
    for name in TABLES:
        metadata = pq.read_schema(folder / f"{name}.parquet").metadata
        assert (metadata[b"region"], metadata[b"contract_version"].decode()) == (
            b"EU",
            CONTRACT_VERSION,
        )
        assert datetime.fromisoformat(metadata[b"built_at"].decode()) == built_at


def test_no_personal_room_is_in_the_files_that_leave_them_out(tmp_path: Path) -> None:
    publish_scenario(tmp_path, WEEK, export_parquet=True).close()
    folder = parquet_pointer(tmp_path / "warehouse", "EU")
    for name in ("bookings", "room_hours", "room_days"):
        assert set(pq.read_table(folder / f"{name}.parquet")["room_id"].to_pylist()) == {"fjord"}


def test_parquet_can_be_turned_off(tmp_path: Path) -> None:
    publish_scenario(tmp_path, WEEK, export_parquet=False).close()
    assert PublishOptions().export_parquet
    assert not parquet_pointer(tmp_path / "warehouse", "EU").exists()


def test_the_files_for_everybody_hold_what_the_statistics_hold_and_no_personal_room(
    tmp_path: Path,
) -> None:
    publish_scenario(tmp_path, WEEK, export_parquet=True).close()
    folder = parquet_pointer(tmp_path / "warehouse", "EU", statistics=True)
    assert {path.stem for path in folder.iterdir()} == {*STATISTICS}
    with connect("EU", warehouse=tmp_path / "warehouse") as statistics:
        for name, declared in STATISTICS.items():
            table = pq.read_table(folder / f"{name}.parquet")
            in_database = statistics.sql(f"FROM {name}").to_arrow_table()
            assert table.to_pylist() == in_database.cast(declared.schema).to_pylist(), name
            if "room_id" in table.column_names:
                assert {*table["room_id"].to_pylist()} <= {"fjord"}, name
