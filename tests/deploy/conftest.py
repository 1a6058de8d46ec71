"""A Postgres and a company whose items carry tokens, for the tests of this folder."""

from collections.abc import Iterator

import pytest

from pipelines.sandbox.wire import CertificateAuthority
from tests.deploy.postgres import Postgres, program, running_postgres
from tests.needs import POSTGRES
from tests.night.conftest import company
from tests.privacy.conftest import planted

__all__ = ["company", "planted"]


@pytest.fixture
def postgres(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Postgres]:
    """A server with an empty database; the environment of this process names it."""
    if not all(map(program, ("initdb", "postgres", "pg_dumpall"))):
        pytest.skip(POSTGRES)
    with running_postgres(authority) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
