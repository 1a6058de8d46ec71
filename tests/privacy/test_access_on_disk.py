"""A night writes nothing that everybody can read, and follows no planted link."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.sandbox.wire import CertificateAuthority
from tests.needs import needs_root
from tests.night.workplace import MONDAY, Company, first_night
from tests.privacy.conftest import planted_calendars
from warehouse.versions import current_version


@contextmanager
def umask_that_lets_everybody_read() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(autouse=True)
def _an_open_umask() -> Iterator[None]:
    with umask_that_lets_everybody_read():
        yield


@pytest.fixture(scope="module")
def open_night(
    tmp_path_factory: pytest.TempPathFactory, empty_history: Path, authority: CertificateAuthority
) -> Path:
    """The folder of a night that ran with such a umask."""
    folder = tmp_path_factory.mktemp("open")
    with umask_that_lets_everybody_read():
        calendars = planted_calendars()
        return first_night(folder, empty_history, authority, calendars, export_parquet=True)


def written(directory: Path) -> list[Path]:
    """Return everything that a night wrote, without links, whose own mode means nothing."""
    folders = [directory / name for name in ("lake", "warehouse", ".dagster")]
    below = [path for folder in folders for path in folder.rglob("*")]
    return [path for path in [*folders, *below] if not path.is_symlink()]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_lake_database_and_history_are_closed_to_everybody_else(open_night: Path) -> None:
    paths = written(open_night)
    assert any(".dagster" in path.parts and path.is_file() for path in paths)
    assert not [path for path in paths if mode_of(path) & 0o007]


def test_files_are_0640_folders_0750_and_the_database_0440(open_night: Path) -> None:
    day = open_night / "lake" / "bookings" / "region=EU" / f"date={MONDAY}"
    assert mode_of(day) == 0o750
    assert mode_of(day / "bookings.parquet") == 0o640
    assert mode_of(current_version(open_night / "warehouse", "EU")) == 0o440


def test_a_group_that_the_operator_chose_stays_on_everything_that_is_written(
    planted: Company,
) -> None:
    """The operator chooses a group by the setgid bit on the two folders."""
    group = next(iter({*os.getgroups(), 4711 if os.geteuid() == 0 else os.getgid()} - {0}), 0)
    for name in ("lake", "warehouse"):
        folder = planted.directory / name
        folder.mkdir()
        os.chown(folder, -1, group)
        folder.chmod(0o2750)
    planted.run()
    below = [path for path in written(planted.directory) if ".dagster" not in path.parts]
    locks = {path for path in below if path.name.startswith(".")}
    assert {path.stat().st_gid for path in below if path not in locks} == {group}


def test_a_link_planted_in_place_of_a_day_is_not_followed(read_planted: Company) -> None:
    elsewhere = read_planted.directory / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "bookings.parquet").write_bytes(b"somebody's own")
    day = read_planted.directory / "lake" / "bookings" / "region=EU" / f"date={MONDAY}"
    (day / "bookings.parquet").unlink()
    day.rmdir()
    day.symlink_to(elsewhere)
    assert read_planted.run() == 1
    assert (elsewhere / "bookings.parquet").read_bytes() == b"somebody's own"


def test_a_link_planted_in_place_of_a_file_is_not_followed(read_planted: Company) -> None:
    secret = read_planted.directory / "secret"
    secret.write_bytes(b"somebody's own")
    file = read_planted.directory / "lake" / "bookings" / "region=EU" / f"date={MONDAY}"
    file /= "bookings.parquet"
    file.unlink()
    file.symlink_to(secret)
    assert read_planted.run() == 1
    assert read_planted.insights("publish", "--region", "EU") == 1
    assert secret.read_bytes() == b"somebody's own"


@needs_root
def test_a_file_planted_by_another_user_is_not_read(read_planted: Company) -> None:
    file = read_planted.directory / "lake" / "bookings" / "region=EU" / f"date={MONDAY}"
    os.chown(file / "bookings.parquet", 4711, -1)
    assert read_planted.run() == 1
    assert read_planted.insights("publish", "--region", "EU") == 1


def test_a_planted_pointer_is_not_followed_out_of_the_warehouse(read_planted: Company) -> None:
    read_planted.database.unlink()
    read_planted.database.symlink_to(read_planted.directory / "elsewhere.duckdb")
    assert read_planted.insights("publish", "--region", "EU") == 0
    assert (
        read_planted.database.resolve().parent
        == (read_planted.directory / "warehouse/versions").resolve()
    )


def test_a_link_planted_in_place_of_dagsters_settings_writes_nothing_elsewhere(
    planted: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = planted.directory / ".dagster" / "dagster.yaml"
    settings.unlink(missing_ok=True)
    settings.symlink_to(planted.directory / "elsewhere.yaml")
    assert planted.run() == 1
    assert f"{settings}: File exists" in capsys.readouterr().err
    assert not (planted.directory / "elsewhere.yaml").exists()
