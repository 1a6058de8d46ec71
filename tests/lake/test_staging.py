"""Rows enter staging room by room and leave it day by day, whatever the buffer's size."""

import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lake.rows import SATURDAY, SUNDAY, booking, facts, in_any_order, staged, stored
from transforms.contract.lake import BOOKINGS
from warehouse.lake_format import FormatError
from warehouse.nightly import Staging
from warehouse.storage import WarehouseError
from warehouse.storage.disk import DiskStorage

DAYS = [SATURDAY + timedelta(days=offset) for offset in range(4)]

room_rows = st.lists(
    st.builds(
        booking,
        st.sampled_from("abc"),
        st.sampled_from(DAYS),
        st.integers(0, 23),
        st.integers(1, 9),
    ),
    max_size=12,
)


@pytest.fixture
def tree(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "staged", "lake", WarehouseError)


def emptied(tree: DiskStorage) -> DiskStorage:
    tree.delete()
    tree.ensure()
    return tree


@given(tables=st.lists(room_rows, max_size=6), spill_rows=st.integers(1, 40))
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_day_of_staging_is_every_row_of_that_day_that_was_added(
    tree: DiskStorage, tables: list[list[dict[str, object]]], spill_rows: int
) -> None:
    staging = Staging(emptied(tree), spill_rows=spill_rows)
    for rows in tables:
        staging.add(staged(*rows))
    for day in DAYS:
        expected = [row for rows in tables for row in rows if row["local_start_date"] == day]
        assert in_any_order(facts(staging.day(day))) == in_any_order(facts(stored(*expected)))


def test_a_day_comes_back_in_the_lakes_schema(tree: DiskStorage) -> None:
    staging = Staging(emptied(tree))
    staging.add(staged(booking("a")))
    assert staging.day(SATURDAY).schema.equals(BOOKINGS, check_metadata=True)
    assert staging.day(SUNDAY).num_rows == 0


def test_rows_may_be_added_after_a_day_was_read(tree: DiskStorage) -> None:
    staging = Staging(emptied(tree))
    staging.add(staged(booking("a")))
    assert staging.day(SATURDAY).num_rows == 1
    staging.add(staged(booking("b")))
    assert sorted(staging.day(SATURDAY)["room_id"].to_pylist()) == ["a", "b"]


def test_staging_knows_the_rooms_that_it_has_rows_of(tree: DiskStorage) -> None:
    staging = Staging(emptied(tree), spill_rows=1)
    staging.add(staged(booking("a"), booking("b")))
    assert staging.room_ids() == {"a", "b"}


def test_threads_may_add_at_the_same_time(tree: DiskStorage) -> None:
    staging = Staging(emptied(tree), spill_rows=7)

    def read_rooms(worker: int) -> None:
        for number in range(20):
            staging.add(staged(booking(f"{worker}-{number}"), booking(f"{worker}-{number}")))

    threads = [threading.Thread(target=read_rooms, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert staging.day(SATURDAY).num_rows == 4 * 20 * 2
    assert len(staging.room_ids()) == 80


def test_rows_of_another_schema_are_refused(tree: DiskStorage) -> None:
    staging = Staging(emptied(tree))
    with pytest.raises(FormatError, match="another schema"):
        staging.add(stored(booking("a")))


def test_a_day_reads_one_file_and_no_other(tree: DiskStorage) -> None:
    staging = Staging(emptied(tree), spill_rows=1)
    staging.add(staged(booking("a", SATURDAY), booking("a", SUNDAY)))
    tree.path(str(SUNDAY)).write_bytes(b"unreadable")
    assert staging.day(SATURDAY).num_rows == 1
    assert tree.names() == [str(date(2026, 11, 21)), str(date(2026, 11, 22))]
