"""The lake refuses rows that break the contract, other regions and planted files."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lake.rows import (
    FIRST_NIGHT,
    SATURDAY,
    booking,
    coverage,
    directory,
    facts,
    files,
    root_of,
    stored,
)
from tests.needs import needs_root
from tests.object_stores import EVERYWHERE
from transforms.contract.lake import BOOKINGS, LAKE
from warehouse.lake import Dataset, Lake, LakeError

PARTITION = f"bookings/region=EU/date={SATURDAY}"


def nullable_room_id(table: pa.Table) -> pa.Table:
    loose = pa.field("room_id", pa.string(), nullable=True)
    return table.cast(pa.schema([loose, *BOOKINGS.remove(0)]))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda table: table.append_column("subject", pa.array(["x"])), "1 columns too many"),
        (lambda table: table.drop_columns(["kind"]), "lacks the columns kind"),
        (lambda table: table.select(BOOKINGS.names[::-1]), "in another order"),
        (
            lambda table: table.set_column(
                10, "invited_headcount", table["invited_headcount"].cast(pa.int64())
            ),
            "another type in invited_headcount",
        ),
        (nullable_room_id, "another type in room_id"),
        (lambda table: table.replace_schema_metadata({"region": "NA"}), "not of region EU"),
    ],
)
def test_a_table_that_is_not_exactly_the_contracts_is_refused(
    lake: Lake, spoil: Callable[[pa.Table], pa.Table], reason: str
) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    with pytest.raises(LakeError, match=reason):
        lake.replace("bookings", SATURDAY, spoil(stored(booking("b"))))
    assert facts(lake.read("bookings", SATURDAY)) == facts(stored(booking("a")))


@EVERYWHERE
def test_a_null_where_the_contract_allows_none_is_refused(lake: Lake) -> None:
    holes = pa.Table.from_arrays(
        [pa.array([None], field.type) for field in BOOKINGS], schema=BOOKINGS
    )
    with pytest.raises(LakeError, match="nulls in room_id"):
        lake.replace("bookings", SATURDAY, holes)


@pytest.mark.parametrize("column", ["kind", "show_as", "response", "status"])
def test_no_text_outside_the_vocabulary_enters_the_lake(lake: Lake, column: str) -> None:
    with pytest.raises(LakeError, match=f"word in {column}") as refusal:
        lake.replace("bookings", SATURDAY, stored(booking("a") | {column: "Ada Lovelace"}))
    assert "Ada" not in str(refusal.value)


def test_an_error_code_is_a_code_and_never_a_text(lake: Lake) -> None:
    lake.replace("coverage", SATURDAY, coverage(("a", False, None, "ErrorAccessDenied")))
    with pytest.raises(LakeError, match="not a code"):
        lake.replace("coverage", SATURDAY, coverage(("a", False, None, "no access to ada@x")))


@EVERYWHERE
def test_a_lake_that_holds_another_region_is_refused_by_every_verb(lake: Lake) -> None:
    Lake(lake.root, "NA").replace("coverage", SATURDAY, coverage(("a", True, FIRST_NIGHT, None)))
    refused: list[Callable[[], object]] = [
        lambda: lake.replace("bookings", SATURDAY, stored()),
        lambda: lake.read("bookings", SATURDAY),
        lambda: lake.days("bookings"),
        lambda: lake.read("rooms"),
        lambda: lake.delete("bookings", SATURDAY),
        lambda: lake.replace("rooms", None, directory("a")),
        lambda: lake.exclusive().__enter__(),
    ]
    for verb in refused:
        with pytest.raises(LakeError, match="region=NA: is another region's"):
            verb()
    other = Lake(lake.root, "NA")
    assert (other.days("bookings"), other.days("coverage")) == ([], [SATURDAY])


def test_a_file_copied_from_another_regions_lake_is_not_read(lake: Lake, tmp_path: Path) -> None:
    other = Lake(tmp_path / "other", "NA")
    other.replace("bookings", SATURDAY, stored(booking("a")))
    lake.replace("bookings", SATURDAY, stored())
    files(lake, "bookings")[0].write_bytes(files(other, "bookings")[0].read_bytes())
    with pytest.raises(LakeError, match="not of region EU"):
        lake.read("bookings", SATURDAY)
    with pytest.raises(LakeError, match="not of region EU"):
        files(lake, "bookings")


def test_a_damaged_file_is_named_with_the_remedy(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    path = files(lake, "bookings")[0]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LakeError, match=rf"{path}: the file is damaged: delete it"):
        lake.read("bookings", SATURDAY)
    with pytest.raises(LakeError, match="is damaged"):
        files(lake, "bookings")


@pytest.mark.parametrize("dataset", ["changes", "directory"])
def test_what_no_run_can_read_again_is_not_to_be_deleted(tmp_path: Path, dataset: Dataset) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    lake.replace(dataset, SATURDAY, LAKE[dataset].schema.empty_table())
    (path,) = (tmp_path / "lake").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LakeError, match="is damaged: restore it from a backup; no run can read"):
        lake.read(dataset, SATURDAY)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("99", "is of contract version 99, later than 2: do not delete it, but run a version of"),
        ("x", "is damaged: delete it and run its days again"),
    ],
)
def test_a_file_of_another_contract_is_told_in_a_line(
    tmp_path: Path, version: str, told: str
) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    path = tmp_path / "lake" / PARTITION / "bookings.parquet"
    table = pq.read_table(path)
    later = {**(table.schema.metadata or {}), b"contract_version": version.encode()}
    pq.write_table(table.replace_schema_metadata(later), path)
    with pytest.raises(LakeError, match=f"parquet: the file {told}"):
        lake.read("bookings", SATURDAY)
    with pytest.raises(LakeError, match=f"parquet: the file {told}"):
        lake.check("bookings", [SATURDAY])


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", "EU")
    path = tmp_path / "lake" / PARTITION / "bookings.parquet"
    path.mkdir(parents=True)
    with pytest.raises(LakeError, match=rf"^{path}: cannot be read \(Is a directory\)"):
        lake.read("bookings", SATURDAY)


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_files_and_folders_are_never_open_to_everybody_whatever_the_umask(
    lake: Lake, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with lake.exclusive():
            lake.replace("bookings", SATURDAY, stored(booking("a")))
            lake.replace("rooms", None, directory("a"))
    finally:
        os.umask(before)
    paths = [root_of(lake), *root_of(lake).rglob("*")]
    modes = {(path.is_dir(), path.stat().st_mode & 0o7777) for path in paths}
    assert modes == {(True, 0o750), (False, 0o640)}


def test_the_group_that_an_operator_gave_to_the_lake_is_inherited(lake: Lake) -> None:
    root_of(lake).mkdir()
    root_of(lake).chmod(0o2750)
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    assert (root_of(lake) / PARTITION).stat().st_mode & 0o7777 == 0o2750


@pytest.mark.parametrize("part", ["bookings", "bookings/region=EU", PARTITION])
def test_a_planted_folder_symlink_is_not_followed(lake: Lake, tmp_path: Path, part: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = root_of(lake) / part
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(LakeError, match=f"{link}: is a symlink"):
        lake.replace("bookings", SATURDAY, stored(booking("a")))
    with pytest.raises(LakeError, match="is a symlink"):
        lake.days("bookings")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", [".lock", ".staging", f"{PARTITION}/bookings.parquet"])
def test_a_planted_file_symlink_is_neither_followed_nor_replaced(
    lake: Lake, tmp_path: Path, name: str
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = root_of(lake) / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(precious)
    with pytest.raises(LakeError, match="is a symlink"), lake.exclusive():
        lake.replace("bookings", SATURDAY, stored(booking("a")))
    assert precious.read_text() == "mine"


def test_a_hard_link_planted_in_place_of_the_lock_opens_nobodys_file(
    lake: Lake, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    root_of(lake).mkdir(exist_ok=True)
    (root_of(lake) / ".lock").unlink(missing_ok=True)
    (root_of(lake) / ".lock").hardlink_to(secret)
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    assert (secret.stat().st_mode & 0o777, secret.read_text()) == (0o600, "mine")


@needs_root
def test_a_file_planted_by_another_user_is_not_trusted(lake: Lake) -> None:
    lake.replace("bookings", SATURDAY, stored(booking("a")))
    os.chown(root_of(lake), 1001, -1)
    os.chown(files(lake, "bookings")[0], 1002, -1)
    with pytest.raises(LakeError, match="belongs to another user"):
        lake.read("bookings", SATURDAY)
    with pytest.raises(LakeError, match="belongs to another user"):
        files(lake, "bookings")


def test_a_lake_that_everybody_can_write_is_refused(lake: Lake) -> None:
    root_of(lake).mkdir()
    root_of(lake).chmod(0o777)
    with pytest.raises(LakeError, match="everybody can write it"):
        lake.replace("bookings", SATURDAY, stored(booking("a")))


def test_a_lake_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lake = Lake(tmp_path / "file" / "lake", "EU")
    with pytest.raises(LakeError, match=r"lake: cannot be read .*change 'lake'") as refusal:
        lake.replace("bookings", SATURDAY, stored())
    assert "\n" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_file_that_the_disk_refuses_is_not_called_damaged(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: object) -> None:
        raise PermissionError(13, "Permission denied")

    lake.replace("bookings", SATURDAY, stored(booking("a")))
    monkeypatch.setattr("pyarrow.parquet.read_metadata", refuse)
    with pytest.raises(LakeError, match=r"cannot be read \(Permission denied\).*do not delete it"):
        files(lake, "bookings")
