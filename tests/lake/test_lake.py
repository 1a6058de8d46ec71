"""The lake's methods: rows are read back as written, and invalid rows are refused."""

import threading
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lake.rows import (
    FIRST_NIGHT,
    SATURDAY,
    SUNDAY,
    booking,
    coverage,
    directory,
    facts,
    files,
    root_of,
    stored,
)
from tests.object_stores import EVERYWHERE, IN_A_BUCKET
from transforms.contract.lake import BOOKINGS, COVERAGE
from warehouse.lake import Lake, LakeBusy, LakeError
from warehouse.nightly import staging

PARTITION = f"bookings/region=EU/date={SATURDAY}"


@EVERYWHERE
def test_a_replaced_day_is_read_back_in_the_contracts_schema_and_order(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("b"), booking("a", hour=11), booking("a")))
    table = lake.read("bookings", SATURDAY)
    assert table is not None
    assert table.schema.equals(BOOKINGS, check_metadata=True)
    assert [(row[0], row[1].hour) for row in facts(table)] == [("a", 9), ("a", 11), ("b", 9)]


def test_a_day_lies_in_one_file_whose_path_names_region_and_date(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    path = root_of(lake) / PARTITION / "bookings.parquet"
    assert files(lake, "bookings") == [path]
    assert pq.read_schema(path).names == BOOKINGS.names
    query = "SELECT room_id, region, date FROM read_parquet(?, hive_partitioning = true)"
    assert duckdb.execute(query, [str(path)]).fetchall() == [("a", "EU", SATURDAY)]


def test_a_file_carries_the_contracts_column_descriptions_and_no_pandas_metadata(
    lake: Lake,
) -> None:
    lake.replace("coverage", SATURDAY, coverage(("a", True, FIRST_NIGHT, None)))
    schema = pq.read_schema(files(lake, "coverage")[0])
    assert schema.field("error_code").metadata == COVERAGE.field("error_code").metadata
    assert b"pandas" not in schema.metadata


@pytest.mark.parametrize(
    "text", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_text_is_read_in_whichever_way_the_writer_held_it(lake: Lake, text: pa.DataType) -> None:
    rows = stored(booking("a"))
    lake.replace("bookings", SATURDAY, rows)
    kinds = [(field.name, text if field.type == pa.string() else field.type) for field in BOOKINGS]
    pq.write_table(rows.cast(pa.schema(kinds)), files(lake, "bookings")[0])  # as pandas and Polars
    assert lake.read("bookings", SATURDAY) == rows
    assert len(files(lake, "bookings")) == 1


def test_a_file_is_zstd_with_dictionaries_and_statistics(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(*(booking("a", hour=hour) for hour in range(24))))
    group = pq.read_metadata(files(lake, "bookings")[0]).row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    assert {column.compression for column in columns} == {"ZSTD"}
    assert all(column.is_stats_set for column in columns)
    assert "RLE_DICTIONARY" in columns[0].encodings


def test_the_order_in_which_rows_were_read_leaves_no_trace_in_the_bytes(lake: Lake) -> None:
    rows = [booking("a", headcount=count, is_online=count % 2 == 0) for count in range(6)]
    lake.replace("bookings", SATURDAY, stored(*rows))
    before = files(lake, "bookings")[0].read_bytes()
    lake.replace("bookings", SATURDAY, stored(*reversed(rows)))
    assert files(lake, "bookings")[0].read_bytes() == before


@EVERYWHERE
def test_a_day_without_bookings_is_an_empty_file_and_keeps_no_stale_row(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    lake.replace("bookings", SATURDAY, stored())
    table = lake.read("bookings", SATURDAY)
    assert table is not None
    assert table.num_rows == 0
    assert lake.days("bookings") == [SATURDAY]


@EVERYWHERE
def test_a_day_never_written_reads_as_none(lake: Lake) -> None:
    assert lake.read("bookings", SATURDAY) is None
    assert lake.read("rooms") is None
    assert lake.days("bookings") == files(lake, "bookings") == []


@EVERYWHERE
def test_files_are_listed_for_the_days_asked_in_order(lake: Lake) -> None:
    days = [SATURDAY + timedelta(days=offset) for offset in (2, 0, 1)]
    for day in days:
        lake.replace("bookings", day, stored())
    assert lake.days("bookings") == sorted(days)
    listed = files(lake, "bookings")
    assert len(listed) == 3
    for day, file in zip(sorted(days), listed, strict=True):
        assert f"date={day}" in str(file)
        assert file.name.endswith("bookings.parquet")
    with lake.scan("bookings", [SUNDAY]) as parts:
        assert [part.day for part in parts] == [SUNDAY]


def test_a_deleted_day_is_gone_with_its_folder(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    lake.delete("bookings", SATURDAY)
    lake.delete("bookings", SATURDAY)
    assert lake.days("bookings") == []
    assert not (root_of(lake) / PARTITION).exists()


def test_the_room_directory_is_replaced_whole(lake: Lake) -> None:
    lake.replace("rooms", None, directory("a"))
    lake.replace("rooms", None, directory("b"))
    rooms = lake.read("rooms")
    assert rooms is not None
    assert rooms["room_id"].to_pylist() == ["b"]
    assert (root_of(lake) / "rooms/region=EU/rooms.parquet").is_file()


def test_foreign_names_in_the_lake_are_not_days(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored())
    for name in ("date=20261123", "date=2026-02-30", "lost+found", "date=2026-11-25"):
        (root_of(lake) / "bookings/region=EU" / name).mkdir()
    assert lake.days("bookings") == [SATURDAY]


@EVERYWHERE
def test_a_second_run_of_the_region_is_refused_at_once(lake: Lake) -> None:
    other = Lake(lake.root, "EU")
    with lake.exclusive():
        lake.replace("bookings", SATURDAY, stored(booking("a")))
        with pytest.raises(LakeBusy, match="another run of region EU"), other.exclusive():
            pass
        with pytest.raises(LakeBusy):
            other.replace("bookings", SATURDAY, stored())
        with pytest.raises(LakeBusy), lake.exclusive():
            pass
        assert other.read("bookings", SATURDAY) is not None
    other.replace("bookings", SATURDAY, stored())


@EVERYWHERE
def test_a_thread_of_the_same_process_is_refused_too(lake: Lake) -> None:
    refusals: list[BaseException] = []

    def run() -> None:
        try:
            with Lake(lake.root, "EU").exclusive():
                pass
        except LakeBusy as busy:
            refusals.append(busy)

    with lake.exclusive():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert len(refusals) == 1


def test_what_a_killed_run_left_behind_is_swept_when_the_next_one_starts(lake: Lake) -> None:
    left = root_of(lake) / ".staging" / "run-1-1"
    left.mkdir(parents=True)
    (left / str(SATURDAY)).write_bytes(b"rows")
    (root_of(lake) / ".staging" / "draft-x").write_bytes(b"PAR1")
    with lake.exclusive():
        assert not left.exists()
    assert list(root_of(lake).rglob("draft-*")) == []


def test_an_error_in_a_run_gives_the_lake_back(lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError), lake.exclusive(), staging(lake):
        raise ZeroDivisionError
    with lake.exclusive():
        assert lake.days("bookings") == []
    assert not (root_of(lake) / ".staging").exists()


def test_a_failed_write_leaves_the_old_file_and_no_draft(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    blocked = date(2026, 11, 25)
    (root_of(lake) / "bookings/region=EU" / f"date={blocked}" / "bookings.parquet").mkdir(
        parents=True
    )
    with pytest.raises(LakeError, match="cannot be written"):
        lake.replace("bookings", blocked, stored())
    assert list(root_of(lake).rglob("draft-*")) == []


@IN_A_BUCKET
def test_files_at_hand_are_fetched_once_and_all_who_scan_them_meanwhile_read_the_same(
    lake: Lake,
) -> None:
    days = (SATURDAY, SUNDAY)
    for day in days:
        lake.replace("bookings", day, stored(booking("a", day)))
    with lake.scan("bookings", days) as first:
        old = [Path(part.handle).read_bytes() for part in first]
        lake.replace("bookings", SUNDAY, stored())
        with lake.scan("bookings", [SUNDAY]) as second:
            assert [part.handle for part in second] == [first[1].handle]
        assert [Path(part.handle).read_bytes() for part in first] == old
    assert not Path(first[1].handle).exists()
    with lake.scan("bookings", days) as parts:
        assert [pq.read_metadata(part.handle).num_rows for part in parts] == [1, 0]
