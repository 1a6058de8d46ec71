"""NTLM: one handshake per connection, with a server that verifies the response."""

import base64
import ssl
from pathlib import Path

import pytest
import spnego
from cryptography.hazmat.primitives import hashes
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from pipelines.sandbox import server
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.server import Connection
from pipelines.sources import Reach
from pipelines.sources.ews import EwsSource
from tests.conftest import StartExchange
from tests.sources.conftest import OTHER_ROOM, ROOM, WEEK, Open, meetings, refused, room

ACCOUNT = "CONTOSO\\svc-insights"
PASSWORD = "correct horse"


class NtlmConnection(Connection):
    """Accepts only NTLM, and authenticates the connection, not the request."""

    challenge = "NTLM"
    context: spnego.ContextProxy | None = None
    bindings: GssChannelBindings | None = None
    handshakes = 0

    def _is_authorized(self) -> bool:
        if self.context is not None and self.context.complete:
            return True
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind != "NTLM":
            return False
        if self.context is None:
            NtlmConnection.handshakes += 1
            self.context = spnego.server(protocol="ntlm", channel_bindings=self.bindings)
        try:
            token = self.context.step(base64.b64decode(value))
        except SpnegoError:
            self.context, self.challenge = None, "NTLM"
            return False
        self.challenge = f"NTLM {base64.b64encode(token or b'').decode()}"
        return bool(self.context.complete)


@pytest.fixture(autouse=True)
def ntlm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make every sandbox of a test require NTLM."""
    accounts = tmp_path / "accounts"
    accounts.write_text(f"{ACCOUNT.replace(chr(92), ':')}:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(accounts))
    monkeypatch.setattr(server, "Connection", NtlmConnection)
    monkeypatch.setattr(NtlmConnection, "handshakes", 0)


def test_one_handshake_lets_a_worker_read_room_after_room(
    exchange: StartExchange, open_source: Open
) -> None:
    tenant = room(meetings(3))
    source = open_source(exchange(tenant), auth="ntlm", username=ACCOUNT, password=PASSWORD)
    assert len(source.read(ROOM, WEEK)) == len(source.read(ROOM, WEEK)) == 3
    assert NtlmConnection.handshakes == 1


def test_a_connection_that_broke_is_signed_in_again(
    exchange: StartExchange, open_source: Open
) -> None:
    tenant = room(meetings(3))
    tenant.faults.add(Fault("hang_up", times=1))
    source = open_source(exchange(tenant), auth="ntlm", username=ACCOUNT, password=PASSWORD)
    assert len(source.read(ROOM, WEEK)) == 3
    assert NtlmConnection.handshakes == 2


def test_the_handshake_is_bound_to_the_servers_certificate(
    exchange: StartExchange, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = exchange(room(meetings(3)))
    pem = ssl.get_server_certificate(("localhost", running.port))

    def bind_to(end_point: bytes) -> None:
        bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + end_point)
        monkeypatch.setattr(NtlmConnection, "bindings", bindings)

    def sign_in() -> EwsSource:
        return open_source(running, auth="ntlm", username=ACCOUNT, password=PASSWORD)

    digest = hashes.Hash(hashes.SHA256())
    digest.update(ssl.PEM_cert_to_DER_cert(pem))
    bind_to(digest.finalize())
    assert len(sign_in().read(ROOM, WEEK)) == 3
    bind_to(b"another server's certificate")
    assert refused(lambda: sign_in().read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)


def test_a_wrong_password_is_proved_once_and_never_again(
    exchange: StartExchange, open_source: Open
) -> None:
    source = open_source(exchange(room([])), auth="ntlm", username=ACCOUNT, password="wrong")
    assert refused(lambda: source.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert refused(lambda: source.read(OTHER_ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert NtlmConnection.handshakes == 1
