"""The sandbox's connections: TLS, passwords, HTTP, and a clean end."""

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.server import SandboxExchange, serving
from pipelines.sandbox.wire import CertificateAuthority
from tests.conftest import StartExchange
from tests.sandbox.client import OWN_CALENDAR, connected
from tests.sandbox.rooms import DAY, MONDAY, ROOM, meeting, tenant


def handshake(port: int, context: ssl.SSLContext, host: str = "localhost") -> str | None:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.version()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_is_good_for_every_name_of_this_machine(
    exchange: StartExchange, authority: CertificateAuthority, host: str
) -> None:
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    assert handshake(exchange(tenant()).port, context, host) == "TLSv1.3"


def test_another_ca_does_not_vouch_for_the_server(exchange: StartExchange, tmp_path: Path) -> None:
    other = ssl.create_default_context(cafile=str(CertificateAuthority(tmp_path).ca_file))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(exchange(tenant()).port, other)


def test_a_certificate_can_be_for_another_host(tmp_path: Path) -> None:
    wrong = CertificateAuthority(tmp_path, hosts=("elsewhere.example",))
    context = ssl.create_default_context(cafile=str(wrong.ca_file))
    with (
        SandboxExchange(tenant(), wrong) as server,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        handshake(server.port, context)


def test_a_server_can_be_held_to_one_tls_version(
    exchange: StartExchange, authority: CertificateAuthority
) -> None:
    server = exchange(tenant(), maximum_tls=ssl.TLSVersion.TLSv1_2)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    assert handshake(server.port, context) == "TLSv1.2"
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError):
        handshake(server.port, context)


def test_a_server_can_speak_a_version_that_nobody_should(
    exchange: StartExchange, authority: CertificateAuthority
) -> None:
    old = ssl.TLSVersion.TLSv1_1
    server = exchange(tenant(), minimum_tls=ssl.TLSVersion.TLSv1, maximum_tls=old)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    with pytest.raises(ssl.SSLError):
        handshake(server.port, context)
    careless = ssl.create_default_context(cafile=str(authority.ca_file))
    careless.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 "):
        careless.minimum_version = ssl.TLSVersion.TLSv1
    assert handshake(server.port, careless) == "TLSv1.1"


def test_no_private_key_stays_on_disk(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    with SandboxExchange(tenant(), authority):
        assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]
    assert b"PRIVATE" not in authority.ca_file.read_bytes()
    assert stat.S_IMODE(tmp_path.stat().st_mode) & stat.S_IWOTH == 0


@pytest.mark.parametrize("authorization", ["", "Basic bm9ib2R5Og==", "Basic ???", "Bearer x"])
def test_whoever_is_not_the_account_is_asked_for_a_password(
    exchange: StartExchange, authorization: str
) -> None:
    held = tenant()
    with connected(exchange(held)) as client:
        client.authorization = authorization
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM)
    assert (reply.status, reply.data) == (401, b"")
    assert reply.headers["WWW-Authenticate"].startswith("Basic")
    assert [entry.status for entry in held.log] == [401]


def test_a_known_bearer_token_is_let_in(exchange: StartExchange) -> None:
    with connected(exchange(tenant(bearer_tokens={"abc"}))) as client:
        client.authorization = "Bearer abc"
        reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM)
    assert reply.codes == ["NoError"]


def test_one_connection_serves_many_requests(exchange: StartExchange) -> None:
    held = tenant(meeting())
    with connected(exchange(held)) as client:
        for _ in range(3):
            reply = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR, as_=ROOM)
            assert reply.headers["Content-Length"] == str(len(reply.data))
    assert held.log.operations(ROOM) == ["FindItem"] * 3


def test_another_path_is_not_found(exchange: StartExchange) -> None:
    with connected(exchange(tenant())) as client:
        assert client.post(b"", "/EWS/Elsewhere.asmx").status == 404


def test_ews_is_not_spoken_with_get(
    exchange: StartExchange, authority: CertificateAuthority
) -> None:
    server = exchange(tenant())
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    connection = HTTPSConnection("localhost", server.port, context=context, timeout=5)
    connection.request("GET", "/EWS/Exchange.asmx")
    assert connection.getresponse().status == 401
    connection.close()


def test_a_stopped_server_starts_again_on_its_port(exchange: StartExchange) -> None:
    server = exchange(tenant())
    port = server.port
    server.stop()
    with pytest.raises(ConnectionRefusedError), connected(server) as client:
        client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR)
    server.start()
    with connected(server) as client:
        assert client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR).status == 200
    assert server.port == port


def test_the_clock_can_be_wrong(exchange: StartExchange) -> None:
    held = tenant(clock_skew_seconds=86_400 * 400)
    with connected(exchange(held)) as client:
        skewed = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR).headers["Date"]
        held.clock_skew_seconds = 0
        right = client.find(MONDAY, MONDAY + DAY, folder=OWN_CALENDAR).headers["Date"]
    assert skewed[12:16] != right[12:16]


def test_two_regions_are_served_at_once_each_with_its_own_rooms(tmp_path: Path) -> None:
    with serving(("EU", "NA"), tmp_path, rooms=3) as (eu, na):
        assert eu.url != na.url
        assert Path(eu.ca_file) == tmp_path / "eu" / "ca.pem"
    ours = set(generated_tenant("EU", 3).mailboxes) & set(generated_tenant("NA", 3).mailboxes)
    assert ours == {eu.username}


@pytest.mark.parametrize("way", ["end of input", "terminate", "interrupt"])
def test_the_process_of_a_region_says_where_it_is_and_ends_when_told(
    tmp_path: Path, way: str
) -> None:
    command = [sys.executable, "-m", "pipelines.sandbox.server", "--region", "NA", "--rooms", "2"]
    with subprocess.Popen(
        [*command, "--dir", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        if way == "end of input":
            process.stdin.close()
        else:
            os.kill(process.pid, signal.SIGTERM if way == "terminate" else signal.SIGINT)
        assert process.wait(timeout=20) == 0
    over_graph = {"graph_url", "tenant_id", "client_id", "client_secret"}
    assert set(ready) == {"region", "url", "username", "password", "ca_file"} | over_graph
    assert (ready["region"], Path(ready["ca_file"])) == ("NA", tmp_path / "na" / "ca.pem")


def test_a_port_that_is_taken_is_said_in_one_line(exchange: StartExchange, tmp_path: Path) -> None:
    taken = str(exchange(tenant()).port)
    command = [
        sys.executable,
        "-m",
        "pipelines.sandbox.server",
        "--region",
        "EU",
        "--dir",
        str(tmp_path),
    ]
    done = subprocess.run(
        [*command, "--port", taken], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "Error: the sandbox cannot start: Address already in use"
    ]
