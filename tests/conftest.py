"""Fixtures for every test that speaks to the simulated Exchange.

Belongs here: the certificate authority of the test run, and servers that stop with their test.
Does not belong here: what a tenant holds; each test says that itself.
"""

import atexit
import gc
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias, cast
from uuid import uuid4

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster import DagsterInstance
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from hypothesis import settings
from sqlalchemy import Connection, QueuePool, event
from sqlalchemy import Engine as Sql

from pipelines.history import open_instance
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from tests.object_stores import STORES, Server, is_installed
from warehouse.storage import Location, ObjectUrl

# No property may fail because a machine is busy.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def _no_fsync(fd: Any) -> None:
    """Skip fsync in this process.

    It only matters when a machine loses power, which no test does. Without it, tests on a busy disk
    take half the time. Programs that tests start still call it.
    """


os.fsync = _no_fsync


@event.listens_for(Sql, "connect")
def _no_sqlite_sync(connection: Any, _record: object) -> None:
    """Turn off syncing for the history of runs too: SQLite does not call ``os.fsync``."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


# Dagster's history took two thirds of a night in a test: it made an engine, opened a file and
# compiled SQL for each statement, read the same migrations and columns repeatedly, and created each
# run's tables one by one. The patches below avoid that; the history stays the same.

_create_engine = vars(sqlite_event_log)["create_engine"]
_new_run = SqliteEventLogStorage._initdb
_read_migrations = ScriptDirectory.from_config
_dispose = DagsterInstance.dispose
_ENGINES: dict[str, Sql] = {}
_MIGRATIONS: dict[str | None, ScriptDirectory] = {}
_EMPTY_RUN: list[bytes] = []


class _Kept(QueuePool):
    """Keeps connections open when the history disposes of them, which it does per statement."""

    def dispose(self) -> None:
        pass

    def recreate(self) -> "_Kept":
        return self

    def end(self) -> None:
        super().dispose()


def _same_engine(url: str, **how: Any) -> Sql:
    """Cache SQLAlchemy's engine of a file; its connections stay open until an instance ends."""
    if url not in _ENGINES:
        _ENGINES[url] = _create_engine(url, **(how | {"poolclass": _Kept}))
    return _ENGINES[url]


def _end(instance: DagsterInstance) -> None:
    """When any instance ends, close the files of all histories: tests copy and search them."""
    _dispose(instance)
    for engine in _ENGINES.values():
        cast("_Kept", engine.pool).end()


def _same_migrations(config: Config) -> ScriptDirectory:
    """Cache the migrations of a storage."""
    folder = config.get_main_option("script_location")
    if folder not in _MIGRATIONS:
        _MIGRATIONS[folder] = _read_migrations(config)
    return _MIGRATIONS[folder]


def _has_column(_storage: SqliteEventLogStorage, _connection: Connection, _name: str) -> bool:
    """Answer without asking the database: a history of today's Dagster has all columns."""
    return True


def _copy_run(
    storage: SqliteEventLogStorage, engine: Sql, *, for_index_shard: bool = False
) -> None:
    """Create a run's file as a copy of the empty file of this process's first run."""
    file = Path(str(engine.url.database))
    if for_index_shard or file.exists():
        _new_run(storage, engine, for_index_shard=for_index_shard)
    elif _EMPTY_RUN:
        file.write_bytes(_EMPTY_RUN[0])
    else:
        _new_run(storage, engine)
        _EMPTY_RUN.append(file.read_bytes())


setattr(ScriptDirectory, "from_config", _same_migrations)  # noqa: B010 - a class method otherwise
setattr(SqliteEventLogStorage, "_initdb", _copy_run)  # noqa: B010
setattr(SqliteEventLogStorage, "_has_asset_key_col_on_connection", _has_column)  # noqa: B010
setattr(DagsterInstance, "dispose", _end)  # noqa: B010
for _storage in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
    setattr(_storage, "create_engine", _same_engine)  # noqa: B010 - mypy knows no such name there

StartExchange: TypeAlias = Callable[..., SandboxExchange]

# Imported modules and collected tests live until the end: the garbage collector can skip them.
gc.disable()


def pytest_collection_finish() -> None:
    """Collect only the tests' garbage, and less often: it took a tenth of their time."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
    atexit.register(gc.unfreeze)  # after pytest's own last collections; DuckDB reports leaks if not


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with one line for each need of a test that the machine lacks."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for need, count in reasons.most_common():
        terminalreporter.write_line(f"not run ({count}): tests that need {need}", yellow=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """One certificate authority for the whole run; its CA file is ``authority.ca_file``."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def exchange(authority: CertificateAuthority) -> Iterator[StartExchange]:
    """Start a server: ``exchange(tenant, **options)``; every one stops with the test."""
    with ExitStack() as servers:

        def start(tenant: Tenant, **options: Any) -> SandboxExchange:
            return servers.enter_context(SandboxExchange(tenant, authority, **options))

        yield start


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Return an object store by its name; each is started once for the whole run."""
    running: dict[str, Server] = {}
    with ExitStack() as servers:

        def run(name: str) -> Server:
            start, need = STORES[name]
            if not is_installed(name):
                pytest.skip(need)
            if name not in running:
                running[name] = servers.enter_context(start(tmp_path_factory.mktemp(name)))
            return running[name]

        yield run


@pytest.fixture
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Location:
    """A place for data: a folder or, with ``@EVERYWHERE``, also an empty prefix in a bucket."""
    name = getattr(request, "param", "disk")
    if name == "disk":
        return tmp_path / "place"
    server = request.getfixturevalue("object_store")(name)
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("INSIGHTS_CACHE", str(tmp_path / "cache"))
    return ObjectUrl.parse(server.url) / uuid4().hex


@pytest.fixture
def bucket(place: Location) -> ObjectUrl:
    """A ``place`` in a bucket, for tests with ``@IN_A_BUCKET``."""
    assert isinstance(place, ObjectUrl)
    return place


@pytest.fixture(scope="session")
def empty_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a DAGSTER_HOME without runs: setting up its tables costs more than a night."""
    home = tmp_path_factory.mktemp("history") / ".dagster"
    with open_instance(home):
        return home


@pytest.fixture
def workplace(tmp_path: Path, empty_history: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a company's folder with an empty history of runs; set its password's variable."""
    monkeypatch.setenv("TEST_PASSWORD", "sandbox")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("INSIGHTS_REGIONS", raising=False)
    shutil.copytree(empty_history, tmp_path / ".dagster")
    return tmp_path
