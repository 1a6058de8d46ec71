"""Erasing from the lake and from the versions of the database."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tests.lake.rows import FIRST_NIGHT, SATURDAY, SUNDAY, booking, coverage, root_of, stored
from transforms.contract.database import TABLES
from transforms.contract.lake import ROOMS
from warehouse.erase import (
    Erasure,
    Found,
    drop_versions_before,
    erase,
    find,
    rows_in_warehouse,
)
from warehouse.lake import Lake, LakeBusy
from warehouse.publish import PublishOptions, publish
from warehouse.versions import (
    current_version,
    drop_versions,
    new_version,
    published_versions,
    statistics_draft,
)

FRIDAY = SATURDAY - timedelta(days=1)
DAYS = (FRIDAY, SATURDAY, SUNDAY)
DATES = {"local_date", "local_start_date"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three days of two rooms; fjord could not be read at the last attempt on Friday."""
    return lake_of_three_days(tmp_path)


def lake_of_three_days(folder: Path) -> Lake:
    lake = Lake(folder / "lake", "EU")
    for day in DAYS:
        rows = [booking("fjord", day), booking("fjord", day, 11), booking("harbour", day)]
        lake.replace("bookings", day, stored(*rows))
        code = "HTTP503" if day == FRIDAY else None
        read = [("fjord", code is None, FIRST_NIGHT, code), ("harbour", True, FIRST_NIGHT, None)]
        lake.replace("coverage", day, coverage(*read))
    return lake


def rooms_on(lake: Lake, day: date) -> list[str]:
    table = lake.read("bookings", day)
    return [] if table is None else table["room_id"].to_pylist()


def readings_on(lake: Lake, day: date) -> list[tuple[object, ...]]:
    table = lake.read("coverage", day)
    assert table is not None
    return [tuple(row.values()) for row in table.to_pylist()]


def test_one_rooms_days_are_erased_and_nothing_else(lake: Lake) -> None:
    untouched = lake.read("bookings", SUNDAY)
    found = erase(lake, Erasure(room_id="fjord", first_date=FRIDAY, last_date=SATURDAY))
    assert found == Found((FRIDAY, SATURDAY), bookings=4, room_days=2)
    assert [rooms_on(lake, day) for day in (FRIDAY, SATURDAY)] == [["harbour"], ["harbour"]]
    assert lake.read("bookings", SUNDAY) == untouched


def test_r13_an_erased_room_day_is_one_that_was_never_read(lake: Lake) -> None:
    erase(lake, Erasure(room_id="fjord", last_date=SATURDAY))
    harbour = ("harbour", True, FIRST_NIGHT, None)
    assert readings_on(lake, FRIDAY) == [("fjord", False, None, "HTTP503"), harbour]
    assert readings_on(lake, SATURDAY) == [("fjord", False, None, None), harbour]


def test_whole_days_before_a_date_are_gone_with_their_coverage(lake: Lake) -> None:
    found = erase(lake, Erasure(last_date=SATURDAY))
    assert found == Found((FRIDAY, SATURDAY), bookings=6, room_days=4)
    assert lake.days("bookings") == lake.days("coverage") == [SUNDAY]


def test_a_second_erasure_finds_nothing(lake: Lake) -> None:
    asked = Erasure(room_id="fjord")
    erase(lake, asked)
    assert find(lake, asked) == erase(lake, asked) == Found()


def test_finding_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    assert find(lake, Erasure(room_id="fjord")).bookings == 6
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}


def test_a_room_that_nothing_knows_touches_no_file(lake: Lake) -> None:
    assert erase(lake, Erasure(room_id="elsewhere")) == Found()
    assert rooms_on(lake, SUNDAY) == ["fjord", "fjord", "harbour"]


def test_a_room_is_erased_where_coverage_is_missing(lake: Lake, tmp_path: Path) -> None:
    lake.delete("coverage", SUNDAY)
    erase(lake, Erasure(room_id="fjord"))
    assert rooms_on(lake, SUNDAY) == ["harbour"]
    assert lake.days("coverage") == [FRIDAY, SATURDAY]


def test_an_erasure_that_is_killed_half_way_never_leaves_an_empty_calendar(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Lake.replace

    def die_at_the_bookings(self: Lake, dataset: str, *rest: object) -> None:
        if dataset == "bookings":
            raise KeyboardInterrupt
        replace(self, dataset, *rest)  # type: ignore[arg-type]  # passed on unchanged

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "replace", die_at_the_bookings)
        with pytest.raises(KeyboardInterrupt):
            erase(lake, Erasure(room_id="fjord"))
    assert readings_on(lake, FRIDAY)[0] == ("fjord", False, None, "HTTP503")
    assert "fjord" in rooms_on(lake, FRIDAY)
    assert erase(lake, Erasure(room_id="fjord")).bookings == 6
    assert rooms_on(lake, FRIDAY) == ["harbour"]


def test_an_erasure_waits_for_no_other_run(lake: Lake) -> None:
    with Lake(lake.root, "EU").exclusive(), pytest.raises(LakeBusy):
        erase(lake, Erasure(room_id="fjord"))


