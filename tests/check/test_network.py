"""The check of the network below EWS, with and without a proxy."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.check.exchange import resolve, shake_hands
from pipelines.sources import ReadError
from tests.check.asking import CheckNow
from tests.night.workplace import Company

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def proxy(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Run a proxy with a fixed answer to CONNECT; yield its URL and the requests' headers."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=_tunnel, args=(client, answer, heads)).start()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://user:secret@127.0.0.1:{listening.getsockname()[1]}", heads
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _tunnel(client: socket.socket, answer: bytes, heads: list[bytes]) -> None:
    with client:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (byte := client.recv(1)):
                return
            head += byte
        heads.append(head)
        client.sendall(answer)
        if answer is not ESTABLISHED:
            return
        host, port = head.split()[1].decode().split(":")
        with socket.create_connection((host, int(port))) as server:
            back = threading.Thread(target=_pump, args=(server, client))
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_a_handshake_tells_version_issuer_and_expiry(company: Company) -> None:
    made = shake_hands(company.url, company.authority.ca_file)
    assert made is not None
    assert (made.version, made.issuer) == ("TLSv1.3", "Sandbox Exchange CA")
    assert timedelta(days=29) < made.expires_at - datetime.now(UTC) < timedelta(days=31)


def test_a_port_that_does_not_speak_tls_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                client.sendall(REFUSED)
                client.recv(65536)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ReadError) as raised:
            shake_hands(f"https://127.0.0.1:{listening.getsockname()[1]}/", None)
        thread.join()
    assert raised.value.code == "TlsRefused"


def test_a_check_goes_through_the_proxy_of_the_environment(
    company: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(ESTABLISHED) as (url, heads):
        monkeypatch.setenv("HTTPS_PROXY", url)
        assert resolve(company.url) == ("127.0.0.1", ["127.0.0.1"])
        checked = check()
    assert checked.code == 0
    assert "through the proxy 127.0.0.1" in checked.line_of("DNS")
    assert "certificate by Sandbox Exchange CA" in checked.line_of("TLS")
    assert "secret" not in checked.out
    assert all(b"Proxy-Authorization: Basic " in head.title() for head in heads)


def test_a_proxy_that_refuses_is_named_as_the_cause(
    company: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (url, _):
        monkeypatch.setenv("HTTPS_PROXY", url)
        checked = check()
    assert checked.line_of("TLS").endswith("ProxyError")
    assert "Check HTTPS_PROXY" in checked.out


def test_a_login_that_the_proxy_refuses_is_tried_once(
    company: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(REFUSED) as (url, heads):
        monkeypatch.setenv("HTTPS_PROXY", url)
        checked = check()
        assert checked.line_of("TLS").endswith("HTTP407")
        assert "The proxy wants a login" in checked.out
        assert len(heads) == 1
        assert company.run() == 1
        assert len(heads) == 2


def test_a_proxy_that_is_no_plain_http_proxy_is_not_looked_through(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    assert shake_hands(company.url, company.authority.ca_file) is None


def test_a_host_of_no_proxy_is_asked_directly(
    company: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(REFUSED) as (url, heads):
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert check().code == 0
    assert not heads