def test_what_a_killed_run_staged_is_swept(lake: Lake) -> None:
    left = root_of(lake) / ".staging" / "run-1"
    left.mkdir(parents=True)
    (left / "2026-11-21").write_bytes(b"rows")
    erase(lake, Erasure(room_id="elsewhere"))
    assert not left.exists()


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake and its warehouse, built once for all tests that copy them."""
    folder = tmp_path_factory.mktemp("versions")
    lake = lake_of_three_days(folder)
    room = dict.fromkeys(ROOMS.names) | {
        "time_zone": "UTC",
        "open_hours": "Mon-Sun 08:00-18:00",
    }
    rooms = [room | {"room_id": each, "room_type": "conference"} for each in ("fjord", "harbour")]
    lake.replace("rooms", None, stored_rooms(rooms))
    for _ in range(2):
        rebuild(lake, folder / "warehouse")
    return folder


@pytest.fixture
def warehouse(lake: Lake, two_versions: Path, tmp_path: Path) -> Path:
    """Two published versions of the lake's three days."""
    for name in ("lake", "warehouse"):
        shutil.copytree(two_versions / name, tmp_path / name, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "warehouse"


def stored_rooms(rooms: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rooms, schema=ROOMS)


def rebuild(lake: Lake, warehouse: Path) -> None:
    publish(lake, warehouse, PublishOptions(threads=1), FIRST_NIGHT + timedelta(days=2))


def test_rows_are_counted_in_every_version(warehouse: Path) -> None:
    of_a_room = rows_in_warehouse(warehouse, "EU", Erasure(room_id="fjord"))
    assert of_a_room > 4 * 6
    assert rows_in_warehouse(warehouse, "EU", Erasure(room_id="elsewhere")) == 0
    assert rows_in_warehouse(warehouse, "EU", Erasure(last_date=FRIDAY - timedelta(days=1))) == 0


@pytest.mark.parametrize("is_copied", [False, True])
def test_parquet_exports_and_copies_are_rebuilt_and_read_too(
    lake: Lake, warehouse: Path, is_copied: bool
) -> None:
    options = PublishOptions(threads=1, export_parquet=True, is_copied=is_copied)
    asked = Erasure(room_id="fjord")
    of_one = rows_in_warehouse(warehouse, "EU", asked) // 2  # two versions
    assert of_one > 6
    publish(lake, warehouse, options, FIRST_NIGHT + timedelta(days=2))
    assert rows_in_warehouse(warehouse, "EU", asked) == of_one * (4 if is_copied else 3)
    erase(lake, asked)
    publish(lake, warehouse, options, FIRST_NIGHT + timedelta(days=2))
    drop_versions(warehouse, "EU", lambda _: True)
    assert rows_in_warehouse(warehouse, "EU", asked) == 0
    assert rows_in_warehouse(warehouse, "EU", Erasure(room_id="harbour")) > 0


def test_a_rebuilt_database_holds_no_row_of_an_erased_room(lake: Lake, warehouse: Path) -> None:
    asked = Erasure(room_id="fjord", last_date=SATURDAY)
    erase(lake, asked)
    rebuild(lake, warehouse)
    assert drop_versions_before(warehouse, "EU", SUNDAY)
    assert rows_in_warehouse(warehouse, "EU", asked) == 0
    assert rows_in_warehouse(warehouse, "EU", Erasure(room_id="fjord")) > 0


def test_versions_that_hold_a_day_past_its_retention_are_removed(
    lake: Lake, warehouse: Path
) -> None:
    erase(lake, Erasure(last_date=FRIDAY))
    rebuild(lake, warehouse)
    old = [path.name for path in published_versions(warehouse, "EU")[:2]]
    assert drop_versions_before(warehouse, "EU", FRIDAY) == []
    assert drop_versions_before(warehouse, "EU", SATURDAY) == old
    assert published_versions(warehouse, "EU") == [current_version(warehouse, "EU")]


def test_the_current_version_stays_whatever_it_holds(warehouse: Path) -> None:
    drop_versions_before(warehouse, "EU", SUNDAY + timedelta(days=1))
    assert published_versions(warehouse, "EU") == [current_version(warehouse, "EU")]


def build(warehouse: Path, *statements: str) -> Path:
    """Publish a database made by these statements, with empty statistics; return its file."""
    with new_version(warehouse, "EU") as draft:
        with duckdb.connect(str(draft)) as connection:
            for statement in statements:
                connection.execute(statement)
        duckdb.connect(str(statistics_draft(draft))).close()
    return current_version(warehouse, "EU")


def test_an_old_version_that_cannot_be_read_is_removed(warehouse: Path) -> None:
    damaged = build(warehouse)
    damaged.chmod(0o640)
    damaged.write_bytes(b"no database" * 1000)
    build(warehouse)
    assert damaged.name in drop_versions_before(warehouse, "EU", FRIDAY)


def test_nothing_published_is_nothing_to_remove(tmp_path: Path) -> None:
    assert drop_versions_before(tmp_path / "none", "EU", SUNDAY) == []
    assert rows_in_warehouse(tmp_path / "none", "EU", Erasure()) == 0


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if DATES & {*table.names}])
def test_a_row_of_any_dated_table_is_found(tmp_path: Path, name: str) -> None:
    (day,) = DATES & {*TABLES[name].names}
    build(
        tmp_path,
        f"CREATE TABLE {name} ({day} DATE)",
        f"INSERT INTO {name} VALUES (DATE '{FRIDAY}')",
    )
    assert rows_in_warehouse(tmp_path, "EU", Erasure(last_date=FRIDAY)) == 1
    assert rows_in_warehouse(tmp_path, "EU", Erasure(first_date=SATURDAY)) == 0
